"""What an emulation gives: raw integers, their values, and scores after the link that stays outside the firmware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.base.link_functions import LINK_FUNCTIONS
from fasttrig.ir.graph import Graph


@dataclass(frozen=True, slots=True)
class Emulation:
    """What the emulator gave for some events.

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
    """

    given: Literal["values", "raw"]
    raw: dict[str, IntArray]
    values: dict[str, FloatArray]
    scores: FloatArray
    overflows: dict[str, int] | None


def postprocess(margins: FloatArray, graph: Graph) -> FloatArray:
    """The link of `graph` on margins of shape (n_events, n_outputs): class scores, or predictions of a regression."""
    scaled = margins if graph.link_scale == 1 else float(graph.link_scale) * margins
    return LINK_FUNCTIONS[graph.postprocessor.value](scaled)
