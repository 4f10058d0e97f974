"""Which layer of the framework an op comes from, and the last op of each layer."""

from __future__ import annotations

import re

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Op

_LAYER = re.compile(r"(?P<models>(?: > model '[^']+')*) > layer '(?P<layer>.+?)'(?: > |$)")
_MODEL = re.compile(r" > model '([^']+)'")


def layer_ends(graph: Graph) -> dict[str, Op]:
    """The last op that each layer of the framework became, by layer name, in the graph's order."""
    found: dict[str, Op] = {}
    for op in graph.ops:
        layer = layer_of(op)
        if layer is not None:
            found.pop(layer, None)
            found[layer] = op
    return found


def layer_of(op: Op) -> str | None:
    """The framework's layer that an op comes from, by its origin."""
    match = _LAYER.search(op.origin)
    return "/".join([*_MODEL.findall(match["models"]), match["layer"]]) if match else None
