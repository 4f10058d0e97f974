"""Kinds of designs that were far off on reports which the table does not hold: what the model counts for each."""

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import InputError
from fasttrig.estimate.outside import MOST_INPUTS
from fasttrig.estimate.records import load_records


def dense(n_in, n_out, **said):
    return {"kind": "dense", "n_in": n_in, "n_out": n_out, "n_zeros": 0, "weight_t": "ap_fixed<8,1>"} | said


def relu(n_values):
    return {"kind": "relu", "n_in": n_values}


MLP = [dense(16, 64), relu(64), dense(64, 32), relu(32), dense(32, 5)]


def width(number):
    return (number.high + 1) / (number.low + 1)


# --- a first layer of several hundred inputs -------------------------------------------------------------------------
def test_a_first_layer_wider_than_any_report_allows_for_one_cycle_per_input():
    """Breaks when 784 inputs get a latency of a few cycles as if a report had shown it (8 times too few were found)."""
    found = fasttrig.estimate([dense(784, 32), relu(32), dense(32, 10)])
    assert found.latency_cycles.high >= found.latency_cycles.value + 784
    assert any("first dense layer of 784 inputs" in note for note in found.notes)
    assert not any("first dense layer" in note for note in fasttrig.estimate(MLP).notes)


def test_the_widest_first_layer_is_that_of_the_table():
    """Breaks when a report with more inputs enters the table and the model still calls its width unknown."""
    firsts = [record["layers"][0] for record in load_records() if record["layers"][0]["kind"] == "dense"]
    absorbed = [
        record["layers"] for record in load_records() if {"gru", "lstm"} & {x["kind"] for x in record["layers"]}
    ]
    inputs = [layer["n_in"] for layer in firsts if not any(layer in layers for layers in absorbed)]
    assert max(inputs) == MOST_INPUTS


# --- average pooling -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tool", ["Vivado HLS 2020.1", "Vitis HLS 2024.1"])
def test_a_streaming_average_over_all_positions_adds_one_value_per_channel(tool):
    """One word arrives at a time: 64 adders of 16 bits and the product by 1/64, no divider (26 times too many LUTs)."""
    pool = {"kind": "GlobalAveragePooling2D", "in_width": 8, "in_height": 8, "n_filt": 64}
    found = fasttrig.estimate([pool], io_type="io_stream", tool=tool)
    assert found.lut.value < 64 * 40
    assert any("average pooling in io_stream" in note for note in found.notes)


def test_a_divider_is_kept_where_reports_show_it():
    """Vivado HLS in io_parallel, windows that padding can cut: 89,529 LUT for 180 results (hls4ml's synthesis test)."""
    pool = {"kind": "pooling1d", "pool_op": "Average", "n_in": 121, "n_filt": 3, "out_width": 60, "pool_width": 2}
    found = fasttrig.estimate([pool], io_type="io_parallel", tool="Vivado HLS 2020.1")
    assert found.lut.low <= 89_529 <= found.lut.high
    assert fasttrig.estimate([pool], io_type="io_parallel").lut.value < 10_000  # Vitis HLS: 4,178


def test_the_rest_of_an_average_over_an_odd_window_costs_a_product():
    pools = [{"kind": "GlobalAveragePooling1D", "n_in": n, "n_filt": 10} for n in (16, 17)]
    even, odd = (fasttrig.estimate([pool]).lut.value for pool in pools)
    assert odd - even > 10 * 30


# --- dense layers in a stream ----------------------------------------------------------------------------------------
def test_dense_layers_in_a_stream_read_compute_and_write_in_turn():
    """Breaks when io_stream costs no more cycles than io_parallel (4 were estimated for 16)."""
    stream, parallel = (fasttrig.estimate(MLP, io_type=io).latency_cycles for io in ("io_stream", "io_parallel"))
    assert stream.value >= 2 * parallel.value


def test_one_dense_layer_in_a_stream_is_no_single_layer_of_the_scan():
    """The scan of single layers is io_parallel: its exact latencies say nothing about a stream."""
    found = fasttrig.estimate([dense(16, 64)], io_type="io_stream")
    assert found.calibration["regime"] == "stream_latency"
    assert width(found.latency_cycles) > 1.2


def test_a_streaming_convolution_takes_its_turns_and_two_states_per_pixel():
    """pominiq/DNNonSilicon, MNIST, reuse factor 16: 10,195 cycles for 784 pixels."""
    record = next(r for r in load_records() if r["source"].startswith("github pominiq") and r.get("ii_cycles") == 10195)
    found = fasttrig.estimate(
        record["layers"],
        part=record["part"],
        tool=record["tool"],
        clock_period_ns=record["clock_period_ns"],
        strategy=record["strategy"],
        reuse_factor=record["reuse_factor"],
        input_t=record["input_t"],
        stage="csynth",
    )
    assert found.ii_cycles.value == pytest.approx(10195, rel=0.01)


# --- deep sets -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("repository", ["Brainz22/L1JetTagger", "CMS-L1T-Jet-Tagging/TrainTagger"])
def test_deep_sets_have_the_luts_and_cycles_of_their_reports(repository):
    """Breaks when dense layers on every element of a set get the LUTs of one dense layer per element: half of them."""
    record = next(r for r in load_records() if repository in r["source"] and r["stage"] == "csynth")
    found = fasttrig.estimate(
        record["layers"],
        part=record["part"],
        tool=record["tool"],
        clock_period_ns=record["clock_period_ns"],
        strategy=record["strategy"],
        reuse_factor=record["reuse_factor"],
        input_t=record["input_t"],
        io_type="io_parallel",
    )
    assert found.lut.value > 0.7 * record["lut"]
    assert found.latency_cycles.value > 0.7 * record["latency_cycles"]


