"""Small real files, and damaged copies of them: flipped bits, cut ends, edited configurations. All seeded."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

MODELS = Path(__file__).parents[1] / "frontends" / "data"
HOSTILE: tuple[Any, ...] = (
    "x",
    None,
    [],
    {},
    [[1, "x"]],
    -1,
    0,
    2**63,
    1e308,
    float("nan"),
    True,
    "quantized_bits(nan,0)",
    "quantized_bits(6,0,alpha=nan)",
    {"class_name": "quantized_bits", "config": {"bits": [6], "alpha": {"value": {}}}},
    {"class_name": "Sequential", "config": {"layers": []}},
    ["a", 10**9, 0],
)


def originals(folder: Path) -> list[Path]:
    """One small file per format."""
    rng = np.random.default_rng(0)
    x, label = rng.normal(0, 1, 500).astype(np.float32), rng.integers(0, 3, 500).astype(np.int32)
    table = pa.table({"x": x, "label": label})
    pyarrow.parquet.write_table(table, folder / "events.parquet")
    pyarrow.csv.write_csv(table, folder / "events.csv")
    with h5py.File(folder / "events.h5", "w") as file:
        file.create_dataset("x", data=x, chunks=(100,), compression="gzip")
        file["label"] = label
    names = ["events.parquet", "events.csv", "events.h5"]
    try:
        import uproot
    except ImportError:
        pass
    else:
        with uproot.recreate(folder / "events.root") as file:
            file.mktree("events", {"x": "float32", "label": "int32"}).extend({"x": x, "label": label})
        names.append("events.root")
    return [*(folder / name for name in names), MODELS / "k3.keras", MODELS / "k3.h5"]


def flipped(content: bytes, rng: random.Random) -> bytes:
    """One to eight flipped bits, near each other as often as not."""
    damaged = bytearray(content)
    start = rng.randrange(len(damaged))
    for _ in range(rng.choice((1, 2, 8))):
        place = rng.choice((rng.randrange(len(damaged)), (start + rng.randrange(16)) % len(damaged)))
        damaged[place] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def filled(content: bytes, rng: random.Random) -> bytes:
    """Eight bytes of a length field set, as a hostile size would be."""
    place = rng.randrange(len(content))
    return content[:place] + rng.choice((b"\xff", b"\x7f", b"\x00")) * 8 + content[place + 8 :]


def edited(config: Any, rng: random.Random) -> Any:
    """A configuration with one to three values replaced, removed or nested deeply."""
    config = json.loads(json.dumps(config))
    for _ in range(rng.choice((1, 1, 3))):
        place = rng.choice(_places(config))
        parent, key = place
        action = rng.random()
        if action < 0.1:
            del parent[key]
        elif action < 0.2:
            parent[key] = json.loads("[" * 100 + "1" + "]" * 100)
        else:
            parent[key] = copy.deepcopy(rng.choice(HOSTILE))
    return config


def _places(content: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    stack = [content]
    while stack:
        node = stack.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            found.append((node, key))
            stack.append(value)
    return found


def edited_keras(content: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(edited(json.loads(members["config.json"]), rng)).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return out.getvalue()


def edited_h5(content: bytes, rng: random.Random) -> bytes:
    out = io.BytesIO(content)
    with h5py.File(out, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        del file.attrs["model_config"]
        file.attrs["model_config"] = json.dumps(edited(config, rng))
    return out.getvalue()


Mutation = Callable[[bytes, random.Random], bytes]
_BYTES: tuple[Mutation, ...] = (flipped, flipped, cut, filled)


def write_mutants(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """`count` mutants, the formats in turn, named ``<number>_<mutation>_<file>``."""
    sources = [(path, path.read_bytes()) for path in originals(folder)]
    made = []
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        path, content = sources[number % len(sources)]
        mutations = _BYTES
        if path.parent == MODELS:
            mutations = (*_BYTES, *([edited_keras] * 4 if path.suffix == ".keras" else [edited_h5] * 4))
        mutation = rng.choice(mutations)
        target = folder / f"{number}_{mutation.__name__}_{path.name}"
        target.write_bytes(mutation(content, rng))
        made.append(target)
    return made
