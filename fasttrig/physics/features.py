"""Facts about each feature in the labelled sample: clipped events, constant features, duplicate features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.data.inputs import InputMap
from fasttrig.data.labelled import LabelledSample


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """Of one feature.

    Attributes
    ----------
    description : what the sample's file says; may be empty
    clipped_fraction : share of events outside the range of the input map
    equals : the first feature that holds the same numbers, or becomes the same words, on every event; else empty
    is_constant : whether every event has the same word
    """

    description: str = ""
    clipped_fraction: float = 0.0
    equals: str = ""
    is_constant: bool = False


def feature_facts(inputs: InputMap, sample: LabelledSample, raw: IntArray) -> dict[str, FeatureFacts]:
    """By name; `raw`, of shape (n_events, n_features), holds the integers that `inputs` makes from the sample."""
    clipped = inputs.clipped_fractions(sample.x)
    descriptions = sample.descriptions or ("",) * len(inputs.names)
    facts = {}
    for k, name in enumerate(inputs.names):
        equals = next((inputs.names[j] for j in range(k) if _same(sample, raw, j, k)), "")
        is_constant = bool((raw[:, k] == raw[0, k]).all())
        facts[name] = FeatureFacts(descriptions[k], clipped[name], equals, is_constant)
    return facts


def _same(sample: LabelledSample, raw: IntArray, one: int, other: int) -> bool:
    """Two constants are not called equal: they are named as constants."""
    if (raw[:, other] == raw[0, other]).all():
        return False
    same_numbers = np.array_equal(sample.x[:, one], sample.x[:, other])
    return same_numbers or np.array_equal(raw[:, one], raw[:, other])
