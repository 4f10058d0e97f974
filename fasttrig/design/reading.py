"""Reading a design: from a model file, a live model, a model folder or a build folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fasttrig.base.built_project import GRAPH, INPUTS, OUTPUTS, BuiltProject
from fasttrig.base.errors import GraphError, InputError
from fasttrig.base.fixed import FixedType
from fasttrig.data.inputs import InputMap
from fasttrig.data.outputs import load_names, outputs_json, require_second_head
from fasttrig.decision.decision import Tagger, combined_graph, decide
from fasttrig.design.design import Design
from fasttrig.design.model_graph import read_graph
from fasttrig.frontends import trees
from fasttrig.frontends.hls4ml_project.project import is_hls4ml_project
from fasttrig.frontends.keras.saved_model import is_saved_model
from fasttrig.frontends.read_model import AS_THE_MODEL_SAYS, ReadOptions, with_weights
from fasttrig.frontends.source import ModelParts
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.passes.pipeline import compile_graph
from fasttrig.settings import MODEL_FILE, ModelProject, OutputActivation, find_models, load_project

_NETWORK_SUFFIXES = (".h5", ".hdf5", ".keras")


def read(
    source: Any,
    *,
    input_type: FixedType | str | Mapping[str, FixedType] | None = None,
    name: str | None = None,
    batchnorm_type: FixedType | str | None = None,
    leaf_fraction_bits: int | None = None,
    output_activation: OutputActivation | None = None,
    weights: str | Path | None = None,
    max_scale_error_lsb: float | None = None,
) -> Design:
    """A design from a model folder, a build folder, a ``model.toml``, a model file, an hls4ml project, or a live model.

    Parameters
    ----------
    source : path or model
    input_type : FixedType or "fixed<W,I>", or a mapping of input name to FixedType
        Type of the network's input; needed for a bare model file whose first layer does not say it.
    name : str, optional
        Name of the design; default the model's own.
    batchnorm_type : FixedType or "fixed<W,I>", optional
        Round scales and offsets of a network's batch normalisations to this type. The framework's check rounds them in
        the same way.
    leaf_fraction_bits : int, optional
        Fraction bits of a tree model's leaves and outputs; default: the grid that training chose, that of a conifer
        file, or one fine enough for the forest's margins (`lower_forest`).
    output_activation : "postprocessor" or "firmware", optional
        Whether a network's final softmax or sigmoid stays on the host, or is built into the firmware from tables;
        default: what ``[model]`` says, else on the host.
    weights : path, optional
        The weights (``.h5``) of a Keras architecture in `source` (``.json``); default: the one such file next to it,
        such as ``model_weights.h5``.
    max_scale_error_lsb : float, optional
        What the rounding of a real scale (alpha='auto', BatchNormalization) to an integer multiplier may change, in
        steps of the quantiser that follows; 0 refuses real scales. Default: what ``[model]`` says, else 0.25.

    Raises
    ------
    RefusalError
        With every place of the model that cannot be computed exactly.
    """
    if isinstance(input_type, str):
        input_type = FixedType.parse(input_type)
    if isinstance(batchnorm_type, str):
        batchnorm_type = FixedType.parse(batchnorm_type)
    options = ReadOptions(batchnorm_type, leaf_fraction_bits, output_activation, max_scale_error_lsb)
    if not isinstance(source, str | Path):
        return _design(source, input_type, name, None, None, options)
    path = Path(source)
    if weights is not None:
        return _design(with_weights(path, Path(weights)), input_type, name, None, None, options)
    if BuiltProject(path).exists and not (path / MODEL_FILE).is_file():
        return load_built(path)
    if _is_model_folder(path):
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
    if (path.is_file() and path.name != MODEL_FILE) or _is_model_folder(path):
        return read(path)
    return read(find_models([text], Path.cwd())[0])


def _is_model_folder(path: Path) -> bool:
    """Whether a folder is a model by itself: a SavedModel, a finished hls4ml project."""
    return (is_saved_model(path) or is_hls4ml_project(path)) and not (path / MODEL_FILE).is_file()


def read_project(project: ModelProject, options: ReadOptions | None = None) -> Design:
    """The design that a ``model.toml`` names."""
    if project.taggers:
        return _read_taggers(project, options or AS_THE_MODEL_SAYS)
    inputs = InputMap.load(project.path(project.model.inputs_file))
    if inputs.type != project.input_settings.type:
        raise InputError(
            "the input map was made for another input type",
            where=str(project.path(project.model.inputs_file)),
            got=str(inputs.type),
            want=f"{project.input_settings.type} ([inputs] type)",
            try_=f"fasttrig train {project.model.name}, or restore the type the model was trained with",
        )
    file: Path | ModelParts = project.path(project.model.file)
    if project.model.weights_file is not None:
        file = with_weights(project.path(project.model.file), project.path(project.model.weights_file))
    options = options or AS_THE_MODEL_SAYS
    if options.output_activation is None:
        options = replace(options, output_activation=project.model.output_activation)
    if options.max_scale_error_lsb is None:
        options = replace(options, max_scale_error_lsb=project.model.max_scale_error_lsb)
    if options.batchnorm_type is None:
        options = replace(options, batchnorm_type=project.model.batchnorm_type)
    return _design(file, inputs.type, project.model.name, inputs, project, options)


def _read_taggers(project: ModelProject, options: ReadOptions) -> Design:
    """The design of a project that combines taggers: one graph with the decision in it.

    Raises
    ------
    InputError
        For options that belong to a single model, a tagger without an input map, a wrong condition.
    """
    if options != AS_THE_MODEL_SAYS:
        raise InputError(
            "these options are for a single model", where=project.model.name, try_="the tagger's model.toml"
        )
    members: dict[str, Design] = {}
    for name, folder in project.tagger_folders().items():
        members[name] = read_project(_single(name, folder))
    taggers = [Tagger.of(name, member.graph, _map_of(member), member.classes) for name, member in members.items()]
    decision = decide(project.decision, taggers, project.words, project.preparation)
    graph = combined_graph(project.model.name, decision)
    features = decision.words.names
    project = project.model_copy(update={"data": project.data.model_copy(update={"features": features})})
    classes = (project.data.target,) if project.data.is_regression else project.data.classes
    return Design(
        compile_graph(graph, project.types),
        decision,
        decision.words,
        project,
        tuple(project.types),
        classes=classes,
        taggers=members,
        decision=decision,
        seed_names=tuple(decision.seeds),
    )


def _single(name: str, folder: Path) -> ModelProject:
    """The project of one tagger."""
    if not (folder / MODEL_FILE).is_file():
        raise InputError("no such tagger", where=f"taggers.{name}", got=str(folder), want=f"a folder with {MODEL_FILE}")
    project = load_project(folder)
    if project.taggers:
        raise InputError("a tagger that combines taggers", where=f"taggers.{name}", got=str(folder), want="one model")
    return project


def _map_of(design: Design) -> InputMap:
    assert design.inputs is not None
    return design.inputs


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
    files = {GRAPH: print_graph(design.graph), OUTPUTS: outputs_json(design.graph, design.classes, design.seed_names)}
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
    classes, seeds = load_names(built.outputs)
    inputs = InputMap.load(built.inputs) if built.inputs.exists() else None
    return Design(graph, path, inputs, classes=classes, seed_names=seeds)


def _design(
    source: Any,
    input_type: FixedType | Mapping[str, FixedType] | None,
    name: str | None,
    inputs: InputMap | None,
    project: ModelProject | None,
    options: ReadOptions,
) -> Design:
    types = project.types if project is not None else {}
    found = read_graph(source, input_type, name, inputs, project, options)
    graph = found.graph
    classes: tuple[str, ...] = ()
    if project is not None:
        require_second_head(graph, project)
        classes = (project.data.target,) if project.data.is_regression else project.data.classes
    return Design(
        compile_graph(graph, types),
        source,
        inputs,
        project,
        tuple(types),
        found.ensemble,
        classes,
        options,
        scales=found.scales,
        runs_elsewhere=found.runs_elsewhere,
    )
