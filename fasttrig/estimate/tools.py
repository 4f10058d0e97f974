"""The tools and fabrics that the calibration distinguishes: tool version moves DSP by 2x, the fabric moves latency."""

from __future__ import annotations

import re

CALIBRATED_TOOLS = {"vitis": "Vitis HLS 2024.1", "vivado": "Vivado HLS 2020.1"}
"""Backend -> the newest tool whose reports the estimates are calibrated with."""

_YEAR = re.compile(r"(20\d\d)\.(\d)")
_VIVADO_ITSELF = re.compile(r"vivado(?!\s*hls)")

FAMILIES = ("vivado_hls_early", "vivado_hls_2019.2", "vivado_hls_2020", "vitis_hls_early", "vitis_hls_2024")
DEFAULT_FAMILY = "vitis_hls_2024"
"""fasttrig writes projects for Vitis; newer versions are taken as the newest calibrated one."""


def tool_family(tool: str | None) -> str:
    """The calibrated family of a tool's name: ``Vivado HLS 2019.1`` -> ``vivado_hls_early``; nothing: the default."""
    text = (tool or "").lower()
    found = _YEAR.search(text)
    year = float(f"{found[1]}.{found[2]}") if found else None
    if year is None:
        return "vivado_hls_2020" if "vivado" in text else DEFAULT_FAMILY
    if "vitis" in text or year >= 2021:
        return "vitis_hls_2024" if year >= 2024 else "vitis_hls_early"
    if year >= 2020:
        return "vivado_hls_2020"
    return "vivado_hls_2019.2" if year >= 2019.2 else "vivado_hls_early"


def fabric_slowness(part: str | None) -> float:
    """Delay of the part's fabric against UltraScale+, from its name."""
    text = (part or "").lower()
    if re.search(r"7z0|xc7a|xc7s|7k", text):
        return 2.0
    if re.search(r"xc7v|7vx", text):
        return 1.7
    if re.search(r"xcku(?:0\d|115|1\d\d\b)|xcvu(?:0\d\d|1\d\d|440)\b", text):
        return 1.3
    return 1.0


def stage_of_tool(tool: str | None) -> str:
    """The stage of a tool: logic synthesis for Vivado without HLS, the HLS report for every other tool.

    ``Vivado v.2020.1``, ``conifer HLS, Vivado post-route OOC`` and ``Vivado 2019.1 (HLS + impl)`` are synth;
    ``Vivado HLS 2020.1``, ``Vitis HLS 2024.1`` and nothing are csynth.
    """
    return "synth" if _VIVADO_ITSELF.search((tool or "").lower()) else "csynth"


def dsp_product_bits(family: str) -> int:
    """Width of product from which a constant multiplication takes a DSP; early Vitis HLS gives one to 8 x 6 bits."""
    return 14 if family == "vitis_hls_early" else 21


def clock_margin(family: str) -> float:
    """Clock uncertainty that hls4ml sets: 12.5 % of the period for Vivado HLS, 27 % for Vitis; against Vivado HLS."""
    return 1.0 if family.startswith("vivado") else (1 - 0.125) / (1 - 0.27)
