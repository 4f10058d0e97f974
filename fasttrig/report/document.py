"""``report.json``: the schema, as typed models. ``fasttrig build --json`` prints the same, and the stages."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fasttrig.report.hardware import CountRow, LatencyRow, ReportedResources, ReportRow, ReportStage, SynthesisMode

SCHEMA_VERSION = 1


class ModelRow(ReportRow):
    name: str
    version: int
    description: str
    file: str = Field(description="the trained model, relative to model.toml")
    postprocessor: str = Field(description="the link that stays outside the firmware")
    namespace: str
    classes: list[str] = Field([], description="names of the scores, or the target of a regression")
    sha256: str = Field("", description="of the model's file; empty where no model.toml names it")
    fasttrig: str = Field("", description="the version that built it")


class LadderRow(ReportRow):
    rung: str = Field(description="emulate, csim, cosim, ...")
    against: str = Field(description="the rung it was compared with")
    status: Literal["equal", "differs", "not run"]
    n_events: int
    n_mismatches: int = Field(description="events with at least one wrong bit")
    seconds: float
    reason: str = Field(description="why it differs (first differing op) or was not run; where the equality holds")


class AgreementRow(ReportRow):
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


class QualityRow(ReportRow):
    rms: float = Field(description="of prediction minus truth")
    bias: float = Field(description="median of prediction minus truth")
    resolution: float = Field(description="half the width of the central 68.27 % of prediction minus truth")
    turn_on: dict[str, dict[str, float | None]] = Field(
        description="threshold -> share of events at or above it that pass it (efficiency), and below it (fakes)"
    )


class RegressionRow(ReportRow):
    n_events: int
    target: str
    unit: str
    quality_float: QualityRow
    quality_quantised: QualityRow
    rms_difference: float = Field(description="root mean square of quantised minus float prediction")
    rms_growth: float = Field(description="quantised RMS error over the float one, minus 1")


class SeedRow(ReportRow):
    name: str
    condition: str = Field(description="as model.toml says it")
    n_events: int
    efficiency: dict[str, float] = Field(description="share of each class that the firmware's bit takes")
    efficiency_float: dict[str, float] | None = Field(description="the same of the float twins")
    changed: float | None = Field(description="share of all events on which firmware and float twins differ")
    alone: float = Field(description="share of all events that this seed takes and no other one")
    overlap: dict[str, float | None] = Field(description="other seed -> share of this seed's events that it takes too")


class OutputRow(ReportRow):
    name: str
    shape: tuple[int, ...]
    type: str
    width: int
    fraction_bits: int = Field(description="a word stands for word * 2**-fraction_bits")
    signed: bool
    link: str = Field(description="from the margin to the score, on the host; 'none' where the output is the score")
    link_scale: str = Field("1", description="the margin is multiplied by it first; a rational number")
    words: list[str] = Field([], description="what each word is about: classes, or the target of a regression")


class WordCountRow(ReportRow):
    output: str = Field(description="the class, or the target")
    n_distinct: int = Field(description="distinct words on the labelled events")
    largest_tie: float = Field(description="share of the events that have the commonest word")
    largest_tie_raw: int = Field(description="that word")


class WorkingPointRow(ReportRow):
    output: str = Field(description="the class that is signal, or the target")
    decision: Literal["word", "lead", "largest"] = Field(
        description="word: the raw word of the class against the threshold; lead: the word minus the largest other "
        "one against the threshold; largest: the word is the largest, of equal ones the first"
    )
    target: float | None = Field(description="signal efficiency to keep at least, or cut on the prediction")
    threshold_raw: int | None = Field(description="events pass at or above it; counts the output's LSB")
    efficiency: float | None = Field(description="share of signal that passes")
    background_efficiency: float | None = Field(description="share of all other events that passes")
    background_rejection: float | None = Field(description="1 / background efficiency; null where nothing is left")
    rate_khz: float | None = Field(description="input rate times background efficiency")


class RankingRow(ReportRow):
    output: str
    ranked_by: Literal["score", "word", "lead"] = Field(description="score: after the link; else as the decisions")
    auc: float = Field(description="against all others")
    background_rejection: dict[str, float | None] = Field(
        description="signal efficiency -> 1 / background efficiency, interpolated between words"
    )


class PairRow(ReportRow):
    signal: str
    against: list[str] = Field(description="the classes that count as background")
    auc: float = Field(description="by the word of the signal minus the largest of the background's")
    threshold_raw: dict[str, int] = Field(description="signal efficiency to keep at least -> threshold on that number")
    efficiency: dict[str, float] = Field(description="share of the signal that reaches the threshold")
    background_rejection: dict[str, float | None] = Field(description="at the threshold; null where nothing is left")


class ProfileRow(ReportRow):
    column: str = Field(description="of the sample; the model need not see it")
    unit: str
    output: str
    threshold_raw: int = Field(description="on the word of the class; keeps half of it at least")
    edges: list[float] = Field(description="of bins with equally many events")
    efficiency: list[float | None] = Field(description="of the class per bin; null for few events")
    background_efficiency: list[float | None]


class DecisionCostRow(ReportRow):
    decision: str = Field(description="lead, largest, or softmax: that of the link, from tables in the firmware")
    stage: ReportStage
    lut: CountRow = Field(description="beyond the design's own LUTs")
    latency_cycles: CountRow


class FirmwareRow(ReportRow):
    """Physics of the raw words, which a trigger cuts on: decisions that hardware computes exactly."""

    n_events: int
    input_rate_khz: float = Field(description="[physics] input_rate_khz")
    words: list[WordCountRow]
    working_points: list[WorkingPointRow]
    rankings: list[RankingRow] = Field([])
    pairs: list[PairRow] = Field([])
    confusion: list[list[float]] = Field(
        [], description="share of each true class (row) for which the word of each class (column) is the largest"
    )
    profiles: list[ProfileRow] = Field([])
    costs: list[DecisionCostRow] = Field([], description="of decisions in hardware; a word alone is one comparison")


class SaturationRow(ReportRow):
    n_events: int = Field(description="the labelled events; all compared ones where there are none")
    clipped_events: float = Field(description="share of the events in which some cast clips an element")


class LeafGridRow(ReportRow):
    fraction_bits: int = Field(description="of the leaves")
    n_events: int = Field(description="the labelled events; all compared ones where there are none")
    n_flipped: int = Field(description="events whose decision differs from that of leaves which are not rounded")


class RoundedScaleRow(ReportRow):
    layer: str = Field(description="of the framework")
    part: str = Field(description="kernel_quantizer, bias_quantizer or scale (a batch normalisation)")
    n_scales: int
    bits: int = Field(description="of the widest multiplier, without sign and trailing zeros")
    largest_change: float = Field(description="of a scale, as a share of it")
    error_lsb: float = Field(description="largest error of a number that is not clipped, in `lsb`")
    lsb: str


class RoundedScalesRow(ReportRow):
    """Real scales of the trained model that the firmware has as integer multipliers; the ladder's framework too."""

    scales: list[RoundedScaleRow]
    n_events: int = Field(0, description="labelled events of `change`; 0 where there are none")
    change: dict[str, float] = Field(
        {}, description="of the AUC by class, or of the RMS error: with multipliers minus with the real scales"
    )
    reason: str = Field("", description="why `change` was not measured")


