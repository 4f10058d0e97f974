"""The layers of an hls4ml project while they are collected from the ops of a graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fasttrig.backends.hls4ml.precision import Precision
from fasttrig.base.fixed import FixedType, Rounding
from fasttrig.ir.graph import Graph
from fasttrig.ir.op_table import OpTable
from fasttrig.ir.ops import Cast, Const, Op, Value


@dataclass(frozen=True, slots=True)
class Hls4mlLayer:
    """One hls4ml layer: a class of hls4ml's (or of ours), its inputs by name, and a type for everything in it.

    `ops` are the ops it computes, in order; the last one's result is what it puts out. `weights` are the
    constants that hls4ml stores, by its name for them.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    attributes: dict[str, Any]
    precisions: dict[str, Precision]
    ops: tuple[Op, ...]
    weights: dict[str, Const] = field(default_factory=dict)

    @property
    def value(self) -> Value:
        return self.ops[-1].result

    @property
    def result(self) -> Precision:
        return self.precisions["result"]

    @property
    def where(self) -> str:
        """The place in the model, for errors."""
        origin = next((op.origin for op in self.ops if op.origin), "")
        return f"op '{self.ops[0].name}'" + (f" ({origin})" if origin else "")


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """The layers in order, and the layer whose output each graph output is."""

    layers: tuple[Hls4mlLayer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    made_by: dict[Value, str]


@dataclass(slots=True)
class Planner:
    """State shared while the ops of one graph become layers."""

    graph: Graph
    streamed: bool
    names: dict[Value, str]
    layers: list[Hls4mlLayer] = field(default_factory=list)
    made_by: dict[Value, str] = field(default_factory=dict)

    def lone_cast(self, op: Op) -> Cast | None:
        """The cast that alone reads the result of `op`, if there is one."""
        cast = self.graph.only_user(op.result)
        # Reason for asking the class: a result type with rounding and overflow is what hls4ml calls a precision.
        if not isinstance(cast, Cast):
            return None
        return None if drops_too_much(op.result.type, cast.result.type, cast.rounding) else cast

    def precision_of(self, value: Value) -> Precision:
        """The precision of the layer that puts out `value`: its type, with the modes of a cast fused into it."""
        return next(layer.precisions["result"] for layer in self.layers if layer.ops[-1].result == value)

    def add(self, kind: str, op: Op, **parts: Any) -> None:
        """A layer that puts out the result of `op`, cast at once where a lone cast follows."""
        cast = self.lone_cast(op)
        ops: tuple[Op, ...] = (op,) if cast is None else (op, cast)
        precision = (
            Precision(op.result.type) if cast is None else Precision(cast.result.type, cast.rounding, cast.overflow)
        )
        self.put(kind, ops, {"result": precision, **parts.pop("precisions", {})}, **parts)

    def put(
        self,
        kind: str,
        ops: tuple[Op, ...],
        precisions: dict[str, Precision],
        *,
        inputs: tuple[Value, ...],
        attributes: dict[str, Any] | None = None,
        weights: dict[str, Const] | None = None,
    ) -> None:
        sources = tuple(self.made_by[item] for item in inputs)
        name = self.names[ops[0].result]
        self.layers.append(Hls4mlLayer(name, kind, sources, attributes or {}, precisions, ops, weights or {}))
        for op in ops:
            self.made_by[op.result] = name

    def separate_outputs(self) -> tuple[str, ...]:
        """One layer of its own per output: a graph input, a reshape or a value put out twice gets a copy.

        So does an array that another layer reads: the tools make a port that is written and read a two-way one.
        """
        names: list[str] = []
        kinds = {layer.name: layer.kind for layer in self.layers}
        read = set() if self.streamed else {name for layer in self.layers for name in layer.inputs}
        for number, value in enumerate(self.graph.outputs):
            name = self.made_by[value]
            if name in names or name in read or kinds[name] in ("InputLayer", "Reshape"):
                name = f"{name}_output{number}"
                copy = Hls4mlLayer(
                    name,
                    "Activation",
                    (self.made_by[value],),
                    {"activation": "linear", "n_in": value.size},
                    {"result": Precision(value.type)},
                    (self.graph.op(value.name),),
                )
                self.layers.append(copy)
            names.append(name)
        return tuple(names)


def drops_too_much(source: FixedType, target: FixedType, rounding: Rounding) -> bool:
    """Whether the vendor's header stops: it reads a bit above the sign when more bits are dropped than there are."""
    return rounding is not Rounding.TRN and source.fraction_bits - target.fraction_bits > source.width


LAYERS: OpTable[[Planner], None] = OpTable("hls4ml layers")
"""Adds the layers of an op to the planner; the rows are in `layer_list` and `own_layers`."""
