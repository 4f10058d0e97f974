"""Runs the ladder of a design in its project folder: vectors, framework, C-simulation, physics."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.backends import is_lone_forest
from fasttrig.backends.rtl import written_op_stages
from fasttrig.base.built_project import (
    HLS,
    INPUTS_HEX,
    OUTPUTS_HEX,
    RTL,
    TB_FEATURES,
    TB_PREDICTIONS,
    VECTORS,
    VECTORS_NPZ,
    VHDL,
)
from fasttrig.base.errors import CheckFailed, MissingPackageError, UnsupportedError
from fasttrig.base.fixed import FloatArray, IntArray, to_value
from fasttrig.data.labelled import LabelledSample, load_sample
from fasttrig.design import Design
from fasttrig.emulator.emulation import postprocess
from fasttrig.emulator.evaluate import Evaluation, evaluate
from fasttrig.ir.ops import Forest
from fasttrig.ladder.corners import N_RANDOM, corner_inputs
from fasttrig.ladder.forest_corners import threshold_corners
from fasttrig.ladder.rungs import Mismatch, Rung, Status, climb, not_run
from fasttrig.physics.classification import Agreement
from fasttrig.physics.features import FeatureFacts, feature_facts
from fasttrig.physics.firmware import FirmwarePhysics, firmware_physics
from fasttrig.physics.leaf_grid import LeafGrid, leaf_grid
from fasttrig.physics.saturation import Saturations, saturations
from fasttrig.physics.scores import Scores, one_bit_less, with_errors, with_replicas
from fasttrig.physics.sensitivity import Sensitivity
from fasttrig.physics.task import TaskAgreement, compare_task
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.vectors import copy_some_vectors, write_hex

N_RANDOM_WITHOUT_SAMPLE = 20_000
N_HANDED_OVER = 2_000
"""Events of the golden vectors inside hls/ and rtl/, spread over all of them: `make` runs them in seconds."""
N_VHDL = 2_000
"""Events of the VHDL simulation: GHDL runs a few hundred a second."""
SIMULATED = ("vitis", "vivado")
"""Backends whose C++ headers are at hand."""

NO_MODEL_FILE = "a build folder keeps no model file: build from the model itself, and its framework is run"

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything the checks found.

    Attributes
    ----------
    ladder : the rungs, lowest first
    agreement : float against quantised; None with `agreement_reason` where it cannot be measured
    evaluation : the emulator's run on all compared events, with every op in its trace
    features : what the test split says about each feature, by name
    scores : of every labelled event; None where there are none
    sensitivity : what one bit less costs, per op; empty without labelled events
    firmware : physics of the raw words; None where there are no labelled events
    saturation : what the casts change, on the labelled events, else on all compared ones
    leaf_grid : what rounding the leaves of a forest changes, on the same events
    op_stages : op name -> the pipeline stage of the RTL behind which its result stands; empty without RTL
    """

    ladder: tuple[Rung, ...]
    agreement: TaskAgreement | None
    agreement_reason: str
    evaluation: Evaluation
    features: dict[str, FeatureFacts]
    scores: Scores | None = None
    sensitivity: tuple[Sensitivity, ...] = ()
    op_stages: dict[str, int] = field(default_factory=dict)
    firmware: FirmwarePhysics | None = None
    saturation: Saturations | None = None
    leaf_grid: LeafGrid | None = None


