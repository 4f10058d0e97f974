"""Which pipeline stage each op of the graph ends in: for reports and drawings, not for the hardware."""

from __future__ import annotations

from fasttrig.backends.rtl.origins import Traced
from fasttrig.backends.rtl.pipelining import Pipeline, earliest_stages
from fasttrig.ir.graph import Graph


def op_stages(graph: Graph, traced: Traced, pipeline: Pipeline) -> dict[str, int]:
    """Op name -> the stage, from 1, after which the whole result can stand at the earliest.

    The steps of all values are scheduled as the pipeline's own, before alkaid simplifies them across ops; the pipeline
    may place a step later to save registers.
    """
    found = earliest_stages(traced.every_element, pipeline.budget_ns)
    stages: dict[str, int] = {}
    for op in graph.ops:
        mine, found = found[: op.result.size], found[op.result.size :]
        if mine:
            stages[op.name] = min(pipeline.n_stages, 1 + max(mine))
    return stages | {op.name: 0 for op in graph.inputs}
