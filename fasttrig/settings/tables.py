"""The tables of ``model.toml``, typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from fasttrig.base.fixed import Overflow, Rounding
from fasttrig.base.setting_types import FeatureNames, Name, Namespace, TypeField

OutputActivation = Literal["postprocessor", "firmware"]
Strategy = Literal["latency", "resource", "distributed_arithmetic"]
LoopSchedule = Literal["parallel", "iterated"]
RtlSchedule = Literal["parallel", "iterated", "streamed"]


class Settings(BaseModel):
    """Base of all tables: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)


class ModelSettings(Settings):
    """``[model]``: name and files of the model (paths relative to model.toml)."""

    name: Name
    description: str = ""
    version: int = Field(1, ge=1, le=999_999, strict=True, description="goes into the C++ namespace: <name>_v<version>")
    file: str = Field("", description="the trained model: .h5, .keras (QKeras); .json, .ubj (XGBoost) and other trees")
    weights_file: str | None = Field(None, description="weights (.h5) of a Keras architecture (.json) in `file`")
    float_file: str | None = Field(None, description="the float twin, for the comparison in physics units")
    inputs_file: str = Field("inputs.json", description="the input map chosen from the training sample")
    output_activation: OutputActivation = Field(
        "postprocessor",
        description="where a network's final softmax or sigmoid is computed; postprocessor: the host",
    )
    quantisation: Literal["trained", "fasttrig"] = Field(
        "trained", description="whose the quantisation of `file` is: of the training, or of `fasttrig quantise`"
    )
    max_scale_error_lsb: float | None = Field(
        None, ge=0, lt=1024, description="what rounding a real scale of a network may change; default 0.25, 0: refuse"
    )
    batchnorm_type: TypeField | None = Field(
        None, description="scales and offsets of batch normalisations are rounded to it"
    )
    card: str = Field("README.md", description="the model card that `fasttrig train` writes")


class DataSettings(Settings):
    """``[data]``: the event sample, its columns, and the goal of training: `classes`, or the column `target`.

    A network with both has two outputs: the classes, then a number that estimates the target.
    """

    sample: str = Field("jets5", description="the embedded sample's name, or a path relative to model.toml")
    features: FeatureNames = Field(
        (), description="inputs in order; pt[3]: a place in lists, pt,eta[0:16]: a set of 16"
    )
    classes: tuple[str, ...] = Field((), description="names of the labels 0, 1, ...")
    target: str = Field("", description="column to learn by regression, e.g. log2_pt")
    target_unit: str = ""
    thresholds: tuple[float, ...] = Field((), description="cuts on the target whose efficiency the report gives")

    @model_validator(mode="after")
    def _one_task(self) -> DataSettings:
        if self.target and self.features == ():
            raise ValueError("a regression needs a target and features")
        if len(self.classes) < 2 and (self.classes or not self.target):
            raise ValueError("classes: want at least two names, or a target for a regression")
        return self

    @property
    def is_regression(self) -> bool:
        return bool(self.target) and not self.classes

    @property
    def has_second_head(self) -> bool:
        """Whether a second output estimates the target beside the classes."""
        return bool(self.target and self.classes)


class InputSettings(Settings):
    """``[inputs]``: how a feature becomes a fixed-point number: an add and a shift."""

    type: TypeField = Field(description="the network's input type; features may be narrower, see `types`")
    quantile: float = Field(0.999, gt=0.5, le=1.0, description="central share of the training sample inside the range")
    types: dict[str, TypeField] = Field({}, description="narrower type of single features")


class PreparationSettings(Settings):
    """``[preparation]``: what a project with ``[taggers]`` does with the words before a tagger reads them."""

    sort_by: str = Field("", description="column of lists: objects arrive in any order, the taggers read the greatest")
    n_objects: int | None = Field(None, ge=1, description="that arrive; default: as many as the taggers read")


class DecisionSettings(Settings):
    """``[decision]``: what leaves the firmware of a project with ``[taggers]``; without it, the outputs of all."""

    scores: str = Field("", description="the tagger whose scores leave; default: those of all taggers")
    where: str = Field("", description="a condition: elsewhere, `otherwise` leaves instead of the scores")
    otherwise: str | float = Field(0.0, description="another tagger, or a number for each score")
    seeds: dict[Name, str] = Field({}, description="bits by name, each a condition: network.t > 1.5 and mass > 60")


