"""LUT, FF and latency of our RTL against its peers, the same model through the same run of Yosys.

jet_bdt: our trees; conifer's VHDL entities with the same trees in the same narrow types (GHDL makes Verilog of them);
qxgb, which traces an XGBoost booster with alkaid. jet_mlp: our network; alkaid's own flow from the same weights and
types with its default options, cut into as many stages as ours, and cut for the same time per stage. Its cut lets
stages be longer than asked, so there is a row of ours for the clock that those stages reach. Every design's program
gives the emulator's numbers, or the benchmark fails (conifer's VHDL is compared by the ladder, rung vhdlsim). "stage"
is the longest stage by alkaid's delay model. Exit code 1: LUT x latency of jet_bdt is above half of conifer's, or LUT
or FF of jet_mlp more than 5 % above alkaid's at as many stages or at the same clock.

    python benchmarks/rtl_synthesis.py [jet_bdt | jet_mlp]

Needs ghdl and iverilog for conifer's row. A row of jet_mlp takes about three minutes on an idle core.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from alkaid.codegen import RTLModel
from alkaid.trace import FVArray, HWConfig, trace
from alkaid.trace.ops import quantize, relu
from alkaid.trace.passes import add_surrogate, optimize
from alkaid.types import CombLogic

import fasttrig
from fasttrig.backends.conifer import emit_vhdl
from fasttrig.backends.rtl import emit_rtl
from fasttrig.base.fixed import IntArray, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Cast, Forest, Input, MatMul, Relu
from fasttrig.ladder.forest_corners import threshold_corners
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.synth import SynthResult, synthesise
from fasttrig.toolchain.yosys import Job, run_yosys, tool_name

MODELS = Path(__file__).resolve().parents[1] / "models"
SETTINGS = TargetSettings()
BUDGET_NS = SETTINGS.clock_period_ns * (1 - SETTINGS.clock_uncertainty_percent / 100)
DELAY_CONSTRAINT = 5
"""alkaid's own default (its option --delay-constraint)."""

TIME_LIMIT_S = 3600.0
N_EVENTS = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    found: SynthResult
    latency_cycles: int
    stage_ns: float | None
    cost: float | None


def ours(graph: Graph, folder: Path, clock_period_ns: float = SETTINGS.clock_period_ns) -> Row:
    settings = SETTINGS.model_copy(update={"clock_period_ns": clock_period_ns})
    project = write(folder, emit_rtl(graph, settings))
    design = json.loads((project / "design.json").read_text())
    found = synthesise(project, mode="flat", time_limit_s=TIME_LIMIT_S)
    name = "fasttrig" + ("" if settings == SETTINGS else f" at {clock_period_ns:g} ns")
    return Row(name, found, design["latency_cycles"], design["longest_stage_ns"], design["alkaid_cost"])


def alkaid(name: str, program: CombLogic, folder: Path, **cut: float) -> Row:
    """What alkaid writes for a program, pipelined by itself."""
    model = RTLModel(program, folder, "peer", "verilog", clock_period=SETTINGS.clock_period_ns, **cut)
    model.write()
    stages = list(model.fsm.logic.values())
    longest = max(add_surrogate(stage, _skip_op8_cost=True).latency[1] for stage in stages)
    sources = tuple(
        sorted(str(path.relative_to(folder)) for path in folder.glob("src/**/*.v") if "wrapper" not in path.name)
    )
    return Row(name, yosys(folder, sources, "peer"), len(stages) + 1, longest, model._comb.cost)


def yosys(folder: Path, sources: Sequence[str], top: str) -> SynthResult:
    outcome = run_yosys(Job(folder, tuple(sources), top, "xcup"), folder / "logs", TIME_LIMIT_S)
    return SynthResult(tool_name(), "xcup", "flat", outcome.netlist.cells, outcome.netlist.levels, outcome.seconds)


