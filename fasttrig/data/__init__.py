"""Event samples: generators, readers, summaries. Importing this package loads nothing heavy."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fasttrig.data.columns import CLASS_NAMES, SIXTEEN
    from fasttrig.data.jets5.make import make_jets5
    from fasttrig.data.openml import read_openml_jets
    from fasttrig.data.readers import iter_table, load_jets5, read_table
    from fasttrig.data.table import ColumnTable

_HOMES: dict[str, str] = {
    "CLASS_NAMES": "columns",
    "SIXTEEN": "columns",
    "ColumnTable": "table",
    "iter_table": "readers",
    "load_jets5": "readers",
    "make_jets5": "jets5.make",
    "read_openml_jets": "openml",
    "read_table": "readers",
}

__all__ = [
    "CLASS_NAMES",
    "SIXTEEN",
    "ColumnTable",
    "iter_table",
    "load_jets5",
    "make_jets5",
    "read_openml_jets",
    "read_table",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
