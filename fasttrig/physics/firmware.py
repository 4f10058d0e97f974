"""Physics of the words that leave the FPGA, next to that of the scores after the link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import Any, Literal, TypeAlias

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray, to_value
from fasttrig.data.labelled import LabelledSample
from fasttrig.data.outputs import word_names
from fasttrig.design import Design
from fasttrig.emulator.emulation import postprocess
from fasttrig.physics.classification import auc, rejections
from fasttrig.physics.profiles import EfficiencyProfile, efficiency_profiles
from fasttrig.physics.working_points import (
    TARGETS,
    Chosen,
    WordCount,
    WorkingPoint,
    count_words,
    cut_points,
    lead_over,
    leads,
    regression_points,
    threshold_for,
    working_point,
)
from fasttrig.settings import PairSettings

Quantity: TypeAlias = Literal["score", "word", "lead"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well one quantity orders the events: a class against all others.

    Attributes
    ----------
    ranked_by : "score" after the link, on the host; "word" and "lead" in the firmware (see `working_points`)
    background_rejection : signal efficiency -> 1 / background efficiency, interpolated between words
    """

    output: str
    ranked_by: Quantity
    auc: float
    background_rejection: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Pair:
    """One class against some others, by the lead of its word over theirs: against one class, the words' difference.

    Mappings are by the signal efficiency to keep at least; events pass at or above the threshold, in the output's LSB.
    """

    signal: str
    against: tuple[str, ...]
    auc: float
    threshold_raw: dict[str, int]
    efficiency: dict[str, float]
    background_rejection: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class FirmwarePhysics:
    """Everything measured on `n_events` labelled events, from raw words alone unless a ranking says "score".

    Attributes
    ----------
    confusion : share of each true class (row) that each class (column) is chosen for, by the largest word
    """

    n_events: int
    input_rate_khz: float
    words: tuple[WordCount, ...]
    working_points: tuple[WorkingPoint, ...]
    rankings: tuple[Ranking, ...] = ()
    pairs: tuple[Pair, ...] = ()
    confusion: tuple[tuple[float, ...], ...] = ()
    profiles: tuple[EfficiencyProfile, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def firmware_physics(
    design: Design, sample: LabelledSample, raw: dict[str, IntArray], scores: FloatArray
) -> FirmwarePhysics | None:
    """Of the labelled events; None where words and classes do not belong together.

    Parameters
    ----------
    raw : raw outputs of the events of `sample`, by name
    scores : the same after the link, shape (n_events, n_classes)
    """
    first = design.graph.outputs[0]
    words = raw[first.name].reshape(len(sample.labels), first.size)
    names = word_names(design.graph, design.classes)
    if design.project is None or not names:
        return None
    rate = design.project.physics.input_rate_khz
    counts = tuple(count_words(name, words[:, k]) for k, name in enumerate(names))
    if design.project.data.is_regression:
        cuts = design.project.data.thresholds
        points = regression_points(
            names[0],
            words[:, 0],
            first.type,
            lambda given: postprocess(to_value(given[:, None], first.type), design.graph)[:, 0],
            sample.labels,
            cuts,
            rate,
        )
        return FirmwarePhysics(len(words), rate, counts, tuple(points))
    return _of_classes(design, sample, words, scores, counts)


def _of_classes(
    design: Design, sample: LabelledSample, words: IntArray, scores: FloatArray, counts: tuple[WordCount, ...]
) -> FirmwarePhysics:
    assert design.project is not None
    settings, classes = design.project.physics, design.classes
    rate, labels = settings.input_rate_khz, sample.labels
    several = words.shape[1] > 1
    first_class = 0 if several else 1  # a single word is about the second of two classes
    cuts: dict[Literal["word", "lead"], IntArray] = {"word": words}
    if several:
        cuts["lead"] = leads(words)
    chosen = words.argmax(axis=1) if several else scores.argmax(axis=1)
    points = []
    for k, name in enumerate(classes[first_class:]):
        is_signal = labels == first_class + k
        for decision, columns in cuts.items():
            points += cut_points(name, decision, columns[:, k], is_signal, rate)
        passes = chosen == first_class + k
        points.append(working_point(name, "largest", None, None, passes, is_signal, rate))
    names = classes[first_class:]
    rankings = _rankings("score", scores[:, first_class:], labels - first_class, names)
    for decision, columns in cuts.items():
        rankings += _rankings(decision, columns, labels - first_class, names)
    return FirmwarePhysics(
        len(words),
        rate,
        counts,
        tuple(points),
        tuple(rankings),
        _pairs(words, labels, classes, settings.pairs) if several else (),
        _confusion(labels, chosen, len(classes)),
        efficiency_profiles(sample.profiles, words, labels - first_class, names),
    )


def _rankings(quantity: Quantity, columns: Any, labels: IntArray, names: Sequence[str]) -> list[Ranking]:
    """By columns of shape (n_events, n_names), the label of the first name is 0; of the classes that the sample has."""
    known = [k for k in range(len(names)) if 0 < np.count_nonzero(labels == k) < len(labels)]
    found = []
    for k in known:
        order = np.unique(columns[:, k], return_inverse=True)[1]  # words of any width as small integers
        is_signal = labels == k
        found.append(Ranking(names[k], quantity, auc(order, is_signal), rejections(order, is_signal)))
    return found


def _pairs(
    words: IntArray, labels: IntArray, classes: Sequence[str], chosen: Sequence[PairSettings]
) -> tuple[Pair, ...]:
    """Every two classes, then the ones that the settings name."""
    place = {name: k for k, name in enumerate(classes)}
    wanted: list[tuple[str, tuple[str, ...]]] = [(one, (other,)) for one, other in permutations(classes, 2)]
    wanted += [(pair.signal, pair.against) for pair in chosen]
    found = []
    for signal, against in wanted:
        others = [place[name] for name in against]
        events = np.isin(labels, [place[signal], *others])
        lead, is_signal = lead_over(words[events], place[signal], others), labels[events] == place[signal]
        if is_signal.any() and not is_signal.all():
            found.append(_pair(signal, against, lead, is_signal))
    return tuple(found)


def _pair(signal: str, against: tuple[str, ...], lead: IntArray, is_signal: Chosen) -> Pair:
    thresholds = {f"{target:g}": threshold_for(lead[is_signal], target) for target in TARGETS}
    kept = {key: float(np.mean(lead[is_signal] >= threshold)) for key, threshold in thresholds.items()}
    false = {key: float(np.mean(lead[~is_signal] >= threshold)) for key, threshold in thresholds.items()}
    rejections = {key: 1.0 / share if share else None for key, share in false.items()}
    order = np.unique(lead, return_inverse=True)[1]
    return Pair(signal, against, auc(order, is_signal), thresholds, kept, rejections)


def _confusion(labels: IntArray, chosen: IntArray, n_classes: int) -> tuple[tuple[float, ...], ...]:
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (labels, chosen), 1)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    return tuple(tuple(map(float, row)) for row in shares)
