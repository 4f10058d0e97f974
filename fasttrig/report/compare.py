"""Several builds side by side: physics performance, latency and resources.

All numbers come from the builds' own ``report.json``. A build has a row for each of its designs, HLS and RTL, and every
number of a row is of that one design. Of several numbers for one quantity the one of the most advanced stage is taken,
and its stage stands beside it. A number that nobody has is "not run".
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fasttrig.base.built_project import REPORT, BuiltProject, folder_of_report
from fasttrig.base.errors import InputError, near_names
from fasttrig.estimate.devices import RESOURCES
from fasttrig.report.document import SCHEMA_VERSION, Report
from fasttrig.report.hardware import CountRow, LatencyRow, ReportStage, ResourceRow
from fasttrig.report.implementations import Implementation, implementations

INDEX = "index.html"
"""Page that ``fasttrig build`` writes next to the builds; ``compare build/*`` may include its path."""

NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class ReportedNumber:
    """A quantity with its interval (80 % for an estimate; itself for a count), and who says so."""

    value: float
    low: float
    high: float
    stage: ReportStage
    tool: str


@dataclass(frozen=True, slots=True)
class FigureOfMerit:
    """A figure of merit of the quantised model; `error` is its statistical one, None where the report has none."""

    name: str
    value: float
    error: float | None
    unit: str = ""
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Compared:
    """One design of a build. `label` tells the build apart, `design` is "RTL", "HLS", or empty where nothing is known;
    `costs` holds latency_ns, latency_cycles, ii_cycles and the resources."""

    label: str
    design: str
    folder: str
    model: str
    version: int
    verdict: str
    backend: str
    part: str
    clock_period_ns: float
    n_events: int
    qualities: tuple[FigureOfMerit, ...]
    costs: Mapping[str, ReportedNumber | None]

    def quality(self, name: str) -> FigureOfMerit | None:
        return next((quality for quality in self.qualities if quality.name == name), None)


def compare(folders: Sequence[str | Path], *, stage: str = "") -> list[Compared]:
    """Read the builds; a folder of builds stands for all of them.

    Parameters
    ----------
    stage : str, optional
        Take the numbers of this stage alone: "rtlsim", "synth", "estimate of csynth", ...

    Raises
    ------
    InputError
        When something is no build, or its report was written by another version of fasttrig.
    """
    paths = [path for folder in folders for path in _builds(Path(folder))]
    paths = list(dict.fromkeys(paths))
    if not paths:
        raise InputError(
            "no build to compare",
            got=", ".join(map(str, folders)) or "nothing",
            want="folders that `fasttrig build` wrote",
        )
    reports = [read_report(path) for path in paths]
    _check_stage(stage, reports)
    labels = _labels(paths)
    found = []
    for label, path, report in zip(labels, paths, reports, strict=True):
        known_designs = [known for one in implementations(report) if (known := _of_stage(one, stage))]
        found += [_compared(label, path, report, one) for one in known_designs or (None,)]
    return found


def _nearest_build(folder: Path) -> str:
    """What to name instead: the build below ``build/``, or a near one; else how to make it."""
    builds = [path.parents[1].as_posix() for path in Path("build").glob(f"*/{REPORT}")]
    wanted = (Path("build") / folder.name).as_posix()
    if wanted in builds:
        return wanted
    make = f"fasttrig build {folder.name}, then compare {wanted}"
    return f"{near_names(wanted, builds)}; or {make}" if builds else make


def read_report(folder: Path) -> Report:
    """The report of a build folder."""
    path = BuiltProject(folder).report
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        got = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            "this is no build of fasttrig's",
            where=str(path),
            got=str(got),
            want="a folder that `fasttrig build` wrote",
            try_=_nearest_build(folder),
        ) from None
    if not isinstance(content, dict) or not {"schema_version", "ladder", "verdict"} <= content.keys():
        raise InputError(
            "this is no report of fasttrig's", where=str(path), want="keys schema_version, ladder, verdict"
        )
    if content["schema_version"] != SCHEMA_VERSION:
        raise InputError(
            "this report was written by another version of fasttrig",
            where=str(path),
            got=f"schema {content['schema_version']}",
            want=f"schema {SCHEMA_VERSION}",
            try_="fasttrig build again",
        )
    try:
        return Report.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(
            "this report does not have the form that it should",
            where=str(path),
            got=f"{error.error_count()} fault(s), the first: {key}: {first['msg']}",
            try_="it may be of another version of fasttrig: build again",
        ) from None


def to_dict(build: Compared) -> dict[str, Any]:
    """Plain data for JSON."""
    return asdict(build)


def to_csv(builds: Iterable[Compared]) -> str:
    """One row per build and design; an empty cell is a number that nobody has."""
    rows = [_flat(build) for build in builds]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def quality_names(builds: Iterable[Compared]) -> list[str]:
    """Every figure of merit that some build has."""
    return list(dict.fromkeys(quality.name for build in builds for quality in build.qualities))


