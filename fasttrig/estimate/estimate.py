"""The estimate of a design described in plain words: the public function ``fasttrig.estimate``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fasttrig.base.errors import InputError
from fasttrig.estimate.cost_model import (
    QUANTITIES,
    CountedDesign,
    count,
    default_tool,
    load_constants,
    predict,
    predict_layer,
    rounded,
)
from fasttrig.estimate.devices import Device as Chip
from fasttrig.estimate.devices import find_device
from fasttrig.estimate.distance import Point, nearest, point_of
from fasttrig.estimate.intervals import ErrorInterval, find_interval, spread
from fasttrig.estimate.layer_costs import Layer, read_layers
from fasttrig.estimate.outside import reasons_outside, serial_inputs
from fasttrig.estimate.tools import stage_of_tool
from fasttrig.estimate.types import is_stream

DEFAULT_PART = "xcvu13p-flga2577-2-e"
STAGES = ("csynth", "synth")
_STAGE_NAMES = {
    "csynth": "csynth",
    "hls_csynth": "csynth",
    "hls": "csynth",
    "synth": "synth",
    "vivado_synth": "synth",
    "post_synth": "synth",
    "route": "synth",
    "post_route": "synth",
    "post_route_ooc": "synth",
    "post_impl": "synth",
    "impl": "synth",
}
_WIDER = 1.5
_FAR = 1.5
_STREAM_POSITIONS = 512


@dataclass(frozen=True, slots=True)
class Number:
    """A count with the interval that holds the tool's own number in 80 of 100 cases."""

    value: int
    low: int
    high: int

    def to_dict(self) -> dict[str, int]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class LayerEstimate:
    """Share of one layer in the total. Intervals are known for whole designs only."""

    name: str
    kind: str
    lut: int
    ff: int
    dsp: int
    bram18: int

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("name", "kind", "lut", "ff", "dsp", "bram18")}


@dataclass(frozen=True, slots=True)
class Estimate:
    """Resources and latency of one design at one stage.

    Attributes
    ----------
    lut, ff, dsp, bram18, uram, latency_cycles, ii_cycles : Number
        Counts, each with its 80 % interval.
    stage : "csynth" or "synth"
        Source that the number predicts: the HLS report, or the report after logic synthesis.
    tool : str
        The tool assumed.
    calibration : dict
        The kind of design (`regime`) whose cross-validated errors made the interval of LUT, the number of its reports
        and repositories, and the distance of the design to the nearest report (a factor of eight in one size, or one
        property that differs, is about 1).
    notes : tuple of str
        Why an interval is wide, and what was assumed.
    """

    stage: str
    tool: str
    part: str
    clock_period_ns: float
    lut: Number
    ff: Number
    dsp: Number
    bram18: Number
    uram: Number
    latency_cycles: Number
    ii_cycles: Number
    calibration: dict[str, Any]
    layers: tuple[LayerEstimate, ...]
    notes: tuple[str, ...] = ()
    shares: dict[str, float | None] = field(default_factory=dict)
    crosses_slr: bool = False

    @property
    def latency_ns(self) -> float:
        return self.latency_cycles.value * self.clock_period_ns

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        return {
            **{name: getattr(self, name).to_dict() for name in QUANTITIES},
            "latency_ns": self.latency_ns,
            "stage": self.stage,
            "tool": self.tool,
            "part": self.part,
            "clock_period_ns": self.clock_period_ns,
            "calibration": self.calibration,
            "notes": list(self.notes),
            "shares": self.shares,
            "crosses_slr": self.crosses_slr,
            "layers": [layer.to_dict() for layer in self.layers],
        }


