"""From a graph to a firmware project: forests through conifer's layout, everything else through hls4ml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings


def has_forest(graph: Graph) -> bool:
    """Whether trees are among the ops."""
    return bool(graph.ops_of(Forest))


def emit(graph: Graph, target: TargetSettings) -> dict[str, str]:
    """The HLS project of `graph` as ``{relative path: text}``; see the `emit` of the two backends."""
    from fasttrig.backends import conifer, hls4ml

    return (conifer if has_forest(graph) else hls4ml).emit(graph, target)
