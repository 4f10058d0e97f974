"""A design: the graph of a trained model, the known facts about its inputs, and its emulation on events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fasttrig.base.built_project import GRAPH, INPUTS, OUTPUTS, BuiltProject
from fasttrig.base.errors import GraphError, InputError, UnsupportedError
from fasttrig.base.fixed import FixedType, IntArray
from fasttrig.data.events import Arrays, arrays_of
from fasttrig.data.inputs import InputMap
from fasttrig.data.outputs import load_classes, outputs_json, require_second_head
from fasttrig.data.quantise import column_rules, given_raw, n_events_of, raw_inputs
from fasttrig.data.spread import n_numbers, with_feature_types
from fasttrig.emulator.emulation import Emulation, emulation_of
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends import trees
from fasttrig.frontends.keras.saved_model import is_saved_model
from fasttrig.frontends.read_model import AS_THE_MODEL_SAYS, ReadOptions, read_model, with_weights
from fasttrig.frontends.source import ModelParts
from fasttrig.frontends.trees.ensemble import Ensemble
from fasttrig.ir.graph import Graph
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.passes.pipeline import compile_graph
from fasttrig.settings import MODEL_FILE, ModelProject, OutputActivation, find_models, load_project
from fasttrig.toolchain.emulator_library import has_compiler, load

if TYPE_CHECKING:
    from fasttrig.emulator.compiled.library import CompiledEmulator

EventInput: TypeAlias = Any
"""An array or a list of numbers; or a mapping, a structured array, a frame or a table: numbers by name."""

COMPILED_FROM = 100_000
"""Events from which on `Design.emulate` uses the compiled emulator: below, NumPy's is done before a compiler is."""

_NETWORK_SUFFIXES = (".h5", ".hdf5", ".keras")


