"""Trigger-level inputs: an add and a shift, chosen from the sample, with nothing hidden."""

import numpy as np
import pytest

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FixedType
from fasttrig.data.inputs import FeatureMap, InputMap

TYPE = FixedType(10, 3)
NAMES, UNITS = ("mass", "tau", "n"), ("GeV", "", "")


@pytest.fixture
def x():
    rng = np.random.default_rng(1)
    return rng.normal(size=(5000, 3)) * [40.0, 1e-3, 5.0] + [120.0, 0.5, 30.0]


def test_raw_is_an_add_and_a_shift(x):
    """In integers on the feature's own fine grid: (x + offset) >> k, saturated."""
    feature = FeatureMap("mass", "GeV", offset=96.0, shift=5, type=TYPE)
    fine = np.arange(-20_000, 20_000)  # the feature in steps of 1/16 GeV
    raw = InputMap((feature,), TYPE).to_raw(fine[:, None] / 16.0)
    dropped = TYPE.fraction_bits - feature.shift  # grid of the result: 2**-(7 - 5) = 1/4 GeV
    want = np.clip((fine - 96 * 16) >> (4 - dropped), TYPE.min_raw, TYPE.max_raw)
    assert np.array_equal(raw[:, 0], want)


def test_the_chosen_range_is_the_smallest_that_holds_the_quantile(x):
    chosen = InputMap.choose(x, NAMES, UNITS, TYPE, quantile=0.99)
    for k, feature in enumerate(chosen.features):
        low, high = np.quantile(x[:, k], [0.005, 0.995])
        assert feature.range[0] <= low + feature.step and high - feature.step <= feature.range[1]
        assert (feature.range[1] - feature.range[0]) / 2 <= high - low
        assert feature.offset % feature.step == 0


def test_clipped_fractions_count_what_saturates(x):
    chosen = InputMap.choose(x, NAMES, UNITS, TYPE, quantile=0.9)
    raw = chosen.to_raw(x)
    for k, name in enumerate(NAMES):
        unclipped = np.floor((x[:, k] - chosen.features[k].offset) / chosen.features[k].step)
        want = np.mean((unclipped < TYPE.min_raw) | (unclipped > TYPE.max_raw))
        assert chosen.clipped_fractions(x)[name] == want
        assert want > 0 and raw[:, k].min() >= TYPE.min_raw and raw[:, k].max() <= TYPE.max_raw


def test_a_narrower_feature_stays_on_its_own_grid(x):
    chosen = InputMap.choose(x, NAMES, UNITS, TYPE, types={"n": FixedType(6, 3)})
    raw = chosen.to_raw(x)[:, 2]
    assert chosen.channel_types[2] == FixedType(6, 3)
    assert (raw % 16 == 0).all() and (raw // 16 >= -32).all() and (raw // 16 <= 31).all()


def test_the_file_round_trips(x, tmp_path):
    chosen = InputMap.choose(x, NAMES, UNITS, TYPE)
    path = tmp_path / "inputs.json"
    path.write_text(chosen.to_json())
    assert InputMap.load(path) == chosen


@pytest.mark.parametrize("text", ["", "[]", '{"format": "other"}', '{"format": "fasttrig-inputs 1"}', "\x00"])
def test_a_broken_file_is_refused(tmp_path, text):
    path = tmp_path / "inputs.json"
    path.write_text(text)
    with pytest.raises(DataError):
        InputMap.load(path)


def test_bad_features_are_refused_with_their_place(x):
    chosen = InputMap.choose(x, NAMES, UNITS, TYPE)
    x[17, 1] = np.nan
    with pytest.raises(DataError, match="event 17, feature 'tau'"):
        chosen.to_raw(x)
    with pytest.raises(DataError, match="mass, tau, n"):
        chosen.to_raw(x[:, :2])


def test_constant_features_do_not_divide_by_zero():
    chosen = InputMap.choose(np.full((10, 1), 3.0), ("c",), ("",), TYPE)
    assert np.isfinite(chosen.scaled(np.full((1, 1), 3.0))).all()
