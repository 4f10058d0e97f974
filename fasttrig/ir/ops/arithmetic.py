"""Arithmetic: matrix product, constant multiplication, addition, ReLU, and the cast, which alone loses bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, overflow_raw, round_raw
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Const, Fault, Op, Shape, Value

MAX_SHIFT = 256
"""Steepest slope of a leaky ReLU, as a power of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatMul(Op):
    """result[..., j] = bias[j] + sum_i operand[..., i] * weight[i, j], in `accum_type` (which is the result type).

    Exact unless `narrowed`: then the bias and every product are cast to the accumulator (`accum_rounding`,
    `accum_overflow`) before they are added, in the order bias, i = 0, 1, ..., each sum overflowing likewise.
    """

    operand: Value
    weight: Const
    bias: Const
    narrowed: bool = False
    accum_rounding: Rounding = Rounding.TRN
    accum_overflow: Overflow = Overflow.WRAP

    weights_field: ClassVar[str] = "weight"

    @property
    def accum_type(self) -> FixedType:
        return self.result.type

    @property
    def exact(self) -> bool:
        return not self.narrowed

    @property
    def loses_bits(self) -> bool:
        return self.narrowed

    @property
    def work(self) -> int:
        return self.result.size * self.weight.shape[0]

    @property
    def product_type(self) -> FixedType:
        """A type that holds every product, as ``ap_fixed`` makes it."""
        a, b = self.operand.type, self.weight.type
        return FixedType(a.width + b.width, a.integer_bits + b.integer_bits, a.signed or b.signed)

    @property
    def product_bits(self) -> int:
        """Fraction bits of each product."""
        return self.operand.type.fraction_bits + self.weight.type.fraction_bits

    @property
    def exact_bits(self) -> int:
        """Fraction bits of the exact sum: those of the products, or of the bias where its grid is finer."""
        return max(self.product_bits, self.bias.type.fraction_bits)

    @property
    def fraction_bits(self) -> int:
        return self.result.type.fraction_bits if self.narrowed else self.exact_bits

    @property
    def shifts(self) -> tuple[int, int]:
        """Left shifts that bring a product and the bias to the grid of the sum; negative where bits are dropped."""
        return self.fraction_bits - self.product_bits, self.fraction_bits - self.bias.type.fraction_bits

    @property
    def drops_bits(self) -> bool:
        """Whether a product or the bias is rounded before it is added."""
        return min(self.shifts) < 0

    @property
    def wraps_once(self) -> bool:
        """Whether the exact sum may be wrapped once, at the end: no bit is dropped, and wrapping commutes with sums."""
        return self.accum_overflow is Overflow.WRAP and not self.drops_bits

    def aligned(self) -> tuple[IntArray, IntArray]:
        """Weight (n_in, n_out) and bias (n_out,) at the grid of the sum, which drops no bit; Python integers."""
        shift, bias_shift = self.shifts
        return self.weight.raw.astype(object) << shift, self.bias.raw.astype(object) << bias_shift

    def result_shape(self) -> Shape:
        return (*self.operand.shape[:-1], self.weight.shape[1])

    def interval(self, *operands: Interval) -> Interval:
        if self.narrowed:
            return Interval.of_type(self.result.type, self.result.shape)
        up, down, bias = self._signed_parts()
        low, high = operands[0].low, operands[0].high
        return Interval(low @ up + high @ down + bias, high @ up + low @ down + bias)

    def partial_sums(self, *operands: Interval) -> tuple[int, int] | None:
        up, down, bias = self._signed_parts()
        low, high = np.minimum(operands[0].low, 0), np.maximum(operands[0].high, 0)
        least = low @ up + high @ down + np.minimum(bias, 0)
        greatest = high @ up + low @ down + np.maximum(bias, 0)
        return int(least.min()), int(greatest.max())

    def exact_type(self, operands: list[Interval]) -> FixedType:
        """An accumulator is signed, as hls4ml has it."""
        low, high = self.partial_sums(*operands) or (0, 0)
        return FixedType.covering(low, high, self.fraction_bits, signed=True)

    def lossless_type(self, operands: list[Interval]) -> FixedType | None:
        return replace(self, narrowed=False).exact_type(operands) if self.narrowed else None

    def _signed_parts(self) -> tuple[IntArray, IntArray, IntArray]:
        """The positive and the negative weights (zero elsewhere), and the bias, at the grid of the exact sum."""
        weight = self.weight.raw.astype(object) << (self.exact_bits - self.product_bits)
        return np.maximum(weight, 0), np.minimum(weight, 0), self.bias.aligned(self.exact_bits)

    def fault(self) -> Fault | None:
        n_in = self.operand.shape[-1]
        weight, bias = self.weight.shape, self.bias.shape
        if len(weight) == 2 and weight[0] == n_in and bias == weight[1:]:
            return None
        return Fault(
            "weight and bias do not fit the operand",
            got=f"weight {weight}, bias {bias}",
            want=f"weight ({n_in}, n_out), bias (n_out,)",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Op):
    """result[..., j] = operand[..., j] * scale[j] + offset[j], exactly: a batch normalisation kept on its own."""

    operand: Value
    scale: Const
    offset: Const

    weights_field: ClassVar[str] = "scale"
    pointwise: ClassVar[bool] = True

    @property
    def exact(self) -> bool:
        return True

    @property
    def product_bits(self) -> int:
        """Fraction bits of each product."""
        return self.operand.type.fraction_bits + self.scale.type.fraction_bits

    @property
    def fraction_bits(self) -> int:
        return max(self.product_bits, self.offset.type.fraction_bits)

    def aligned(self) -> tuple[IntArray, IntArray]:
        """Scale and offset, shape (n_channels,), at the grid of the result; Python integers."""
        return self.scale.raw.astype(object) << (self.fraction_bits - self.product_bits), self.offset.aligned(
            self.fraction_bits
        )

    def result_shape(self) -> Shape:
        return self.operand.shape

    def interval(self, *operands: Interval) -> Interval:
        scale, offset = self.aligned()
        first, second = operands[0].low * scale, operands[0].high * scale
        return Interval(np.minimum(first, second) + offset, np.maximum(first, second) + offset)

    def fault(self) -> Fault | None:
        want = (self.operand.shape[-1],)
        if self.scale.shape == want and self.offset.shape == want:
            return None
        got = f"scale {self.scale.shape}, offset {self.offset.shape}"
        return Fault("scale and offset do not fit the operand", got, f"{want} each")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast(Op):
    """The only op that loses bits: `rounding` first, then `overflow`, as ``ap_fixed`` assigns."""

    operand: Value
    rounding: Rounding
    overflow: Overflow

    pointwise: ClassVar[bool] = True

    @property
    def loses_bits(self) -> bool:
        return True

    def lossless_type(self, operands: list[Interval]) -> FixedType | None:
        return self.operand.type

    @property
    def fraction_bits(self) -> int:
        return self.result.type.fraction_bits

    @property
    def dropped_bits(self) -> int:
        """Fraction bits that the cast drops; negative where it adds some."""
        return self.operand.type.fraction_bits - self.result.type.fraction_bits

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest raw integer that saturation lets through."""
        target = self.result.type
        return target.min_sym_raw if self.overflow is Overflow.SAT_SYM else target.min_raw, target.max_raw

    def rounded_bounds(self, operand: Interval) -> tuple[int, int]:
        """Bounds after rounding to the target's fraction bits, before overflow."""
        ends = np.array(operand.bounds, dtype=object)
        low, high = round_raw(ends, self.operand.type, self.result.type.fraction_bits, self.rounding)
        return int(low), int(high)

    def overflows(self, operand: Interval) -> tuple[bool, bool]:
        """Whether rounded numbers below the least and above the greatest raw integer of the target can occur."""
        low, high = self.rounded_bounds(operand)
        least, greatest = self.limits
        return low < least, high > greatest

    def changes_no_number(self, operand: Interval) -> bool:
        """Whether no fraction bit is dropped and every number inside `operand` fits the cast's type."""
        if self.dropped_bits > 0:
            return False
        (low, high), (least, greatest) = operand.bounds, self.limits
        return least <= low << -self.dropped_bits and high << -self.dropped_bits <= greatest

    def result_shape(self) -> Shape:
        return self.operand.shape

    def interval(self, *operands: Interval) -> Interval:
        source, target = self.operand.type, self.result.type
        low, high = (
            round_raw(end, source, target.fraction_bits, self.rounding).astype(object)
            for end in (operands[0].low, operands[0].high)
        )
        if self.overflow in (Overflow.SAT, Overflow.SAT_SYM):
            ends = (overflow_raw(end, target, self.overflow).astype(object) for end in (low, high))
            return Interval(*ends)
        inside = (low >= target.min_raw) & (high <= target.max_raw)
        full = Interval.of_type(target, self.result.shape)
        return Interval(np.where(inside, low, full.low), np.where(inside, high, full.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Relu(Op):
    """max(x, 0); with `negative_shift` = k: x * 2**-k below zero (exact, k more fraction bits); then min(., limit).

    `limit_raw` is at the result's fraction bits.
    """

    operand: Value
    limit_raw: int | None = None
    negative_shift: int | None = None

    own_bits: ClassVar[bool] = False
    pointwise: ClassVar[bool] = True

    @property
    def exact(self) -> bool:
        return True

    @property
    def fraction_bits(self) -> int:
        return self.operand.type.fraction_bits + (self.negative_shift or 0)

    def of_raw(self, raw: IntArray) -> IntArray:
        """The formula on raw integers of the operand; monotone, so it serves intervals too. Same shape."""
        result = np.maximum(raw, 0) << (self.negative_shift or 0)
        if self.negative_shift is not None:
            result = result + np.minimum(raw, 0)
        return result if self.limit_raw is None else np.minimum(result, self.limit_raw)

    def result_shape(self) -> Shape:
        return self.operand.shape

    def interval(self, *operands: Interval) -> Interval:
        return Interval(self.of_raw(operands[0].low), self.of_raw(operands[0].high))

    def fault(self) -> Fault | None:
        if self.negative_shift is None or 0 <= self.negative_shift <= MAX_SHIFT:
            return None
        got = f"negative_shift={self.negative_shift}"
        return Fault("a leaky slope above one, or below any use", got, f"0 to {MAX_SHIFT}")
