"""Certificates of forests: proved from the model file to the Verilog, and no single fault that matters gets through."""

import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("alkaid", reason="the extra rtl is not installed")
pytest.importorskip("xgboost")

import xgboost

import fasttrig
from fasttrig.base.errors import InputError
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.proof import check
from fasttrig.proof.forests import base_margin, round_half_even
from fasttrig.proof.prove import prove
from tests.ladder.forest_cases import GRID, events_for, toy
from tests.ladder.rtl_cases import write_project, write_vectors

CERTIFICATE, MODEL = "proof/certificate.json", "proof/model.json"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """What `fasttrig prove` reads of a build folder, of trees on a toy, with its certificate."""
    folder = tmp_path_factory.mktemp("proof")
    _, x, labels = toy()
    data = xgboost.DMatrix(x, labels)
    booster = xgboost.train(
        {"objective": "multi:softprob", "num_class": 3, "max_depth": 4, "base_score": 0.75, "seed": 1}, data, 4
    )
    booster.save_model(folder / "toy.json")
    graph = fasttrig.read(folder / "toy.json", input_type=GRID, leaf_fraction_bits=6).graph
    (folder / "design.ir").write_text(print_graph(graph))
    write_project(graph, folder)
    events = events_for(graph, np.random.default_rng(0), 2000)
    write_vectors(graph, folder / "rtl", {"x": events})
    found = {line.claim: line.state for line in prove(folder, folder / "toy.json")}
    proved = {"model", "rtl", "timing"}
    assert found == dict.fromkeys(found, "not covered") | dict.fromkeys(proved, "proved")
    return folder


def refuted(folder: Path) -> list[str]:
    """The claims that the checker finds false."""
    certificate = json.loads((folder / CERTIFICATE).read_text())
    return [claim for state, claim, _ in check.check(folder, certificate) if state == "FAILED"]


def test_the_copy_needs_no_fasttrig(built):
    """``python check.py`` of the build folder, elsewhere, with NumPy alone; it fails when there is nothing to check."""
    text = "".join(path.read_text() for path in (built / "proof").glob("*.py"))
    assert set(re.findall(r"^(?:from|import) (\w+)", text, re.M)) <= {*sys.stdlib_module_names, "numpy"} | {
        path.stem for path in (built / "proof").glob("*.py")
    }
    done = subprocess.run([sys.executable, "proof/check.py"], cwd=built, env={}, capture_output=True, text=True)
    assert done.returncode == 0 and "every claim holds" in done.stdout, done.stdout + done.stderr


def test_a_certificate_is_not_believed(built):
    """Trees that change places, are left out or named twice; a certificate that claims nothing."""
    certificate = json.loads((built / CERTIFICATE).read_text())
    (claim,) = (one for one in certificate["claims"] if one["claim"] == "rtl")
    groups = claim["outputs"][0]
    for broken in (
        [groups[0] | {"trees": groups[1]["trees"]}, groups[1] | {"trees": groups[0]["trees"]}, *groups[2:]],
        groups[1:],
        [groups[0], *groups],
        [groups[0] | {"term": None}, *groups[1:]],
    ):
        claim["outputs"][0] = broken
        assert [state for state, name, _ in check.check(built, certificate) if name == "rtl"] == ["FAILED"]


def test_data_and_valid_stay_together(built, tmp_path):
    """A register more or less on one path, or in `valid`, is refuted although every number is right."""
    shutil.copytree(built, tmp_path / "copy")
    (top,) = (path for path in (tmp_path / "copy/rtl/src").glob("*.v") if "LATENCY" in path.read_text())
    text = top.read_text()
    for now, then in (
        (r"(LATENCY_CYCLES = )(\d+)", lambda found: f"{found[1]}{int(found[2]) + 1}"),
        (r"(in_valid)}", lambda found: "~in_valid}"),
    ):
        top.write_text(re.sub(now, then, text))
        assert "timing" in refuted(tmp_path / "copy")


def test_another_kind_of_model_file_is_not_covered(built, tmp_path):
    """It is named as such; the other claims stand."""
    shutil.copytree(built, tmp_path / "copy")
    (tmp_path / "lightgbm.txt").write_text("tree\nversion=v4\n")
    found = {line.claim: line.state for line in prove(tmp_path / "copy", tmp_path / "lightgbm.txt")}
    assert found["model"] == "not covered" and found["rtl"] == found["timing"] == "proved"


