"""One row per op: the constants and the calls that compute it on plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, cast_raw
from fasttrig.emulator.arithmetic_steps import product_type, sum_type
from fasttrig.emulator.carriers import magnitude
from fasttrig.emulator.compiled import cpp
from fasttrig.emulator.compiled.forest import forest_lines
from fasttrig.emulator.compiled.integers import INT32, CType, compute_type, stored_type
from fasttrig.emulator.compiled.weight_packing import Packing
from fasttrig.emulator.steps import bound_of
from fasttrig.ir.interval import Interval
from fasttrig.ir.op_table import OpTable
from fasttrig.ir.ops import (
    PAD,
    PLAIN_OPS,
    Add,
    ArgMax,
    Cast,
    Compare,
    Concat,
    ElementCast,
    Forest,
    Gather,
    GatherBy,
    Input,
    MatMul,
    Multiply,
    Op,
    Reduce,
    Relu,
    Reshape,
    Rewiring,
    Scale,
    Select,
    Softmax,
    Table,
    TopK,
    Transpose,
    Window,
)


@dataclass(frozen=True, slots=True)
class CompiledSite:
    """An op in its place: proven ranges, and the C++ arrays it reads and writes."""

    op: Op
    operands: tuple[Interval, ...]
    result: Interval
    reads: tuple[str, ...]
    writes: str
    packing: Packing | None = None
    """Of what a Reduce reads and writes, where that is packed."""

    def compute(self, bound: int | None = None) -> CType:
        """The type for everything on the way; `bound` (default: what the reference emulator proves) included."""
        if bound is None:
            bound = bound_of(self.op, self.operands, self.result)
        return compute_type(max(bound, *(magnitude(part) for part in (*self.operands, self.result))), self.op)


@dataclass(frozen=True, slots=True)
class SourcePart:
    """Additions of an op to the source.

    Files of arithmetic, structs of constants, calls in ``network``, planes of one bit per event (array name, number).
    """

    pieces: tuple[str, ...] = ()
    structs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    calls: tuple[str, ...] = ()
    planes: tuple[str, int] = ("", 0)


_ROWS: OpTable[[CompiledSite], SourcePart] = OpTable("compiled emulator functions")


def part_of(site: CompiledSite) -> SourcePart:
    """The part of one op."""
    return _ROWS(site.op, site)


def overflow_lines(kind: str, target: FixedType, overflow: Overflow, possible: bool) -> list[str]:
    """`overflow`, `low` and `high` of a struct of constants; an overflow that cannot happen costs nothing."""
    if not possible:
        return [
            "    static constexpr Overflow overflow = Overflow::none;",
            f"    static constexpr {kind} low = 0, high = 0;",
        ]
    mode = {Overflow.WRAP: "wrap", Overflow.SAT_ZERO: "sat_zero"}.get(overflow, "sat")
    low = target.min_sym_raw if overflow is Overflow.SAT_SYM else target.min_raw
    return [
        f"    static constexpr Overflow overflow = Overflow::{mode};",
        f"    static constexpr {kind} low = {cpp.literal(low)}, high = {cpp.literal(target.max_raw)};",
    ]


def rounding_line(rounding: Rounding) -> str:
    return f"    static constexpr Rounding rounding = Rounding::{rounding.name.lower()};"


def _one(site: CompiledSite, piece: str, kind: CType | None, lines: list[str], *needs: str) -> SourcePart:
    """The usual part: one struct, one call of the function that has the name of its file."""
    head = [f"    using Compute = {kind.name};"] if kind is not None else []
    struct = f"{site.op.name}_op"
    call = f"{piece}<{struct}>({', '.join((*site.reads, site.writes))});"
    return SourcePart((*needs, piece), ((struct, (*head, *lines)),), (call,))


@_ROWS.row(Input, Reshape)
def _nothing(op: Op, site: CompiledSite) -> SourcePart:
    return SourcePart()


@_ROWS.row(MatMul)
def _matmul(op: MatMul, site: CompiledSite) -> SourcePart:
    if op.narrowed and not op.wraps_once:
        return _ordered_matmul(op, site)
    kind = site.compute()
    weight, bias = op.aligned()
    lines = [
        cpp.sizes(rows=op.operand.size // len(weight), n_in=len(weight), n_out=len(bias)),
        *overflow_lines(kind.name, op.accum_type, op.accum_overflow, op.narrowed),
        *cpp.table("bias", bias),
        *cpp.rows("weight", weight.T),
    ]
    return _one(site, "matmul", kind, lines)


def _ordered_matmul(op: MatMul, site: CompiledSite) -> SourcePart:
    kind, accum = site.compute(), op.accum_type
    dropped = -op.shifts[0]
    bias = cast_raw(op.bias.raw.astype(object), op.bias.type, accum, op.accum_rounding, op.accum_overflow)
    n_in, n_out = op.weight.shape
    lines = [
        cpp.sizes(rows=op.operand.size // n_in, n_in=n_in, n_out=n_out),
        cpp.constant("int", "dropped_bits", dropped),
        rounding_line(op.accum_rounding),
        *overflow_lines(kind.name, accum, op.accum_overflow, True),
        *cpp.table("bias", bias),
        *cpp.rows("weight", op.weight.raw.T),
    ]
    return _one(site, "ordered_matmul", kind, lines)


@_ROWS.row(Scale)
def _scale(op: Scale, site: CompiledSite) -> SourcePart:
    factor, offset = op.aligned()
    lines = [
        cpp.sizes(size=op.result.size, channels=len(factor)),
        *cpp.table("factor", factor),
        *cpp.table("offset", offset),
    ]
    return _one(site, "scale", site.compute(), lines)


@_ROWS.row(Cast)
def _cast(op: Cast, site: CompiledSite) -> SourcePart:
    kind, lines = _cast_lines(op, site, site.operands[0])
    return _one(site, "cast", kind, [cpp.sizes(size=op.result.size), *lines])


@_ROWS.row(ElementCast)
def _element_cast(op: ElementCast, site: CompiledSite) -> SourcePart:
    """One call for each distinct type, on the elements that have it."""
    low, high = (end.ravel() for end in (site.operands[0].low, site.operands[0].high))
    structs, calls = [], []
    for number, (cast, places, shift) in enumerate(op.groups):
        name = f"{op.name}_group{number}_op"
        kind, lines = _cast_lines(cast, site, Interval(low[places], high[places]))
        head = [f"    // {cast.result.type}", f"    using Compute = {kind.name};", cpp.sizes(size=len(places))]
        table = cpp.table("elements", places, "std::uint32_t")
        structs.append((name, (*head, cpp.constant("int", "shift", shift), *lines, *table)))
        calls.append(f"element_cast<{name}>({site.reads[0]}, {site.writes});")
    return SourcePart(("element_cast",), tuple(structs), tuple(calls))


def _cast_lines(op: Cast, site: CompiledSite, operand: Interval) -> tuple[CType, list[str]]:
    """The type for everything on the way, and the constants of rounding and overflow."""
    target = op.result.type
    largest = max(1, magnitude(operand))
    # Dropping more than two bits beyond the number's width changes nothing: the result is 0, or -1 if rounding down.
    dropped = min(op.dropped_bits, largest.bit_length() + 2)
    possible = any(op.overflows(operand))
    moved = largest + (1 << dropped) if dropped > 0 else largest << -dropped
    kind = site.compute(moved + (2 << target.width if possible else 0))
    return kind, [
        cpp.constant("int", "dropped_bits", dropped),
        rounding_line(op.rounding),
        *overflow_lines(kind.name, target, op.overflow, possible),
    ]


@_ROWS.row(Relu)
def _relu(op: Relu, site: CompiledSite) -> SourcePart:
    kind = site.compute()
    limited = op.limit_raw is not None and kind.holds(op.limit_raw, op.limit_raw)
    lines = [
        cpp.sizes(size=op.result.size),
        cpp.switch("leaky", op.negative_shift is not None),
        cpp.switch("limited", limited),
        cpp.constant("int", "negative_shift", op.negative_shift or 0),
        cpp.constant(kind.name, "limit", (op.limit_raw or 0) if limited else 0),
    ]
    return _one(site, "relu", kind, lines)


@_ROWS.row(Add)
def _add(op: Add, site: CompiledSite) -> SourcePart:
    return _one(site, "add", site.compute(), _aligned(op, "left", "right"))


@_ROWS.row(Compare)
def _compare(op: Compare, site: CompiledSite) -> SourcePart:
    return _one(site, "compare", site.compute(), _aligned(op, "left", "right"))


def _aligned(op: Add | Compare | Select, *operands: str) -> list[str]:
    """The size, and the shift that brings each operand to the common grid."""
    shifts = zip(operands, op.shifts, strict=True)
    return [
        cpp.sizes(size=op.result.size),
        *(cpp.constant("int", f"{operand}_shift", shift) for operand, shift in shifts),
    ]


@_ROWS.row(Multiply)
def _multiply(op: Multiply, site: CompiledSite) -> SourcePart:
    return _one(site, "multiply", site.compute(), [cpp.sizes(size=op.result.size)])


@_ROWS.row(Reduce)
def _reduce(op: Reduce, site: CompiledSite) -> SourcePart:
    outer, n, inner = op.runs
    kind, group = (site.compute() if op.is_sum else stored_type(site.operands[0], op)).name, 1
    if site.packing is not None:
        kind, group, channels = site.packing.group.cell, site.packing.group.size, op.operand.shape[-1]
        inner = inner // channels * -(-channels // group)
    lines = [
        f"    using Compute = {kind};",
        cpp.sizes(outer=outer, n=n, inner=inner, group=group),
        cpp.switch("packed", site.packing is not None),
        f"    static constexpr Reduction reduction = Reduction::{op.reduction.value};",
    ]
    return _one(site, "reduce", None, lines)


@_ROWS.row(Select)
def _select(op: Select, site: CompiledSite) -> SourcePart:
    return _one(site, "select", site.compute(), _aligned(op, "one", "zero"))


@_ROWS.row(TopK)
def _top_k(op: TopK, site: CompiledSite) -> SourcePart:
    n = op.operand.shape[-1]
    return _one(site, "top_k", None, [cpp.sizes(rows=op.operand.size // n, n=n, k=op.k)])


@_ROWS.row(GatherBy)
def _gather_by(op: GatherBy, site: CompiledSite) -> SourcePart:
    sizes = cpp.sizes(indices=op.index.size, rest=op.n_rest, last=op.operand.shape[0] - 1)
    return _one(site, "gather_by", None, [sizes])


@_ROWS.row(Transpose, Gather, Window)
def _rewiring(op: Rewiring, site: CompiledSite) -> SourcePart:
    """Runs of neighbouring elements are copied whole; a pad is a run of its own kind."""
    runs = np.array(source_runs(op.sources), dtype=np.int64)
    lines = [
        cpp.sizes(runs=len(runs)),
        cpp.constant("std::int64_t", "pad", op.pad),
        *cpp.table("source", runs[:, 0], INT32.name),
        *cpp.table("length", runs[:, 1], INT32.name),
    ]
    return _one(site, "rewire", None, lines)


def source_runs(sources: IntArray) -> list[tuple[int, int]]:
    """(first source, length) of every run of consecutive sources; pads have source -1."""
    flat = sources.ravel()
    follows = np.where(flat[1:] == PAD, flat[:-1] == PAD, (flat[1:] == flat[:-1] + 1) & (flat[:-1] != PAD))
    starts = np.concatenate([[0], np.flatnonzero(~follows) + 1])
    lengths = np.diff(np.concatenate([starts, [len(flat)]]))
    return list(zip(flat[starts].tolist(), lengths.tolist(), strict=True))


@_ROWS.row(Concat)
def _concat(op: Concat, site: CompiledSite) -> SourcePart:
    kind = site.compute()
    inner = int(np.prod(op.result.shape[op.axis + 1 :], dtype=np.int64))
    stride = op.result.shape[op.axis] * inner
    first, structs, calls = 0, [], []
    for index, (part, read) in enumerate(zip(op.parts, site.reads, strict=True)):
        run = part.shape[op.axis] * inner
        name = f"{op.name}_part{index}_op"
        numbers = cpp.sizes(runs=op.result.size // stride, run=run, stride=stride, first=first)
        shift = cpp.constant("int", "shift", op.shifts[index])
        structs.append((name, (f"    using Compute = {kind.name};", numbers, shift)))
        calls.append(f"concat<{name}>({read}, {site.writes});")
        first += run
    return SourcePart(("concat",), tuple(structs), tuple(calls))


@_ROWS.row(Table)
def _table(op: Table, site: CompiledSite) -> SourcePart:
    first = cpp.constant("std::int64_t", "first", op.operand.type.min_raw)
    lines = [
        f"    // {cpp.comment(op.function)}",
        cpp.sizes(size=op.result.size),
        first,
        *cpp.table("entries", op.table.raw),
    ]
    return _one(site, "table", None, lines)


@_ROWS.row(Softmax)
def _softmax(op: Softmax, site: CompiledSite) -> SourcePart:
    n, target = op.operand.shape[-1], op.result.type
    low, high = site.operands[0].bounds
    total = sum_type(op.exp_table.type, n)
    product = product_type(op.exp_table.type, op.inverse_table.type)
    exp_dropped = _index_shift(op.operand.type, op.index_type, high - low)
    inverse_dropped = _index_shift(total, op.inverse_index_type, total.max_raw)
    largest = max(1, product.max_raw)
    dropped = min(product.fraction_bits - target.fraction_bits, product.width + 2)
    moved = largest + (1 << dropped) if dropped > 0 else largest << -dropped
    indices = (1 << op.index_type.width) + (1 << op.inverse_index_type.width)
    kind = site.compute(moved + total.max_raw + (high - low) + indices + (2 << target.width))
    lines = [
        cpp.sizes(
            rows=op.operand.size // n, n=n, exp_entries=len(op.exp_table.raw), inverse_entries=len(op.inverse_table.raw)
        ),
        cpp.constant("int", "exp_dropped_bits", exp_dropped),
        cpp.constant("int", "inverse_dropped_bits", inverse_dropped),
        cpp.constant("int", "dropped_bits", dropped),
        rounding_line(op.rounding),
        *overflow_lines(kind.name, target, op.overflow, True),
        *cpp.table("exp_table", op.exp_table.raw),
        *cpp.table("inverse_table", op.inverse_table.raw),
    ]
    return _one(site, "softmax", kind, lines)


def _index_shift(source: FixedType, index: FixedType, largest: int) -> int:
    """Bits dropped to reach the grid of an index; capped where one more changes nothing."""
    dropped = source.fraction_bits - index.fraction_bits
    return max(-index.width, min(dropped, max(1, largest).bit_length()))


@_ROWS.row(ArgMax)
def _argmax(op: ArgMax, site: CompiledSite) -> SourcePart:
    n = op.operand.shape[-1]
    return _one(site, "argmax", None, [cpp.sizes(rows=op.operand.size // n, n=n)])


@_ROWS.row(Forest)
def _forest(op: Forest, site: CompiledSite) -> SourcePart:
    kind, n_planes, lines = forest_lines(op, site.operands[0])
    struct, planes = f"{op.name}_op", f"{op.name}_planes"
    head = f"    using Compute = {kind.name};"
    call = f"forest<{struct}>({site.reads[0]}, at.{planes}, {site.writes});"
    return SourcePart(("forest",), ((struct, (head, *lines)),), (call,), (planes, n_planes))


_ROWS.complete(PLAIN_OPS)
