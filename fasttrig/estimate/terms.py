"""What each fitted term should cost, from how the hardware is made: the fit starts there and is drawn back to it.

A term that few reports hold stays near its value here, so a design of a new kind is never estimated from a constant
that the fit left free. LUT and FF are per word of 16 bits unless the comment says otherwise; cycles are per count.
"""

from __future__ import annotations

from collections.abc import Mapping

LUT: Mapping[str, float] = {
    "add": 16.0,  # one LUT per bit of an adder
    "cheap": 32.0,  # a product of two digits: one adder, wider than its operand
    "costly": 8.0,  # around a DSP
    "adder_graph": 16.0,
    "narrow": 32.0,  # a costly product of narrow operands, in LUTs
    "resource_add": 16.0,
    "resource_cheap": 32.0,
    "resource_costly": 4.0,
    "saturated": 48.0,  # rounding, two comparisons and a multiplexer on every product
    "result": 4.0,
    "element_product": 24.0,  # of a dense layer applied to every element of a set: a copy and a cast of each product
    "stages": 2.0,
    "shared_input": 16.0,
    "shared_result": 16.0,  # multiplexers in front of and behind shared multipliers
    "shared_select": 5.0,
    "shared_sum": 60.0,
    "line_window": 160.0,
    "unrolled_input": 80.0,
    "stream_fifo": 8.0,
    "stream_layer": 60.0,  # per layer: its handshake
    "gates": 64.0,
    "sequence": 32.0,
    "relu": 24.0,
    "table": 60.0,
    "scale": 32.0,
    "softmax": 40.0,
    "softmax_unit": 400.0,  # per softmax: the inversion
    "pool_max": 32.0,
    "pool_average": 16.0,
    "pool_divide": 600.0,  # a divider that Vivado HLS keeps, per value
    "pool_reciprocal": 32.0,  # a product with the reciprocal of the window's size; no report of the table has one
    "once_input": 8.0,
    "once_shared": 4000.0,
    "once_state": 50.0,
}
FF: Mapping[str, float] = {
    "held": 16.0,  # inputs, until they are used
    "live": 16.0,  # products and partial sums at a clock edge
    "sum_stages": 16.0,  # of a slow fabric: every partial sum
    "element_product_paced": 2.0,
    "resource_result_paced": 4.0,
    "resource_product_paced": 8.0,
    "resource_sum_paced": 1.0,
    "reused": 9.0,
    "saturated": 8.0,
    "shared_matrix": 60.0,  # per matrix: its counters
    "shared_result": 16.0,
    "shared_dsp": 16.0,
    "shared_lut": 2.0,
    "shared_tree": 40.0,  # per multiplier: its product and its sum
    "handed_on": 48.0,  # values kept while a following shared layer works on them
    "line_window": 32.0,
    "unrolled_input": 80.0,
    "stream_fifo": 8.0,
    "stream_layer": 200.0,
    "gates": 160.0,  # per unit: sums, activations and products of the gates, the state, about ten words
    "sequence": 6.0,
    "relu_paced": 0.3,
    "relu_shared": 32.0,
    "table": 24.0,
    "scale_paced": 10.0,
    "softmax": 300.0,
    "softmax_stream": 60.0,
    "pool": 16.0,  # the input's registers, or the window's
    "pool_divide": 700.0,
    "once_input": 0.5,
    "once_shared": 30.0,
    "once_state": 2.0,
}
CYCLES: Mapping[str, float] = {
    "matrix_paced": 1.0,
    "depth_paced": 0.05,
    "dsp_paced": 0.1,
    "relu_paced": 0.5,
    "scale_paced": 0.5,
    "table": 2.0,
    "softmax": 4.0,
    "stream_layer": 1.0,
    "stream_turn_paced": 2.0,  # reading and writing the FIFO, in states of their own
    "element_paced": 2.0,
    "pool_paced": 0.3,
    "pool_divide": 20.0,
}
PRIORS: Mapping[str, Mapping[str, float]] = {"lut": LUT, "ff": FF, "cycles": CYCLES}

_MULTIPLEXERS = frozenset({"shared_select", "shared_sum", "shared_input", "shared_result", "sequence", "once_shared"})
_INTO_DSP = frozenset({"live", "resource_product_paced", "shared_tree", "shared_dsp", "sum_stages"})
SYNTH_CLASSES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "lut": {"multiplexers": _MULTIPLEXERS},  # HLS counts each as if it stood alone
    "ff": {"into_dsp": _INTO_DSP},  # registers that a DSP has inside
}
SYNTH: Mapping[str, Mapping[str, float]] = {
    "lut": {"multiplexers": 0.3, "rest": 0.52},
    "ff": {"into_dsp": 0.6, "rest": 0.8},
}
"""What logic synthesis leaves of an HLS report: start values, after the medians of the published pairs."""


def synth_class(quantity: str, term: str) -> str:
    """The class of a term at logic synthesis."""
    return next((name for name, terms in SYNTH_CLASSES[quantity].items() if term in terms), "rest")
