"""A design: the graph of a trained model, with what is known about its inputs; and its emulation on events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import DataError, GraphError, InputError, UnsupportedError
from fasttrig.base.fixed import FixedType, FloatArray, IntArray, Overflow, Rounding, from_value, to_value
from fasttrig.data.inputs import InputMap
from fasttrig.emulator.compiled.library import CompiledEmulator
from fasttrig.emulator.evaluate import Evaluation, evaluate
from fasttrig.frontends import trees
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.frontends.trees.ensemble import Ensemble
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.passes.pipeline import compile_graph
from fasttrig.settings import BUILT_GRAPH, MODEL_FILE, ModelProject, find_models, load_project
from fasttrig.toolchain.emulator_library import has_compiler, load

Events: TypeAlias = npt.ArrayLike | Mapping[str, npt.ArrayLike]

COMPILED_FROM = 100_000
"""Events from which on `Design.emulate` uses the compiled emulator: below, NumPy's is done before a compiler is."""

BUILT_INPUTS, BUILT_OUTPUTS, BUILT_REPORT = "inputs.json", "outputs.json", "report/report.json"
"""What a build folder keeps of a design."""

OUTPUTS_FORMAT = "fasttrig-outputs 1"

_NETWORK_SUFFIXES = (".h5", ".hdf5", ".keras")


@dataclass(frozen=True, slots=True)
class Emulation:
    """What the emulator gave for some events.

    Attributes
    ----------
    given : "values" or "raw"
        How the events were understood: real numbers, or raw integers of the network's input type.
    raw : dict of output name to int array, shape (n_events, *shape)
        The bits that the firmware returns, as integers.
    values : dict of output name to float array
        The same as real numbers: ``raw * 2**-fraction_bits``.
    scores : float array, shape (n_events, n_classes)
        The first output after the link that stays outside the firmware (softmax, sigmoid or none).
    overflows : dict of op name to int, or None
        Elements changed by an overflow; None where nobody counted: only the NumPy emulator does.
    """

    given: Literal["values", "raw"]
    raw: dict[str, IntArray]
    values: dict[str, FloatArray]
    scores: FloatArray
    overflows: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class Design:
    """A graph, verified and with its passes run, and where it comes from.

    ``print(design)`` shows the graph. `narrowed` names the ops whose types ``[types]`` of model.toml narrowed;
    `ensemble` is the float reading of a tree model; `classes` names the scores, where anyone did.
    """

    graph: Graph
    source: Any
    inputs: InputMap | None = None
    project: ModelProject | None = None
    narrowed: tuple[str, ...] = ()
    ensemble: Ensemble | None = None
    classes: tuple[str, ...] = ()

    @property
    def built_folder(self) -> Path | None:
        """The build folder that the design was loaded from; None for one read from a model."""
        built = isinstance(self.source, Path) and self.source.name == BUILT_GRAPH
        return self.source.parent if built else None

    @property
    def version(self) -> int:
        """The model's version: of its settings, or as the report of its build folder keeps it; else 1."""
        if self.project is not None:
            return self.project.model.version
        try:
            report = json.loads((self.built_folder or Path()).joinpath(BUILT_REPORT).read_text(encoding="utf-8"))
            return int(report["model"]["version"]) if self.built_folder is not None else 1
        except (OSError, ValueError, KeyError, TypeError):
            return 1

    def as_read(self) -> Graph:
        """The graph as the frontend made it: no pass has run, no type was narrowed by hand."""
        types = {op.name: op.result.type for op in self.graph.inputs}
        return _read(self.source, types, self.graph.name, self.inputs, self.project)[0]

    def __str__(self) -> str:
        return str(self.graph)

    def __repr__(self) -> str:
        return f"<Design {self.graph.name}: {len(self.graph.ops)} ops>"

    def _repr_html_(self) -> str:
        """What Jupyter shows: the drawing and the table of ops."""
        from fasttrig.display.drawing import design_html

        return design_html(self.graph)

    def emulate(self, x: Events, *, threads: int = 1, compiled: bool | None = None) -> Emulation:
        """Run the bit-accurate emulator.

        There are two, which give the same bits: NumPy, and generated C++ that a compiler of this machine makes a
        library of, once (a few seconds; it stays in the user's cache).

        Parameters
        ----------
        x : array of shape (n_events, *input shape), or a mapping of input name to such an array
            Integers are raw inputs of the graph. Real numbers are the features in their own units where the design
            has an input map, else values of the network's input, quantised to its type (to the nearest, saturating).
        threads : int
            Of the compiled emulator, which splits the events over them; NumPy's runs on one.
        compiled : bool, optional
            Which emulator: True, the compiled one; False, NumPy's, which alone counts overflows. Default: the compiled
            one from `COMPILED_FROM` events on, where there is a compiler and C++ integers hold the graph's numbers.

        Raises
        ------
        ToolError, UnsupportedError
            With ``compiled=True``, without a compiler or for a graph that it cannot hold. A compiler that fails is an
            error always.
        """
        raw, given = self.quantise(x)
        n_events = min((array.shape[0] for array in raw.values() if array.ndim), default=0)
        library = self.compiled_emulator(compiled, n_events)
        if library is not None:
            return self.interpret(library(raw, threads=threads), given)
        return self.emulation(evaluate(self.graph, raw), given)

    def compiled_emulator(self, compiled: bool | None = None, n_events: int = COMPILED_FROM) -> CompiledEmulator | None:
        """The compiled emulator where `emulate` takes it for so many events, else None; see there."""
        if compiled is False or (compiled is None and (n_events < COMPILED_FROM or not has_compiler())):
            return None
        try:
            return load(self.graph)
        except UnsupportedError:
            if compiled:
                raise
            return None

    def quantise(self, x: Events) -> tuple[dict[str, IntArray], Literal["values", "raw"]]:
        """Raw integers per input, and how `x` was understood; see `emulate`."""
        arrays = x if isinstance(x, Mapping) else {self.graph.inputs[0].name: x}
        if not isinstance(x, Mapping) and len(self.graph.inputs) != 1:
            names = ", ".join(op.name for op in self.graph.inputs)
            raise DataError("this design has several inputs", got="one array", want=f"a mapping with {names}")
        found = {name: np.asarray(array) for name, array in arrays.items()}
        kinds = {np.issubdtype(array.dtype, np.integer) for array in found.values()}
        if kinds == {True}:
            return found, "raw"
        if kinds != {False}:
            raise DataError(
                "integers are raw inputs, real numbers are values: not both at once",
                got=", ".join(f"{name}: {array.dtype}" for name, array in found.items()),
            )
        return {name: self._quantised(name, array) for name, array in found.items()}, "values"

    def emulation(self, evaluation: Evaluation, given: Literal["values", "raw"]) -> Emulation:
        """Raw outputs with their values and scores."""
        return self.interpret(evaluation.outputs, given, evaluation.overflows)

    def interpret(
        self, raw: dict[str, IntArray], given: Literal["values", "raw"], overflows: dict[str, int] | None = None
    ) -> Emulation:
        """Values and scores of raw outputs, wherever they were computed."""
        types = {value.name: value.type for value in self.graph.outputs}
        values = {name: to_value(array, types[name]) for name, array in raw.items()}
        first = values[self.graph.outputs[0].name]
        scores = postprocess(first.reshape(len(first), -1), self.graph.postprocessor)
        return Emulation(given, raw, values, scores, overflows)

    def _quantised(self, name: str, array: FloatArray) -> IntArray:
        if self.inputs is not None:
            return self.inputs.to_raw(array)
        known = {op.name: op.result.type for op in self.graph.inputs}
        if name not in known:
            raise DataError("no such input", got=name, want=", ".join(known))
        return from_value(array, known[name], Rounding.RND_CONV, Overflow.SAT)


