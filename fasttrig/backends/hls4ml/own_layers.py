"""The hls4ml layers with templates of our own, one row per op: tables, decisions, rewiring, trees."""

from __future__ import annotations

from fasttrig.backends.hls4ml.planner import LAYERS, Planner, drops_too_much
from fasttrig.backends.hls4ml.precision import Precision
from fasttrig.backends.hls_forest import ForestTables, braces, forest_tables
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow
from fasttrig.ir.ops import (
    ArgMax,
    Compare,
    ElementCast,
    Forest,
    Gather,
    GatherBy,
    Op,
    Reduce,
    Rewiring,
    Select,
    Softmax,
    Table,
    TopK,
    Transpose,
    Window,
)


def too_coarse(op: Op, source: str, target: str) -> UnsupportedError:
    return UnsupportedError(
        "the vendor's types cannot round away more bits than a number has",
        where=op.where,
        got=f"{source} cast to {target}",
        want="a finer target, or truncation (TRN)",
        try_="give the target more fraction bits",
    )


@LAYERS.row(Reduce)
def _reduce(op: Reduce, planner: Planner) -> None:
    _parallel_only(op, planner)
    outer, n, inner = op.runs
    attributes = {
        "output_shape": op.result.shape,
        "n_outer": outer,
        "n_reduced": n,
        "n_inner": inner,
        "reduction": op.reduction.value,
    }
    precisions = {"full": Precision(op.result.type)}
    planner.add("FasttrigReduce", op, inputs=(op.operand,), precisions=precisions, attributes=attributes)


