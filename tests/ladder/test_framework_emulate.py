"""QKeras in its own framework, the emulator and the C-simulation, in raw integers, on random networks.

``FASTTRIG_NETWORKS`` sets how many are emulated, ``FASTTRIG_CSIM`` how many of them are compiled too: every compile
takes seconds, so the day's number is small and `make nightly` compiles all 200.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrig.backends.hls4ml import emit
from fasttrig.base.errors import MissingPackageError
from fasttrig.base.fixed import FixedType, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Cast
from fasttrig.passes.pipeline import compile_graph
from fasttrig.reference.keras_runtime import import_framework
from fasttrig.reference.qkeras_run import first_difference, framework_raw, framework_trace, input_values
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.csim_trace import first_difference as first_in_csim
from tests.ladder.networks import random_network

try:
    keras, qkeras = import_framework()
except MissingPackageError as error:
    pytest.skip(str(error), allow_module_level=True)

N_NETWORKS = int(os.environ.get("FASTTRIG_NETWORKS", "200"))
N_COMPILED = int(os.environ.get("FASTTRIG_CSIM", "10"))
N_EVENTS = 400


def raw_inputs(graph: Graph, seed: int) -> np.ndarray:
    """Raw integers of the whole range, both ends and zero among them."""
    kind, shape = graph.inputs[0].result.type, graph.inputs[0].result.shape
    raw = np.random.default_rng(seed).integers(kind.min_raw, kind.max_raw, (N_EVENTS, *shape), endpoint=True)
    raw[0], raw[1], raw[2] = kind.min_raw, kind.max_raw, 0
    return raw


def climb(model, input_type: FixedType, seed: int) -> Graph:
    """Read, run both sides, compare every output integer of every event."""
    graph = read_qkeras(model, input_type=input_type)
    raw = raw_inputs(graph, seed)
    emulated = evaluate(graph, raw, keep=[op.name for op in graph.ops])
    found = framework_raw(graph, model, raw)
    for name, want in found.items():
        if np.array_equal(emulated.outputs[name], want):
            continue
        trace = framework_trace(model, input_values(graph, raw))
        pytest.fail(f"seed {seed}: {first_difference(graph, trace, emulated.trace)}\n{graph}")
    return graph


@pytest.fixture(autouse=True)
def _fresh_session():
    keras.backend.clear_session()


@pytest.mark.parametrize("seed", range(N_NETWORKS))
def test_random_networks_agree(seed: int) -> None:
    model, input_type = random_network(seed)
    climb(model, input_type, seed)


@pytest.mark.parametrize("seed", range(N_COMPILED))
def test_random_networks_agree_in_the_csim(seed: int, tmp_path) -> None:
    """Framework = emulate = csim on one network, after the passes that every design runs."""
    model, input_type = random_network(seed)
    graph = compile_graph(climb(model, input_type, seed))
    raw = raw_inputs(graph, seed)
    for name, text in emit(graph, TargetSettings()).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    simulated = csim(tmp_path, [raw]).outputs
    for name, want in evaluate(graph, raw).outputs.items():
        assert np.array_equal(simulated[name], want), f"seed {seed}: {first_in_csim(graph, TargetSettings(), raw)}"


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(10_000, 2**31))
def test_drawn_networks_agree(seed: int) -> None:
    model, input_type = random_network(seed)
    climb(model, input_type, seed)


@pytest.mark.parametrize("ending", ["h5", "keras"])
@pytest.mark.parametrize("seed", [3, 11, 19])
def test_random_networks_agree_through_files(seed: int, ending: str, tmp_path) -> None:
    model, input_type = random_network(seed)
    path = tmp_path / f"net.{ending}"
    model.save(path)
    graph = climb(path, input_type, seed)
    live = read_qkeras(model, input_type=input_type, name="net")
    assert [type(op) for op in graph.ops] == [type(op) for op in live.ops]
    assert graph.constants == live.constants


def test_the_comparison_notices_another_rounding() -> None:
    """The rung can fail: truncating casts change the outputs of most networks, and the layer is named."""
    noticed = 0
    for seed in range(4):
        keras.backend.clear_session()
        model, input_type = random_network(seed)
        graph = read_qkeras(model, input_type=input_type)
        wrong = rewrite(graph, lambda op: replace(op, rounding=Rounding.TRN) if isinstance(op, Cast) else op)
        raw = raw_inputs(graph, seed)
        emulated = evaluate(wrong, raw, keep=[op.name for op in wrong.ops])
        if first_difference(wrong, framework_trace(model, input_values(graph, raw)), emulated.trace) is not None:
            noticed += 1
    assert noticed >= 2


def test_the_sample_of_networks_reaches_its_corners() -> None:
    """Saturation, per-channel shifts, two-step activations: all happen among the first networks."""
    kinds: set[str] = set()
    saturated = shifted = 0
    for seed in range(12):
        keras.backend.clear_session()
        model, input_type = random_network(seed)
        graph = read_qkeras(model, input_type=input_type)
        kinds |= {type(op).__name__ for op in graph.ops}
        saturated += sum(evaluate(graph, raw_inputs(graph, seed)).overflows.values())
        shifted += sum("auto_po2" in str(layer.get_config().get("kernel_quantizer")) for layer in model.layers)
    assert {"Input", "MatMul", "Cast", "Scale", "Relu", "Add", "Concat"} <= kinds
    assert saturated > 1000 and shifted > 3
