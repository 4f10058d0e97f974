"""Pythia and FastJet, which only the generator needs: imported on first use, or an error that says how to get them."""

from __future__ import annotations

import importlib
from typing import Any

from fasttrig.base.errors import MissingPackageError


def import_sim(name: str) -> Any:
    """Import `pythia8mc` or `fastjet`.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingPackageError(
            f"generating jets needs the package {name!r}, which is not installed",
            where=f"import {name}",
            try_="pip install 'fasttrig[sim]'",
        ) from error
