"""The stages of a build in order: inputs, outputs, and the function that runs each stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fasttrig.backends.base import Backend, Request
from fasttrig.backends.rtl import written_op_stages
from fasttrig.backends.table import BACKENDS, backends_for
from fasttrig.base.built_project import DRAWING, GRAPH, INPUTS, MEASURED, OUTPUTS, PAGE, REPORT, REPORTS, RTL, VECTORS
from fasttrig.base.hashing import sha256_file, sha256_json
from fasttrig.base.staging import write_texts
from fasttrig.build.input_map import KINDS, input_map_header
from fasttrig.build.runner import Ladder, Stage
from fasttrig.build.synthesis import read_report, report_files
from fasttrig.design import Design, built_files
from fasttrig.frontends.source import ModelParts
from fasttrig.ladder.checks import Work, measured, write_all_vectors
from fasttrig.ladder.run_rungs import RUNGS, RungRow
from fasttrig.report.budget import with_budget
from fasttrig.report.document import MeasuredRows
from fasttrig.settings import TargetSettings

_IN_MEMORY = ("emulation", "comparison", "sensitivity")
"""Stages whose results stay in memory, where `Work` holds them; the stage of the measurements writes what is kept."""


def facts(design: Design, settings: TargetSettings, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of all that decides a build, by the names that `Stage.inputs` and `Backend.reads` use."""
    hashes, project, source = manifest["hashes"], design.project, design.source
    parts = (source.architecture, source.weights) if isinstance(source, ModelParts) else (source,)
    files = tuple(design.model_files().values()) if design.taggers else parts
    read = [*map(_hash_of, files), repr(design.options), design.narrowed, design.built_folder is not None]
    data = project.data.model_dump(mode="json") if project is not None else None
    return {
        "fasttrig": hashes["fasttrig"],
        "versions": sha256_json(manifest["versions"]),
        "graph": hashes["graph"],
        "version": str(design.version),
        "inputs": sha256_json(design.inputs.to_json() if design.inputs is not None else ""),
        "target": sha256_json(settings.model_dump(mode="json")),
        "source": sha256_json(read),
        "sample": sha256_json([hashes.get("sample"), data]),
        "float": sha256_json({name: hashes.get(name) for name in design.model_files()}),
        "project": hashes.get("project", ""),
        "manifest": sha256_json(manifest),
    }


def _hash_of(source: Any) -> str:
    """Of the content of a model's file or folder; of a live model its class (the graph's hash tells the rest)."""
    if isinstance(source, Path) and source.is_dir():
        files = sorted(path for path in source.rglob("*") if path.is_file())
        return sha256_json({path.relative_to(source).as_posix(): sha256_file(path) for path in files})
    return sha256_file(source) if isinstance(source, Path) and source.is_file() else type(source).__name__


