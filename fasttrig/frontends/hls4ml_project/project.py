"""A finished hls4ml project as a model: its C++ becomes a graph, or it is refused with file and line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fasttrig.base.errors import RefusalError, UnsupportedError, near_names
from fasttrig.frontends.hls4ml_project import activations, dense, merging, softmax
from fasttrig.frontends.hls4ml_project.configuration import Declarations
from fasttrig.frontends.hls4ml_project.cpp import CppSource, read_source
from fasttrig.frontends.hls4ml_project.definitions import ProjectHeaders
from fasttrig.frontends.hls4ml_project.layer import ProjectLayer, ProjectReading, fixed_of
from fasttrig.frontends.hls4ml_project.program import CppCall, TopFunction, read_function
from fasttrig.frontends.hls4ml_project.weights import ProjectWeights
from fasttrig.frontends.refusals import raise_refusals
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph

DEFINES, PARAMETERS, HEADERS, WEIGHTS = "defines.h", "parameters.h", "nnet_utils", "weights"
_SYSTEM = frozenset({"ap_fixed.h", "ap_int.h", "hls_stream.h", "iostream", "array", "cstddef", "cstdio", "tuple"})

LAYER_CALLS: Mapping[str, Callable[[ProjectLayer], None]] = {
    "nnet::dense": dense.dense,
    "nnet::normalize": dense.normalize,
    "nnet::linear": activations.linear,
    "nnet::relu": activations.relu,
    "nnet::relu1": activations.relu_max,
    "nnet::relu6": activations.relu_max,
    "nnet::relu_max": activations.relu_max,
    "nnet::leaky_relu": activations.leaky_relu,
    "nnet::prelu": activations.prelu,
    "nnet::sigmoid": activations.sigmoid,
    "nnet::tanh": activations.tanh,
    "nnet::softmax": softmax.softmax,
    "nnet::dot1d": merging.dot,
    "nnet::concatenate1d": merging.concatenate,
    "nnet::concatenate2d": merging.concatenate,
    **{f"nnet::{name}": merging.merge for name in merging.MERGES},
}
"""What each call computes. Where the result stands among the arguments: `_PLACES`, else after one operand."""

_OF_TWO = ("leaky_relu", "prelu", "dot1d", "concatenate1d", "concatenate2d", *merging.MERGES)
_PLACES = {f"nnet::{name}": 2 for name in _OF_TWO}


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The files of a project that were read: what may be compiled. `firmware` is the folder of all of them."""

    firmware: Path
    top: str
    weights: tuple[Path, ...]

    @property
    def sources(self) -> tuple[Path, ...]:
        """The project's own text; the headers beside it are in ``nnet_utils``."""
        own = (f"{self.top}.cpp", f"{self.top}.h", DEFINES, PARAMETERS)
        return (*(self.firmware / name for name in own), *self.weights)


@dataclass(frozen=True, slots=True)
class ReadProject:
    """A project read: its graph, its files, its layers' calls in order and its number of weights."""

    graph: Graph
    files: ProjectFiles
    top: TopFunction
    n_weights: int
    headers: ProjectHeaders

    @property
    def releases(self) -> str:
        """Which releases of hls4ml have the bodies that the layers rely on."""
        return f"function bodies of hls4ml {', '.join(self.headers.releases()) or 'of several releases'}"


def is_hls4ml_project(path: Path) -> bool:
    """Whether a path is the folder of an hls4ml project, or its ``firmware/``."""
    return (_firmware(path) / PARAMETERS).is_file() and (_firmware(path) / DEFINES).is_file()


def _firmware(path: Path) -> Path:
    return path / "firmware" if (path / "firmware" / PARAMETERS).is_file() else path


def read_hls4ml_project(path: Path, name: str | None = None) -> ReadProject:
    """The graph that the project's C++ computes.

    Raises
    ------
    RefusalError
        For any statement, setting or function body that is not understood.
    InputError
        For missing or damaged files.
    """
    try:
        return _read(path, name)
    except RefusalError:
        raise
    except UnsupportedError as error:
        raise RefusalError([error]) from None


