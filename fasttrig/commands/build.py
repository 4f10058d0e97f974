"""``fasttrig build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fasttrig.backends.base import TARGETS
from fasttrig.base.built_project import BuiltProject
from fasttrig.base.errors import EXIT_CHECK_FAILED
from fasttrig.commands.options import AsJson, Models, make_console, print_json
from fasttrig.commands.progress import stages

if TYPE_CHECKING:
    from rich.console import Console

    from fasttrig.build.build import Project


def build(
    models: Models = None,
    target: Annotated[str, typer.Option(help=f"{', '.join(TARGETS[:-1])} or {TARGETS[-1]}.")] = "fpga",
    out: Annotated[
        Path,
        typer.Option(help="Output folder. OUT/<name>, the folder of a project, must be new or an earlier build."),
    ] = Path("build"),
    backend: Annotated[str, typer.Option(help="vitis, vivado, oneapi or catapult.")] = "",
    part: Annotated[str, typer.Option(help="FPGA part.")] = "",
    clock_period_ns: Annotated[Optional[float], typer.Option(help="Clock period in ns.")] = None,  # noqa: UP045
    io_type: Annotated[str, typer.Option(help="io_parallel or io_stream.")] = "",
    strategy: Annotated[str, typer.Option(help="latency or resource.")] = "",
    reuse_factor: Annotated[Optional[int], typer.Option(help="Uses of a multiplier per inference.")] = None,  # noqa: UP045
    rtl_language: Annotated[str, typer.Option(help="verilog or vhdl.")] = "",
    rtl_schedule: Annotated[str, typer.Option(help="Of the RTL: parallel, iterated or streamed.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Build again even if nothing changed.")] = False,
    synth: Annotated[bool, typer.Option("--synth", help="Run Yosys on the RTL and count LUT, FF, DSP.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the firmware project, run its C-simulation, compare every bit, and print the report.

    Options override [target] of model.toml. Exit code 0: everything holds; 1: a check or a budget failed; 2: the input
    cannot be used; 3: an outside tool failed.
    """
    from fasttrig.build.build import build as build_design
    from fasttrig.settings import find_models

    given: dict[str, Any] = {
        "backend": backend,
        "part": part,
        "clock_period_ns": clock_period_ns,
        "io_type": io_type,
        "strategy": strategy,
        "reuse_factor": reuse_factor,
        "rtl_language": rtl_language,
        "rtl_schedule": rtl_schedule,
    }
    options = {key: content for key, content in given.items() if content not in (None, "")}
    console = make_console(stderr=as_json)
    projects = []
    for folder in find_models(models or [], Path.cwd()):
        with stages(folder.name) as shown:
            made = build_design(
                folder,
                target,
                out,
                options=options,
                force=force,
                synth=synth,
                notify=shown.begin,
                planned=shown.plan,
            )
        projects.append(made)
        if not as_json:
            _show_project(projects[-1], console)
    if len(projects) > 1 and not as_json:
        from fasttrig.report.terminal import summary

        console.print(summary([project.report for project in projects]))
    if as_json:
        print_json([_content(project) for project in projects])
    if not all(project.report.good for project in projects):
        raise typer.Exit(EXIT_CHECK_FAILED)


def _content(project: Project) -> dict[str, Any]:
    """The report, and what became of each stage in this run."""
    return project.report.model_dump(mode="json") | {"stages": [stage.to_dict() for stage in project.stages]}


def _show_project(project: Project, console: Console) -> None:
    from fasttrig.report.terminal import print_report

    print_report(project.report, console)
    kept = sum(stage.state == "kept" for stage in project.stages)
    note = f"   ({kept} of {len(project.stages)} stages kept from the last build; --force runs all)" if kept else ""
    if not project.fresh:
        note = "   (nothing changed since the last build; --force builds again)"
    console.print(f"\nproject: {project.folder}{note}")
    console.print(f"page:    {BuiltProject(project.folder).page}")
