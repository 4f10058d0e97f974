"""``build/index.html``: one row for every finished build below a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fasttrig.base.errors import InputError
from fasttrig.base.staging import require_own_file
from fasttrig.display.environment import count, percent, render
from fasttrig.report.budget import BUNCH_CROSSING_NS
from fasttrig.report.document import Report
from fasttrig.report.hardware import LatencyRow, ResourceRow
from fasttrig.report.html import palette
from fasttrig.report.implementations import Implementation, implementations

INDEX = "index.html"
_WRITTEN = '<meta name="generator" content="fasttrig">'


def require_own_index(out: Path) -> None:
    """Raise where `out` holds an ``index.html`` that fasttrig did not write.

    Raises
    ------
    InputError
        Before anything is built.
    """
    path = out / INDEX
    try:
        ours = path.is_file() and not path.is_symlink() and _WRITTEN in path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        ours = False
    require_own_file(path, ours, "the index of an earlier build")


def write_index(out: Path) -> None:
    """Write (or leave, where nothing changed) the index of all builds in the folders of `out`.

    Raises
    ------
    InputError
        When the folder cannot be written, or holds an index that is not fasttrig's.
    """
    require_own_index(out)
    text = index_html(out)
    path = out / INDEX
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        draft = path.with_name(f".{INDEX}.{os.getpid()}")
        try:
            draft.write_text(text, encoding="utf-8", newline="\n")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot write the index of the builds", where=str(path), got=str(error)) from None


def index_html(out: Path) -> str:
    """The index as text; a report of another version is named, not shown."""
    rows, unreadable = [], []
    for path in sorted(out.glob("*/report/report.json")):
        folder = path.parent.parent.name
        if folder.startswith("."):
            continue  # a build that runs
        try:
            rows.append(_row(folder, Report.model_validate_json(path.read_text(encoding="utf-8"))))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            fault = f"{error.error_count()} faults" if isinstance(error, ValidationError) else type(error).__name__
            unreadable.append((folder, f"{fault}; build it again"))
    return render("index.html.j2", rows=rows, unreadable=unreadable, colours=palette.declarations)


def _row(folder: str, report: Report) -> dict[str, Any]:
    ran = [row.n_events for row in report.ladder if row.status != "not run"]
    return {
        "folder": folder,
        "name": report.model.name,
        "description": report.model.description,
        "verdict": report.verdict,
        "reason": report.verdict_reason,
        "events": count(max(ran, default=0)),
        **_quality(report),
        "designs": [_design(one) for one in implementations(report)] or [{"name": "–", "cells": [[]] * 3}],
    }


def _design(one: Implementation) -> dict[str, Any]:
    """One line of the table: latency, LUTs and DSPs of one design, the best number of each first."""
    counted = ([_counted(row, name) for row in one.resources if name in row.counts] for name in ("lut", "dsp"))
    return {"name": one.design, "cells": [[_latency(row) for row in one.latency[:1]], *counted]}


def _latency(row: LatencyRow) -> dict[str, str]:
    crossings = row.latency_ns / BUNCH_CROSSING_NS
    return {"figure": f"{row.latency_ns:g} ns", "note": f"{crossings:.2g} BX, {row.stage}"}


def _counted(row: ResourceRow, name: str) -> dict[str, str]:
    share = row.shares.get(name)
    return {"figure": count(row.counts[name].value), "note": (f"{percent(share, 1)}, " if share else "") + row.stage}


def _quality(report: Report) -> dict[str, str]:
    if report.agreement is not None:
        kept, real = report.agreement.accuracy_quantised, report.agreement.accuracy_float
        return {"quality": f"accuracy {kept:.4f}", "quality_note": f"float {real:.4f}", "lost": f"{real - kept:.4f}"}
    if report.regression is not None:
        kept, real = report.regression.quality_quantised.rms, report.regression.quality_float.rms
        return {
            "quality": f"RMS error {kept:.4f}",
            "quality_note": f"float {real:.4f}",
            "lost": percent(report.regression.rms_growth),
        }
    return {"quality": "–", "quality_note": report.agreement_reason, "lost": "–"}
