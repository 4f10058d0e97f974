"""A finished hls4ml project run as it is: its own C++ with its own headers, behind fasttrig's test bench.

Compiling somebody's C++ runs it. Only files that the frontend read and understood are copied and compiled: the top
function, its two headers, the weights, and the folder ``nnet_utils`` whose bodies it knows.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from fasttrig.backends.conifer.wheels import ap_types
from fasttrig.backends.hls4ml.testbench import CppPort, ports_json, tb_config
from fasttrig.base import firmware_files
from fasttrig.base.fixed import IntArray
from fasttrig.frontends.hls4ml_project.project import HEADERS, ReadProject, read_hls4ml_project
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.programs import scratch_folder

_TYPES = "ap_types"


def project_raw(graph: Graph, source: Path, inputs: dict[str, IntArray]) -> dict[str, IntArray]:
    """Raw outputs of the project's C++ by output name; inputs and outputs (n_events, *shape).

    Raises
    ------
    MissingPackageError
        If neither the project nor an installed hls4ml has the vendor's types.
    ToolError
        Without a compiler, or if the project does not compile.
    """
    project = read_hls4ml_project(source)
    with scratch_folder("hls4ml-project") as folder:
        _copy(project, folder)
        found = csim(folder, [inputs[op.result.name] for op in graph.inputs]).outputs
    return {value.name: found[value.name].reshape(-1, *value.shape) for value in graph.outputs}


def _copy(project: ReadProject, folder: Path) -> None:
    """The files that were read and a test bench: a project as `csim` takes it."""
    files, target = project.files, folder / "firmware"
    for file in files.sources:
        copy = target / file.relative_to(files.firmware)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    shutil.copytree(files.firmware / HEADERS, target / HEADERS, ignore=_links)
    _copy_types(files.firmware / _TYPES, target / _TYPES)
    top = target / f"{files.top}.cpp"
    weights = json.dumps(str((files.firmware / "weights").resolve()))
    top.write_text(f"#define WEIGHTS_DIR {weights}\n{top.read_text(encoding='utf-8')}", encoding="utf-8")
    (folder / "testbench").mkdir()
    (folder / "testbench" / "csim.cpp").write_text(firmware_files.read("testbench/csim.cpp"), encoding="utf-8")
    (folder / "testbench" / "ports.json").write_text(ports_json(project.graph), encoding="utf-8")
    (folder / "testbench" / "tb_config.h").write_text(_bench(project), encoding="utf-8")


def _links(folder: str, names: list[str]) -> list[str]:
    """What may lead out of the project."""
    return [name for name in names if (Path(folder) / name).is_symlink()]


def _copy_types(own: Path, target: Path) -> None:
    """The vendor's types: the project's own, else those of the installed hls4ml."""
    if own.is_dir():
        shutil.copytree(own, target, ignore=_links)
        return
    for name, text in ap_types().items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")


def _bench(project: ReadProject) -> str:
    """``tb_config.h``, with a name for the type of each port."""
    graph, top = project.graph, project.top
    values = [*(op.result for op in graph.inputs), *graph.outputs]
    types = [f"typedef {top.arrays[value.name].type.text} {_type_name(value)};" for value in values]
    ports = [CppPort(value.name, _type_name(value)) for value in values]
    n_inputs = len(graph.inputs)
    target = TargetSettings(namespace=top.namespace)
    config = tb_config(graph, ports[:n_inputs], ports[n_inputs:], target)
    return "\n".join(['#include "ap_fixed.h"', *types, config])


def _type_name(value: Value) -> str:
    return f"fasttrig_{value.name}_t"
