"""``fasttrig train``: the quantised tagger and its float twin, from the sample and the settings of model.toml."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from fasttrig.base.errors import ProjectError
from fasttrig.base.fixed import FloatArray, to_value
from fasttrig.data.inputs import InputMap
from fasttrig.data.labelled import LabelledSample, load_sample
from fasttrig.physics.classification import class_scores, compare
from fasttrig.reference.keras_runtime import import_framework
from fasttrig.settings import MODEL_FILE, ModelProject
from fasttrig.training.architecture import architecture_of, fed
from fasttrig.training.forests import train_forest
from fasttrig.training.results import Trained, TrainingProgress, replace_file


def train(project: ModelProject, progress: TrainingProgress | None = None) -> Trained:
    """Train the model and its float twin; write their files and the input map next to ``model.toml``.

    The seed of ``[training]`` fixes initial weights and the order of events; with the same versions on the same kind
    of machine the same files come out.
    """
    check_settings(project)
    if project.trees is not None:
        return train_forest(project, progress)
    splits = {name: load_sample(project, name) for name in ("train", "validation", "test")}
    sample = splits["train"]
    inputs = InputMap.choose(
        sample.x,
        sample.names,
        sample.units,
        project.input_settings.type,
        quantile=project.input_settings.quantile,
        types=project.input_settings.types,
    )
    seen = {
        "float": {name: inputs.scaled(part.x) for name, part in splits.items()},
        "quantised": {name: to_value(inputs.to_raw(part.x), inputs.type) for name, part in splits.items()},
    }
    architecture = architecture_of(project, len(sample.names))
    networks: dict[str, Any] = {}
    epochs = {}
    for kind, make in architecture.makers.items():
        import_framework()[0].utils.set_random_seed(project.training.seed)
        networks[kind] = make()
        epochs[kind] = _fit(networks[kind], kind, project, splits, seen[kind], progress)
    scores = {
        kind: class_scores(network.predict(fed(network, seen[kind]["test"]), batch_size=4096, verbose=0))
        for kind, network in networks.items()
    }
    agreement = compare(scores["float"], scores["quantised"], splits["test"].labels, project.data.classes)
    model, twin = project.path(project.model.file), project.path(project.model.float_file or "float.h5")
    _save(networks["quantised"], model)
    _save(networks["float"], twin)
    inputs_path = project.path(project.model.inputs_file)
    replace_file(inputs_path, lambda path: path.write_text(inputs.to_json(), encoding="utf-8"))
    about = (*architecture.about, *_size(project, networks["quantised"]), *_normalisation(project))
    summary = (*about, "Epochs run: " + ", ".join(f"{kind} {count}" for kind, count in epochs.items()) + ".")
    return Trained((model, twin, inputs_path), agreement, len(sample.labels), summary)


def check_settings(project: ModelProject) -> None:
    """Refuse a model.toml without the settings that training needs."""
    where = str(project.path(MODEL_FILE))
    if project.taggers:
        commands = ", ".join(f"fasttrig train {folder}" for folder in project.taggers.values())
        raise ProjectError("each tagger of this project is trained alone", where=where, try_=commands)
    if project.trees is not None:
        return
    if project.data.is_regression:
        raise ProjectError(
            "networks can only be trained for classes",
            where=where,
            got=f"target = {project.data.target!r}",
            try_="[trees], or your own training",
        )
    if project.architecture is None or (project.architecture.file is None and project.quantisers is None):
        raise ProjectError(
            "training needs an architecture and quantisers, or trees",
            where=where,
            want="tables [architecture] and [quantisers], or [trees]",
        )


def _size(project: ModelProject, network: Any) -> tuple[str, ...]:
    """Of a network of the user's own; the widths of a dense one say the same."""
    if project.architecture is None or project.architecture.file is None:
        return ()
    trained = sum(int(weight.shape.num_elements()) for weight in network.trainable_weights)
    return (f"Parameters: {network.count_params():,}, of which {trained:,} are trained.",)


def _normalisation(project: ModelProject) -> tuple[str, ...]:
    """What the firmware rounds that the training does not."""
    kept = project.model.batchnorm_type
    return () if kept is None else (f"Scales and offsets of batch normalisations are rounded to {kept} when read.",)


def _fit(
    network: Any,
    kind: str,
    project: ModelProject,
    splits: dict[str, LabelledSample],
    grid: dict[str, FloatArray],
    progress: TrainingProgress | None,
) -> int:
    keras, _ = import_framework()
    settings = project.training
    binary = network.output_shape[-1] == 1
    network.compile(
        keras.optimizers.Adam(settings.learning_rate),
        "binary_crossentropy" if binary else "sparse_categorical_crossentropy",
    )

    def report(epoch: int, logs: dict[str, float]) -> None:
        if progress is not None:
            progress(kind, epoch + 1, settings.epochs, logs["val_loss"])

    history = network.fit(
        fed(network, grid["train"]),
        splits["train"].labels,
        validation_data=(fed(network, grid["validation"]), splits["validation"].labels),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        verbose=0,
        shuffle=True,
        callbacks=[
            keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=max(1, settings.patience // 3)),
            keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True),
            keras.callbacks.LambdaCallback(on_epoch_end=report),
        ],
    )
    return len(history.history["loss"])


def _save(network: Any, path: Path) -> None:
    """Architecture and weights only: an optimiser's state is of no use to firmware."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls HDF5 legacy; it is the file that every user of QKeras has
        replace_file(path, lambda temporary: network.save(temporary, include_optimizer=False))
