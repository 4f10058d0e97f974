"""Reasons for which a design lies outside the table of reports, beyond its distance to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fasttrig.estimate.cost_model import CountedDesign, default_tool
from fasttrig.estimate.tools import tool_family

MOST_INPUTS = 274
"""Inputs of the widest first dense layer in the table (ArgyKokk/hls4ml_MLP_estimator, ARRYTHMIA)."""
_CLOCKS_NS = (2.5, 25.0)
_WIDTHS = (2, 28)


@dataclass(frozen=True, slots=True)
class Reasons:
    """Notes for a user: those that widen every interval, and those that explain a number only."""

    widen: tuple[str, ...]
    mention: tuple[str, ...]


def reasons_outside(design: CountedDesign, tool: str | None) -> Reasons:
    """Reasons why the intervals of a design are wider than its distance implies, and assumptions of its numbers."""
    return Reasons((*_setting(design, tool), *_kinds(design)), tuple(_assumptions(design)))


def serial_inputs(design: CountedDesign) -> int:
    """Cycles to add to the upper end of the latency: one per input, of first layers wider than any in the table.

    With so many inputs a tool may read them one after another instead of all at once; no report of the table tells.
    """
    inputs = _first_inputs(design)
    return inputs if inputs > MOST_INPUTS else 0


def _first_inputs(design: CountedDesign) -> int:
    """Inputs of a design that begins with a dense layer, else 0."""
    first = next((layer for layer in design.layers if layer.kind not in ("wiring", "activation", "batchnorm")), None)
    return first.matrices[0].n_in if first and first.kind == "dense" else 0


def _setting(design: CountedDesign, tool: str | None) -> Iterator[str]:
    clock = design.setting.clock_period_ns
    if not _CLOCKS_NS[0] <= clock <= _CLOCKS_NS[1]:
        yield f"clock period {clock:g} ns is outside the calibrated {_CLOCKS_NS[0]:g} to {_CLOCKS_NS[1]:g} ns"
    widths = [layer.weight.width for layer in design.layers if layer.matrices]
    if widths and not _WIDTHS[0] <= min(widths) <= max(widths) <= _WIDTHS[1]:
        yield f"weights of {min(widths)} to {max(widths)} bits are outside the calibrated 2 to 28 bits"
    if tool and tool_family(tool) != tool_family(default_tool()) and not any(c.isdigit() for c in tool):
        yield f"the version of {tool!r} is not said: taken as {tool_family(tool)}"


def _kinds(design: CountedDesign) -> Iterator[str]:
    if any(layer.strategy == "distributed_arithmetic" and layer.matrices for layer in design.layers):
        yield "no report with layers of the distributed_arithmetic strategy was calibrated"
    if design.regime == "forest_vhdl":
        yield "conifer's own formulas for its VHDL library; no report was calibrated"
    averages = [layer for layer in design.layers if layer.kind == "pooling" and layer.function == "average"]
    if averages and design.setting.stream:
        yield "no report with average pooling in io_stream was calibrated"
    elif any(layer.positions == 1 for layer in averages):
        yield "no report with average pooling over all positions was calibrated"
    if _first_inputs(design) > MOST_INPUTS:
        yield (
            f"no report with a first dense layer of {_first_inputs(design)} inputs was calibrated (most: "
            f"{MOST_INPUTS}); the upper end of the latency allows for one cycle per input"
        )


def _assumptions(design: CountedDesign) -> Iterator[str]:
    guessed = [layer.name for layer in design.layers if any(matrix.zeros_guessed for matrix in layer.matrices)]
    if guessed:
        named = ", ".join(guessed[:4]) + (", ..." if len(guessed) > 4 else "")
        yield f"zero weights of {named} are not given: no pruning assumed (give n_zeros, sparsity or weights)"
