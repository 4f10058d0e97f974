"""Ensemble -> Forest: the last place with real numbers in the path of a tree model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, log2
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import GraphError, InputError, UnsupportedError
from fasttrig.base.fixed import INT64_BITS, FixedType, FloatArray, IntArray, Overflow, Rounding, from_value, to_value
from fasttrig.frontends.trees.ensemble import Ensemble, InputFormat, ScoreSum, SplitRule, goes_left
from fasttrig.ir.builder import exactly_typed
from fasttrig.ir.graph import Graph
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Cast, Const, Forest, Input, Op, Scale, Value
from fasttrig.ir.verify import verify

DEFAULT_RESOLUTION = 1024
"""Without `leaf_fraction_bits` all roundings of leaves together stay below this part of the margin's span."""

_MAX_FRACTION_BITS = 50
_MOST_BITS = 512


def lower_forest(
    ensemble: Ensemble,
    input_type: FixedType,
    channel_types: Sequence[FixedType] = (),
    leaf_fraction_bits: int | None = None,
    name: str = "forest",
) -> Graph:
    """The integer graph of `ensemble`: one input ``x`` of shape (n_features,), one output ``margin`` (n_outputs,).

    Parameters
    ----------
    input_type : FixedType
        The type of the features; every threshold becomes a raw integer of this grid, exactly.
    channel_types : sequence of FixedType
        Narrower types of single features: none, or one per feature.
    leaf_fraction_bits : int or None
        Fraction bits of leaves, base margin and result. Leaves are rounded half to even; None takes the fewest bits
        for which the worst sum of roundings stays below ``1 / DEFAULT_RESOLUTION`` of the margin's span, or the
        grid of the library's own sum.

    Raises
    ------
    InputError
        If types and features do not fit together, or a leaf needs more than 62 bits.
    UnsupportedError
        If the library changes features, or a sum depends on its order, in the library's own fixed point.
    """
    _check_types(ensemble, input_type, channel_types)
    types = tuple(channel_types) or (input_type,) * ensemble.n_features
    _check_missing(ensemble, types)
    bits = _leaf_bits(ensemble, leaf_fraction_bits)
    x = Value("x", (ensemble.n_features,), input_type)
    source = Input(result=x, channel_types=tuple(channel_types), origin=f"{_short(ensemble.origin)} > features")
    draft = _forest(ensemble, x, types, bits)
    fault = draft.fault()
    if fault is not None:
        raise GraphError(fault.what, where=draft.where, got=fault.got, want=fault.want)
    forest = exactly_typed(draft, [source.interval()])
    ops = (source, *_summed(forest, source.interval(), ensemble.score))
    graph = Graph(name, ops, (ops[-1].result,), ensemble.postprocessor, Fraction(ensemble.link_scale))
    verify(graph, after="reading the model")
    return graph


def thresholds_to_raw(
    threshold: npt.ArrayLike, fixed_type: FixedType, rule: SplitRule, input_format: InputFormat
) -> IntArray:
    """The least raw integer of `fixed_type` that the library itself sends right; ``max_raw + 1`` if it sends none.

    ``raw < result`` is then the library's own comparison for every number of the type: for values that `input_format`
    holds this is ``ceil(t * 2**f)`` for LT and ``floor(t * 2**f) + 1`` for LE, clipped to the type; where it rounds
    a wide feature first, the rounding is inside the comparison. Found by bisection, both being monotone. Any shape.
    """
    limit = np.asarray(threshold, dtype=np.float64)
    low = np.full(limit.shape, fixed_type.min_raw, dtype=np.int64)
    high = np.full(limit.shape, fixed_type.max_raw + 1, dtype=np.int64)
    while (low < high).any():
        middle = low + (high - low) // 2
        with np.errstate(over="ignore"):  # A threshold beyond float32 is infinite in the library too.
            seen = to_value(middle, fixed_type).astype(input_format).astype(np.float64)
        goes_right = (seen >= limit) if rule is SplitRule.LT else (seen > limit)
        undecided = low < high
        high = np.where(undecided & goes_right, middle, high)
        low = np.where(undecided & ~goes_right, middle + 1, low)
    return low


def default_leaf_fraction_bits(ensemble: Ensemble) -> int:
    """Fewest bits for which all leaves' roundings together stay below a part of the margin's span."""
    span = np.zeros(ensemble.n_outputs)
    terms = np.ones(ensemble.n_outputs)
    for tree in ensemble.trees:
        outputs = slice(tree.output, tree.output + tree.n_targets)
        span[outputs] += tree.leaf.max(axis=0) - tree.leaf.min(axis=0)
        terms[outputs] += 1
    needed = [DEFAULT_RESOLUTION * n / (2 * s) for n, s in zip(terms, span, strict=True) if s > 0]
    return min(_MAX_FRACTION_BITS, ceil(log2(max(needed)))) if needed else 0


