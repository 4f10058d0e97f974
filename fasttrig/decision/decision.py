"""Several taggers behind shared inputs as one graph: whose scores leave it, where, and with which seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np

from fasttrig.base.errors import InputError
from fasttrig.base.feature_names import column_of
from fasttrig.base.fixed import FixedType, FloatArray
from fasttrig.data.inputs import InputMap
from fasttrig.data.outputs import word_names
from fasttrig.decision.condition import Condition, ReadNumber, RealArray, holds, parse
from fasttrig.decision.lower import ConditionOps
from fasttrig.decision.sorting import Sorting, sorting_of
from fasttrig.decision.words import prepared, words_for
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.inline import inlined
from fasttrig.ir.ops import Value
from fasttrig.settings import DecisionSettings, PreparationSettings

SEEDS = "seeds"
"""The output with one bit per seed."""


@dataclass(frozen=True, slots=True)
class Tagger:
    """One of the combined models: its name here, its graph, its input map and the names of its scores."""

    name: str
    graph: Graph
    inputs: InputMap
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, name: str, graph: Graph, inputs: InputMap, classes: Sequence[str]) -> Tagger:
        known = word_names(graph, classes)
        return cls(name, graph, inputs, known or tuple(f"output{k}" for k in range(graph.outputs[0].size)))


@dataclass(frozen=True, slots=True)
class TriggerDecision:
    """What leaves the firmware.

    Attributes
    ----------
    taggers : the combined models
    words : the words that arrive: one per feature
    scores : names of the taggers whose scores are outputs, in order
    where : the condition under which the scores are those of the first of `scores`; None: always
    otherwise : a tagger, whose scores leave where `where` does not hold, or a number
    seeds : bits by name
    sorting : of the objects among the words; None where they stay as they arrive
    """

    taggers: tuple[Tagger, ...]
    words: InputMap
    scores: tuple[str, ...]
    where: Condition | None
    otherwise: str | Fraction
    seeds: Mapping[str, Condition]
    sorting: Sorting | None = None

    def arranged(self, columns: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """The words' columns, of shape (n_events,) by name, as the taggers read them."""
        return dict(columns) if self.sorting is None else self.sorting.columns_sorted(columns)

    def tagger(self, name: str) -> Tagger:
        return next(tagger for tagger in self.taggers if tagger.name == name)

    @property
    def link_of(self) -> Graph:
        """The graph whose link makes predictions of the first output."""
        return self.tagger(self.scores[0]).graph

    def outputs(
        self, columns: Mapping[str, FloatArray], margins: Mapping[str, Sequence[FloatArray]], *, exact: bool = False
    ) -> list[FloatArray]:
        """What the decision means, computed from the taggers' numbers without the combined graph.

        Parameters
        ----------
        columns : by feature, of shape (n_events,): what the conditions read
        margins : by tagger, its outputs of shape (n_events, ...)
        exact : compare in rational numbers

        Returns
        -------
        The outputs of the combined graph, in its order, as numbers.
        """

        @cache
        def value(quantity: ReadNumber) -> RealArray:
            if not quantity.tagger:
                found = columns[quantity.name]
            else:
                first = margins[quantity.tagger][0]
                found = first.reshape(len(first), -1)[:, self.tagger(quantity.tagger).outputs.index(quantity.name)]
            return np.array([Fraction(number) for number in found.tolist()], dtype=object) if exact else found

        found = [output for name in self.scores for output in margins[name]]
        if self.where is not None:
            passed = holds(self.where, value).reshape(-1, *[1] * (found[0].ndim - 1))
            other = self.otherwise
            found[0] = np.where(passed, found[0], margins[other][0] if isinstance(other, str) else float(other))
        if self.seeds:
            found.append(np.stack([holds(seed, value) for seed in self.seeds.values()], axis=1).astype(np.float64))
        return found


def decide(
    settings: DecisionSettings,
    taggers: Sequence[Tagger],
    given: Mapping[str, FixedType],
    preparation: PreparationSettings | None = None,
) -> TriggerDecision:
    """``[decision]`` read with the names of the taggers at hand; `given` are types of words.

    Raises
    ------
    InputError
        For a name that nothing has, scores that do not fit together, a number that is not on the scores' grid.
    """
    maps = [tagger.inputs for tagger in taggers]
    read = tuple(dict.fromkeys(name for inputs in maps for name in inputs.names))
    sorting = None if preparation is None else sorting_of(preparation, read)
    words = words_for(maps, given, sorting)
    names = {tagger.name: tagger.outputs for tagger in taggers}
    for key, name in (("scores", settings.scores), ("otherwise", settings.otherwise)):
        if isinstance(name, str) and name and name not in names:
            raise InputError("no such tagger", where=f"decision.{key}", got=repr(name), want=", ".join(names))
    clash = sorted(set(names) & {column_of(name) for name in read})
    if clash:
        raise InputError("a tagger has the name of a feature", where="[taggers]", got=clash[0], try_="another name")
    where = parse(settings.where, read, names, "decision.where") if settings.where else None
    seeds = {name: parse(text, read, names, f"decision.seeds.{name}") for name, text in settings.seeds.items()}
    scores = (settings.scores,) if settings.scores else tuple(names)
    other = settings.otherwise
    decision = TriggerDecision(
        tuple(taggers),
        words,
        scores,
        where,
        other if isinstance(other, str) else Fraction(str(other)),
        seeds,
        sorting,
    )
    if where is not None:
        _require_fitting(decision)
    return decision


