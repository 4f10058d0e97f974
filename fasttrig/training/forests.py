"""Trees trained for hardware: on the input grid, with as few bits per feature and per leaf as the AUC allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.agreement.physics import auc_per_class, compare
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.data.labelled import LabelledSample, load_sample
from fasttrig.design import postprocess, read_project
from fasttrig.emulator.evaluate import evaluate
from fasttrig.errors import ProjectError
from fasttrig.fixed import FixedType, FloatArray, IntArray, to_value
from fasttrig.frontends.trees import Ensemble, lower_forest, read_ensemble
from fasttrig.project import ModelProject, TreeSettings
from fasttrig.training.results import Progress, Trained, replace_file

FORMAT = "fasttrig-types 1"
LEAST_BITS = 2


def train_forest(project: ModelProject, progress: Progress | None = None) -> Trained:
    """Train the forest and its float twin, choose feature and leaf bits on the validation split, write the files.

    The float twin sees the features scaled but neither rounded nor clipped. Bits are taken from one feature after
    the other, training again each time, while the mean AUC over classes stays within ``[trees] max_auc_loss`` of the
    forest on the full input type; then from the leaves, likewise against the float leaves.
    """
    settings = _settings(project)
    splits = {name: load_sample(project, name) for name in ("train", "validation", "test")}
    sample = splits["train"]
    full = InputMap.choose(
        sample.x, sample.names, sample.units, project.inputs.type,
        quantile=project.inputs.quantile, types=project.inputs.types,
    )  # fmt: skip
    inputs = _narrow_features(full, project, settings, splits, progress)
    booster = _fit(settings, project, on_grid(inputs, sample.x), sample.labels)
    twin = _fit(settings, project, inputs.scaled(sample.x), sample.labels)
    model, twin_path = project.path(project.model.file), project.path(project.model.float_file or "float.json")
    _save(booster, model)
    _save(twin, twin_path)
    ensemble = read_ensemble(model)
    bits, scan = _leaf_bits(ensemble, inputs, project, settings, splits["validation"])
    types = {"format": FORMAT, "leaf_fraction_bits": bits, "validation_auc": scan}
    types_path, inputs_path = project.path(settings.types_file), project.path(project.model.inputs_file)
    replace_file(types_path, lambda path: path.write_text(json.dumps(types, indent=1) + "\n", encoding="utf-8"))
    replace_file(inputs_path, lambda path: path.write_text(inputs.to_json(), encoding="utf-8"))
    design, test = read_project(project), splits["test"]
    float_scores = postprocess(read_ensemble(twin_path).margin(inputs.scaled(test.x)), ensemble.postprocessor)
    agreement = compare(float_scores, design.emulate(test.x).scores, test.labels, project.data.classes)
    files = (model, twin_path, inputs_path, types_path)
    return Trained(files, agreement, len(sample.labels), _summary(ensemble, inputs, settings, bits, scan))


def _summary(
    ensemble: Ensemble, inputs: InputMap, settings: TreeSettings, bits: int, scan: dict[str, float]
) -> tuple[str, ...]:
    widths = ", ".join(f"{feature.name} {feature.type.width}" for feature in inputs.features)
    return (
        f"Forest: {len(ensemble.trees)} trees ({settings.rounds} rounds), depth at most {settings.max_depth}, "
        f"{sum(tree.n_nodes for tree in ensemble.trees):,} splits.",
        f"Bits per feature, chosen on the validation split within a loss of {settings.max_auc_loss:g} in mean AUC: "
        f"{widths}.",
        f"Leaves and scores have {bits} fraction bits, chosen within the same loss again: mean AUC "
        f"{scan[str(bits)]:.4f} against {scan['float']:.4f} with float leaves (validation split).",
    )


def on_grid(inputs: InputMap, x: FloatArray) -> FloatArray:
    """The features as the firmware sees them; thresholds between two of its integers are then exact."""
    return to_value(inputs.to_raw(x), inputs.type)


def _settings(project: ModelProject) -> TreeSettings:
    if project.trees is None:
        raise ProjectError("training trees needs their settings", where=str(project.path("model.toml")),
                           want="a table [trees]")  # fmt: skip
    return project.trees


def _fit(settings: TreeSettings, project: ModelProject, x: FloatArray, labels: IntArray) -> Any:
    import xgboost

    n_classes = len(project.data.classes)
    several: dict[str, Any] = {"objective": "multi:softprob", "num_class": n_classes}
    parameters = {
        "tree_method": "hist", "max_bin": 1024, "max_depth": settings.max_depth, "eta": settings.learning_rate,
        "min_child_weight": settings.min_child_weight, "seed": project.training.seed, "nthread": 2,
        **(several if n_classes > 2 else {"objective": "binary:logistic"}),
    }  # fmt: skip
    matrix = xgboost.DMatrix(np.asarray(x, dtype=np.float32), label=labels)
    return xgboost.train(parameters, matrix, num_boost_round=settings.rounds)


def _narrow_features(
    full: InputMap, project: ModelProject, settings: TreeSettings, splits: dict[str, LabelledSample],
    progress: Progress | None,
) -> InputMap:  # fmt: skip
    """Fewer bits for one feature after the other, the coarsest that all earlier choices together allow."""

    def auc(inputs: InputMap) -> float:
        booster = _fit(settings, project, on_grid(inputs, splits["train"].x), splits["train"].labels)
        margins = read_ensemble(booster).margin(on_grid(inputs, splits["validation"].x))
        return _mean_auc(margins, project, splits["validation"].labels)

    best = auc(full)
    chosen = full
    share = settings.max_auc_loss / len(full.features)
    for k in range(len(full.features)):
        allowed = best - share * (k + 1)
        chosen = _narrowest(chosen, k, lambda inputs, allowed=allowed: auc(inputs) >= allowed)  # type: ignore[misc]
        if progress is not None:
            progress("bits of features", k + 1, len(full.features), 0.0)
    return chosen


def _narrowest(inputs: InputMap, k: int, good: Callable[[InputMap], bool]) -> InputMap:
    """Bits are halved in by bisection: the AUC falls with the width but for noise below the bound."""
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
    ensemble: Ensemble, inputs: InputMap, project: ModelProject, settings: TreeSettings, validation: LabelledSample
) -> tuple[int, dict[str, float]]:
    """The fewest fraction bits of leaves within the bound, and the mean AUC at each width tried."""
    raw = inputs.to_raw(validation.x)
    exact = _mean_auc(ensemble.margin(to_value(raw, inputs.type)), project, validation.labels)
    scan = {"float": exact}
    bits = 0
    while True:
        graph = lower_forest(ensemble, inputs.type, inputs.channel_types, bits)
        (output,) = graph.outputs
        margins = to_value(evaluate(graph, raw).outputs[output.name], output.type)
        scan[str(bits)] = _mean_auc(margins, project, validation.labels)
        if scan[str(bits)] >= exact - settings.max_auc_loss:
            return bits, scan
        bits += 1


def _mean_auc(margins: FloatArray, project: ModelProject, labels: IntArray) -> float:
    classes = project.data.classes
    if margins.shape[1] == 1:
        margins = np.concatenate([-margins, margins], axis=1)
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return float(np.mean(list(auc_per_class(powers / powers.sum(axis=1, keepdims=True), labels, classes).values())))


def _save(booster: Any, path: Path) -> None:
    replace_file(path, lambda temporary: booster.save_model(temporary))
