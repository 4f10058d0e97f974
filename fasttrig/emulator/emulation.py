"""Results of an emulation: raw integers, their values, and scores after the link outside the firmware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from fasttrig.base.fixed import FixedType, FloatArray, IntArray, to_value
from fasttrig.base.link_functions import LINK_FUNCTIONS
from fasttrig.ir.graph import Graph


@dataclass(frozen=True)
class Emulation:
    """Results of the emulator for some events.

    Attributes
    ----------
    given : "values" or "raw"
        How the events were understood: real numbers, or raw integers of the network's input type.
    raw : dict of output name to int array, shape (n_events, *shape)
        The bits that the firmware returns, as integers.
    values : dict of output name to float array
        The same as real numbers: ``raw * 2**-fraction_bits``.
    scores : float array, shape (n_events, n_classes)
        The first output after the link that stays outside the firmware: what the library's ``predict_proba`` (or
        ``predict`` of a regression) returns, for the quantised model.
    overflows : dict of op name to int, or None
        Elements changed by an overflow; None where nobody counted: only the NumPy emulator does.
    stored : mapping of output name to int array
        As `raw`, in the integers that the emulator wrote, which may be narrow. `raw` and `values` are computed from
        these integers at first use.
    types : mapping of output name to FixedType
    """

    given: Literal["values", "raw"]
    stored: Mapping[str, IntArray]
    types: Mapping[str, FixedType]
    scores: FloatArray
    overflows: dict[str, int] | None

    @cached_property
    def raw(self) -> dict[str, IntArray]:
        return {name: _wide(array) for name, array in self.stored.items()}

    @cached_property
    def values(self) -> dict[str, FloatArray]:
        return {name: to_value(array, self.types[name]) for name, array in self.stored.items()}


def emulation_of(
    graph: Graph,
    given: Literal["values", "raw"],
    stored: Mapping[str, IntArray],
    scores: FloatArray | None = None,
    overflows: dict[str, int] | None = None,
) -> Emulation:
    """The emulation that raw outputs are; their scores are computed here unless the emulator made them."""
    output = graph.outputs[0]
    if scores is None:
        first = to_value(stored[output.name], output.type)
        scores = postprocess(first.reshape(len(first), output.size), graph)
    return Emulation(given, stored, {value.name: value.type for value in graph.outputs}, scores, overflows)


def _wide(array: IntArray) -> IntArray:
    """int64, so that the caller's arithmetic has room; wider integers stay Python's."""
    return array if array.dtype == object else np.ascontiguousarray(array, dtype=np.int64)


def postprocess(margins: FloatArray, graph: Graph) -> FloatArray:
    """The link of `graph` on margins of shape (n_events, n_outputs): class scores, or predictions of a regression."""
    scaled = margins if graph.link_scale == 1 else float(graph.link_scale) * margins
    return LINK_FUNCTIONS[graph.postprocessor.value](scaled)
