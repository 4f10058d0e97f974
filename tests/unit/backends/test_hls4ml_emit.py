"""The hls4ml writer: golden texts, the same bytes every time, every number kept, every refusal."""

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fasttrig.backends.hls4ml import emit, materialised
from fasttrig.backends.hls4ml.custom import own_attributes
from fasttrig.backends.hls4ml.layer_list import plan
from fasttrig.backends.hls4ml.names import layer_names
from fasttrig.backends.hls4ml.precision import Precision
from fasttrig.base.errors import RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const, MatMul, Reduction
from fasttrig.settings import LayerSettings, TargetSettings

REPOSITORY = Path(__file__).resolve().parents[3]
spec = importlib.util.spec_from_file_location("regold", REPOSITORY / "ci" / "regold.py")
regold = importlib.util.module_from_spec(spec)
spec.loader.exec_module(regold)

PART = TargetSettings()
WEIGHT = FixedType(5, 1)


def dense_graph(weight=WEIGHT, n_in=4, n_out=3, seed=0, name="net", op="fc"):
    rng = np.random.default_rng(seed)
    b = GraphBuilder(name)
    x = b.input("x", (n_in,), FixedType(6, 2))
    w = Const("w", weight, rng.integers(weight.min_raw, weight.max_raw, (n_in, n_out), endpoint=True))
    y = b.matmul(op, x, w, Const("b", FixedType(4, 1), rng.integers(-8, 8, n_out)), origin="m.h5 > layer 'fc'")
    return b.graph(b.cast("out", y, FixedType(7, 3), Rounding.RND_CONV, Overflow.SAT))


def accumulating(graph, fixed_type, overflow):
    """`graph` with its matmul summing in a type of the user's."""
    ops = []
    for op in graph.ops:
        if isinstance(op, MatMul):
            op = replace(op, result=replace(op.result, type=fixed_type), narrowed=True, accum_overflow=overflow)
            result = op.result
        elif op.operands:
            op = replace(op, operand=result)
        ops.append(op)
    return replace(graph, ops=tuple(ops))


@pytest.mark.parametrize("folder", regold.GOLDENS)
def test_golden(folder):
    for name, text in regold.GOLDENS[folder]().items():
        golden = (REPOSITORY / folder / name).read_text(encoding="utf-8")
        assert text == golden, f"{folder}/{name} changed: run ci/regold.py and read the diff"


