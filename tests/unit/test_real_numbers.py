"""The real-number evaluation and the loss of single ops, against numbers worked out by hand."""

import numpy as np
import pytest

from fasttrig.base import firmware_files
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const, Forest
from fasttrig.ir.text import parse_graph
from fasttrig.trace.real_numbers import evaluate_real, rounding_allowance, rounding_loss

X = FixedType(8, 4)  # steps of 1/16


def cast_graph(target: FixedType, rounding: Rounding, overflow: Overflow):
    low = GraphBuilder("g")
    x = low.input("x", (4,), X)
    return low.graph(low.cast("y", x, target, rounding, overflow))


@pytest.mark.parametrize(
    ("target", "rounding", "raw", "loss", "n_beyond"),
    [
        # steps of 1/4: 1.0625 is 4.25 steps; TRN keeps 4, RND too; 1.1875 is 4.75: TRN 4, RND 5
        (FixedType(6, 4), Rounding.TRN, [17, 19, -17, 16], [0.25, 0.75, 0.75, 0.0], 0),
        (FixedType(6, 4), Rounding.RND, [17, 19, -17, 16], [0.25, -0.25, -0.25, 0.0], 0),
        # fixed<4,2> ends at 1.75: 7.9375 loses 24.75 steps, -8 loses 24
        (FixedType(4, 2), Rounding.TRN, [127, 19, -128, 0], [24.75, 0.75, -24.0, 0.0], 2),
        # unsigned: what is below zero is a ReLU, no loss
        (FixedType(4, 2, signed=False), Rounding.TRN, [-128, -1, 19, 127], [0.0, 0.0, 0.75, 16.75], 1),
    ],
)
def test_what_a_cast_loses(target, rounding, raw, loss, n_beyond):
    graph = cast_graph(target, rounding, Overflow.SAT)
    given = np.array([raw])
    result = evaluate(graph, given).outputs["y"]
    found = rounding_loss(graph.op("y"), [given], result)
    assert found.tolist() == [loss]
    assert int((np.abs(found) > rounding_allowance(graph.op("y"))).sum()) == n_beyond


def test_a_wrap_is_beyond_rounding():
    graph = cast_graph(FixedType(6, 2), Rounding.TRN, Overflow.WRAP)
    given = np.array([[33, -1, 0, 16]])  # 2.0625 wraps to -1.9375
    loss = rounding_loss(graph.op("y"), [given], evaluate(graph, given).outputs["y"])
    assert loss.tolist() == [[64.0, 0.0, 0.0, 0.0]]


def test_without_rounding_anywhere_real_numbers_are_the_bits():
    """Every exact op on numbers of the grid: the two evaluations agree exactly."""
    low = GraphBuilder("g")
    x = low.input("x", (4,), X)
    weight = Const.covering("w", np.array([[1, -2, 3], [5, 0, -7], [2, 2, 2], [-1, 4, 6]]), 3)
    product = low.matmul("fc", x, weight, Const.covering("b", np.array([1, -1, 5]), 5))
    leaky = low.relu("leaky", product, negative_shift=2)
    scale, offset = Const.covering("s", np.array([3, 1, -2]), 1), Const.covering("o", np.array([1, 0, 2]), 2)
    scaled = low.scale("bn", leaky, scale, offset)
    joined = low.concat("both", (scaled, leaky))
    total = low.add("sum", joined, low.concat("again", (leaky, scaled)))
    graph = low.graph(low.reshape("flat", total, (2, 3)), low.argmax("best", total))
    raw = np.random.default_rng(5).integers(-128, 128, (50, 4))
    real = evaluate_real(graph, {"x": raw / 16.0})
    found = evaluate(graph, raw, keep={op.name for op in graph.ops}).trace
    for op in graph.ops:
        assert np.array_equal(real[op.name], found[op.name] / 2.0**op.result.type.fraction_bits), op.name
        assert not rounding_loss(op, [found[value.name] for value in op.operands], found[op.name]).any()


def test_a_table_is_read_between_its_entries():
    low = GraphBuilder("g")
    x = low.input("x", (2,), FixedType(2, 2))
    graph = low.graph(low.table("t", x, Const("values", FixedType(5, 5), np.array([4, 0, 1, 9])), "square-ish"))
    assert evaluate_real(graph, {"x": np.array([[-1.5, 0.5]])})["t"].tolist() == [[2.0, 5.0]]


def test_a_forest_takes_the_same_way_off_the_grid():
    """`raw < threshold` and `value < threshold` part ways nowhere, for the input map rounds down; walked by hand."""
    graph = parse_graph(firmware_files.read("golden/tiny_forest.ir"))
    forest = next(op for op in graph.ops if isinstance(op, Forest))
    step = 2.0**-forest.operand.type.fraction_bits
    x = np.random.default_rng(3).uniform(-2, 2, (200, forest.operand.size))
    found = evaluate_real(graph, {forest.operand.name: x})[forest.name]
    for event in range(len(x)):
        total = forest.base_margin.raw * 2.0**-forest.result.type.fraction_bits
        for root, output in zip(forest.tree_root.raw, forest.tree_output.raw, strict=True):
            at = int(root)
            while at < forest.n_nodes:
                goes_left = x[event, forest.feature.raw[at]] < forest.threshold.raw[at] * step
                at = int((forest.left if goes_left else forest.right).raw[at])
            leaf = forest.leaf.raw[at - forest.n_nodes] * 2.0**-forest.result.type.fraction_bits
            total[output : output + forest.n_targets] += leaf
        assert found[event].tolist() == total.tolist()