def _require_fitting(decision: TriggerDecision) -> None:
    first = decision.link_of
    value = first.outputs[0]
    if isinstance(decision.otherwise, str):
        other = decision.tagger(decision.otherwise).graph
        mine = (value.shape, first.postprocessor.value, str(first.link_scale))
        theirs = (other.outputs[0].shape, other.postprocessor.value, str(other.link_scale))
        if mine != theirs:
            raise InputError(
                "the scores that replace others do not fit them",
                where="decision.otherwise",
                got=f"shape {theirs[0]}, link {theirs[1]} times {theirs[2]}",
                want=f"shape {mine[0]}, link {mine[1]} times {mine[2]}",
                try_="a number",
            )
        return
    raw = decision.otherwise * Fraction(2) ** value.type.fraction_bits
    if raw.denominator != 1 or not value.type.holds(int(raw), int(raw)):
        low, high = (float(end * Fraction(2) ** -value.type.fraction_bits) for end in _ends(value.type))
        raise InputError(
            "this number is none of the scores' type",
            where="decision.otherwise",
            got=str(float(decision.otherwise)),
            want=f"a multiple of {2.0**-value.type.fraction_bits} from {low} to {high} ({value.type})",
        )


def _ends(kind: FixedType) -> tuple[int, int]:
    return kind.min_raw, kind.max_raw


def combined_graph(name: str, decision: TriggerDecision) -> Graph:
    """One graph: the words, each tagger with its inputs made from them, and the decision."""
    b = GraphBuilder(name)
    words = decision.words
    types = tuple(feature.type for feature in words.features)
    narrow = () if all(kind == words.type for kind in types) else types
    arrived = b.input("words", (len(types),), words.type, channel_types=narrow, origin="[words]")
    names = words.names
    if decision.sorting is not None:
        arrived, names = decision.sorting.lower(b, arrived, names)
    outputs: dict[str, tuple[Value, ...]] = {}
    for tagger in decision.taggers:
        prefix = f"{tagger.name}_"
        given = prepared(b, arrived, names, tagger.inputs, tagger.graph, prefix)
        ops, outputs[tagger.name] = inlined(tagger.graph, given, prefix)
        b.ops.extend(ops)
    single: dict[ReadNumber, Value] = {}

    def value(quantity: ReadNumber) -> Value:
        if quantity not in single:
            single[quantity] = _single(b, quantity, decision, arrived, names, outputs)
        return single[quantity]

    lowering = ConditionOps(b, value)
    found = [output for name in decision.scores for output in outputs[name]]
    if decision.where is not None:
        passed = lowering.bit(decision.where, "passed", "decision.where")
        found[0] = _selected(b, passed, found[0], decision, outputs)
    if decision.seeds:
        bits = [lowering.bit(seed, f"seed_{key}", f"decision.seeds.{key}") for key, seed in decision.seeds.items()]
        found.append(b.concat(SEEDS, tuple(bits), axis=0, origin="decision.seeds") if len(bits) > 1 else bits[0])
    graph = b.graph(*found, postprocessor=decision.link_of.postprocessor)
    return Graph(graph.name, graph.ops, graph.outputs, graph.postprocessor, decision.link_of.link_scale)


def _single(
    b: GraphBuilder,
    quantity: ReadNumber,
    decision: TriggerDecision,
    words: Value,
    names_of_words: Sequence[str],
    outputs: Mapping[str, tuple[Value, ...]],
) -> Value:
    """The one number of a feature or an output, of shape (1,)."""
    if not quantity.tagger:
        place = names_of_words.index(quantity.name)
        return b.gather(f"word{place}", words, 0, (place,), origin=quantity.name)
    names, value = decision.tagger(quantity.tagger).outputs, outputs[quantity.tagger][0]
    place = names.index(quantity.name)
    if value.shape != (len(names),):
        flat = f"{quantity.tagger}_flat_outputs"
        made = next((op.result for op in b.ops if op.name == flat), None)
        value = made or b.reshape(flat, value, (len(names),), origin=quantity.tagger)
    return b.gather(f"{quantity.tagger}_output{place}", value, 0, (place,), origin=str(quantity))


def _selected(
    b: GraphBuilder, passed: Value, scores: Value, decision: TriggerDecision, outputs: Mapping[str, tuple[Value, ...]]
) -> Value:
    """The scores where `passed` is 1, else those of the other tagger, or the number."""
    flat = b.reshape("scores_flat", scores, (scores.size,)) if len(scores.shape) > 1 else scores
    condition = b.gather("passed_each", passed, 0, (0,) * scores.size, origin="decision.where")
    if isinstance(decision.otherwise, str):
        other = outputs[decision.otherwise][0]
        if len(other.shape) > 1:
            other = b.reshape("otherwise_flat", other, (other.size,))
    else:
        raw = int(decision.otherwise * Fraction(2) ** scores.type.fraction_bits)
        other = b.gather("otherwise", flat, 0, (-1,) * scores.size, pad_raw=raw, origin="decision.otherwise")
    chosen = b.select("scores" if len(scores.shape) == 1 else "scores_chosen", condition, flat, other)
    return chosen if len(scores.shape) == 1 else b.reshape("scores", chosen, scores.shape)
