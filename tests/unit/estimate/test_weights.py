"""Which products of constants cost a DSP: checked against DSP counts of published reports."""

import math

import numpy as np
import pytest

from fasttrig.estimate.constants import count_products, expected_products, signed_digits
from fasttrig.estimate.structure import live_words
from fasttrig.estimate.types import Width, magnitude_bits, parse_width, zero_share


def test_signed_digits_are_those_of_the_canonical_form():
    """1, 2: wiring; 3 = 4 - 1; 11 = 8 + 4 - 1; 45 = 32 + 16 - 4 + 1."""
    assert signed_digits(np.array([0, 1, 2, 3, -7, 11, 45, 127])).tolist() == [0, 1, 1, 2, 2, 3, 4, 2]


def test_digits_far_apart_are_costly():
    """257 = 256 + 1 needs an adder as long as a product; 129 = 128 + 1 does not."""
    assert count_products(np.array([[257], [129]])).costly == 1


def test_narrow_operands_take_no_dsp():
    """From 21 bits of product on: 16 x 5 is one (13 needs 4 bits and a sign), 12 x 5 is none."""
    products = count_products(np.array([[13], [43]]))
    assert [products.wide(21 - bits - 1) for bits in (16, 15, 14, 12)] == [2, 1, 1, 0]


def test_equal_constants_on_one_input_are_one_product():
    raw = np.array([[13, 13, 3, 0], [13, 4, 0, 0]])
    products = count_products(raw)
    assert (products.n_nonzeros, products.cheap, products.costly) == (5, 1, 2)


@pytest.mark.parametrize(
    ("n_in", "n_out", "width", "dsp"),
    [(32, 64, 8, 452), (32, 64, 10, 1275), (32, 96, 12, 2583), (96, 32, 10, 1658), (32, 64, 14, 1947)],
)
def test_dsp_of_random_layers_is_that_of_the_reports(n_in, n_out, width, dsp):
    """wa-hls4ml-search, Vivado HLS 2020.1, reuse factor 1; no constant is fitted to these."""
    magnitude = magnitude_bits(Width(width, 1), n_in)
    products = expected_products(n_in, n_in * n_out * (1 - zero_share(magnitude)), magnitude)
    assert products.costly == pytest.approx(dsp, rel=0.05)


def test_expected_products_are_those_of_drawn_weights():
    """The formula for weights nobody gave, against weights drawn as it assumes."""
    rng = np.random.default_rng(3)
    n_in, n_out, top = 32, 64, 150.0
    raw = np.rint(rng.uniform(-top, top, (n_in, n_out))).astype(np.int64)
    drawn = count_products(raw)
    expected = expected_products(n_in, drawn.n_nonzeros, float(np.log2(top)))
    assert expected.costly == pytest.approx(drawn.costly, rel=0.05)
    assert expected.cheap == pytest.approx(drawn.cheap, rel=0.15)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("ap_fixed<16,6>", Width(16, 6)),
        ("ap_ufixed<8,0,AP_RND_CONV,AP_SAT>", Width(8, 0)),
        ("ap_int<5>", Width(5, 5)),
        ("fixed<8,1>", Width(8, 1)),
        ("nnet::array<ap_fixed<28,16,AP_RND_ZERO>, 16*1>", Width(28, 16)),
        ("weight_default_t", Width(16, 6)),
        (None, Width(16, 6)),
    ],
)
def test_types_are_read_as_reports_spell_them(text, width):
    assert parse_width(text) == width


def test_registers_of_a_sum_follow_its_clock_edges():
    """Breaks when a tree that fits into one clock is registered, or an edge keeps more words than products exist."""
    n_in, n_out = 32, 64
    products = expected_products(n_in, n_in * n_out, 13.0)
    assert live_words(products, n_out, 0.4) == 0.0
    words = [live_words(products, n_out, slowness) for slowness in (1.0, 2.0, 4.0, 8.0)]
    assert 1.0 < words[0] < n_in / 2, "one edge, in the tree"
    assert words == sorted(words)
    assert math.isfinite(live_words(products, n_out, 1e9)), "a clock of picoseconds"
    assert live_words(expected_products(n_in, 0, 13.0), n_out, 4.0) == 0.0