def estimate(
    layers: Iterable[Mapping[str, Any]],
    *,
    part: str | None = None,
    clock_period_ns: float | None = None,
    strategy: str | None = None,
    reuse_factor: int | list[int] | None = None,
    tool: str | None = None,
    io_type: str | None = None,
    stage: str | None = None,
    input_t: str | None = None,
) -> Estimate:
    """Estimate a design described by its layers.

    Only ``layers`` must be given, and of each layer its ``kind`` and sizes; unknown fields are ignored, and a field
    that holds None, -1 or the name of a C++ constant counts as not given.

    Parameters
    ----------
    layers : iterable of dict
        In order of the data. Sizes, as hls4ml's parameters.h names them, by ``kind``:

        - ``dense``: n_in, n_out
        - ``conv1d``, ``conv2d``: in_width, in_height, out_width, out_height, n_chan, n_filt, filt_width, filt_height
          (a ``dense`` of the same matrix right before it, as hls4ml lists one, is taken as its own)
        - ``pooling1d``, ``pooling2d``: as a convolution, or n_in positions and n_filt channels; pool_width,
          pool_height, pool_op (max or average; default max); without an output size, one over all positions
        - ``batchnorm``, ``activ`` (or relu, sigmoid, tanh, softmax, ...): n_in; table_size (1,024); activation (default
          ReLU; of the last layer softmax, or sigmoid with one value)
        - ``gru``, ``lstm``: n_in, n_out, n_sequence (default 1)
        - ``padding1d``, ``padding2d``, ``merge``: their sizes
        - ``forest``: n_trees (or rounds, times classes above 2), depth (3), nodes (full trees), n_comparisons (nodes),
          classes (1), bits (18), library (hls or vhdl)

        Of every layer, with its default: input_t (ap_fixed<16,6>, or the result_t before), weight_t (ap_fixed<16,6>),
        accum_t (ap_fixed<16,6>), bias_t (adds no cost), reuse_factor and strategy (the design's). Zero
        weights: n_nonzeros, n_zeros, sparsity (share of zeros) or weights (n_in x n_out real numbers, rounded to
        weight_t; those that round to zero are counted, and the products are those of these weights); without any of
        them no weight is pruned, and a layer that says ``pruned`` is refused. Weights that are not given count as
        uniform up to sqrt(3 / n_in).
    part : str
        Part, device or board; default xcvu13p-flga2577-2-e.
    clock_period_ns : float
        Default 5.
    strategy : str
        Latency, Resource, distributed_arithmetic or Unrolled; default latency; of ``latency/resource`` the first.
    reuse_factor : int or list of int
        Default 1; of a list the largest, for layers that say none.
    tool : str
        Such as ``Vitis HLS 2024.1`` (the default) or ``Vivado HLS 2019.2``.
    io_type : str
        io_parallel or io_stream; default: a stream where a type says so (``nnet::array``), for large images and where
        padding is a separate layer (hls4ml has such layers in streams only); else parallel.
    stage : str
        csynth (the HLS report) or synth (after logic synthesis). Default: that of the tool, so synth for ``Vivado
        v.2020.1`` and for forests without a tool, else csynth.

    Raises
    ------
    InputError
        For an unknown kind, strategy or stage, an invalid clock, or a pruned layer without its count of zeros.
    """
    _check(stage, clock_period_ns, io_type)
    items = [dict(item) for item in layers]
    if not items:
        raise InputError("the design has no layers", want="at least one layer")
    first = input_t or items[0].get("input_t")
    reuse = max(reuse_factor) if isinstance(reuse_factor, list | tuple) else reuse_factor
    read = read_layers(items, strategy=strategy or "latency", reuse_factor=int(reuse or 1), input_t=first)
    stream = _is_stream(io_type, read, [first, *(item.get("input_t") for item in items)])
    return estimate_layers(
        read,
        part=part or DEFAULT_PART,
        clock_period_ns=float(clock_period_ns or 5.0),
        tool=tool,
        stream=stream,
        stage=_stage(stage, tool, read),
    )


def estimate_layers(
    layers: tuple[Layer, ...],
    *,
    part: str,
    clock_period_ns: float,
    tool: str | None,
    stream: bool,
    stage: str,
    device: Chip | None = None,
) -> Estimate:
    """The estimate of typed layers; `device` where its sizes are stated and not those of the table."""
    constants = load_constants()
    design = count(layers, part=part, clock_period_ns=clock_period_ns, tool=tool or default_tool(), stream=stream)
    numbers = predict(design, constants, stage)
    distance = nearest(point_of(design), _seen())
    reasons = reasons_outside(design, tool)
    intervals = {
        name: _interval(name, design, stage, numbers[name], distance, bool(reasons.widen)) for name in QUANTITIES
    }
    used = {name: float(intervals[name][0].value) for name in QUANTITIES}
    shares, crosses, missing = _device(part, used, device)
    notes = [
        *reasons.widen,
        *reasons.mention,
        *_far(distance),
        *_grouped({name: note for name, (_, note) in intervals.items() if note}),
        *missing,
    ]
    if crosses:
        notes.append("larger than one SLR: the design crosses between dies")
    return Estimate(
        stage=stage,
        tool=tool or default_tool(),
        part=part,
        clock_period_ns=clock_period_ns,
        **{name: intervals[name][0] for name in QUANTITIES},
        calibration=_calibration(design, stage, distance, constants),
        layers=tuple(_layer(design, index, constants, stage) for index in range(len(layers))),
        notes=tuple(notes),
        shares=shares,
        crosses_slr=crosses,
    )


