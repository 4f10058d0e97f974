"""What a graph must be for the conifer backend: features, one forest, and at most a cast of its score."""

from __future__ import annotations

from dataclasses import dataclass

from fasttrig.backends.hls4ml.planner import drops_too_much
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import INT64_BITS, FixedType
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Cast, Forest, Input, Op


@dataclass(frozen=True, slots=True)
class Parts:
    """The ops of such a graph; `cast` is None where the exact margin itself is put out."""

    source: Input
    forest: Forest
    cast: Cast | None


def is_lone_forest(graph: Graph) -> bool:
    """Whether `graph` is one forest, with at most a cast after it: what conifer's layout can hold."""
    kinds = tuple(type(op) for op in graph.ops)
    return kinds in ((Input, Forest), (Input, Forest, Cast)) and graph.outputs == (graph.ops[-1].result,)


def read_parts(graph: Graph) -> Parts:
    """The ops of `graph`.

    Raises
    ------
    UnsupportedError
        When it holds anything else, or a type that the vendor's header cannot compute with exactly.
    """
    kinds = tuple(type(op) for op in graph.ops)
    if not is_lone_forest(graph):
        raise UnsupportedError(
            "the conifer backend writes one forest",
            where=f"graph '{graph.name}'",
            got=" -> ".join(kind.__name__ for kind in kinds) + f", {len(graph.outputs)} output(s)",
            want="Input -> Forest, or Input -> Forest -> Cast; one output",
            try_="the hls4ml backend writes networks"
            if Forest not in kinds
            else "make the forest's score the only output",
        )
    source, forest = graph.inputs[0], graph.ops_of(Forest)[0]
    cast = next(iter(graph.ops_of(Cast)), None)
    for op in graph.ops:
        _check_width(op, op.result.type)
    if cast is not None and drops_too_much(forest.result.type, cast.result.type, cast.rounding):
        raise UnsupportedError(
            "the vendor's types cannot round away more bits than a number has",
            where=cast.where,
            got=f"{forest.result.type} cast to {cast.result.type}",
            want="a finer target, or truncation (TRN)",
            try_="give the target more fraction bits",
        )
    return Parts(source, forest, cast)


def _check_width(op: Op, fixed_type: FixedType) -> None:
    if fixed_type.width > INT64_BITS:
        raise UnsupportedError(
            "a type is too wide for a forest in firmware",
            where=op.where,
            got=str(fixed_type),
            want=f"at most {INT64_BITS} bits",
            try_="fewer fraction bits",
        )
