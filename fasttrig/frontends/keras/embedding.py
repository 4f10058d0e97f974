"""Embedding: rows of numbers by an integer, as one table for each column."""

from __future__ import annotations

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import INT64_BITS, FloatArray
from fasttrig.frontends.keras.activations import MAX_TABLE_BITS
from fasttrig.frontends.keras.layer_parts import weight_of
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const, Value


def prepare_embedding(low: Lowering, layer: LayerSpec) -> FloatArray:
    """The rows, of shape (n_rows, n_columns); they are float32 numbers and stay what they are."""
    if layer.config.get("mask_zero"):
        raise UnsupportedError(
            "fasttrig cannot hand a mask to the layers after this one",
            where=low.where(layer, "mask_zero"),
            got="True",
            want="False",
            try_="let row 0 be zeros, and multiply by a mask that is an input of the model",
        )
    return weight_of(low, layer, "embeddings").astype(np.float64)


def lower_embedding(low: Lowering, layer: LayerSpec, plan: FloatArray, name: str, operands: list[Value]) -> Value:
    """Shapes: (...) -> (..., n_columns). An integer from n_rows on gives zeros, as TensorFlow does on a GPU."""
    index = operands[0]
    kind = index.type
    if kind.fraction_bits != 0 or kind.min_raw < 0 or kind.width > MAX_TABLE_BITS:
        raise UnsupportedError(
            "the operand of an Embedding is not the number of a row",
            where=low.where(layer),
            got=str(kind),
            want=f"unsigned integers of at most {MAX_TABLE_BITS} bits, such as ufixed<4,4>",
        )
    raw, fraction_bits = _raw(low, layer, plan)
    rows = np.zeros((1 << kind.width, raw.shape[1]), dtype=np.int64)
    rows[: len(raw)] = raw[: len(rows)]
    origin = low.origin(layer)
    if len(rows) > len(raw):
        origin = low.origin(layer, f"zeros from row {len(raw)} on")
    parts = []
    for column, entries in enumerate(rows.T):
        table = Const.covering(low.names.new(f"{name}_table{column}"), entries, fraction_bits)
        part = low.builder.table(low.names.new(f"{name}_{column}"), index, table, "embedding", origin=origin)
        parts.append(
            low.builder.reshape(low.names.new(f"{name}_column{column}"), part, (*index.shape, 1), origin=origin)
        )
    return low.builder.concat(low.names.new(name), tuple(parts), axis=-1, origin=origin)


def _raw(low: Lowering, layer: LayerSpec, plan: FloatArray) -> tuple[np.ndarray, int]:
    """All numbers as integers on their common grid."""
    mantissa, exponent = np.frexp(plan[plan != 0])
    lowest = exponent - 53 + [_trailing_zeros(int(m * 2.0**53)) for m in mantissa]
    fraction_bits = max(0, int(-lowest.min(initial=0)))
    scaled = np.ldexp(plan, fraction_bits)
    if np.abs(scaled).max(initial=0) >= 2.0**INT64_BITS:
        raise UnsupportedError(
            "the numbers of this Embedding need too many bits together",
            where=low.where(layer, "embeddings"),
            got=f"magnitudes from {np.abs(plan[plan != 0]).min():.6g} to {np.abs(plan).max():.6g}",
            want=f"float32 numbers within {INT64_BITS} bits of one grid",
            try_="round the rows to a grid, such as multiples of 2**-8, and save again",
        )
    return scaled.astype(np.int64), fraction_bits


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1
