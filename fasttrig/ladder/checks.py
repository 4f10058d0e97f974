"""Measurements of a build: compared events, golden vectors, agreement with the float model, physics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.built_project import (
    INPUTS_HEX,
    OUTPUTS_HEX,
    TB_FEATURES,
    TB_PREDICTIONS,
    VECTORS,
    VECTORS_NPZ,
)
from fasttrig.base.errors import InputError, MissingPackageError
from fasttrig.base.fixed import FloatArray, IntArray, to_value
from fasttrig.data.labelled import LabelledSample, load_sample
from fasttrig.data.spread import flattened, spread
from fasttrig.design import Design
from fasttrig.emulator.emulation import postprocess
from fasttrig.emulator.evaluate import Evaluation, evaluate
from fasttrig.ir.ops import Forest
from fasttrig.ladder.corners import N_RANDOM, corner_inputs
from fasttrig.ladder.forest_corners import threshold_corners
from fasttrig.ladder.scale_cost import ScaleCost, scale_cost
from fasttrig.passes.pipeline import without_loops
from fasttrig.physics.classification import Agreement
from fasttrig.physics.features import FeatureFacts, feature_facts
from fasttrig.physics.firmware import FirmwarePhysics, firmware_physics
from fasttrig.physics.leaf_grid import LeafGrid, leaf_grid
from fasttrig.physics.regression import RegressionAgreement, compare_regression
from fasttrig.physics.saturation import Saturations, saturations
from fasttrig.physics.scores import Scores, one_bit_less, with_errors, with_replicas
from fasttrig.physics.seeds import SeedFacts, groups_of, seed_facts
from fasttrig.physics.sensitivity import Sensitivity
from fasttrig.physics.task import TaskAgreement, compare_task
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.vectors import copy_some_vectors, write_hex

N_RANDOM_WITHOUT_SAMPLE = 20_000
N_HANDED_OVER = 2_000
"""Events of the golden vectors inside hls/ and rtl/, spread over all of them: `make` runs them in seconds."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything the checks found.

    Attributes
    ----------
    agreement : float against quantised; None with `agreement_reason` where it cannot be measured
    evaluation : the emulator's run on all compared events, with every op in its trace
    features : what the test split says about each feature, by name
    scores : of every labelled event; None where there are none
    sensitivity : what one bit less costs, per op; empty without labelled events
    firmware : physics of the raw words; None where there are no labelled events
    saturation : what the casts change, on the labelled events, else on all compared ones
    leaf_grid : what rounding the leaves of a forest changes, on the same events
    second_head : the number that a second output estimates, float against quantised; None where there is none
    seeds : of a decision, on the labelled events
    scale_cost : what rounding the real scales cost; None for a model without real scales
    """

    agreement: TaskAgreement | None
    agreement_reason: str
    evaluation: Evaluation
    features: dict[str, FeatureFacts]
    scores: Scores | None = None
    sensitivity: tuple[Sensitivity, ...] = ()
    firmware: FirmwarePhysics | None = None
    saturation: Saturations | None = None
    leaf_grid: LeafGrid | None = None
    second_head: RegressionAgreement | None = None
    seeds: tuple[SeedFacts, ...] = ()
    scale_cost: ScaleCost | None = None


class Work:
    """One build under way: its design, its settings, its folder, and the measurements that several stages share.

    Each measurement is made when a stage first reads it, and once.
    """

    def __init__(self, design: Design, settings: TargetSettings, folder: Path) -> None:
        self.design = design
        self.settings = settings
        self.folder = folder

    @cached_property
    def sample(self) -> LabelledSample | None:
        """The test split of the project's sample."""
        return load_sample(self.design.project, "test") if self.design.project is not None else None

    @cached_property
    def inputs(self) -> dict[str, IntArray]:
        """Raw inputs of every compared event."""
        return compared_inputs(self.design, self.sample)

    @property
    def given(self) -> list[IntArray]:
        """The same in the order of the graph's inputs."""
        return [self.inputs[op.name] for op in self.design.graph.inputs]

    @cached_property
    def evaluation(self) -> Evaluation:
        """The emulator's run on all compared events, with every op in its trace; loops step by step."""
        graph = self.design.graph
        plain = without_loops(graph)
        found = evaluate(plain, self.inputs, keep={op.name for op in plain.ops})
        return found if plain is graph else replace(found, outputs=evaluate(graph, self.inputs).outputs)

    @cached_property
    def float_outputs(self) -> tuple[list[FloatArray], str]:
        """Every output of the float twin on the labelled events, before a link; or none, and the reason."""
        design, sample = self.design, self.sample
        if not design.has_float_twin or sample is None:
            return [], "model.toml names no float_file"
        try:
            return float_outputs(design, sample), ""
        except MissingPackageError as error:
            return [], f"{error.what}: {error.got}"

    @cached_property
    def comparison(self) -> tuple[Scores | None, TaskAgreement | None, str]:
        """Scores of the labelled events, the comparison of both models, and why there is none."""
        return _agreement(self.design, self.sample, self.evaluation, self.float_outputs)

    @cached_property
    def sensitivity(self) -> tuple[Sensitivity, ...]:
        """What one fraction bit less costs, per op."""
        return _sensitivity(self.design, self.inputs, self.comparison[0])


