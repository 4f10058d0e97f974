"""The gallery: a line of measured numbers for each model of a models folder, kept in ``models/gallery.json``.

`ci/gallery.py` takes the numbers from the reports of builds; `fasttrig models` shows them without building anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError
from fasttrig.base.hashing import sha256_file
from fasttrig.report.document import Report
from fasttrig.settings import MODEL_FILE, load_project

GALLERY_FILE = "gallery.json"
FORMAT = "fasttrig-gallery 1"
ESTIMATED = "estimate of synth"
"""The stage of the LUT of a design whose RTL has no expectation, such as a forest."""


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """Numbers of one model, of its last build that was put into the gallery.

    Attributes
    ----------
    systems : ids of docs/systems.toml
    sha256 : of the model file that was built
    figures : of the quantised model on the test split: ``accuracy``, ``mean AUC``; or ``RMS`` of a regression
    latency_ns, lut : each with its stage, None where the build had neither simulation nor RTL
    """

    name: str
    description: str
    systems: tuple[str, ...]
    sha256: str
    figures: dict[str, float] = field(default_factory=dict)
    latency_ns: float | None = None
    latency_stage: str = ""
    lut: int | None = None
    lut_stage: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def gallery_row(report: Report, systems: tuple[str, ...]) -> GalleryRow:
    """The line of a model, from the report of its build."""
    figures = {}
    if report.agreement is not None:
        areas = list(report.agreement.auc_quantised.values())
        figures = {"accuracy": report.agreement.accuracy_quantised, "mean AUC": sum(areas) / len(areas)}
    if report.regression is not None:
        figures = {"RMS": report.regression.quality_quantised.rms}
    simulated = [row for row in report.latency if row.stage == "rtlsim"]
    lut, lut_stage = _lut(report)
    return GalleryRow(
        report.model.name,
        report.model.description,
        systems,
        report.model.sha256,
        figures,
        simulated[0].latency_ns if simulated else None,
        simulated[0].stage if simulated else "",
        lut,
        lut_stage,
    )


def _lut(report: Report) -> tuple[int | None, str]:
    """Of the RTL where its routed size is expected, else as estimated."""
    if report.rtl is not None and report.rtl.expected_routed_lut is not None:
        return round(report.rtl.expected_routed_lut.value), "expected after routing of the RTL"
    estimated = [row.lut for row in report.resources if row.stage == ESTIMATED and row.lut is not None]
    return (round(estimated[0].value), ESTIMATED) if estimated else (None, "")


def read_gallery(folder: Path) -> list[GalleryRow]:
    """The lines of ``gallery.json`` in the models folder `folder`, by name; one without numbers for other models."""
    path = folder / GALLERY_FILE
    rows = {}
    if path.is_file():
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            rows = {name: _row(name, row) for name, row in content["models"].items()}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("cannot read the gallery", where=str(path), got=repr(error)) from None
    for found in folder.glob(f"*/{MODEL_FILE}"):
        project = load_project(found)
        if project.model.name not in rows:
            rows[project.model.name] = GalleryRow(project.model.name, project.model.description, (), "")
    return [rows[name] for name in sorted(rows)]


def gallery_json(rows: list[GalleryRow]) -> str:
    """Text of ``gallery.json``."""
    models = {row.name: {key: value for key, value in row.to_dict().items() if key != "name"} for row in rows}
    return json.dumps({"format": FORMAT, "models": dict(sorted(models.items()))}, indent=1) + "\n"


def is_current(row: GalleryRow, folder: Path) -> bool:
    """Whether the model file is the one that the numbers are of."""
    path = folder / row.name / MODEL_FILE
    if not path.is_file():
        return False
    project = load_project(path)
    file = project.path(project.model.file)
    return file.is_file() and sha256_file(file) == row.sha256


def _row(name: str, row: Mapping[str, Any]) -> GalleryRow:
    return GalleryRow(name, **{**row, "systems": tuple(row["systems"])})