def _read(path: Path, name: str | None) -> ReadProject:
    folder = _firmware(path)
    top_file = _top_file(folder)
    declared = Declarations()
    declared.read(_source(folder, DEFINES))
    parameters = _source(folder, PARAMETERS)
    declared.read(parameters)
    source = _source(folder, top_file.name)
    top = read_function(source, declared)
    _prototype(_source(folder, f"{top.name}.h"), top.name)
    weight_files = [folder / file for file in parameters.includes if file.startswith(f"{WEIGHTS}/")]
    weights = ProjectWeights(folder / WEIGHTS, declared)
    for file in weight_files:
        weights.read(file)
    for array, text_file in top.weight_files.items():
        weights.load(array, text_file)
        weight_files.append(folder / WEIGHTS / text_file)
    hidden = weights.types.keys() & (top.arrays.keys() | top.aliases.keys())
    if hidden:
        raise UnsupportedError("a variable hides weights", where=str(source.path), got=", ".join(sorted(hidden)))
    headers = ProjectHeaders(folder / HEADERS)
    if top.weight_files:
        headers.require(["load_weights_from_txt"])
    reading = ProjectReading(top, declared, weights, headers, GraphBuilder(name or top.name), {}, [])
    graph = _lower(reading)
    files = ProjectFiles(folder, top.name, tuple(weight_files))
    return ReadProject(graph, files, top, sum(weights.sizes.values()), headers)


def _top_file(folder: Path) -> Path:
    found = sorted(path for path in folder.glob("*.cpp") if path.with_suffix(".h").is_file())
    if len(found) != 1:
        raise UnsupportedError(
            "an hls4ml project has one top function",
            where=str(folder),
            got=", ".join(path.name for path in found) or "no .cpp with its .h",
            want="<name>.cpp and <name>.h",
        )
    return found[0]


def _source(folder: Path, name: str) -> CppSource:
    source = read_source(folder / name)
    _includes(folder, source)
    return source


def _prototype(source: CppSource, name: str) -> None:
    """Raise unless the header of the top function declares it and nothing else."""
    words = [token for token in source.tokens if token.text != "}"]
    if words[:1] and words[0].text == "namespace":
        words = words[3:]
    texts = [token.text for token in words]
    if texts[:3] != ["void", name, "("] or texts[-2:] != [")", ";"] or texts.count(";") != 1 or "{" in texts:
        raise source.refusal("the header of the top function is not understood", words[:40], f"void {name}(...);")


def _includes(folder: Path, source: CppSource) -> None:
    """Raise where a file includes something that is no part of a project."""
    for file in source.includes:
        own = (folder / file).is_file() and ".." not in Path(file).parts
        if file not in _SYSTEM and not own:
            raise UnsupportedError("an include that fasttrig does not know", where=str(source.path), got=file)


def _lower(reading: ProjectReading) -> Graph:
    """Every call in its order."""
    top, built = reading.top, reading.builder
    _inputs(reading)
    raise_refusals(_unknown(reading, call) for call in top.calls)
    for call in top.calls:
        LAYER_CALLS[call.function](ProjectLayer(reading, call, _PLACES.get(call.function, 1)))
    outputs = [name for name in top.ports if name in reading.written]
    if not outputs:
        raise UnsupportedError("no call writes to a port of the top function", where=str(top.source.path))
    return built.graph(*(reading.values[name] for name in outputs))


def _unknown(reading: ProjectReading, call: CppCall) -> UnsupportedError | None:
    """The refusal of a function that is in no row of the table."""
    if call.function in LAYER_CALLS:
        return None
    what = f"fasttrig does not read the function '{call.function}'"
    return ProjectLayer(reading, call).refusal(what, want=near_names(call.function, LAYER_CALLS))


def _inputs(reading: ProjectReading) -> None:
    """The ports that no call writes are inputs."""
    top = reading.top
    for name in top.ports:
        array = top.arrays[name]
        if not any(_writes(top, index, name) for index in range(len(top.calls))):
            origin = f"{top.name} > {name}"
            reading.values[name] = reading.builder.input(name, (array.size,), fixed_of(array.type), origin=origin)


def _writes(top: TopFunction, index: int, name: str) -> bool:
    """Whether a call names the array where its result stands."""
    call = top.calls[index]
    place = _PLACES.get(call.function, 1)
    words = call.arguments[place] if place < len(call.arguments) else ()
    return len(words) == 1 and top.resolved(words[0].text) == name
