"""``build``: from a design to a verified firmware project on disk, stage by stage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from fasttrig.base.built_project import (
    CMS,
    EMULATOR,
    HLS,
    INPUTS_HEX,
    MANIFEST,
    OUTPUTS_HEX,
    REPORT,
    REPORTS,
    RTL,
    SCRATCH,
    VECTORS,
    VHDL,
    BuiltProject,
)
from fasttrig.base.errors import InputError, MissingPackageError, ProjectError, UnsupportedError, near_names
from fasttrig.base.hashing import package_versions, sha256_file, sha256_json, source_hash
from fasttrig.base.names import check_model_name
from fasttrig.base.staging import staged_folder, write_texts
from fasttrig.build.synthesis import read_report, synthesise_or_say_why_not, write_report
from fasttrig.design import Design, Events, built_files, read
from fasttrig.emulator.emulation import Emulation
from fasttrig.emulator.evaluate import check_inputs
from fasttrig.estimate.from_graph import require_known_part
from fasttrig.ir.text import print_graph
from fasttrig.ladder.checks import Measured, measure
from fasttrig.report.assemble import assemble, with_budget
from fasttrig.report.document import Report
from fasttrig.report.html.index import require_own_index, write_index
from fasttrig.report.html.page import page_files
from fasttrig.settings import LayerSettings, TargetSettings

CMS_TARGETS = ("cms-emulator", "cms-emulator-integer")
TARGETS = ("fpga", "rtl", *CMS_TARGETS)
CMS_EVENTS = 256
"""Events for the tests inside the plug-in, taken evenly from the project's vectors."""

Notify = Callable[[str], None]
"""Called with the name of each stage as it begins."""