def write_all_vectors(work: Work, parts: Iterable[str]) -> None:
    """Golden vectors into ``vectors/``, and some of them into the folders `parts`, as far as these were written."""
    write_vectors(work.design, work.inputs, work.evaluation, work.folder / VECTORS)
    for part in parts:
        if (work.folder / part).is_dir():
            copy_some_vectors(work.folder / VECTORS, work.folder / part / VECTORS, N_HANDED_OVER)


def measured(work: Work) -> Measured:
    """Everything that a report of `work` says about the compared events."""
    design, sample, evaluation = work.design, work.sample, work.evaluation
    scores, agreement, reason = work.comparison
    features, firmware = {}, None
    if design.inputs is not None and sample is not None:
        raw = flattened(design.graph, work.inputs)[: len(sample.x)]
        features = feature_facts(design.inputs, sample, raw)
    if sample is not None and scores is not None:
        outputs = {name: found[: len(sample.x)] for name, found in evaluation.outputs.items()}
        firmware = firmware_physics(design, sample, outputs, scores.quantised)
    n_labelled = len(sample.x) if sample is not None else None
    return Measured(
        agreement,
        reason,
        evaluation,
        features,
        scores,
        work.sensitivity,
        firmware,
        saturations(without_loops(design.graph), evaluation.trace, n_labelled),
        leaf_grid(design, work.inputs, evaluation.outputs, n_labelled),
        _second_head(design, sample, evaluation, work.float_outputs[0]),
        _seeds(design, sample, evaluation, work.float_outputs[0]),
        scale_cost(design, work.inputs, scores),
    )


def compared_inputs(design: Design, sample: LabelledSample | None) -> dict[str, IntArray]:
    """Raw inputs: the whole test split (or uniform random events where there is no sample), then corner vectors.

    A forest is also given every threshold, one step below and one above.
    """
    n_random = N_RANDOM if sample is not None else N_RANDOM_WITHOUT_SAMPLE
    parts = [corner_inputs(design.graph, n_random=n_random)]
    if design.graph.ops_of(Forest):
        parts.append(threshold_corners(design.graph))
    if sample is not None and design.inputs is not None:
        parts.insert(0, spread(design.graph, design.inputs.to_raw(sample.x)))
    return {op.name: np.concatenate([part[op.name] for part in parts]) for op in design.graph.inputs}


