"""A graph as a program of C++ calls: which arrays there are, which constants, which calls in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import INT64_BITS
from fasttrig.emulator.compiled import cpp
from fasttrig.emulator.compiled.dense import Dense, dense_lines
from fasttrig.emulator.compiled.integers import INT32, INT64, CType, stored_type
from fasttrig.emulator.compiled.memory_layout import MemoryLayout, layout_of
from fasttrig.emulator.compiled.neighbours import neighbour_lines
from fasttrig.emulator.compiled.row_steps import CompiledSite, part_of
from fasttrig.emulator.compiled.weight_packing import Packing
from fasttrig.ir.graph import Graph
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Forest, Input, Op, Value
from fasttrig.ir.ranges import Ranges
from fasttrig.ir.verify import verify
from fasttrig.passes.pipeline import without_loops

BLOCK_EVENTS, PLANE_EVENTS = 64, 512
"""Events in a block, without and with forests."""

SMALLER_BLOCKS, WORKSPACE_BYTES = (32, 16), 1 << 19
"""Blocks for graphs whose workspace would exceed these bytes, a part of a second-level cache."""


@dataclass(slots=True)
class Program:
    """Lines of C++ per place of the source's template, in order; `pieces` are the files of arithmetic they need.

    `columns`, `column_buffers` and `margin` (the array of the first output) are for the source on columns.
    """

    graph: Graph
    ranges: Ranges
    io_type: CType
    pieces: dict[str, None] = field(default_factory=dict)
    structs: list[str] = field(default_factory=list)
    buffers: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    saves: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    column_buffers: list[str] = field(default_factory=list)
    margin: str = ""
    bytes_per_event: int = 0

    def struct(self, name: str, lines: Sequence[str]) -> None:
        self.structs += [f"struct {name} {{", *lines, "};"]

    def buffer(self, kind: str, bits: int, name: str, size: int) -> str:
        """Declare an array of `size` numbers per event; the expression that names it."""
        self.buffers.append(f"    alignas(64) {kind} {name}[{size} * block_events];")
        self.bytes_per_event += size * bits // 8
        return f"at.{name}"

    def planes(self, name: str, size: int) -> None:
        """Declare an array of `size` planes: one bit of every event each."""
        self.buffers.append(f"    Plane {name}[{size}];")
        self.bytes_per_event += -(-size // 8)

    @property
    def block_events(self) -> int:
        """Events in a block: a multiple of every kernel's tile; planes are the widest vectors then."""
        if "forest" in self.pieces:
            return PLANE_EVENTS
        blocks = (BLOCK_EVENTS, *SMALLER_BLOCKS)
        fitting = (events for events in blocks if self.bytes_per_event * events <= WORKSPACE_BYTES)
        return next(fitting, blocks[-1])

    @property
    def workspace_bytes(self) -> int:
        """Bytes of everything between the inputs and the outputs of a block."""
        return self.bytes_per_event * self.block_events


def program_of(graph: Graph) -> Program:
    """Everything the source is made of.

    Raises
    ------
    UnsupportedError
        When an input, an output or a number on the way is too wide.
    GraphError
        If the graph is not well formed.
    """
    graph = without_loops(graph)
    ranges = verify(graph)
    program = Program(graph, ranges, io_type(graph))
    live = graph.live_ops
    plan = layout_of(Graph(graph.name, live, graph.outputs), ranges)
    arrays: dict[Value, str] = {}
    first = 0
    for source in graph.inputs:
        _emit_input(program, plan, source, first, arrays, is_read=source in live)
        first += source.result.size
    for op in live:
        if op.operands and op not in plan.fused and op.result not in plan.windows:
            _emit(program, plan, op, arrays)
    _emit_saves(program, arrays)
    return program


def io_type(graph: Graph) -> CType:
    """The narrower of int32 and int64 that takes every input and output.

    Raises
    ------
    UnsupportedError
        When one of them is wider than 62 bits.
    """
    values = [*(op.result for op in graph.inputs), *graph.outputs]
    for value in values:
        if value.type.width > INT64_BITS:
            raise UnsupportedError(
                "an input or output is too wide for the compiled emulator",
                where=f"value '{value.name}'",
                got=str(value.type),
                want=f"at most {INT64_BITS} bits",
                try_="the NumPy emulator takes any width",
            )
    narrow = all(INT32.holds(value.type.min_raw, value.type.max_raw) for value in values)
    return INT32 if narrow else INT64