def _builds(folder: Path) -> list[Path]:
    if BuiltProject(folder).report.is_file() or not folder.exists():
        return [folder]
    around = folder_of_report(folder)
    if around is not None:
        return [around]
    if folder.is_dir():
        below = sorted(path.parent.parent for path in folder.glob(f"*/{REPORT}"))
        return below or [folder]
    return [] if folder.name == INDEX else [folder]


def _labels(paths: Sequence[Path]) -> list[str]:
    """The last part of each path; the whole path if two paths have the same last part."""
    names = [path.absolute().name for path in paths]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True)]


def _check_stage(stage: str, reports: Sequence[Report]) -> None:
    found = [one for report in reports for one in implementations(report)]
    known = dict.fromkeys(stage for one in found for stage in one.stages)
    if stage and stage not in known:
        raise InputError("no build has numbers of this stage", got=repr(stage), want=", ".join(known) or "any number")


def _of_stage(one: Implementation, stage: str) -> Implementation | None:
    """Its rows of this stage alone, where one is named; None where it has none."""
    if not stage:
        return one
    latency = tuple(row for row in one.latency if row.stage == stage)
    resources = tuple(row for row in one.resources if row.stage == stage)
    return replace(one, latency=latency, resources=resources) if latency or resources else None


def _compared(label: str, path: Path, report: Report, one: Implementation | None) -> Compared:
    latency = next(iter(one.latency), None) if one is not None else None
    resources = next(iter(one.resources), None) if one is not None else None
    costs: dict[str, ReportedNumber | None] = {"latency_ns": _latency_ns(latency)}
    costs |= {name: _number(latency, getattr(latency, name, None)) for name in ("latency_cycles", "ii_cycles")}
    costs |= {name: _number(resources, getattr(resources, name, None)) for name in RESOURCES}
    target = report.target
    return Compared(
        label=label,
        design=one.design if one is not None else "",
        folder=str(path),
        model=report.model.name,
        version=report.model.version,
        verdict=report.verdict,
        backend=str(target.get("backend", "")),
        part=str(target.get("part", "")),
        clock_period_ns=float(target.get("clock_period_ns", math.nan)),
        n_events=_n_events(report),
        qualities=_qualities(report),
        costs=costs,
    )


def _number(row: LatencyRow | ResourceRow | None, count: CountRow | None) -> ReportedNumber | None:
    if row is None or count is None:
        return None
    return ReportedNumber(count.value, count.low, count.high, row.stage, row.tool)


def _latency_ns(row: LatencyRow | None) -> ReportedNumber | None:
    """Cycles with their interval, at the report's time per cycle."""
    if row is None:
        return None
    cycles = row.latency_cycles
    period = row.latency_ns / cycles.value if cycles.value else 0.0
    return ReportedNumber(row.latency_ns, cycles.low * period, cycles.high * period, row.stage, row.tool)


def _n_events(report: Report) -> int:
    found = report.agreement or report.regression
    return found.n_events if found is not None else 0


def _qualities(report: Report) -> tuple[FigureOfMerit, ...]:
    if report.agreement is not None:
        found, aucs = report.agreement, list(report.agreement.auc_quantised.values())
        accuracy = found.accuracy_quantised
        error = math.sqrt(accuracy * (1 - accuracy) / found.n_events)  # binomial
        losses = [found.auc_float[name] - found.auc_quantised[name] for name in found.auc_float]
        return (
            FigureOfMerit("accuracy", accuracy, error),
            FigureOfMerit("mean AUC", sum(aucs) / len(aucs), None),
            FigureOfMerit("least AUC", min(aucs), None),
            FigureOfMerit("largest AUC loss", max(losses), None, higher_is_better=False),
        )
    if report.regression is not None:
        quality, unit = report.regression.quality_quantised, report.regression.unit
        return (
            FigureOfMerit("RMS error", quality.rms, None, unit, higher_is_better=False),
            FigureOfMerit("resolution", quality.resolution, None, unit, higher_is_better=False),
            FigureOfMerit("RMS growth", report.regression.rms_growth, None, higher_is_better=False),
        )
    return ()


def _flat(build: Compared) -> dict[str, Any]:
    row: dict[str, Any] = {
        "build": build.label,
        "design": build.design,
        "folder": build.folder,
        "model": build.model,
        "version": build.version,
        "verdict": build.verdict,
        "backend": build.backend,
        "part": build.part,
        "clock_period_ns": build.clock_period_ns,
        "n_events": build.n_events,
    }
    for quality in build.qualities:
        key = quality.name.replace(" ", "_")
        row[key] = quality.value
        if quality.error is not None:
            row[f"{key}_error"] = quality.error
    for name, number in build.costs.items():
        if number is not None:
            row |= {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}
            row |= {f"{name}_stage": number.stage, f"{name}_tool": number.tool}
    return row
