"""Every tensor of one event: what the firmware has, what real numbers would give, what the float model gives.

Two separate comparisons:

- **Bits.** The C-simulation, with every op an output, against the emulator. Any difference is a fault.
- **Values.** The emulator against `real_numbers`: the same constants with unlimited bits. `difference` has piled up
  from the input on; `loss` is what one op lost by itself, and the first op that loses more than its rounding allows
  (it saturated or wrapped) is marked.

The float model, if there is one, is shown next to both. It was trained separately: `alike` says how far the weights of
a layer are the float model's, so that a reader knows whether its hidden units can be compared one by one.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.built_project import HLS
from fasttrig.base.fixed import FixedType, FloatArray, IntArray, to_value
from fasttrig.data.inputs import InputMap
from fasttrig.data.spread import spread
from fasttrig.design import Design, read_project
from fasttrig.emulator.emulation import postprocess
from fasttrig.emulator.evaluate import evaluate
from fasttrig.emulator.forest import leaf_indices
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest, Op
from fasttrig.passes.pipeline import without_loops
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.csim_trace import simulate_every_op
from fasttrig.trace.real_numbers import evaluate_real, rounding_allowance, rounding_loss
from fasttrig.trace.traced_event import Opened, TracedEvent
from fasttrig.trace.twin import Twin, trace_twin


@dataclass(frozen=True, slots=True)
class Tensor:
    """One op's result on the event; every array has the shape of the result.

    Attributes
    ----------
    real : what real numbers give
    lsb : what one step is worth; of an input, the step of each feature's own type
    loss : what the op itself lost, in steps; `allowance` is the most that rounding loses
    twin : the float model's numbers; `alike` is the correlation of the layer's weights with its; None where unknown
    simulated : raw integers of the C-simulation; None where it was not run, or has no tensor for the op
    """

    name: str
    kind: str
    type: FixedType
    origin: str
    raw: IntArray
    real: FloatArray
    lsb: FloatArray
    loss: FloatArray
    allowance: float
    twin: FloatArray | None = None
    alike: float | None = None
    simulated: IntArray | None = None

    @property
    def value(self) -> FloatArray:
        return to_value(self.raw, self.type)

    @property
    def difference(self) -> FloatArray:
        """Value minus real number."""
        return self.value - self.real

    @property
    def n_beyond(self) -> int:
        """Elements that lost more than rounding does: they saturated or wrapped."""
        return int(np.count_nonzero(np.abs(self.loss) > self.allowance))

    @property
    def n_wrong_bits(self) -> int:
        return 0 if self.simulated is None else int(np.count_nonzero(self.simulated != self.raw))


@dataclass(frozen=True, slots=True)
class TreeExit:
    """The leaf that one tree gave."""

    tree: int
    output: int
    leaf: int
    raw: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """All tensors of one event, in the graph's order."""

    name: str
    event: TracedEvent
    classes: tuple[str, ...]
    tensors: tuple[Tensor, ...]
    scores: dict[str, FloatArray]
    exits: tuple[TreeExit, ...] = ()
    notes: tuple[str, ...] = ()
    built_differs: tuple[str, ...] = field(default=())
    features: tuple[str, ...] = ()

    @property
    def first_wrong_bit(self) -> Tensor | None:
        return next((tensor for tensor in self.tensors if tensor.n_wrong_bits), None)

    @property
    def first_beyond_rounding(self) -> Tensor | None:
        return next((tensor for tensor in self.tensors if tensor.n_beyond), None)

    @property
    def n_compared(self) -> int:
        """Tensors that the C-simulation was compared in."""
        return sum(tensor.simulated is not None for tensor in self.tensors)

    @property
    def bits_equal(self) -> bool:
        return self.first_wrong_bit is None and not self.built_differs


