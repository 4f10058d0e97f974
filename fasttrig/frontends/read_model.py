"""Any model to an integer graph: networks of QKeras, trees of every library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends import trees
from fasttrig.frontends.hgq.schema import PREFIX
from fasttrig.frontends.hls4ml_project.project import is_hls4ml_project, read_hls4ml_project
from fasttrig.frontends.keras.qkeras import convert, read_spec
from fasttrig.frontends.scales import MAX_SCALE_ERROR_LSB, RoundedScale
from fasttrig.frontends.source import ModelParts
from fasttrig.frontends.trees.ensemble import Ensemble
from fasttrig.ir.graph import Graph
from fasttrig.settings import OutputActivation


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a model is read, where the caller of `read` chose: see its parameters of the same names."""

    batchnorm_type: FixedType | None = None
    leaf_fraction_bits: int | None = None
    output_activation: OutputActivation | None = None
    max_scale_error_lsb: float | None = None


@dataclass(frozen=True, slots=True)
class ReadModel:
    """The graph of a model; the float reading of a tree model; the real scales of a network that were rounded.

    `runs_elsewhere`: its framework cannot be installed beside QKeras.
    """

    graph: Graph
    ensemble: Ensemble | None = None
    scales: tuple[RoundedScale, ...] = ()
    runs_elsewhere: bool = False


AS_THE_MODEL_SAYS = ReadOptions()


def read_model(
    source: Any,
    input_type: FixedType | Mapping[str, FixedType] | None,
    name: str | None,
    channel_types: tuple[FixedType, ...],
    options: ReadOptions,
) -> ReadModel:
    """The graph of a model file or a live model, and what is known beside it.

    Raises
    ------
    InputError
        For options that are for the other kind of model.
    """
    if isinstance(source, Path) and is_hls4ml_project(source):
        return ReadModel(_read_project(source, input_type, name, options))
    if not trees.reads(source):
        _refuse(source, leaf_fraction_bits=options.leaf_fraction_bits)
        allowed = options.max_scale_error_lsb
        spec = read_spec(source)
        graph, scales = convert(
            spec,
            input_type=input_type,
            name=name,
            output_activation=options.output_activation or "postprocessor",
            channel_types=channel_types,
            batchnorm_type=options.batchnorm_type,
            max_scale_error_lsb=MAX_SCALE_ERROR_LSB if allowed is None else allowed,
        )
        of_hgq = any(layer.kind.startswith(PREFIX) for layer in spec.layers)
        return ReadModel(graph, scales=scales, runs_elsewhere=of_hgq)
    in_firmware = options.output_activation if options.output_activation == "firmware" else None
    _refuse(
        source,
        batchnorm_type=options.batchnorm_type,
        output_activation=in_firmware,
        max_scale_error_lsb=options.max_scale_error_lsb,
    )
    single = next(iter(input_type.values())) if isinstance(input_type, Mapping) else input_type
    graph, ensemble = trees.read_trees(
        source,
        input_type=single,
        channel_types=channel_types,
        name=name,
        leaf_fraction_bits=options.leaf_fraction_bits,
    )
    return ReadModel(graph, ensemble)


def _read_project(
    source: Path, input_type: FixedType | Mapping[str, FixedType] | None, name: str | None, options: ReadOptions
) -> Graph:
    """The graph of a finished hls4ml project, whose types are its own."""
    for option, content in asdict(options).items():
        if content is not None and (option, content) != ("output_activation", "postprocessor"):
            raise InputError("an hls4ml project is read as it is", where=str(source), got=f"{option}={content}")
    graph = read_hls4ml_project(source, name).graph
    for op in graph.inputs:
        wanted = input_type.get(op.name) if isinstance(input_type, Mapping) else input_type
        if wanted is not None and wanted != op.result.type:
            raise InputError(
                "the project's input has another type",
                where=f"{source} > input '{op.name}'",
                got=str(wanted),
                want=str(op.result.type),
            )
    return graph


def with_weights(path: Path, weights: Path) -> ModelParts:
    """A Keras architecture and the weights that the caller named.

    Raises
    ------
    InputError
        If `path` is not a ``.json`` file, or holds trees.
    """
    if path.suffix == ".json" and not trees.reads(path):
        return ModelParts(path, weights)
    raise InputError(
        "weights are for a Keras architecture in a file of its own",
        where=str(path),
        got=f"weights={str(weights)!r}",
        want="a .json file that model.to_json() wrote",
    )


_WHY = {
    "leaf_fraction_bits": "leaf_fraction_bits is for models of trees",
    "batchnorm_type": "a tree model has no batch normalisation",
    "max_scale_error_lsb": "a tree model has no real scales",
    "output_activation": "the link of a tree model stays on the host",
}


def _refuse(source: Any, **options: Any) -> None:
    for name, content in options.items():
        if content is not None:
            raise InputError(_WHY[name], where=str(source), got=f"{name}={content}")