def measure(design: Design, settings: TargetSettings, folder: Path, notify: Notify) -> Measured:
    """Emulate, write vectors, run every rung that can run; `folder` holds the written project."""
    notify("emulating")
    sample = load_sample(design.project, "test") if design.project is not None else None
    inputs = compared_inputs(design, sample)
    evaluation = evaluate(design.graph, inputs, keep={op.name for op in design.graph.ops})
    write_vectors(design, inputs, evaluation, folder / VECTORS)
    for project in (folder / HLS, folder / RTL):
        if project.is_dir():  # each is handed over on its own
            copy_some_vectors(folder / VECTORS, project / VECTORS, N_HANDED_OVER)
    notify("running the framework")
    rungs = [_framework_rung(design, inputs, evaluation)]
    notify("compiling and running the emulator in C++")
    rungs.append(_compiled_rung(design, inputs, evaluation))
    if (folder / HLS).is_dir():
        notify("compiling and running the C-simulation")
        rungs.append(_csim_rung(design, settings, folder, inputs, evaluation))
    notify("compiling and running the RTL simulation")
    rungs.append(_rtlsim_rung(design, settings, folder / RTL, inputs, evaluation))
    if (folder / VHDL).is_dir():
        notify("simulating the VHDL project")
        rungs.append(_vhdl_rung(folder / VHDL, design, inputs, evaluation))
    if (folder / HLS).is_dir():
        rungs.append(_cosim_rung())
    notify("comparing with the float model")
    scores, agreement, reason = _agreement(design, sample, evaluation)
    features, firmware = {}, None
    if design.inputs is not None and sample is not None:
        raw = next(iter(inputs.values()))[: len(sample.x)]
        features = feature_facts(design.inputs, sample, raw)
    if sample is not None and scores is not None:
        outputs = {name: found[: len(sample.x)] for name, found in evaluation.outputs.items()}
        firmware = firmware_physics(design, sample, outputs, scores.quantised)
    n_labelled = len(sample.x) if sample is not None else None
    notify("narrowing every op by one bit")
    return Measured(
        tuple(rungs),
        agreement,
        reason,
        evaluation,
        features,
        scores,
        _sensitivity(design, inputs, scores),
        written_op_stages(folder / RTL),
        firmware,
        saturations(design.graph, evaluation.trace, n_labelled),
        leaf_grid(design, inputs, evaluation.outputs, n_labelled),
    )


def compared_inputs(design: Design, sample: LabelledSample | None) -> dict[str, IntArray]:
    """Raw inputs: the whole test split (or uniform random events where there is no sample), then corner vectors.

    A forest is also given every threshold, one step below and one above.
    """
    n_random = N_RANDOM if sample is not None else N_RANDOM_WITHOUT_SAMPLE
    parts = [corner_inputs(design.graph, n_random=n_random)]
    if design.graph.ops_of(Forest):
        parts.append(threshold_corners(design.graph))
    if sample is not None and design.inputs is not None:
        parts.insert(0, {design.graph.inputs[0].name: design.inputs.to_raw(sample.x)})
    return {op.name: np.concatenate([part[op.name] for part in parts]) for op in design.graph.inputs}


def write_vectors(design: Design, inputs: dict[str, IntArray], evaluation: Evaluation, folder: Path) -> None:
    """Golden vectors of every compared event: raw words in hex, ``.npz``, and hls4ml's ``.dat`` with 17 digits."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = design.graph
    input_types = [op.result.type for op in graph.inputs]
    output_types = [value.type for value in graph.outputs]
    given = [inputs[op.name] for op in graph.inputs]
    found = [evaluation.outputs[value.name] for value in graph.outputs]
    (folder / INPUTS_HEX).write_text(write_hex(given, input_types), encoding="ascii")
    (folder / OUTPUTS_HEX).write_text(write_hex(found, output_types), encoding="ascii")
    names = [f"in_{op.name}" for op in graph.inputs] + [f"out_{value.name}" for value in graph.outputs]
    arrays: dict[str, Any] = dict(zip(names, [*given, *found], strict=True))
    np.savez_compressed(folder / VECTORS_NPZ, **arrays)
    for file, tensors, types in (
        (TB_FEATURES, given, input_types),
        (TB_PREDICTIONS, found, output_types),
    ):
        values = [to_value(a.reshape(len(a), -1), t) for a, t in zip(tensors, types, strict=True)]
        np.savetxt(folder / file, np.concatenate(values, axis=1), fmt="%.17g")


def _framework_rung(design: Design, inputs: dict[str, IntArray], evaluation: Evaluation) -> Rung:
    """The emulator against the framework; types narrowed by hand are the emulator's alone."""
    from fasttrig.ladder import framework_rung as frameworks

    if design.built_folder is not None:
        return not_run("emulate", "framework", NO_MODEL_FILE)
    graph = design.as_read()
    want = evaluation.outputs
    if design.narrowed or design.has_link_in_firmware:
        found = evaluate(graph, inputs).outputs
        want = {out.name: found[read.name] for out, read in zip(design.graph.outputs, graph.outputs, strict=True)}
    rung = climb(
        "emulate",
        "framework",
        lambda: frameworks.raw_outputs(design, graph, inputs),
        want,
        lambda mismatch: frameworks.explain(design, graph, event_of(inputs, mismatch)),
    )
    if rung.status is not Status.EQUAL:
        return rung
    narrowed = f"; before the types narrowed by hand: {', '.join(design.narrowed)}" if design.narrowed else ""
    link = "; before the link that the firmware takes from tables" if design.has_link_in_firmware else ""
    return replace(rung, reason=frameworks.domain(design, graph) + narrowed + link)


