"""``quantise``: from a float network and a sample to a model folder that ``fasttrig build`` takes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import CheckFailed, InputError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.base.staging import staged_files
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.data.labelled import LabelledSample, load_sample, sample_path
from fasttrig.emulator.emulation import postprocess
from fasttrig.frontends.keras.qkeras import read_spec
from fasttrig.ir.graph import Graph
from fasttrig.physics.classification import class_scores
from fasttrig.physics.task import TaskAgreement, compare_task
from fasttrig.quantise.descent import SearchProgress, descend
from fasttrig.quantise.divided_sample import SAMPLE_FILE, needs_copy, write_divided
from fasttrig.quantise.float_network import FloatNetwork, prepare, reads_features_alone, with_input_map
from fasttrig.quantise.keras_model import keras_model
from fasttrig.quantise.model_folder import folder_texts
from fasttrig.quantise.search import Search, TriedTypes
from fasttrig.quantise.table import LayerChoice, layer_choices
from fasttrig.reference.qkeras_run import framework_predict, framework_trace
from fasttrig.settings import ModelProject, TreeSettings
from fasttrig.training.goals import Goal, goal_of

MOST_FITTED, MOST_JUDGED = 8_000, 20_000
"""Events of the training split that weights are fitted to; and of the validation split, where the search looks. As many
events of the training split again must confirm what it found."""

_SAME = 1e-4
"""Of the largest output: how far the network with folded normalisations may be from the file, which runs in float32."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """What was found: the folder, the table of layers, and the comparison with the float network on the test split.

    `loss` is the figure's loss on the validation split, where the search looked; `figure` is its name.
    """

    folder: Path
    layers: tuple[LayerChoice, ...]
    agreement: TaskAgreement
    figure: str
    allowed: float
    loss: float
    test_loss: float
    lut: float
    lut_widest: float
    n_tried: int
    folded: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """One split: raw inputs of the network, the features that the float network sees, and the truth."""

    raw: IntArray
    scaled: FloatArray
    sample: LabelledSample

    def part(self, first: int, last: int) -> _Events:
        part = slice(first, last)
        sample = replace(self.sample, x=self.sample.x[part], labels=self.sample.labels[part], profiles=())
        return _Events(self.raw[part], self.scaled[part], sample)


def quantise(
    source: Path,
    project: ModelProject,
    folder: Path,
    *,
    inputs: InputMap | None = None,
    max_auc_loss: float = 0.005,
    max_rms_growth: float = 0.01,
    labels: str = "",
    progress: SearchProgress | None = None,
) -> Quantised:
    """Quantise the float network in `source`; write the model folder whole, or not at all.

    Parameters
    ----------
    source : path
        A float Keras network: ``.h5``, ``.keras``, ``.json`` with its weights, or a SavedModel folder.
    project : ModelProject
        Name, sample, features and classes of the model; its ``[inputs] type`` is that of the quantised inputs.
    inputs : InputMap, optional
        The map that scales the features for `source`. Default: `source` takes the features in their own units, and a
        map is chosen on the training split.
    max_auc_loss, max_rms_growth : float
        Mean AUC that the quantised network may lose, or the growth of the RMS error of a regression.
    labels : str
        Column of the labels, if it is not `label`. The folder then gets a copy of the sample; likewise if the sample
        has no column `split`.

    Raises
    ------
    RefusalError
        With every layer that cannot be quantised.
    InputError
        If the loss cannot be kept, or sample and network do not fit.
    """
    network = prepare(read_spec(source))
    path = sample_path(project)
    if not needs_copy(path, labels):
        return _quantise(source, network, project, folder, inputs, max_auc_loss, max_rms_growth, None, progress)
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / SAMPLE_FILE
        write_divided(path, labels, copy)
        data = project.data.model_copy(update={"sample": str(copy)})
        divided = project.model_copy(update={"data": data})
        return _quantise(source, network, divided, folder, inputs, max_auc_loss, max_rms_growth, copy, progress)


def _quantise(
    source: Path,
    network: FloatNetwork,
    project: ModelProject,
    folder: Path,
    inputs: InputMap | None,
    max_auc_loss: float,
    max_rms_growth: float,
    copy: Path | None,
    progress: SearchProgress | None,
) -> Quantised:
    splits = {name: load_sample(project, name) for name in ("train", "validation", "test")}
    train = splits["train"]
    given = inputs is not None
    if inputs is None:
        inputs = _input_map(project, train, alike=not reads_features_alone(network))
    shape = _input_shape(network, len(inputs.features))
    if not given:
        network = with_input_map(network, inputs)
    events = {name: _events(part, inputs, shape) for name, part in splits.items()}
    n_fitted = min(MOST_FITTED, len(train.x) // 2)
    fitted, judged = events["train"].part(0, n_fitted), events["validation"].part(0, MOST_JUDGED)
    unseen = events["train"].part(n_fitted, n_fitted + MOST_JUDGED)
    twin = keras_model(network.spec, f"{project.model.name}_float")
    _require_same(
        source, twin, fitted if given else replace(fitted, scaled=fitted.sample.x.reshape(-1, *shape)), fitted
    )
    goal = goal_of(project, TreeSettings(max_auc_loss=max_auc_loss, max_rms_growth=max_rms_growth))
    allowed = max_rms_growth if project.data.is_regression else max_auc_loss
    search = Search(
        network,
        inputs.type,
        fitted.raw,
        framework_trace(twin, fitted.scaled),
        judged.raw,
        _loss_against(goal, _margins(twin, judged), judged),
        project.target,
    )
    path = descend(search, allowed, progress)
    check = _loss_against(goal, _margins(twin, unseen), unseen)
    best = _confirmed(path, lambda found: check(search.margins(found.spec, unseen.raw)), allowed)
    test = events["test"]
    margins = search.margins(best.spec, test.raw)
    real = _margins(twin, test)
    link = search.graph(best.spec)
    agreement = compare_task(project.data, _scores(real, link), _scores(margins, link), test.sample.labels)
    found = Quantised(
        folder,
        layer_choices(search, best, path[0]),
        agreement,
        goal.name,
        allowed,
        best.loss,
        _loss_against(goal, real, test)(margins),
        best.cost,
        path[0].cost,
        search.n_tried,
        network.folded,
    )
    if copy is not None:
        data = project.data.model_copy(update={"sample": str(folder / SAMPLE_FILE)})
        project = project.model_copy(update={"data": data})
    _write(found, project, inputs, best, twin, source, copy)
    return found


def _input_map(project: ModelProject, train: LabelledSample, *, alike: bool) -> InputMap:
    """Offset and shift of each feature; with `alike` one shift for all, and no offsets."""
    kind, quantile = project.input_settings.type, project.input_settings.quantile
    if not alike:
        return InputMap.choose(train.x, train.names, train.units, kind, quantile=quantile)
    top = float(np.quantile(np.abs(train.x), quantile))
    shift = int(np.ceil(np.log2(max(top, 1e-30)))) - kind.integer_bits + kind.signed
    maps = [FeatureMap(name, unit, 0.0, shift, kind) for name, unit in zip(train.names, train.units, strict=True)]
    return InputMap(tuple(maps), kind)


def _input_shape(network: FloatNetwork, n_features: int) -> tuple[int, ...]:
    layer = network.spec.layer(network.spec.inputs[0].layer)
    shape = layer.config.get("batch_input_shape") or layer.config.get("batch_shape")
    sizes = tuple(shape[1:]) if isinstance(shape, (list, tuple)) else ()
    if not sizes or None in sizes or int(np.prod(sizes)) != n_features:
        raise InputError(
            "the network does not take the features of the sample",
            where=network.spec.where(layer),
            got=f"{n_features} features",
            want=f"{' x '.join(map(str, sizes))} numbers",
            try_="--features NAME,NAME,... in the network's order",
        )
    return tuple(map(int, sizes))


def _events(sample: LabelledSample, inputs: InputMap, shape: tuple[int, ...]) -> _Events:
    raw, scaled = inputs.to_raw(sample.x), inputs.scaled(sample.x)
    return _Events(raw.reshape(-1, *shape), scaled.reshape(-1, *shape), sample)


def _margins(model: Any, events: _Events) -> FloatArray:
    return next(iter(framework_predict(model, events.scaled).values()))


def _require_same(source: Path, twin: Any, before: _Events, after: _Events) -> None:
    """Normalisations and the input map are inside the weights now: the function must be that of the file."""
    want, got = _margins(source, before), _margins(twin, after)
    if np.abs(want - got).max() > _SAME * max(1.0, float(np.abs(want).max())):
        raise CheckFailed(
            "the network with folded normalisations is not the network of the file",
            where=str(source),
            got=f"outputs differ by up to {np.abs(want - got).max():.3g}",
            want="the same outputs",
        )


def _confirmed(path: Sequence[TriedTypes], loss: Callable[[TriedTypes], float], allowed: float) -> TriedTypes:
    """The cheapest candidate that keeps the loss on events that neither the weights nor the search have seen.

    The search takes what looks best, so that its own events flatter the result.
    """
    for found in reversed(path):
        if loss(found) <= allowed:
            return found
    raise InputError(
        "no candidate keeps the allowed loss on events that the search has not seen",
        got=f"a loss of {loss(path[0]):.6g} with the widest types",
        want=f"at most {allowed:.6g}",
        try_="allow more, or give a larger sample",
    )


def _scores(margins: FloatArray, graph: Graph) -> FloatArray:
    return class_scores(postprocess(margins, graph)) if margins.shape[-1] > 1 else postprocess(margins, graph)


def _loss_against(goal: Goal, real: FloatArray, events: _Events) -> Any:
    """The loss of margins against those of the float network, in the goal's figure; a share for a regression."""
    truth = events.sample.labels
    best = goal.figure(real, truth)

    def loss(margins: FloatArray) -> float:
        figure = goal.figure(margins, truth)
        return best - figure if goal.higher_is_better else figure / best - 1.0

    return loss


def _write(
    found: Quantised,
    project: ModelProject,
    inputs: InputMap,
    best: TriedTypes,
    twin: Any,
    source: Path,
    sample: Path | None,
) -> None:
    folder = found.folder
    folder.mkdir(parents=True, exist_ok=True)
    with staged_files(folder) as stage:
        model = project.model.name
        keras_model(best.spec, model).save(stage / f"{model}.h5")
        twin.save(stage / f"{model}_float.h5")
        if sample is not None:
            shutil.copyfile(sample, stage / SAMPLE_FILE)
        for name, text in folder_texts(found, project, inputs, source).items():
            (stage / name).write_text(text, encoding="utf-8", newline="\n")
