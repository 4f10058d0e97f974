"""From a graph to firmware and emulators; `table` lists the backends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fasttrig.ir.graph import Graph
    from fasttrig.settings import TargetSettings


def emit(graph: Graph, target: TargetSettings) -> dict[str, str]:
    """The HLS project of `graph` as ``{relative path: text}``, by the backend that supports the graph."""
    from fasttrig.backends.base import Request
    from fasttrig.backends.table import hls_backend

    request = Request(graph, target, version=1, inputs=None, folder=Path())
    return dict(hls_backend(graph, target).emit(request))
