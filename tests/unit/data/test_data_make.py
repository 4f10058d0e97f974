"""Generation: the same bytes for any number of workers, balanced classes, fixed splits, nothing left half-written."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from fasttrig.base.errors import InputError, MissingPackageError
from fasttrig.data.columns import CLASS_NAMES
from fasttrig.data.jets5 import make_jets5
from fasttrig.data.jets5.measure import JETS5
from fasttrig.data.jets5.parameters import GeneratorSettings
from fasttrig.data.readers import read_table
from fasttrig.data.simulation.make import assign_splits, plan

N_JETS = 22


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    seen: list[tuple[int, int]] = []
    path = tmp_path_factory.mktemp("made") / "jets.parquet"
    make_jets5(N_JETS, 3, path, workers=1, progress=lambda done, total: seen.append((done, total)))
    return path, seen


def test_two_workers_write_the_same_bytes_as_one(made, tmp_path) -> None:
    path, _ = made
    again = make_jets5(N_JETS, 3, tmp_path / "again.parquet", workers=2)
    assert again.read_bytes() == path.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["again.parquet"]


def test_classes_are_balanced_and_values_make_sense(made) -> None:
    table = read_table(made[0])
    assert np.bincount(table["label"]).tolist() == [5, 5, 4, 4, 4]
    assert (table["jet_pt"] >= 800).all()
    assert (table["jet_pt"] <= 1200).all()
    assert (abs(table["jet_eta"]) <= 1.7).all()
    assert (table["mass_mmdt"] <= table["jet_mass"] + 0.1).all()
    np.testing.assert_array_equal(table["multiplicity"], table["n_constituents"])
    pt = table["constituent_pt"]
    assert pt.shape == (N_JETS, 16)
    assert (np.diff(pt, axis=1) <= 0).all()
    empty = pt == 0
    for name in ("d_eta", "d_phi", "charge", "id", "d0"):
        assert (table[f"constituent_{name}"][empty] == 0).all()
    assert (table["constituent_d0"][table["constituent_charge"] == 0] == 0).all()
    np.testing.assert_array_equal((~empty).sum(axis=1), np.minimum(table["n_constituents"], 16))


def test_progress_ends_with_everything_done(made) -> None:
    assert made[1][0] == (0, N_JETS)
    assert made[1][-1] == (N_JETS, N_JETS)


def test_metadata_says_how_the_file_was_made(made) -> None:
    about = read_table(made[0], ["label"]).metadata
    assert about["seed"] == 3
    assert about["classes"] == list(CLASS_NAMES)
    assert about["columns"]["mass_mmdt"]["unit"] == "GeV"
    assert about["columns"]["mass_mmdt"]["lsb_log2"] == -6
    assert about["settings"]["jet_radius"] == 0.8
    assert "pythia8mc" in about["versions"]
    json.dumps(dict(about))


def test_a_run_that_is_stopped_leaves_nothing_behind(tmp_path) -> None:
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")

    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_jets5(10, 1, tmp_path / "jets.parquet", workers=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_chunks_depend_on_the_settings_only() -> None:
    tasks = plan(JETS5, 2503, 9, GeneratorSettings(chunk_jets=200))
    assert sum(task.n_jets for task in tasks) == 2503
    per_class = np.bincount([task.label for task in tasks], weights=[task.n_jets for task in tasks])
    assert per_class.tolist() == [501, 501, 501, 500, 500]
    assert len({(task.label, task.index) for task in tasks}) == len(tasks)
    assert max(task.n_jets for task in tasks) == 200


def test_splits_are_exact_in_every_class_and_fixed() -> None:
    label = np.tile(np.arange(5, dtype=np.int8), 200)
    split = assign_splits(label, seed=1)
    for kind in range(5):
        assert np.bincount(split[label == kind]).tolist() == [120, 30, 50]
    np.testing.assert_array_equal(split, assign_splits(label, seed=1))
    assert (split != assign_splits(label, seed=2)).any()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"n_events": 4}, "too few"),
        ({"seed": -1}, "negative"),
        ({"workers": 0}, "worker"),
        ({"path": "no/such/folder/jets.parquet"}, "folder"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict, word: str, tmp_path) -> None:
    usual = {"n_events": 10, "seed": 1, "path": tmp_path / "jets.parquet"}
    with pytest.raises(InputError, match=word):
        make_jets5(**usual | options)


@pytest.mark.parametrize("package", ["pythia8mc", "fastjet"])
def test_a_missing_package_is_named_with_the_way_to_get_it(package: str, monkeypatch, tmp_path) -> None:
    for name in ("pythia8mc", "fastjet"):
        if name != package:
            monkeypatch.setitem(sys.modules, name, object())
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=package) as error:
        make_jets5(10, 1, tmp_path / "jets.parquet")
    assert "pip install 'fasttrig[sim]'" in str(error.value)


def test_every_class_has_a_process_and_lines_are_filled_in() -> None:
    for name in CLASS_NAMES:
        lines = GeneratorSettings().pythia_lines(name, 12)
        assert "Random:seed = 12" in lines
        assert not any("{" in line for line in lines)
