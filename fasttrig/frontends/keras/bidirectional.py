"""Bidirectional recurrent layers: one layer forward, one backward, and the merge of both results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fasttrig.base.errors import UnsupportedError
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.merging import lower_add, lower_average, lower_concat, lower_multiply
from fasttrig.frontends.keras.recurrent import GATES, RecurrentPlan, lower_recurrent, prepare_recurrent
from fasttrig.frontends.keras.wrappers import DIRECTIONS, inner_layer
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Value

_MERGES = {"sum": lower_add, "mul": lower_multiply, "ave": lower_average}


@dataclass(frozen=True, slots=True)
class BothWays:
    """The two layers and the plan of each."""

    layers: tuple[LayerSpec, LayerSpec]
    plans: tuple[RecurrentPlan, RecurrentPlan]


def prepare_bidirectional(low: Lowering, layer: LayerSpec) -> BothWays | None:
    """Bidirectional, QBidirectional."""
    mode = layer.config.get("merge_mode", "concat")
    if mode != "concat" and mode not in _MERGES:
        raise UnsupportedError(
            "fasttrig cannot use this merge of a bidirectional layer",
            where=low.where(layer, "merge_mode"),
            got=str(mode),
            want=", ".join(("concat", *_MERGES)),
            try_="a Concatenate layer in place of merge_mode=None",
        )
    layers = _directions(low, layer)
    plans = [prepare_recurrent(low, each) for each in layers]
    if plans[0] is None or plans[1] is None:
        return None
    return BothWays(layers, (plans[0], plans[1]))


def _directions(low: Lowering, layer: LayerSpec) -> tuple[LayerSpec, LayerSpec]:
    kind, config = inner_layer(layer.config, low.where(layer))
    kinds, configs = [kind, kind], [config, config | {"go_backwards": not config.get("go_backwards", False)}]
    if layer.config.get("backward_layer") is not None:
        kinds[1], configs[1] = inner_layer(layer.config, low.where(layer), "backward_layer")
    unknown = next((each for each in kinds if each not in GATES), None)
    if unknown is not None:
        raise UnsupportedError(
            "fasttrig cannot read this layer in both directions",
            where=low.where(layer),
            got=unknown[:80],
            want=", ".join(GATES),
            try_="retrain with a quantised recurrent layer",
        )
    if configs[0].get("return_sequences", False) != configs[1].get("return_sequences", False):
        raise UnsupportedError(
            "the two directions return different shapes", where=low.where(layer, "backward_layer"), want="one of both"
        )
    first, second = (
        replace(
            layer,
            kind=kinds[i],
            config=configs[i],
            weights={
                key.removeprefix(direction): array for key, array in layer.weights.items() if key.startswith(direction)
            },
        )
        for i, direction in enumerate(DIRECTIONS)
    )
    return first, second


def lower_bidirectional(low: Lowering, layer: LayerSpec, plan: BothWays, name: str, operands: list[Value]) -> Value:
    """Shapes: (steps, n_in) -> (units,) or (steps, units), merged; the backward steps are put in the order of time."""
    results: list[Value] = []
    for direction, each, its_plan in zip(DIRECTIONS, plan.layers, plan.plans, strict=True):
        value = lower_recurrent(low, each, its_plan, f"{name}_{direction.rstrip('_')}", operands)
        if direction == DIRECTIONS[1] and each.config.get("return_sequences"):
            order = list(reversed(range(value.shape[0])))
            value = low.builder.gather(low.names.new(f"{name}_in_time"), value, 0, order, origin=low.origin(layer))
        results.append(value)
    mode: Any = layer.config.get("merge_mode", "concat")
    if mode == "concat":
        return lower_concat(low, replace(layer, config={"axis": -1}), None, name, results)
    return _MERGES[mode](low, layer, None, name, results)
