"""A table of columns, as the readers return it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import DataError, near_names
from fasttrig.base.feature_names import column_of


@dataclass(frozen=True, slots=True)
class ColumnTable:
    """Columns of equal length.

    Parameters
    ----------
    columns : mapping of str to array
        Each array has shape (n_rows,) or (n_rows, length).
    n_rows : int
    metadata : mapping
        What the file says about itself; empty for most formats. For jets5 files, the contents of the metadata key
        `fasttrig.jets5`: units and scales per column under `columns`, the generator's settings under `settings`.
    """

    columns: Mapping[str, NDArray[Any]]
    n_rows: int
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.columns:
            raise DataError("no such column in the table", got=repr(name), try_=near_names(name, self.columns))
        return self.columns[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in the order asked for."""
        return tuple(self.columns)

    def unit(self, name: str) -> str:
        """Unit of a column, empty if it is a pure number or the file does not say."""
        return str(self._about(name).get("unit", ""))

    def description(self, name: str) -> str:
        """Description of a column; empty if the file has none."""
        return str(self._about(name).get("description", ""))

    def _about(self, name: str) -> Mapping[str, Any]:
        """What the file says about a column, or about that whose lists hold the place `name`."""
        columns: Mapping[str, Any] = self.metadata.get("columns", {})
        found: Mapping[str, Any] = columns.get(name) or columns.get(column_of(name), {})
        return found

    def stack(self, names: tuple[str, ...] | list[str] | None = None) -> NDArray[np.float64]:
        """One-dimensional columns side by side, as float64 of shape (n_rows, n_columns)."""
        chosen = self.names if names is None else names
        return np.stack([np.asarray(self[name], dtype=np.float64) for name in chosen], axis=1)