def test_the_same_bytes_in_another_process_folder_and_time_zone(tmp_path):
    code = (
        "import hashlib, json, sys; sys.path.insert(0, sys.argv[1]); import regold; "
        "print(json.dumps(regold.emit(regold.tiny(), regold.TargetSettings()), sort_keys=True))"
    )
    (tmp_path / "deeper").mkdir()
    seen = []
    for folder, zone, seed in ((tmp_path, "UTC", "1"), (tmp_path / "deeper", "Asia/Tokyo", "2")):
        environment = {
            "PATH": "/usr/bin:/bin",
            "TZ": zone,
            "PYTHONHASHSEED": seed,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "PYTHONPATH": str(REPOSITORY),
        }
        done = subprocess.run(
            [sys.executable, "-c", code, str(REPOSITORY / "ci")],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        seen.append(done.stdout)
    assert seen[0] == seen[1]
    assert json.loads(seen[0]) == emit(regold.tiny(), PART)
    assert str(tmp_path) not in seen[0]
    assert list(json.loads(seen[0])) == sorted(json.loads(seen[0]))
    assert not re.search(r"mystamp|myproject\b(?!.*axi)", seen[0].replace("load_weights", ""))


def test_no_folder_of_this_machine_and_no_text_weights():
    files = emit(regold.tiny(), PART)
    assert not [name for name in files if name.endswith((".txt", ".yml", ".so")) or "tb_data" in name]
    generated = {name: text for name, text in files.items() if "ap_types" not in name and "nnet_utils" not in name}
    assert not re.search(r"/(tmp|home|root|work)/", "".join(generated.values()))


def test_headers_that_nothing_includes_stay_out():
    files = emit(regold.tiny(), PART)
    kept = {name.rpartition("/")[2] for name in files if "nnet_utils" in name}
    assert {"nnet_dense.h", "fasttrig_argmax.h", "fasttrig_weights.h"} <= kept
    assert not {"nnet_recurrent.h", "nnet_garnet.h", "fasttrig_softmax.h"} & kept


@pytest.mark.parametrize("width", range(1, 25))
def test_weights_are_printed_exactly(width):
    """The decimals of the header, read as doubles, are the raw integers again; widths up to 24, all kinds of I."""
    for integer_bits in (-3, 1, width, width + 3):
        weight = FixedType(width, integer_bits)
        text = emit(dense_graph(weight, seed=width), PART)["firmware/weights/w2.h"]
        numbers = [float(word) for word in re.search(r"#endif\n(.*?)\};", text, re.DOTALL)[1].split(",")]
        op = dense_graph(weight, seed=width).op("fc")
        assert [number * 2.0**weight.fraction_bits for number in numbers] == op.weight.raw.ravel().tolist()


def test_a_weight_too_wide_for_a_double_is_refused():
    with pytest.raises(UnsupportedError, match="too wide for hls4ml") as error:
        emit(dense_graph(FixedType(60, 2)), PART)
    assert "m.h5 > layer 'fc' > 'w'" not in str(error.value)  # the constant's own name follows the op
    assert "layer 'fc'" in str(error.value)


def test_pitfall_05_the_accumulator_is_the_graphs_own():
    graph = regold.tiny()
    defines = emit(graph, PART)["firmware/defines.h"]
    for name in ("fc1", "fc2"):
        fixed_type = graph.op(name).accum_type
        assert f"typedef ap_fixed<{fixed_type.width},{fixed_type.integer_bits}> {name}_accum_t;" in defines


def test_pitfall_06_rounding_and_saturation_stand_in_the_type():
    assert "typedef ap_ufixed<4,1,AP_RND_CONV,AP_SAT,0> layer3_t;" in emit(regold.tiny(), PART)["firmware/defines.h"]


def test_pitfall_12_power_of_two_weights_are_ordinary_numbers():
    b = GraphBuilder("po2")
    x = b.input("x", (4,), FixedType(6, 2))
    w = Const("w", FixedType(8, 2), np.array([[1], [-2], [4], [-64]]))
    graph = b.graph(b.matmul("fc", x, w, Const("b", FixedType(1, 1), np.array([0]))))
    files = emit(graph, PART)
    assert "product = nnet::product::mult<" in files["firmware/parameters.h"]
    assert "0.015625, -0.031250, 0.062500, -1.000000" in files["firmware/weights/w2.h"]


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("overflow", Overflow)
def test_a_precision_survives_hls4ml(rounding, overflow):
    from hls4ml.backends import get_backend

    for fixed_type in (FixedType(6, 1), FixedType(7, -2, False), FixedType(5, 9)):
        precision = Precision(fixed_type, rounding, overflow)
        assert Precision.of_hls4ml(get_backend("Vitis").convert_precision_string(str(precision))) == precision


def test_names_that_clash_get_a_suffix():
    b = GraphBuilder("net")
    for name in ("x", "X", "w2", "layer4_out", "new", "weight", "input", "net"):
        b.input(name, (2,), FixedType(4, 2))
    names = list(layer_names(b.graph(b.ops[0].result)).values())
    assert len({name.lower() for name in names}) == len(names)
    assert names[:2] == ["x", "X_2"]
    assert not {"w2", "layer4_out", "new", "weight", "input", "net"} & set(names)


@pytest.mark.parametrize("name", ["main", "class", "two words", "a__b", "9net"])
def test_a_model_that_cannot_be_a_cpp_name_is_refused(name):
    with pytest.raises(UnsupportedError, match="not a valid"):
        emit(replace(regold.tiny(), name=name), PART)


def test_the_namespace_defaults_to_name_and_version():
    assert "namespace tiny_v1 {" in emit(regold.tiny(), PART)["firmware/tiny.cpp"]
    other = emit(regold.tiny(), TargetSettings(namespace="mine"))
    assert "namespace mine {" in other["firmware/defines.h"]
    assert "mine::input_t" in other["testbench/tb_config.h"]


def test_settings_of_one_op():
    own = {"fc1": LayerSettings(strategy="resource", reuse_factor=2)}
    parameters = emit(regold.tiny(), TargetSettings(layers=own))["firmware/parameters.h"]
    first, second = re.findall(r"struct config[24] .*?};", parameters, re.DOTALL)
    assert "strategy = nnet::resource" in first
    assert "reuse_factor = 2" in first
    assert "strategy = nnet::latency" in second
    assert "reuse_factor = 1" in second


def test_settings_of_an_unknown_op_are_refused():
    with pytest.raises(UnsupportedError, match="unknown op name") as error:
        emit(regold.tiny(), TargetSettings(layers={"fc3": LayerSettings()}))
    assert "did you mean 'fc" in str(error.value)


def test_a_reuse_factor_that_hls4ml_would_replace_is_refused_for_all_layers_at_once():
    with pytest.raises(RefusalError) as error:
        emit(regold.tiny(), TargetSettings(strategy="resource", reuse_factor=4))
    text = str(error.value)
    assert text.count("hls4ml has no layer with these settings") == 2
    assert "Valid ReuseFactor(s): 1,2,6." in text


@pytest.mark.parametrize("overflow", [Overflow.SAT, Overflow.SAT_SYM, Overflow.SAT_ZERO])
def test_a_saturating_accumulator_needs_the_latency_strategy(overflow):
    graph = accumulating(dense_graph(), FixedType(7, 3), overflow)
    with pytest.raises(UnsupportedError, match="depends on the order of the sum"):
        emit(graph, TargetSettings(strategy="resource"))
    wrapping = accumulating(dense_graph(), FixedType(7, 3), Overflow.WRAP)
    assert "ap_fixed<7,3> fc_accum_t" in emit(wrapping, TargetSettings(strategy="resource"))["firmware/defines.h"]


def test_distributed_arithmetic_is_refused():
    with pytest.raises(RefusalError, match="2 places"):
        emit(regold.tiny(), TargetSettings(strategy="distributed_arithmetic"))


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize(("backend", "main"), [("oneapi", "src/firmware/net.cpp"), ("catapult", "firmware/net.cpp")])
def test_the_other_backends_are_written(backend, main, io_type):
    target = TargetSettings(backend=backend, io_type=io_type, strategy="resource")
    files = emit(dense_graph(), target)
    assert files == emit(dense_graph(), target)
    folder = main.removesuffix("net.cpp")
    assert "nnet::dense" in files[main]
    assert "ac_fixed<7,3,true,AC_RND_CONV,AC_SAT" in files[f"{folder}defines.h"]
    accum = dense_graph().op("fc").accum_type
    assert f"ac_fixed<{accum.width},{accum.integer_bits},true> fc_accum_t" in files[f"{folder}defines.h"]
    assert f"{folder}weights/w2.h" in files
    assert "/tmp/" not in "".join(files[name] for name in files if "ac_" not in name)


@pytest.mark.parametrize("backend", ["oneapi", "catapult"])
def test_what_the_other_backends_would_change_is_refused(backend):
    with pytest.raises(UnsupportedError, match="one-bit types"):
        emit(dense_graph(FixedType(1, 1)), TargetSettings(backend=backend, strategy="resource"))
    with pytest.raises(UnsupportedError, match="no ArgMax for this backend"):
        emit(regold.tiny(), TargetSettings(backend=backend, strategy="resource"))


def test_oneapi_has_the_resource_strategy_alone():
    with pytest.raises(UnsupportedError, match="no layer with these settings") as error:
        emit(dense_graph(), TargetSettings(backend="oneapi"))
    assert "strategy resource" in str(error.value)


def test_tensors_that_hls4ml_cannot_hold_are_refused():
    b = GraphBuilder("net")
    x = b.input("x", (2, 2, 3), FixedType(4, 2))
    w = Const("w", FixedType(3, 1), np.ones((3, 1), dtype=np.int64))
    graph = b.graph(b.matmul("fc", x, w, Const("b", FixedType(1, 1), np.array([0]))))
    with pytest.raises(UnsupportedError, match="of this rank"):
        emit(graph, TargetSettings(io_type="io_stream"))
    assert "pointwise_conv_1d" in "".join(emit(graph, PART).values())  # in parallel its array is that of rows
    b = GraphBuilder("net")
    x = b.input("x", (2, 3), FixedType(4, 2))
    stacked = b.graph(b.concat("both", (x, x), axis=0))
    with pytest.raises(UnsupportedError, match="along this axis"):
        emit(stacked, TargetSettings(io_type="io_stream"))


def test_a_narrow_sum_that_rounds_away_whole_numbers_is_refused():
    """`ap_fixed` reads beyond the sign bit there; a cast alone is read from a wider copy instead."""
    graph = accumulating(dense_graph(), FixedType(8, 20), Overflow.WRAP)
    emit(graph, PART)  # truncation never looks at the bits
    ops = tuple(replace(op, accum_rounding=Rounding.RND) if isinstance(op, MatMul) else op for op in graph.ops)
    with pytest.raises(UnsupportedError, match="round away more bits") as error:
        emit(replace(graph, ops=ops), PART)
    assert "fixed<11,3> cast to fixed<8,20>" in str(error.value)
    b = GraphBuilder("net")
    x = b.input("x", (2,), FixedType(3, -4))
    cast = b.graph(b.cast("coarse", x, FixedType(4, 6), Rounding.RND, Overflow.SAT))
    assert [layer.name for layer in plan(cast, "io_parallel").layers] == ["x", "coarse_wide", "coarse"]


def test_a_stream_is_not_copied_more_often_than_hls4ml_can():
    b = GraphBuilder("net")
    x = b.input("x", (2,), FixedType(4, 2))
    graph = b.graph(*(b.relu(f"r{number}", x) for number in range(8)))
    with pytest.raises(UnsupportedError, match="cannot copy a stream"):
        emit(graph, TargetSettings(io_type="io_stream"))


def test_a_type_that_hls4ml_changes_is_refused(monkeypatch):
    """The check itself: a pass that meddles with a type is caught."""
    from hls4ml.model.layers import Activation
    from hls4ml.model.types import FixedPrecisionType

    original = Activation.initialize

    def meddling(self):
        original(self)
        self.get_output_variable().type.precision = FixedPrecisionType(16, 6)

    monkeypatch.setattr(Activation, "initialize", meddling)
    with pytest.raises(UnsupportedError, match="hls4ml changed the result type") as error:
        emit(regold.tiny(), PART)
    assert "ap_fixed<16,6,AP_TRN,AP_WRAP>" in str(error.value)


def test_fused_casts_have_no_tensor_of_their_own():
    graph = regold.tiny()
    layers = plan(graph, "io_parallel").layers
    assert [layer.kind for layer in layers][:4] == ["InputLayer", "Dense", "Activation", "Dense"]
    assert [value.name for value in materialised(graph, PART)] == ["fc1", "act1", "fc2", "best"]


def test_a_layer_may_be_called_like_an_attribute_of_its_own():
    """hls4ml keeps a layer's output among its attributes, under the layer's name."""
    words = own_attributes()
    assert {"k", "sources", "reduction", "n_rest", "groups"} <= words
    for word in sorted(words):
        b = GraphBuilder("net")
        x = b.input("x", (4,), FixedType(4, 2))
        best = b.top_k(f"{word}_", x, 2)
        outputs = [b.gather_by("taken", x, best), b.reduce(word, x, 0, Reduction.SUM)]
        assert emit(b.graph(*outputs, best), PART)
    b = GraphBuilder("net")
    x = b.input("x", (4,), FixedType(4, 2))
    outputs = [b.top_k("k", x, 2), b.gather("sources", x, 0, [1, -1]), b.reduce("n_inner", x, 0, Reduction.MAX)]
    assert emit(b.graph(*outputs), PART)
