"""The pipeline of every design, written in one place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Scan
from fasttrig.passes.apply_types import ApplyTypes, TypeChoice
from fasttrig.passes.base import Pass, run_pipeline
from fasttrig.passes.fold_constant_trees import FoldConstantTrees
from fasttrig.passes.merge_casts import MergeCasts
from fasttrig.passes.merge_thresholds import MergeThresholds
from fasttrig.passes.narrow_types import NarrowTypes
from fasttrig.passes.prune_trees import PruneTrees
from fasttrig.passes.remove_dead_ops import RemoveDeadOps
from fasttrig.passes.remove_identity_casts import RemoveIdentityCasts
from fasttrig.passes.unroll_scans import UnrollScans

DEFAULT: tuple[Pass, ...] = (
    RemoveDeadOps(),
    MergeThresholds(),
    PruneTrees(),
    FoldConstantTrees(),
    NarrowTypes(),
    MergeCasts(),
    RemoveIdentityCasts(),
    RemoveDeadOps(),
)
"""Passes for every design: no output integer changes."""


def compile_graph(graph: Graph, types: Mapping[str, TypeChoice] | None = None) -> Graph:
    """`graph` with the user's types, then the default passes; verified after each.

    Raises
    ------
    InputError
        If `types` names no op, or asks for what an op cannot have.
    """
    chosen: tuple[Pass, ...] = (ApplyTypes(types),) if types else ()
    return run_pipeline(graph, (*chosen, *DEFAULT))


AFTER_UNROLLING: tuple[Pass, ...] = (
    RemoveDeadOps(),
    NarrowTypes(keep_outputs=True),
    MergeCasts(),
    RemoveIdentityCasts(),
    RemoveDeadOps(),
)
"""Passes after unroll-scans: inputs and outputs keep their names and types."""


@lru_cache(maxsize=16)
def without_loops(graph: Graph, kept: frozenset[str] = frozenset()) -> Graph:
    """`graph` in plain ops but for the loops `kept`: the same integers under the same names at inputs and outputs."""
    return run_pipeline(graph, (UnrollScans(kept), *AFTER_UNROLLING)) if graph.ops_of(Scan) else graph