def stages_of(design: Design, settings: TargetSettings, target: str, manifest: Mapping[str, Any]) -> tuple[Stage, ...]:
    """All stages of one build."""
    rows = backends_for(design.graph, settings, target)
    parts = [row for row in rows if row.vectors]
    rungs = tuple(_rung(row, _writer(row, rows)) for row in RUNGS if _writer(row, rows) is not None)

    def measurements(work: Work, ladder: Ladder) -> None:
        from fasttrig.report.html.page import (
            plot_files,  # here and below: not for a build that redoes its verdict alone
        )
        from fasttrig.report.measured_rows import measured_rows

        found = measured(work)
        rows = measured_rows(design, found)
        texts = {f"{REPORTS}/{name}": text for name, text in plot_files(design, rows, found).items()}
        write_texts(work.folder, {MEASURED: rows.model_dump_json(indent=1) + "\n", **texts})

    def report(work: Work, ladder: Ladder) -> None:
        from fasttrig.report.assemble import assemble
        from fasttrig.report.html.page import drawing_file
        from fasttrig.report.rtl import rtl_row

        rows = MeasuredRows.model_validate_json((work.folder / MEASURED).read_text(encoding="utf-8"))
        rtl, op_stages = rtl_row(work.folder / RTL, design.graph), written_op_stages(work.folder / RTL)
        made = assemble(design, settings, rows, list(ladder.values()), dict(manifest), rtl=rtl, op_stages=op_stages)
        texts = {f"{REPORTS}/{name}": text for name, text in drawing_file(design.graph, made).items()}
        write_texts(work.folder, {REPORT: made.model_dump_json(indent=1) + "\n", **texts})

    def verdict(work: Work, ladder: Ladder) -> None:
        limits = design.project.budget if design.project is not None else None
        found = with_budget(read_report(work.folder), limits).model_copy(update={"manifest": dict(manifest)})
        write_texts(work.folder, report_files(work.folder, found))

    def keep_design(work: Work, ladder: Ladder) -> None:
        write_texts(work.folder, built_files(design))

    def vectors(work: Work, ladder: Ladder) -> None:
        write_all_vectors(work, [row.folder for row in parts])

    kept_in = (f"{VECTORS}/", *(f"{row.folder}/{VECTORS}/" for row in parts))
    proved = tuple(row.name for row in rows if row.rungs)
    return (
        Stage("design", "writing the design", keep_design, ("graph", "inputs", "project"), (GRAPH, INPUTS, OUTPUTS)),
        *(_written(row, target) for row in rows if "vectors" not in row.reads),
        Stage("emulation", "emulating", _emulate, ("graph", "inputs", "sample")),
        Stage("vectors", "writing vectors", vectors, ("emulation", *(row.name for row in parts)), kept_in),
        *rungs,
        Stage("comparison", "comparing with the float model", _compare, ("emulation", "float", "project")),
        Stage("sensitivity", "narrowing every op by one bit", _narrow, ("comparison",)),
        *(_written(row, target) for row in rows if "vectors" in row.reads),
        Stage(
            "measurements",
            "drawing the plots",
            measurements,
            ("graph", "inputs", "project", "source", *_IN_MEMORY),
            (f"{REPORTS}/",),
        ),
        Stage(
            "report",
            "writing the report",
            report,
            ("target", "project", "source", "version", "measurements", *proved, *(stage.name for stage in rungs)),
            (DRAWING,),
        ),
        Stage("verdict", "writing the page", verdict, ("manifest", "design", "report"), (REPORT, PAGE)),
    )


def _written(row: Backend, target: str) -> Stage:
    """The stage of one backend: its texts, and the input map with them, for each folder is handed over on its own."""

    def write(work: Work, ladder: Ladder) -> None:
        design, settings = work.design, work.settings
        texts = dict(row.emit(Request(design.graph, settings, design.version, design.inputs, work.folder)))
        header = row.input_map(settings)
        if header and design.inputs is not None:
            kind = next(kind for kind in KINDS if header.endswith(f".{kind}"))
            texts[header] = input_map_header(design.graph.name, design.inputs, kind)
        write_texts(work.folder, {f"{row.folder}/{name}": text for name, text in texts.items()})

    return Stage(
        row.name,
        row.stage,
        write,
        row.reads,
        outputs=(f"{row.folder}/",),
        needs=tuple(other.name for other in BACKENDS if other.name in row.reads),
        may_refuse=target not in row.required_by,
    )


def _writer(rung: RungRow, rows: tuple[Backend, ...]) -> str | None:
    """Name of the backend whose texts the rung runs; empty for the framework; None where this build writes none."""
    if not any(rung.name in row.rungs for row in BACKENDS):
        return ""
    return next((row.name for row in rows if rung.name in row.rungs), None)


def _rung(row: RungRow, writer: str | None) -> Stage:
    return Stage(
        row.name,
        row.doing,
        lambda work, ladder: row.run(work),
        (writer or "source", "emulation"),
        needs=(writer,) if writer else (),
        against=row.against,
        why_not=row.why_not,
        may_refuse=bool(writer),
    )


def _emulate(work: Work, ladder: Ladder) -> None:
    assert work.evaluation is not None


def _compare(work: Work, ladder: Ladder) -> None:
    assert work.comparison is not None


def _narrow(work: Work, ladder: Ladder) -> None:
    assert work.sensitivity is not None
