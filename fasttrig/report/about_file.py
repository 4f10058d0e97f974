"""What is in a model file: what of it is exact, what was chosen, what would be refused; about ten lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError, RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.design import Design, read
from fasttrig.frontends.hls4ml_project.project import ReadProject, is_hls4ml_project, read_hls4ml_project
from fasttrig.frontends.keras.qkeras import read_spec
from fasttrig.frontends.source import ModelSpec
from fasttrig.ir.graph import Postprocessor

ASSUMED_TYPE = FixedType(16, 6)
"""Of an input whose type neither the file nor the caller says."""

_FLOAT_KINDS = ("Dense", "Conv1D", "Conv2D")


@dataclass(frozen=True, slots=True)
class About:
    """Lines of text by topic.

    Attributes
    ----------
    content : what the file holds
    exact : what is computed exactly as the framework computes it
    chosen : what fasttrig or the caller chose: types, rounded scales, a link that stays on the host
    refused : every place that cannot be computed exactly, and what to do
    """

    content: tuple[str, ...]
    exact: str
    chosen: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "content": list(self.content),
            "exact": self.exact,
            "chosen": list(self.chosen),
            "refused": list(self.refused),
        }


def about_file(path: Path, *, input_type: FixedType | None = None) -> About:
    """Read a model file, a model folder or a SavedModel, and say what came of it.

    Raises
    ------
    InputError
        If the file cannot be read at all: missing, damaged, no model.
    """
    try:
        design, assumed = _read(path, input_type)
    except RefusalError as error:
        return _refused(path, error)
    return _read_about(design, assumed)


def _read(path: Path, input_type: FixedType | None) -> tuple[Design, bool]:
    """The design, and whether the type of its inputs was assumed."""
    try:
        return read(path, input_type=input_type), False
    except RefusalError:
        raise
    except InputError as error:
        if input_type is not None or "the type of this input is not known" not in error.what:
            raise
        return read(path, input_type=ASSUMED_TYPE), True


def _read_about(design: Design, assumed: bool) -> About:
    chosen = [f"input {op.name}: {op.result.type}, {_shape(op.result.shape)}" for op in design.graph.inputs]
    if assumed:
        chosen[0] += " (assumed: the file does not say it; --input-type sets it)"
    chosen += [f"output {value.name}: {value.type}, {_shape(value.shape)}" for value in design.graph.outputs]
    if design.graph.postprocessor is not Postprocessor.NONE:
        chosen.append(f"the final {design.graph.postprocessor.value} stays on the host")
    chosen += [f"{row.layer} > {row.part}: {row}" for row in design.scales]
    chosen += [f"narrowed by hand: {name}" for name in design.narrowed]
    ensemble = design.ensemble
    if ensemble is not None:
        content = (f"{len(ensemble.trees)} trees of {ensemble.library}, {ensemble.n_features} features",)
        exact = f"thresholds, as {ensemble.input_format} compares them on the input's grid; leaves are rounded"
        return About(content, exact, tuple(chosen))
    if isinstance(design.source, Path) and is_hls4ml_project(design.source):
        as_written = "every layer, bit by bit, as the project's own C++ with its own headers computes it"
        return About(_hls4ml_project(read_hls4ml_project(design.source)), as_written, tuple(chosen))
    built = design.built_folder is not None
    lines = (f"a build of {len(design.graph.ops)} ops",) if built else _network(read_spec(design.source))
    rounded = "; the real scales below are rounded to integers, and the ladder's framework has the same integers"
    return About(lines, f"every layer, bit by bit{rounded if design.scales else ''}", tuple(chosen))


def _network(spec: ModelSpec) -> tuple[str, ...]:
    kinds = Counter(layer.kind for layer in spec.layers if layer.kind != "InputLayer")
    arrays = [array for layer in spec.layers for name, array in layer.weights.items() if "/" not in name]
    n_weights = sum(array.size for array in arrays)
    layers = ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in kinds.items())
    return (f"network '{spec.name}': {layers}", f"{n_weights:,} weights")


def _hls4ml_project(project: ReadProject) -> tuple[str, ...]:
    kinds = Counter(call.function.removeprefix("nnet::") for call in project.top.calls)
    layers = ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in kinds.items())
    return (f"hls4ml project '{project.top.name}': {layers}", f"{project.n_weights:,} weights", project.releases)


def _refused(path: Path, error: RefusalError) -> About:
    spec = read_spec(path) if path.is_file() or (path / "saved_model.pb").is_file() else None
    places: dict[str, list[str]] = {}
    for refusal in error.refusals:
        reason = f"{refusal.what} ({refusal.got})" + (f"; {refusal.try_}" if refusal.try_ else "")
        places.setdefault(reason, []).append(refusal.where.split(" > ", 1)[-1])
    lines = [f"{', '.join(where)}: {reason}" for reason, where in places.items()]
    kinds = [layer.kind for layer in spec.layers] if spec is not None else []
    if any(kind in _FLOAT_KINDS for kind in kinds):
        lines.append(f"float layers: fasttrig quantise {path} --data SAMPLE --classes NAMES -o FOLDER quantises them")
    content = _network(spec) if spec is not None else (str(path),)
    return About(content, "all but the places below", (), tuple(lines))


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"