def _leaf_bits(ensemble: Ensemble, asked: int | None) -> int:
    """Fraction bits of the leaves: in a library's own fixed point, any grid on which they lie."""
    if ensemble.score is None:
        return default_leaf_fraction_bits(ensemble) if asked is None else asked
    if asked is None:
        return ensemble.score.type.fraction_bits
    leaves = np.concatenate([ensemble.base_margin, *(tree.leaf.ravel() for tree in ensemble.trees)])
    scaled = np.ldexp(leaves, asked)
    if (scaled != np.rint(scaled)).any():
        raise InputError(
            "this model fixes the number of fraction bits of its leaves",
            where=ensemble.origin,
            got=f"leaf_fraction_bits={asked}",
            want=f"{ensemble.score.type.fraction_bits}: those of {ensemble.score.type}",
            try_="omit leaf_fraction_bits",
        )
    return asked


def _summed(forest: Op, x: Interval, score: ScoreSum | None) -> list[Op]:
    """`forest`, and what a library that sums in fixed point makes of its exact sum; the last op is ``margin``.

    Sums that wrap may wrap once, at the end; sums that saturate depend on their order, so none may leave the type.
    """
    if score is None:
        return [forest]
    wraps, scales = _leaves_type(forest, x, score), score.factor != 1
    if not wraps and not scales:
        return [forest]
    ops = [_named(forest, "trees")]
    if wraps:
        ops.append(_cast("sum" if scales else "margin", ops[-1], score))
    if scales:
        operand = ops[-1].result
        factor = from_value(np.full(operand.shape, score.factor), score.type)
        norm = Const.covering("norm", factor, score.type.fraction_bits)
        zero = Const.covering("zero", np.zeros(operand.shape, dtype=np.int64), 0)
        result = Value("product", operand.shape, score.type)
        product = Scale(result=result, operand=operand, scale=norm, offset=zero, origin=forest.origin)
        reached = ops[0].interval(x)
        for op in ops[1:]:
            reached = op.interval(reached)
        ops += [exactly_typed(product, [reached])]
        ops += [_cast("margin", ops[-1], score)]
    return ops


def _leaves_type(forest: Op, x: Interval, score: ScoreSum) -> bool:
    """Whether a sum of some leaves can leave the score type, which must then wrap."""
    sums = forest.partial_sums(x)
    assert sums is not None
    least, most = score.type.min_raw, score.type.max_raw
    if score.overflow is Overflow.SAT_SYM:
        least = score.type.min_sym_raw
    low, high = (Fraction(raw) * Fraction(2) ** (score.type.fraction_bits - forest.fraction_bits) for raw in sums)
    if least <= low and high <= most:
        return False
    if score.overflow is not Overflow.WRAP:
        raise UnsupportedError(
            "a saturating sum of leaves depends on the order of the trees",
            where=forest.where,
            got=f"sums of some leaves from {low} to {high} raw in {score.type}, {score.overflow.value}",
            want=f"none outside {least} to {most}, or a type that wraps",
            try_="a score type with more integer bits",
        )
    return True


def _cast(name: str, operand: Op, score: ScoreSum) -> Op:
    result = Value(name, operand.result.shape, score.type)
    return Cast(
        result=result,
        operand=operand.result,
        rounding=score.rounding,
        overflow=score.overflow,
        origin=operand.origin,
    )


def _named(op: Op, name: str) -> Op:
    return replace(op, result=replace(op.result, name=name))


def _forest(ensemble: Ensemble, x: Value, types: tuple[FixedType, ...], bits: int) -> Forest:
    """All trees in one set of tables; the result type is still open."""
    trees = ensemble.trees
    n_nodes = sum(tree.n_nodes for tree in trees)
    feature = _joined([tree.feature for tree in trees])
    left: list[IntArray] = []
    right: list[IntArray] = []
    root: list[IntArray] = []
    first_node, first_leaf = 0, n_nodes
    for tree in trees:
        for children, joined in ((tree.left, left), (tree.right, right), (np.zeros(1, dtype=np.int64), root)):
            is_node = children < tree.n_nodes
            joined.append(np.where(is_node, children + first_node, children - tree.n_nodes + first_leaf))
        first_node, first_leaf = first_node + tree.n_nodes, first_leaf + len(tree.leaf)
    n_targets = trees[0].n_targets if trees else 1
    leaf = np.concatenate([tree.leaf for tree in trees]) if trees else np.empty((0, n_targets))
    return Forest(
        result=Value("margin", (ensemble.n_outputs,), FixedType(1, 1)),
        operand=x,
        tree_root=_index("tree_root", _joined(root)),
        tree_output=_index("tree_output", np.array([tree.output for tree in trees], dtype=np.int64)),
        feature=_index("feature", feature),
        threshold=Const.covering("threshold", _thresholds(ensemble, feature, x.type, types), x.type.fraction_bits),
        left=_index("left", _joined(left)),
        right=_index("right", _joined(right)),
        leaf=Const.covering("leaf", _quantised(leaf, bits, ensemble.origin), bits),
        base_margin=Const.covering("base_margin", _quantised(ensemble.base_margin, bits, ensemble.origin), bits),
        origin=f"{_short(ensemble.origin)} > {ensemble.library}, {ensemble.objective}",
    )


