"""From typed layers to numbers: the counted terms weighed with `data/constants.json`. No file is read but that one.

The total of a quantity is ``factor(tool) * sum(constant[term] * count[term])`` at csynth; at synth each class of terms
shrinks by its own ratio.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fasttrig.estimate.counts import Built, Setting
from fasttrig.estimate.forest_costs import ForestCounts, forest_counts
from fasttrig.estimate.layer_costs import Layer
from fasttrig.estimate.structure import build
from fasttrig.estimate.terms import Cycles, Ff, Lut, synth_class
from fasttrig.estimate.tools import DEFAULT_FAMILY, clock_margin, dsp_product_bits, fabric_slowness, tool_family

CONSTANTS = Path(__file__).parent / "data" / "constants.json"
QUANTITIES = ("lut", "ff", "dsp", "bram18", "uram", "latency_cycles", "ii_cycles")
FITTED = ("lut", "ff", "cycles")
NETWORKS = ("network_", "stream_", "recurrent_")

Constants = Mapping[str, Any]
Terms = dict[str, float]
NumbersByName = dict[str, float]


@dataclass(frozen=True, slots=True)
class CountedDesign:
    """Layers counted for one setting; `regime` is the kind of design that errors are known for."""

    layers: tuple[Layer, ...]
    built: tuple[Built, ...]
    setting: Setting
    family: str
    regime: str

    def terms(self, quantity: str) -> Terms:
        """Counts of all layers, and those that a design has once."""
        totals = dict(_once(self)) if quantity != "cycles" else {}
        for built in self.built:
            for name, count in _counts_of(built, quantity).items():
                totals[name] = totals.get(name, 0.0) + count
        return totals

    @property
    def fixed_cycles(self) -> float:
        busy = max((built.busy for built in self.built), default=0.0)
        return busy + sum(built.fixed_cycles for built in self.built)

    @property
    def ii_cycles(self) -> float:
        return max([1.0] + [max(built.ii, built.busy) for built in self.built])


def _counts_of(built: Built, quantity: str) -> Terms:
    """Counts of one layer, by the name that `constants.json` has for the term."""
    counted: dict[str, Mapping[Lut, float] | Mapping[Ff, float] | Mapping[Cycles, float]] = {
        "lut": built.lut,
        "ff": built.ff,
        "cycles": built.cycles,
    }
    return {term.value: amount for term, amount in counted[quantity].items()}


def count(layers: tuple[Layer, ...], *, part: str, clock_period_ns: float, tool: str, stream: bool) -> CountedDesign:
    """Count the hardware of `layers`."""
    family = tool_family(tool)
    setting = Setting(
        clock_period_ns,
        stream,
        fabric_slowness(part) * 5.0 / clock_period_ns,
        vivado=family.startswith("vivado"),
        dsp_product_bits=dsp_product_bits(family),
        clock_margin=clock_margin(family),
    )
    built = tuple(build(layer, setting) for layer in layers)
    return CountedDesign(layers, built, setting, family, _regime(layers, stream))


def predict(design: CountedDesign, constants: Constants, stage: str = "csynth") -> NumbersByName:
    """Every quantity of a design at a stage, before rounding."""
    if design.regime.startswith("forest"):
        return forest_numbers(design, constants, stage)
    factors = _factors(design, constants)
    numbers = {
        "lut": weigh_at(design.terms("lut"), constants, "lut", stage) * factors.get("lut", 1.0),
        "ff": weigh_at(design.terms("ff"), constants, "ff", stage) * factors.get("ff", 1.0),
        "dsp": sum(built.dsp for built in design.built),
        "bram18": sum(_brams(built, stage) for built in design.built),
        "uram": 0.0,
        "latency_cycles": design.fixed_cycles
        + weigh(design.terms("cycles"), constants["cycles"]) * factors.get("cycles", 1.0),
        "ii_cycles": design.ii_cycles,
    }
    if design.regime == "single_reused":
        _unpipeline(numbers)
    return numbers


def _unpipeline(numbers: NumbersByName) -> None:
    """A shared layer alone is no pipeline: a state more, and no new event while it works."""
    numbers["latency_cycles"] += 1.0
    numbers["ii_cycles"] = numbers["latency_cycles"] + 1


def predict_layer(design: CountedDesign, index: int, constants: Constants, stage: str) -> NumbersByName:
    """LUT, FF, DSP and BRAM18 of one layer, without what a design has once."""
    built = design.built[index]
    factors = _factors(design, constants)
    return {
        "lut": weigh_at(_counts_of(built, "lut"), constants, "lut", stage) * factors.get("lut", 1.0),
        "ff": weigh_at(_counts_of(built, "ff"), constants, "ff", stage) * factors.get("ff", 1.0),
        "dsp": built.dsp,
        "bram18": _brams(built, stage),
    }


def weigh_at(terms: Terms, constants: Constants, quantity: str, stage: str) -> float:
    """LUT or FF of counted terms at a stage: logic synthesis keeps a part of each class."""
    if stage == "csynth":
        return weigh(terms, constants[quantity])
    kept = constants["synth"][quantity]
    return sum(kept[synth_class(quantity, name)] * constants[quantity].get(name, 0.0) * n for name, n in terms.items())


def _brams(built: Built, stage: str) -> float:
    """Shallow tables of weights are memories for HLS, and LUTs after logic synthesis."""
    return built.bram18 if stage == "csynth" else built.bram18 - built.bram18_shallow


def forest_numbers(design: CountedDesign, constants: Constants, stage: str) -> NumbersByName:
    """A forest's numbers: LUT and FF per split node, latency from its depth and the tree of sums."""
    counts = [forest_counts(layer.forest, design.setting) for layer in design.layers if layer.forest]
    fitted = constants["forest"]
    total = ForestCounts.total(counts)
    numbers = dict.fromkeys(QUANTITIES, 0.0)
    if total.vhdl:
        numbers |= {"lut": total.vhdl_lut, "ff": total.vhdl_ff, "latency_cycles": total.vhdl_cycles}
    else:
        numbers["lut"] = total.comparison_lut + fitted["lut_node"] * total.nodes
        numbers["ff"] = fitted["ff_pace"] * total.registered_words
        numbers["latency_cycles"] = fitted["cycles"] + fitted["cycles_paced"] * total.paced_levels
    numbers["ii_cycles"] = 1.0
    if stage == "csynth" and not total.vhdl:
        numbers["lut"] *= fitted["csynth_lut"]
        numbers["ff"] *= fitted["csynth_ff"]
    return numbers


