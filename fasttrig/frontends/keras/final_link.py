"""A final softmax or sigmoid: left out as the graph's postprocessor, or built from tables that resolve its operand."""

from __future__ import annotations

import math

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding, from_value, to_value
from fasttrig.frontends.keras.activations import MAX_TABLE_BITS, ActivationSite, sigmoid
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.ir.graph import Postprocessor
from fasttrig.ir.ops import Const, Value

LINKS = {"softmax": Postprocessor.SOFTMAX, "sigmoid": Postprocessor.SIGMOID}

COARSEST_STEP_BITS = 4
"""An index step of 2**-4 at most (or the operand's own step, where that is coarser)."""

EXPONENTIAL_TYPE = FixedType(18, 1, signed=False)
INVERSE_TYPE = FixedType(18, 1, signed=False)
PROBABILITY_TYPE = FixedType(16, 0, signed=False)


def lower_link(low: Lowering, value: Value, function: str, layer: str, site: ActivationSite) -> Value:
    """The last softmax or sigmoid of a model, off the chip or on it. Shapes: (..., n) -> same."""
    if low.firmware_links:
        return _FIRMWARE[function](low, value, site)
    if layer != low.link_layer:
        raise UnsupportedError(
            f"a {function} that is not the end of a model with one output",
            where=site.where,
            got=function,
            want="quantised activations inside, and a softmax or sigmoid only at the end",
            try_="take it out of the model and apply it afterwards, or ask for output_activation='firmware'",
        )
    low.postprocessor = LINKS[function]
    return value


def index_type(reach: float, fraction_bits: int, *, signed: bool, where: str) -> FixedType:
    """The table index that spans `reach` (both ways when signed) as finely as `MAX_TABLE_BITS` bits allow.

    Raises
    ------
    UnsupportedError
        If steps of ``2**-4`` (or the operand's, where coarser) need more than 4096 entries.
    """
    integer_bits = max(0, math.ceil(math.log2(reach))) + signed
    needed = integer_bits + min(COARSEST_STEP_BITS, fraction_bits)
    if needed > MAX_TABLE_BITS:
        raise UnsupportedError(
            "a table that resolves these logits is too large",
            where=where,
            got=f"reach {reach:.3g} in steps of 2**-{min(COARSEST_STEP_BITS, fraction_bits)}: {1 << needed} entries",
            want=f"at most {1 << MAX_TABLE_BITS} entries",
            try_="keep the softmax or sigmoid off the chip",
        )
    fraction_bits = min(fraction_bits, MAX_TABLE_BITS - integer_bits)
    width = max(1, integer_bits + fraction_bits)
    return FixedType(width, width - fraction_bits, signed)


def _softmax(low: Lowering, value: Value, site: ActivationSite) -> Value:
    """Index steps as fine as 4096 entries allow, up to where exp is less than half its last bit."""
    reach = (EXPONENTIAL_TYPE.fraction_bits + 1) * math.log(2.0)
    index = index_type(reach, value.type.fraction_bits, signed=False, where=site.where)
    exponential = np.exp(-_entries(index))
    terms = value.shape[-1]
    inverse_bits = terms.bit_length()
    inverse_index = FixedType(MAX_TABLE_BITS, inverse_bits, signed=False)
    sums = np.maximum(_entries(inverse_index) + inverse_index.lsb / 2, 1.0)
    return low.builder.softmax(
        site.name,
        value,
        PROBABILITY_TYPE,
        index_type=index,
        exp_table=_const(low, f"{site.name}_exp_table", EXPONENTIAL_TYPE, exponential),
        inverse_index_type=inverse_index,
        inverse_table=_const(low, f"{site.name}_inverse_table", INVERSE_TYPE, 1.0 / sums),
        origin=site.origin,
    )


def _sigmoid(low: Lowering, value: Value, site: ActivationSite) -> Value:
    reach = (PROBABILITY_TYPE.fraction_bits + 1) * math.log(2.0)
    index = index_type(reach, value.type.fraction_bits, signed=True, where=site.where)
    name = low.names.new(f"{site.name}_index")
    cast = low.builder.cast(name, value, index, Rounding.RND_CONV, Overflow.SAT, origin=site.origin)
    table = _const(low, f"{site.name}_table", PROBABILITY_TYPE, sigmoid(_entries(index)))
    return low.builder.table(site.name, cast, table, "sigmoid", origin=site.origin)


def _entries(fixed_type: FixedType) -> np.ndarray:
    return to_value(np.arange(fixed_type.min_raw, fixed_type.max_raw + 1), fixed_type)


def _const(low: Lowering, name: str, fixed_type: FixedType, values: np.ndarray) -> Const:
    return Const(low.names.new(name), fixed_type, from_value(values, fixed_type))


_FIRMWARE = {"softmax": _softmax, "sigmoid": _sigmoid}