def _thresholds(ensemble: Ensemble, feature: IntArray, x_type: FixedType, types: Sequence[FixedType]) -> IntArray:
    threshold = np.concatenate([np.empty(0), *(tree.threshold for tree in ensemble.trees)])
    raw = np.zeros(len(feature), dtype=np.int64)
    for channel, fixed_type in enumerate(types):
        nodes = np.flatnonzero(feature == channel)
        if nodes.size:
            own = thresholds_to_raw(threshold[nodes], fixed_type, ensemble.split_rule, ensemble.input_format)
            raw[nodes] = own << (x_type.fraction_bits - fixed_type.fraction_bits)
    return raw


def _quantised(value: FloatArray, bits: int, where: str) -> IntArray:
    largest = float(np.abs(value).max(initial=0.0))
    if abs(bits) > _MOST_BITS or largest * 2.0**bits >= 2.0 ** (INT64_BITS - 2):
        raise InputError(
            "a leaf value needs too many bits",
            where=where,
            got=f"{largest:g} at {bits} fraction bits",
            want="at most 60 bits",
            try_="fewer leaf_fraction_bits",
        )
    return from_value(value, FixedType(INT64_BITS, INT64_BITS - bits), Rounding.RND_CONV, Overflow.SAT)


def _joined(parts: Sequence[IntArray]) -> IntArray:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _index(name: str, raw: IntArray) -> Const:
    return Const.covering(name, raw, 0)


def _check_types(ensemble: Ensemble, input_type: FixedType, channel_types: Sequence[FixedType]) -> None:
    if channel_types and len(channel_types) != ensemble.n_features:
        raise InputError(
            "the number of channel types differs from the number of features",
            where=ensemble.origin,
            got=str(len(channel_types)),
            want=f"{ensemble.n_features}, or none",
        )
    for channel, fixed_type in enumerate(channel_types):
        if not input_type.contains(fixed_type):
            raise InputError(
                "a feature type does not fit into the input type",
                got=str(fixed_type),
                where=f"{ensemble.origin} > feature {channel}",
                want=f"inside {input_type}",
            )
    own = ensemble.feature_type
    for channel, fixed_type in enumerate(tuple(channel_types) or (input_type,)):
        if own is not None and not own.contains(fixed_type):
            raise UnsupportedError(
                "the library casts features to a type that does not hold every input",
                where=f"{ensemble.origin} > feature {channel}" if channel_types else ensemble.origin,
                got=f"inputs of {fixed_type}, cast to {own}",
                want=f"inputs inside {own}",
            )
    if input_type.width > INT64_BITS - 2:
        raise InputError(
            "the input type is too wide",
            where=ensemble.origin,
            got=str(input_type),
            want=f"at most {INT64_BITS - 2} bits",
        )


def _check_missing(ensemble: Ensemble, types: Sequence[FixedType]) -> None:
    """Refuse a number for missing features that a feature's type does not hold, unless no split sees the difference.

    The input would be rounded or clipped to a neighbour on the grid, which the library does not take for missing.
    """
    if ensemble.missing is None:
        return
    limit = np.full(1, ensemble.missing)
    for channel, fixed_type in enumerate(types):
        raw = thresholds_to_raw(limit, fixed_type, SplitRule.LT, ensemble.input_format)
        if thresholds_to_raw(limit, fixed_type, SplitRule.LE, ensemble.input_format) > raw:
            continue  # The value for missing features is on the grid.
        near = to_value(np.clip(np.array([raw - 1, raw]), fixed_type.min_raw, fixed_type.max_raw), fixed_type)
        cuts = np.concatenate([tree.threshold[tree.feature == channel] for tree in ensemble.trees] or [np.empty(0)])
        seen = goes_left(near.astype(ensemble.input_format).astype(np.float64), cuts, ensemble.split_rule)
        if (seen != goes_left(limit, cuts, ensemble.split_rule)).any():
            raise UnsupportedError(
                "the input type cannot hold the value for missing features",
                where=f"{ensemble.origin} > missing, feature {channel}",
                got=f"missing={ensemble.missing:g}, {fixed_type}",
                want="a value that the feature type holds, so that the firmware can recognise missing features",
                try_="use a wider input type, or train with a value on the grid",
            )


def _short(origin: str) -> str:
    """Without the folders of its file: what is built holds no path of this machine."""
    return PurePath(origin).name or origin