def places(folder: Path) -> list[tuple[Path, int, str]]:
    """Where a fault can be planted: digits of the model, of design.ir, of tables, and any code of the Verilog."""
    found = []
    for name, pattern in (
        (MODEL, r'(?:split_conditions|split_indices|(?:left|right)_children)":\[([^\]]*)\]'),
        ("design.ir", r"^  ([\d -]+)$"),
    ):
        text = (folder / name).read_text()
        for match in re.finditer(pattern, text, re.M):
            found += [(folder / name, match.start(1) + at, "digit") for at, c in enumerate(match[1]) if c.isdigit()]
    for path in sorted((folder / "rtl/src").glob("*.v")):
        for line in re.finditer(r"^(?!\s*//|`)(.*?)(//.*)?$", path.read_text(), re.M):
            found += [(path, line.start() + at, "byte") for at, c in enumerate(line[1]) if not c.isspace()]
    return found


def differs(folder: Path, path: Path) -> bool:
    """Whether an oracle outside of the proof sees the fault: XGBoost, the emulator, or Icarus on the vectors."""
    graph = parse_graph((folder / "design.ir").read_text())
    events = events_for(fasttrig.read(folder / "toy.json", input_type=GRID).graph, np.random.default_rng(3), 4000)
    if path.suffix == ".v":
        if shutil.which("iverilog") is None:
            return False
        done = subprocess.run(["make", "iverilog"], cwd=folder / "rtl", capture_output=True, check=False)
        return done.returncode != 0
    if path.name == "design.ir":
        right = parse_graph((folder / "whole.ir").read_text())
    else:
        try:
            right, graph = graph, fasttrig.read(path, input_type=GRID, leaf_fraction_bits=6).graph
        except InputError:
            return False  # A node with two parents, say: the same function, which the reader refuses to take.
    margins = [evaluate(one, {"x": events}).outputs["margin"] for one in (right, graph)]
    return not np.array_equal(*margins)


@pytest.mark.parametrize("n_faults", [40, pytest.param(400, marks=pytest.mark.nightly)])
def test_faults_are_refuted(built, tmp_path, n_faults):
    """One changed bit in the model, in design.ir or in the Verilog: what the checker lets pass changes no event."""
    folder = tmp_path / "copy"
    shutil.copytree(built, folder)
    shutil.copy(folder / "design.ir", folder / "whole.ir")
    rng, caught, passed = random.Random(n_faults), dict.fromkeys((".json", ".ir", ".v"), 0), []
    spots = places(folder)
    for kind in caught:
        mine = [spot for spot in spots if spot[0].suffix == kind]
        for path, at, how in rng.sample(mine, n_faults // 3):
            old = path.read_bytes()
            new = bytearray(old)
            new[at] ^= 1 << rng.randrange(7) if how == "byte" else 1
            path.write_bytes(new)
            if refuted(folder):
                caught[kind] += 1
            else:
                passed.append((path, at, bytes(new[at - 40 : at + 40])))
                assert not differs(folder, path), passed[-1]
            path.write_bytes(old)
    least = {".v": 0.8, ".ir": 0.5, ".json": 0.1}  # The rest: entries no event reaches, digits that rounding drops.
    assert all(number > n_faults // 3 * least[kind] for kind, number in caught.items()), passed


@pytest.mark.parametrize("score", [0.5, 0.125, 0.9, 1e-6])
@pytest.mark.parametrize("fraction", [0, 6, 12])
def test_logits_of_base_scores(tmp_path, score, fraction):
    """The base margin of a logistic as the frontend reads it and XGBoost adds it."""
    _, x, labels = toy()
    data = xgboost.DMatrix(x, labels > 0)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 1, "base_score": score}, data, 1)
    booster.save_model(tmp_path / "toy.json")
    graph = fasttrig.read(tmp_path / "toy.json", input_type=GRID, leaf_fraction_bits=fraction).graph
    stored = json.loads((tmp_path / "toy.json").read_text())["learner"]["learner_model_param"]["base_score"]
    found = base_margin("binary:logistic", float(np.float32(stored.strip("[]"))), fraction)
    assert found == graph.ops[1].base_margin.raw[0]
    nothing = xgboost.train({"objective": "binary:logistic", "base_score": score}, data, 0)
    assert found == round_half_even(float(nothing.predict(data, output_margin=True)[0]), fraction)