@dataclass(frozen=True, slots=True)
class Project:
    """A built firmware project: its folder, its design, what was found out about it.

    `fresh` is false when nothing had changed and the earlier build was taken.
    """

    folder: Path
    design: Design
    report: Report
    fresh: bool = True

    def _repr_html_(self) -> str:
        """What Jupyter shows: verdict, key figures, ladder, and where the page is."""
        from fasttrig.report.html.card import report_html

        return report_html(self.report, page=str(BuiltProject(self.folder).page))

    def csim(self, x: Events, *, raw: bool = False) -> Emulation:
        """Run the compiled C-simulation of the project on events; takes and gives what `Design.emulate` does.

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
    finished = None if force else load_finished(folder, manifest["key"])
    require_own_index(folder.parent)
    if finished is None:
        with staged_folder(folder) as stage:
            report = _build_into(stage, design, settings, target, manifest, notify)
    else:
        report = _held_against_budget(folder, finished, design, manifest)
    if synth:
        notify("synthesising the RTL")
        report = synthesise_or_say_why_not(folder)
    write_index(folder.parent)
    return Project(folder, design, report, fresh=finished is None)


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
    names = [op.name for op in design.graph.ops]
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
        files = {name: project.path(name) for name in (project.model.file, project.model.float_file) if name}
        files["sample"] = sample_path(project)
        hashes |= {name: sha256_file(path) for name, path in files.items() if path.is_file()}
        hashes["project"] = sha256_json(project.built_from())
        seeds["training"] = project.training.seed
    hashes["target"] = sha256_json([target, settings.model_dump(mode="json")])
    manifest = {"hashes": hashes, "versions": package_versions(), "seeds": seeds}
    key = sha256_json(manifest)
    if design.project is not None:  # limits decide the verdict alone: nothing is built or measured again for them
        hashes["budget"] = sha256_json(design.project.budget.model_dump(mode="json"))
    return {"key": key, **manifest}


def _held_against_budget(folder: Path, report: Report, design: Design, manifest: dict[str, Any]) -> Report:
    """The report of the finished build in `folder`, written anew if ``[budget]`` has changed since."""
    if design.project is None or report.manifest["hashes"].get("budget") == manifest["hashes"]["budget"]:
        return report
    report = with_budget(report, design.project.budget)
    report.manifest["hashes"]["budget"] = manifest["hashes"]["budget"]
    write_report(folder, report)
    return report


def load_finished(folder: Path, key: str) -> Report | None:
    """The report of an earlier build with the same key whose files are all still what they were."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["key"] != key:
            return None
        if any(sha256_file(folder / name) != digest for name, digest in manifest["files"].items()):
            return None
        return Report.model_validate_json((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # no build, half a build or an edited one: build again


def _build_into(
    stage: Path, design: Design, settings: TargetSettings, target: str, manifest: dict[str, Any], notify: Notify
) -> Report:
    from fasttrig.backends import emit, is_lone_forest
    from fasttrig.report.rtl import rtl_row

    if target != "rtl":
        notify("writing the HLS project")
        write_texts(stage, {f"{HLS}/{name}": text for name, text in emit(design.graph, settings).items()})
        write_texts(stage, _vhdl(design, settings))
    write_texts(stage, built_files(design))
    write_texts(stage, _emulator(design))
    write_texts(stage, _rtl(design, settings, required=target == "rtl"))
    write_texts(stage, _input_maps(design, settings, stage))
    measured: Measured = measure(design, settings, stage, notify)
    if target in CMS_TARGETS:
        write_texts(stage, _cms(design, settings, stage, integer=target == "cms-emulator-integer"))
    rtl = rtl_row(stage / RTL, of_a_network=not is_lone_forest(design.graph))
    report = assemble(design, settings, measured, dict(manifest), rtl)
    write_texts(stage, {REPORT: report.model_dump_json(indent=1) + "\n"})
    notify("drawing the report")
    write_texts(stage, {f"{REPORTS}/{name}": text for name, text in page_files(design, report, measured).items()})
    hashes = {name: sha256_file(stage / name) for name in _files(stage)}
    write_texts(stage, {MANIFEST: json.dumps({**manifest, "files": hashes}, indent=1, sort_keys=True) + "\n"})
    return report


def _input_maps(design: Design, settings: TargetSettings, stage: Path) -> dict[str, str]:
    """The input map as a header in each part of the project, for each is handed over on its own."""
    from fasttrig.build.input_map import Kind, input_map_header

    if design.inputs is None:
        return {}
    rtl: Kind = "vh" if settings.rtl_language == "verilog" else "vhd"
    places: dict[str, Kind] = {f"{HLS}/firmware": "h", "emulator": "h", RTL: rtl}
    return {
        f"{folder}/input_map.{kind}": input_map_header(design.graph.name, design.inputs, kind)
        for folder, kind in places.items()
        if (stage / folder).is_dir()
    }


def _emulator(design: Design) -> dict[str, str]:
    """The dependency-free C++ emulator, and the JSON of CMSSW's ``conifer.h`` for a forest.

    What a format cannot hold (numbers too wide, a cast behind the forest) is left out; the ladder says so.
    """
    from fasttrig.backends import is_lone_forest
    from fasttrig.backends.conifer import emit_json
    from fasttrig.emulator.compiled import write_emulator

    version = design.version
    files: dict[str, str] = {}
    with suppress(UnsupportedError):
        files |= write_emulator(design.graph, version=version)
    if is_lone_forest(design.graph):
        with suppress(UnsupportedError):
            files["conifer.json"] = emit_json(design.graph)
    return {f"{EMULATOR}/{name}": text for name, text in files.items()}


def _rtl(design: Design, settings: TargetSettings, *, required: bool) -> dict[str, str]:
    """The RTL project, in Verilog with its wrappers, where the extra rtl is installed; the ladder says what is missing.

    The wrappers are Verilog and drive no clock enable: a project in VHDL or with a clock enable has none.
    """
    from fasttrig.backends.rtl import DESIGN_FILE, emit_rtl
    from fasttrig.backends.wrapper import emit_wrapper
    from fasttrig.links import default_link_map

    try:
        files = emit_rtl(design.graph, settings)
    except (MissingPackageError, UnsupportedError):
        if required:
            raise
        return {}
    latency_cycles = json.loads(files[DESIGN_FILE])["latency_cycles"]
    for kind in ("axi_stream", "emp") if settings.rtl_language == "verilog" and not settings.clock_enable else ():
        files |= emit_wrapper(kind, design.graph, default_link_map(design.graph), latency_cycles, settings)
    return {f"{RTL}/{name}": text for name, text in files.items()}


def _cms(design: Design, settings: TargetSettings, stage: Path, *, integer: bool) -> dict[str, str]:
    """The plug-in for CMS software."""
    from fasttrig.backends.cms import emit_cms, library_name
    from fasttrig.emulator.compiled import write_emulator

    version = design.version
    lines = [(stage / VECTORS / name).read_text().splitlines(True) for name in (INPUTS_HEX, OUTPUTS_HEX)]
    step = -(-len(lines[0]) // CMS_EVENTS)
    inputs, outputs = ("".join(part[::step]) for part in lines)
    code = write_emulator(design.graph, library_name(design.graph, version), version) if integer else None
    features = design.inputs.features if design.inputs is not None else ()
    files = emit_cms(
        design.graph, settings, version, vectors=(inputs, outputs), features=features, integer_emulator=code
    )
    return {f"{CMS}/{name}": text for name, text in files.items()}


def _vhdl(design: Design, settings: TargetSettings) -> dict[str, str]:
    """The VHDL project of a forest, where conifer's entities can hold it."""
    from fasttrig.backends import is_lone_forest
    from fasttrig.backends.conifer import emit_vhdl

    if not is_lone_forest(design.graph):
        return {}
    with suppress(UnsupportedError):
        return {f"{VHDL}/{name}": text for name, text in emit_vhdl(design.graph, settings).items()}
    return {}


def _files(stage: Path) -> Iterator[str]:
    """Everything written, but for the logs of a synthesis."""
    for path in sorted(stage.rglob("*")):
        name = path.relative_to(stage).as_posix()
        if path.is_file() and not name.startswith(SCRATCH):
            yield name
