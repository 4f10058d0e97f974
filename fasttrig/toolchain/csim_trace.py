"""Find the first wrong op when the C-simulation and the emulator disagree."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fasttrig.backends import emit
from fasttrig.backends.table import hls_backend
from fasttrig.base.fixed import IntArray
from fasttrig.emulator.evaluate import check_inputs, evaluate
from fasttrig.ir.graph import Graph
from fasttrig.ir.text import print_op
from fasttrig.passes.pipeline import without_loops
from fasttrig.toolchain.csim import csim

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings


@dataclass(frozen=True, slots=True)
class SimulationDifference:
    """The first op, in the order of the graph, whose raw integers differ.

    `emulated` and `simulated` have the shape of the op's result; `element` counts in it, flattened.
    """

    op: str
    origin: str
    event: int
    element: int
    emulated: IntArray
    simulated: IntArray
    text: str

    def __str__(self) -> str:
        got, want = self.simulated.flat[self.element], self.emulated.flat[self.element]
        place = f" ({self.origin})" if self.origin else ""
        what = f"op '{self.op}'{place}, event {self.event}, element {self.element}"
        return f"{what}: csim {got}, emulated {want}\n{self.text}"


def first_difference(
    graph: Graph, target: TargetSettings, inputs: Mapping[str, IntArray] | IntArray, *, folder: Path | None = None
) -> SimulationDifference | None:
    """Emit the project with every layer's result as an output, and compare op by op. Slow: it compiles once more.

    Parameters
    ----------
    inputs : int arrays, each (n_events, *shape)
        One event is enough.
    folder : Path, optional
        Where the traced project is left; a temporary folder when not given.

    Returns
    -------
    Difference or None
        None when every op agrees.
    """
    graph = without_loops(graph)
    arrays = check_inputs(graph, inputs)
    simulated = simulate_every_op(graph, target, arrays, folder=folder)
    emulated = evaluate(graph, arrays, keep=simulated).trace
    for name, found in simulated.items():
        wrong = np.argwhere((emulated[name] != found).reshape(len(found), -1))
        if len(wrong):
            event, element = int(wrong[0][0]), int(wrong[0][1])
            op = graph.op(name)
            return SimulationDifference(
                op.name, op.origin, event, element, emulated[name][event], found[event], print_op(op)
            )
    return None


def simulate_every_op(
    graph: Graph, target: TargetSettings, inputs: Mapping[str, IntArray] | IntArray, *, folder: Path | None = None
) -> dict[str, IntArray]:
    """Raw integers of every op that has its own tensor in the C-simulation, in the graph's order.

    The project is emitted once more with each of them as an output, and compiled. A forest is one op. Shapes and
    `folder` as in `first_difference`.
    """
    graph = without_loops(graph)
    arrays = check_inputs(graph, inputs)
    traced = replace(graph, outputs=hls_backend(graph, target).tensors(graph, target))
    with tempfile.TemporaryDirectory(prefix="fasttrig-trace-") as temporary:
        place = folder or Path(temporary)
        for name, text in emit(traced, target).items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        simulated = csim(place, [arrays[op.name] for op in graph.inputs]).outputs
    return {value.name: simulated[value.name] for value in traced.outputs}
