"""Hardware cost of decisions on raw words: small graphs after the output, estimated in the same way as the design."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.design import Design, read_again
from fasttrig.estimate.from_graph import from_graph
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.ir.ops import Const, Softmax, Value
from fasttrig.report.document import DecisionCostRow
from fasttrig.report.estimates import count_row
from fasttrig.report.hardware import ReportStage
from fasttrig.settings import TargetSettings

_STAGE = ReportStage.ESTIMATED_SYNTH


def decision_costs(design: Design, settings: TargetSettings) -> list[DecisionCostRow]:
    """Of each decision beyond a comparison of one word; empty where nothing is calibrated or there is one word."""
    output = design.graph.outputs[0]
    if output.size < 2:
        return []
    graphs = {"lead": _lead(output), "largest": _largest(output)}
    softmax = _softmax(design)
    if softmax is not None:
        graphs["softmax"] = softmax
    try:
        found = {name: from_graph(graph, settings, stage=_STAGE.step) for name, graph in graphs.items()}
    except UnsupportedError:
        return []
    return [
        DecisionCostRow(
            decision=name,
            stage=_STAGE,
            lut=count_row(estimate.lut),
            latency_cycles=count_row(estimate.latency_cycles),
        )
        for name, estimate in found.items()
    ]


def _lead(output: Value) -> Graph:
    """The word of a class minus each other one; all differences reach the threshold when the lead does."""
    n = output.size
    weights = np.vstack([np.ones((1, n - 1), dtype=np.int64), -np.eye(n - 1, dtype=np.int64)])
    builder = GraphBuilder("lead")
    words = builder.input("words", (n,), output.type)
    none = Const.covering("none", np.zeros(n - 1, dtype=np.int64), 0)
    return builder.graph(builder.matmul("lead", words, Const.covering("signs", weights, 0), none))


def _largest(output: Value) -> Graph:
    builder = GraphBuilder("largest")
    return builder.graph(builder.argmax("largest", builder.input("words", (output.size,), output.type)))


def _softmax(design: Design) -> Graph | None:
    """The softmax that ``output_activation = "firmware"`` would build; None where the host has none to give away."""
    is_network = (
        design.decision is None and design.ensemble is None and design.graph.postprocessor is Postprocessor.SOFTMAX
    )
    if design.project is None or design.built_folder is not None or not is_network:
        return None
    try:
        graph = read_again(design, replace(design.options, output_activation="firmware")).graph
    except UnsupportedError:  # its table would be too large
        return None
    softmax = next((op for op in graph.ops_of(Softmax) if op.result == graph.outputs[0]), None)
    if softmax is None:  # a cast of its result, or another op, follows it
        return None
    builder = GraphBuilder("softmax")
    words = builder.input("words", softmax.operand.shape, softmax.operand.type)
    builder.ops.append(replace(softmax, operand=words))
    return builder.graph(softmax.result)
