"""Conditions to ops of the graph, exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fasttrig.decision.condition import Atom, Condition, Connective, Cut, ReadNumber
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const, Reduction, Value


@dataclass(frozen=True, slots=True)
class ConditionOps:
    """Writes conditions into `b`; `value` gives the graph's value of a quantity, of shape (1,)."""

    b: GraphBuilder
    value: Callable[[ReadNumber], Value]

    def bit(self, condition: Condition, name: str, origin: str) -> Value:
        """The bit, of shape (1,), that says whether `condition` holds."""
        if isinstance(condition, Cut):
            return self._cut(condition, name, origin)
        if condition.logic is Connective.NOT:
            return self._not(self.bit(condition.parts[0], f"{name}_inner", origin), name, origin)
        parts = [self.bit(part, f"{name}_{k}", origin) for k, part in enumerate(condition.parts)]
        kind = Reduction.MIN if condition.logic is Connective.ALL else Reduction.MAX
        joined = self.b.concat(f"{name}_bits", tuple(parts), axis=0, origin=origin)
        return self.b.reduce(name, joined, 0, kind, origin=origin)

    def _not(self, bit: Value, name: str, origin: str) -> Value:
        minus_one = Const.covering(f"{name}_scale", np.array([-1]), 0)
        one = Const.covering(f"{name}_offset", np.array([1]), 0)
        return self.b.scale(name, bit, minus_one, one, origin=origin)

    def _cut(self, cut: Cut, name: str, origin: str) -> Value:
        """``sum(n_i * x_i) < t`` with integers n_i: every rational factor times their common denominator."""
        scale = math.lcm(*(factor.denominator for _, factor in cut.form.terms))
        numbers = [int(factor * scale) for _, factor in cut.form.terms]
        common = math.gcd(*numbers)
        numbers = [number // common for number in numbers]
        limit = -cut.form.constant * scale / common
        atoms = [self._atom(atom, f"{name}_term{k}", origin) for k, (atom, _) in enumerate(cut.form.terms)]
        if numbers == [1]:
            return self._below(atoms[0], limit, cut.or_equal, name, origin)
        if numbers == [-1]:  # -x < t is x > -t, which is not x <= -t
            below = self._below(atoms[0], -limit, not cut.or_equal, f"{name}_inner", origin)
            return self._not(below, name, origin)
        joined = atoms[0] if len(atoms) == 1 else self.b.concat(f"{name}_terms", tuple(atoms), axis=0, origin=origin)
        weight = Const.covering(f"{name}_factors", np.array(numbers).reshape(-1, 1), 0)
        bias = Const.covering(f"{name}_bias", np.array([0]), 0)
        total = self.b.matmul(f"{name}_sum", joined, weight, bias, origin=origin)
        return self._below(total, limit, cut.or_equal, name, origin)

    def _below(self, operand: Value, limit: Fraction, or_equal: bool, name: str, origin: str) -> Value:
        """``x < t`` is ``raw < ceil(t * 2**f)``, ``x <= t`` is ``raw < floor(t * 2**f) + 1``."""
        scaled = limit * Fraction(2) ** operand.type.fraction_bits
        threshold = math.floor(scaled) + 1 if or_equal else math.ceil(scaled)
        kind = operand.type
        threshold = min(max(threshold, kind.min_raw), kind.max_raw + 1)  # beyond, it is always or never below
        constant = self.b.gather(f"{name}_limit", operand, 0, (-1,), pad_raw=threshold, origin=origin)
        return self.b.compare(name, operand, constant, origin=origin)

    def _atom(self, atom: Atom, name: str, origin: str) -> Value:
        if isinstance(atom, ReadNumber):
            return self.value(atom)
        parts = [self._atom(part, f"{name}_part{k}", origin) for k, part in enumerate(atom.parts)]
        joined = self.b.concat(f"{name}_parts", tuple(parts), axis=0, origin=origin)
        kind = Reduction.MAX if atom.largest else Reduction.MIN
        return self.b.reduce(name, joined, 0, kind, origin=origin)