def conifer(graph: Graph, folder: Path) -> Row:
    """conifer's entities, as fasttrig writes them: raw integers, the narrowest types, no norm to multiply by."""
    project = write(folder, emit_vhdl(graph, SETTINGS))
    script = (project / "ghdl.sh").read_text().splitlines()
    design = next(line for line in script if line.startswith("for file in Constants"))
    for name in design.removeprefix("for file in ").removesuffix("; do").split():
        tool("ghdl", "-a", "--std=08", "--work=BDT", f"firmware/{name}.vhd", cwd=project)
    text = tool("ghdl", "--synth", "--std=08", "--work=BDT", "--out=verilog", "BDTTop", cwd=project)
    (project / "bdt.v").write_text(text)
    features, score = graph.inputs[0].result, graph.outputs[0]
    width = int(text.split("output [")[1].split(":")[0]) + 1
    bench = Path(__file__).with_name("conifer_latency.v")
    tool(
        "iverilog",
        "-g2012",
        "-o",
        "bench.vvp",
        f"-DX_BITS={features.size * features.type.width}",
        f"-DY_BITS={width}",
        f"-DOUTPUTS={score.size}",
        str(bench),
        "bdt.v",
        cwd=project,
    )
    latency = int(tool("vvp", "-N", "bench.vvp", cwd=project).split()[-1])
    return Row("conifer VHDL", yosys(project, ["bdt.v"], "BDTTop"), latency, None, None)


def qxgb(graph: Graph, folder: Path) -> Row:
    """The booster that jet_bdt was read from, its leaves rounded as fasttrig rounds them."""
    import xgboost
    from alkaid.converter import trace_model

    booster = xgboost.Booster(model_file=MODELS / "jet_bdt" / "jet_bdt.json")
    step = graph.outputs[0].type.lsb
    inputs = variables(graph)
    _, out = trace_model(
        booster,
        inputs=inputs,
        mode="mux",
        framework="xgboost",
        leaf_quantizer=lambda leaf: (np.floor(leaf / step + 0.5) * step, 0.0),
    )
    program = optimize(trace(inputs, out))
    check("qxgb", program, graph, threshold_corners(graph)[graph.inputs[0].name])
    return alkaid("qxgb, alkaid", program, folder, latency_cutoff=BUDGET_NS)


def variables(graph: Graph) -> FVArray:
    kinds = graph.inputs[0].tensor_type.each
    k, i, f = (
        np.array(column)
        for column in zip(
            *((int(t.signed), t.integer_bits - int(t.signed), t.fraction_bits) for t in kinds), strict=True
        )
    )
    return FVArray.from_kif(k, i, f, HWConfig(1, 1, -1), 0.0, {"hard_dc": DELAY_CONSTRAINT})


def network(graph: Graph) -> CombLogic:
    """The network as a user of alkaid writes it, the same weights and types."""
    inputs = x = variables(graph)
    for op in graph.ops:
        if isinstance(op, MatMul):
            x = x @ to_value(op.weight.raw, op.weight.type) + to_value(op.bias.raw, op.bias.type)
        elif isinstance(op, Relu):
            x = relu(x)
        elif isinstance(op, Cast):
            kind = op.result.type
            x = quantize(
                x,
                int(kind.signed),
                kind.integer_bits - int(kind.signed),
                kind.fraction_bits,
                op.overflow.name,
                op.rounding.name,
            )
        elif not isinstance(op, Input):
            raise SystemExit(f"no row for {type(op).__name__}")
    program = optimize(trace(inputs, x))
    kind = graph.inputs[0].result.type
    raw = np.random.default_rng(1).integers(kind.min_raw, kind.max_raw, (N_EVENTS, inputs.size), endpoint=True)
    check("alkaid", program, graph, raw)
    return program


def check(name: str, program: CombLogic, graph: Graph, raw: IntArray) -> None:
    found = program.predict(to_value(raw, graph.inputs[0].result.type), n_threads=1)
    want = to_value(evaluate(graph, raw).outputs[graph.outputs[0].name], graph.outputs[0].type)
    if not np.array_equal(found, want):
        sys.exit(f"{name} differs from the emulator: nothing to compare")


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def tool(*arguments: str, cwd: Path) -> str:
    return subprocess.run(arguments, cwd=cwd, check=True, capture_output=True, text=True).stdout


