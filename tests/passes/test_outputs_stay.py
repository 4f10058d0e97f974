"""No pass but apply-types may change an output integer: on random graphs, before and after, every output equal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.passes.base import Pass, run_pipeline
from fasttrig.passes.merge_casts import MergeCasts
from fasttrig.passes.narrow_types import NarrowTypes
from fasttrig.passes.pipeline import AFTER_UNROLLING, DEFAULT
from fasttrig.passes.remove_dead_ops import RemoveDeadOps
from fasttrig.passes.remove_identity_casts import RemoveIdentityCasts
from fasttrig.passes.unroll_scans import UnrollScans
from tests.strategies import graphs, raw_inputs

PIPELINES: dict[str, tuple[Pass, ...]] = {
    "narrow-types": (NarrowTypes(),),
    "remove-dead-ops": (RemoveDeadOps(),),
    "merge-casts": (MergeCasts(),),
    "remove-identity-casts": (RemoveIdentityCasts(),),
    "default": DEFAULT,
    "unroll-scans": (UnrollScans(),),
    "after unrolling": (UnrollScans(), *AFTER_UNROLLING),
}


@pytest.mark.parametrize("name", PIPELINES)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_outputs_stay(name: str, data: st.DataObject) -> None:
    before = data.draw(graphs(max_ops=8))
    inputs = data.draw(raw_inputs(before, max_events=6))
    after = run_pipeline(before, PIPELINES[name])
    assert [(v.name, v.shape, v.type.fraction_bits) for v in after.outputs] == [
        (v.name, v.shape, v.type.fraction_bits) for v in before.outputs
    ]
    if "unroll" in name:
        assert after.outputs == before.outputs
    old, new = evaluate(before, inputs), evaluate(after, inputs)
    for output, raw in old.outputs.items():
        assert np.array_equal(raw, new.outputs[output]), output
    kept = {op.name for op in after.ops}
    if name == "unroll-scans":  # each op of a body is several
        assert sum(old.overflows.values()) == sum(new.overflows.values())
    elif name != "after unrolling":
        assert {op: count for op, count in old.overflows.items() if op in kept} == new.overflows
    assert parse_graph(print_graph(after)) == after


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_default_pipeline_is_a_fixed_point(data: st.DataObject) -> None:
    once = run_pipeline(data.draw(graphs(max_ops=8)), DEFAULT)
    assert run_pipeline(once, DEFAULT) == once
