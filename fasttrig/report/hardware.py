"""Rows of latency and resources in the report, and the stages that their numbers come from."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from fasttrig.estimate.devices import RESOURCES

LAYER_RESOURCES = ("lut", "ff", "dsp", "bram18")
"""Those that estimates divide among the ops."""

DesignName: TypeAlias = Literal["RTL", "HLS"]
FlowStep: TypeAlias = Literal["csynth", "synth", "route", ""]
"""Step of a vendor's flow from HLS code to a routed design; empty outside such a flow."""
SynthesisMode: TypeAlias = Literal["flat", "per module", "per stage"]
"""How logic synthesis ran; "per stage" is in reports of earlier versions only."""
_ADVANCED: tuple[FlowStep, ...] = ("route", "synth", "csynth", "")


class StageOrigin(Enum):
    """Who produces the numbers of a stage."""

    COST_MODEL = "fasttrig's estimate"
    VENDOR_TOOL = "report of a vendor tool"
    OPEN_TOOL = "simulation or logic synthesis with open tools"
    RTL_WRITER = "figures known when the RTL is written"


class ReportStage(StrEnum):
    """Stage of a row of latency or resources; its value is the text in ``report.json``.

    Attributes
    ----------
    origin : who produces the numbers
    design : the design of the build that the numbers describe
    step : step of the vendor's flow that the numbers describe or predict
    """

    ESTIMATED_CSYNTH = "estimate of csynth", StageOrigin.COST_MODEL, "HLS", "csynth"
    ESTIMATED_SYNTH = "estimate of synth", StageOrigin.COST_MODEL, "HLS", "synth"
    VENDOR_CSYNTH = "vendor csynth", StageOrigin.VENDOR_TOOL, "HLS", "csynth"
    VENDOR_SYNTH = "vendor synth", StageOrigin.VENDOR_TOOL, "HLS", "synth"
    VENDOR_ROUTE = "vendor route", StageOrigin.VENDOR_TOOL, "HLS", "route"
    RTLSIM = "rtlsim", StageOrigin.OPEN_TOOL, "RTL", ""
    SYNTH = "synth", StageOrigin.OPEN_TOOL, "RTL", "synth"
    DECLARED = "declared", StageOrigin.RTL_WRITER, "RTL", ""
    EXPECTED = "expected after routing", StageOrigin.RTL_WRITER, "RTL", ""

    origin: StageOrigin
    design: DesignName
    step: FlowStep

    def __new__(cls, text: str, origin: StageOrigin, design: DesignName, step: FlowStep) -> ReportStage:
        stage = str.__new__(cls, text)
        stage._value_ = text
        stage.origin, stage.design, stage.step = origin, design, step
        return stage

    @classmethod
    def of(cls, origin: StageOrigin, step: str) -> ReportStage:
        """The stage of `origin` at `step`."""
        return next(stage for stage in cls if stage.origin is origin and stage.step == step)

    @property
    def is_estimate(self) -> bool:
        return self.origin is StageOrigin.COST_MODEL

    @property
    def is_measured(self) -> bool:
        """Whether a tool observed or counted the numbers; the cycles that the RTL declares are exact as well."""
        return not self.is_estimate and self is not ReportStage.EXPECTED

    @property
    def place(self) -> int:
        """0 for the most advanced step of the flow; the largest number outside a flow, e.g. for a simulation."""
        return _ADVANCED.index(self.step)


class ReportRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CountRow(ReportRow):
    """A count with its 80 % interval; the interval of an exact count is the count itself."""

    value: int
    low: int
    high: int

    @classmethod
    def exact(cls, number: int) -> CountRow:
        return cls(value=number, low=number, high=number)

    @property
    def is_exact(self) -> bool:
        return self.low == self.high


class LatencyRow(ReportRow):
    """Latency and initiation interval at one stage."""

    stage: ReportStage
    tool: str
    file: str = Field("", description="the vendor's report; absent for other stages")
    latency_cycles: CountRow
    ii_cycles: CountRow
    latency_ns: float
    notes: list[str] = []

    @model_serializer(mode="wrap")
    def _without_empty_file(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = handler(self)
        return {name: value for name, value in content.items() if name != "file" or value}


class LayerResourcesRow(ReportRow):
    """Share of one op in an estimate."""

    name: str
    kind: str
    lut: int
    ff: int
    dsp: int
    bram18: int


class ResourceRow(ReportRow):
    """Resources at one stage; a count is absent if the tool did not report the resource."""

    stage: ReportStage
    tool: str
    part: str
    shares: dict[str, float | None] = Field(description="resource -> share of the device; null if it has none")
    crosses_slr: bool = Field(description="whether the design needs more than one die of the device")
    notes: list[str]
    lut: CountRow | None = None
    ff: CountRow | None = None
    dsp: CountRow | None = None
    bram18: CountRow | None = None
    uram: CountRow | None = None

    @property
    def counts(self) -> dict[str, CountRow]:
        """The counts that are known, by resource."""
        found = {name: getattr(self, name) for name in RESOURCES}
        return {name: number for name, number in found.items() if number is not None}

    @model_serializer(mode="wrap")
    def _without_unknown_counts(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = handler(self)
        return {name: value for name, value in content.items() if value is not None or name not in RESOURCES}


class EstimatedResources(ResourceRow):
    """An estimate of the HLS project."""

    stage: Literal[ReportStage.ESTIMATED_CSYNTH, ReportStage.ESTIMATED_SYNTH]
    calibration: dict[str, str | int | float] = Field(description="reports that the interval comes from")
    layers: list[LayerResourcesRow] = Field(description="shares of the ops in the counts")


class VendorResources(ResourceRow):
    """Counts in the report of a vendor tool."""

    stage: Literal[ReportStage.VENDOR_CSYNTH, ReportStage.VENDOR_SYNTH, ReportStage.VENDOR_ROUTE]
    file: str = Field(description="the vendor's report")
    wns_ns: float | None = Field(description="worst negative slack; null without a timing report")


class SynthesisedResources(ResourceRow):
    """Primitives that logic synthesis of the RTL used."""

    stage: Literal[ReportStage.SYNTH]
    family: str = Field(description="device family, in Yosys' words")
    mode: SynthesisMode
    lut_by_size: dict[str, int]
    memory_luts: int
    carry: int = Field(description="carry cells of four bits")
    logic_levels: int = Field(description="cells on the longest path between registers")
    lut_per_cost: float | None = Field(description="LUTs over alkaid's cost")
    cells: dict[str, int] = Field(description="primitive -> how many of them")


ReportedResources: TypeAlias = Annotated[
    EstimatedResources | VendorResources | SynthesisedResources, Field(discriminator="stage")
]
AnyHardwareRow = TypeVar("AnyHardwareRow", bound=LatencyRow | ResourceRow)
AnyResources = TypeVar("AnyResources", bound=ResourceRow)


def last_measured(rows: Sequence[AnyHardwareRow]) -> AnyHardwareRow | None:
    """The last row whose numbers a tool measured; None if every row is an estimate."""
    return next((row for row in reversed(rows) if row.stage.is_measured), None)
