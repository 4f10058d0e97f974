"""Damaged and hostile files end in an error with a place, within a gigabyte and seconds; never in a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import DataError, InputError
from fasttrig.base.fixed import FixedType
from fasttrig.base.hdf5_heaps import require_sound_heaps
from fasttrig.data.readers import read_table
from tests.unit.hostile.mutants import MODELS, write_mutants

MAX_PEAK_BYTES = 2**30


def read_all(paths: list[Path]) -> list[dict[str, Any]]:
    """What became of each file in a process of its own; the last row of a crash has no outcome."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.hostile.read_files"],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"{rows[-1:]}: exit {done.returncode}\n{done.stderr[-2000:]}"
    return [row for row in rows if "outcome" in row]


def require_bounded(rows: list[dict[str, Any]]) -> None:
    wrong = [row for row in rows if row["outcome"] not in ("read", "refused")]
    assert not wrong, "\n".join(f"{row['path']}: {row['outcome']}" for row in wrong[:8]) + f"\n{len(wrong)} files"
    assert rows[-1]["peak_bytes"] < MAX_PEAK_BYTES


@pytest.mark.parametrize("count", [240, pytest.param(6000, marks=pytest.mark.nightly)])
def test_mutants_are_read_or_refused(count: int, tmp_path: Path) -> None:
    rows = read_all(write_mutants(tmp_path, count))
    require_bounded(rows)
    outcomes = Counter(row["outcome"] for row in rows)
    assert len(rows) == count and outcomes["refused"] > count // 4 and outcomes["read"] > 0, outcomes


def with_config(path: Path, change: Any) -> Path:
    """The stored Keras 3 model with its configuration changed in place by `change`."""
    with zipfile.ZipFile(MODELS / "k3.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config["config"]["layers"])
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return path


def dense(layers: list[dict[str, Any]]) -> dict[str, Any]:
    return next(layer for layer in layers if layer["class_name"] == "QDense")


CONFIGS = {
    "units are text": (lambda layers: dense(layers)["config"].update(units="x"), "units"),
    "units are null": (lambda layers: dense(layers)["config"].update(units=None), "units"),
    "units are a list": (lambda layers: dense(layers)["config"].update(units=[3]), "units"),
    "a configuration is a list": (lambda layers: dense(layers).update(config=[1]), "layer 'zeta'"),
    "a configuration is text": (lambda layers: dense(layers).update(config="abc"), "layer 'zeta'"),
    "a shape with text": (lambda layers: layers[0]["config"].update(batch_shape=[None, "x"]), "batch_shape"),
    "bits are NaN": (
        lambda layers: dense(layers)["config"].update(kernel_quantizer="quantized_bits(nan,0)"),
        "kernel_quantizer",
    ),
    "an unknown option": (lambda layers: dense(layers)["config"].update(clip_outputs=3), "clip_outputs"),
    "an option 100 deep": (
        lambda layers: dense(layers)["config"].update(
            kernel_quantizer={
                "class_name": "quantized_bits",
                "config": {"alpha": json.loads("[" * 100 + "1" + "]" * 100)},
            }
        ),
        "kernel_quantizer",
    ),
    "arguments 100 deep": (
        lambda layers: dense(layers).update(inbound_nodes=[{"args": json.loads("[" * 100 + "]" * 100), "kwargs": {}}]),
        "layer 'zeta'",
    ),
    "a call without tensors": (
        lambda layers: dense(layers).update(inbound_nodes=[{"args": [], "kwargs": {}}]),
        "layer 'zeta'",
    ),
    "a call with two tensors": (
        lambda layers: dense(layers)["inbound_nodes"][0].update(args=dense(layers)["inbound_nodes"][0]["args"] * 2),
        "layer 'zeta'",
    ),
    "a layer called 100,000 times": (
        lambda layers: dense(layers).update(inbound_nodes=dense(layers)["inbound_nodes"] * 100_000),
        "",
    ),
}


@pytest.mark.parametrize("name", list(CONFIGS))
def test_configurations_are_checked_at_the_door(name: str, tmp_path: Path) -> None:
    change, place = CONFIGS[name]
    path = with_config(tmp_path / "m.keras", change)
    with pytest.raises(InputError) as caught:
        fasttrig.read(path, input_type=FixedType(8, 4))
    text = str(caught.value)
    assert "m.keras" in text and place in text and "want:" in text


def test_many_names_of_one_huge_dataset_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.h5"
    path.write_bytes((MODELS / "k3.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]["zeta"]
        huge = group.create_dataset("w0", (2**23,), np.float32, chunks=(2**20,), compression="gzip")
        for number in range(1, 40):
            group[f"w{number}"] = huge
        group.attrs["weight_names"] = [f"w{number}" for number in range(40)]
    rows = read_all([path])
    assert rows[0]["outcome"] == "refused" and rows[0]["peak_bytes"] < MAX_PEAK_BYTES // 2
    with pytest.raises(InputError, match="declares too many weights"):
        fasttrig.read(path, input_type=FixedType(8, 4))


def test_rows_that_are_not_stored_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2**38,), np.float32, chunks=(2**16,))
    with pytest.raises(DataError, match="declares more data than it contains"):
        read_table(path)


def test_a_column_of_wide_rows_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (4, 2**27), np.float32, chunks=(1, 2**16), compression="gzip")
    with pytest.raises(DataError, match="declares more data than it contains"):
        read_table(path)


@pytest.mark.parametrize(
    "name", [f"m.{x}" for x in ("h5", "keras", "json", "onnx", "ubj", "txt", "lgb", "xml", "xml.gz")]
)
def test_a_pointer_of_git_lfs_is_named_for_models(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(POINTER)
    with pytest.raises(InputError, match="Git LFS pointer") as caught:
        fasttrig.read(tmp_path / name, input_type=FixedType(8, 4))
    assert caught.value.try_ == "git lfs pull"


@pytest.mark.parametrize("ending", ["parquet", "root", "csv", "h5"])
def test_a_pointer_of_git_lfs_is_named_for_samples(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"events.{ending}").write_text(POINTER)
    with pytest.raises(DataError, match="Git LFS pointer"):
        read_table(tmp_path / f"events.{ending}")


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 123456\n"


def test_heaps_that_the_hdf5_library_never_finishes(tmp_path: Path) -> None:
    """A free object of size 0 at the end of a heap: libhdf5 stays there for ever, in models and in events."""
    with h5py.File(tmp_path / "events.h5", "w") as file:
        file["sample"] = ["jets"] * 50
        file["pt"] = np.arange(50.0)
    made = []
    for source in (MODELS / "k3.h5", tmp_path / "events.h5"):
        content = source.read_bytes()
        start = content.index(b"GCOL")
        first = start + 16
        damaged = content[:first] + bytes(16) + content[first + 16 :]
        made.append(tmp_path / f"0_heap_{source.name}")
        made[-1].write_bytes(damaged)
    rows = read_all(made)
    assert [row["outcome"] for row in rows] == ["refused", "refused"], rows


def test_heaps_inside_each_other_end_at_once() -> None:
    """Each object of a heap hides the start of another heap: a walk through all of them would take hours."""
    heap = b"GCOL\1\0\0\0" + (1 << 40).to_bytes(8, "little")
    hidden = b"\1\0\0\0\0\0\0\0" + len(heap).to_bytes(8, "little") + heap
    content = b"\x89HDF\r\n\x1a\n" + bytes(8) + heap + hidden * 100_000
    with pytest.raises(InputError, match="heaps that overlap"):
        require_sound_heaps(content, "m.h5")
