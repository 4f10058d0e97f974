"""Trees. What holds inside a forest (depths, reachable leaves, bounds of sums) is in `ir/forest.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Const, Fault, Op, Shape, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest(Op):
    """result[tree_output[t] + j] += leaf[exit leaf of tree t, j], over all trees, on top of base_margin; exactly.

    A split goes left when ``operand[feature] < threshold`` (raw integers at the operand's fraction bits), else right.

    Attributes
    ----------
    operand : Value
        Features, shape (n_features,).
    tree_root, tree_output : Const
        Shape (n_trees,): the child index at which each tree starts, and the first output its leaves add to.
    feature, threshold, left, right : Const
        Shape (n_nodes,): the split nodes of all trees.
    leaf : Const
        Shape (n_leaves, n_targets): one row per leaf, ``n_targets`` neighbouring outputs at a time (1 for most models).
    base_margin : Const
        Shape (n_outputs,): what the sums start from.
    """

    operand: Value
    tree_root: Const
    tree_output: Const
    feature: Const
    threshold: Const
    left: Const
    right: Const
    leaf: Const
    base_margin: Const

    weights_field: ClassVar[str] = "leaf"
    own_bits: ClassVar[bool] = False

    @property
    def n_trees(self) -> int:
        return len(self.tree_root.raw)

    @property
    def n_nodes(self) -> int:
        return len(self.feature.raw)

    @property
    def n_leaves(self) -> int:
        return len(self.leaf.raw)

    @property
    def n_targets(self) -> int:
        return self.leaf.shape[1]

    @property
    def n_outputs(self) -> int:
        return len(self.base_margin.raw)

    @property
    def exact(self) -> bool:
        return True

    @property
    def work(self) -> int:
        return 64 * self.n_trees

    @property
    def fraction_bits(self) -> int:
        return self.leaf.type.fraction_bits

    def result_shape(self) -> Shape:
        return self.base_margin.shape

    def interval(self, *operands: Interval) -> Interval:
        from fasttrig.ir.forest import output_bounds

        return Interval(*output_bounds(self, operands[0].low, operands[0].high))

    def partial_sums(self, *operands: Interval) -> tuple[int, int] | None:
        from fasttrig.ir.forest import partial_sum_bounds

        return partial_sum_bounds(self, operands[0].low, operands[0].high)

    def fault(self) -> Fault | None:
        from fasttrig.ir.forest import forest_fault

        return forest_fault(self)
