"""A trained model into a graph: the frontend's reading, with what the model's folder knows about inputs and leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.data.inputs import InputMap
from fasttrig.data.spread import n_numbers, with_feature_types
from fasttrig.frontends import trees
from fasttrig.frontends.read_model import ReadModel, ReadOptions, read_model
from fasttrig.settings import ModelProject


def read_graph(
    source: Any,
    input_type: FixedType | Mapping[str, FixedType] | None,
    name: str | None,
    inputs: InputMap | None,
    project: ModelProject | None,
    options: ReadOptions,
) -> ReadModel:
    """The graph of a model as its frontend made it, with the features' types of its input map.

    Raises
    ------
    RefusalError
        With every place of the model that cannot be computed exactly.
    """
    if project is not None and trees.reads(source) and options.leaf_fraction_bits is None:
        options = replace(options, leaf_fraction_bits=_leaf_bits(project))
    is_forest = trees.reads(source)  # its thresholds depend on the features' types
    channel_types = inputs.channel_types if inputs is not None and is_forest else ()
    found = read_model(source, input_type, name, channel_types, options)
    graph = found.graph
    if inputs is not None and n_numbers(graph) != len(inputs.features):
        shapes = ", ".join(str(op.result.shape) for op in graph.inputs)
        raise UnsupportedError(
            "the model does not take the features of the input map",
            where=str(source),
            got=f"inputs of shape {shapes}: {n_numbers(graph)} numbers",
            want=f"{len(inputs.features)} numbers, in the order of the features",
        )
    if inputs is not None and inputs.channel_types and not channel_types:
        return replace(found, graph=with_feature_types(graph, inputs.channel_types))
    return found


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
