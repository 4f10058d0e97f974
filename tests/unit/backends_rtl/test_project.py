"""The emitted text: deterministic, pipelined to the clock, packed as documented."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

from alkaid.trace import to_pipeline
from alkaid.trace.passes import add_surrogate

from fasttrig.backends.rtl import emit_rtl
from fasttrig.backends.rtl.pipelining import pipelined
from fasttrig.backends.rtl.ports import Element, input_elements, output_elements, total_bits
from fasttrig.backends.rtl.tracing import trace_graph
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.rtlsim import pack, unpack


def network(n_in=12, n_hidden=10):
    rng = np.random.default_rng(0)
    b = GraphBuilder("net")
    value = b.input("x", (n_in,), FixedType(8, 3))
    for index, (n, m) in enumerate([(n_in, n_hidden), (n_hidden, 3)]):
        value = b.matmul(
            f"fc{index}",
            value,
            Const(f"w{index}", FixedType(6, 1), rng.integers(-32, 32, (n, m))),
            Const(f"b{index}", FixedType(6, 1), rng.integers(-32, 32, m)),
        )
        if index == 0:
            value = b.cast("act", value, FixedType(6, 2, False), Rounding.RND_CONV, Overflow.SAT)
    return b.graph(value)


@pytest.mark.parametrize("clock_period_ns", [2.5, 5.0, 50.0])
def test_every_stage_fits_the_clock(clock_period_ns):
    """By alkaid's delays of each stage on its own; alkaid's own cut is up to an operation longer than asked."""
    pipeline = pipelined(trace_graph(network()).program, clock_period_ns, 12.5)
    longest = max(add_surrogate(stage, _skip_op8_cost=True).latency[1] for stage in cut_by_alkaid(pipeline))
    assert longest <= clock_period_ns * 0.875
    assert pipeline.latency_cycles == pipeline.n_stages + 1
    assert (pipeline.n_stages == 1) == (clock_period_ns == 50.0)


def cut_by_alkaid(pipeline):
    """A program for each stage. alkaid cuts at equal shares of the last latency: here the number of the stage."""
    ops = [op._replace(latency=stage + 1.0) for op, stage in zip(pipeline.program.ops, pipeline.stage_of, strict=True)]
    machine = to_pipeline(pipeline.program._replace(ops=ops), n_stages=pipeline.n_stages, verbose=False)
    assert pipeline.register_bits == sum(signal.width for signal in machine.signals.values() if signal.reg)
    return machine.logic.values()


def test_a_faster_clock_takes_more_stages_and_the_same_logic():
    slow, fast = (pipelined(trace_graph(network()).program, period, 12.5) for period in (5.0, 2.5))
    assert fast.latency_cycles > slow.latency_cycles
    assert fast.register_bits > slow.register_bits and fast.cost == slow.cost


def test_an_operation_longer_than_the_clock_gets_a_stage_and_says_so():
    pipeline = pipelined(trace_graph(network()).program, 0.5, 12.5)
    assert pipeline.longest_stage_ns > pipeline.budget_ns


def test_a_stage_can_be_bounded_and_cycles_can_be_given():
    """A bound on the stage adds registers; spare cycles shorten stages; too few cycles are refused."""
    usual = json.loads(emit_rtl(network(), TargetSettings(clock_period_ns=20.0))["design.json"])
    short = json.loads(emit_rtl(network(), TargetSettings(clock_period_ns=20.0, max_stage_ns=2.5))["design.json"])
    assert short["latency_cycles"] > usual["latency_cycles"] and short["longest_stage_ns"] <= 2.5
    cycles = usual["latency_cycles"] + 2
    spread = json.loads(emit_rtl(network(), TargetSettings(clock_period_ns=20.0, latency_cycles=cycles))["design.json"])
    assert usual["latency_cycles"] < spread["latency_cycles"] <= cycles
    assert spread["longest_stage_ns"] < usual["longest_stage_ns"]
    with pytest.raises(UnsupportedError, match="cannot be that fast") as error:
        emit_rtl(network(), TargetSettings(clock_period_ns=1.0, latency_cycles=2))
    assert "latency_cycles" in error.value.where


def test_the_same_text_in_another_process(tmp_path):
    graph = network()
    digest = hashlib.sha256(repr(sorted(emit_rtl(graph, TargetSettings()).items())).encode()).hexdigest()
    code = (
        "import hashlib, sys; from fasttrig.backends.rtl import emit_rtl; from fasttrig.ir.text import parse_graph;"
        "from fasttrig.settings import TargetSettings; "
        "f = emit_rtl(parse_graph(sys.stdin.read()), TargetSettings());"
        "print(hashlib.sha256(repr(sorted(f.items())).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=print_graph(graph),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        cwd=tmp_path,
        check=True,
    )
    assert done.stdout.strip() == digest


def test_two_designs_fit_into_one_project():
    """No module of a design has a name that another design could have."""
    files = emit_rtl(network(), TargetSettings())
    names = [
        line.split()[1].split("(")[0]
        for path, text in files.items()
        if path.startswith("src/")
        for line in text.splitlines()
        if line.startswith("module ")
    ]
    assert sorted(names) == ["net", "net_act", "net_core", "net_fc0", "net_fc1", "net_x"]
    assert not any(str(Path.home()) in text or "/tmp" in text for text in files.values())


def test_design_file():
    settings = TargetSettings(clock_period_ns=4.0)
    files = emit_rtl(network(), settings)
    content = json.loads(files["design.json"])
    assert content["ii_cycles"] == 1 and content["clock_period_ns"] == 4.0 and content["part"] == settings.part
    assert f"LATENCY_CYCLES = {content['latency_cycles']};" in files["src/net.v"]
    assert set(content["sources"]) == {path for path in files if path.startswith("src/")}
    assert "-period 4 " in files["clock.xdc"] and "-period 4 " in files["clock.sdc"]


def test_elements_lie_next_to_each_other():
    b = GraphBuilder("g")
    kinds = (FixedType(6, 3), FixedType(2, 2))
    x = b.input("x", (2, 2), FixedType(8, 3), channel_types=kinds)
    graph = b.graph(b.relu("r", x))
    found = [(e.low_bit, e.type, e.shift) for e in input_elements(graph)]
    assert found == [(0, kinds[0], 2), (6, kinds[1], 5), (8, kinds[0], 2), (14, kinds[1], 5)]
    assert total_bits(input_elements(graph)) == 16
    assert [e.low_bit for e in output_elements(graph)] == [0, 7, 14, 21]
    assert parse_graph(print_graph(graph)) == graph


def test_packing_is_undone_by_unpacking():
    """Words of 32 bits, least significant first, element 0 in the lowest bits."""
    rng = np.random.default_rng(5)
    elements, raw, low_bit = [], [], 0
    for index in range(40):
        word = FixedType(int(rng.integers(1, 49)), 5, bool(rng.integers(2)))
        shift = int(rng.integers(0, word.width))
        kind = FixedType(word.width - shift, word.integer_bits, word.signed)
        elements.append(Element(f"x{index}", low_bit, kind, word))
        raw.append(rng.integers(kind.min_raw, kind.max_raw, 7, endpoint=True) << shift)
        low_bit += kind.width
    raw = np.stack(raw, axis=1)
    words = pack(elements, raw)
    assert np.array_equal(unpack(elements, words), raw)
    bits = sum(int(word) << (32 * index) for index, word in enumerate(words[0]))
    for element, number in zip(elements, raw[0], strict=True):
        field = bits >> element.low_bit & ((1 << element.type.width) - 1)
        assert field == int(number) >> element.shift & ((1 << element.type.width) - 1)


def test_every_op_ends_in_a_stage_of_the_pipeline():
    found = json.loads(emit_rtl(network(), TargetSettings(clock_period_ns=2.5))["design.json"])
    stages = found["op_stages"]
    assert stages["x"] == 0 and 0 < stages["fc0"] <= stages["act"] <= stages["fc1"] == found["stages"]


def test_an_image_network_is_refused_before_it_is_traced():
    """Every position would be hardware of its own: minutes and hundreds of megabytes of text."""
    b = GraphBuilder("image")
    x = b.input("x", (40, 40, 4), FixedType(8, 3))
    weight = Const.covering("w", np.ones((4, 8), dtype=np.int64), 2)
    graph = b.graph(b.matmul("conv", x, weight, Const.covering("b", np.zeros(8, dtype=np.int64), 2)))
    with pytest.raises(UnsupportedError, match="too large for RTL") as caught:
        emit_rtl(graph, TargetSettings())
    assert caught.value.got == "51,200 products"
