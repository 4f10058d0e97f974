"""``fasttrig estimate``: descriptions, built folders and models; alternatives; JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fasttrig.base.errors import InputError
from fasttrig.cli import app

GOLDEN = Path(__file__).parents[3] / "firmware" / "golden"
RUNNER = CliRunner()
LAYERS = [
    {"kind": "dense", "n_in": 16, "n_out": 32},
    {"kind": "activ", "n_in": 32},
    {"kind": "dense", "n_in": 32, "n_out": 5},
]


def estimate(*arguments):
    """The parsed JSON of a run that must succeed."""
    result = RUNNER.invoke(app, ["estimate", *map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def refuse(*arguments):
    with pytest.raises(InputError) as caught:
        RUNNER.invoke(app, ["estimate", *map(str, arguments)], catch_exceptions=False)
    return str(caught.value)


@pytest.fixture
def description(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"layers": LAYERS, "part": "VU13P", "clock_ns": 2.5, "tool": "Vitis HLS 2024.1"}))
    return path


def test_a_description_gives_both_stages(description):
    synth, csynth = estimate(description)  # the LUTs of the HLS report, far too many for a forest, never come first
    assert (synth["stage"], csynth["stage"]) == ("synth", "csynth")
    assert csynth["clock_period_ns"] == 2.5
    assert synth["lut"]["value"] < csynth["lut"]["value"]
    assert 0 < csynth["shares"]["lut"] < 1


def test_a_model_file_of_ones_own(tmp_path):
    """Needs no project around it; a command that does says so."""
    model = Path("models/jet_mlp/jet_mlp.h5").resolve()
    synth, _ = estimate(model, "--input-type", "fixed<10,3>")
    assert synth["design"] == str(model) and synth["lut"]["value"] > 1000
    with pytest.raises(InputError, match="expected a model folder, found a file"):
        RUNNER.invoke(app, ["train", str(model)], catch_exceptions=False)


def test_toml_says_the_same_as_json(tmp_path, description):
    path = tmp_path / "net.toml"
    rows = "\n".join("[[layers]]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in row.items()) for row in LAYERS)
    path.write_text('part = "VU13P"\nclock_period_ns = 2.5\ntool = "Vitis HLS 2024.1"\n' + rows)
    assert [row["lut"] for row in estimate(path)] == [row["lut"] for row in estimate(description)]


def test_alternatives_are_all_combinations(description):
    rows = estimate(description, "--stage", "csynth", "--what-if", "reuse_factor=1|4,strategy=latency|resource")
    assert [row["what_if"] for row in rows[1:]] == [
        {"reuse_factor": rf, "strategy": s} for rf in (1, 4) for s in ("latency", "resource")
    ]
    assert rows[-1]["ii_cycles"]["value"] == 4


def test_a_slower_clock_takes_fewer_cycles(description):
    rows = estimate(description, "--stage", "csynth", "--what-if", "clock_ns=2.5|10")
    assert rows[1]["latency_cycles"]["value"] > rows[2]["latency_cycles"]["value"]


def test_a_built_folder_is_read_from_its_graph(tmp_path):
    (tmp_path / "design.ir").write_text((GOLDEN / "tiny_forest.ir").read_text())
    rows = estimate(tmp_path, "--what-if", "clock_period_ns=5.0")
    assert rows[0]["calibration"]["regime"] == "forest_hls"
    assert len(rows) == 4


def test_a_model_is_read_by_name():
    assert estimate("jet_bdt", "--stage", "synth", "--part", "VU9P")[0]["part"] == "VU9P"


def test_the_table_shows_value_interval_and_share(description):
    result = RUNNER.invoke(app, ["estimate", str(description), "--what-if", "reuse_factor=2"], catch_exceptions=False)
    for words in ("80 % interval", "of the device", "latency_cycles", "reuse_factor=2", "as it is"):
        assert words in result.stdout


@pytest.mark.parametrize(
    ("what_if", "words"),
    [
        ("reuse_factr=2", "did you mean 'reuse_factor'"),
        ("reuse_factor", "needs a value"),
        ("reuse_factor=x", "not a number"),
        ("reuse_factor=-1", "not a positive number"),
        ("clock_ns=nan", "not a positive number"),
        (",", "no alternative given"),
    ],
)
def test_alternatives_that_cannot_be_read_are_refused(description, what_if, words):
    assert words in refuse(description, "--what-if", what_if)


@pytest.mark.parametrize("content", ["{", "[1]", '{"layers": 3}', '{"layers": [], "colour": "red"}', "[" * 5000])
def test_broken_descriptions_are_refused(tmp_path, content):
    path = tmp_path / "net.json"
    path.write_text(content)
    assert str(refuse(path))


def test_a_missing_description_is_refused(tmp_path):
    assert "no such file" in refuse(tmp_path / "none.json")
