"""Tree models of all libraries: source -> `Ensemble` (float, as read) -> `Graph` (integers, a `Forest`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.base.names import check_model_name
from fasttrig.frontends.trees import (
    conifer_json,
    lightgbm_model,
    onnx_model,
    pipelines,
    sklearn_model,
    tmva_xml,
    xgboost_document,
    xgboost_model,
)
from fasttrig.frontends.trees.ensemble import Ensemble, Link, SplitRule, Tree
from fasttrig.frontends.trees.files import read_bytes, read_document, read_text
from fasttrig.frontends.trees.lower import lower_forest, thresholds_to_raw
from fasttrig.ir.graph import Graph

__all__ = [
    "Ensemble",
    "Link",
    "SplitRule",
    "Tree",
    "lower_forest",
    "read_ensemble",
    "read_trees",
    "reads",
    "thresholds_to_raw",
]


@dataclass(frozen=True, slots=True)
class Library:
    """How the live models and the files of one library are known and read.

    `models` says in words what of it is read. Files are known by their suffix and then by their content: what the
    suffix's row in `_LOAD` makes of them.
    """

    name: str
    models: str
    knows_live: Callable[[Any], bool] = lambda source: False
    read_live: Callable[..., Ensemble] | None = None
    suffixes: tuple[str, ...] = ()
    knows_content: Callable[[Any], bool] = lambda content: True
    read_file: Callable[..., Ensemble] | None = None
    takes_rounds: bool = False


def _read_pipeline(pipeline: Any) -> Ensemble:
    return pipelines.read_live(pipeline, read_ensemble)


LIBRARIES = (
    Library(
        "scikit-learn `Pipeline`",
        f"{', '.join(pipelines.SCALERS)} in front of a live tree model of any library",
        pipelines.is_pipeline,
        _read_pipeline,
    ),
    Library(
        "XGBoost",
        f"trees; the links of {len(xgboost_document.OBJECTIVES)} objectives, others without a link",
        xgboost_model.is_xgboost,
        xgboost_model.read_live,
        (".json", ".ubj"),
        xgboost_document.is_xgboost_document,
        xgboost_model.read_file,
        takes_rounds=True,
    ),
    Library("scikit-learn", ", ".join(sklearn_model.KINDS), sklearn_model.is_sklearn, sklearn_model.read_live),
    Library(
        "LightGBM",
        "boosted trees and random forests",
        lightgbm_model.is_lightgbm,
        lightgbm_model.read_live,
        (".txt", ".lgb"),
        lightgbm_model.is_model_text,
        lightgbm_model.read_file,
    ),
    Library(
        "TMVA",
        f"BDT with BoostType {', '.join(tmva_xml.BOOSTS)}",
        suffixes=(".xml", ".xml.gz"),
        knows_content=tmva_xml.is_tmva,
        read_file=tmva_xml.read_file,
    ),
    Library(
        "ONNX",
        f"one {' or '.join(onnx_model.KINDS)}",
        onnx_model.is_onnx,
        onnx_model.read_live,
        (".onnx",),
        read_file=onnx_model.read_file,
    ),
    Library(
        "conifer",
        "its own JSON, with its types",
        suffixes=(".json",),
        knows_content=conifer_json.is_conifer,
        read_file=conifer_json.read_file,
    ),
)
"""One row per library; the table of docs/reference/supported.md is made from it."""

_LOAD: dict[str, Callable[[Path], Any]] = {
    ".json": read_document,
    ".ubj": read_document,
    ".txt": read_text,
    ".lgb": read_text,
    ".xml": read_bytes,
    ".xml.gz": read_bytes,
    ".onnx": lambda path: None,
}
_PICKLES = (".pkl", ".pickle", ".joblib", ".skops")
_SUFFIXES = (*_LOAD, *_PICKLES)


def reads(source: Any) -> bool:
    """Whether `source` is a live tree model, or a path whose suffix (and content, for JSON, XML and text) fits one.

    A file of such a suffix that cannot be opened counts: reading it says why.
    """
    if not isinstance(source, str | Path):
        return _live_library(source) is not None
    path = Path(source)
    if path.name.endswith(_PICKLES):
        return True  # Reading the file then says why it is refused.
    if not path.name.endswith(_SUFFIXES) or not path.is_file():
        return False
    try:
        return _file_library(path) is not None
    except InputError:
        return True  # Reading the file then says why it is refused.


def read_trees(
    source: Any,
    *,
    input_type: FixedType | None = None,
    channel_types: Sequence[FixedType] = (),
    leaf_fraction_bits: int | None = None,
    name: str | None = None,
    rounds: int | None = None,
) -> tuple[Graph, Ensemble]:
    """A tree model as an integer graph, and as the float ensemble it was.

    Parameters
    ----------
    source : live model or path
        XGBoost (live, ``.json``, ``.ubj``), scikit-learn (live), LightGBM (live, text), TMVA (``.xml``, ``.xml.gz``),
        ONNX (live, ``.onnx``), conifer (``.json``).
    input_type : FixedType or None
        The grid of the features; may be left out for a conifer file that names its input type.
    channel_types : sequence of FixedType
        Narrower types of single features: none, or one per feature.
    leaf_fraction_bits : int or None
        Grid of the leaves; None: that of a conifer file's score type, else fine enough for the margin's span.
    name : str or None
        Name of the graph; None takes the file's name, or ``forest``.
    rounds : int or None
        Boosting rounds to use (XGBoost only); None: those that the library's ``predict`` uses.

    Raises
    ------
    InputError
        If the source cannot be read, or types do not fit.
    UnsupportedError
        If hardware cannot compute the model exactly; all reasons at once.
    """
    ensemble = read_ensemble(source, rounds=rounds)
    input_type = input_type or ensemble.input_type
    if input_type is None:
        raise InputError("the input type is missing", where=ensemble.origin, want="input_type=FixedType(...)")
    graph_name = _checked_name(source, name)
    return lower_forest(ensemble, input_type, channel_types, leaf_fraction_bits, graph_name), ensemble


def read_ensemble(source: Any, *, rounds: int | None = None) -> Ensemble:
    """The float ensemble of `source`; see `read_trees`."""
    if isinstance(source, str | Path):
        return _read_path(Path(source), rounds)
    library = _live_library(source)
    if library is None:
        raise UnsupportedError(
            "fasttrig does not read this kind of tree model",
            got=f"an object of {type(source)!r}",
            want="XGBoost, scikit-learn, LightGBM or ONNX, or a path",
        )
    assert library.read_live is not None
    return library.read_live(source, *_rounds(library, rounds))


def _rounds(library: Library, rounds: int | None) -> tuple[int | None, ...]:
    """The argument of a reader that takes the number of rounds."""
    if library.takes_rounds:
        return (rounds,)
    if rounds is not None:
        raise InputError("`rounds` applies to XGBoost models only", got=f"rounds={rounds}")
    return ()


def _read_path(path: Path, rounds: int | None) -> Ensemble:
    if path.name.endswith(_PICKLES):
        raise UnsupportedError(
            "fasttrig does not open pickle files: a pickle runs code when it is opened",
            where=str(path),
            want="the live model object, or a model file",
            try_="load the pickle where you trust it, and pass the object",
        )
    if not path.is_file():
        raise InputError("no such model file", where=str(path))
    library = _file_library(path)
    if library is None:
        raise InputError("fasttrig does not read this kind of tree model", where=str(path), want=", ".join(_SUFFIXES))
    assert library.read_file is not None
    return library.read_file(path, *_rounds(library, rounds))


def _live_library(source: Any) -> Library | None:
    return next((library for library in LIBRARIES if library.knows_live(source)), None)


def _file_library(path: Path) -> Library | None:
    """The library of a file: by its suffix, then by its content."""
    suffix = next((suffix for suffix in _LOAD if path.name.endswith(suffix)), None)
    if suffix is None:
        return None
    content = _LOAD[suffix](path)
    return next((row for row in LIBRARIES if suffix in row.suffixes and row.knows_content(content)), None)


def _checked_name(source: Any, name: str | None) -> str:
    """The name asked for, else that of the file, else ``forest``."""
    if name is not None:
        return check_model_name(name, try_="name={}")
    if not isinstance(source, str | Path):
        return "forest"
    stem, dot, endings = Path(source).name.partition(".")
    hint = f"rename the file to {{}}{dot}{endings}, or name={{}} in Python"
    return check_model_name(stem, where=str(source), try_=hint)
