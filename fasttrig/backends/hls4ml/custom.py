"""Our own layers, registered with hls4ml: one for each op that no layer of hls4ml's computes exactly.

Their C++ is hand-written (``firmware/nnet_utils/fasttrig_*.h``), their configuration structs are template files
next to this one. hls4ml is imported inside the functions alone: it is heavy.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"

WEIGHT_NAMES: dict[str, tuple[str, ...]] = {
    "FasttrigRelu": (),
    "FasttrigTable": ("table",),
    "FasttrigSoftmax": ("exp", "inverse"),
    "FasttrigArgMax": (),
    "FasttrigForest": (),
    "FasttrigReduce": (),
    "FasttrigTopK": (),
    "FasttrigGatherBy": (),
    "FasttrigElementCast": (),
    "FasttrigCompare": (),
    "FasttrigSelect": (),
    "FasttrigRewire": (),
}
"""Constants of each layer, in the order of the C++ function's arguments."""

TYPE_NAMES: dict[str, tuple[str, ...]] = {
    "FasttrigRelu": ("full",),
    "FasttrigTable": (),
    "FasttrigSoftmax": ("distance", "index", "sum", "inverse_index"),
    "FasttrigArgMax": (),
    "FasttrigForest": ("margin",),
    "FasttrigReduce": ("full",),
    "FasttrigTopK": (),
    "FasttrigGatherBy": (),
    "FasttrigElementCast": ("wide",),
    "FasttrigCompare": (),
    "FasttrigSelect": (),
    "FasttrigRewire": ("full",),
}
"""Types of each layer in addition to those of its result and its constants."""

HEADERS: dict[str, str] = {
    "FasttrigRelu": "fasttrig_relu.h",
    "FasttrigTable": "fasttrig_table.h",
    "FasttrigSoftmax": "fasttrig_softmax.h",
    "FasttrigArgMax": "fasttrig_argmax.h",
    "FasttrigForest": "fasttrig_forest.h",
    "FasttrigReduce": "fasttrig_reduce.h",
    "FasttrigTopK": "fasttrig_top_k.h",
    "FasttrigGatherBy": "fasttrig_gather_by.h",
    "FasttrigElementCast": "fasttrig_element_cast.h",
    "FasttrigCompare": "fasttrig_compare.h",
    "FasttrigSelect": "fasttrig_select.h",
    "FasttrigRewire": "fasttrig_rewire.h",
}


def own_attributes() -> frozenset[str]:
    """Attributes of our layers: the fields of their configurations."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.glob("*_config.txt")))
    return frozenset(field for text in texts for _, field, _, _ in Formatter().parse(text) if field)


@cache
def register() -> None:
    """Make the layers known to hls4ml's Vivado backend (which Vitis shares); once per process."""
    from hls4ml.backends import get_backend
    from hls4ml.model.layers import register_layer

    backend = get_backend("Vivado")
    for kind in HEADERS:
        layer_class = _layer_class(kind)
        register_layer(kind, layer_class)
        backend.register_template(_config_template(kind, layer_class))
        backend.register_template(_function_template(kind, layer_class))


def _layer_class(kind: str) -> type:
    from hls4ml.model.attributes import TypeAttribute, WeightAttribute
    from hls4ml.model.layers import Layer
    from hls4ml.model.types import NamedType

    def initialize(self: Any) -> None:
        self.add_output_variable(list(self.get_attr("output_shape")))
        for name in WEIGHT_NAMES[kind]:
            self.add_weights_variable(name=name, var_name=name + "{index}")
        for name in TYPE_NAMES[kind]:
            precision, type_name = self.model.config.get_precision(self, name)
            self.set_attr(f"{name}_t", NamedType(type_name, precision))

    expected: list[Any] = []
    for name in WEIGHT_NAMES[kind]:
        expected += [WeightAttribute(name), TypeAttribute(name)]
    expected += [TypeAttribute(name) for name in TYPE_NAMES[kind]]
    return type(kind, (Layer,), {"initialize": initialize, "_expected_attributes": expected})


def _config_template(kind: str, layer_class: type) -> type:
    from hls4ml.backends.template import LayerConfigTemplate

    text = (TEMPLATES / f"{HEADERS[kind].removesuffix('.h')}_config.txt").read_text(encoding="utf-8")

    def format_(self: Any, node: Any) -> str:
        parameters = self._default_config_params(node)
        names = (*WEIGHT_NAMES[kind], *TYPE_NAMES[kind])
        return text.format(**parameters, **{f"{name}_type": node.get_attr(f"{name}_t").name for name in names})

    return _template(LayerConfigTemplate, f"{kind}Config", format_, layer_class)


def _function_template(kind: str, layer_class: type) -> type:
    from hls4ml.backends.template import FunctionCallTemplate

    function = HEADERS[kind].removesuffix(".h")

    def format_(self: Any, node: Any) -> str:
        given = self._default_function_params(node)
        inputs = [node.get_input_variable(name) for name in node.inputs]
        weights = [node.get_weights(name).name for name in WEIGHT_NAMES[kind]]
        arguments = [*(variable.name for variable in inputs), given["output"], *weights]
        types = [*(variable.type.name for variable in inputs), given["output_t"], given["config"]]
        return f"nnet::{function}<{', '.join(types)}>({', '.join(arguments)});"

    header = [f"nnet_utils/{HEADERS[kind]}"]
    return _template(FunctionCallTemplate, f"{kind}Function", format_, layer_class, include_header=header)


def _template(base: Any, name: str, format_: Any, layer_class: type, **options: Any) -> type:
    def initialise(self: Any) -> None:
        base.__init__(self, layer_class, **options)

    return type(name, (base,), {"__init__": initialise, "format": format_})