def trace(opened: Opened, event: TracedEvent, *, with_csim: bool = True, with_float: bool = True) -> Trace:
    """Evaluate one event every way there is."""
    design, graph = opened.design, without_loops(opened.design.graph)
    raw = evaluate(graph, event.raw, keep={op.name for op in graph.ops}).trace
    real = evaluate_real(graph, _real_inputs(design, event))
    notes = [] if event.features is not None else ["inputs known only as raw integers: their own rounding is not seen"]
    tensors = [_tensor(op, raw, real, event) for op in graph.ops]
    twin = Twin({}, {}, None, "not asked for")
    if with_float:
        twin = trace_twin(opened, event)
        notes += [f"float model: not run ({twin.reason})"] if twin.reason else []
        tensors = [_with_twin(tensor, twin) for tensor in tensors]
    built_differs: tuple[str, ...] = ()
    if with_csim:
        simulated = simulate_every_op(graph, opened.settings, event.raw)
        tensors = [replace(tensor, simulated=_first(simulated.get(tensor.name))) for tensor in tensors]
        built_differs = _built_differences(opened, event, raw)
    scores = {"fixed": _scores(design, raw), "real": _scores(design, real, is_raw=False)}
    if twin.margins is not None:
        scores["float"] = postprocess(twin.margins, _scoring_graph(opened))[0]
    return Trace(
        graph.name,
        event,
        design.classes,
        tuple(tensors),
        scores,
        _exits(graph, raw),
        tuple(notes),
        built_differs,
        design.inputs.names if design.inputs is not None else (),
    )


def _real_inputs(design: Design, event: TracedEvent) -> dict[str, FloatArray]:
    """Scaled features where they are known, else the values of the raw inputs."""
    if event.features is not None and isinstance(design.inputs, InputMap):
        return spread(design.graph, design.inputs.scaled(event.features))
    return {op.name: to_value(event.raw[op.name], op.result.type) for op in design.graph.inputs}


def _tensor(op: Op, raw: dict[str, IntArray], real: dict[str, FloatArray], event: TracedEvent) -> Tensor:
    steps = [np.ldexp(1.0, -element.fraction_bits) for element in op.element_types]
    lsb = np.resize(steps, op.result.shape)
    if not op.operands:  # an input
        loss = (real[op.name] - to_value(raw[op.name], op.result.type)) / lsb
        allowance = 0.0 if event.features is None else 1.0  # the input map rounds down, and clips
    else:
        loss = rounding_loss(op, [raw[value.name] for value in op.operands], raw[op.name])
        allowance = rounding_allowance(op)
    return Tensor(
        op.name,
        type(op).__name__,
        op.result.type,
        op.origin,
        raw[op.name][0],
        real[op.name][0],
        lsb,
        loss[0],
        allowance,
    )


def _with_twin(tensor: Tensor, twin: Twin) -> Tensor:
    found = twin.values.get(tensor.name)
    if found is None or found.size != tensor.raw.size:
        return tensor
    return replace(tensor, twin=found.reshape(tensor.raw.shape), alike=twin.alike.get(tensor.name))


def _first(array: IntArray | None) -> IntArray | None:
    return None if array is None else array[0]


def _built_differences(opened: Opened, event: TracedEvent, raw: dict[str, IntArray]) -> tuple[str, ...]:
    """Outputs in which the project in the build folder itself, run on a copy, is not the emulator."""
    if opened.folder is None or not (opened.folder / HLS).is_dir():
        return ()
    with tempfile.TemporaryDirectory(prefix="fasttrig-built-") as scratch:
        copy = Path(shutil.copytree(opened.folder / HLS, Path(scratch) / HLS))
        found = csim(copy, [event.raw[op.name] for op in opened.design.graph.inputs]).outputs
    return tuple(name for name, array in found.items() if not np.array_equal(array, raw[name]))


def _scoring_graph(opened: Opened) -> Graph:
    """The graph whose link turns the float model's margins into scores, also where the firmware has the link."""
    project = opened.project
    return opened.design.scoring_graph if project is None else read_project(project).scoring_graph


def _scores(design: Design, found: dict[str, Any], *, is_raw: bool = True) -> FloatArray:
    output = design.graph.outputs[0]
    margins = to_value(found[output.name], output.type) if is_raw else found[output.name]
    return postprocess(margins.reshape(1, -1), design.graph)[0]


def _exits(graph: Graph, raw: dict[str, IntArray]) -> tuple[TreeExit, ...]:
    exits: list[TreeExit] = []
    for op in graph.ops_of(Forest):
        leaves = leaf_indices(op, raw[op.operand.name])[0].tolist()
        exits += [
            TreeExit(tree, int(op.tree_output.raw[tree]), leaf, tuple(op.leaf.raw[leaf].tolist()))
            for tree, leaf in enumerate(leaves)
        ]
    return tuple(exits)
