"""``fasttrig estimate``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fasttrig.base.built_project import BuiltProject
from fasttrig.commands.completion import complete_designs
from fasttrig.commands.options import AsJson, make_console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from fasttrig.estimate.estimate import Estimate
    from fasttrig.ir.graph import Graph
    from fasttrig.settings import TargetSettings

_NAMES = ("lut", "ff", "dsp", "bram18", "uram", "latency_cycles", "ii_cycles")


def estimate(
    design: Annotated[
        str,
        typer.Argument(
            help="Model folder, name or file; build folder; or description in .json or .toml.",
            autocompletion=complete_designs,
        ),
    ],
    what_if: Annotated[
        Optional[list[str]],  # noqa: UP045 (typer reads this form on every Python)
        typer.Option(
            "--what-if", help="Settings to compare, such as clock_period_ns=2.0,reuse_factor=1|2|4. Repeatable."
        ),
    ] = None,
    part: Annotated[str, typer.Option(help="FPGA part, device or board.")] = "",
    stage: Annotated[str, typer.Option(help="csynth (the HLS report) or synth (logic synthesis); default: both.")] = "",
    tool: Annotated[str, typer.Option(help="Tool and version, such as 'Vitis HLS 2024.1'.")] = "",
    input_type: Annotated[
        str, typer.Option(help="Input type, such as 'fixed<16,6>', for a model file that does not state one.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Estimate resources and latency of a design, with 80 % intervals, without a build."""
    from fasttrig.estimate.description import parse_what_if

    run, origin = _open(design, input_type or None)
    given = {key: content for key, content in (("part", part), ("tool", tool)) if content}
    stages = (stage,) if stage else ("synth", "csynth")
    cases: list[dict[str, Any]] = [{}]
    cases += [case for text in what_if or [] for case in parse_what_if(text)]
    rows = [(case, run(given | {"stage": one} | case)) for case in cases for one in _stages(case, stages)]
    if as_json:
        print_json([{"design": origin, "what_if": case, **found.to_dict()} for case, found in rows])
        return
    console = make_console()
    console.print(_numbers([found for case, found in rows if not case]))
    if len(cases) > 1:
        console.print()
        console.print(_alternatives(rows))
        for said in _without_effect(rows):
            console.print(f"note: {said}")
    for note in dict.fromkeys(note for _, found in rows for note in found.notes):
        console.print(f"note: {note}")


def _without_effect(rows: list[tuple[dict[str, Any], Estimate]]) -> list[str]:
    """Explain equal numbers of alternatives that differ only in the reuse factor; empty if no numbers are equal."""
    found: dict[str, set[tuple[Any, ...]]] = {}
    tried: dict[str, set[Any]] = {}
    for case, one in rows:
        if "reuse_factor" in case:
            rest = {key: content for key, content in case.items() if key != "reuse_factor"} | {"stage": one.stage}
            found.setdefault(str(rest), set()).add(tuple(getattr(one, name).value for name in _NAMES))
            tried.setdefault(str(rest), set()).add(case["reuse_factor"])
    if not any(len(found[key]) == 1 and len(tried[key]) > 1 for key in found):
        return []
    if all(layer.kind in ("forest", "wiring") for layer in rows[0][1].layers):
        return ["reuse_factor changes nothing in a forest: it has no multipliers to share"]
    return [
        "where the rows are equal, reuse_factor changes nothing in the estimate: the latency strategy unrolls every "
        "product; 'strategy=resource,reuse_factor=1|2|4' shares multipliers"
    ]


def _stages(case: dict[str, Any], stages: tuple[str, ...]) -> tuple[str, ...]:
    return (case["stage"],) if "stage" in case else stages


