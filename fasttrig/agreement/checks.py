"""Runs the ladder of a design in its project folder: vectors, framework, C-simulation, physics."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.agreement.corners import corner_inputs
from fasttrig.agreement.ladder import Mismatch, Rung, Status, climb, not_run
from fasttrig.agreement.physics import Agreement, compare
from fasttrig.data.labelled import LabelledSample, load_sample
from fasttrig.design import Design, postprocess
from fasttrig.emulator.evaluate import Evaluation, evaluate
from fasttrig.errors import MissingPackageError
from fasttrig.fixed import FloatArray, IntArray, to_value
from fasttrig.project import TargetSettings
from fasttrig.toolchain.vectors import write_hex

N_RANDOM_WITHOUT_SAMPLE = 20_000
HLS = "hls"
SIMULATED = ("vitis", "vivado")
"""Backends whose C++ headers are at hand."""

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything the checks found.

    Attributes
    ----------
    ladder : the rungs, lowest first
    agreement : float against quantised; None with `agreement_reason` where it cannot be measured
    evaluation : the emulator's run on all compared events, with every op in its trace
    clipped : share of the test split outside each feature's range
    """

    ladder: tuple[Rung, ...]
    agreement: Agreement | None
    agreement_reason: str
    evaluation: Evaluation
    clipped: dict[str, float]


def measure(design: Design, settings: TargetSettings, folder: Path, notify: Notify) -> Measured:
    """Emulate, write vectors, run every rung that can run; `folder` holds the written project."""
    notify("emulating")
    sample = load_sample(design.project, "test") if design.project is not None else None
    inputs = compared_inputs(design, sample)
    evaluation = evaluate(design.graph, inputs, keep={op.name for op in design.graph.ops})
    write_vectors(design, inputs, evaluation, folder / "vectors")
    notify("running the framework")
    rungs = [_framework_rung(design, inputs, evaluation)]
    notify("compiling and running the C-simulation")
    rungs.append(_csim_rung(design, settings, folder, inputs, evaluation))
    rungs.append(_cosim_rung())
    notify("comparing with the float model")
    agreement, reason = _agreement(design, sample, evaluation)
    clipped = design.inputs.clipped_fractions(sample.x) if design.inputs and sample else {}
    return Measured(tuple(rungs), agreement, reason, evaluation, clipped)


def compared_inputs(design: Design, sample: LabelledSample | None) -> dict[str, IntArray]:
    """Raw inputs: the whole test split (or uniform random events where there is no sample), then corner vectors."""
    if sample is None or design.inputs is None:
        return corner_inputs(design.graph, n_random=N_RANDOM_WITHOUT_SAMPLE)
    corners = corner_inputs(design.graph)
    name = design.graph.inputs[0].name
    return {name: np.concatenate([design.inputs.to_raw(sample.x), corners[name]])}


def write_vectors(design: Design, inputs: dict[str, IntArray], evaluation: Evaluation, folder: Path) -> None:
    """Golden vectors of every compared event: raw words in hex, ``.npz``, and hls4ml's ``.dat`` with 17 digits."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = design.graph
    input_types = [op.result.type for op in graph.inputs]
    output_types = [value.type for value in graph.outputs]
    given = [inputs[op.name] for op in graph.inputs]
    found = [evaluation.outputs[value.name] for value in graph.outputs]
    (folder / "inputs.hex").write_text(write_hex(given, input_types), encoding="ascii")
    (folder / "outputs.hex").write_text(write_hex(found, output_types), encoding="ascii")
    names = [f"in_{op.name}" for op in graph.inputs] + [f"out_{value.name}" for value in graph.outputs]
    arrays: dict[str, Any] = dict(zip(names, [*given, *found], strict=True))
    np.savez_compressed(folder / "vectors.npz", **arrays)
    for file, tensors, types in (
        ("tb_input_features.dat", given, input_types),
        ("tb_output_predictions.dat", found, output_types),
    ):
        values = [to_value(a.reshape(len(a), -1), t) for a, t in zip(tensors, types, strict=True)]
        np.savetxt(folder / file, np.concatenate(values, axis=1), fmt="%.17g")


def _framework_rung(design: Design, inputs: dict[str, IntArray], evaluation: Evaluation) -> Rung:
    """The emulator against the framework run in float64; types narrowed by hand are the emulator's alone."""
    from fasttrig.frontends.qkeras_run import framework_raw

    graph = design.as_trained()
    want = evaluate(graph, inputs).outputs if design.narrowed else evaluation.outputs
    rung = climb("emulate", "framework", lambda: framework_raw(graph, design.source, inputs), want,
                 lambda mismatch: _explain_framework(design, inputs, mismatch))  # fmt: skip
    if not design.narrowed or rung.status is not Status.EQUAL:
        return rung
    return replace(rung, reason=f"before the types narrowed by hand: {', '.join(design.narrowed)}")


