"""The types of a conifer project: part of its model, for ``conifer.h`` casts every number of the file to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FLOAT64_BITS, FixedType, FloatArray, Overflow, Rounding, from_value, to_value
from fasttrig.frontends.trees.ensemble import InputFormat

_FLOATS: dict[str, InputFormat] = {"float": "float32", "double": "float64"}
_AP_TYPE = re.compile(r"ap_(u?)(fixed|int)<([^<>]*)>")
_MODES: tuple[tuple[type[Rounding] | type[Overflow], str], ...] = ((Rounding, "AP_TRN"), (Overflow, "AP_WRAP"))


@dataclass(frozen=True, slots=True)
class CppType:
    """A type as C++ spells it: `fixed` with its two modes, or a floating format where `fixed` is None.

    `text` holds no blanks.
    """

    text: str
    fixed: FixedType | None
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP
    format: InputFormat = "float64"

    def cast(self, value: npt.ArrayLike) -> FloatArray:
        """The numbers that variables of this type hold after doubles are assigned to them. Shape is kept."""
        given = np.asarray(value, dtype=np.float64)
        if self.fixed is None:
            with np.errstate(over="ignore"):
                return given.astype(self.format).astype(np.float64)
        if "int<" in self.text and ((given < 0) & (given > -0.5)).any():
            raise UnsupportedError(
                "a small negative fraction becomes 1 in the vendor's ap_int, and 0 in a C cast",
                got=f"{given[(given < 0) & (given > -0.5)][0]!r} for {self.text}",
                want="whole numbers, or an ap_fixed type",
            )
        return to_value(from_value(given, self.fixed, self.rounding, self.overflow), self.fixed)

    @classmethod
    def parse(cls, text: str, where: str) -> CppType:
        """``ap_fixed<24, 9, AP_RND_CONV, AP_SAT>``, ``ap_ufixed``, ``ap_int``, ``ap_uint``, ``float`` or ``double``.

        Raises
        ------
        UnsupportedError
            For any other text, a wrap mode that saturates some bits, or more bits than a double holds.
        """
        plain = "".join(text.split())
        if plain in _FLOATS:
            return cls(plain, None, format=_FLOATS[plain])
        found = ap_type(plain)
        if found is None:
            raise UnsupportedError(
                "unknown type in a conifer project",
                where=where,
                got=text[:80],
                want="ap_fixed<W,I> or ap_ufixed (with modes), ap_int, ap_uint, float or double",
            )
        assert found.fixed is not None
        if found.fixed.width > FLOAT64_BITS:
            raise UnsupportedError(
                "a type in the conifer project is wider than the doubles in its file",
                where=where,
                got=text[:80],
                want=f"at most {FLOAT64_BITS} bits",
            )
        return found


@dataclass(frozen=True, slots=True)
class ConiferTypes:
    """What a conifer project computes in; None where the file says nothing."""

    input: CppType | None = None
    threshold: CppType | None = None
    weight: CppType | None = None
    score: CppType | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any], where: str) -> ConiferTypes:
        """The types of a file's configuration, filled up as conifer fills them up."""
        config: Any = next((document[key] for key in ("config", "Config") if document.get(key) is not None), {})
        if not isinstance(config, dict):
            raise InputError(
                "the configuration of the conifer file is not a JSON object",
                where=f"{where} > config",
                got=repr(config)[:60],
            )
        found: dict[str, CppType | None] = {}
        for name, stand_in in (("input", ""), ("threshold", "input"), ("weight", "threshold"), ("score", "")):
            own = _text(config, f"{name}_precision", f"{name.capitalize()}Precision")
            common = _text(config, "precision", "Precision")
            if own is None and stand_in and found[stand_in] is not None:
                found[name] = found[stand_in]
                continue
            text = common if own is None else own
            found[name] = None if text is None else CppType.parse(text, f"{where} > config > {name}_precision")
        return cls(**found)


def ap_type(text: str) -> CppType | None:
    """The fixed-point type that a text spells, blanks or not; None for any other text, or a mode of some bits."""
    plain = "".join(text.split())
    match = _AP_TYPE.fullmatch(plain)
    return _fixed(match, plain) if match else None


def _text(config: Mapping[str, Any], *keys: str) -> str | None:
    return next((str(config[key]) for key in keys if config.get(key) is not None), None)


def _fixed(match: re.Match[str], text: str) -> CppType | None:
    """The type of a matched text; None where its arguments are no numbers and modes."""
    arguments = match[3].split(",")
    n_numbers = 1 if match[2] == "int" else 2
    numbers, modes = arguments[:n_numbers], arguments[n_numbers:]
    if not all(re.fullmatch("-?[0-9]{1,5}", number) for number in numbers) or len(numbers) < n_numbers:
        return None
    if (n_numbers == 1 and modes) or modes[2:] not in ([], ["0"]):
        return None
    chosen: list[Any] = []
    for place, (kind, default) in enumerate(_MODES):
        mode = modes[place] if place < len(modes) else default
        known = {f"AP_{member.value}": member for member in kind}
        if mode not in known:
            return None
        chosen.append(known[mode])
    fixed = FixedType(int(numbers[0]), int(numbers[-1]), signed=not match[1])
    if match[2] == "int":
        chosen[0] = Rounding.TRN_ZERO  # A double loses its fraction, as in a C cast.
    return CppType(text, fixed, *chosen)