class WorstEventRow(ReportRow):
    event: int = Field(description="row of the test split, from 0")
    output: str = Field(description="the class whose score differs most, or the target")
    score_float: float
    score_quantised: float
    truth: str = Field(description="the event's class, or its target")
    flips: bool = Field(description="whether the class with the highest score changes")


class InputRow(ReportRow):
    name: str
    unit: str
    type: str
    offset: float = Field(description="subtracted first, in the feature's unit")
    shift: int = Field(description="one unit of the network's input is 2**shift of the feature's")
    low: float = Field(description="range that is not clipped, in the feature's unit")
    high: float
    clipped_fraction: float = Field(description="share of the test split outside the range")
    description: str = Field("", description="what the sample's file says")
    equals: str = Field("", description="an earlier input with the same numbers, or words, on every event")
    is_constant: bool = Field(False, description="whether every event of the test split has the same word")


class OpRow(ReportRow):
    name: str
    kind: str
    shape: tuple[int, ...]
    type: str
    proved: tuple[int, int] = Field(description="lowest and highest raw integer that can occur")
    seen: tuple[int, int] = Field(description="lowest and highest raw integer on the compared events")
    overflows: int | None = Field(description="elements changed by an overflow; null for ops that cannot overflow")
    cut_fraction: float | None = Field(
        None, description="share of elements below zero of which an unsigned type keeps zero (ReLU); null for no cast"
    )
    clipped_fraction: float | None = Field(None, description="share of elements that the type cannot hold; a loss")
    clipped_events: float | None = Field(None, description="share of events with at least one such element")
    n_weights: int = Field(0, description="weights of the op, zeros included")
    n_zero_weights: int = 0
    origin: str = ""
    details: str = Field("", description="sizes and modes in words")
    n_elements: int = Field(0, description="elements of the result on all compared events")
    zero_fraction: float = Field(0.0, description="share of those that are zero")
    exact_type: str = Field("", description="the type that would be exact, where the user narrowed it by hand")
    stage: int | None = Field(None, description="RTL pipeline stage after which the result is available; 0: the input")


