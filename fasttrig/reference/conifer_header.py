"""conifer's own arithmetic: its header ``conifer.h``, compiled with the vendor's types and run on a file's JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.backends.conifer.wheels import ap_types, package
from fasttrig.base import firmware_files
from fasttrig.base.errors import MissingPackageError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.frontends.trees.conifer_types import ConiferTypes, CppType
from fasttrig.toolchain.programs import compiled_program, scratch_folder
from fasttrig.toolchain.run import find_compiler, run

_FLAGS = ("-std=c++17", "-w")
_TIMEOUT_S = 600.0
_JSON_PLACES = ("/usr/include", "/usr/local/include", "/opt/homebrew/include")


def decision_function(document: Mapping[str, Any], values: FloatArray, *, add_tree: bool = False) -> FloatArray:
    """Results of ``conifer::BDT`` for the values. Shapes: (n_events, n_features) -> (n_events, n_outputs).

    Parameters
    ----------
    document : mapping
        The parsed JSON of a conifer model. Keys that the header needs and older files lack (``weight``, ``norm``) are
        filled in; everything else is the header's to read.
    add_tree : bool
        Sum by conifer's tree of adders instead of one after another.

    Raises
    ------
    MissingPackageError
        Without conifer, hls4ml (the vendor's headers) or ``nlohmann/json.hpp``.
    ToolError
        Without a compiler, or when the program fails.
    """
    types = ConiferTypes.of(document, "conifer")
    with scratch_folder("conifer") as folder:
        (folder / "model.json").write_text(json.dumps(_complete(document)), encoding="utf-8")
        np.ascontiguousarray(values, dtype=np.float64).tofile(folder / "features.bin")
        program, _ = compiled_program(_key(types), "conifer", lambda made: _compile(types, made))
        names = ("model.json", str(values.shape[1]), "features.bin", "scores.bin", "tree" if add_tree else "loop")
        run([str(program), *names], cwd=folder, timeout_s=_TIMEOUT_S)
        return np.fromfile(folder / "scores.bin", dtype=np.float64).reshape(len(values), -1)


def leaves(document: Mapping[str, Any], values: FloatArray) -> IntArray:
    """The row of the leaf in which each event ends. Shapes: (n_events, n_features) -> (n_events, n_trees).

    The header gets each tree as a separate class, and the rows in place of the leaves.
    """
    trees = [tree for members in document["trees"] for tree in members]
    numbered = [{**tree, "value": list(range(len(tree["feature"])))} for tree in trees]
    filled = [*numbered, *numbered, *numbered][: max(3, len(numbered))]  # two classes would be one output
    changed = {
        **document,
        **{"n_classes": len(filled), "n_trees": 1, "init_predict": [0] * len(filled), "norm": 1, "trees": [filled]},
        "config": {**(document.get("config") or document.get("Config") or {}), "score_precision": "double"},
    }
    return decision_function(changed, values)[:, : len(trees)].astype(np.int64)


def _complete(document: Mapping[str, Any]) -> dict[str, Any]:
    n_features = int(document["n_features"])
    trees = [[_complete_tree(tree, n_features) for tree in members] for members in document["trees"]]
    return {"n_trees": len(trees), "norm": 1, **document, "trees": trees}


def _complete_tree(tree: Mapping[str, Any], n_features: int) -> dict[str, Any]:
    if tree.get("weight") is not None:
        return dict(tree)
    weight = [[int(i == feature) for i in range(n_features)] for feature in tree["feature"]]
    return {**tree, "weight": weight}


def _macros(types: ConiferTypes) -> list[str]:
    def spelt(cpp_type: CppType | None) -> str:
        return "double" if cpp_type is None else cpp_type.text

    return [
        f"-DTHRESHOLD_T={spelt(types.threshold)}",
        f"-DWEIGHT_T={spelt(types.weight)}",
        f"-DSCORE_T={spelt(types.score)}",
    ]


def _source() -> str:
    return firmware_files.read("conifer/reference.cpp")


def _key(types: ConiferTypes) -> str:
    header = _header_folder() / "conifer.h"
    sources = [_source(), header.read_text(encoding="utf-8"), *ap_types().values()]
    parts = [*find_compiler(), *_FLAGS, *_macros(types), *sources]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _compile(types: ConiferTypes, folder: Path) -> Path:
    (folder / "reference.cpp").write_text(_source(), encoding="utf-8")
    places = [package("hls4ml") / "templates" / "vivado" / "ap_types", _header_folder(), _json_folder()]
    include = [f"-I{place}" for place in places]
    command = [*find_compiler(), *_FLAGS, *_macros(types), *include, "reference.cpp", "-o", "reference"]
    run(command, cwd=folder, timeout_s=_TIMEOUT_S, log=folder / "compile.log")
    return folder / "reference"


def _header_folder() -> Path:
    return package("conifer") / "backends" / "cpp" / "include"


def _json_folder() -> Path:
    """Folder of ``nlohmann/json.hpp``, which ``conifer.h`` includes."""
    for place in map(Path, _JSON_PLACES):
        if (place / "nlohmann" / "json.hpp").is_file():
            return place
    raise MissingPackageError(
        "conifer's header needs nlohmann/json.hpp",
        got=f"not in {', '.join(_JSON_PLACES)}",
        want="the headers of nlohmann's JSON library",
        try_="apt install nlohmann-json3-dev",
    )