def _stage(stage: str | None, tool: str | None, layers: Iterable[Layer]) -> str:
    """The stage asked for, else the tool's; a forest's HLS report says nothing about its hardware."""
    if stage:
        return _STAGE_NAMES[stage.lower()]
    return "synth" if not tool and all(layer.kind == "forest" for layer in layers) else stage_of_tool(tool)


def _check(stage: str | None, clock_period_ns: float | None, io_type: str | None) -> None:
    if stage and stage.lower() not in _STAGE_NAMES:
        raise InputError("no such stage", got=repr(stage), want=" or ".join(STAGES))
    if clock_period_ns is not None and not (math.isfinite(clock_period_ns) and clock_period_ns > 0):
        raise InputError("a clock period must be positive", got=repr(clock_period_ns), want="ns, such as 2.5")
    if io_type not in (None, "", "io_parallel", "io_stream"):
        raise InputError("no such io_type", got=repr(io_type), want="io_parallel or io_stream")


def _is_stream(io_type: str | None, layers: tuple[Layer, ...], types: Iterable[object]) -> bool:
    if io_type:
        return io_type == "io_stream"
    return any(is_stream(said) for said in types) or any(
        layer.kind == "padding" or (layer.kind == "conv2d" and layer.positions > _STREAM_POSITIONS) for layer in layers
    )


def _interval(
    name: str, design: CountedDesign, stage: str, number: float, distance: float, wider: bool
) -> tuple[Number, str]:
    value = rounded(name, number)
    known, note = find_interval(_intervals(), stage, design.regime, name)
    low, high = known.at(distance)
    if wider:
        low, high = _WIDER * low, _WIDER * high
    least = math.floor((value + 1) * math.exp(low) - 1 + 0.5)
    most = math.ceil((value + 1) * math.exp(high) - 1 - 0.5)
    if name == "latency_cycles":
        most += serial_inputs(design)
    floor = 1 if name == "ii_cycles" else 0
    return Number(value, max(floor, min(value, least)), max(value, most)), note


@cache
def _intervals() -> dict[str, ErrorInterval]:
    return {key: ErrorInterval.from_dict(content) for key, content in load_constants()["intervals"].items()}


@cache
def _seen() -> tuple[Point, ...]:
    return tuple(Point.from_list(content) for content in load_constants()["seen"])


def _far(distance: float) -> list[str]:
    if distance < _FAR:
        return []
    return [f"no calibrated design is near (distance {distance:.1f}): intervals {spread(distance):.1f} times as wide"]


def _grouped(notes: Mapping[str, str]) -> list[str]:
    """Notes with the quantities they hold for."""
    return [
        f"{', '.join(name for name in notes if notes[name] == note)}: {note}" for note in dict.fromkeys(notes.values())
    ]


def _calibration(design: CountedDesign, stage: str, distance: float, constants: dict[str, Any]) -> dict[str, Any]:
    known, _ = find_interval(_intervals(), stage, design.regime, "lut")
    return {
        "regime": design.regime,
        "tool_family": design.family,
        "n_reports": known.n,
        "n_repositories": known.repositories,
        "n_all": constants["records"],
        "distance": round(distance, 2),
    }


def _device(part: str, used: dict[str, float], device: Chip | None) -> tuple[dict[str, float | None], bool, list[str]]:
    try:
        device = device or find_device(part)
    except InputError as error:
        return {}, False, [f"part {part!r} is not in the table of devices ({error.try_}): no shares"]
    shares = device.shares(used)
    full = [name for name, share in shares.items() if share is None or share > 1]
    return shares, device.crosses_slr(used), [f"does not fit {device.name}: {', '.join(full)}"] if full else []


def _layer(design: CountedDesign, index: int, constants: dict[str, Any], stage: str) -> LayerEstimate:
    layer = design.layers[index]
    numbers = dict.fromkeys(("lut", "ff", "dsp", "bram18"), 0.0)
    if layer.kind != "forest":
        numbers = predict_layer(design, index, constants, stage)
    elif len(design.layers) == 1:
        numbers = predict(design, constants, stage)
    return LayerEstimate(layer.name, layer.kind, *(rounded(n, numbers[n]) for n in ("lut", "ff", "dsp", "bram18")))
