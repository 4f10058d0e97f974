"""Clock constraints, one file per top module: each names the port of that top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fasttrig.base.templates import fill_file

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

WRAPPER_CLOCKS = {"axi_stream": "aclk", "emp": "clk"}
"""Kind of wrapper -> the name of its clock port."""


def constraint_files(top: str, clock: str, settings: TargetSettings, stem: str) -> dict[str, str]:
    """``<stem>.xdc`` and ``<stem>.sdc``: the clock of the top module `top` at its port `clock`."""
    words = {
        "TOP": top,
        "CLOCK": clock,
        "PART": settings.part,
        "CLOCK_PERIOD_NS": f"{settings.clock_period_ns:g}",
        "UNCERTAINTY_NS": f"{settings.clock_period_ns * settings.clock_uncertainty_percent / 100:.4g}",
    }
    return {f"{stem}.{suffix}": fill_file(f"rtl/clock.{suffix}.in", {}, words) for suffix in ("xdc", "sdc")}