def write_vectors(design: Design, inputs: dict[str, IntArray], evaluation: Evaluation, folder: Path) -> None:
    """Golden vectors of every compared event: raw words in hex, ``.npz``, and hls4ml's ``.dat`` with 17 digits."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = design.graph
    input_types = [op.result.type for op in graph.inputs]
    output_types = [value.type for value in graph.outputs]
    given = [inputs[op.name] for op in graph.inputs]
    found = [evaluation.outputs[value.name] for value in graph.outputs]
    (folder / INPUTS_HEX).write_text(write_hex(given, input_types), encoding="ascii")
    (folder / OUTPUTS_HEX).write_text(write_hex(found, output_types), encoding="ascii")
    names = [f"in_{op.name}" for op in graph.inputs] + [f"out_{value.name}" for value in graph.outputs]
    arrays: dict[str, Any] = dict(zip(names, [*given, *found], strict=True))
    np.savez_compressed(folder / VECTORS_NPZ, **arrays)
    for file, tensors, types in (
        (TB_FEATURES, given, input_types),
        (TB_PREDICTIONS, found, output_types),
    ):
        values = [to_value(a.reshape(len(a), -1), t) for a, t in zip(tensors, types, strict=True)]
        np.savetxt(folder / file, np.concatenate(values, axis=1), fmt="%.17g")


def _agreement(
    design: Design,
    sample: LabelledSample | None,
    evaluation: Evaluation,
    float_model: tuple[list[FloatArray], str],
) -> tuple[Scores | None, TaskAgreement | None, str]:
    """Scores of the labelled events, the comparison of both models, and why there is none."""
    if design.built_folder is not None:
        return None, None, "a build folder keeps no labelled sample; build from a model.toml"
    if design.project is None or sample is None:
        return None, None, "a bare model has no labelled sample; build from a model.toml"
    outputs = {name: raw[: len(sample.labels)] for name, raw in evaluation.outputs.items()}
    quantised = design.interpret(outputs, "raw").scores
    found, reason = float_model
    real = postprocess(found[0], design.scoring_graph) if found else None
    data = design.project.data
    scores = with_replicas(Scores(sample.labels, quantised, real, design.classes, data.is_regression))
    if real is None:
        return scores, None, reason
    agreement = compare_task(data, real, quantised, sample.labels)
    if isinstance(agreement, Agreement) and scores.replicas is not None:
        agreement = with_errors(agreement, scores.replicas)
    return scores, agreement, ""


def _second_head(
    design: Design, sample: LabelledSample | None, evaluation: Evaluation, found: list[FloatArray]
) -> RegressionAgreement | None:
    """The number beside the classes, float against quantised; None where there is none, or no float model."""
    if sample is None or sample.targets is None or design.project is None or not found:
        return None
    data, value = design.project.data, design.graph.outputs[1]
    quantised, real = to_value(evaluation.outputs[value.name][: len(sample.targets)], value.type), found[1:2]
    if not real or real[0].shape != quantised.shape:
        raise InputError(
            "the float twin has no second output like the network's",
            where=str(design.project.model.float_file),
            got=", ".join(str(array.shape[1:]) for array in found),
            want=f"a second output of shape {value.shape}",
        )
    before, after = (array.reshape(-1, 1) for array in (real[0], quantised))
    return compare_regression(
        before, after, sample.targets, target=data.target, unit=data.target_unit, thresholds=data.thresholds
    )


def _seeds(
    design: Design, sample: LabelledSample | None, evaluation: Evaluation, found: list[FloatArray]
) -> tuple[SeedFacts, ...]:
    if sample is None or design.project is None or not design.seed_names:
        return ()
    bits = evaluation.outputs[design.graph.outputs[-1].name][: len(sample.labels)]
    groups = groups_of(sample.labels, design.project.data.classes)
    return seed_facts(design.project.decision.seeds, bits, found[-1] if found else None, groups)


def _sensitivity(design: Design, inputs: dict[str, IntArray], scores: Scores | None) -> tuple[Sensitivity, ...]:
    if scores is None:
        return ()
    n_events = len(scores.truth)
    return one_bit_less(design, {name: array[:n_events] for name, array in inputs.items()}, scores)


def float_outputs(design: Design, sample: LabelledSample) -> list[FloatArray]:
    """Every output of the float twin, before a link, on features that are scaled, but neither rounded nor clipped."""
    from fasttrig.ladder import framework_rung as frameworks

    return frameworks.float_outputs(design, sample.x)


def float_scores(design: Design, sample: LabelledSample) -> FloatArray:
    """The float twin's scores of a labelled sample, after the link, array of shape (n_events, n_classes)."""
    return postprocess(float_outputs(design, sample)[0], design.scoring_graph)
