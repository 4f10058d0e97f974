"""The public function takes any plain description, and says what it cannot take."""

import subprocess
import sys

import pytest

import fasttrig
from fasttrig.base.errors import InputError
from fasttrig.estimate.layer_costs import closest_reuse_factor, read_layers
from fasttrig.estimate.records import load_records

QUANTITIES = ("lut", "ff", "dsp", "bram18", "uram", "latency_cycles", "ii_cycles")
LAYERS = {
    "dense": {"kind": "dense", "n_in": 16, "n_out": 64, "weight_t": "ap_fixed<8,1>", "n_nonzeros": 900},
    "conv1d": {"kind": "conv1d", "in_width": 16, "n_chan": 4, "n_filt": 8, "filt_width": 3, "out_width": 14},
    "conv2d": {
        "kind": "conv2d",
        "in_width": 28,
        "in_height": 28,
        "n_chan": 1,
        "n_filt": 4,
        "filt_width": 3,
        "filt_height": 3,
        "out_width": 26,
        "out_height": 26,
    },
    "pooling1d": {"kind": "pooling1d", "n_in": 16, "n_filt": 10},
    "pooling2d": {
        "kind": "pooling2d",
        "in_width": 26,
        "in_height": 26,
        "n_chan": "n_filt",
        "n_filt": 4,
        "filt_width": "pool_width",
        "out_width": 13,
        "out_height": 13,
    },
    "batchnorm": {"kind": "batchnorm", "n_in": 64, "n_filt": -1},
    "activ": {"kind": "activ", "n_in": 5, "table_size": 1024},
    "gru": {"kind": "gru", "n_in": 6, "n_out": 20, "n_sequence": 20},
    "lstm": {"kind": "lstm", "n_in": 6, "n_out": 20, "n_sequence": 20},
    "padding2d": {"kind": "padding2d", "in_width": 8, "in_height": 8, "n_chan": 3, "out_width": 10, "out_height": 10},
    "forest": {"kind": "forest", "n_trees": 100, "depth": 3, "classes": 1, "bits": 18},
    "vhdl": {"kind": "forest", "n_trees": 100, "depth": 3, "library": "vhdl"},
}


@pytest.mark.parametrize("stage", ["csynth", "synth"])
@pytest.mark.parametrize("strategy", ["latency", "resource", "distributed_arithmetic"])
@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_has_numbers_inside_their_intervals(kind, strategy, stage):
    found = fasttrig.estimate([LAYERS[kind]], strategy=strategy, reuse_factor=4, stage=stage).to_dict()
    for name in QUANTITIES:
        assert 0 <= found[name]["low"] <= found[name]["value"] <= found[name]["high"], name
    assert found["ii_cycles"]["value"] >= 1
    if kind in ("dense", "conv1d", "conv2d", "gru", "lstm", "forest"):
        assert found["lut"]["value"] > 0
        assert found["lut"]["low"] < found["lut"]["high"]


@pytest.mark.parametrize("kind", sorted({layer["kind"] for layer in LAYERS.values()}))
def test_a_bare_kind_does_not_crash(kind):
    assert fasttrig.estimate(layers=[{"kind": kind}]).lut.high >= 0


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("QConv2D", "conv2d"),
        ("max_pooling1d", "pooling"),
        ("LeakyReLU", "activation"),
        ("Dense", "dense"),
        ("GlobalAveragePooling1D", "pooling"),
        ("BDT", "forest"),
        ("QBatchNormalization", "batchnorm"),
    ],
)
def test_kinds_are_read_as_frameworks_spell_them(said, kind):
    assert read_layers([{"kind": said, "n_in": 4, "n_out": 4}])[0].kind == kind


@pytest.mark.parametrize(
    ("said", "strategy"),
    [
        ("Resource", "resource"),
        ("latency/resource", "latency"),
        ("Distributed Arithmetic", "distributed_arithmetic"),
        ("DA", "distributed_arithmetic"),
        (None, "latency"),
        ("none", "latency"),
    ],
)
def test_strategies_are_read_as_reports_spell_them(said, strategy):
    layer = {"kind": "dense", "n_in": 4, "n_out": 4, "strategy": said, "somebody's": {"own": 1}}
    assert read_layers([layer])[0].strategy == strategy


@pytest.mark.parametrize(
    ("tool", "stage"),
    [
        ("Vivado v.2020.1", "synth"),
        ("Vivado HLS (repo installs 2020.1), hls4ml", "csynth"),
        (None, "csynth"),
        ("Vivado 2019.1 (HLS + impl), hls4ml", "synth"),
        ("Vitis HLS 2024.1", "csynth"),
        ("HLS 2019.1", "csynth"),
    ],
)
def test_the_tool_says_which_report_is_meant(tool, stage):
    """A report of Vivado is one of logic synthesis, half as many LUTs as the HLS report."""
    assert fasttrig.estimate([LAYERS["dense"]], tool=tool).stage == stage


def test_a_forest_without_a_tool_is_estimated_as_hardware():
    """conifer's HLS report is 25 times its LUTs after implementation."""
    assert fasttrig.estimate([LAYERS["forest"]]).stage == "synth"
    assert fasttrig.estimate([LAYERS["forest"]], tool="Vivado HLS 2019.1").stage == "csynth"
    assert fasttrig.estimate([LAYERS["forest"]], stage="post_route").stage == "synth"


def test_padding_as_a_layer_means_a_stream():
    """hls4ml writes padding as a layer of its own in io_stream only."""
    conv = LAYERS["conv1d"]
    padding = {"kind": "padding1d", "in_width": 14, "n_chan": 4, "out_width": 16}
    said = fasttrig.estimate([padding, conv], io_type="io_stream")
    assert fasttrig.estimate([padding, conv]).to_dict() == said.to_dict()


