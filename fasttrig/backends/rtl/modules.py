"""The design as modules: one for each op of the graph that makes something, and the buses between them.

A module holds the steps of its op, and the registers that carry what they make to the last stage that reads it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fasttrig.backends.rtl.ports import input_elements, output_elements
from fasttrig.backends.rtl.signals import Signals
from fasttrig.backends.rtl.steps import INPUT, Expression, Signal
from fasttrig.base.errors import FasttrigError
from fasttrig.ir.ops import Op


@dataclass(frozen=True, slots=True)
class Bus:
    """Values of one op side by side, as `owner`'s module makes them in one stage; each with its lowest bit."""

    name: str
    owner: int
    width: int
    lows: dict[int, int]


@dataclass(frozen=True, slots=True)
class Module:
    """What one op becomes.

    Attributes
    ----------
    op : Op
    label : str
        The op's name as an identifier; the module is called ``<graph>_<label>``.
    reads, makes : tuple of Bus
        Its ports.
    taken : tuple of (Signal, Bus, int)
        Signals that it reads, and where they lie.
    stages : tuple of (int, list of (step, Signal, Expression))
        Stage, from 1, and the steps made in it.
    registers : tuple of (Signal, Signal)
        Register and what it loads.
    given : tuple of (Bus, int, Signal)
        Places of a bus and what stands there.
    """

    op: Op
    name: str
    label: str
    reads: tuple[Bus, ...]
    makes: tuple[Bus, ...]
    taken: tuple[tuple[Signal, Bus, int], ...]
    stages: tuple[tuple[int, list[tuple[int, Signal, Expression]]], ...]
    registers: tuple[tuple[Signal, Signal], ...]
    given: tuple[tuple[Bus, int, Signal], ...]

    @property
    def span(self) -> str:
        """The stages that it takes part in."""
        numbers = [stage for stage, _ in self.stages]
        if not numbers:
            return "registers only"
        first, last = numbers[0], numbers[-1]
        return f"stage {first}" if first == last else f"stages {first} to {last}"


