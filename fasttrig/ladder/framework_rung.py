"""Run a model in what it came from: QKeras for networks, XGBoost for trees, a project's own C++ for hls4ml's."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.design import Design
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.hls4ml_project.project import is_hls4ml_project
from fasttrig.ir.graph import Graph


def raw_outputs(design: Design, graph: Graph, inputs: dict[str, IntArray]) -> dict[str, IntArray]:
    """The framework's outputs as raw integers, under the names of the design's outputs; `graph` is as read."""
    if design.decision is not None:
        return _decided().raw_outputs(design, graph, inputs)
    if design.ensemble is not None:
        from fasttrig.reference.tree_libraries import framework_raw as trees_raw

        found = trees_raw(graph, design.ensemble, design.source, inputs)
    elif _is_project(design):
        from fasttrig.reference.hls4ml_project import project_raw

        found = project_raw(graph, design.source, inputs)
    else:
        from fasttrig.reference.qkeras_run import framework_raw

        found = framework_raw(graph, design.source, inputs, scales=design.scales)
    return {out.name: found[read.name] for out, read in zip(design.graph.outputs, graph.outputs, strict=True)}


def domain(design: Design, graph: Graph) -> str:
    """Where the equality was looked for: how the framework was run, and on which inputs."""
    if design.decision is not None:
        return _decided().domain(design)
    grid = ", ".join(str(op.result.type) for op in graph.inputs)
    if design.ensemble is not None:
        note = f"; {design.ensemble.note}" if design.ensemble.note else ""
        compared = "scores" if design.ensemble.score else "leaves and predictions"
        return f"the {compared} of {design.ensemble.library}, inputs on the grid of {grid}{note}"
    if _is_project(design):
        return f"the project's own C++ with its own headers, inputs on the grid of {grid}"
    from fasttrig.reference.qkeras_run import beyond_float32

    wide = beyond_float32(graph)
    note = f"; in float32, as trained, these sums may round: {', '.join(wide)}" if wide else ""
    own = design.project is not None and design.project.model.quantisation == "fasttrig"
    whose = "; the quantisation is fasttrig's own (`fasttrig quantise`)" if own else ""
    return f"QKeras in float64, inputs on the grid of {grid}{note}{whose}"


def explain(design: Design, graph: Graph, row: dict[str, IntArray]) -> str:
    """Emulator and framework op by op on one event: the first op that differs."""
    if design.decision is not None:
        return "build each tagger alone: its own ladder names the first op that differs"
    if design.ensemble is not None:
        return "compare leaf by leaf: fasttrig.reference.tree_libraries.library_leaves against Ensemble.library_leaves"
    if _is_project(design):
        return "emulator and the project's C++ differ: report the project's parameters.h and nnet_utils"
    from fasttrig.reference.qkeras_run import first_difference, framework_trace, input_values

    trace = framework_trace(design.source, input_values(graph, row), scales=design.scales)
    emulated = evaluate(graph, row, keep={op.name for op in graph.ops}).trace
    found = first_difference(graph, trace, emulated)
    if found is None:
        return "no single layer differs on this event alone"
    op = graph.op(found.op)
    return (
        f"first differing op: '{found.op}' ({op.origin}), {op.result.type}, element {found.index}: emulator "
        f"{found.graph_raw} raw, framework {found.framework_value!r}"
    )


def _is_project(design: Design) -> bool:
    """Whether the model is a finished hls4ml project: its framework is its own C++."""
    return isinstance(design.source, Path) and is_hls4ml_project(design.source)


def float_outputs(design: Design, x: FloatArray) -> list[FloatArray]:
    """Every output of the float twin, (n_events, ...), before a link; x has shape (n_events, n_features).

    x is in the features' own units: scaled here, but neither rounded nor clipped.
    """
    if design.decision is not None:
        return _decided().float_outputs(design, x)
    assert design.inputs is not None and design.project is not None
    twin, x = design.project.path(str(design.project.model.float_file)), design.inputs.scaled(x)
    if design.ensemble is not None:
        from fasttrig.frontends.trees import read_ensemble

        return [read_ensemble(twin).margin(x)]
    from fasttrig.frontends.keras.qkeras import read_spec
    from fasttrig.reference.qkeras_run import framework_predict, twin_inputs

    return list(framework_predict(twin, twin_inputs(read_spec(twin), design.graph, x)).values())


def _decided() -> ModuleType:
    """The runs of a project that combines taggers, which come back here for each of them."""
    from fasttrig.ladder import decided

    return decided
