"""Errors lead on: what to run or to name instead; equal alternatives say why they are equal."""

import pytest

import fasttrig as package
from fasttrig.base.errors import RefusalError
from tests.commandline import fasttrig


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("compare", "jet_mlp", "jet_bdt"), "fasttrig build jet_mlp"),
        (("build", "jet_bdt", "--target", "vivado"), "--backend vivado"),
        (("build", "jet_bdt", "--target", "rtll"), "did you mean 'rtl'"),
        (("emulate", "jet_bdt", ".", "-o", "o.parquet"), "*.csv'"),
    ],
)
def test_a_mistake_leads_to_what_was_meant(tmp_path, line, told):
    (tmp_path / "a.csv").write_text("a\n1\n")
    done = fasttrig(*line, cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr, done.stderr


def test_a_float_network_is_refused_at_once_with_all_places(tmp_path):
    """Not first for its input type, which would not help."""
    assert fasttrig("init", "tt", cwd=tmp_path).returncode == 0
    with pytest.raises(RefusalError) as told:
        package.read(tmp_path / "tt" / "tt_float.h5")
    assert len(told.value.refusals) > 1 and "QDense" in str(told.value)


def test_equal_alternatives_say_why():
    done = fasttrig("estimate", "jet_bdt", "--what-if", "reuse_factor=1|2|4")
    assert done.returncode == 0 and "reuse_factor changes nothing in a forest" in done.stdout


def test_a_trace_names_the_features_and_says_their_unit():
    done = fasttrig("trace", "jet_bdt", "--event", "0", "--full", "--no-csim", "--no-float")
    assert done.returncode == 0 and "zlogz" in done.stdout and "not in their own units" in done.stdout, done.stderr


def test_an_onnx_network_is_pointed_to_its_own_file(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "net", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph), tmp_path / "net.onnx")
    done = fasttrig("estimate", "net.onnx", cwd=tmp_path)
    assert done.returncode == 2 and "for a network, pass its QKeras model (.h5, .keras)" in done.stderr, done.stderr