class Hierarchy:
    """The modules of a design.

    Attributes
    ----------
    modules : tuple of Module, in the order of the graph
    input_buses : tuple of (Bus, int)
        For each input that is read: its port, and where it lies in ``in_data``.
    outputs : tuple of Signal
        For each element of each output: where the core finds it.
    """

    def __init__(self, signals: Signals) -> None:
        self.signals = signals
        self.graph, self.pipeline, self.steps = signals.graph, signals.pipeline, signals.steps
        self.buses = self._buses()
        self.input_buses = self._input_buses()
        self.modules = tuple(self._modules())
        self.outputs = tuple(self._outputs())

    def module_name(self, label: str) -> str:
        return f"{self.graph.name}_{label}"

    def _buses(self) -> dict[tuple[int, int], Bus]:
        """Owner and stage -> bus."""
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for step, stage in sorted(self.signals.readers):
            if self.signals.is_read_outside((step, stage)):
                found[self.signals.owners[step], stage].append(step)
        return {
            (owner, stage): self._bus(f"{self.signals.labels[owner]}_s{stage + 1}", owner, steps)
            for (owner, stage), steps in sorted(found.items())
        }

    def _bus(self, name: str, owner: int, steps: list[int]) -> Bus:
        lows, low = {}, 0
        for step in sorted(steps, key=self._place_in_bus):
            lows[step] = low
            low += self.steps.width[step]
        return Bus(name, owner, low, lows)

    def _place_in_bus(self, step: int) -> tuple[bool, int]:
        element = self.signals.elements.get(step)
        return (True, step) if element is None else (False, element.index)

    def _input_buses(self) -> tuple[tuple[Bus, int], ...]:
        """The core reads of each element the bits that alkaid uses."""
        elements = input_elements(self.graph)
        found: list[tuple[Bus, int]] = []
        places = {op.data[0]: step for step, op in enumerate(self.pipeline.program.ops) if op.opcode == INPUT}
        start = 0
        for place, op in enumerate(self.graph.ops):
            if op not in self.graph.inputs:
                continue
            mine, base = elements[start : start + op.result.size], elements[start].low_bit
            lows = {}
            for index, element in enumerate(mine, start):
                step = places.get(index)
                if step is None or not self.steps.is_signal(step):
                    continue
                skipped = element.type.fraction_bits - self.steps.fraction[step]
                if skipped < 0 or skipped + self.steps.width[step] > element.type.width:
                    raise FasttrigError(
                        "alkaid reads bits that an input does not have",
                        where=f"input '{element.tensor}'",
                        got=f"{self.steps.width[step]} bits from bit {skipped}",
                        want=str(element.type),
                    )
                lows[step] = element.low_bit - base + skipped
            width = sum(element.type.width for element in mine)
            start += op.result.size
            if lows:
                found.append((Bus(f"{self.signals.labels[place]}_s0", place, width, lows), base))
        return tuple(found)

    def _modules(self) -> Iterator[Module]:
        steps_of: dict[int, list[int]] = defaultdict(list)
        for step in self.signals.live:
            steps_of[self.signals.owners[step]].append(step)
        ports = {bus.owner: bus for bus, _ in self.input_buses}
        for place in sorted(steps_of):
            yield self._module(place, steps_of[place], ports.get(place))

    def _module(self, place: int, steps: Sequence[int], port: Bus | None) -> Module:
        signals, owners = self.signals, self.signals.owners
        foreign = {use for step in steps for use in signals.uses[step] if owners[use[0]] != place}
        reads = {key: self.buses[key] for key in sorted({(owners[step], stage) for step, stage in foreign})}
        taken = [
            (signals.number((step, key[1])), bus, low)
            for key, bus in reads.items()
            for step, low in bus.lows.items()
            if (step, key[1]) in foreign
        ]
        if port is not None:
            reads = {(place, -1): port}
            taken = [
                (signals.number((step, self.pipeline.made_in(step))), port, low) for step, low in port.lows.items()
            ]
        makes = {key: bus for key, bus in self.buses.items() if key[0] == place}
        stages: dict[int, list[tuple[int, Signal, Expression]]] = defaultdict(list)
        for step in steps:
            if self.pipeline.program.ops[step].opcode != INPUT:
                stage = self.pipeline.stage_of[step]
                stages[stage + 1].append((step, signals.number((step, stage)), self._expression(step)))
        return Module(
            self.graph.ops[place],
            self.module_name(signals.labels[place]),
            signals.labels[place],
            tuple(reads.values()),
            tuple(makes.values()),
            tuple(taken),
            tuple(sorted(stages.items())),
            tuple(self._registers(steps)),
            tuple(
                (bus, low, signals.number((step, stage)))
                for (_, stage), bus in makes.items()
                for step, low in bus.lows.items()
            ),
        )

    def _expression(self, step: int) -> Expression:
        stage = self.pipeline.stage_of[step]
        operands = [self.signals.number((i, stage)) for i in self.pipeline.program.ops[step].addr]
        return self.steps.expression(step, operands)

    def _registers(self, steps: Sequence[int]) -> Iterator[tuple[Signal, Signal]]:
        for step in steps:
            for stage in range(self.pipeline.made_in(step), self.signals.last[step]):
                yield self.signals.number((step, stage + 1)), self.signals.number((step, stage))

    def _outputs(self) -> Iterator[Signal]:
        program, n_stages = self.pipeline.program, self.pipeline.n_stages
        for step, shift, element in zip(program.out_idxs, program.out_shifts, output_elements(self.graph), strict=True):
            number = self.steps.number(step, "")
            if self.steps.is_signal(step):
                bus = self.buses[self.signals.owners[step], n_stages]
                number = self.steps.number(step, bus.name, bus.lows[step], bus.width)
            number = replace(number, fraction=number.fraction - shift)
            below = element.type.fraction_bits - number.fraction
            if number.width and (below < 0 or below + number.width > element.type.width):
                raise FasttrigError(
                    "an output of alkaid's program does not fit its type",
                    where=f"output '{element.tensor}'",
                    got=f"{number.width} bits, {number.fraction} after the point",
                    want=str(element.type),
                )
            yield number
