"""Any model to an integer graph: networks of QKeras, trees of every library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends import trees
from fasttrig.frontends.keras.qkeras import read_qkeras
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


AS_THE_MODEL_SAYS = ReadOptions()


def read_model(
    source: Any,
    input_type: FixedType | Mapping[str, FixedType] | None,
    name: str | None,
    channel_types: tuple[FixedType, ...],
    options: ReadOptions,
) -> tuple[Graph, Ensemble | None]:
    """The graph of a model file or a live model, and the float reading of a tree model.

    Raises
    ------
    InputError
        For options that are for the other kind of model.
    """
    if not trees.reads(source):
        _refuse(source, leaf_fraction_bits=options.leaf_fraction_bits)
        graph = read_qkeras(
            source,
            input_type=input_type,
            name=name,
            output_activation=options.output_activation or "postprocessor",
            channel_types=channel_types,
            batchnorm_type=options.batchnorm_type,
        )
        return graph, None
    in_firmware = options.output_activation if options.output_activation == "firmware" else None
    _refuse(source, batchnorm_type=options.batchnorm_type, output_activation=in_firmware)
    single = next(iter(input_type.values())) if isinstance(input_type, Mapping) else input_type
    return trees.read_trees(
        source,
        input_type=single,
        channel_types=channel_types,
        name=name,
        leaf_fraction_bits=options.leaf_fraction_bits,
    )


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
    "output_activation": "the link of a tree model stays on the host",
}


def _refuse(source: Any, **options: Any) -> None:
    for name, content in options.items():
        if content is not None:
            raise InputError(_WHY[name], where=str(source), got=f"{name}={content}")
