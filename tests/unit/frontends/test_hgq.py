"""HGQ2's networks, read without HGQ2: equal to the outputs it gave in its own environment (tests/data/hgq/make.py)."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import FasttrigError, InputError, RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding, from_value, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.hgq.quantiser import LearnedBits
from fasttrig.frontends.hgq.weights import named_weights
from fasttrig.ir.ops import ElementCast, Gather

DATA = Path(__file__).parents[2] / "data" / "hgq"
MADE = os.environ.get("FASTTRIG_HGQ")
"""A folder of random networks that make.py made: `make hgq`."""


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".keras", ".h5"))


GRID = FixedType(16, 8)
"""The grid of the events that make.py draws."""


def assert_equal_to_hgq(path: Path) -> fasttrig.Design:
    """Every number of every event, read as the file is and after the passes."""
    design = fasttrig.read(path, input_type=GRID)
    stored = np.load(path.with_name(f"{path.name}.npz"))
    raw = from_value(stored["x"], GRID)
    assert np.array_equal(to_value(raw, GRID), stored["x"])
    for graph in (design.as_read(), design.graph):
        (found,) = evaluate(graph, {graph.inputs[0].name: raw}).outputs.values()
        assert np.array_equal(to_value(found, graph.outputs[0].type), stored["y"])
    return design


@pytest.mark.parametrize("path", files(DATA), ids=lambda path: path.name)
def test_equal_to_hgq2(path: Path) -> None:
    assert_equal_to_hgq(path)


@pytest.mark.parametrize("path", files(Path(MADE)) if MADE else [], ids=lambda path: path.name)
def test_random_networks(path: Path) -> None:
    try:
        assert_equal_to_hgq(path)
    except RefusalError as error:
        assert all("float32" in refusal.what for refusal in error.refusals), error
        pytest.skip("what float32 gives depends on the machine here, and is refused")


def test_bits_differ_from_element_to_element() -> None:
    graph = fasttrig.read(DATA / "dense_1.keras", input_type=GRID).graph
    assert any(isinstance(op, ElementCast) for op in graph.ops)
    assert any(isinstance(op, Gather) and -1 in op.index for op in graph.ops), "elements of no bits are wired to zero"


def test_the_type_of_the_input_is_that_of_its_first_quantiser() -> None:
    graph = fasttrig.read(DATA / "dense_1.keras").graph
    assert graph.inputs[0].result.type == FixedType(8, 4)


def quantiser(k, i, f, rounding=Rounding.RND, overflow=Overflow.SAT, **more) -> LearnedBits:
    return LearnedBits(*(np.array([bits]) for bits in (k, i, f)), rounding, overflow, **more)


@pytest.mark.parametrize(
    ("given", "value", "want"),
    [
        (quantiser(1, 1, 2), 5.0, 1.75),
        (quantiser(1, 1, 2), -5.0, -2.0),
        (quantiser(1, 1, 2, overflow=Overflow.SAT_SYM), -5.0, -1.75),
        (quantiser(0, 1, 2), -5.0, 0.0),
        (quantiser(1, 1, 2, overflow=Overflow.WRAP), 2.25, -1.75),
        (quantiser(1, 1, 2, overflow=Overflow.WRAP, only_rounds=True), 2.3, 2.25),
        (quantiser(1, 0, 0, overflow=Overflow.SAT_SYM), -1.0, 0.0),
        (quantiser(1, 0, 0), -1.0, -1.0),
        (quantiser(1, 2, -3), 100.0, 0.0),
        (quantiser(1, 5, -3), 21.0, 24.0),
        (quantiser(1, -3, 6), 0.2, 0.109375),
        (quantiser(1, 2, 0), np.float32(0.49999997), 1.0),  # plus one half in float32, as HGQ2 computes
        (quantiser(1, 2, 0, rounding=Rounding.RND_CONV), 2.5, 2.0),
    ],
)
def test_numbers_worked_by_hand(given: LearnedBits, value: float, want: float) -> None:
    assert given.weights(np.array([value], dtype=np.float32)).tolist() == [want]


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("overflow", [Overflow.WRAP, Overflow.SAT, Overflow.SAT_SYM])
def test_weights_and_casts_agree(rounding: Rounding, overflow: Overflow) -> None:
    """The rule for weights (float32) and the cast of activations (integers), on numbers that float32 holds."""
    values = np.arange(-200, 200, dtype=np.float32) / 16
    for k, i, f in [(1, 2, 1), (0, 3, 0), (1, -1, 3), (0, 1, 2), (1, 4, -2)]:
        kind = FixedType(k + i + f, k + i, bool(k))
        held = to_value(from_value(values, kind, rounding, overflow), kind)
        assert np.array_equal(quantiser(k, i, f, rounding, overflow).weights(values), held)


def test_names_of_weights_in_h5() -> None:
    names = ["fc1/kernel", "fc1/fc1_iq/fixed_point_quantizer_kif_1/f", "q0/fixed_point_quantizer_kif/i", "eb/gamma"]
    many = [f"add/multiple_quantizers/{name}/fixed_point_quantizer_kif/k" for name in ("quantizer", "quantizer_1")]
    assert named_weights(names) == ["kernel", "iq/f", "q/i", "bn_gamma"]
    assert named_weights(many) == ["iq/0/k", "iq/1/k"]


def edited(tmp_path: Path, change=lambda layers: None, weights=lambda file: None, source: str = "dense_1") -> Path:
    """The file with its layers (by name) or its weights changed."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(DATA / f"{source}.keras") as archive:
        config = json.loads(archive.read("config.json"))
        stored = io.BytesIO(archive.read("model.weights.h5"))
    change({layer["config"]["name"]: layer["config"] for layer in config["config"]["layers"]})
    with h5py.File(stored, "r+") as file:
        weights(file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", stored.getvalue())
    return path


def set_option(layer: str, site: str, **options):
    return lambda layers: layers[layer][f"{site}_conf"]["config"].update(options)


@pytest.mark.parametrize(
    ("change", "what", "place"),
    [
        (set_option("fc1", "iq", q_type="float"), "quantiser of HGQ2", "fc1' (hgq>QDense) > iq"),
        (set_option("fc1", "kq", overflow_mode="WRAP_SM"), "quantiser of HGQ2", "> kq"),
        (set_option("fc1", "bq", scaler=3.0), "quantiser of HGQ2", "> bq"),
        (set_option("fc1", "oq", affine=[2.0, 1.0]), "quantiser of HGQ2", "> oq"),
        (set_option("fc3", "kq", bw_mapper={"class_name": "MyMapper"}), "quantiser of HGQ2", "'fc3'"),
        (set_option("fc3", "iq", round_mode="ODD"), "quantiser of HGQ2", "'fc3'"),
        (lambda layers: layers["fc3"].update(activation="tanh"), "activation of this layer", "> activation"),
    ],
)
def test_refusals(tmp_path: Path, change, what: str, place: str) -> None:
    with pytest.raises(RefusalError) as caught:
        fasttrig.read(edited(tmp_path, change), input_type=GRID)
    (refusal,) = caught.value.refusals
    assert what in refusal.what and place in refusal.where and refusal.try_


@pytest.mark.parametrize(
    ("source", "change", "what"),
    [
        ("einsum_1", lambda layers: layers["each"].update(equation="bnc,nd->bnd"), "as one matrix product"),
        ("einsum_1", lambda layers: layers["each"].update(equation="bnc,cd->bd"), "as one matrix product"),
        ("table_1", lambda layers: layers["lut"].update(activation="gelu"), "a table of this layer"),
        ("table_1", lambda layers: layers["lut"].update(enable_oq=False), "a table of this layer"),
    ],
)
def test_refusals_of_other_layers(tmp_path: Path, source: str, change, what: str) -> None:
    with pytest.raises(RefusalError, match=what):
        fasttrig.read(edited(tmp_path, change, source=source), input_type=GRID)


def test_a_table_too_large_is_refused(tmp_path: Path) -> None:
    def finer(file) -> None:
        bits = file["layers/q_unary_function_lut/iq/quantizer/vars/0"]
        bits[...] = bits[...] + 12

    with pytest.raises(RefusalError, match="too large"):
        fasttrig.read(edited(tmp_path, weights=finer, source="table_1"), input_type=GRID)


def test_a_number_for_each_axis(tmp_path: Path) -> None:
    def without(layers) -> None:
        next(content for content in layers.values() if "dilation_rate" in content)["dilation_rate"] = []

    with pytest.raises(InputError, match="for each axis"):
        fasttrig.read(edited(tmp_path, without, source="convolution1d_1"), input_type=GRID)


def test_an_option_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="does not know") as caught:
        fasttrig.read(edited(tmp_path, lambda layers: layers["fc3"].update(twist=2)), input_type=GRID)
    assert "twist" in caught.value.got


