"""Trigger-level inputs: a feature becomes a fixed-point number by an add and a shift.

``raw = saturate(floor((x - offset) * 2**(fraction_bits - shift)))`` in the feature's type. The offset lies on the
grid of the result, so that hardware which has the feature as an integer adds a constant and drops bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.column_rules import ColumnRule
from fasttrig.base.errors import DataError
from fasttrig.base.feature_names import column_of
from fasttrig.base.fixed import FixedType, FloatArray, IntArray, Overflow, Rounding, from_value

FORMAT = "fasttrig-inputs 1"

BLOCK_EVENTS = 8192
"""Numbers of a feature quantised at a time."""


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """Scaling of one feature.

    Parameters
    ----------
    name, unit : str
        The column and its unit.
    offset : float
        Subtracted first, in the feature's unit; a multiple of the step.
    shift : int
        One unit of the network's input stands for ``2**shift`` of the feature's.
    type : FixedType
        The feature's own type; it saturates.
    """

    name: str
    unit: str
    offset: float
    shift: int
    type: FixedType

    @property
    def step(self) -> float:
        """The feature's resolution after the map, in its unit."""
        return float(np.ldexp(1.0, self.shift - self.type.fraction_bits))

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value that is not clipped, in the feature's unit."""
        low, high = self.type.min_raw * self.step, self.type.max_raw * self.step
        return self.offset + low, self.offset + high

    def rule(self, input_type: FixedType) -> ColumnRule | None:
        """From the feature's own unit to raw integers of `input_type`."""
        factor = float(np.ldexp(1.0, self.type.fraction_bits - self.shift))
        grid_bits = input_type.fraction_bits - self.type.fraction_bits
        return ColumnRule.of(self.type, factor, offset=self.offset, grid_bits=grid_bits, rounding=Rounding.TRN)


