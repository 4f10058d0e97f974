"""``fasttrig compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from fasttrig.commands.completion import complete_builds
from fasttrig.commands.options import AsJson, make_console, print_json
from fasttrig.commands.progress import waiting

if TYPE_CHECKING:
    from fasttrig.report.compare import Compared


def compare(
    builds: Annotated[
        list[Path],
        typer.Argument(help="Build folders, or a folder that contains build folders.", autocompletion=complete_builds),
    ],
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--out",
            "-o",
            help="Output folder for plots (SVG) and the table (CSV, JSON); only files of fasttrig are replaced.",
        ),
    ] = None,
    stage: Annotated[
        str, typer.Option(help="Show only numbers of this stage, such as 'estimate of csynth', synth, rtlsim.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Compare builds: accuracy or RMS error against latency, LUT, DSP.

    Each design of a build, HLS and RTL, has its own row. For each quantity the table shows the most advanced stage
    available and names that stage.
    """
    from fasttrig.report import compare as comparison
    from fasttrig.report.compare_text import render

    found = comparison.compare(builds, stage=stage)
    rows = [comparison.to_dict(build) for build in found]
    files: list[Path] = []
    if out is not None:
        with waiting("compare: drawing"):
            files = _write(out, found)
    if as_json:
        print_json(rows)
        return
    make_console().print(render(found))
    for path in files:
        typer.echo(path)


def _write(out: Path, builds: Sequence[Compared]) -> list[Path]:
    """The table and the plots; all of them or none."""
    import json

    from fasttrig.base.staging import staged_files, staged_folder, write_texts
    from fasttrig.report.compare import to_csv, to_dict
    from fasttrig.report.html.plots.comparison import comparison_plots

    texts = {"compare.csv": to_csv(builds), "compare.json": json.dumps([to_dict(b) for b in builds], indent=1) + "\n"}
    texts |= {f"{plot.name}.svg": plot.file for plot in comparison_plots(builds)}
    with staged_files(out) if out.is_dir() else staged_folder(out) as stage:
        write_texts(stage, texts)
    return [out / name for name in texts]
