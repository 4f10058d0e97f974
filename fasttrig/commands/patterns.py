"""``fasttrig patterns``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from fasttrig.base.built_project import BuiltProject
from fasttrig.commands.completion import complete_builds
from fasttrig.commands.options import AsJson, print_json


def patterns(
    project: Annotated[
        Path, typer.Argument(help="A built project, e.g. build/jet_mlp.", autocompletion=complete_builds)
    ],
    format: Annotated[str, typer.Option(help="empv2, empv1 or apx.")] = "empv2",
    links: Annotated[Optional[Path], typer.Option(help="Link map in TOML; default: packed tightly.")] = None,  # noqa: UP045
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Output folder; only files of an earlier fasttrig run are replaced."),
    ] = Path("patterns"),
    events: Annotated[int, typer.Option(help="Number of events of the project's vectors; 0: all.", min=0)] = 1000,
    read: Annotated[Optional[Path], typer.Option(help="Decode this file instead of writing files.")] = None,  # noqa: UP045
    side: Annotated[str, typer.Option(help="With --read: inputs or outputs; default: from the file's name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write the project's vectors as pattern files for the boards' buffers, or decode one.

    The files hold inputs and expected outputs in 64-bit frames: whole events, at most 1024 frames a file. links.toml in
    the same folder assigns bits to numbers. With your own link map and an EMP format, the command also writes the RTL's
    payload: a Verilog wrapper that unpacks and packs the links of this map. With --read, the command prints raw
    integers, one line per event and field.
    """
    from fasttrig.base.staging import staged_files, write_texts
    from fasttrig.build.input_map import input_map_comments
    from fasttrig.data.inputs import InputMap
    from fasttrig.links.project_patterns import LINKS_FILE, decode, project_patterns, refuse_leftovers

    if read is not None:
        _show({name: array.tolist() for name, array in decode(project, read, links, side).items()}, as_json)
        return
    files = project_patterns(project, format, links, events or None)
    if BuiltProject(project).inputs.is_file():
        files[LINKS_FILE] = input_map_comments(InputMap.load(BuiltProject(project).inputs)) + files[LINKS_FILE]
    if links is not None and format.startswith("emp"):
        files |= _payload(project, links)
    refuse_leftovers(out, files)
    out.mkdir(parents=True, exist_ok=True)
    with staged_files(out) as stage:
        write_texts(stage, files)
    if as_json:
        print_json({"folder": str(out), "format": format, "files": list(files)})
        return
    typer.echo(f"{len(files)} files in {out}: {', '.join(list(files)[:4])}{', ...' if len(files) > 4 else ''}")


def _payload(project: Path, links: Path) -> dict[str, str]:
    """The EMP wrapper of the project's RTL for a link map; nothing without RTL that takes an event every clock."""
    from fasttrig.backends.rtl import (
        DESIGN_FILE,
        declared_latency_cycles,
        has_clock_enable,
        has_in_ready,
        written_language,
    )
    from fasttrig.backends.wrapper import emit_wrapper
    from fasttrig.links.project_patterns import load_map, read_graph

    rtl = BuiltProject(project).rtl
    if (
        not (rtl / DESIGN_FILE).is_file()
        or written_language(rtl) != "verilog"
        or has_clock_enable(rtl)
        or has_in_ready(rtl)
    ):
        return {}
    graph = read_graph(project)
    files = emit_wrapper("emp", graph, load_map(graph, links), declared_latency_cycles(rtl))
    return {Path(name).name: text for name, text in files.items()}


def _show(fields: dict[str, list[object]], as_json: bool) -> None:
    if as_json:
        print_json(fields)
        return
    for name, rows in fields.items():
        for event, row in enumerate(rows):
            typer.echo(f"event {event}  {name}  {row}")