def show(row: Row) -> None:
    found = row.found
    stage = "" if row.stage_ns is None else f"{row.stage_ns:.2f} ns"
    cost = "" if row.cost is None else f"{row.cost:,.0f}"
    print(
        f"{row.name:<34}{found.lut:>8,}{found.memory_luts:>8,}{found.ff:>8,}{found.carry:>8,}{found.levels:>7}"
        f"{row.latency_cycles:>7}{found.lut * row.latency_cycles:>11,}{stage:>10}{cost:>9}",
        flush=True,
    )


def forest(folder: Path) -> bool:
    graph = fasttrig.read(MODELS / "jet_bdt").graph
    assert any(isinstance(op, Forest) for op in graph.ops)
    mine = ours(graph, folder / "ours")
    show(mine)
    peers: list[tuple[str, tuple[str, ...], Callable[[Graph, Path], Row]]] = [
        ("conifer VHDL", ("ghdl", "iverilog"), conifer),
        ("qxgb, alkaid", (), qxgb),
    ]
    product, good = mine.found.lut * mine.latency_cycles, True
    for name, programs, run in peers:
        missing = [program for program in programs if shutil.which(program) is None]
        try:
            if missing:
                raise ModuleNotFoundError(f"no program {' or '.join(missing)}")
            row = run(graph, folder / name.split(",")[0].replace(" ", "_"))
        except ModuleNotFoundError as error:
            print(f"{name:<34}not run: {error}")
            continue
        show(row)
        ratio = product / (row.found.lut * row.latency_cycles)
        print(f"    LUT x latency, ours over this: {ratio:.3f}")
        good &= ratio <= 0.5 or name != "conifer VHDL"
    return good


def mlp(folder: Path) -> bool:
    """At our clock, with as many stages; and at the clock that alkaid's stages reach when it cuts for ours."""
    graph = fasttrig.read(MODELS / "jet_mlp").graph
    mine = ours(graph, folder / "ours")
    show(mine)
    program = network(graph)
    as_deep = alkaid("alkaid, as many stages", program, folder / "deep", n_stages=mine.latency_cycles - 1)
    show(as_deep)
    good = compared(mine, as_deep)
    cut = alkaid(f"alkaid, cut at {BUDGET_NS:g} ns", program, folder / "cut", latency_cutoff=BUDGET_NS)
    show(cut)
    compared(mine, cut)
    reached_ns = math.ceil(100 * (cut.stage_ns or 0) / (1 - SETTINGS.clock_uncertainty_percent / 100)) / 100
    slow = ours(graph, folder / "slow", reached_ns)
    show(slow)
    return compared(slow, cut) and good


def compared(mine: Row, other: Row) -> bool:
    """Whether LUT and FF are within 5 % or better."""
    lut, ff = mine.found.lut / other.found.lut, mine.found.ff / other.found.ff
    print(f"    {mine.name} over {other.name}: LUT {lut:.3f}, FF {ff:.3f}", flush=True)
    return lut <= 1.05 and ff <= 1.05


def main() -> None:
    wanted = sys.argv[1:] or ["jet_bdt", "jet_mlp"]
    print(f"{tool_name()}, {SETTINGS.part}, {SETTINGS.clock_period_ns} ns, {BUDGET_NS:g} ns per stage")
    print(
        f"{'':<34}{'LUT':>8}{'memory':>8}{'FF':>8}{'carry':>8}{'levels':>7}{'cycles':>7}{'product':>11}"
        f"{'stage':>10}{'cost':>9}"
    )
    good = True
    for name, run in (("jet_bdt", forest), ("jet_mlp", mlp)):
        if name in wanted:
            print(name)
            with tempfile.TemporaryDirectory(prefix="fasttrig-benchmark-") as temporary:
                good &= run(Path(temporary))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