def _explain_framework(design: Design, inputs: dict[str, IntArray], mismatch: Mismatch) -> str:
    """Emulator and framework op by op on the first wrong event."""
    from fasttrig.frontends.qkeras_run import first_difference, framework_trace, input_values

    row = {name: array[mismatch.event : mismatch.event + 1] for name, array in inputs.items()}
    graph = design.as_trained()
    trace = framework_trace(design.source, input_values(graph, row))
    emulated = evaluate(graph, row, keep={op.name for op in graph.ops}).trace
    found = first_difference(graph, trace, emulated)
    if found is None:
        return "no single layer differs on this event alone"
    op = graph.op(found.op)
    return (f"first differing op: '{found.op}' ({op.origin}), {op.result.type}, element {found.index}: emulator "
            f"{found.graph_raw} raw, framework {found.framework_value!r}")  # fmt: skip


def _csim_rung(
    design: Design, settings: TargetSettings, folder: Path, inputs: dict[str, IntArray], evaluation: Evaluation
) -> Rung:
    from fasttrig.toolchain.csim import csim
    from fasttrig.toolchain.csim_trace import first_difference

    def explain(mismatch: Mismatch) -> str:
        row = {name: array[mismatch.event : mismatch.event + 1] for name, array in inputs.items()}
        found = first_difference(design.graph, settings, row)
        return f"first differing op: {found}" if found else "no op differs when every op is an output: look at hls/"

    if settings.backend not in SIMULATED:
        return not_run("csim", "emulate", f"the headers of {settings.backend} do not come with hls4ml; "
                       f"want one of {', '.join(SIMULATED)}")  # fmt: skip
    given = [inputs[op.name] for op in design.graph.inputs]
    return climb("csim", "emulate", lambda: csim(folder / HLS, given).outputs, evaluation.outputs, explain)


def _cosim_rung() -> Rung:
    tool = next((name for name in ("vitis_hls", "vitis-run", "vivado_hls") if shutil.which(name)), None)
    if tool is None:
        return not_run("cosim", "csim", "no vendor tool on PATH (vitis_hls, vitis-run, vivado_hls)")
    return not_run("cosim", "csim", f"{tool} is there: `make cosim` in hls/ runs it")


def _agreement(
    design: Design, sample: LabelledSample | None, evaluation: Evaluation
) -> tuple[Agreement | None, str]:
    if design.project is None or sample is None:
        return None, "a bare model has no labelled sample; build from a model.toml"
    if design.project.model.float_file is None:
        return None, "model.toml names no float_file"
    try:
        scores = float_scores(design, sample)
    except MissingPackageError as error:
        return None, f"{error.what}: {error.got}"
    n_events = len(sample.labels)
    outputs = {name: raw[:n_events] for name, raw in evaluation.outputs.items()}
    quantised = design.interpret(outputs, "raw").scores
    return compare(scores, quantised, sample.labels, design.project.data.classes), ""


def float_scores(design: Design, sample: LabelledSample) -> FloatArray:
    """Scores of the float twin on features that are scaled, but neither rounded nor clipped."""
    from fasttrig.frontends.qkeras_run import framework_predict

    assert design.inputs is not None and design.project is not None
    twin = design.project.path(str(design.project.model.float_file))
    logits = next(iter(framework_predict(twin, design.inputs.scaled(sample.x)).values()))
    return postprocess(logits, design.graph.postprocessor)
