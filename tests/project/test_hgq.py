"""A model folder with a network of HGQ2: built as any other; the framework's rung says where it runs."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fasttrig.data.inputs import InputMap
from fasttrig.data.labelled import load_sample
from fasttrig.settings import load_project
from tests.commandline import fasttrig
from tests.unit.frontends.test_hgq import DATA

NAMES = [f"x{number}" for number in range(6)]
MODEL = f"""
[model]
name = "learned_bits"
file = "dense_1.keras"
[data]
sample = "events.parquet"
features = {json.dumps(NAMES)}
classes = ["b", "c", "light"]
[inputs]
type = "fixed<8,4>"
[target]
rtl_language = "verilog"
"""


def test_the_whole_build(tmp_path):
    rng = np.random.default_rng(1)
    n = 900
    labels = {"label": rng.integers(0, 3, n), "split": np.arange(n) % 3}
    pq.write_table(pa.table({name: rng.normal(0, 3, n) for name in NAMES} | labels), tmp_path / "events.parquet")
    shutil.copy(DATA / "dense_1.keras", tmp_path)
    (tmp_path / "model.toml").write_text(MODEL)
    train = load_sample(load_project(tmp_path), "train")
    chosen = InputMap.choose(train.x, train.names, train.units, load_project(tmp_path).inputs.type)
    (tmp_path / "inputs.json").write_text(chosen.to_json())
    done = fasttrig("build", ".", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "build" / "learned_bits" / "report" / "report.json").read_text())
    rungs = {rung["rung"]: rung for rung in report["ladder"]}
    assert {rungs[name]["status"] for name in ("emulate_compiled", "csim", "rtlsim")} == {"equal"}
    assert rungs["emulate"]["status"] == "not run" and "HGQ2 runs in its own environment" in rungs["emulate"]["reason"]
