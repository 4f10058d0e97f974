"""fasttrig: trained compact taggers to FPGA trigger firmware, bit for bit.

``design = fasttrig.read("models/jet_mlp")``, ``design.emulate(x)``, ``project = fasttrig.build(design)``,
``project.csim(x)``, ``project.report``. Importing this package loads none of the frameworks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Design", "FixedType", "Project", "__version__", "build", "estimate", "read"]

if TYPE_CHECKING:
    from fasttrig.base.fixed import FixedType
    from fasttrig.build.build import Project, build
    from fasttrig.design import Design, read
    from fasttrig.estimate.estimate import estimate

_HOME = {
    "Project": "build.build",
    "read": "design",
    "Design": "design",
    "FixedType": "base.fixed",
}
_CALLABLE_FOLDERS = ("build", "estimate")


def __getattr__(name: str) -> Any:
    import importlib

    if name in _CALLABLE_FOLDERS:
        return importlib.import_module(f"fasttrig.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'fasttrig' has no attribute {name!r}")
    content = getattr(importlib.import_module(f"fasttrig.{_HOME[name]}"), name)
    globals()[name] = content
    return content


def __dir__() -> list[str]:
    return sorted(__all__)
