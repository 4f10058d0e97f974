"""The conifer backend: a forest as an Xilinx HLS project, as conifer's JSON for ``conifer.h``, as a VHDL project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fasttrig.backends.conifer.parameters import emit_json
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

__all__ = ["emit", "emit_json", "emit_vhdl"]


def emit(graph: Graph, target: TargetSettings) -> dict[str, str]:
    """The Xilinx HLS project as ``{relative path: text}``, sorted; the same bytes for the same graph and target.

    Raises
    ------
    UnsupportedError
        When the graph is more than a forest and a cast of its score, or too wide for exact firmware.
    """
    from fasttrig.backends.conifer import hls

    return hls.texts(graph, target)


def emit_vhdl(graph: Graph, target: TargetSettings) -> dict[str, str]:
    """conifer's VHDL project as ``{relative path: text}``, sorted; simulate it with `toolchain.ghdl`.

    Raises
    ------
    UnsupportedError
        For a cast after the forest, numbers of more than 31 bits, or trees too deep to fill up.
    """
    from fasttrig.backends.conifer import vhdl

    return vhdl.texts(graph, target)
