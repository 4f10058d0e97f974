"""`fasttrig models` and the gallery that it shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fasttrig.base.errors import InputError
from fasttrig.report.gallery import GALLERY_FILE, gallery_json, is_current, read_gallery
from tests.commandline import fasttrig as run

MODELS = Path("models")


def test_every_model_has_current_numbers():
    rows = read_gallery(MODELS)
    assert {row.name for row in rows} == {path.parent.name for path in MODELS.glob("*/model.toml")}
    for row in rows:
        assert is_current(row, MODELS), f"build {row.name}, then python ci/gallery.py {row.name}"
        assert row.systems and row.figures and row.latency_ns and row.lut


def test_the_figures_are_those_of_the_cards():
    for row in read_gallery(MODELS):
        card = (MODELS / row.name / "README.md").read_text()
        quantised = next(line for line in card.splitlines() if line.startswith("| quantised"))
        figure = row.figures.get("accuracy", row.figures.get("RMS"))
        assert f"{figure:.4f}" in quantised.split(" | "), row.name


def test_the_command_shows_them():
    done = run("models")
    assert done.returncode == 0 and "jet_mlp" in done.stdout and "A20" in done.stdout
    listed = json.loads(run("models", "--json").stdout)
    assert all(row["current"] for row in listed)


def test_a_model_without_numbers_and_a_model_trained_since(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        text = (MODELS / "jet_mlp" / "model.toml").read_text().replace('"jet_mlp"', f'"{name}"')
        (tmp_path / name / "model.toml").write_text(text)
        (tmp_path / name / "jet_mlp.h5").write_bytes(b"another file")
    known = next(row for row in read_gallery(MODELS) if row.name == "jet_mlp")
    (tmp_path / GALLERY_FILE).write_text(gallery_json([replace(known, name="a")]))
    rows = read_gallery(tmp_path)
    assert [row.name for row in rows] == ["a", "b"] and rows[1].figures == {} and rows[0].lut == known.lut
    assert not is_current(rows[0], tmp_path)


def test_a_broken_gallery_is_named(tmp_path):
    (tmp_path / GALLERY_FILE).write_text('{"models": {"a": 3}}')
    with pytest.raises(InputError, match="cannot read the gallery"):
        read_gallery(tmp_path)