def postprocess(margins: FloatArray, link: Postprocessor) -> FloatArray:
    """Class scores of shape (n_events, n_classes) from margins of shape (n_events, n_outputs)."""
    if link is Postprocessor.SIGMOID:
        signal = 1.0 / (1.0 + np.exp(-margins))
        return np.concatenate([1.0 - signal, signal], axis=1) if margins.shape[1] == 1 else signal
    if link is Postprocessor.SOFTMAX:
        exponential = np.exp(margins - margins.max(axis=1, keepdims=True))
        return exponential / exponential.sum(axis=1, keepdims=True)
    return margins


def read(
    source: Any, *, input_type: FixedType | str | Mapping[str, FixedType] | None = None, name: str | None = None
) -> Design:
    """A design from a model folder, a build folder, a ``model.toml``, a ``.h5``/``.keras`` file or a live QKeras model.

    Parameters
    ----------
    source : path or model
    input_type : FixedType or "fixed<W,I>", or a mapping of input name to FixedType
        Type of the network's input; needed for a bare model file whose first layer does not say it.
    name : str, optional
        Name of the design; default the model's own.

    Raises
    ------
    RefusalError
        With every place of the model that cannot be computed exactly.
    """
    if isinstance(input_type, str):
        input_type = FixedType.parse(input_type)
    if not isinstance(source, str | Path):
        return _design(source, input_type, name, None, None)
    path = Path(source)
    if (path / BUILT_GRAPH).is_file() and not (path / MODEL_FILE).is_file():
        return load_built(path)
    if path.is_dir() or path.name == MODEL_FILE or path.suffix == ".toml":
        return read_project(load_project(path))
    if path.suffix.lower() in _NETWORK_SUFFIXES or trees.reads(path):
        return _design(path, input_type, name, None, None)
    raise InputError(
        "no frontend reads this file",
        where=str(path),
        got=f"suffix {path.suffix!r}",
        want=f"a folder with {MODEL_FILE}, {', '.join(_NETWORK_SUFFIXES)}, or a tree model",
    )


