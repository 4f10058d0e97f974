"""The signals of a design: who makes and who reads each, and its name.

Stages count from 1 in names; stage 0 is the input port. No two signals can be equal, whatever the ops are called:

NAME_3          element 3 of the tensor NAME, row by row, in the stage that makes it
NAME_3_plus     the same plus a constant of the op after it (a bias and a rounding constant are one addition)
sum3, bits3     another step of the op; outside its module it is NAME_sum3
NAME_3_r5       any of these as a register, in stage 5
NAME_s5         a bus: what other modules read of NAME in stage 5, elements first
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TypeAlias

from fasttrig.backends.rtl.origins import Traced
from fasttrig.backends.rtl.pipelining import Pipeline
from fasttrig.backends.rtl.steps import Signal, Steps
from fasttrig.base.fixed import FixedType
from fasttrig.base.names import identifier
from fasttrig.ir.graph import Graph

Use: TypeAlias = tuple[int, int]
"""A step and the stage, from 0, in which it is read."""

CORE = -1
"""Among the readers of a signal: the core, which gives the outputs."""

RESERVED = ("clk", "clk_en", "rst", "in_data", "out_data", "core", "axi_stream", "emp")
"""Ports of the core, and modules of a project that are no op."""


class Signals:
    """What stands on the wires between the steps of a program.

    Attributes
    ----------
    labels : tuple of str, one per op of the graph
        Its name as an identifier.
    live : tuple of int
        The steps that are signals: constants and numbers without bits are none.
    uses : dict of step to list of Use
        What a step reads.
    readers : dict of Use to set of int
        The ops, by their place in the graph, that read a signal in a stage.
    last : dict of step to int
        The last stage in which it is read.
    names : dict of step to str
        Its signal in the stage that makes it.
    """

    def __init__(self, graph: Graph, pipeline: Pipeline, origins: Traced) -> None:
        self.graph, self.pipeline = graph, pipeline
        self.steps = Steps(pipeline.program)
        self.owners, self.elements = origins.owners, origins.elements
        self.labels = _labels(graph)
        self.live = tuple(step for step in range(len(self.owners)) if self.steps.is_signal(step))
        self.uses = self._uses()
        self.readers = self._readers()
        self.last = self._last_uses()
        self.names = self._names()

    def _uses(self) -> dict[int, list[Use]]:
        """For each step: what it reads, and when."""
        stage_of, ops = self.pipeline.stage_of, self.pipeline.program.ops
        return {step: [(i, stage_of[step]) for i in ops[step].addr if self.steps.is_signal(i)] for step in self.live}

    def _final_uses(self) -> list[Use]:
        """What the outputs read."""
        out = self.pipeline.program.out_idxs
        return [(step, self.pipeline.n_stages) for step in out if self.steps.is_signal(step)]

    def _readers(self) -> dict[Use, set[int]]:
        """For each use: the places of the ops that have it; -1 for the core."""
        readers: dict[Use, set[int]] = defaultdict(set)
        for step, uses in self.uses.items():
            for use in uses:
                readers[use].add(self.owners[step])
        for use in self._final_uses():
            readers[use].add(CORE)
        return readers

    def _last_uses(self) -> dict[int, int]:
        """The last stage in which each step is read."""
        last: dict[int, int] = defaultdict(lambda: -1)
        for step, stage in self.readers:
            last[step] = max(last[step], stage)
        return last

    def _names(self) -> dict[int, str]:
        """The signal of each step in the stage that makes it."""
        labels = dict(zip((op.result for op in self.graph.ops), self.labels, strict=True))
        exported = {use[0] for use in self.readers if self.is_read_outside(use)}
        names: dict[int, str] = {}
        count: dict[tuple[int, str], int] = defaultdict(int)
        for step in self.live:
            element = self.elements.get(step)
            if element is not None:
                name = f"{labels[element.value]}_{element.index}" + "_plus" * element.raised
            else:
                place, kind = self.owners[step], self.steps.kind(step)
                name = f"{kind}{count[place, kind]}"
                count[place, kind] += 1
                name = f"{self.labels[place]}_{name}" if step in exported else name
            names[step] = name
        return names

    def is_read_outside(self, use: Use) -> bool:
        return bool(self.readers[use] - {self.owners[use[0]]})

    def number(self, use: Use) -> Signal:
        """What a module reads: the signal itself in the stage that makes it, else a register."""
        step, stage = use
        name = self.names.get(step, "")
        name = name if stage == self.pipeline.made_in(step) else f"{name}_r{stage + 1}"
        number = self.steps.number(step, name)
        element = self.elements.get(step)
        if element is None or not number.name:
            return number
        kind = FixedType(number.width, number.width - number.fraction + element.shift, number.signed)
        return replace(number, type=str(kind))


def _labels(graph: Graph) -> tuple[str, ...]:
    """An identifier for each op; VHDL and some file systems ignore case."""
    taken, labels = set(RESERVED), []
    for op in graph.ops:
        label = identifier(op.name)
        if any(label.rpartition(mark)[2].isdigit() for mark in ("_s", "_table")):
            label += "_op"  # with a number, these are buses and tables
        plain, number = label, 1
        while label.lower() in taken:
            number += 1
            label = f"{plain}_{number}"
        taken.add(label.lower())
        labels.append(label)
    return tuple(labels)
