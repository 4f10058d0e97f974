"""What a tree library's model says, exactly as read: float thresholds and leaves, nothing quantised, nothing implied.

Weights of whole trees (averages, dart, AdaBoost) are already folded into the leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import DataError, InputError
from fasttrig.base.fixed import FixedType, FloatArray, IntArray, Overflow, Rounding
from fasttrig.base.link_functions import LINK_FUNCTIONS
from fasttrig.ir.graph import Postprocessor

InputFormat: TypeAlias = Literal["float32", "float64"]

MOST_FEATURES, MOST_OUTPUTS = 1 << 16, 1 << 12
"""Far beyond any trigger; a file that claims more is broken."""


class SplitRule(Enum):
    """When a split goes left."""

    LT = "<"
    LE = "<="


class Link(Enum):
    """From ``link_scale * margin`` to the number the library predicts; never part of the firmware."""

    NONE = "none"
    LOGISTIC = "logistic"
    SOFTMAX = "softmax"
    PROBABILITY = "probability"
    EXP = "exp"
    TANH = "tanh"
    STEP = "step"
    SIGNED_SQUARE = "signed_square"
    SOFTPLUS = "softplus"


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One tree. It starts at child index 0; index ``n_nodes + k`` is leaf k; indices rise from parent to child.

    Attributes
    ----------
    feature : int array, shape (n_nodes,)
    threshold : float64 array, shape (n_nodes,)
        As the library compares it (float32 numbers are held exactly); infinite where everything goes one way.
    left, right : int arrays, shape (n_nodes,)
        Child indices.
    default_left : bool array, shape (n_nodes,)
        Where NaN goes. Integers are never NaN: the firmware does not need it, `Ensemble.margin` does.
    leaf : float64 array, shape (n_leaves, n_targets)
    leaf_id : int array, shape (n_leaves,)
        The library's own number of each leaf, as ``pred_leaf`` or ``apply`` return it.
    output : int
        The first output that the leaves add to.
    """

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    default_left: npt.NDArray[np.bool_]
    leaf: FloatArray
    leaf_id: IntArray
    output: int = 0

    @property
    def n_nodes(self) -> int:
        return len(self.feature)

    @property
    def n_targets(self) -> int:
        return int(self.leaf.shape[1])


