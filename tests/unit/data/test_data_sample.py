"""The sample that comes with fasttrig: its size, balance, splits and physics."""

from __future__ import annotations

import numpy as np
import pytest

from fasttrig.base.errors import InputError
from fasttrig.data import samples
from fasttrig.data.columns import ALL, CLASS_NAMES, SIXTEEN
from fasttrig.data.readers import load_jets5, read_table


@pytest.fixture(scope="module")
def table():
    return read_table(samples.path("jets5"))


def test_it_is_small_and_says_how_it_was_made(table) -> None:
    assert samples.path("jets5").stat().st_size <= 12_000_000
    assert table.metadata["seed"] == 1
    assert table.metadata["n_jets"] == table.n_rows == 83_200
    assert table.names == tuple(column.name for column in ALL)


def test_classes_and_splits_are_balanced(table) -> None:
    assert np.bincount(table["label"]).tolist() == [16_640] * 5
    assert np.bincount(table["split"]).tolist() == [49_920, 12_480, 20_800]
    for kind in range(5):
        assert np.bincount(table["split"][table["label"] == kind]).tolist() == [9_984, 2_496, 4_160]


def test_the_classes_are_shuffled(table) -> None:
    counts = np.bincount(table["label"][:1000], minlength=5)
    assert counts.min() > 150


def test_groomed_masses_peak_at_the_particles(table) -> None:
    for name, mass_gev in (("W", 80.4), ("Z", 91.2), ("t", 172.5)):
        values = table["mass_mmdt"][table["label"] == CLASS_NAMES.index(name)]
        near = values[abs(values - mass_gev) < 25]
        assert np.median(near) == pytest.approx(mass_gev, abs=3.0)
        assert len(near) > 0.4 * len(values)


def test_gluons_have_more_constituents_than_quarks(table) -> None:
    gluon, quark = (table["multiplicity"][table["label"] == label].mean() for label in (0, 1))
    assert gluon > 1.4 * quark


def test_spectra_of_the_classes_agree(table) -> None:
    medians = [np.median(table["jet_pt"][table["label"] == label]) for label in range(5)]
    assert max(medians) / min(medians) < 1.04


def test_b_quarks_of_top_decays_show_in_the_impact_parameters(table) -> None:
    large = (abs(table["constituent_d0"]) > 0.2).mean(axis=1)
    by_class = [large[table["label"] == label].mean() for label in range(5)]
    assert by_class[4] > 1.5 * by_class[1]


def test_observables_vary_and_agree_with_each_other(table) -> None:
    for name in SIXTEEN:
        assert table[name].std() > 0, name
    np.testing.assert_array_equal(table["d2_b1_mmdt"], table["d2_a1_b1_mmdt"])
    assert (table["c1_b0_mmdt"] <= 0.5).all()
    some = table["c1_b2_mmdt"] > 0.002
    two_prong_mass = table["jet_pt"][some] * np.sqrt(table["c1_b2_mmdt"][some])
    assert np.median(table["mass_mmdt"][some] / two_prong_mass) == pytest.approx(1.0, abs=0.05)


def test_a_simple_classifier_reaches_the_level_of_the_public_benchmark() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y = load_jets5(split="train")
    model = HistGradientBoostingClassifier(max_iter=20, learning_rate=0.3, random_state=0).fit(x[:15_000], y[:15_000])
    assert model.score(*load_jets5(split="validation")) > 0.64


def test_an_unknown_sample_is_refused() -> None:
    with pytest.raises(InputError, match="no such sample") as error:
        samples.path("jet5")
    assert "'jets5'" in str(error.value)