def open_design(text: str) -> Design:
    """The design that a command's argument means: a build folder, a model file, or a model's folder or name."""
    path = Path(text)
    if (path / BUILT_GRAPH).is_file():
        return load_built(path)
    if path.is_file() and path.name != MODEL_FILE:
        return read(path)
    return read(find_models([text], Path.cwd())[0])


def read_project(project: ModelProject) -> Design:
    """The design that a ``model.toml`` names."""
    inputs = InputMap.load(project.path(project.model.inputs_file))
    if inputs.type != project.inputs.type:
        raise InputError(
            "the input map was made for another input type",
            where=str(project.path(project.model.inputs_file)),
            got=str(inputs.type),
            want=f"{project.inputs.type} ([inputs] type)",
            try_=f"fasttrig train {project.model.name}, or restore the type the model was trained with",
        )
    return _design(project.path(project.model.file), inputs.type, project.model.name, inputs, project)


def built_files(design: Design) -> dict[str, str]:
    """Text of what a build folder keeps of `design`: what `load_built` reads."""
    files = {BUILT_GRAPH: print_graph(design.graph)}
    if design.inputs is not None:
        files[BUILT_INPUTS] = design.inputs.to_json()
    if design.classes:
        files[BUILT_OUTPUTS] = json.dumps({"format": OUTPUTS_FORMAT, "classes": design.classes}, indent=1) + "\n"
    return files


def load_built(folder: str | Path) -> Design:
    """The design of a build folder, from its ``design.ir``: no training framework is needed.

    Raises
    ------
    InputError
        When the folder is no build folder, or a file in it is damaged.
    """
    path = Path(folder) / BUILT_GRAPH
    try:
        graph = parse_graph(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "cannot read this build folder",
            where=str(path),
            got=str(error),
            want="a folder that `fasttrig build` wrote",
            try_="fasttrig build",
        ) from None
    except GraphError as error:
        error.where = " > ".join(part for part in (str(path), error.where) if part)
        raise
    inputs = path.with_name(BUILT_INPUTS)
    return Design(
        graph,
        path,
        InputMap.load(inputs) if inputs.exists() else None,
        classes=_built_classes(path.with_name(BUILT_OUTPUTS)),
    )


def _built_classes(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != OUTPUTS_FORMAT:
            raise ValueError(f"format {content['format']!r}")
        return tuple(map(str, content["classes"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            "cannot read the names of the outputs",
            where=str(path),
            got=repr(error),
            want=OUTPUTS_FORMAT,
            try_="fasttrig build --force",
        ) from None


def _design(
    source: Any,
    input_type: FixedType | Mapping[str, FixedType] | None,
    name: str | None,
    inputs: InputMap | None,
    project: ModelProject | None,
) -> Design:
    types = project.types if project is not None else {}
    graph, ensemble = _read(source, input_type, name, inputs, project)
    classes: tuple[str, ...] = ()
    if project is not None:
        classes = (project.data.target,) if project.data.is_regression else project.data.classes
    return Design(compile_graph(graph, types), source, inputs, project, tuple(types), ensemble, classes)


def _read(
    source: Any,
    input_type: FixedType | Mapping[str, FixedType] | None,
    name: str | None,
    inputs: InputMap | None,
    project: ModelProject | None,
) -> tuple[Graph, Ensemble | None]:
    channel_types = inputs.channel_types if inputs is not None else ()
    ensemble = None
    if trees.reads(source):
        single = next(iter(input_type.values())) if isinstance(input_type, Mapping) else input_type
        graph, ensemble = trees.read_trees(
            source, input_type=single, channel_types=channel_types, name=name, leaf_fraction_bits=_leaf_bits(project)
        )
    else:
        graph = read_qkeras(source, input_type=input_type, name=name, channel_types=channel_types)
    if inputs is not None and (len(graph.inputs) != 1 or graph.inputs[0].result.shape != (len(inputs.features),)):
        shapes = ", ".join(str(op.result.shape) for op in graph.inputs)
        raise UnsupportedError(
            "the model does not take the features of the input map",
            where=str(source),
            got=shapes,
            want=f"one input of shape ({len(inputs.features)},)",
        )
    return graph, ensemble


def _leaf_bits(project: ModelProject | None) -> int | None:
    """The leaf grid that training chose; None where there is none: then the frontend's default."""
    if project is None or project.trees is None:
        return None
    path = project.path(project.trees.types_file)
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["leaf_fraction_bits"])
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "cannot read the leaf grid", where=str(path), got=repr(error), try_=f"fasttrig train {project.model.name}"
        ) from None