@dataclass(frozen=True, slots=True)
class ScoreSum:
    """A library that sums in fixed point: every partial sum is cast to `type`, and at last times `factor`, cast again.

    Leaves and base margin are numbers of the type already.
    """

    type: FixedType
    rounding: Rounding
    overflow: Overflow
    factor: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """A model of trees: per output ``base_margin + sum of leaves``.

    Attributes
    ----------
    library : str
        Library and kind of model: ``xgboost 3.2 gbtree``.
    origin : str
        The file, or the class of the live object.
    objective : str
        What the library calls its objective or criterion.
    n_classes : int
        Classes told apart; 0 for a regression or a ranking. Two classes have one output.
    input_format : "float32" or "float64"
        The format in which the library compares a feature with a threshold.
    link, link_scale
        Prediction = link(link_scale * margin).
    rounds_used, rounds_stored : int
        Boosting rounds (or trees, for a forest) in `trees`, and in the model.
    missing : float or None
        The number that the library takes for a missing feature; `trees` already send it the default way.
    note : str
        What the source cannot tell about how its user calls the model; shown in the report.
    input_type : FixedType or None
        The type of the features that the file names.
    feature_type : FixedType or None
        The type to which the library casts features before it compares them, where that is a fixed-point one.
    score : ScoreSum or None
        How the library sums, where it sums in fixed point.
    """

    library: str
    origin: str
    objective: str
    n_features: int
    feature_names: tuple[str, ...]
    n_classes: int
    trees: tuple[Tree, ...]
    base_margin: FloatArray
    split_rule: SplitRule
    input_format: InputFormat
    link: Link
    link_scale: float = 1.0
    rounds_used: int = 0
    rounds_stored: int = 0
    missing: float | None = None
    note: str = ""
    input_type: FixedType | None = None
    feature_type: FixedType | None = None
    score: ScoreSum | None = None

    def __post_init__(self) -> None:
        if not 0 < self.n_features <= MOST_FEATURES or not 0 < self.n_outputs <= MOST_OUTPUTS:
            raise InputError(
                "number of features or outputs out of range",
                where=self.origin,
                got=f"{self.n_features} and {self.n_outputs}",
                want=f"1 to {MOST_FEATURES} and 1 to {MOST_OUTPUTS}",
            )
        if len(self.feature_names) not in (0, self.n_features):
            raise InputError(
                "the number of feature names differs from the number of features",
                where=self.origin,
                got=str(len(self.feature_names)),
                want=f"none or {self.n_features}",
            )
        if not 0 < self.link_scale < np.inf:
            raise InputError("the link scale is not a positive number", where=self.origin, got=str(self.link_scale))
        if not np.isfinite(self.base_margin).all():
            raise InputError("a base margin is NaN or infinite", where=self.origin, got=str(self.base_margin))

    @property
    def n_outputs(self) -> int:
        return len(self.base_margin)

    @property
    def postprocessor(self) -> Postprocessor:
        """The link as a graph names it: a logistic of two classes gives the probabilities of both."""
        if self.link is Link.LOGISTIC and self.n_classes == 2 and self.n_outputs == 1:
            return Postprocessor.SIGMOID
        return Postprocessor(self.link.value)

    def leaf_indices(self, x: npt.ArrayLike) -> IntArray:
        """Exit leaf of each tree. Shapes: x (n_events, n_features) -> (n_events, n_trees)."""
        features = self._features(x)
        exits = [_exit_leaves(tree, features, self.split_rule) for tree in self.trees]
        return np.stack(exits, axis=1) if exits else np.empty((len(features), 0), dtype=np.int64)

    def library_leaves(self, x: npt.ArrayLike) -> IntArray:
        """As `leaf_indices`, in the library's own numbers."""
        indices = self.leaf_indices(x)
        for column, tree in enumerate(self.trees):
            indices[:, column] = tree.leaf_id[indices[:, column]]
        return indices

    def margin(self, x: npt.ArrayLike) -> FloatArray:
        """The sum before the link, in float64, never cast.

        Shapes: x (n_events, n_features) -> (n_events, n_outputs).
        """
        indices = self.leaf_indices(x)
        total = np.tile(self.base_margin, (len(indices), 1))
        for column, tree in enumerate(self.trees):
            total[:, tree.output : tree.output + tree.n_targets] += tree.leaf[indices[:, column]]
        return total * self.score.factor if self.score else total

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """`margin` after the link, same shape: of two classes the second one's probability."""
        link = "none" if self.link is Link.PROBABILITY else self.link.value
        return LINK_FUNCTIONS[link](self.link_scale * self.margin(x))

    def _features(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        features = np.asarray(x, dtype=self.input_format)
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise DataError(
                "wrong shape of the feature array",
                where=self.origin,
                got=str(features.shape),
                want=f"(n_events, {self.n_features})",
            )
        return features


def goes_left(x: FloatArray, threshold: FloatArray, rule: SplitRule) -> npt.NDArray[np.bool_]:
    """Whether a split of `rule` sends `x` left; NaN goes right. Any shapes that fit together."""
    return np.asarray(x < threshold if rule is SplitRule.LT else x <= threshold, dtype=bool)


def _exit_leaves(tree: Tree, features: npt.NDArray[Any], rule: SplitRule) -> IntArray:
    at = np.zeros(len(features), dtype=np.int64)
    active = np.arange(len(features)) if tree.n_nodes else np.empty(0, dtype=np.int64)
    while active.size:
        node = at[active]
        x = features[active, tree.feature[node]].astype(np.float64)
        left = np.where(np.isnan(x), tree.default_left[node], goes_left(x, tree.threshold[node], rule))
        at[active] = np.where(left, tree.left[node], tree.right[node])
        active = active[at[active] < tree.n_nodes]
    return at - tree.n_nodes
