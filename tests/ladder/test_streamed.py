"""The streamed schedule in RTL: equal to the emulator with waits on both sides, at the timing that it declares."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from rtl_cases import write_vectors
from streamed_graphs import SIGNED, Network, drawn

from fasttrig.backends.rtl import emit_rtl
from fasttrig.backends.table import backends_for
from fasttrig.base.errors import CheckFailed, RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.base.staging import write_texts
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Reduction
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.rtlsim import has_verilator, rtlsim
from fasttrig.toolchain.synth import synthesise
from tests.strategies import random_raw

STREAMED = TargetSettings(rtl_schedule="streamed")
needs_verilator = pytest.mark.skipif(not has_verilator(), reason="Verilator is not installed")


def simulated(graph: Graph, folder, n_events: int = 100, texts: dict[str, str] | None = None):
    """The declared timing, which is also the observed one; every output bit is the emulator's."""
    write_texts(folder, texts or emit_rtl(graph, STREAMED))
    rng = np.random.default_rng(4)
    inputs = {op.name: random_raw(op, n_events, rng) for op in graph.inputs}
    result, want = rtlsim(folder, graph, inputs), evaluate(graph, inputs).outputs
    for name, raw in want.items():
        assert np.array_equal(result.outputs[name], raw), name
    declared = json.loads((folder / "design.json").read_text())
    assert (result.latency_cycles, result.ii_cycles) == (declared["latency_cycles"], declared["ii_cycles"])
    return declared


def image() -> Graph:
    """A padded convolution, a pooling, a dense head."""
    net = Network(1, (6, 6, 2))
    net.conv(3, (3, 3), before=(1, 1), after=(1, 1))
    net.pool((2, 2), Reduction.MAX, stride=(2, 2))
    net.reshape((27,))
    net.dense(3, None)
    return net.graph()


def deep_sets() -> Graph:
    """16 particles with 3 numbers each, a sum over them, five classes."""
    net = Network(2, (16, 3))
    net.dense(8)
    net.dense(8)
    net.reduce(0, Reduction.SUM)
    net.dense(8)
    net.dense(5, None)
    return net.graph()


def growing() -> Graph:
    """The pads of a later stage make it the slowest one; every position has a result."""
    net = Network(3, (5, 5, 1), (FixedType(4, 2),))
    net.conv(2, (1, 1))
    net.conv(1, (5, 5), before=(4, 4), after=(4, 4), pad_raw=3)
    return net.graph()


def vector() -> Graph:
    """No positions: an event is one."""
    net = Network(4, (5,))
    net.dense(4)
    first = net.value
    net.dense(2, None)
    return net.graph(first)


INTERVALS = {
    "image": (image, 8 * 8),
    "deep_sets": (deep_sets, 16),
    "growing": (growing, 13 * 13),
    "vector": (vector, 1),
}


@needs_verilator
@pytest.mark.parametrize("name", INTERVALS)
def test_it_equals_the_emulator(name: str, tmp_path) -> None:
    """The interval is that of the stage with the most places, pads included."""
    make, interval = INTERVALS[name]
    assert simulated(make(), tmp_path)["ii_cycles"] == interval


@needs_verilator
@pytest.mark.parametrize("seed", [*range(10, 13), *(pytest.param(n, marks=pytest.mark.nightly) for n in range(13, 40))])
def test_drawn_networks(seed: int, tmp_path) -> None:
    simulated(drawn(seed), tmp_path)


def broken(files: dict[str, str], path: str, old: str, new: str) -> dict[str, str]:
    assert files[path].count(old) == 1
    return files | {path: files[path].replace(old, new)}


BREAKS = {
    "a FIFO that has always room": ("stream_fifo", "room = places != 0", "room = 1'b1"),
    "a line buffer that does not wait": ("stream_window", "(in_valid || !in_grid)", "1'b1"),
}


@needs_verilator
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_handshake_is_noticed(name: str, tmp_path) -> None:
    module, old, new = BREAKS[name]
    graph = deep_sets()
    texts = broken(emit_rtl(graph, STREAMED), f"src/{graph.name}_{module}.v", old, new)
    with pytest.raises((CheckFailed, AssertionError)):
        simulated(graph, tmp_path, texts=texts)


@needs_verilator
@pytest.mark.nightly
def test_the_projects_own_bench(tmp_path) -> None:
    """With waits of its own; it fails on one wrong bit."""
    graph = growing()
    write_texts(tmp_path, emit_rtl(graph, STREAMED))
    inputs = {op.name: random_raw(op, 20, np.random.default_rng(1)) for op in graph.inputs}
    write_vectors(graph, tmp_path, inputs)
    command = ["make", "verilator", f"VERILATOR={sys.executable} -m verilator"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "PASS: 20 events" in done.stdout, done.stdout + done.stderr
    outputs = tmp_path / "vectors" / "outputs.hex"
    words = outputs.read_text().split()
    words[7] = f"{int(words[7], 16) ^ 1:016x}"
    outputs.write_text("\n".join(words))
    done = subprocess.run(["simulation/verilator/Vtb"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "differ" in done.stdout + done.stderr and "PASS" not in done.stdout


def test_yosys_reads_it(tmp_path) -> None:
    """Real primitives: the registers of line buffers and FIFOs may become memory."""
    write_texts(tmp_path, emit_rtl(image(), STREAMED))
    result = synthesise(tmp_path)
    assert result.lut > 0 and result.ff > 0


def branches() -> Graph:
    """A skip connection around a window, and an axis of the positions turned round."""
    net = Network(5, (4, 4, 1))
    start = net.value
    turned = net.builder.transpose("turned", start, (1, 0, 2))
    net.conv(1, (3, 3), SIGNED, before=(1, 1), after=(1, 1))
    sum_ = net.builder.add("sum", net.value, start)
    return net.builder.graph(sum_, turned)


def test_all_reasons_are_given_at_once() -> None:
    with pytest.raises(RefusalError) as refused:
        emit_rtl(branches(), STREAMED)
    said = str(refused.value)
    assert "2 places" in said and "paths of different length meet" in said and "order of the positions" in said


REFUSED = {
    "VHDL": ({"rtl_language": "vhdl"}, "written in Verilog, without a clock enable"),
    "clock enable": ({"clock_enable": True}, "written in Verilog, without a clock enable"),
    "too slow": ({"latency_cycles": 20}, "is not that fast"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_cannot_be_streamed(name: str) -> None:
    settings, said = REFUSED[name]
    with pytest.raises(UnsupportedError, match=said):
        emit_rtl(deep_sets(), STREAMED.model_copy(update=settings))


def test_no_wrapper_gives_an_event_every_clock() -> None:
    assert "wrappers" not in [row.name for row in backends_for(deep_sets(), STREAMED, "fpga")]
