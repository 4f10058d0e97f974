"""fasttrig: trained compact taggers to FPGA trigger firmware, bit for bit.

``design = fasttrig.read("models/jet_mlp")``, ``design.emulate(x)``, ``project = fasttrig.build(design)``,
``project.csim(x)``, ``project.report``. Importing this package loads none of the frameworks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Design", "FixedType", "Project", "__version__", "build", "estimate", "read"]

if TYPE_CHECKING:
    from fasttrig.design import Design, read
    from fasttrig.estimate.estimate import estimate
    from fasttrig.fixed import FixedType
    from fasttrig.workflow import Project, build

_HOME = {
    "build": "workflow",
    "Project": "workflow",
    "read": "design",
    "Design": "design",
    "FixedType": "fixed",
    "estimate": "estimate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fasttrig' has no attribute {name!r}")
    import importlib

    if name == "estimate":  # the folder of that name is callable
        return importlib.import_module("fasttrig.estimate")
    content = getattr(importlib.import_module(f"fasttrig.{_HOME[name]}"), name)
    globals()[name] = content
    return content


def __dir__() -> list[str]:
    return sorted(__all__)