def _emit_input(
    program: Program, plan: MemoryLayout, op: Input, first: int, arrays: dict[Value, str], *, is_read: bool
) -> None:
    value, name = op.result, f"{op.name}_input"
    program.struct(name, _input_lines(op, first))
    program.checks.append(f"if (!holds<{name}>(in, n_events))\n        return false;")
    if is_read and value in plan.plain:
        arrays[value] = _plain_buffer(program, op)
        program.loads.append(f"load_plain<{name}>(in, n_events, {arrays[value]});")
    columns = arrays.get(value, f"scratch.{name}")
    if value not in arrays:
        kind = stored_type(program.ranges[value], op)
        program.column_buffers.append(f"    alignas(64) {kind.name} {name}[{value.size} * block_events];")
    program.columns.append(
        f"if (!quantise_columns(columns + {first}, {value.size}, first, n_events, {columns}))\n        return false;"
    )
    for packing in plan.packings(value) if is_read else ():
        array, struct = _packed_buffer(program, plan, value, packing)
        program.loads.append(f"load_packed<{struct}, {name}>(in, n_events, {array});")
        program.columns.append(f"pack<{struct}>({columns}, {array});")
        _declare_pack(program, value, packing, struct)


def _input_lines(op: Input, first: int) -> list[str]:
    kinds = op.channel_types or (op.result.type,)
    shifts = [op.result.type.fraction_bits - kind.fraction_bits for kind in kinds]
    repeats = op.result.size // len(kinds) if op.channel_types else 1
    low = [kind.min_raw << shift for kind, shift in zip(kinds, shifts, strict=True)] * repeats
    high = [kind.max_raw << shift for kind, shift in zip(kinds, shifts, strict=True)] * repeats
    off_grid = [(1 << shift) - 1 for shift in shifts] * repeats
    kind = INT32 if all(INT32.holds(lowest, highest) for lowest, highest in zip(low, high, strict=True)) else INT64
    return [
        f"    // {_shape(op.result)}",
        cpp.sizes(size=op.result.size, first=first),
        cpp.switch("per_element", bool(op.channel_types)),
        *cpp.table("low", low, kind.name),
        *cpp.table("high", high, kind.name),
        *cpp.table("off_grid", off_grid, kind.name),
    ]


def _emit(program: Program, plan: MemoryLayout, op: Op, arrays: dict[Value, str]) -> None:
    layer = plan.dense.get(op.name)
    if layer is not None:
        _emit_dense(program, plan, layer, arrays)
        return
    value = op.result
    if value in plan.same:
        return
    if op.same_integers:
        arrays[value] = arrays[op.operands[0]]
    else:
        _emit_part(program, plan, op, arrays)
    if op.name not in plan.pooled:
        _emit_packs(program, plan, value, arrays)


def _emit_part(program: Program, plan: MemoryLayout, op: Op, arrays: dict[Value, str]) -> None:
    packing = plan.pooled.get(op.name)
    if packing is None:
        writes = arrays[op.result] = _plain_buffer(program, op)
        reads = tuple(arrays[plan.source(operand)] for operand in op.operands)
    else:
        writes, _ = _packed_buffer(program, plan, op.result, packing)
        reads = (f"at.{plan.packed_name(plan.source(op.operands[0]), packing)}",)
    reads = tuple(_near(program, plan, op, *pair, packing) for pair in zip(op.operands, reads, strict=True))
    intervals = tuple(program.ranges[operand] for operand in op.operands)
    part = part_of(CompiledSite(op, intervals, program.ranges[op.result], reads, writes, packing))
    program.pieces.update(dict.fromkeys(part.pieces))
    program.structs += [_comment(op)]
    for name, lines in part.structs:
        program.struct(name, lines)
    if part.planes[1]:
        program.planes(*part.planes)
    program.calls += [_comment(op), *part.calls]


