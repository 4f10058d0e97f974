"""Run Yosys on the RTL of a built project, add the counts to its report and update the manifest."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from fasttrig.base.built_project import MANIFEST, PAGE, REPORT, RTL
from fasttrig.base.errors import InputError, MissingPackageError, ToolTimeoutError
from fasttrig.base.hashing import sha256_file
from fasttrig.report.document import Report
from fasttrig.report.html.index import write_index
from fasttrig.report.html.page import page_again
from fasttrig.report.rtl import not_synthesised, synthesised
from fasttrig.toolchain.synth import TIME_LIMIT_S, Mode, SynthResult, synthesise

SYNTHESISING = "synthesising the RTL"
"""The stage in words, for progress."""


def synthesise_project(
    folder: Path, *, family: str = "", mode: Mode = "auto", time_limit_s: float = TIME_LIMIT_S
) -> tuple[SynthResult, Report]:
    """Synthesise the RTL of the project that `fasttrig build` wrote into `folder`; its report is updated.

    Raises
    ------
    InputError
        When the folder holds no built project, or one without RTL.
    MissingPackageError, ToolError
        When Yosys is not installed, fails or takes too long; the report stays as it was.
    """
    report = read_report(folder)
    if not (folder / RTL).is_dir():
        raise InputError(
            "this project has no RTL",
            where=str(folder),
            got=_why_no_rtl(report),
            try_="install the extra rtl and build again",
        )
    result = synthesise(folder / RTL, family=family, mode=mode, time_limit_s=time_limit_s)
    report = synthesised(report, result)
    write_report(folder, report)
    return result, report


def synthesise_or_say_why_not(folder: Path) -> Report:
    """The same for ``build --synth``; the report names missing tools and time limits instead of an error."""
    try:
        return synthesise_project(folder)[1]
    except (InputError, MissingPackageError, ToolTimeoutError) as error:
        report = not_synthesised(read_report(folder), f"{error.what}: {error.got}".removesuffix(": "))
        write_report(folder, report)
        return report


def read_report(folder: Path) -> Report:
    """The report of a built project."""
    try:
        return Report.model_validate_json((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        got = f"{error.error_count()} fault(s) in {REPORT}" if isinstance(error, ValidationError) else str(error)
        raise InputError(
            "not a project that fasttrig built",
            where=str(folder),
            got=got,
            want="a folder such as build/jet_mlp",
            try_="fasttrig build",
        ) from None


def report_files(folder: Path, report: Report) -> dict[str, str]:
    """``{path in the build folder: text}`` of a report and its page; the plots in `folder` are kept."""
    return {REPORT: report.model_dump_json(indent=1) + "\n", PAGE: page_again(folder, report)}


def write_report(folder: Path, report: Report) -> None:
    """Write the report and its page, then the manifest, then the index of all builds.

    The manifest takes the hashes of `report.manifest` and those of both files. Until it is written, the project counts
    as changed, and the next build makes it anew.
    """
    texts = report_files(folder, report)
    path = folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["hashes"] = report.manifest["hashes"]
    for name, text in texts.items():
        _replace(folder / name, text)
        manifest["files"][name] = sha256_file(folder / name)
    _replace(path, json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    write_index(folder.parent)


def _replace(path: Path, text: str) -> None:
    stage = path.with_name(f"{path.name}.new")
    stage.write_text(text, encoding="utf-8", newline="\n")
    stage.replace(path)


def _why_no_rtl(report: Report) -> str:
    return next((row.reason for row in report.ladder if row.rung == "rtlsim"), "")
