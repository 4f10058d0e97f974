"""The commands, thin: each one calls the library and shows what it gave."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fasttrig import __version__
from fasttrig.data.commands import app as data_app
from fasttrig.errors import EXIT_CHECK_FAILED, FasttrigError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    name="fasttrig", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True,
    help="Trained compact taggers to FPGA trigger firmware, proved bit by bit to compute what was trained.",
    epilog="Example: fasttrig build jet_mlp --target fpga",
)  # fmt: skip
app.add_typer(data_app, name="data", help="Event samples: generate, describe.")

Models = Annotated[
    Optional[list[str]],  # noqa: UP045 (typer reads this form on every Python)
    typer.Argument(help="Model folders, model.toml files, or names below models/; default: models/fasttrig.toml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON instead of tables.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fasttrig {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


@app.command()
def build(
    models: Models = None,
    target: Annotated[str, typer.Option(help="What to build: fpga.")] = "fpga",
    out: Annotated[Path, typer.Option(help="Folder for the projects.")] = Path("build"),
    backend: Annotated[str, typer.Option(help="vitis, vivado, oneapi or catapult.")] = "",
    part: Annotated[str, typer.Option(help="FPGA part.")] = "",
    clock_period_ns: Annotated[float, typer.Option(help="Clock period in ns.")] = 0.0,
    io_type: Annotated[str, typer.Option(help="io_parallel or io_stream.")] = "",
    strategy: Annotated[str, typer.Option(help="latency, resource or distributed_arithmetic.")] = "",
    reuse_factor: Annotated[int, typer.Option(help="How often a multiplier is used per inference.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Build again even when nothing changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the firmware project, run its C-simulation, compare every bit, report.

    Options override [target] of model.toml. Exit code 0: everything holds; 1: a check or a budget failed; 2: the input
    cannot be used; 3: an outside tool failed.
    """
    from fasttrig.project import find_models
    from fasttrig.workflow import build as build_design

    given: dict[str, Any] = {
        "backend": backend, "part": part, "clock_period_ns": clock_period_ns, "io_type": io_type,
        "strategy": strategy, "reuse_factor": reuse_factor,
    }  # fmt: skip
    options = {key: content for key, content in given.items() if content}
    console = _console(stderr=as_json)
    projects = []
    for folder in find_models(models or [], Path.cwd()):
        notify = _notifier(folder.name)
        projects.append(build_design(folder, target, out, options=options, force=force, notify=notify))
        if not as_json:
            _show_project(projects[-1], console)
    if len(projects) > 1 and not as_json:
        from fasttrig.report.text import summary

        console.print(summary([project.report for project in projects]))
    if as_json:
        import json

        typer.echo(json.dumps([project.report.model_dump(mode="json") for project in projects], indent=1))
    if not all(project.report.good for project in projects):
        raise typer.Exit(EXIT_CHECK_FAILED)


@app.command()
def train(
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Train the quantised network and its float twin; write both beside model.toml, with the input map and the card."""
    from fasttrig.project import find_models, load_project
    from fasttrig.training.card import write_card
    from fasttrig.training.golden import write_golden
    from fasttrig.training.train import train as train_network

    results = {}
    for folder in find_models(models or [], Path.cwd()):
        project = load_project(folder)
        with _training_bar() as progress:
            trained = train_network(project, progress)
        files = (*trained.files, write_card(project, trained), *write_golden(project))
        results[project.model.name] = trained.agreement.to_dict()
        if not as_json:
            for path in files:
                typer.echo(path)
            agreement = trained.agreement
            typer.echo(f"accuracy {agreement.accuracy_quantised:.4f} quantised, {agreement.accuracy_float:.4f} float, "
                       f"on {agreement.n_events:,} test events")  # fmt: skip
    if as_json:
        import json

        typer.echo(json.dumps(results, indent=1))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say which tools and packages are there, their versions, what each is needed for, and how to get it."""
    from fasttrig.doctor import examine, render, to_json

    findings = examine()
    if as_json:
        typer.echo(to_json(findings))
    else:
        _console().print(render(findings))
    if any(finding.required and finding.version is None for finding in findings):
        raise typer.Exit(EXIT_CHECK_FAILED)


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=160, soft_wrap=False)


def _notifier(name: str) -> Any:
    def notify(stage: str) -> None:
        if sys.stderr.isatty():
            typer.echo(f"{name}: {stage} ...", err=True)

    return notify


def _show_project(project: Any, console: Console) -> None:
    from fasttrig.report.text import print_report

    print_report(project.report, console)
    note = "" if project.fresh else "   (nothing changed since the last build; --force builds again)"
    console.print(f"\nproject: {project.folder}{note}")


def _training_bar() -> Any:
    from fasttrig.training.progress import training_bar

    return training_bar()


def main() -> None:
    """Entry point: user errors are shown without a traceback, with their exit code."""
    debug = "--debug" in sys.argv
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: clean up, then end
    try:
        app()
    except FasttrigError as error:
        if debug:
            raise
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
