"""A folder of the pipeline that is also a public function: ``fasttrig.build(...)``, ``fasttrig.estimate(...)``."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A callable package: a call runs the function of the package's name in the module of that name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(importlib.import_module(f"{self.__name__}.{name}"), name)(*arguments, **options)


def make_callable(package: str) -> None:
    """Let the imported package ``fasttrig.NAME`` be called as ``fasttrig.NAME.NAME.NAME``."""
    sys.modules[package].__class__ = _CallablePackage
