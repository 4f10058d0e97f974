"""``build``: from a design to a verified firmware project on disk, stage by stage."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from fasttrig.backends.base import TARGETS
from fasttrig.base.built_project import HLS, MANIFEST, REPORT, SCRATCH, BuiltProject
from fasttrig.base.errors import InputError, ProjectError, ToolError, near_names
from fasttrig.base.hashing import package_versions, sha256_file, sha256_json, source_hash
from fasttrig.base.names import check_model_name
from fasttrig.base.staging import staged_folder, write_texts
from fasttrig.build.runner import Earlier, Notify, StageOutcome, plan, run_stages, stored
from fasttrig.build.stages import facts, stages_of
from fasttrig.build.synthesis import SYNTHESISING, read_report, synthesise_or_say_why_not
from fasttrig.design import Design, EventInput, read
from fasttrig.emulator.emulation import Emulation
from fasttrig.emulator.evaluate import check_inputs
from fasttrig.estimate.devices import require_known_part
from fasttrig.ir.text import print_graph
from fasttrig.ladder.checks import Work
from fasttrig.passes.pipeline import without_loops
from fasttrig.report.document import Report
from fasttrig.report.html.index import require_own_index, write_index
from fasttrig.settings import LayerSettings, TargetSettings
from fasttrig.toolchain.run import run

_GIT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Project:
    """A built firmware project: its folder, its design, its report.

    `fresh` is false if an up-to-date earlier build was reused. `stages` says what became of each stage in this build.
    """

    folder: Path
    design: Design
    report: Report
    fresh: bool = True
    stages: tuple[StageOutcome, ...] = ()

    def _repr_html_(self) -> str:
        """What Jupyter shows: verdict, key figures, ladder, and where the page is."""
        from fasttrig.report.html.card import report_html

        return report_html(self.report, page=str(BuiltProject(self.folder).page))

    def csim(self, x: EventInput, *, raw: bool = False) -> Emulation:
        """Run the compiled C-simulation of the project on events; same arguments and result as `Design.emulate`.

        With `raw`, `x` holds raw integers of the graph's inputs.
        """
        from fasttrig.toolchain.csim import csim

        if not (self.folder / HLS).is_dir():
            raise InputError(
                "this project has no C-simulation",
                where=str(self.folder),
                got="built with target 'rtl'",
                try_="build it with target 'fpga'",
            )
        found, given = self.design.quantise(x, raw=raw)
        inputs = check_inputs(self.design.graph, found)
        result = csim(self.folder / HLS, [inputs[op.name] for op in self.design.graph.inputs])
        return self.design.interpret(result.outputs, given)


def build(
    design: Design | str | Path,
    target: str = "fpga",
    out: Path | str = "build",
    *,
    options: Mapping[str, Any] | None = None,
    force: bool = False,
    synth: bool = False,
    notify: Notify = lambda stage: None,
    planned: Callable[[Sequence[str]], None] = lambda stages: None,
) -> Project:
    """Write the firmware project of `design` below `out` and prove it.

    Parameters
    ----------
    design : Design, or what `fasttrig.read` takes
    target : "fpga", "rtl", "cms-emulator" or "cms-emulator-integer"
        "rtl" leaves the HLS project out and needs the extra rtl; the last two add the plug-in for CMS software, with
        the HLS code or with the integer emulator inside.
    out : path
        The project goes to ``out/<model name>``; it appears there whole or not at all. ``out/index.html`` lists all
        models built below `out`.
    options : mapping
        Overrides of ``[target]``, e.g. ``{"clock_period_ns": 5.0}``.
    force : bool
        Build again even when nothing changed.
    synth : bool
        Run logic synthesis on the RTL; what is missing or takes too long is said in the report.
    notify : callable
        Called with each stage in words as it begins.
    planned : callable
        Called once before, with the stages that will run.

    Returns
    -------
    Project
        Its ``report.good`` says whether every check held; `build` itself raises only on bad input or a broken tool.
    """
    if target not in TARGETS:
        tools = get_args(TargetSettings.model_fields["backend"].annotation)
        hint = f"--backend {target}, the HLS tool that the project is for" if target in tools else ""
        raise InputError(
            "no such target", got=repr(target), want=", ".join(TARGETS), try_=hint or near_names(target, TARGETS)
        )
    if not isinstance(design, Design):
        design = read(design)
    check_model_name(design.graph.name, try_="read(..., name={})")
    settings = target_settings(design, options or {})
    folder = Path(out) / design.graph.name
    manifest = manifest_of(design, settings, target)
    stages = stages_of(design, settings, target, manifest)
    known = facts(design, settings, manifest)
    earlier = Earlier(folder, {}, {}) if force else Earlier.load(folder)
    found = plan(stages, Work(design, settings, folder), known, earlier)
    planned([*(stage.doing for stage in stages if found[stage.name] is None), *([SYNTHESISING] if synth else [])])
    require_own_index(folder.parent)
    outcomes = tuple(outcome for outcome in found.values() if outcome is not None)
    fresh = len(outcomes) < len(stages)
    if fresh:
        with staged_folder(folder) as staged:
            earlier.copy([stage for stage in stages if found[stage.name] is not None], staged)
            outcomes = tuple(run_stages(stages, Work(design, settings, staged), known, found, notify))
            _write_manifest(staged, manifest, outcomes)
    if synth:
        outcomes = (*outcomes, _synthesise(folder, notify))
    write_index(folder.parent)
    return Project(folder, design, read_report(folder), fresh, outcomes)


def _synthesise(folder: Path, notify: Notify) -> StageOutcome:
    """Logic synthesis, the only stage that changes a finished build: `fasttrig synth` runs it too."""
    notify(SYNTHESISING)
    start = time.perf_counter()
    done = synthesise_or_say_why_not(folder).synthesis
    assert done is not None
    return StageOutcome("synth", SYNTHESISING, done.status, "", time.perf_counter() - start, done.reason)


def target_settings(design: Design, options: Mapping[str, Any]) -> TargetSettings:
    """``[target]`` of the design's project with `options` over it; the namespace filled in."""
    project = design.project
    base = project.target if project is not None else _built_target(design)
    namespace = project.namespace if project is not None else base.namespace or f"{design.graph.name}_v1"
    known = TargetSettings.model_fields
    for key in options:
        if key not in known:
            raise ProjectError("unknown target option", got=key, try_=near_names(key, known))
    try:
        settings = TargetSettings.model_validate({**base.model_dump(), "namespace": namespace, **options})
    except ValidationError as error:
        faults = "\n".join(
            f"{'.'.join(map(str, item['loc']))} = {item['input']!r}: {item['msg']}" for item in error.errors()
        )
        raise ProjectError("a target option has a wrong value", got=faults) from None
    _check_layers(design, settings.layers)
    require_known_part(settings)
    return settings