def put(name: str, make):
    def change(file) -> None:
        content = make(file[name][()])
        del file[name]
        file[name] = content

    return change


@pytest.mark.parametrize(
    ("weights", "what"),
    [
        (put("layers/q_dense/iq/quantizer/vars/0", lambda bits: bits + 100), "out of bounds"),
        (put("layers/q_dense/kq/quantizer/vars/0", lambda bits: bits[:, :2]), "do not fit each other"),
        (put("layers/q_dense/vars/0", lambda kernel: kernel[:, :2]), "do not fit"),
        (lambda file: file.pop("layers/q_dense/iq"), "are missing"),
        (put("layers/q_batch_norm_dense/vars/6", lambda variance: variance * 0 - 1), "not finite"),
    ],
)
def test_damaged_files(tmp_path: Path, weights, what: str) -> None:
    with pytest.raises(InputError, match=what):
        fasttrig.read(edited(tmp_path, weights=weights), input_type=GRID)


def test_a_bias_on_a_rounding_edge_is_refused(tmp_path: Path) -> None:
    """QBatchNormDense adds a float32 sum to its bias: the order of that sum is the machine's."""

    def on_the_edge(file) -> None:
        group = file["layers/q_batch_norm_dense"]
        kernel, mean = group["vars/0"][()].astype(float), group["vars/5"][()].astype(float)
        group["vars/1"][...] = mean @ kernel + 0.25
        bits = group["bq/quantizer/vars"]
        for key in bits:  # one integer bit, one fraction bit
            if bits[key].shape and bits[key].dtype.kind == "f":
                bits[key][...] = 1

    with pytest.raises(RefusalError, match="near a rounding edge"):
        fasttrig.read(edited(tmp_path, weights=on_the_edge), input_type=GRID)


def test_an_unknown_layer_is_refused_by_name(tmp_path: Path) -> None:
    path = edited(tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content.replace(b'"class_name": "QDense"', b'"class_name": "QSoftmax"'))
    with pytest.raises(FasttrigError, match="does not read this layer of HGQ2"):
        fasttrig.read(path, input_type=GRID)


def test_an_output_that_nothing_computes(tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA / "dense_1.keras") as source, zipfile.ZipFile(tmp_path / "m.keras", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                model = json.loads(content)
                model["config"]["layers"][-1]["inbound_nodes"] = []
                content = json.dumps(model).encode()
            target.writestr(name, content)
    with pytest.raises(InputError, match="not called"):
        fasttrig.read(tmp_path / "m.keras", input_type=GRID)
