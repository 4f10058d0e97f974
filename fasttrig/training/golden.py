"""Golden vectors of a trained model: what the bits were on the day it was trained."""

from __future__ import annotations

from pathlib import Path

from fasttrig.data.labelled import load_sample
from fasttrig.design import read_project
from fasttrig.settings import ModelProject
from fasttrig.toolchain.vectors import write_hex

N_EVENTS = 256
FOLDER = "golden"
GOLDEN_FILES = (f"{FOLDER}/inputs.hex", f"{FOLDER}/outputs.hex")


def write_golden(project: ModelProject) -> tuple[Path, Path]:
    """Raw inputs and outputs of the first test-split events, in hex next to model.toml; returns the two paths."""
    design = read_project(project)
    sample = load_sample(project, "test")
    raw, _ = design.quantise(sample.x[:N_EVENTS])
    emulated = design.emulate_raw(raw)
    folder = project.path(FOLDER)
    folder.mkdir(exist_ok=True)
    inputs, outputs = folder / "inputs.hex", folder / "outputs.hex"
    types = [op.result.type for op in design.graph.inputs]
    inputs.write_text(write_hex([raw[op.name] for op in design.graph.inputs], types), encoding="ascii")
    found = [emulated.raw[value.name] for value in design.graph.outputs]
    outputs.write_text(write_hex(found, [value.type for value in design.graph.outputs]), encoding="ascii")
    return inputs, outputs