def _open(design: str, input_type: str | None) -> tuple[Callable[[dict[str, Any]], Estimate], str]:
    """A function that estimates the design with some options, and the path of the design."""
    path = Path(design)
    if path.suffix in (".json", ".toml") and path.name != "model.toml" and not _is_trees(path):
        return _description(path), str(path)
    if BuiltProject(path).exists:
        return _built(path), str(BuiltProject(path).graph)
    from fasttrig.design import read
    from fasttrig.settings import MODEL_FILE, TargetSettings, find_models

    if path.is_file() and path.name != MODEL_FILE:
        return _graph(read(path, input_type=input_type).graph, TargetSettings()), str(path)
    model = find_models([design], Path.cwd())[0]
    found = read(model)
    assert found.project is not None
    return _graph(found.graph, found.project.target), str(model)


def _is_trees(path: Path) -> bool:
    """Whether a JSON file holds a tree model: an object that lists no layers."""
    import json

    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else []
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "layers" not in content and bool({"learner", "forest", "trees"} & set(content))


def _description(path: Path) -> Callable[[dict[str, Any]], Estimate]:
    from fasttrig.estimate.description import read_description
    from fasttrig.estimate.estimate import estimate as estimate_layers

    layers, options = read_description(path)

    def run(changes: dict[str, Any]) -> Estimate:
        merged = options | changes
        forced = {key: changes[key] for key in ("strategy", "reuse_factor") if key in changes}
        return estimate_layers([layer | forced for layer in layers], **merged)

    return run


def _built(folder: Path) -> Callable[[dict[str, Any]], Estimate]:
    import json

    from fasttrig.ir.text import parse_graph
    from fasttrig.settings import TargetSettings

    graph = parse_graph(BuiltProject(folder).graph.read_text(encoding="utf-8"))
    report = BuiltProject(folder).report
    target = json.loads(report.read_text(encoding="utf-8"))["target"] if report.is_file() else {}
    return _graph(graph, TargetSettings.model_validate(target))


def _graph(graph: Graph, settings: TargetSettings) -> Callable[[dict[str, Any]], Estimate]:
    from fasttrig.estimate.devices import require_known_part
    from fasttrig.estimate.from_graph import from_graph

    def run(changes: dict[str, Any]) -> Estimate:
        own = {key: content for key, content in changes.items() if key not in ("stage", "tool", "input_t")}
        kept = settings.model_dump() | own
        if "reuse_factor" in own or "strategy" in own:
            kept["layers"] = {}
        changed = _validated(kept)
        require_known_part(changed)
        return from_graph(graph, changed, stage=changes.get("stage", "csynth"), tool=changes.get("tool"))

    return run


def _validated(target: dict[str, Any]) -> TargetSettings:
    """[target] with the options of the command line. A validation error of pydantic becomes an `InputError`."""
    from pydantic import ValidationError

    from fasttrig.base.errors import InputError
    from fasttrig.settings import TargetSettings

    try:
        return TargetSettings.model_validate(target)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, i['loc']))} = {i['input']!r}: {i['msg']}" for i in error.errors())
        raise InputError("an option has a wrong value", got="\n".join(faults)) from None


def _numbers(found: list[Estimate]) -> Table:
    table = _table(_title(found[0]), ("quantity", "stage"), ("estimate", "80 % interval", "of the device"))
    for name in _NAMES:
        for one in found:
            number, share = getattr(one, name), one.shares.get(name)
            shown = "" if share is None else f"{share:.1%}"
            table.add_row(name, one.stage, f"{number.value:,}", f"{number.low:,} to {number.high:,}", shown)
    return table


def _table(title: str, words: tuple[str, ...], numbers: tuple[str, ...]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in words:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _title(found: Estimate) -> str:
    return f"{found.part}, {found.clock_period_ns:g} ns, as {found.tool} would report it"


def _alternatives(rows: list[tuple[dict[str, Any], Estimate]]) -> Table:
    table = _table("", ("what if", "stage"), ("LUT", "FF", "DSP", "BRAM18", "cycles", "II", "ns"))
    for case, one in rows:
        said = ", ".join(f"{key}={content}" for key, content in case.items()) or "as it is"
        counts = [f"{getattr(one, name).value:,}" for name in _NAMES if name != "uram"]
        table.add_row(said, one.stage, *counts, f"{one.latency_ns:g}")
    return table
