"""From the words that arrive at the trigger to a tagger's inputs, as ops of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from fasttrig.base.errors import InputError
from fasttrig.base.feature_names import column_of
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.data.spread import places
from fasttrig.decision.sorting import Sorting
from fasttrig.ir.builder import GraphBuilder, covering_type
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, ElementCast, Value

MOST_BITS = 60
"""A common grid of all features wider than this is refused."""


def words_for(maps: Sequence[InputMap], given: Mapping[str, FixedType], sorting: Sorting | None = None) -> InputMap:
    """The words of all features of `maps`, each once, in the order in which they come; sorted objects come last.

    A feature without a `given` type gets the narrowest word that loses nothing which a tagger would use: the finest
    step and the whole range of every map that reads it. No word has an offset: it is the feature in its own unit.

    Raises
    ------
    InputError
        For a type given to a feature that no tagger reads, or where one feature has two units.
    """
    readers: dict[str, list[FeatureMap]] = {}
    for feature in (feature for inputs in maps for feature in inputs.features):
        readers.setdefault(feature.name, []).append(feature)
    if sorting is not None:
        readers = _with_objects(readers, sorting)
        given = {place: kind for name, kind in given.items() for place in _places(name, sorting)}
    unknown = [name for name in given if name not in readers]
    if unknown:
        raise InputError("no tagger reads this feature", where="[words]", got=unknown[0], want=", ".join(readers))
    for name, found in readers.items():
        units = {feature.unit for feature in found}
        if len(units) > 1:
            raise InputError("taggers read one feature in two units", where=name, got=", ".join(sorted(units)))
    types = {name: given.get(name) or _lossless(found) for name, found in readers.items()}
    common = covering_type(list(types.values()))
    if common.width > MOST_BITS:
        got = f"{common.width} bits from the finest step to the largest number"
        raise InputError(
            "the words of the features have no common grid", where="[words]", got=got, want=f"at most {MOST_BITS} bits"
        )
    rows = tuple(FeatureMap(name, found[0].unit, 0.0, 0, types[name]) for name, found in readers.items())
    return InputMap(rows, common)


def _places(name: str, sorting: Sorting) -> tuple[str, ...]:
    """A word's name; all places of a column of the objects."""
    return tuple(place for place in sorting.arriving if column_of(place) == name) or (name,)


def _with_objects(readers: Mapping[str, list[FeatureMap]], sorting: Sorting) -> dict[str, list[FeatureMap]]:
    """With what reads the place of any object for all of them: before the sorting, an object may become any."""
    found = {name: maps for name, maps in readers.items() if name not in sorting.arriving}
    for place in sorting.arriving:
        of_column = [readers[name] for name in readers if name in _places(column_of(place), sorting)]
        found[place] = [feature for maps in of_column for feature in maps]
    return found


def _lossless(features: Sequence[FeatureMap]) -> FixedType:
    """The narrowest type that holds every number at which the raw integer of one of the maps begins."""
    bits = max(feature.type.fraction_bits - feature.shift for feature in features)
    edges = [_first_and_last(feature) for feature in features]
    low, high = min(low for low, _ in edges), max(high for _, high in edges)
    return FixedType.covering(int(low * Fraction(2) ** bits), int(high * Fraction(2) ** bits), bits)


def _first_and_last(feature: FeatureMap) -> tuple[Fraction, Fraction]:
    step = Fraction(feature.step)
    offset = Fraction(feature.offset)
    return offset + feature.type.min_raw * step, offset + feature.type.max_raw * step


def prepared(
    b: GraphBuilder, words: Value, names: Sequence[str], inputs: InputMap, graph: Graph, prefix: str
) -> dict[str, Value]:
    """The inputs of a tagger's `graph`, made from `words`: take, subtract the offset, shift, round down, saturate.

    The result has the same integers as ``inputs.to_raw`` of the words' values.
    """
    place = {name: k for k, name in enumerate(names)}
    made: dict[str, Value] = {}
    for op in graph.inputs:
        features = inputs.features[places(graph)[op.name]]
        name, origin = f"{prefix}{op.name}", f"inputs of {graph.name}"
        index = tuple(place[feature.name] for feature in features)
        taken = words
        if index != tuple(range(len(names))):
            taken = b.gather(f"{name}_words", words, 0, index, origin=origin)
        scaled = b.scale(f"{name}_scaled", taken, *_scale_and_offset(name, features), origin=origin)
        cast = ElementCast(
            result=Value(f"{name}_flat" if len(op.result.shape) > 1 else name, scaled.shape, op.result.type),
            operand=scaled,
            types=tuple(feature.type for feature in features),
            rounding=Rounding.TRN,
            overflow=Overflow.SAT,
            origin=origin,
        )
        b.ops.append(cast)
        flat = cast.result
        made[op.name] = flat if len(op.result.shape) == 1 else b.reshape(name, flat, op.result.shape, origin=origin)
    return made


def _scale_and_offset(name: str, features: Sequence[FeatureMap]) -> tuple[Const, Const]:
    """Per feature ``2**-shift`` and ``-offset * 2**-shift``, exactly."""
    scales = [Fraction(2) ** -feature.shift for feature in features]
    offsets = [-Fraction(feature.offset) * scale for feature, scale in zip(features, scales, strict=True)]
    return _constant(f"{name}_scale", scales), _constant(f"{name}_offset", offsets)


def _constant(name: str, numbers: Sequence[Fraction]) -> Const:
    bits = max((number.denominator.bit_length() - 1 for number in numbers), default=0)
    raw = np.array([int(number * 2**bits) for number in numbers], dtype=np.int64)
    return Const.covering(name, raw, bits)