@LAYERS.row(TopK)
def _top_k(op: TopK, planner: Planner) -> None:
    _parallel_only(op, planner)
    n = op.operand.shape[-1]
    attributes = {"output_shape": op.result.shape, "n_in": n, "n_outer": op.operand.size // n, "k": op.k}
    planner.add("FasttrigTopK", op, inputs=(op.operand,), attributes=attributes)


@LAYERS.row(GatherBy)
def _gather_by(op: GatherBy, planner: Planner) -> None:
    _parallel_only(op, planner)
    attributes = {
        "output_shape": op.result.shape,
        "n_entries": op.operand.shape[0],
        "n_indices": op.index.size,
        "n_rest": op.n_rest,
    }
    planner.add("FasttrigGatherBy", op, inputs=(op.operand, op.index), attributes=attributes)


@LAYERS.row(ElementCast)
def _element_cast(op: ElementCast, planner: Planner) -> None:
    _parallel_only(op, planner)
    source, group = op.operand.type, [0] * op.result.size
    cases = []
    for number, (cast, places, _) in enumerate(op.groups):
        precision = Precision(cast.result.type, op.rounding, op.overflow)
        cases.append(f"        case {number}: {{ {precision} y = x; return res_T(y); }}")
        for place in places.tolist():
            group[place] = number
    dropped = max(cast.dropped_bits for cast, _, _ in op.groups)
    width = max(source.width, dropped)
    wide = FixedType(width, width - source.fraction_bits, source.signed)
    attributes = {
        "output_shape": op.result.shape,
        "n_in": op.result.size,
        "groups": braces(group),
        "cases": "\n".join(cases),
    }
    precisions = {"wide": Precision(wide)}
    planner.add("FasttrigElementCast", op, inputs=(op.operand,), precisions=precisions, attributes=attributes)


@LAYERS.row(Compare)
def _compare(op: Compare, planner: Planner) -> None:
    _parallel_only(op, planner)
    attributes = {"output_shape": op.result.shape, "n_in": op.result.size}
    planner.add("FasttrigCompare", op, inputs=(op.left, op.right), attributes=attributes)


@LAYERS.row(Select)
def _select(op: Select, planner: Planner) -> None:
    _parallel_only(op, planner)
    attributes = {"output_shape": op.result.shape, "n_in": op.result.size}
    planner.add("FasttrigSelect", op, inputs=(op.condition, op.if_one, op.if_zero), attributes=attributes)


@LAYERS.row(Transpose, Gather, Window)
def _rewiring(op: Rewiring, planner: Planner) -> None:
    """Sources as a function of the element: constants for the compiler, wires for synthesis."""
    _parallel_only(op, planner)
    attributes = {
        "output_shape": op.result.shape,
        "n_in": op.operand.size,
        "n_out": op.result.size,
        "sources": braces(op.sources.ravel().tolist()),
        "pad_raw": op.pad,
    }
    planner.add(
        "FasttrigRewire",
        op,
        inputs=(op.operand,),
        precisions={"full": Precision(op.result.type)},
        attributes=attributes,
    )


def _parallel_only(op: Op, planner: Planner) -> None:
    if planner.streamed:
        raise UnsupportedError(
            "fasttrig has no streaming HLS code for this op",
            where=op.where,
            got=f"{type(op).__name__}, io_stream",
            want="io_parallel",
            try_="io_type = 'io_parallel'",
        )


@LAYERS.row(Table)
def _table(op: Table, planner: Planner) -> None:
    planner.add(
        "FasttrigTable",
        op,
        inputs=(op.operand,),
        precisions={"table": Precision(op.table.type)},
        attributes={
            "output_shape": op.result.shape,
            "table_size": op.table.raw.size,
            "n_in": op.operand.size,
            "is_signed": op.operand.type.signed,
            "function": " ".join(op.function.split()),
        },
        weights={"table": op.table},
    )


@LAYERS.row(Softmax)
def _softmax(op: Softmax, planner: Planner) -> None:
    n_in, source = op.operand.shape[-1], op.operand.type
    a, b = op.exp_table.type, op.inverse_table.type
    product = FixedType(a.width + b.width, a.integer_bits + b.integer_bits, signed=False)
    if drops_too_much(product, op.result.type, op.rounding):
        raise too_coarse(op, f"product {product}", str(op.result.type))
    precisions = {
        "result": Precision(op.result.type, op.rounding, op.overflow),
        "distance": Precision(FixedType(source.width, source.integer_bits, signed=False)),
        "index": Precision(op.index_type, overflow=Overflow.SAT),
        "sum": Precision(FixedType.covering(0, a.max_raw * n_in, a.fraction_bits)),
        "inverse_index": Precision(op.inverse_index_type, overflow=Overflow.SAT),
        "exp": Precision(op.exp_table.type),
        "inverse": Precision(op.inverse_table.type),
    }
    planner.put(
        "FasttrigSoftmax",
        (op,),
        precisions,
        inputs=(op.operand,),
        attributes={
            "output_shape": op.result.shape,
            "n_in": n_in,
            "n_outer": op.operand.size // n_in,
            "exp_size": op.exp_table.raw.size,
            "inverse_size": op.inverse_table.raw.size,
        },
        weights={"exp": op.exp_table, "inverse": op.inverse_table},
    )


@LAYERS.row(ArgMax)
def _argmax(op: ArgMax, planner: Planner) -> None:
    n_in = op.operand.shape[-1]
    attributes = {"output_shape": op.result.shape, "n_in": n_in, "n_outer": op.operand.size // n_in}
    planner.add("FasttrigArgMax", op, inputs=(op.operand,), attributes=attributes)


@LAYERS.row(Forest)
def _forest(op: Forest, planner: Planner) -> None:
    """The trees are constants of the layer's configuration: hls4ml's weights are doubles, these are indices."""
    tables = forest_tables(op)
    planner.add(
        "FasttrigForest",
        op,
        inputs=(op.operand,),
        precisions={"margin": Precision(op.result.type)},
        attributes={
            "output_shape": op.result.shape,
            **tables.sizes,
            **{name: cpp_type for name, cpp_type in tables.types.items() if name != "threshold_t"},
            "tables": "\n".join(_function(tables, name) for name in tables.rows),
        },
    )


def _function(tables: ForestTables, name: str) -> str:
    """A table of constants as a static function of its index."""
    kind = {"threshold": tables.types["threshold_t"], "leaf": tables.types["leaf_t"]}
    kind["base_margin"] = kind["leaf"]
    word = kind.get(name, "int")
    numbers = braces(tables.rows[name].ravel().tolist())
    body = f"static const {word} of[] = {numbers};\n        return of[i];"
    return f"    static {word} {name}(int i) {{\n        {body}\n    }}"
