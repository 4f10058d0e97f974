"""Efficiencies of a trigger that cuts on the words of the firmware, in integers.

The link (softmax, sigmoid, ...) runs on the host. Hardware has the raw words, and computes these decisions exactly:

- ``word``: the word of the class, against a threshold;
- ``lead``: the word of the class minus the largest of the other words, against a threshold;
- ``largest``: the class whose word is the largest; of equal ones the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.fixed import FixedType, FloatArray, IntArray

Decision: TypeAlias = Literal["word", "lead", "largest"]
Chosen: TypeAlias = npt.NDArray[np.bool_]

TARGETS = (0.3, 0.5, 0.8)
"""Signal efficiencies that a working point keeps at least."""


@dataclass(frozen=True, slots=True)
class WorkingPoint:
    """A cut, and what it keeps.

    Attributes
    ----------
    output : the class, or the target of a regression
    target : the signal efficiency to keep at least, or the cut on a regression's prediction; None for ``largest``
    threshold_raw : events pass at or above it, in the output's LSB; None for ``largest``
    efficiency, background_efficiency : shares of signal and of all other events that pass; None where there are none
    rate_khz : the input rate times the background efficiency
    """

    output: str
    decision: Decision
    target: float | None
    threshold_raw: int | None
    efficiency: float | None
    background_efficiency: float | None
    background_rejection: float | None
    rate_khz: float | None


@dataclass(frozen=True, slots=True)
class WordCount:
    """How fine a threshold on one word can be: distinct words of the sample, and the share of its commonest word."""

    output: str
    n_distinct: int
    largest_tie: float
    largest_tie_raw: int


def leads(words: IntArray) -> IntArray:
    """Each word minus the largest of the others; shape (n_events, n_words), two words at least."""
    last = np.sort(words, axis=1)
    largest, second = last[:, -1:], last[:, -2:-1]
    is_largest = np.arange(words.shape[1]) == words.argmax(axis=1)[:, None]
    return np.asarray(words - np.where(is_largest, second, largest))


def lead_over(words: IntArray, signal: int, against: Sequence[int]) -> IntArray:
    """The word of `signal` minus the largest of those of `against`; shape (n_events,)."""
    return np.asarray(words[:, signal] - words[:, list(against)].max(axis=1))


def threshold_for(words: IntArray, target: float) -> int:
    """The highest threshold that at least the share `target` of `words`, of shape (n_events,), reach."""
    kept = max(1, ceil(Fraction(str(target)) * len(words)))
    return int(np.sort(words)[len(words) - kept])


def cut_points(
    output: str, decision: Decision, words: IntArray, is_signal: Chosen, input_rate_khz: float
) -> list[WorkingPoint]:
    """A working point at each of `TARGETS`; none without signal."""
    if not is_signal.any():
        return []
    found = []
    for target in TARGETS:
        threshold = threshold_for(words[is_signal], target)
        found.append(working_point(output, decision, target, threshold, words >= threshold, is_signal, input_rate_khz))
    return found


def working_point(
    output: str,
    decision: Decision,
    target: float | None,
    threshold_raw: int | None,
    passes: Chosen,
    is_signal: Chosen,
    input_rate_khz: float,
) -> WorkingPoint:
    """What the events that pass are; shapes (n_events,)."""
    kept, false = share(passes[is_signal]), share(passes[~is_signal])
    return WorkingPoint(
        output,
        decision,
        target,
        threshold_raw,
        kept,
        false,
        1.0 / false if false else None,
        None if false is None else input_rate_khz * false,
    )


def regression_points(
    output: str,
    words: IntArray,
    word_type: FixedType,
    predict: Callable[[IntArray], FloatArray],
    truth: FloatArray,
    cuts: Sequence[float],
    input_rate_khz: float,
) -> list[WorkingPoint]:
    """A working point for each cut on the prediction; signal events have a true value at or above the cut.

    `predict` gives the predictions of words, both of shape (n_events,); it never falls.
    """
    found = []
    for cut in cuts:
        threshold = least_word(word_type, predict, cut)
        passes = words >= threshold
        found.append(working_point(output, "word", cut, threshold, passes, truth >= cut, input_rate_khz))
    return found


def least_word(word_type: FixedType, predict: Callable[[IntArray], FloatArray], cut: float) -> int:
    """The least raw integer whose prediction reaches `cut`; one beyond the type where none does."""
    low, high = word_type.min_raw, word_type.max_raw + 1
    while low < high:
        middle = (low + high) // 2
        reaches = predict(np.array([middle], dtype=object if word_type.width > 62 else np.int64))[0] >= cut
        low, high = (low, middle) if reaches else (middle + 1, high)
    return low


def count_words(output: str, words: IntArray) -> WordCount:
    """Of one output, shape (n_events,)."""
    distinct, counts = np.unique(words, return_counts=True)
    most = int(counts.argmax())
    return WordCount(output, len(distinct), int(counts[most]) / len(words), int(distinct[most]))


def share(passes: Chosen) -> float | None:
    return float(np.mean(passes)) if len(passes) else None
