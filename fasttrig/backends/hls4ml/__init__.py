"""The hls4ml backend: a graph as an HLS C++ project with a test bench that compares raw bits."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value
from fasttrig.passes.pipeline import without_loops

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

__all__ = ["emit", "materialised"]


def emit(graph: Graph, target: TargetSettings) -> dict[str, str]:
    """The project as ``{relative path: text}``, sorted; the same bytes for the same graph and target.

    Parameters
    ----------
    target : TargetSettings
        Backend, part, clock, strategy. Without a namespace the project gets ``<graph name>_v1``.

    Raises
    ------
    UnsupportedError
        When hls4ml cannot express the graph, or changed a number, a type or a setting of it.
    """
    from fasttrig.backends.hls4ml import model_graph as model
    from fasttrig.backends.hls4ml import project
    from fasttrig.backends.hls4ml.layer_list import plan
    from fasttrig.backends.hls4ml.names import checked_identifier

    checked_identifier(graph.name, "model's name")
    target = target.model_copy(update={"namespace": target.namespace or f"{graph.name}_v1"})
    graph = without_loops(graph)
    layers = plan(graph, target.io_type)
    built = model.build(layers, graph.name, target, Path(tempfile.gettempdir()))
    return project.texts(layers, graph, built, target)


def materialised(graph: Graph, target: TargetSettings) -> tuple[Value, ...]:
    """The values that have a tensor of their own in the project, in the graph's order: fused ops have none."""
    from fasttrig.backends.hls4ml.layer_list import plan

    graph = without_loops(graph)
    made = {layer.value for layer in plan(graph, target.io_type).layers if layer.kind != "InputLayer"}
    return tuple(op.result for op in graph.ops if op.result in made)