@dataclass(frozen=True, slots=True)
class InputMap:
    """The maps of all features, in the network's order, and the network's input type."""

    features: tuple[FeatureMap, ...]
    type: FixedType

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @property
    def channel_types(self) -> tuple[FixedType, ...]:
        """One type per feature where any is narrower than the network's, else none."""
        types = tuple(feature.type for feature in self.features)
        return () if all(fixed_type == self.type for fixed_type in types) else types

    def to_raw(self, x: FloatArray) -> IntArray:
        """Raw integers of the network's input.

        Parameters
        ----------
        x : array of shape (n_events, n_features)
            In the features' units.
        """
        x = self._checked(x)
        return self.columns_to_raw(list(x.T), np.empty(x.shape, dtype=np.int64))

    def columns_to_raw(self, columns: Sequence[FloatArray], raw: IntArray) -> IntArray:
        """`to_raw` of finite float64 columns of shape (n_events,), into `raw` of shape (n_events, n_features).

        Runs block after block, all features of a block while it is in the cache.
        """
        for start in range(0, len(raw), BLOCK_EVENTS):
            rows = slice(start, start + BLOCK_EVENTS)
            for k, feature in enumerate(self.features):
                raw[rows, k] = self._column(columns[k][rows], feature)
        return raw

    def scaled(self, x: FloatArray) -> FloatArray:
        """Inputs of a float model: the same offsets and shifts, not rounded or clipped; (n_events, n_features)."""
        x = self._checked(x)
        offsets = np.array([feature.offset for feature in self.features])
        return np.ldexp(x - offsets, [-feature.shift for feature in self.features])

    def clipped_fractions(self, x: FloatArray) -> dict[str, float]:
        """Share of events outside the range of each feature; x has shape (n_events, n_features)."""
        x = self._checked(x)
        shares = {}
        for k, feature in enumerate(self.features):
            low, high = feature.range
            shares[feature.name] = float(np.mean((x[:, k] < low) | (x[:, k] >= high + feature.step)))
        return shares

    def rules(self) -> tuple[ColumnRule | None, ...]:
        """Rules that convert each feature to a raw integer; None if float64 cannot hold every step."""
        return tuple(feature.rule(self.type) for feature in self.features)

    def _column(self, x: FloatArray, feature: FeatureMap) -> FloatArray | IntArray:
        """Raw integers, in float64 where that holds them: exact, for the factors are powers of two."""
        rule = feature.rule(self.type)
        if rule is not None:
            return rule.raw(x)
        scaled = np.ldexp(x - feature.offset, -feature.shift)
        grid_bits = self.type.fraction_bits - feature.type.fraction_bits
        return from_value(scaled, feature.type, Rounding.TRN, Overflow.SAT) << grid_bits

    def _checked(self, x: FloatArray) -> FloatArray:
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != len(self.features):
            raise DataError(
                "wrong shape of the features",
                got=str(x.shape),
                want=f"(n_events, {len(self.features)})",
                try_=f"columns in this order: {', '.join(self.names)}",
            )
        bad = np.argwhere(~np.isfinite(x))
        if len(bad):
            event, column = (int(i) for i in bad[0])
            raise DataError(
                "feature value is NaN or infinite",
                where=f"event {event}, feature '{self.names[column]}'",
                got=str(x[event, column]),
                want="finite numbers",
                try_="drop or impute these events",
            )
        return x

    @classmethod
    def choose(
        cls,
        x: FloatArray,
        names: Sequence[str],
        units: Sequence[str],
        input_type: FixedType,
        *,
        quantile: float = 0.999,
        types: Mapping[str, FixedType] | None = None,
    ) -> InputMap:
        """The smallest shifts whose ranges hold the central `quantile` of the training sample.

        All places of one column of lists share offset and shift: the objects of a set mean the same everywhere.

        Parameters
        ----------
        x : array of shape (n_events, n_features)
            The training sample, in the features' units.
        """
        types = types or {}
        low, high = _bounds(np.asarray(x, dtype=np.float64), names, quantile)
        maps = []
        for k, name in enumerate(names):
            fixed_type = types.get(name, input_type)
            maps.append(_fit(name, units[k], float(low[k]), float(high[k]), fixed_type, input_type))
        return cls(tuple(maps), input_type)

    def to_json(self) -> str:
        """Text for ``inputs.json``; numbers round-trip exactly."""
        rows = [{**asdict(feature), "type": str(feature.type)} for feature in self.features]
        return json.dumps({"format": FORMAT, "type": str(self.type), "features": rows}, indent=1) + "\n"

    @classmethod
    def load(cls, path: Path) -> InputMap:
        """Read ``inputs.json``."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise DataError(
                    "the input map has an unknown format", where=str(path), got=str(content["format"]), want=FORMAT
                )
            rows = tuple(_feature(row) for row in content["features"])
            return cls(rows, FixedType.parse(content["type"]))
        except FileNotFoundError:
            raise DataError("no input map", where=str(path), want="a file written by `fasttrig train`") from None
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("cannot read this input map", where=str(path), got=repr(error)) from None


def _feature(row: dict[str, Any]) -> FeatureMap:
    return FeatureMap(
        str(row["name"]), str(row["unit"]), float(row["offset"]), int(row["shift"]), FixedType.parse(row["type"])
    )


def _bounds(x: FloatArray, names: Sequence[str], quantile: float) -> tuple[FloatArray, FloatArray]:
    """Ends of the central `quantile` of each feature, of all places of its column together; shapes (n_features,)."""
    columns = [column_of(name) for name in names]
    low, high = np.empty(len(names)), np.empty(len(names))
    for column in dict.fromkeys(columns):
        places = [k for k, other in enumerate(columns) if other == column]
        low[places], high[places] = np.quantile(x[:, places], [(1 - quantile) / 2, 1 - (1 - quantile) / 2])
    return low, high


def _fit(name: str, unit: str, low: float, high: float, fixed_type: FixedType, input_type: FixedType) -> FeatureMap:
    if fixed_type.fraction_bits > input_type.fraction_bits:
        raise DataError(
            "a feature's grid is finer than the network's input",
            where=f"feature '{name}'",
            got=str(fixed_type),
            want=f"at most {input_type.fraction_bits} fraction bits",
        )
    steps = fixed_type.max_raw - fixed_type.min_raw
    width = max(high - low, 1e-12)
    shift = int(np.ceil(np.log2(width / steps))) + fixed_type.fraction_bits
    step = float(np.ldexp(1.0, shift - fixed_type.fraction_bits))
    centre = (low + high) / 2 - (fixed_type.max_raw + fixed_type.min_raw + 1) / 2 * step
    return FeatureMap(name, unit, float(np.round(centre / step) * step), shift, fixed_type)
