"""Expected cost of each fitted term, from the structure of the hardware: start value and prior of the fit.

A term that few reports hold stays near its value here, so a design of a new kind is never estimated from a constant
that the fit left free. LUT and FF are per word of 16 bits unless the comment says otherwise; cycles are per count.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Lut(StrEnum):
    """Terms that cost LUTs."""

    ADD = "add"
    CHEAP = "cheap"
    COSTLY = "costly"
    ADDER_GRAPH = "adder_graph"
    NARROW = "narrow"
    RESOURCE_ADD = "resource_add"
    RESOURCE_CHEAP = "resource_cheap"
    RESOURCE_COSTLY = "resource_costly"
    SATURATED = "saturated"
    RESULT = "result"
    ELEMENT_PRODUCT = "element_product"
    STAGES = "stages"
    SHARED_INPUT = "shared_input"
    SHARED_RESULT = "shared_result"
    SHARED_SELECT = "shared_select"
    SHARED_SUM = "shared_sum"
    LINE_WINDOW = "line_window"
    UNROLLED_INPUT = "unrolled_input"
    STREAM_FIFO = "stream_fifo"
    STREAM_LAYER = "stream_layer"
    GATES = "gates"
    SEQUENCE = "sequence"
    RELU = "relu"
    TABLE = "table"
    SCALE = "scale"
    SOFTMAX = "softmax"
    SOFTMAX_UNIT = "softmax_unit"
    POOL_MAX = "pool_max"
    POOL_AVERAGE = "pool_average"
    POOL_DIVIDE = "pool_divide"
    POOL_RECIPROCAL = "pool_reciprocal"
    ONCE_INPUT = "once_input"
    ONCE_SHARED = "once_shared"
    ONCE_STATE = "once_state"


class Ff(StrEnum):
    """Terms that cost flip-flops."""

    HELD = "held"
    LIVE = "live"
    SUM_STAGES = "sum_stages"
    ELEMENT_PRODUCT_PACED = "element_product_paced"
    RESOURCE_RESULT_PACED = "resource_result_paced"
    RESOURCE_PRODUCT_PACED = "resource_product_paced"
    RESOURCE_SUM_PACED = "resource_sum_paced"
    REUSED = "reused"
    SATURATED = "saturated"
    SHARED_MATRIX = "shared_matrix"
    SHARED_RESULT = "shared_result"
    SHARED_DSP = "shared_dsp"
    SHARED_LUT = "shared_lut"
    SHARED_TREE = "shared_tree"
    HANDED_ON = "handed_on"
    LINE_WINDOW = "line_window"
    UNROLLED_INPUT = "unrolled_input"
    STREAM_FIFO = "stream_fifo"
    STREAM_LAYER = "stream_layer"
    GATES = "gates"
    SEQUENCE = "sequence"
    RELU_PACED = "relu_paced"
    RELU_SHARED = "relu_shared"
    TABLE = "table"
    SCALE_PACED = "scale_paced"
    SOFTMAX = "softmax"
    SOFTMAX_STREAM = "softmax_stream"
    POOL = "pool"
    POOL_DIVIDE = "pool_divide"
    ONCE_INPUT = "once_input"
    ONCE_SHARED = "once_shared"
    ONCE_STATE = "once_state"


class Cycles(StrEnum):
    """Terms that cost cycles."""

    MATRIX_PACED = "matrix_paced"
    DEPTH_PACED = "depth_paced"
    DSP_PACED = "dsp_paced"
    RELU_PACED = "relu_paced"
    SCALE_PACED = "scale_paced"
    TABLE = "table"
    SOFTMAX = "softmax"
    STREAM_LAYER = "stream_layer"
    STREAM_TURN_PACED = "stream_turn_paced"
    ELEMENT_PACED = "element_paced"
    POOL_PACED = "pool_paced"
    POOL_DIVIDE = "pool_divide"


LUT: Mapping[Lut, float] = {
    Lut.ADD: 16.0,  # one LUT per bit of an adder
    Lut.CHEAP: 32.0,  # a product of two digits: one adder, wider than its operand
    Lut.COSTLY: 8.0,  # around a DSP
    Lut.ADDER_GRAPH: 16.0,
    Lut.NARROW: 32.0,  # a costly product of narrow operands, in LUTs
    Lut.RESOURCE_ADD: 16.0,
    Lut.RESOURCE_CHEAP: 32.0,
    Lut.RESOURCE_COSTLY: 4.0,
    Lut.SATURATED: 48.0,  # rounding, two comparisons and a multiplexer on every product
    Lut.RESULT: 4.0,
    Lut.ELEMENT_PRODUCT: 24.0,  # of a dense layer applied to every element of a set: a copy and a cast of each product
    Lut.STAGES: 2.0,
    Lut.SHARED_INPUT: 16.0,
    Lut.SHARED_RESULT: 16.0,  # multiplexers before and after shared multipliers
    Lut.SHARED_SELECT: 5.0,
    Lut.SHARED_SUM: 60.0,
    Lut.LINE_WINDOW: 160.0,
    Lut.UNROLLED_INPUT: 80.0,
    Lut.STREAM_FIFO: 8.0,
    Lut.STREAM_LAYER: 60.0,  # per layer: its handshake
    Lut.GATES: 64.0,
    Lut.SEQUENCE: 32.0,
    Lut.RELU: 24.0,
    Lut.TABLE: 60.0,
    Lut.SCALE: 32.0,
    Lut.SOFTMAX: 40.0,
    Lut.SOFTMAX_UNIT: 400.0,  # per softmax: the inversion
    Lut.POOL_MAX: 32.0,
    Lut.POOL_AVERAGE: 16.0,
    Lut.POOL_DIVIDE: 600.0,  # a divider that Vivado HLS keeps, per value
    Lut.POOL_RECIPROCAL: 32.0,  # a product with the reciprocal of the window's size; no report of the table has one
    Lut.ONCE_INPUT: 8.0,
    Lut.ONCE_SHARED: 4000.0,
    Lut.ONCE_STATE: 50.0,
}
FF: Mapping[Ff, float] = {
    Ff.HELD: 16.0,  # inputs, until they are used
    Ff.LIVE: 16.0,  # products and partial sums at a clock edge
    Ff.SUM_STAGES: 16.0,  # of a slow fabric: every partial sum
    Ff.ELEMENT_PRODUCT_PACED: 2.0,
    Ff.RESOURCE_RESULT_PACED: 4.0,
    Ff.RESOURCE_PRODUCT_PACED: 8.0,
    Ff.RESOURCE_SUM_PACED: 1.0,
    Ff.REUSED: 9.0,
    Ff.SATURATED: 8.0,
    Ff.SHARED_MATRIX: 60.0,  # per matrix: its counters
    Ff.SHARED_RESULT: 16.0,
    Ff.SHARED_DSP: 16.0,
    Ff.SHARED_LUT: 2.0,
    Ff.SHARED_TREE: 40.0,  # per multiplier: its product and its sum
    Ff.HANDED_ON: 48.0,  # values kept while a following shared layer works on them
    Ff.LINE_WINDOW: 32.0,
    Ff.UNROLLED_INPUT: 80.0,
    Ff.STREAM_FIFO: 8.0,
    Ff.STREAM_LAYER: 200.0,
    Ff.GATES: 160.0,  # per unit: sums, activations and products of the gates, the state, about ten words
    Ff.SEQUENCE: 6.0,
    Ff.RELU_PACED: 0.3,
    Ff.RELU_SHARED: 32.0,
    Ff.TABLE: 24.0,
    Ff.SCALE_PACED: 10.0,
    Ff.SOFTMAX: 300.0,
    Ff.SOFTMAX_STREAM: 60.0,
    Ff.POOL: 16.0,  # the input's registers, or the window's
    Ff.POOL_DIVIDE: 700.0,
    Ff.ONCE_INPUT: 0.5,
    Ff.ONCE_SHARED: 30.0,
    Ff.ONCE_STATE: 2.0,
}
CYCLES: Mapping[Cycles, float] = {
    Cycles.MATRIX_PACED: 1.0,
    Cycles.DEPTH_PACED: 0.05,
    Cycles.DSP_PACED: 0.1,
    Cycles.RELU_PACED: 0.5,
    Cycles.SCALE_PACED: 0.5,
    Cycles.TABLE: 2.0,
    Cycles.SOFTMAX: 4.0,
    Cycles.STREAM_LAYER: 1.0,
    Cycles.STREAM_TURN_PACED: 2.0,  # reading and writing the FIFO, in states of their own
    Cycles.ELEMENT_PACED: 2.0,
    Cycles.POOL_PACED: 0.3,
    Cycles.POOL_DIVIDE: 20.0,
}
PRIORS: Mapping[str, Mapping[str, float]] = {
    "lut": {term.value: start for term, start in LUT.items()},
    "ff": {term.value: start for term, start in FF.items()},
    "cycles": {term.value: start for term, start in CYCLES.items()},
}

_MULTIPLEXERS = frozenset({"shared_select", "shared_sum", "shared_input", "shared_result", "sequence", "once_shared"})
_INTO_DSP = frozenset({"live", "resource_product_paced", "shared_tree", "shared_dsp", "sum_stages"})
SYNTH_CLASSES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "lut": {"multiplexers": _MULTIPLEXERS},  # HLS counts each multiplexer separately
    "ff": {"into_dsp": _INTO_DSP},  # registers that a DSP has inside
}
SYNTH: Mapping[str, Mapping[str, float]] = {
    "lut": {"multiplexers": 0.3, "rest": 0.52},
    "ff": {"into_dsp": 0.6, "rest": 0.8},
}
"""Fraction of an HLS report that remains after logic synthesis: start values from the published pairs."""


def synth_class(quantity: str, term: str) -> str:
    """The class of a term at logic synthesis."""
    return next((name for name, terms in SYNTH_CLASSES[quantity].items() if term in terms), "rest")
