"""``report.json``: the schema, as typed models. ``fasttrig build --json`` prints the same."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRow(Row):
    name: str
    version: int
    description: str
    file: str = Field(description="the trained model, relative to model.toml")
    postprocessor: str = Field(description="the link that stays outside the firmware")
    namespace: str


class LadderRow(Row):
    rung: str = Field(description="emulate, csim, cosim, ...")
    against: str = Field(description="the rung it was compared with")
    status: Literal["equal", "differs", "not run"]
    n_events: int
    n_mismatches: int = Field(description="events with at least one wrong bit")
    seconds: float
    reason: str = Field(description="why it differs (first differing op) or was not run; where the equality holds")


class AgreementRow(Row):
    n_events: int
    accuracy_float: float
    accuracy_quantised: float
    auc_float: dict[str, float] = Field(description="per class, against all others")
    auc_quantised: dict[str, float]
    argmax_flip_fraction: float
    background_rejection: dict[str, dict[str, dict[str, float | None]]] = Field(
        description="model -> class -> signal efficiency -> 1 / background efficiency; null where nothing is left"
    )
    background_rejection_error: dict[str, dict[str, dict[str, float | None]]] = Field(
        {}, description="statistical errors of the same, from a bootstrap; null where a replica keeps no background"
    )
    rejection_ratio: dict[str, dict[str, tuple[float, float] | None]] = Field(
        {}, description="class -> signal efficiency -> quantised over float rejection, and its error on the same events"
    )
    auc_loss_error: dict[str, float] = Field({}, description="of the AUC's loss per class, on the same events")


class QualityRow(Row):
    rms: float = Field(description="of prediction minus truth")
    bias: float = Field(description="median of prediction minus truth")
    resolution: float = Field(description="half the width of the central 68.27 % of prediction minus truth")
    turn_on: dict[str, dict[str, float | None]] = Field(
        description="threshold -> share of events at or above it that pass it (efficiency), and below it (fakes)"
    )


class RegressionRow(Row):
    n_events: int
    target: str
    unit: str
    quality_float: QualityRow
    quality_quantised: QualityRow
    rms_difference: float = Field(description="root mean square of quantised minus float prediction")
    rms_growth: float = Field(description="quantised RMS error over the float one, minus 1")


class WorstEventRow(Row):
    event: int = Field(description="row of the test split, from 0")
    output: str = Field(description="the class whose score differs most, or the target")
    score_float: float
    score_quantised: float
    truth: str = Field(description="the event's class, or its target")
    flips: bool = Field(description="whether the class with the highest score changes")


class InputRow(Row):
    name: str
    unit: str
    type: str
    offset: float = Field(description="subtracted first, in the feature's unit")
    shift: int = Field(description="one unit of the network's input is 2**shift of the feature's")
    low: float = Field(description="range that is not clipped, in the feature's unit")
    high: float
    clipped_fraction: float = Field(description="share of the test split outside the range")


class OpRow(Row):
    name: str
    kind: str
    shape: tuple[int, ...]
    type: str
    proved: tuple[int, int] = Field(description="lowest and highest raw integer that can occur")
    seen: tuple[int, int] = Field(description="lowest and highest raw integer on the compared events")
    overflows: int | None = Field(description="elements changed by an overflow; null for ops that cannot overflow")
    n_weights: int = Field(0, description="weights of the op, zeros included")
    n_zero_weights: int = 0
    origin: str = ""
    details: str = Field("", description="sizes and modes in words")
    n_elements: int = Field(0, description="elements of the result on all compared events")
    zero_fraction: float = Field(0.0, description="share of those that are zero")
    exact_type: str = Field("", description="the type that would be exact, where the user narrowed it by hand")
    stage: int | None = Field(None, description="RTL pipeline stage behind which the result stands; 0: the input")


class SensitivityRow(Row):
    op: str
    part: Literal["result", "weights", "leaves"]
    type: str
    narrowed: str = Field(description="the type with one fraction bit less")
    n_events: int
    change: dict[str, float] = Field(description="of the AUC by class, or of the RMS error: narrowed minus as built")


class BudgetRow(Row):
    key: str
    limit: float
    measured: float | None
    status: Literal["met", "exceeded", "not run"]
    reason: str = ""


class RtlRow(Row):
    """What the writer of the RTL project knows before anything is simulated or synthesised."""

    tool: str = Field(description="the tracer and its version")
    language: Literal["verilog", "vhdl"]
    stages: int
    latency_cycles: int
    ii_cycles: int
    register_bits: int = Field(description="between the stages, and in front of the first")
    bram18: int = Field(0, description="RAMB18 of tables too large for LUTs; the cost and the stages leave them out")
    stage_budget_ns: float = Field(description="the clock period less its uncertainty")
    longest_stage_ns: float = Field(description="by the tracer's delay model")
    alkaid_cost: float = Field(description="the tracer's count of LUTs")
    expected_routed_lut: dict[str, int] | None = Field(
        description="of a network: the cost times what LUT / cost was over 20 routed designs, with its 80 % interval; "
        "null for trees, of which no routed design is published"
    )


class SynthesisRow(Row):
    status: Literal["done", "not run"]
    reason: str = ""
    tool: str = ""
    mode: Literal["flat", "per stage", ""] = ""


class Report(Row):
    """Everything that a build found out. `latency` and `resources` hold one entry per stage and tool."""

    schema_version: int = SCHEMA_VERSION
    model: ModelRow
    target: dict[str, Any] = Field(description="the settings of [target], options included")
    verdict: Literal["good", "failed"]
    verdict_reason: str
    ladder: list[LadderRow]
    agreement: AgreementRow | None = Field(description="of classes; null without a float model or a labelled sample")
    regression: RegressionRow | None = Field(None, description="the same for a model that predicts a number")
    agreement_reason: str = ""
    sample: str = Field("", description="the labelled events: how many, of which split and sample")
    worst_events: list[WorstEventRow] = Field([], description="where quantised and float model differ most")
    inputs: list[InputRow]
    ops: list[OpRow]
    sensitivity: list[SensitivityRow] = Field([], description="every op with one fraction bit less, emulated")
    budget: list[BudgetRow]
    latency: list[dict[str, Any]] = []
    resources: list[dict[str, Any]] = []
    rtl: RtlRow | None = Field(None, description="null without an RTL project")
    synthesis: SynthesisRow | None = Field(None, description="logic synthesis of the RTL; null when not asked for")
    manifest: dict[str, Any] = Field(description="hashes, tool versions, seeds")

    @property
    def good(self) -> bool:
        return self.verdict == "good"

    def _repr_html_(self) -> str:
        """What Jupyter shows: verdict, key figures, ladder."""
        from fasttrig.report.html.card import report_html

        return report_html(self)