def test_a_separable_convolution_has_one_weight_per_channel_and_place():
    """Its depthwise half is listed with a full matrix: read so, it would be 32 times too large."""
    places = {"in_width": 30, "out_width": 28, "in_height": 1, "out_height": 1}
    depthwise = {"kind": "conv1d", "n_chan": 32, "n_filt": 32, "filt_width": 3, **places}
    pointwise = {"kind": "conv1d", "n_chan": 32, "n_filt": 64, "filt_width": 1, **places, "in_width": 28}
    half = read_layers([depthwise, pointwise])[0].matrices[0]
    assert (half.size, half.n_nonzeros) == (96, pytest.approx(96, rel=0.01))
    whole = read_layers([depthwise, {"kind": "relu", "n_in": 28 * 32}, pointwise])[0].matrices[0]
    assert whole.size == 96 * 32


def test_saturating_accumulators_cost_luts():
    """AP_SAT puts a comparison and a multiplexer behind every product (Berk-Bilgin/ML-fpga: four times the LUTs)."""
    plain, saturating = (
        fasttrig.estimate([LAYERS["dense"] | {"accum_t": f"ap_fixed<24,16{modes}>"}])
        for modes in ("", ",AP_RND,AP_SAT")
    )
    assert saturating.lut.value > 2 * plain.lut.value


def test_every_record_of_the_table_goes_through_the_public_function():
    """Spelling of parts, tools, strategies and layers is that of the reports."""
    for record in load_records():
        found = fasttrig.estimate(
            layers=record["layers"],
            part=record["part"],
            tool=record["tool"],
            clock_period_ns=record["clock_period_ns"],
            strategy=record["strategy"],
            reuse_factor=record["reuse_factor"],
            input_t=record["input_t"],
        )
        assert found.ii_cycles.value >= 1


def test_the_resource_rules_of_one_dense_layer_are_exact():
    """Latency is the reuse factor and two, II is the reuse factor, DSPs are the multipliers that share it."""
    found = fasttrig.estimate(
        [{"kind": "dense", "n_in": 128, "n_out": 96, "weight_t": "ap_fixed<8,1>"}],
        strategy="Resource",
        reuse_factor=1024,
        tool="Vivado HLS 2020.1",
    )
    assert (found.latency_cycles.value, found.ii_cycles.value, found.dsp.value) == (1026, 1024, 12)


def test_the_reuse_factor_is_the_one_hls4ml_takes():
    """hls4ml turns 1024 into 960 and 832 for these sizes; published latencies are the sums of those."""
    assert [closest_reuse_factor(80, 24, 1024), closest_reuse_factor(24, 120, 1024)] == [960, 960]
    assert closest_reuse_factor(104, 64, 1024) == 832


def test_the_matrices_listed_before_a_gru_are_its_own():
    """hls4ml lists two dense configurations and two activations for each recurrent layer: counted once."""
    layers = [
        {"kind": "dense", "n_in": 6, "n_out": 60},
        {"kind": "dense", "n_in": 20, "n_out": 60, "reuse_factor": 20},
        {"kind": "activ", "n_in": 40},
        {"kind": "activ", "n_in": 20},
        {"kind": "gru", "n_in": 6, "n_out": 20, "n_sequence": 20},
        {"kind": "dense", "n_in": 20, "n_out": 64},
    ]
    read = read_layers(layers, strategy="resource")
    assert [layer.kind for layer in read] == ["gru", "dense"]
    assert [matrix.reuse_factor for matrix in read[0].matrices] == [1, 20]


def test_logic_synthesis_is_below_the_hls_report():
    layers = [LAYERS["dense"], {"kind": "activ", "n_in": 64}, {"kind": "dense", "n_in": 64, "n_out": 5}]
    assert fasttrig.estimate(layers, stage="synth").lut.value < fasttrig.estimate(layers).lut.value


def test_outside_the_calibrated_domain_the_interval_widens_and_says_why():
    layers = [LAYERS["dense"], {"kind": "dense", "n_in": 64, "n_out": 5}]
    inside, outside = (fasttrig.estimate(layers, clock_period_ns=clock) for clock in (2.5, 1.0))
    assert any("clock period 1 ns" in note for note in outside.notes)
    assert outside.lut.high / outside.lut.value > inside.lut.high / inside.lut.value


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layers": [{"kind": "denze"}]}, "did you mean 'dense'"),
        ({"layers": []}, "has no layers"),
        ({"layers": [{"kind": "dense", "weight_t": "ap_fixed<a,b>"}]}, "fixed-point type"),
        ({"layers": [{"kind": "dense"}], "strategy": "fast"}, "no such strategy"),
        ({"layers": [{"kind": "dense"}], "stage": "silicon"}, "no such stage"),
        ({"layers": [{"kind": "dense"}], "clock_period_ns": -1.0}, "must be positive"),
        ({"layers": [{"kind": "dense"}], "clock_period_ns": float("nan")}, "must be positive"),
        ({"layers": [{"kind": "dense"}], "io_type": "io_serial"}, "no such io_type"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(InputError) as caught:
        fasttrig.estimate(**arguments)
    assert words in str(caught.value)


def test_an_unknown_part_gives_numbers_without_shares():
    found = fasttrig.estimate([LAYERS["dense"]], part="xcvp1802")
    assert found.shares == {}
    assert any("not in the table" in note for note in found.notes)


def test_an_estimate_loads_no_framework():
    """It must answer in under a second: neither TensorFlow nor the libraries of the fit may load."""
    heavy = ("tensorflow", "sklearn", "scipy", "pandas", "pyarrow")
    code = (
        "import fasttrig, sys; fasttrig.estimate([{'kind': 'dense', 'n_in': 4, 'n_out': 4}]);"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
