"""State shared while one model is lowered: the builder, unique names, the refusals collected so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, FloatArray
from fasttrig.base.names import identifier
from fasttrig.frontends.scales import MAX_SCALE_ERROR_LSB, RoundedScale
from fasttrig.frontends.source import LayerSpec, ModelSpec
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Postprocessor

T = TypeVar("T")


class Names:
    """Unique names for values and constants: identifiers in C++, Verilog and VHDL (which ignores case)."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def new(self, wanted: str) -> str:
        """`wanted` as an identifier, followed by a number if the name is taken."""
        base = identifier(wanted)
        name, count = base, 1
        while name.casefold() in self._used:
            count += 1
            name = f"{base}_{count}"
        self._used.add(name.casefold())
        return name

    def copy(self) -> Names:
        """The same names, for work that may be thrown away."""
        made = Names()
        made._used = set(self._used)
        return made


@dataclass(slots=True)
class Lowering:
    """The state of one conversion.

    Attributes
    ----------
    link_layer : str or None
        The layer whose softmax or sigmoid ends the model; None where the model has no such end.
    firmware_links : bool
        Whether that link is computed on the chip.
    batchnorm_type : FixedType or None
        The type to which scales and offsets of batch normalisations are rounded; None: see the next.
    max_scale_error_lsb : float
        What rounding a real scale to an integer multiplier may change; 0: real scales are refused.
    scales : list of RoundedScale
        Every scale rounded so far.
    smooth : dict
        By layer name, the function that a quantiser behind the layer still has to apply.
    """

    model: ModelSpec
    builder: GraphBuilder
    link_layer: str | None = None
    firmware_links: bool = False
    batchnorm_type: FixedType | None = None
    max_scale_error_lsb: float = MAX_SCALE_ERROR_LSB
    scales: list[RoundedScale] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    refusals: list[UnsupportedError] = field(default_factory=list)
    postprocessor: Postprocessor = Postprocessor.NONE
    smooth: dict[str, Callable[[FloatArray], FloatArray]] = field(default_factory=dict)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Keep a refusal for the list and go on."""
        try:
            yield
        except UnsupportedError as refusal:
            self.refusals.append(refusal)

    def attempt(self, make: Callable[[], T]) -> T | None:
        """The result of `make`; None if `make` refuses. The refusal is kept for the list."""
        try:
            return make()
        except UnsupportedError as refusal:
            self.refusals.append(refusal)
            return None

    def where(self, layer: LayerSpec, *parts: str) -> str:
        return self.model.where(layer, *parts)

    def origin(self, layer: LayerSpec, *parts: str) -> str:
        return self.model.origin(layer, *parts)
