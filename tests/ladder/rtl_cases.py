"""Helpers of the RTL tests: alkaid's program of a graph on raw integers, projects on disk, graphs with every op."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fasttrig.backends.rtl import emit_rtl
from fasttrig.backends.rtl.ports import input_elements, output_elements
from fasttrig.backends.rtl.tracing import trace_graph
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.passes.pipeline import without_loops
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.vectors import write_hex


def traced_outputs(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Raw outputs of alkaid's own interpreter; it knows real numbers only, which are exact up to 52 bits."""
    graph = without_loops(graph)
    columns = np.concatenate([inputs[op.name].reshape(len(inputs[op.name]), -1) for op in graph.inputs], axis=1)
    lsb = np.array([element.word_type.lsb for element in input_elements(graph)])
    found = trace_graph(graph).program.predict(columns * lsb, n_threads=1)
    scaled = found / np.array([element.word_type.lsb for element in output_elements(graph)])
    assert (scaled == np.rint(scaled)).all(), "a result is not on the grid of its type"
    raw, outputs, start = scaled.astype(np.int64), {}, 0
    for value in graph.outputs:
        outputs[value.name] = raw[:, start : start + value.size].reshape(len(raw), *value.shape)
        start += value.size
    return outputs


def write_project(
    graph: Graph, folder: Path, settings: TargetSettings | None = None, language: str = "verilog"
) -> Path:
    """The project in ``folder/rtl``."""
    for name, text in emit_rtl(graph, settings or TargetSettings(), language).items():
        path = folder / "rtl" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "rtl"


def write_vectors(graph: Graph, folder: Path, inputs: Mapping[str, np.ndarray]) -> None:
    """``folder/vectors``, where the project's test bench looks for them."""
    outputs = evaluate(graph, inputs).outputs
    (folder / "vectors").mkdir()
    for name, arrays, values in (
        ("inputs", inputs, [op.result for op in graph.inputs]),
        ("outputs", outputs, graph.outputs),
    ):
        text = write_hex([arrays[value.name] for value in values], [value.type for value in values])
        (folder / "vectors" / f"{name}.hex").write_text(text, encoding="ascii")
