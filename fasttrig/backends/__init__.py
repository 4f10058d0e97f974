"""From a graph to a firmware project: a lone forest in conifer's layout, everything else through hls4ml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fasttrig.backends.conifer.parts import is_lone_forest
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

__all__ = ["emit", "is_lone_forest"]


def emit(graph: Graph, target: TargetSettings) -> dict[str, str]:
    """The HLS project of `graph` as ``{relative path: text}``; see the `emit` of the two backends."""
    from fasttrig.backends import conifer, hls4ml

    return (conifer if is_lone_forest(graph) else hls4ml).emit(graph, target)
