"""Builds hls4ml's ModelGraph from a plan, and checks that hls4ml kept every number of it.

hls4ml's own conversion passes stay out: they infer types, fuse layers and drop reshapes. What runs is the part of
its default flow that initialises layers, prepares streams, turns types into C++ and fills templates.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fasttrig.backends.hls4ml.custom import HEADERS, register
from fasttrig.backends.hls4ml.layer_list import values_of
from fasttrig.backends.hls4ml.planner import Hls4mlLayer, LayerPlan
from fasttrig.backends.hls4ml.precision import Precision
from fasttrig.base.errors import FasttrigError, RefusalError, UnsupportedError, near_names

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

BACKENDS = {"vitis": "Vitis", "vivado": "Vivado", "oneapi": "oneAPI", "catapult": "Catapult"}

_FLOWS = ("init_layers", "streaming", "optimize", "specific_types", "apply_templates")
"""Flows of the backends that run; `validation` only prints, `quantization` and the common flows change numbers."""

_PASSES_LEFT_OUT = frozenset(
    {
        "infer_precision_types",  # Types are complete: hls4ml must infer none.
        "remove_final_reshape",  # In the plan, each output has its own layer.
        "skip_softmax",
        "fix_softmax_table_size",
        "broadcast_stream",
        "fuse_quantizer_into_d_a_layers",
        "process_fixed_point_quantizer_layer",
    }
)


def build(plan: LayerPlan, name: str, target: TargetSettings, output_dir: Path) -> Any:
    """The ModelGraph of `plan`, ready to be written to `output_dir`.

    Raises
    ------
    UnsupportedError
        When a setting or a type is not what the plan asked for: hls4ml replaces some in silence.
    """
    from hls4ml.model.flow import get_flow
    from hls4ml.model.graph import ModelGraph
    from hls4ml.model.optimizer import optimize_model

    register()
    _check_settings(plan, target)
    config = _config(plan, name, target, output_dir)
    with _quiet() as said:
        model = ModelGraph.from_layer_list(
            config, [_entry(layer) for layer in plan.layers], list(plan.inputs), list(plan.outputs)
        )
        for flow_name in get_flow(model.config.backend.get_default_flow()).requires:
            if flow_name.partition(":")[2] in _FLOWS:
                passes = [item for item in get_flow(flow_name).optimizers if _kept(item)]
                optimize_model(model, passes)
    _check_model(plan, model, target, said.getvalue())
    return model


def _kept(pass_name: str) -> bool:
    return pass_name.rpartition(":")[2] not in _PASSES_LEFT_OUT


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """hls4ml prints its substitutions; they are collected and end up in the error where a check fails."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        yield said


def _config(plan: LayerPlan, name: str, target: TargetSettings, output_dir: Path) -> dict[str, Any]:
    from hls4ml.utils.config import create_config

    config: dict[str, Any] = create_config(
        output_dir=str(output_dir),
        project_name=name,
        backend=BACKENDS[target.backend],
        part=target.part,
        clock_period=target.clock_period_ns,
        io_type=target.io_type,
    )
    config["Stamp"] = name
    config["ClockUncertainty"] = f"{target.clock_uncertainty_percent:g}%"
    config["WriterConfig"] = {
        "Namespace": target.namespace,
        "WriteWeightsTxt": False,
        "WriteTar": False,
        "WriteEmulationConstants": True,
        "TBOutputStream": "both",
    }
    config["HLSConfig"] = {
        "Flows": [],
        "Model": {"Precision": None, "ReuseFactor": target.reuse_factor, "Strategy": target.strategy},
        "LayerName": _layer_configs(plan, target),
    }
    return config


def _layer_configs(plan: LayerPlan, target: TargetSettings) -> dict[str, dict[str, Any]]:
    """Every layer's settings; in a stream also those of the clones that hls4ml makes of a tensor read twice."""
    configs = {layer.name: _layer_config(layer, target) for layer in plan.layers}
    if target.io_type == "io_stream":
        for layer in plan.layers:
            configs[f"clone_{layer.name}"] = {**configs[layer.name], "Precision": {"result": str(layer.result)}}
    return configs


def _layer_config(layer: Hls4mlLayer, target: TargetSettings) -> dict[str, Any]:
    strategy, reuse_factor = layer_settings(layer, target)
    precisions = {name: str(precision) for name, precision in layer.precisions.items()}
    return {"Precision": precisions, "Strategy": strategy, "ReuseFactor": reuse_factor}


def layer_settings(layer: Hls4mlLayer, target: TargetSettings) -> tuple[str, int]:
    """Strategy and reuse factor of `layer`: the target's, unless one of its ops has its own."""
    strategy, reuse_factor = target.strategy, target.reuse_factor
    for op in layer.ops:
        if (own := target.layers.get(op.name)) is not None:
            strategy = own.strategy or strategy
            reuse_factor = own.reuse_factor or reuse_factor
    return strategy, reuse_factor


def _entry(layer: Hls4mlLayer) -> dict[str, Any]:
    """The layer as an entry of hls4ml's layer list."""
    entry = {"class_name": layer.kind, "name": layer.name, "inputs": list(layer.inputs), **layer.attributes}
    for name, const in layer.weights.items():
        data = values_of(const, layer.where)
        entry[f"{name}_data"] = data[np.newaxis] if layer.kind == "Conv1D" and name == "weight" else data
    return entry


def _check_settings(plan: LayerPlan, target: TargetSettings) -> None:
    known = [op.name for layer in plan.layers for op in layer.ops]
    for name, own in target.layers.items():
        if own.is_of_hls and name not in known:
            raise UnsupportedError(
                "unknown op name in the settings",
                where=f"target.layers.{name}",
                got=repr(name),
                try_=near_names(name, known),
            )
    _refuse_together(plan.layers, lambda layer: _check_layer(layer, layer_settings(layer, target)[0], target))


