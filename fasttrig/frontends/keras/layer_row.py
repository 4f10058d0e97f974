"""What one class of layers is to the frontend: its check, its lowering, its description."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Value

PreparedLayer = Any
Prepare = Callable[[Lowering, LayerSpec], PreparedLayer]
Lower = Callable[[Lowering, LayerSpec, PreparedLayer, str, list[Value]], Value]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """The check and the lowering of a layer. `becomes` is the description, empty if `prepare` always refuses."""

    prepare: Prepare
    lower: Lower
    becomes: str = ""