@dataclass(frozen=True, slots=True)
class Design:
    """A graph, verified and with its passes run, and where it comes from.

    ``print(design)`` shows the graph. `narrowed` names the ops whose types ``[types]`` of model.toml narrowed;
    `ensemble` is the float reading of a tree model; `classes` names the scores, where anyone did; `options` are the
    choices of the caller of `read`.
    """

    graph: Graph
    source: Any
    inputs: InputMap | None = None
    project: ModelProject | None = None
    narrowed: tuple[str, ...] = ()
    ensemble: Ensemble | None = None
    classes: tuple[str, ...] = ()
    options: ReadOptions = AS_THE_MODEL_SAYS

    @property
    def built_folder(self) -> Path | None:
        """The build folder that the design was loaded from; None for one read from a model."""
        built = isinstance(self.source, Path) and self.source.name == GRAPH
        return self.source.parent if built else None

    @property
    def version(self) -> int:
        """The model's version: of its settings, or as the report of its build folder keeps it; else 1."""
        if self.project is not None:
            return self.project.model.version
        try:
            report = json.loads(BuiltProject(self.built_folder or Path()).report.read_text(encoding="utf-8"))
            return int(report["model"]["version"]) if self.built_folder is not None else 1
        except (OSError, ValueError, KeyError, TypeError):
            return 1

    def as_read(self) -> Graph:
        """The graph as the frontend made it: no pass has run, no type was narrowed by hand, the link is on the host."""
        types = {op.name: op.result.type for op in self.graph.inputs}
        options = replace(self.options, output_activation=None)
        return _read(self.source, types, self.graph.name, self.inputs, self.project, options)[0]

    @property
    def has_link_in_firmware(self) -> bool:
        """Whether the final softmax or sigmoid is part of the graph; see `read`."""
        return self.options.output_activation == "firmware"

    @property
    def scoring_graph(self) -> Graph:
        """The graph whose link turns a float model's margins into scores."""
        return self.as_read() if self.has_link_in_firmware else self.graph

    def __str__(self) -> str:
        return str(self.graph)

    def __repr__(self) -> str:
        return f"<Design {self.graph.name}: {len(self.graph.ops)} ops>"

    def _repr_html_(self) -> str:
        """HTML for Jupyter: the drawing and the table of ops."""
        from fasttrig.display.drawing import design_html

        return design_html(self.graph)

    def emulate(self, x: EventInput, *, raw: bool = False, threads: int = 1, compiled: bool | None = None) -> Emulation:
        """Run the bit-accurate emulator.

        There are two, which give the same bits: NumPy, and generated C++ that a compiler of this machine makes a
        library of, once (a few seconds; it stays in the user's cache).

        Parameters
        ----------
        x : array of shape (n_events, *input shape), or anything with named columns
            Values, integers as well as floats: the features in their own units where the design has an input map,
            else values of the network's input, quantised to its type (to the nearest, saturating). Arrays and lists
            go by position. Mappings, structured arrays, and frames and tables of pandas, polars and pyarrow go by
            name, in any order: one array per input, or one column per feature (see `feature_names`).
        raw : bool
            `x` holds raw integers of the graph's inputs instead; `Emulation.given` says which.
        threads : int
            Of the compiled emulator, which splits the events over them; NumPy's runs on one.
        compiled : bool, optional
            Which emulator: True, the compiled one; False, NumPy's, which alone counts overflows. Default: the compiled
            one from `COMPILED_FROM` events on, where there is a compiler and C++ integers hold the graph's numbers.

        Raises
        ------
        DataError
            For a missing or an unknown column, a wrong shape, masked or missing or complex numbers, NaN; with `raw`
            for anything but integers of the inputs' types.
        ToolError, UnsupportedError
            With ``compiled=True``, without a compiler or for a graph that it cannot hold. A compiler that fails is an
            error always.
        """
        arrays = self._arrays(x)
        library = self.compiled_emulator(compiled, n_events_of(arrays))
        made = None if library is None else self.from_columns(library, arrays, raw=raw, threads=threads)
        if made is not None:  # else what follows says what was wrong, or can do it
            return made
        found, given = self._quantised(arrays, raw)
        if library is not None:
            return self.interpret(library(found, threads=threads), given)
        done = evaluate(self.graph, found)
        return self.interpret(done.outputs, given, done.overflows)

    def from_columns(
        self, library: CompiledEmulator, arrays: Arrays, *, raw: bool = False, threads: int = 1
    ) -> Emulation | None:
        """`emulate` by a library that reads `arrays` where they lie; None where it cannot, or refuses a number."""
        rules = column_rules(self.graph, self.inputs, arrays, raw=raw)
        made = None if rules is None else library.predict_columns(arrays, rules, threads=threads)
        return None if made is None else emulation_of(self.graph, "raw" if raw else "values", *made)

    def emulate_raw(self, x_raw: EventInput, *, threads: int = 1, compiled: bool | None = None) -> Emulation:
        """`emulate` of raw integers of the graph's inputs: ``emulate(x_raw, raw=True)``."""
        return self.emulate(x_raw, raw=True, threads=threads, compiled=compiled)

    def compiled_emulator(self, compiled: bool | None = None, n_events: int = COMPILED_FROM) -> CompiledEmulator | None:
        """The compiled emulator where `emulate` takes it for so many events, else None; see there."""
        if compiled is False or (compiled is None and (n_events < COMPILED_FROM or not has_compiler())):
            return None
        try:
            return load(self.graph, columns=True)
        except UnsupportedError:
            if compiled:
                raise
            return None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the numbers of all inputs, in order, where the input map or the tree library gave them; else empty.

        Without names, columns are called ``<input>_0``, ``<input>_1``, ...
        """
        if self.inputs is not None:
            return self.inputs.names
        return self.ensemble.feature_names if self.ensemble is not None else ()

    def quantise(self, x: EventInput, *, raw: bool = False) -> tuple[dict[str, IntArray], Literal["values", "raw"]]:
        """Raw integers per input, and how `x` was understood; see `emulate`."""
        return self._quantised(self._arrays(x), raw)

    def _arrays(self, x: EventInput) -> Arrays:
        return arrays_of(x, {op.name: op.result.shape for op in self.graph.inputs}, self.feature_names)

    def _quantised(self, arrays: Arrays, raw: bool) -> tuple[dict[str, IntArray], Literal["values", "raw"]]:
        if raw:
            return given_raw(arrays), "raw"
        return raw_inputs(self.graph, self.inputs, arrays), "values"

    def interpret(
        self, raw: dict[str, IntArray], given: Literal["values", "raw"], overflows: dict[str, int] | None = None
    ) -> Emulation:
        """Values and scores of raw outputs, wherever they were computed."""
        return emulation_of(self.graph, given, raw, overflows=overflows)


def read(
    source: Any,
    *,
    input_type: FixedType | str | Mapping[str, FixedType] | None = None,
    name: str | None = None,
    batchnorm_type: FixedType | str | None = None,
    leaf_fraction_bits: int | None = None,
    output_activation: OutputActivation | None = None,
    weights: str | Path | None = None,
) -> Design:
    """A design from a model folder, a build folder, a ``model.toml``, a model file, or a live QKeras or tree model.

    Parameters
    ----------
    source : path or model
    input_type : FixedType or "fixed<W,I>", or a mapping of input name to FixedType
        Type of the network's input; needed for a bare model file whose first layer does not say it.
    name : str, optional
        Name of the design; default the model's own.
    batchnorm_type : FixedType or "fixed<W,I>", optional
        Round scales and offsets of a network's batch normalisations to this type instead of refusing them. The
        framework's check rounds them in the same way.
    leaf_fraction_bits : int, optional
        Fraction bits of a tree model's leaves and outputs; default: the grid that training chose, that of a conifer
        file, or one fine enough for the forest's margins (`lower_forest`).
    output_activation : "postprocessor" or "firmware", optional
        Whether a network's final softmax or sigmoid stays on the host, or is built into the firmware from tables;
        default: what ``[model]`` says, else on the host.
    weights : path, optional
        The weights (``.h5``) of a Keras architecture in `source` (``.json``); default: the one such file next to it,
        such as ``model_weights.h5``.

    Raises
    ------
    RefusalError
        With every place of the model that cannot be computed exactly.
    """
    if isinstance(input_type, str):
        input_type = FixedType.parse(input_type)
    if isinstance(batchnorm_type, str):
        batchnorm_type = FixedType.parse(batchnorm_type)
    options = ReadOptions(batchnorm_type, leaf_fraction_bits, output_activation)
    if not isinstance(source, str | Path):
        return _design(source, input_type, name, None, None, options)
    path = Path(source)
    if weights is not None:
        return _design(with_weights(path, Path(weights)), input_type, name, None, None, options)
    if BuiltProject(path).exists and not (path / MODEL_FILE).is_file():
        return load_built(path)
    if is_saved_model(path) and not (path / MODEL_FILE).is_file():
        return _design(path, input_type, name, None, None, options)
    if path.is_dir() or path.name == MODEL_FILE or path.suffix == ".toml":
        return read_project(load_project(path), options)
    if path.suffix.lower() in _NETWORK_SUFFIXES or path.suffix == ".json" or trees.reads(path):
        return _design(path, input_type, name, None, None, options)
    raise InputError(
        "no frontend reads this file",
        where=str(path),
        got=f"suffix {path.suffix!r}",
        want=f"a folder with {MODEL_FILE}, {', '.join(_NETWORK_SUFFIXES)}, or a tree model",
    )


def open_design(text: str) -> Design:
    """The design that a command's argument means: a build folder, a model file, or a model's folder or name."""
    path = Path(text)
    if BuiltProject(path).exists:
        return load_built(path)
    if (path.is_file() and path.name != MODEL_FILE) or is_saved_model(path):
        return read(path)
    return read(find_models([text], Path.cwd())[0])


def read_project(project: ModelProject, options: ReadOptions | None = None) -> Design:
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
    file: Path | ModelParts = project.path(project.model.file)
    if project.model.weights_file is not None:
        file = with_weights(project.path(project.model.file), project.path(project.model.weights_file))
    options = options or AS_THE_MODEL_SAYS
    if options.output_activation is None:
        options = replace(options, output_activation=project.model.output_activation)
    return _design(file, inputs.type, project.model.name, inputs, project, options)


def read_again(design: Design, options: ReadOptions) -> Design:
    """The design of the same model file, read with other options."""
    types = {op.result.name: op.result.type for op in design.graph.inputs}
    return _design(
        design.source,
        design.inputs.type if design.inputs is not None else types,
        design.graph.name,
        design.inputs,
        design.project,
        options,
    )


def built_files(design: Design) -> dict[str, str]:
    """Text of what a build folder keeps of `design`: what `load_built` reads."""
    files = {GRAPH: print_graph(design.graph), OUTPUTS: outputs_json(design.graph, design.classes)}
    if design.inputs is not None:
        files[INPUTS] = design.inputs.to_json()
    return files


def load_built(folder: str | Path) -> Design:
    """The design of a build folder, from its ``design.ir``: no training framework is needed.

    Raises
    ------
    InputError
        When the folder is no build folder, or a file in it is damaged.
    """
    built = BuiltProject(Path(folder))
    path = built.graph
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
    return Design(
        graph,
        path,
        InputMap.load(built.inputs) if built.inputs.exists() else None,
        classes=load_classes(built.outputs),
    )


def _design(
    source: Any,
    input_type: FixedType | Mapping[str, FixedType] | None,
    name: str | None,
    inputs: InputMap | None,
    project: ModelProject | None,
    options: ReadOptions,
) -> Design:
    types = project.types if project is not None else {}
    graph, ensemble = _read(source, input_type, name, inputs, project, options)
    classes: tuple[str, ...] = ()
    if project is not None:
        require_second_head(graph, project)
        classes = (project.data.target,) if project.data.is_regression else project.data.classes
    return Design(compile_graph(graph, types), source, inputs, project, tuple(types), ensemble, classes, options)


def _read(
    source: Any,
    input_type: FixedType | Mapping[str, FixedType] | None,
    name: str | None,
    inputs: InputMap | None,
    project: ModelProject | None,
    options: ReadOptions,
) -> tuple[Graph, Ensemble | None]:
    if project is not None and trees.reads(source) and options.leaf_fraction_bits is None:
        options = replace(options, leaf_fraction_bits=_leaf_bits(project))
    is_forest = trees.reads(source)  # its thresholds depend on the features' types
    channel_types = inputs.channel_types if inputs is not None and is_forest else ()
    graph, ensemble = read_model(source, input_type, name, channel_types, options)
    if inputs is not None and n_numbers(graph) != len(inputs.features):
        shapes = ", ".join(str(op.result.shape) for op in graph.inputs)
        raise UnsupportedError(
            "the model does not take the features of the input map",
            where=str(source),
            got=f"inputs of shape {shapes}: {n_numbers(graph)} numbers",
            want=f"{len(inputs.features)} numbers, in the order of the features",
        )
    if inputs is not None and inputs.channel_types and not channel_types:
        graph = with_feature_types(graph, inputs.channel_types)
    return graph, ensemble


def _leaf_bits(project: ModelProject | None) -> int | None:
    """The leaf grid that training chose; None if there is none, for the frontend's default."""
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