def _refuse_together(layers: Sequence[Hls4mlLayer], check: Callable[[Hls4mlLayer], None]) -> None:
    """Check every layer; raise the one refusal, or all of them as one."""
    refusals: list[UnsupportedError] = []
    for layer in layers:
        try:
            check(layer)
        except UnsupportedError as refusal:
            refusals.append(refusal)
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise RefusalError(refusals)


def _check_layer(layer: Hls4mlLayer, strategy: str, target: TargetSettings) -> None:
    arbitrary_c = target.backend in ("oneapi", "catapult")
    if arbitrary_c and layer.kind in HEADERS:
        raise UnsupportedError(
            f"fasttrig has no {type(layer.ops[0]).__name__} for this backend",
            where=layer.where,
            got=f"backend = '{target.backend}'",
            want="vitis or vivado",
            try_="backend = 'vitis'",
        )
    narrow = [precision for precision in layer.precisions.values() if precision.type.width == 1]
    if arbitrary_c and narrow:
        raise UnsupportedError(
            "hls4ml widens one-bit types to two bits for this backend",
            where=layer.where,
            got=f"{narrow[0].type}, backend = '{target.backend}'",
            want="at least two bits",
            try_="backend = 'vitis'",
        )
    if strategy == "distributed_arithmetic" and layer.kind in ("Dense", "Conv1D"):
        raise UnsupportedError(
            "fasttrig does not support hls4ml's distributed arithmetic",
            where=layer.where,
            got=f"strategy = '{strategy}'",
            want="latency or resource",
            try_="strategy = 'latency': the RTL backend is the one that uses distributed arithmetic",
        )
    _check_order(layer, strategy)


def _check_order(layer: Hls4mlLayer, strategy: str) -> None:
    """A narrow accumulator that saturates depends on the order of the sum, which `resource` changes."""
    accum = layer.precisions.get("accum")
    if accum is None or strategy == "latency" or accum.overflow.value == "WRAP":
        return
    raise UnsupportedError(
        "a saturating accumulator depends on the order of the sum, which this strategy changes",
        where=layer.where,
        got=f"strategy = '{strategy}', accumulator {accum}",
        want="strategy = 'latency', or an accumulator that wraps",
        try_="leave the accumulator exact: no sum can overflow then",
    )


def _check_model(plan: LayerPlan, model: Any, target: TargetSettings, said: str) -> None:
    """Every layer, type, weight and setting of the plan as it is in hls4ml's graph, or a refusal."""
    nodes = {node.name: node for node in model.get_layers()}
    type_names: dict[str, str] = {}
    _refuse_together(plan.layers, lambda layer: _check_node(layer, nodes.get(layer.name), type_names, target, said))
    outputs = len(plan.outputs)
    if len(model.get_output_variables()) != outputs:
        raise FasttrigError("hls4ml changed the outputs", got=str(model.outputs), want=str(plan.outputs))


def _check_node(layer: Hls4mlLayer, node: Any, type_names: dict[str, str], target: TargetSettings, said: str) -> None:
    if node is None:
        raise _changed("hls4ml removed a layer", layer, "no such layer", layer.kind, said)
    for name, want in layer.attributes.items():
        if name != "axis" and node.get_attr(name) != want:
            raise _changed(f"hls4ml changed the attribute '{name}'", layer, str(node.get_attr(name)), str(want), said)
    _check_reuse(layer, node, target, said)
    _check_types(layer, node, type_names, said)
    _check_weights(layer, node, said)


def _check_types(layer: Hls4mlLayer, node: Any, type_names: dict[str, str], said: str) -> None:
    for name, want in layer.precisions.items():
        named = node.get_attr(f"{name}_t")
        got = None if named is None else Precision.of_hls4ml(named.precision)
        if got != want:
            raise _changed(f"hls4ml changed the {name} type", layer, str(got), str(want), said)
        if type_names.setdefault(named.name, str(want)) != str(want):
            raise _changed(
                "two types share a name in hls4ml", layer, f"{named.name}: {type_names[named.name]}", str(want), said
            )


def _check_weights(layer: Hls4mlLayer, node: Any, said: str) -> None:
    """The printed decimals, read back, are the plan's numbers (hls4ml transposes for `resource`)."""
    for name, const in layer.weights.items():
        weight = node.get_weights(name)
        want = values_of(const, layer.where)
        got = np.array([float(text) for text in weight])
        if name == "weight" and node.get_attr("_weights_transposed", False):
            want = np.moveaxis(want, -1, 0)
        if not np.array_equal(got, want.ravel()):
            raise _changed(f"hls4ml changed the numbers of '{name}'", layer, "other numbers", str(const.name), said)


def _check_reuse(layer: Hls4mlLayer, node: Any, target: TargetSettings, said: str) -> None:
    if layer.kind not in ("Dense", "Conv1D"):
        return
    strategy, reuse_factor = layer_settings(layer, target)
    got = (str(node.get_attr("strategy")).lower(), int(node.get_attr("reuse_factor")))
    if got != (strategy, reuse_factor):
        raise _changed(
            "hls4ml has no layer with these settings",
            layer,
            f"strategy {got[0]}, reuse factor {got[1]}",
            f"strategy {strategy}, reuse factor {reuse_factor}",
            said,
        )


def _changed(what: str, layer: Hls4mlLayer, got: str, want: str, said: str) -> UnsupportedError:
    about = [line.removeprefix("WARNING: ") for line in said.splitlines() if f'"{layer.name}"' in line]
    return UnsupportedError(what, where=layer.where, got=got, want=want, try_=about[0] if about else "")
