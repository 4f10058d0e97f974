"""How a fixed-point type is named to hls4ml, and read back from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fasttrig.base.fixed import FixedType, Overflow, Rounding


@dataclass(frozen=True, slots=True)
class Precision:
    """A type with the two modes that ``ap_fixed`` keeps inside it: what an assignment to it rounds and saturates."""

    type: FixedType
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    def __str__(self) -> str:
        """``ap_fixed<6,1,AP_RND_CONV,AP_SAT>``: the spelling that hls4ml parses."""
        letter = "" if self.type.signed else "u"
        modes = f"AP_{self.rounding.value},AP_{self.overflow.value}"
        return f"ap_{letter}fixed<{self.type.width},{self.type.integer_bits},{modes}>"

    @classmethod
    def of_hls4ml(cls, precision: Any) -> Precision | None:
        """What a precision object of hls4ml stands for; None where it is no plain fixed-point type."""
        if not hasattr(precision, "integer") or getattr(precision, "saturation_bits", None):
            return None
        fixed_type = FixedType(int(precision.width), int(precision.integer), bool(precision.signed))
        rounding, overflow = Rounding(str(precision.rounding_mode)), Overflow(str(precision.saturation_mode))
        return cls(fixed_type, rounding, overflow)
