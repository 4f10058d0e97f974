"""Pruning wrappers: the layer inside, equal to QKeras after tensorflow_model_optimization's own strip_pruning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras, read_spec
from tests.unit.frontends.framework import BITS, keras, qdense, qkeras, require_equal

prune = pytest.importorskip("tensorflow_model_optimization.python.core.sparsity.keras.prune").prune_low_magnitude
INPUT = FixedType(8, 4)


def masked(model: Any) -> Any:
    """`model` with random weights, and half of what is pruned masked and zero."""
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            masked(layer)
            continue
        layer.set_weights([rng.normal(0, 0.5, w.shape).astype(np.float32) for w in layer.get_weights()])
        for kernel, mask, _ in getattr(layer, "pruning_vars", ()):
            mask.assign(rng.integers(0, 2, mask.shape).astype(np.float32))
            kernel.assign(kernel * mask)
    return model


def sequential() -> Any:
    layers = [qdense(6, "fc1"), qkeras.QActivation("quantized_relu(4,1)", name="act"), qdense(2, "fc2")]
    return masked(prune(keras.Sequential([keras.Input((4,), name="x"), *layers])))


def first_is_wrapped() -> Any:
    return masked(keras.Sequential([prune(qdense(3, "fc", input_shape=(4,))), qdense(2, "out")]))


def functional() -> Any:
    """Some layers wrapped, one shared between two calls, two weights of one layer pruned."""
    x = keras.Input((6, 4), name="x")
    separable = qkeras.QConv1D(3, 2, name="conv", kernel_quantizer=BITS, bias_quantizer=BITS)
    y = keras.layers.Flatten(name="flat")(prune(separable)(x))
    shared = prune(qdense(15, "shared"))
    y = keras.layers.Add(name="sum")([shared(y), shared(qkeras.QActivation("quantized_relu(4,1)", name="q")(y))])
    return masked(keras.Model(x, prune(qdense(2, "out"))(y)))


def inner() -> Any:
    a = keras.Input((4,), name="a")
    encoder = keras.Model(a, prune(qdense(3, "fc2"))(qdense(4, "fc1")(a)), name="encoder")
    x = keras.Input((4,), name="x")
    return masked(keras.Model(x, prune(qdense(2, "head"))(encoder(x))))


MODELS = {"sequential": sequential, "first": first_is_wrapped, "functional": functional, "inner": inner}


@pytest.mark.parametrize("ending", ["live", "h5", "keras"])
@pytest.mark.parametrize("name", MODELS)
def test_equals_qkeras(name: str, ending: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    source = model
    if ending != "live":
        source = tmp_path / f"m.{ending}"
        model.save(source)
    graph = require_equal(source, INPUT, n_events=300)
    assert not any("prune" in op.name for op in graph.ops if op not in graph.inputs)


@pytest.mark.parametrize("ending", ["live", "h5", "keras"])
@pytest.mark.parametrize("name", ["sequential", "inner"])
def test_a_mask_that_was_not_applied_is_refused(name: str, ending: str, tmp_path: Path) -> None:
    """Run as it is saved, the wrapper masks the kernel; stripped, it does not: two answers."""
    model = MODELS[name]()
    layer = model.layers[0] if name == "sequential" else model.get_layer("encoder").layers[-1]
    kernel = layer.layer.kernel
    kernel.assign(np.full(kernel.shape, 0.5))
    source = model
    if ending != "live":
        source = tmp_path / f"m.{ending}"
        model.save(source)
    with pytest.raises(UnsupportedError, match="mask was not applied") as caught:
        read_qkeras(source, input_type=INPUT)
    assert "strip_pruning" in caught.value.try_


def entry(**options: Any) -> dict[str, Any]:
    layer = {"class_name": "Dropout", "config": {"name": "d"}}
    content = {"name": "p", "batch_input_shape": [None, 4], "layer": layer} | options
    return {"class_name": "PruneLowMagnitude", "config": content}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"layer": None}, "not as Keras writes it"),
        ({"layer": {"class_name": "Dropout"}}, "not as Keras writes it"),
        ({"layer": {"class_name": "Dropout", "config": {}}}, "has no name"),
        ({"layer": entry()}, "around a model or around another wrapper"),
        ({"pruning_schedule": {"class_name": "exec", "config": {}}}, "not as Keras writes it"),
        ({"pruning_schedule": {"class_name": "ConstantSparsity", "config": {"begin_step": "x"}}}, "not as Keras"),
        ({"twist": 1}, "does not know"),
    ],
)
def test_broken_wrappers(options: dict[str, Any], what: str) -> None:
    from fasttrig.frontends.keras.model_config import model_spec

    config = {"class_name": "Sequential", "config": {"name": "m", "layers": [entry(**options)]}}
    with pytest.raises(InputError, match=what):
        model_spec(config, "m.h5", lambda tree: {})


def test_names_are_the_layers_own(tmp_path: Path) -> None:
    functional().save(tmp_path / "m.h5")
    assert [layer.name for layer in read_spec(tmp_path / "m.h5").layers] == [
        *("x", "conv", "flat", "q", "shared", "sum", "out")
    ]