def weigh(terms: Terms, constants: Mapping[str, float]) -> float:
    return sum(constants.get(name, 0.0) * amount for name, amount in terms.items())


def applies_factor(design: CountedDesign) -> bool:
    """A single layer is calibrated with its own tool; the tool's factor is one of whole networks."""
    return not design.regime.startswith("single")


def _factors(design: CountedDesign, constants: Constants) -> Mapping[str, float]:
    """Factors of the design's tool on LUT, FF and cycles; products are counted the same way for every tool."""
    return constants["tool"][design.family] if applies_factor(design) else {}


@cache
def load_constants() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(CONSTANTS.read_text(encoding="utf-8"))
    return content


def default_tool() -> str:
    """The tool to assume if none is given."""
    return {"vitis_hls_2024": "Vitis HLS 2024.1"}[DEFAULT_FAMILY]


def _regime(layers: tuple[Layer, ...], stream: bool) -> str:
    kinds = {layer.kind for layer in layers}
    if "forest" in kinds:
        vhdl = all(layer.forest.library == "vhdl" for layer in layers if layer.forest)
        return "forest_vhdl" if vhdl else "forest_hls"
    matrices = [layer for layer in layers if layer.matrices]
    shared = any(m.reuse_factor > 1 and layer.strategy == "resource" for layer in matrices for m in layer.matrices)
    resource = any(layer.strategy == "resource" for layer in matrices)
    kind = "resource" if shared else "latency"
    if kinds & {"gru", "lstm"}:
        return f"recurrent_{kind}"
    if len(matrices) == 1 and kinds - {"wiring"} == {"dense"} and not stream:
        if shared:
            return "single_resource"
        reused = any(m.reuse_factor > 1 for m in matrices[0].matrices)
        return "single_reused" if reused else "single_resource_one" if resource else "single_latency"
    if not matrices:
        return "operation"
    if len(matrices) == 1 and max(m.n_in for m in matrices[0].matrices) == 1:
        return "operation"
    return f"stream_{kind}" if stream else f"network_{kind}"


def _once(design: CountedDesign) -> Terms:
    """Hardware that a design has once: input registers, states, the controller of shared multipliers."""
    first = next((layer for layer in design.layers if layer.matrices), None)
    words = first.matrices[0].n_in * first.input.width / 16.0 if first and first.positions == 1 else 0.0
    shared = any(layer.strategy == "resource" and m.reuse_factor > 1 for layer in design.layers for m in layer.matrices)
    return {Lut.ONCE_INPUT.value: words, Lut.ONCE_SHARED.value: float(shared), Lut.ONCE_STATE.value: 1.0}


def pool_of(regime: str) -> str:
    """Where a regime has too few points, designs of several layers lend theirs; forests only those of forests."""
    return "forest_hls" if regime.startswith("forest") else "networks"


def rounded(name: str, number: float) -> int:
    """Counts are whole; latency takes the nearest, resources too."""
    low = 1 if name == "ii_cycles" else 0
    return max(low, math.floor(number + 0.5)) if math.isfinite(number) else low
