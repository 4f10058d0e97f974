"""The project as texts: what hls4ml writes, normalised, with our test bench and our own layers' C++."""

from __future__ import annotations

import contextlib
import io
import posixpath
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrig.backends.hls4ml import custom
from fasttrig.backends.hls4ml.planner import LayerPlan
from fasttrig.backends.hls4ml.testbench import CppPort, testbench_files
from fasttrig.base import firmware_files
from fasttrig.base.errors import FasttrigError
from fasttrig.base.templates import fill_file

if TYPE_CHECKING:
    from fasttrig.ir.graph import Graph
    from fasttrig.settings import TargetSettings

_LEFT_OUT = ("write_yml", "write_tar")
"""Steps of hls4ml's writers that load Keras or carry a path."""

_REPLACED = ("write_test_bench", "write_bridge")
"""Steps that our test bench stands in for."""

_DROPPED = re.compile(r"hls4ml_config\.yml|tb_data/.*|.*/weights/.*\.txt|.*\.pdf")
_DROPPED_WITH_TEST_BENCH = re.compile(r"build_lib\.sh|build_prj\.tcl|build_opt\.tcl")
_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)

_WEIGHTS = re.compile(r"^(?P<type>\w+) (?P<name>\w+)\[(?P<size>\d+)\] = \{(?P<numbers>[^}]*)\};$", re.MULTILINE)
_NAMESPACE = re.compile(r"^namespace", re.MULTILINE)


def texts(plan: LayerPlan, graph: Graph, model: Any, target: TargetSettings) -> dict[str, str]:
    """Relative path -> text, sorted; the same for the same graph wherever and whenever it is written."""
    if target.backend not in ("vitis", "vivado"):
        return _written(model, _LEFT_OUT)
    files = _written(model, (*_LEFT_OUT, *_REPLACED))
    files = {path: text for path, text in files.items() if not _DROPPED_WITH_TEST_BENCH.fullmatch(path)}
    files = {path: _host_weights(text) if "/weights/" in path else text for path, text in files.items()}
    headers = ["fasttrig_weights.h"]
    headers += [custom.HEADERS[kind] for kind in {layer.kind for layer in plan.layers} if kind in custom.HEADERS]
    for header in headers:
        files[f"firmware/nnet_utils/{header}"] = firmware_files.read(f"nnet_utils/{header}")
    files = _needed(files, roots=[f"firmware/{graph.name}.cpp"])
    ports = (_ports(model.get_input_variables()), _ports(model.get_output_variables()))
    files |= testbench_files(graph, *ports, target)
    return dict(sorted(files.items()))


def _ports(variables: Any) -> list[CppPort]:
    return [CppPort(variable.name, variable.type.name) for variable in variables]


def _written(model: Any, left_out: Iterable[str]) -> dict[str, str]:
    """What hls4ml's writer writes without some of its steps, normalised and sorted."""

    def nothing(self: Any, model: Any) -> None:
        """A step left out."""

    kind = type(model.config.backend.writer)
    writer = type(kind.__name__, (kind,), dict.fromkeys(left_out, nothing))()
    with tempfile.TemporaryDirectory(prefix="fasttrig-hls4ml-") as folder:
        model.config.config["OutputDir"] = folder
        with contextlib.redirect_stdout(io.StringIO()):
            writer.write_hls(model)
        return {path: _normal(text.replace(folder, ".")) for path, text in _read_all(Path(folder))}


def _read_all(folder: Path) -> Iterable[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _DROPPED.fullmatch(name):
            yield name, path.read_text(encoding="utf-8")


def _normal(text: str) -> str:
    """No trailing blanks, Unix line ends, one newline at the end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") + "\n"


def _host_weights(text: str) -> str:
    """A weight file that a host compiles quickly; synthesis sees the same numbers in the same array."""
    found = _WEIGHTS.search(text)
    if found is None:
        raise FasttrigError("this version of hls4ml writes weights in an unsupported format", got=text[:200])
    words = {word.upper(): found[word] for word in ("type", "name", "size", "numbers")}
    array = fill_file("nnet_utils/weights.h.in", words).rstrip("\n")
    text = text.replace(found[0], array)
    return _NAMESPACE.sub('#include "../nnet_utils/fasttrig_weights.h"\n\nnamespace', text, count=1)


def _needed(files: dict[str, str], roots: Iterable[str]) -> dict[str, str]:
    """`files` without the headers of nnet_utils that nothing includes."""
    waiting, found = list(roots), set()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        folders = (path.rpartition("/")[0], "firmware", "firmware/ap_types")
        for include in _INCLUDE.findall(files[path]):
            places = [posixpath.normpath(f"{folder}/{include}") for folder in folders]
            waiting += [place for place in places if place in files]
    return {path: text for path, text in files.items() if "nnet_utils/" not in path or path in found}