class ArchitectureSettings(Settings):
    """``[architecture]``: a dense network, or a Python file that makes any network; `fasttrig train` alone runs it."""

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field((), description="widths of the hidden layers")
    file: str | None = Field(
        None, description="instead of `hidden`: a Python file with quantised_network and float_network"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> ArchitectureSettings:
        if ("hidden" in self.model_fields_set) == (self.file is not None):
            raise ValueError('want either hidden = [64, 32], or file = "architecture.py"')
        return self


class QuantiserSettings(Settings):
    """``[quantisers]``: types as ap_fixed counts them, used by quantisation-aware training."""

    weight: TypeField
    bias: TypeField
    activation: TypeField


class TreeSettings(Settings):
    """``[trees]``: gradient boosting with XGBoost; for a regression the squared error is the loss."""

    rounds: int = Field(20, ge=1, description="boosting rounds; each has one tree per class")
    max_depth: int = Field(4, ge=1, le=12)
    learning_rate: float = Field(0.3, gt=0)
    min_child_weight: float = Field(10.0, ge=0)
    min_rejection: float | None = Field(
        None, gt=0, description="of background, every class, quantised, at half of the signal kept"
    )
    max_auc_loss: float = Field(0.002, ge=0, description="mean AUC that coarser inputs, then coarser leaves, may cost")
    max_rms_growth: float = Field(0.01, ge=0, description="as max_auc_loss, for a regression: growth of its RMS error")
    types_file: str = Field("types.json", description="leaf grid found by the search of `fasttrig train`")


class TrainingSettings(Settings):
    """``[training]``"""

    seed: int = 1
    epochs: int = Field(30, ge=1)
    batch_size: int = Field(1024, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    patience: int = Field(8, ge=1, description="epochs without a better validation loss before training stops")


class LayerSettings(Settings):
    """``[target.layers.<op>]``: hls4ml's words for one op, and the schedule of a loop in the RTL."""

    strategy: Strategy | None = None
    reuse_factor: int | None = Field(None, ge=1)
    rtl_schedule: LoopSchedule | None = Field(None, description="of a recurrent layer: parallel or iterated")

    @property
    def is_of_hls(self) -> bool:
        """Whether it is not about the RTL alone."""
        return self.rtl_schedule is None or self.strategy is not None or self.reuse_factor is not None


class DeviceSettings(Settings):
    """``[target.device]``: what the part holds, for a part that fasttrig's table of devices lacks."""

    lut: int = Field(ge=1)
    ff: int = Field(ge=1)
    dsp: int = Field(ge=0)
    bram18: int = Field(ge=0)
    uram: int = Field(0, ge=0)
    slr: int = Field(1, ge=1, description="dies of a stacked part")


class TargetSettings(Settings):
    """``[target]``: the firmware project; hls4ml's own words."""

    backend: Literal["vitis", "vivado", "oneapi", "catapult"] = "vitis"
    part: str = "xcvu13p-flga2577-2-e"
    device: DeviceSettings | None = None
    clock_period_ns: float = Field(2.5, gt=0)
    clock_uncertainty_percent: float = Field(12.5, ge=0, lt=100)
    io_type: Literal["io_parallel", "io_stream"] = "io_parallel"
    strategy: Strategy = "latency"
    reuse_factor: int = Field(1, ge=1)
    rtl_language: Literal["verilog", "vhdl"] = Field("verilog", description="of rtl/; Verilator and Yosys read Verilog")
    rtl_schedule: RtlSchedule = Field(
        "parallel",
        description="of the RTL; iterated: one body for each recurrent layer; streamed: one position a clock",
    )
    max_stage_ns: float | None = Field(None, gt=0, description="of the RTL: logic between two registers at most")
    clock_enable: bool = Field(False, description="of the RTL: a port clk_en; rtl/ then has no wrappers")
    latency_cycles: int | None = Field(None, ge=2, description="of the RTL at most; spare cycles shorten its stages")
    namespace: Namespace | None = Field(None, description="C++ namespace; default <name>_v<version>")
    layers: dict[str, LayerSettings] = {}


class BudgetSettings(Settings):
    """``[budget]``: what must hold; a limit that is not met makes ``fasttrig build`` exit with 1."""

    latency_ns: float | None = Field(None, gt=0, description="of the RTL if simulated, else estimated (HLS)")
    latency_bunch_crossings: float | None = Field(None, gt=0, description="the same, in crossings of 25 ns")
    ii_cycles: float | None = Field(None, ge=1)
    max_lut: int | None = Field(None, ge=0, description="a count; of the RTL, else estimated")
    max_ff: int | None = Field(None, ge=0)
    max_dsp: int | None = Field(None, ge=0)
    max_bram18: int | None = Field(None, ge=0)
    max_uram: int | None = Field(None, ge=0)
    max_lut_share: float | None = Field(None, gt=0, description="of the part; counted of the RTL, else estimated")
    max_ff_share: float | None = Field(None, gt=0)
    max_dsp_share: float | None = Field(None, gt=0)
    max_bram18_share: float | None = Field(None, gt=0)
    max_uram_share: float | None = Field(None, gt=0)
    min_accuracy: float | None = Field(None, ge=0, le=1)
    min_auc: float | None = Field(None, ge=0, le=1, description="of every class, quantised")
    min_rejection: float | None = Field(
        None, gt=0, description="of background, every class, quantised, at half of the signal kept"
    )
    max_auc_loss: float | None = Field(None, ge=0, description="float minus quantised, of every class")
    max_rms_growth: float | None = Field(None, ge=0, description="of the RMS error of a regression, as a share")


class PairSettings(Settings):
    """``[[physics.pairs]]``: one class against some of the others."""

    signal: str
    against: tuple[str, ...] = Field(min_length=1, description="the classes that count as background")


class PhysicsSettings(Settings):
    """``[physics]``: what the report's figures of a trigger are computed for."""

    input_rate_khz: float = Field(40_000.0, gt=0, description="of the tagger: working points give their rate from it")
    pairs: tuple[PairSettings, ...] = Field(
        (), description="rejections to show in addition to those of every two classes"
    )
    profiles: tuple[str, ...] | None = Field(
        None, description="columns to show efficiencies against; default: jet_pt and jet_mass where the sample has them"
    )


class NarrowedType(Settings):
    """``[types.<op>]``: a type narrowed by hand; overflows are then emulated, counted and shown."""

    accum: TypeField | None = Field(None, description="accumulator of a matrix product")
    result: TypeField | None = Field(None, description="result, by a cast after the op")
    rounding: Annotated[Rounding, BeforeValidator(lambda c: Rounding(c))] = Rounding.TRN
    overflow: Annotated[Overflow, BeforeValidator(lambda c: Overflow(c))] = Overflow.WRAP


class ModelProject(Settings):
    """The content of ``model.toml``."""

    model: ModelSettings
    data: DataSettings
    inputs: InputSettings | None = None
    taggers: dict[Name, str] = Field({}, description="models that this project combines, by a name: their folders")
    words: dict[str, TypeField] = Field({}, description="types of the features that [taggers] share, as they arrive")
    preparation: PreparationSettings = PreparationSettings()
    decision: DecisionSettings = DecisionSettings()
    architecture: ArchitectureSettings | None = None
    quantisers: QuantiserSettings | None = None
    trees: TreeSettings | None = None
    training: TrainingSettings = TrainingSettings()
    target: TargetSettings = TargetSettings()
    budget: BudgetSettings = BudgetSettings()
    physics: PhysicsSettings = PhysicsSettings()
    types: dict[str, NarrowedType] = {}

    folder: Path = Field(Path(), exclude=True, repr=False)

    @model_validator(mode="after")
    def _one_model_or_taggers(self) -> ModelProject:
        if bool(self.model.file) == bool(self.taggers):
            raise ValueError("want either a file in [model], or [taggers]")
        own = (self.words, self.preparation != PreparationSettings(), self.decision != DecisionSettings())
        if not self.taggers and any(own):
            raise ValueError("[words], [preparation] and [decision] belong to a project with [taggers]")
        if self.preparation.n_objects is not None and not self.preparation.sort_by:
            raise ValueError("preparation.n_objects: without sort_by the taggers read every object")
        if self.taggers and (self.inputs or self.architecture or self.trees or self.model.float_file):
            raise ValueError("[taggers] are trained on their own: no [inputs], [architecture], [trees], float_file")
        if not self.taggers and self.inputs is None:
            raise ValueError("[inputs]: missing")
        return self

    @property
    def input_settings(self) -> InputSettings:
        """``[inputs]`` of a project with a model of its own."""
        assert self.inputs is not None, "a project that combines taggers has no [inputs]"
        return self.inputs

    @model_validator(mode="after")
    def _pairs_of_classes(self) -> ModelProject:
        named = [name for pair in self.physics.pairs for name in (pair.signal, *pair.against)]
        unknown = [name for name in named if name not in self.data.classes]
        if unknown:
            raise ValueError(f"physics.pairs: no class {unknown[0]!r}; want some of {', '.join(self.data.classes)}")
        if any(pair.signal in pair.against for pair in self.physics.pairs):
            raise ValueError("physics.pairs: a class cannot be its own background")
        return self

    @model_validator(mode="after")
    def _one_output_trained(self) -> ModelProject:
        if self.data.has_second_head and (self.architecture or self.trees):
            raise ValueError("fasttrig trains one output: with classes and a target, no [architecture] and no [trees]")
        return self

    def path(self, relative: str) -> Path:
        """A file named in model.toml, found from the folder of model.toml."""
        return self.folder / relative

    def model_files(self) -> dict[str, Path]:
        """The model and its float twin by their names in model.toml."""
        names = (self.model.file, self.model.weights_file, self.model.float_file)
        return {name: self.path(name) for name in names if name}

    def tagger_folders(self) -> dict[str, Path]:
        """The folders of ``[taggers]`` by the taggers' names."""
        return {name: self.path(folder) for name, folder in self.taggers.items()}

    def built_from(self) -> dict[str, Any]:
        """The settings that determine build and measurement, as plain data: all but the limits of ``[budget]``."""
        return self.model_dump(mode="json", exclude={"budget"})

    @property
    def namespace(self) -> str:
        return self.target.namespace or f"{self.model.name}_v{self.model.version}"