class SensitivityRow(ReportRow):
    op: str
    part: Literal["result", "weights", "leaves"]
    type: str
    narrowed: str = Field(description="the type with one fraction bit less")
    n_events: int
    change: dict[str, float] = Field(description="of the AUC by class, or of the RMS error: narrowed minus as built")


class BudgetRow(ReportRow):
    key: str
    limit: float
    measured: float | None
    status: Literal["met", "exceeded", "not run"]
    reason: str = ""


class RtlRow(ReportRow):
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
    expected_routed_lut: CountRow | None = Field(
        description="of a network: the cost times what LUT / cost was over 20 routed designs, with its 80 % interval; "
        "null for trees, of which no routed design is published"
    )


class SynthesisRow(ReportRow):
    status: Literal["done", "not run"]
    reason: str = ""
    tool: str = ""
    mode: SynthesisMode | Literal[""] = ""


class ReportHead(ReportRow):
    schema_version: int = SCHEMA_VERSION
    model: ModelRow
    target: dict[str, Any] = Field(description="the settings of [target], options included")
    verdict: Literal["good", "failed"]
    verdict_reason: str
    ladder: list[LadderRow]


class MeasuredRows(ReportRow):
    """The part of the report that the compared events decide; a build folder keeps these rows for a redone report."""

    agreement: AgreementRow | None = Field(description="of classes; null without a float model or a labelled sample")
    regression: RegressionRow | None = Field(None, description="the same for a model that predicts a number")
    second_head: RegressionRow | None = Field(None, description="of a number beside the classes, the second output")
    seeds: list[SeedRow] = Field([], description="of [decision.seeds], on the labelled events")
    agreement_reason: str = ""
    outputs: list[OutputRow] = Field([], description="what leaves the firmware: type, scale and link of each output")
    firmware: FirmwareRow | None = Field(None, description="null without labelled events")
    saturation: SaturationRow | None = Field(None, description="null for a graph without casts")
    leaf_grid: LeafGridRow | None = Field(None, description="null where no leaf is rounded, or no class decided")
    rounded_scales: RoundedScalesRow | None = Field(None, description="null for a model without real scales")
    sample: str = Field("", description="the labelled events: how many, of which split and sample")
    worst_events: list[WorstEventRow] = Field([], description="where quantised and float model differ most")
    inputs: list[InputRow]
    ops: list[OpRow]
    sensitivity: list[SensitivityRow] = Field([], description="every op with one fraction bit less, emulated")


class Report(MeasuredRows, ReportHead):
    """Everything that a build found out. `latency` and `resources` hold one entry per stage and tool."""

    budget: list[BudgetRow]
    latency: list[LatencyRow] = Field([])
    resources: list[ReportedResources] = Field([])
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