def event_of(inputs: dict[str, IntArray], mismatch: Mismatch) -> dict[str, IntArray]:
    """The one event of a mismatch."""
    return {name: array[mismatch.event : mismatch.event + 1] for name, array in inputs.items()}


def _compiled_rung(design: Design, inputs: dict[str, IntArray], evaluation: Evaluation) -> Rung:
    """The generated C++ emulator against the NumPy reference; nothing but a compiler is needed."""
    from fasttrig.toolchain.emulator_library import emulate_compiled

    try:
        return climb("emulate_compiled", "emulate", lambda: emulate_compiled(design.graph, inputs), evaluation.outputs)
    except UnsupportedError as error:
        return not_run("emulate_compiled", "emulate", f"{error.what}: {error.got}")


def _csim_rung(
    design: Design, settings: TargetSettings, folder: Path, inputs: dict[str, IntArray], evaluation: Evaluation
) -> Rung:
    from fasttrig.toolchain.csim import csim
    from fasttrig.toolchain.csim_trace import first_difference

    def explain(mismatch: Mismatch) -> str:
        if is_lone_forest(design.graph):
            return "the forest is one op: compare its leaves with fasttrig.emulator.forest.leaf_indices"
        found = first_difference(design.graph, settings, event_of(inputs, mismatch))
        return f"first differing op: {found}" if found else "no op differs when every op is an output: look at hls/"

    if settings.backend not in SIMULATED:
        return not_run(
            "csim",
            "emulate",
            f"the headers of {settings.backend} do not come with hls4ml; want one of {', '.join(SIMULATED)}",
        )
    given = [inputs[op.name] for op in design.graph.inputs]
    return climb("csim", "emulate", lambda: csim(folder / HLS, given).outputs, evaluation.outputs, explain)


def _rtlsim_rung(
    design: Design, settings: TargetSettings, project: Path, inputs: dict[str, IntArray], evaluation: Evaluation
) -> Rung:
    """The RTL project cycle by cycle, with random waits between events; it must keep the latency it declares."""
    from fasttrig.backends.rtl import declared_latency_cycles, emit_rtl, written_language
    from fasttrig.toolchain.rtlsim import RtlsimResult, rtlsim

    if not project.is_dir():
        try:
            emit_rtl(design.graph, settings)
        except (MissingPackageError, UnsupportedError) as error:
            return not_run("rtlsim", "emulate", f"{error.what}: {error.got}".removesuffix(": "))
        return not_run("rtlsim", "emulate", "no RTL project was written")
    if written_language(project) == "vhdl":
        return _vhdl_bench_rung(project)
    found: list[RtlsimResult] = []

    def simulate() -> dict[str, IntArray]:
        found.append(rtlsim(project, design.graph, inputs))
        return found[0].outputs

    try:
        rung = climb("rtlsim", "emulate", simulate, evaluation.outputs)
    except CheckFailed as error:
        n_events = len(next(iter(inputs.values())))
        return Rung("rtlsim", "emulate", Status.DIFFERS, n_events, n_events, reason=f"{error.what}: {error.got}")
    if rung.status is not Status.EQUAL:
        return rung
    (result,), declared = found, declared_latency_cycles(project)
    if (result.latency_cycles, result.ii_cycles or 1) != (declared, 1):
        return replace(
            rung,
            status=Status.DIFFERS,
            reason=f"latency {result.latency_cycles} cycles, declared "
            f"{declared}; initiation interval {result.ii_cycles}, declared 1",
        )
    rung = replace(rung, tool=result.tool, latency_cycles=result.latency_cycles, ii_cycles=result.ii_cycles)
    return replace(
        rung,
        reason=f"{result.tool}; observed latency {result.latency_cycles} cycles, initiation interval "
        f"{result.ii_cycles}",
    )


