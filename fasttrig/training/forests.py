"""Trees trained for hardware: on the input grid, with as few bits per feature and per leaf as the physics allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import ProjectError
from fasttrig.base.fixed import FixedType, FloatArray, to_value
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.data.labelled import LabelledSample, Truth, load_sample
from fasttrig.design import read_project
from fasttrig.emulator.emulation import postprocess
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.trees import Ensemble, lower_forest, read_ensemble
from fasttrig.physics.task import compare_task
from fasttrig.settings import ModelProject, TreeSettings
from fasttrig.training.goals import Goal, goal_of
from fasttrig.training.results import Trained, TrainingProgress, replace_file

FORMAT = "fasttrig-types 1"
LEAST_BITS = 2


def train_forest(project: ModelProject, progress: TrainingProgress | None = None) -> Trained:
    """Train the forest and its float twin, choose feature and leaf bits on the validation split, write the files.

    The float twin sees the features scaled but neither rounded nor clipped. Bits are taken from one feature after
    the other, training again each time, while the mean AUC over classes stays within ``[trees] max_auc_loss`` of the
    forest on the full input type (the RMS error of a regression within ``max_rms_growth``); then from the leaves,
    likewise against the float leaves.
    """
    settings = _settings(project)
    goal = goal_of(project, settings)
    splits = {name: load_sample(project, name) for name in ("train", "validation", "test")}
    sample = splits["train"]
    full = InputMap.choose(
        sample.x,
        sample.names,
        sample.units,
        project.input_settings.type,
        quantile=project.input_settings.quantile,
        types=project.input_settings.types,
    )
    inputs = _narrow_features(full, project, settings, goal, splits, progress)
    booster = _fit(settings, project, goal, on_grid(inputs, sample.x), sample.labels)
    twin = _fit(settings, project, goal, inputs.scaled(sample.x), sample.labels)
    model, twin_path = project.path(project.model.file), project.path(project.model.float_file or "float.json")
    _save(booster, model)
    _save(twin, twin_path)
    ensemble = read_ensemble(model)
    bits, scan = _leaf_bits(ensemble, inputs, goal, splits["validation"])
    types = {"format": FORMAT, "leaf_fraction_bits": bits, "figure": goal.name, "validation": scan}
    types_path, inputs_path = project.path(settings.types_file), project.path(project.model.inputs_file)
    replace_file(types_path, lambda path: path.write_text(json.dumps(types, indent=1) + "\n", encoding="utf-8"))
    replace_file(inputs_path, lambda path: path.write_text(inputs.to_json(), encoding="utf-8"))
    design, test = read_project(project), splits["test"]
    float_scores = postprocess(read_ensemble(twin_path).margin(inputs.scaled(test.x)), design.graph)
    agreement = compare_task(project.data, float_scores, design.emulate(test.x).scores, test.labels)
    files = (model, twin_path, inputs_path, types_path)
    return Trained(files, agreement, len(sample.labels), _summary(ensemble, inputs, settings, goal, bits, scan))


def _summary(
    ensemble: Ensemble, inputs: InputMap, settings: TreeSettings, goal: Goal, bits: int, scan: dict[str, float]
) -> tuple[str, ...]:
    widths = ", ".join(f"{feature.name} {feature.type.width}" for feature in inputs.features)
    return (
        f"Forest: {len(ensemble.trees)} trees ({settings.rounds} rounds), depth at most {settings.max_depth}, "
        f"{sum(tree.n_nodes for tree in ensemble.trees):,} splits.",
        f"Bits per feature, chosen on the validation split within {goal.loss}: {widths}.",
        f"Leaves and scores have {bits} fraction bits, chosen within the same loss again: {goal.name} "
        f"{scan[str(bits)]:.4f} against {scan['float']:.4f} with float leaves (validation split).",
    )


def on_grid(inputs: InputMap, x: FloatArray) -> FloatArray:
    """The features as the firmware sees them; thresholds between two of its integers are then exact."""
    return to_value(inputs.to_raw(x), inputs.type)


def _settings(project: ModelProject) -> TreeSettings:
    if project.trees is None:
        raise ProjectError(
            "training of trees needs settings", where=str(project.path("model.toml")), want="a table [trees]"
        )
    return project.trees


def _fit(settings: TreeSettings, project: ModelProject, goal: Goal, x: FloatArray, truth: Truth) -> Any:
    import xgboost

    parameters = {
        "tree_method": "hist",
        "max_bin": 1024,
        "max_depth": settings.max_depth,
        "eta": settings.learning_rate,
        "min_child_weight": settings.min_child_weight,
        "seed": project.training.seed,
        "nthread": 2,
        **goal.objective,
    }
    matrix = xgboost.DMatrix(np.asarray(x, dtype=np.float32), label=truth)
    return xgboost.train(parameters, matrix, num_boost_round=settings.rounds)


def _narrow_features(
    full: InputMap,
    project: ModelProject,
    settings: TreeSettings,
    goal: Goal,
    splits: dict[str, LabelledSample],
    progress: TrainingProgress | None,
) -> InputMap:
    """Fewer bits for one feature after the other, the coarsest that all earlier choices together allow."""

    def figure(inputs: InputMap) -> float:
        booster = _fit(settings, project, goal, on_grid(inputs, splits["train"].x), splits["train"].labels)
        margins = read_ensemble(booster).margin(on_grid(inputs, splits["validation"].x))
        return goal.figure(margins, splits["validation"].labels)

    best = figure(full)
    chosen = full
    for k in range(len(full.features)):
        share = (k + 1) / len(full.features)
        chosen = _narrowest(chosen, k, lambda inputs, share=share: goal.holds(figure(inputs), best, share))  # type: ignore[misc]
        if progress is not None:
            progress("bits of features", k + 1, len(full.features), 0.0)
    return chosen


def _narrowest(inputs: InputMap, k: int, good: Callable[[InputMap], bool]) -> InputMap:
    """Bits are halved in by bisection: the figure falls with the width but for noise below the bound."""
    low, high = LEAST_BITS, inputs.features[k].type.width
    while low < high:
        middle = (low + high) // 2
        if good(_with_width(inputs, k, middle)):
            high = middle
        else:
            low = middle + 1
    return _with_width(inputs, k, high)


def _with_width(inputs: InputMap, k: int, width: int) -> InputMap:
    """Feature k with the same range in `width` bits; its offset moves to the coarser grid."""
    old = inputs.features[k]
    fixed_type = FixedType(width, old.type.integer_bits, old.type.signed)
    step = float(np.ldexp(1.0, old.shift - fixed_type.fraction_bits))
    new = FeatureMap(old.name, old.unit, float(np.round(old.offset / step) * step), old.shift, fixed_type)
    return replace(inputs, features=(*inputs.features[:k], new, *inputs.features[k + 1 :]))


def _leaf_bits(
    ensemble: Ensemble, inputs: InputMap, goal: Goal, validation: LabelledSample
) -> tuple[int, dict[str, float]]:
    """The fewest fraction bits of leaves within the bound, and the figure of merit at each width tried."""
    raw = inputs.to_raw(validation.x)
    exact = goal.figure(ensemble.margin(to_value(raw, inputs.type)), validation.labels)
    scan = {"float": exact}
    bits = 0
    while True:
        graph = lower_forest(ensemble, inputs.type, inputs.channel_types, bits)
        (output,) = graph.outputs
        margins = to_value(evaluate(graph, raw).outputs[output.name], output.type)
        scan[str(bits)] = goal.figure(margins, validation.labels)
        if goal.holds(scan[str(bits)], exact):
            return bits, scan
        bits += 1


def _save(booster: Any, path: Path) -> None:
    replace_file(path, lambda temporary: booster.save_model(temporary))
