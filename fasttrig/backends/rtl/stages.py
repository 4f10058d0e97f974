"""Which pipeline stage each op of the graph ends in: for reports and drawings, not for the hardware."""

from __future__ import annotations

from collections.abc import Mapping

from alkaid.trace import trace

from fasttrig.backends.rtl.pipelining import Pipeline, earliest_stages
from fasttrig.backends.rtl.tracing import Numbers
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value


def op_stages(graph: Graph, made: Mapping[Value, Numbers], pipeline: Pipeline) -> dict[str, int]:
    """Op name -> the stage, from 1, behind which the whole result can stand at the earliest.

    The steps of all values are scheduled as the pipeline's own, before alkaid simplifies them across ops; the pipeline
    may place a step later to save registers.
    """
    inputs = [number for op in graph.inputs for number in made[op.result].ravel()]
    values = [op.result for op in graph.ops if op.result in made and op.result.size]
    numbers = [number for value in values for number in made[value].ravel()]
    found = earliest_stages(trace(inputs, numbers, optimize=False), pipeline.budget_ns)
    stages: dict[str, int] = {}
    for value in values:
        mine, found = found[: value.size], found[value.size :]
        stages[value.name] = min(len(pipeline.stages), 1 + max(mine))
    return stages | {op.name: 0 for op in graph.inputs}