def _vhdl_bench_rung(project: Path) -> Rung:
    """RTL written in VHDL: its own self-checking bench in GHDL, on vectors spread evenly over all of them."""
    from fasttrig.toolchain.ghdl import has_ghdl, run_bench

    if not has_ghdl():
        return not_run("rtlsim", "emulate", "GHDL is not installed (Debian's package ghdl)")
    result = run_bench(project, N_VHDL)
    if result.fault:
        return Rung("rtlsim", "emulate", Status.DIFFERS, result.n_events, result.n_events, result.seconds, result.fault)
    reason = f"{result.tool}; the project's own bench, on {result.n_events:,} events; observed latency "
    return Rung(
        "rtlsim",
        "emulate",
        Status.EQUAL,
        result.n_events,
        0,
        result.seconds,
        f"{reason}{result.latency_cycles} cycles",
        result.tool,
        result.latency_cycles,
        1,
    )


def _vhdl_rung(project: Path, design: Design, inputs: dict[str, IntArray], evaluation: Evaluation) -> Rung:
    """conifer's VHDL entities, on events spread evenly over all of them."""
    from fasttrig.toolchain.ghdl import has_ghdl, vhdlsim

    if not has_ghdl():
        return not_run("vhdlsim", "emulate", "GHDL is not installed (Debian's package ghdl)")
    (raw,) = (inputs[op.name] for op in design.graph.inputs)
    chosen = np.unique(np.linspace(0, len(raw) - 1, min(N_VHDL, len(raw))).astype(np.int64))
    want = {name: outputs[chosen] for name, outputs in evaluation.outputs.items()}
    with tempfile.TemporaryDirectory(prefix="fasttrig-ghdl-") as scratch:  # GHDL leaves its work beside the sources
        copy = Path(shutil.copytree(project, Path(scratch) / VHDL))
        rung = climb("vhdlsim", "emulate", lambda: vhdlsim(copy, raw[chosen]).outputs, want)
    reason = f"conifer's VHDL in GHDL, on {len(chosen):,} events spread over the {len(raw):,}"
    return replace(rung, reason=rung.reason or reason)


def _cosim_rung() -> Rung:
    tool = next((name for name in ("vitis_hls", "vitis-run", "vivado_hls") if shutil.which(name)), None)
    if tool is None:
        return not_run("cosim", "csim", "no vendor tool on PATH (vitis_hls, vitis-run, vivado_hls)")
    return not_run("cosim", "csim", f"{tool} is there: `make cosim` in hls/ runs it")


def _agreement(
    design: Design, sample: LabelledSample | None, evaluation: Evaluation
) -> tuple[Scores | None, TaskAgreement | None, str]:
    """Scores of the labelled events, the comparison of both models, and why there is none."""
    if design.built_folder is not None:
        return None, None, "a build folder keeps no labelled sample; build from a model.toml"
    if design.project is None or sample is None:
        return None, None, "a bare model has no labelled sample; build from a model.toml"
    outputs = {name: raw[: len(sample.labels)] for name, raw in evaluation.outputs.items()}
    quantised = design.interpret(outputs, "raw").scores
    real, reason = _float_model(design, sample)
    data = design.project.data
    scores = with_replicas(Scores(sample.labels, quantised, real, design.classes, data.is_regression))
    if real is None:
        return scores, None, reason
    agreement = compare_task(data, real, quantised, sample.labels)
    if isinstance(agreement, Agreement) and scores.replicas is not None:
        agreement = with_errors(agreement, scores.replicas)
    return scores, agreement, ""


def _float_model(design: Design, sample: LabelledSample) -> tuple[FloatArray | None, str]:
    """Its scores, or why there are none."""
    if design.project is None or design.project.model.float_file is None:
        return None, "model.toml names no float_file"
    try:
        return float_scores(design, sample), ""
    except MissingPackageError as error:
        return None, f"{error.what}: {error.got}"


def _sensitivity(design: Design, inputs: dict[str, IntArray], scores: Scores | None) -> tuple[Sensitivity, ...]:
    if scores is None:
        return ()
    n_events = len(scores.truth)
    return one_bit_less(design, {name: array[:n_events] for name, array in inputs.items()}, scores)


def float_scores(design: Design, sample: LabelledSample) -> FloatArray:
    """Scores of the float twin on features that are scaled, but neither rounded nor clipped."""
    from fasttrig.ladder import framework_rung as frameworks

    assert design.inputs is not None and design.project is not None
    twin = design.project.path(str(design.project.model.float_file))
    margins = frameworks.float_margins(design, twin, design.inputs.scaled(sample.x))
    return postprocess(margins, design.scoring_graph)