def _built_target(design: Design) -> TargetSettings:
    """``[target]`` of the build folder that `design` was loaded from, as its report keeps it; else the defaults."""
    if design.built_folder is None or not (design.built_folder / REPORT).is_file():
        return TargetSettings()
    return TargetSettings.model_validate(read_report(design.built_folder).target)


def _check_layers(design: Design, layers: Mapping[str, LayerSettings]) -> None:
    graph = design.graph
    names = list(dict.fromkeys(op.name for op in (*graph.ops, *without_loops(graph).ops)))
    for name in layers:
        if name not in names:
            raise ProjectError(
                "no such op", where=f"[target.layers.{name}]", got=repr(name), try_=near_names(name, names)
            )


def manifest_of(design: Design, settings: TargetSettings, target: str) -> dict[str, Any]:
    """Hashes, versions and seeds that decide the outcome; ``key`` is the hash of all but that of the budget."""
    from fasttrig.data.labelled import sample_path
    from fasttrig.ladder.corners import SEED

    hashes = {"graph": sha256_json(print_graph(design.graph)), "fasttrig": source_hash()}
    seeds = {"corners": SEED}
    if design.project is not None:
        project = design.project
        files = design.model_files()
        files["sample"] = sample_path(project)
        hashes |= {name: sha256_file(path) for name, path in files.items() if path.is_file()}
        hashes["project"] = sha256_json(project.built_from())
        seeds["training"] = project.training.seed
    hashes["target"] = sha256_json([target, settings.model_dump(mode="json")])
    manifest: dict[str, Any] = {"hashes": hashes, "versions": package_versions(), "seeds": seeds}
    key = sha256_json(manifest)
    if design.project is not None:  # limits decide the verdict alone: nothing is built or measured again for them
        hashes["budget"] = sha256_json(design.project.budget.model_dump(mode="json"))
        manifest["commit"] = _commit(design.project.folder)
    return {"key": key, **manifest}


def _commit(folder: Path) -> str:
    """The commit checked out in the model's folder; empty outside Git. Git runs no code of the repository."""
    try:
        done = run(["git", "rev-parse", "--verify", "HEAD"], cwd=folder, timeout_s=_GIT_TIMEOUT_S)
    except ToolError:
        return ""
    return done.stdout.strip()


def _write_manifest(stage: Path, manifest: Mapping[str, Any], outcomes: Iterable[StageOutcome]) -> None:
    files = {name: sha256_file(stage / name) for name in _files(stage)}
    content = {**manifest, "stages": stored(outcomes), "files": files}
    write_texts(stage, {MANIFEST: json.dumps(content, indent=1, sort_keys=True) + "\n"})


def _files(stage: Path) -> Iterator[str]:
    """Everything written, but for the logs of a synthesis."""
    for path in sorted(stage.rglob("*")):
        name = path.relative_to(stage).as_posix()
        if path.is_file() and not name.startswith(SCRATCH):
            yield name