def _near(program: Program, plan: MemoryLayout, op: Op, operand: Value, array: str, packing: Packing | None) -> str:
    """What `op` reads: an array, or the neighbourhoods in it."""
    if operand not in plan.windows:
        return array
    struct = f"{op.name}_near"
    program.struct(struct, neighbour_lines(plan.windows[operand], packing.offset if packing else 0))
    return f"neighbours<{struct}, {'false' if packing is None else 'true'}>({array})"


def _emit_dense(program: Program, plan: MemoryLayout, layer: Dense, arrays: dict[Value, str]) -> None:
    value = layer.result
    direct, operand = plan.direct(value), layer.op.operand
    n_apart = plan.windows[operand].operand.shape[-1] if operand in plan.windows else None
    array = f"at.{plan.packed_name(plan.source(operand), layer.packing)}"
    source = _near(program, plan, layer.op, operand, array, layer.packing)
    struct = f"{layer.op.name}_op"
    comments = [_comment(op) for op in (layer.op, *layer.epilogue.fused)]
    program.structs += comments
    program.struct(struct, dense_lines(layer, program.ranges, direct, n_apart))
    if direct is None:
        arrays[value] = program.buffer(INT32.name, INT32.bits, f"{value.name}_raw", value.size)
        target = arrays[value]
    else:
        target, _ = _packed_buffer(program, plan, value, direct)
    program.pieces["dense"] = None
    program.calls += [*comments, f"Kernels::template dense<{struct}>({source}, {target});"]
    if direct is None:
        _emit_packs(program, plan, value, arrays)


def _emit_packs(program: Program, plan: MemoryLayout, value: Value, arrays: dict[Value, str]) -> None:
    for packing in plan.packings(value):
        array, struct = _packed_buffer(program, plan, value, packing)
        _declare_pack(program, value, packing, struct)
        program.pieces["pack"] = None
        program.calls.append(f"pack<{struct}>({arrays[value]}, {array});")


def _emit_saves(program: Program, arrays: dict[Value, str]) -> None:
    first = 0
    for index, value in enumerate(program.graph.outputs):
        name = f"{value.name}_output{index}"
        program.struct(name, [f"    // {_shape(value)}", cpp.sizes(size=value.size, first=first)])
        program.saves.append(f"store<{name}>({arrays[value]}, out, n_events);")
        first += value.size
    program.margin = arrays[program.graph.outputs[0]]


def _declare_pack(program: Program, value: Value, packing: Packing, struct: str) -> None:
    n = value.shape[-1]
    program.struct(
        struct,
        [
            f"    using Cell = {packing.group.cell};",
            cpp.sizes(rows=value.size // n, n=n),
            cpp.constant("std::int32_t", "offset", packing.offset),
        ],
    )


def _plain_buffer(program: Program, op: Op) -> str:
    interval = program.ranges[op.result]
    # Reason for asking the class: only this emulator's code of a Forest adds in the array of the result itself.
    if isinstance(op, Forest):  # The type holds every partial sum.
        interval = Interval.of_type(op.result.type, op.result.shape)
    kind = stored_type(interval, op)
    return program.buffer(kind.name, kind.bits, f"{op.name}_raw", op.result.size)


def _packed_buffer(program: Program, plan: MemoryLayout, value: Value, packing: Packing) -> tuple[str, str]:
    """The array of a packed value, and the name of the struct that describes it."""
    n, group = value.shape[-1], packing.group.size
    cells = value.size // n * -(-n // group) * group
    name = plan.packed_name(value, packing)
    return program.buffer(packing.group.cell, 32 // group, name, cells), f"{name}_pack"


def _shape(value: Value) -> str:
    return f"{value.name} : ({', '.join(map(str, value.shape))}) {value.type}"


def _comment(op: Op) -> str:
    operands = ", ".join(value.name for value in op.operands)
    origin = f" from {op.origin}" if op.origin else ""
    return cpp.comment(f"// {_shape(op.result)} = {type(op).__name__}({operands}){origin}")
