"""Thresholds and trained slopes of rectifiers, equal to Keras; exponentials refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras
from tests.unit.frontends.framework import keras, qdense, require_equal, sequential

INPUT = FixedType(8, 4)
LAYERS = keras.layers


@pytest.mark.parametrize("threshold", [0.5, 0.3, 7.9])
def test_a_threshold(threshold: float) -> None:
    """Greater than the threshold passes; the threshold itself does not."""
    require_equal(sequential(LAYERS.ReLU(threshold=threshold, name="a"), qdense(3, "d")), INPUT)


def test_thresholded_relu() -> None:
    require_equal(sequential(qdense(5, "c"), LAYERS.ThresholdedReLU(0.75, name="a"), qdense(3, "d")), INPUT)


def prelu(slopes: Any) -> Any:
    model = sequential(LAYERS.PReLU(name="p"), qdense(2, "d"))
    model.get_layer("p").set_weights([np.broadcast_to(np.float32(slopes), (4,))])
    return model


@pytest.mark.parametrize("ending", ["live", "h5", "keras", "tf"])
@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_prelu_of_one_slope(slope: float, ending: str, tmp_path: Path) -> None:
    source = model = prelu(slope)
    if ending != "live":
        source = tmp_path / ("m" if ending == "tf" else f"m.{ending}")
        model.save(source, save_format=ending)
    require_equal(source, INPUT, n_events=300)


@pytest.mark.parametrize(
    ("layers", "what", "text"),
    [
        (lambda: [LAYERS.ReLU(threshold=0.5, max_value=2.0, name="a")], "threshold and a slope or a limit", "0.5"),
    ],
)
def test_refusals(layers: Any, what: str, text: str) -> None:
    with pytest.raises(RefusalError) as caught:
        read_qkeras(sequential(*layers()), input_type=INPUT)
    (refusal,) = caught.value.refusals
    assert what in refusal.what and text in refusal.got + refusal.try_


def test_slopes_that_differ_or_are_no_shift() -> None:
    for slopes, what in (([0.25, 0.5, 0.25, 0.25], "slopes of this layer differ"), (0.3, "not a shift")):
        with pytest.raises(RefusalError) as caught:
            read_qkeras(prelu(slopes), input_type=INPUT)
        assert what in caught.value.refusals[0].what
