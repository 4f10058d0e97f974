"""A softmax in the firmware on request: probabilities as raw words, checked against QKeras up to the logits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import InputError
from fasttrig.data.labelled import load_sample
from fasttrig.emulator.emulation import postprocess
from fasttrig.ir.ops import Softmax
from fasttrig.ladder.checks import Work, float_outputs
from fasttrig.ladder.run_rungs import RUNGS
from fasttrig.ladder.rungs import Status


def test_the_firmware_puts_out_probabilities(tmp_path: Path) -> None:
    on_host = fasttrig.read("models/jet_mlp")
    on_chip = fasttrig.read("models/jet_mlp", output_activation="firmware")
    assert on_chip.project is not None
    sample = load_sample(on_chip.project, "test")
    sample = replace(sample, x=sample.x[:500], labels=sample.labels[:500])
    x = sample.x
    host, chip = on_host.emulate(x).scores, on_chip.emulate(x).scores
    assert len(on_chip.graph.ops_of(Softmax)) == 1 and not on_host.graph.ops_of(Softmax)
    assert np.abs(host - chip).max() < 0.01 and (host.argmax(axis=1) == chip.argmax(axis=1)).mean() > 0.99
    raw, _ = on_chip.quantise(x)
    work = Work(on_chip, on_chip.project.target, tmp_path)
    vars(work)["inputs"] = raw
    rung = next(row for row in RUNGS if row.against == "framework").run(work)
    assert rung.status is Status.EQUAL and "before the link" in rung.reason
    found = [postprocess(float_outputs(design, sample)[0], design.scoring_graph) for design in (on_chip, on_host)]
    assert np.array_equal(*found)


def test_trees_keep_their_link_on_the_host() -> None:
    with pytest.raises(InputError, match="stays on the host"):
        fasttrig.read("models/jet_bdt", output_activation="firmware")