def test_a_set_costs_more_than_its_elements_alone():
    element = {"kind": "conv1d", "filt_width": 1, "n_chan": 16, "n_filt": 16, "n_zeros": 0, "weight_t": "ap_fixed<8,1>"}
    one, ten = (fasttrig.estimate([element | {"in_width": n, "out_width": n}]).lut.value for n in (1, 10))
    assert ten > 11 * one


# --- zero weights ----------------------------------------------------------------------------------------------------
def test_a_pruned_layer_without_its_zeros_is_refused():
    """Breaks when a pruned network is estimated as a full one (1000 times too many LUTs)."""
    with pytest.raises(InputError, match="pruned layer needs its number of zero weights") as caught:
        fasttrig.estimate([dense(64, 32, n_zeros=None, pruned=True)])
    assert "sparsity" in str(caught.value)


@pytest.mark.parametrize("said", [{"n_zeros": 2040}, {"n_nonzeros": 8}, {"sparsity": 2040 / 2048}])
def test_zeros_are_counted_however_they_are_said(said):
    full = fasttrig.estimate([dense(64, 32)]).lut.value
    pruned = fasttrig.estimate([dense(64, 32, n_zeros=None, pruned=True) | said]).lut.value
    assert pruned < full / 20


def test_zeros_are_counted_from_the_weights():
    """Weights that round to zero in their type are zeros; the products are those of the raw weights."""
    rng = np.random.default_rng(5)
    weights = rng.uniform(-0.5, 0.5, (64, 32)) * (rng.uniform(size=(64, 32)) < 0.01)
    weights[0, 0] = 2.0**-9  # rounds to zero in ap_fixed<8,1>
    n_nonzeros = np.count_nonzero(np.floor(weights * 128 + 0.5))
    by_weights = fasttrig.estimate([dense(64, 32, n_zeros=None, weights=weights.tolist())])
    by_count = fasttrig.estimate([dense(64, 32, n_zeros=None, n_nonzeros=int(n_nonzeros))])
    assert by_weights.lut.value == pytest.approx(by_count.lut.value, rel=0.3)
    assert by_weights.lut.value < fasttrig.estimate([dense(64, 32)]).lut.value / 20


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"n_zeros": 2000, "n_nonzeros": 500}, "exceed the number of weights"),
        ({"n_zeros": 2049}, "exceed the number of weights"),
        ({"sparsity": 75}, "sparsity must be between 0 and 1"),
        ({"weights": [[1.0, 2.0]]}, "do not fit the layer"),
        ({"weights": [[float("nan")] * 32] * 64}, "not finite"),
        ({"weights": "w2"}, "not numbers"),
        ({"weights": [[1.0], [2.0, 3.0]]}, "not numbers"),
    ],
)
def test_contradictory_counts_of_zeros_are_refused(said, words):
    with pytest.raises(InputError, match=words):
        fasttrig.estimate([dense(64, 32, n_zeros=None) | said])


def test_the_counts_of_a_recurrent_layer_may_be_of_both_matrices():
    """Breaks when a GRU whose zeros are those of its kernel and its recurrent kernel is refused."""
    gru = {"kind": "gru", "n_in": 3, "n_out": 32, "n_sequence": 10}
    assert fasttrig.estimate([gru | {"n_zeros": 500}]).lut.value < fasttrig.estimate([gru | {"n_zeros": 0}]).lut.value
    with pytest.raises(InputError, match="two weight matrices"):
        fasttrig.estimate([gru | {"weights": [[0.0]]}])


def test_weights_that_nobody_counted_are_mentioned():
    assert any("zero weights" in note for note in fasttrig.estimate([dense(64, 32, n_zeros=None)]).notes)
    assert not any("zero weights" in note for note in fasttrig.estimate([dense(64, 32)]).notes)


# --- distance --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        {"io_type": "io_stream"},  # another io_type
        {"reuse_factor": 64},
        {"layers": [{"kind": "lstm", "n_in": 6, "n_out": 20, "n_sequence": 20}, *MLP[2:]]},  # another kind of layer
        {"layers": [dense(16, 4096), relu(4096), dense(4096, 512), relu(512), dense(512, 5)]},  # larger
    ],
    ids=["io_type", "reuse_factor", "kind", "size"],
)
def test_intervals_widen_with_the_distance_to_the_table(said):
    """Breaks when a design unlike every report gets the interval of one that is in the table."""
    arguments = {"layers": [dense(16, 64), relu(64), dense(64, 32), relu(32), dense(32, 32), relu(32), dense(32, 5)]}
    near, far = fasttrig.estimate(**arguments), fasttrig.estimate(**(arguments | said))
    assert near.calibration["distance"] < 0.5
    assert far.calibration["distance"] > near.calibration["distance"] + 0.3


def test_the_width_of_an_interval_follows_its_distance():
    layers = [dense(16, 64), relu(64), dense(64, 32), relu(32), dense(32, 5)]
    near, far = (fasttrig.estimate([*layers[:-1], dense(32, n)]) for n in (5, 20_000))
    assert far.calibration["regime"] == near.calibration["regime"]
    assert far.calibration["distance"] > near.calibration["distance"]
    assert width(far.lut) > width(near.lut)


def test_forests_have_a_distance_too():
    forests = [{"kind": "forest", "n_trees": n, "depth": 3, "bits": 18} for n in (100, 100_000)]
    near, far = (fasttrig.estimate([forest]).calibration["distance"] for forest in forests)
    assert far > near + 1
