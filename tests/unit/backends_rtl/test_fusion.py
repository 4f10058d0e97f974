"""Additions of three: the same sums, not later than alkaid's own pairs make them."""

import numpy as np
import pytest

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

from alkaid.trace import FVArray, trace
from alkaid.trace.passes import add_surrogate, dead_code_elimin, fuse_ternary_adders

from fasttrig.backends.rtl.fusion import ADD, ADD_THREE, SUBTRACT, fuse_additions


def program(function, widths):
    numbers = FVArray.from_kif(np.ones(len(widths), int), np.array(widths), np.zeros(len(widths), int))
    return add_surrogate(trace(numbers, FVArray(np.array(function(list(numbers))), hwconf=numbers.hwconf)))


def events(widths):
    rng = np.random.default_rng(3)
    return np.stack([rng.integers(-(1 << w), 1 << w, 300) for w in widths], axis=1).astype(np.float64)


def finished(fused):
    return add_surrogate(dead_code_elimin(fused), _skip_op8_cost=True)


def codes(fused):
    return [op.opcode for op in finished(fused).ops if op.opcode in (ADD, SUBTRACT, ADD_THREE)]


def test_nine_numbers_take_two_steps():
    widths = [4] * 9
    plain = program(lambda x: [sum(x[1:3], x[0]) + sum(x[4:6], x[3]) + sum(x[7:9], x[6])], widths)
    fused = fuse_additions(plain)
    assert codes(fused) == [ADD_THREE] * 4
    assert np.array_equal(fused.predict(events(widths), n_threads=1), plain.predict(events(widths), n_threads=1))


@pytest.mark.parametrize("seed", range(8))
def test_random_sums_with_signs_and_shifts(seed):
    """Trees of sums and differences of scaled numbers, some of them used twice."""
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 9, 14).tolist()

    def function(x):
        shared = x[0] - x[1] * 4.0
        terms = [*x[2:], shared, shared * 0.5]
        while len(terms) > 1:
            a, b = (terms.pop(int(rng.integers(len(terms)))) for _ in range(2))
            terms.append(a * 2.0 ** int(rng.integers(-2, 3)) + b if rng.random() < 0.6 else a - b)
        return [terms[0], shared]

    plain = program(function, widths)
    fused, theirs = fuse_additions(plain), fuse_ternary_adders(plain)
    assert ADD_THREE in codes(fused)
    assert np.array_equal(fused.predict(events(widths), n_threads=1), plain.predict(events(widths), n_threads=1))
    assert finished(fused).latency[1] <= finished(theirs).latency[1] + 1e-9
