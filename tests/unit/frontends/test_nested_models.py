"""Models inside models: read flat from every form, and equal to QKeras bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import InputError, RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras import nested
from fasttrig.frontends.keras.qkeras import read_qkeras, read_spec
from fasttrig.ladder.framework_rung import explain as framework_explain
from fasttrig.ladder.framework_rung import raw_outputs
from fasttrig.reference.layer_ends import layer_ends
from fasttrig.reference.qkeras_run import framework_trace, input_values
from tests.unit.frontends.framework import explain, keras, qdense, qkeras, random_inputs, require_equal

INPUT = FixedType(8, 4)
RELU = "quantized_relu(6,2)"


def functional(name: str, width: int, *layers: Any) -> Any:
    entry = keras.Input((width,), name=f"{name}_in")
    value = entry
    for layer in layers:
        value = layer(value)
    return keras.Model(entry, value, name=name)


def filled(model: Any, seed: int = 0) -> Any:
    """Every weight its own number, so that a swapped weight changes the result."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            filled(layer, seed + 1)
        elif layer.get_weights():
            layer.set_weights([rng.normal(0.0, 0.5, w.shape).astype(np.float32) for w in layer.get_weights()])
            if type(layer).__name__ == "BatchNormalization":
                values = zip(layer.get_weights(), (2, 0.5, 0.25, 0.25), strict=True)
                layer.set_weights([np.full(w.shape, value) for w, value in values])
                layer.epsilon = 0.0
    return model


def branched() -> Any:
    """Three levels of Functional models, an encoder that two inputs share, a Sequential decoder."""
    inner = functional("inner", 4, qdense(4, "mix", activation=RELU), qdense(4, "out", use_bias=False))
    encoder = functional("encoder", 5, qdense(4, "fc1", activation=RELU), inner, qdense(3, "fc2"))
    decoder = keras.Sequential(
        [
            keras.Input((3,), name="latent"),
            qdense(4, "fc1", activation=RELU),
            keras.layers.BatchNormalization(name="norm"),
            qdense(2, "fc2"),
        ],
        name="decoder",
    )
    left, right = keras.Input((5,), name="left"), keras.Input((5,), name="right")
    both = keras.layers.Concatenate(name="both")([decoder(encoder(left)), decoder(encoder(right))])
    return filled(keras.Model([left, right], qdense(2, "fc1")(both), name="top"))


def stacked() -> Any:
    encoder = functional("encoder", 5, qdense(4, "fc1", activation=RELU), qdense(3, "fc2"))
    head = keras.Sequential([qdense(4, "fc1", activation=RELU), qdense(2, "fc2")], name="head")
    return filled(keras.Sequential([keras.Input((5,), name="x"), encoder, head], name="stack"))


def two_ended() -> Any:
    """An inner model with two inputs and two outputs, one of which is its own input."""
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    pair = keras.Model([a, b], [keras.layers.Add(name="sum")([qdense(4, "fc")(a), b]), a], name="pair")
    x, y = keras.Input((4,), name="x"), keras.Input((4,), name="y")
    first, second = pair([x, y])
    third, fourth = pair([qkeras.QActivation("quantized_bits(8,3,alpha=1)", name="q")(first), second])
    return filled(keras.Model([x, y], [third, qdense(2, "end")(fourth)], name="two"))


MODELS = {"branched": branched, "stacked": stacked, "two_ended": two_ended}


@pytest.mark.parametrize("ending", ["live", "h5", "keras"])
@pytest.mark.parametrize("name", list(MODELS))
def test_equals_qkeras(name: str, ending: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    source = model
    if ending != "live":
        source = tmp_path / f"m.{ending}"
        model.save(source)
    require_equal(source, INPUT, n_events=500)


def test_every_layer_of_the_trace_is_equal_and_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    stacked().save(path)
    graph = read_qkeras(path, input_type=INPUT)
    assert graph.op("encoder_fc1").origin == "m.keras > model 'encoder' > layer 'fc1'"
    assert {"encoder/fc1", "encoder/fc2", "head/fc1", "head/fc2"} <= set(layer_ends(graph))
    inputs = random_inputs(graph, 300)
    trace = framework_trace(path, input_values(graph, inputs))
    assert set(trace) == {"encoder/fc1", "encoder/fc2", "head/fc1", "head/fc2"}
    assert explain(graph, path, inputs) is None


def test_a_frozen_encoder_keeps_its_weights(tmp_path: Path) -> None:
    """Keras writes the weights that are not trained after the others: another order in the .h5 file."""
    model = branched()
    model.get_layer("encoder").get_layer("fc1").trainable = False
    model.get_layer("encoder").get_layer("inner").trainable = False
    model.save(tmp_path / "m.h5")
    require_equal(tmp_path / "m.h5", INPUT, n_events=200)


def test_renamed_variables_do_not_matter(tmp_path: Path) -> None:
    """Two models inside a model may name a layer alike; .keras keeps them apart."""
    inner = functional("inner", 4, qdense(4, "fc1"))
    model = filled(functional("top", 5, functional("outer", 5, qdense(4, "fc1"), inner), qdense(2, "fc1")))
    model.save(tmp_path / "m.keras")
    require_equal(tmp_path / "m.keras", INPUT, n_events=200)
    require_equal(model, INPUT, n_events=200)


def test_a_refusal_inside_names_the_path() -> None:
    model = functional("top", 4, functional("encoder", 4, keras.layers.ELU(name="p")))
    with pytest.raises(RefusalError) as caught:
        read_qkeras(model, input_type=INPUT)
    assert caught.value.refusals[0].where == "model 'top' > model 'encoder' > layer 'p' (ELU)"


def test_sharing_at_every_level_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels that call the next one twice double the calls of one layer in a file of a few kilobytes.

    Six levels and a bound of 60: Keras itself makes each of the calls, and takes minutes for twelve levels.
    """
    monkeypatch.setattr(nested, "MAX_LAYERS", 60)
    model = functional("m0", 4, qdense(4, "fc"))
    for level in range(1, 7):
        model = functional(f"m{level}", 4, model, model)
    with pytest.raises(InputError, match="calls its layers too often"):
        read_spec(model)


def test_read_takes_the_batchnorm_type_that_a_refusal_recommends(tmp_path: Path) -> None:
    """The framework rung rounds the same scales, so that both stay equal."""
    norm = keras.layers.BatchNormalization(name="norm")
    model = functional("top", 4, functional("encoder", 4, qdense(4, "fc1"), norm), qdense(2, "fc2"))
    rng = np.random.default_rng(3)
    for layer in (model.get_layer("encoder").get_layer("norm"), model.get_layer("fc2")):
        layer.set_weights([rng.uniform(0.3, 0.9, w.shape) for w in layer.get_weights()])
    path = tmp_path / "m.keras"
    model.save(path)
    with pytest.raises(RefusalError, match="batchnorm_type"):
        fasttrig.read(path, input_type=INPUT, max_scale_error_lsb=0)
    design = fasttrig.read(path, input_type=INPUT, batchnorm_type="fixed<18,8>")
    graph = design.as_read()
    inputs = random_inputs(graph, 300)
    assert str(design.options.batchnorm_type) == "fixed<18,8>"
    found = raw_outputs(design, graph, inputs)
    assert np.array_equal(found["fc2"], evaluate(design.graph, inputs).outputs["fc2"])
    assert "no single layer differs" in framework_explain(design, graph, {"top_in": inputs["top_in"][:1]})


def test_a_tree_model_has_no_batchnorm_type(tmp_path: Path) -> None:
    sklearn = pytest.importorskip("sklearn.ensemble")
    trees = sklearn.RandomForestClassifier(2, max_depth=2, random_state=0).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(InputError, match="no batch normalisation"):
        fasttrig.read(trees, input_type=INPUT, batchnorm_type="fixed<18,8>")
