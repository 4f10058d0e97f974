"""A run: any partition, restarts, bad files, retries, and what is never replaced."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from fasttrig.base.errors import DataError, InputError
from fasttrig.commands.many_files import folder_paths
from fasttrig.data.readers import read_table
from fasttrig.design import load_built
from fasttrig.grid import GridOptions, emulate_many
from tests.unit.grid.runs import SIZES, Threads, bits, done, uneven
from tests.unit.streaming.cases import assert_holds, columns, expected, write


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return uneven(tmp_path)


def outputs(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.is_file()}


@pytest.mark.parametrize("chunk_events", [900, 1000, 6999, 7000])
def test_any_partition_has_the_same_bits(chunk_events: int, place: Path, tmp_path: Path) -> None:
    one = done(place, tmp_path / "one")
    cut = done(place, tmp_path / "cut", threads=2, chunk_events=chunk_events)
    assert bits(one) == bits(cut) and one["n_events"] == sum(SIZES.values()) and not one["failed"]
    assert cut["n_chunks"] == 3 + sum(-(-SIZES[name] // chunk_events) for name in ("a.root", "b.parquet"))
    want = {**columns(7000), **expected(columns(7000))}
    assert_holds(read_table(tmp_path / "one" / "b.parquet"), want)
    parts = [read_table(path) for path in sorted((tmp_path / "cut").glob("b*.parquet"))]
    for name, column in want.items():
        assert np.array_equal(np.concatenate([part[name] for part in parts]), column), name


def test_a_restart_does_what_is_missing(place: Path, tmp_path: Path) -> None:
    first = done(place, tmp_path / "out", chunk_events=900)
    before = outputs(tmp_path / "out")
    gone = {"a.000000000000.root", "b.000000000900.parquet"}
    for name in gone:
        (tmp_path / "out" / name).unlink()
    again = done(place, tmp_path / "out", chunk_events=900)
    after = outputs(tmp_path / "out")
    assert bits(again) == bits(first) and again["n_found"] == first["n_chunks"] - 2
    assert {name for name in after if after[name] != before[name]} == {*gone, "emulated.json"}


def test_a_changed_input_is_emulated_again(place: Path, tmp_path: Path) -> None:
    first = done(place, tmp_path / "out", chunk_events=900)
    (place / "in" / "b.parquet").unlink()
    write(place / "in" / "b.parquet", columns(1000))
    again = done(place, tmp_path / "out", chunk_events=900)
    assert again["n_events"] == first["n_events"] - 6000 and again["n_found"] == 5
    assert sorted(path.name for path in (tmp_path / "out").glob("b.*")) == [
        "b.000000000000.parquet",
        "b.000000000900.parquet",
    ]
    assert bits(again) == bits(done(place, tmp_path / "whole"))


def test_a_bad_file_costs_itself_and_is_listed(place: Path, tmp_path: Path) -> None:
    whole = (place / "in" / "a.root").read_bytes()
    want = done(place, tmp_path / "whole")
    os.truncate(place / "in" / "a.root", 5000)
    with pytest.raises(DataError, match=r"a\.root"):
        done(place, tmp_path / "out")
    told = done(place, tmp_path / "out", skip_bad=True)
    (failed,) = told["failed"]
    assert failed["file"].endswith("a.root") and failed["attempts"] == 3 and failed["error"]
    assert told["n_events"] == sum(SIZES.values()) - 1000
    (place / "in" / "a.root").write_bytes(whole)
    mended = done(place, tmp_path / "out")
    assert bits(mended) == bits(want) and mended["n_found"] == 4


def test_a_retry_comes_later_and_reads_again(place: Path, tmp_path: Path) -> None:
    """A file that is whole only after half a second: tries at 0, 0.2 and 0.6 s."""
    file = place / "in" / "a.root"
    file.rename(place / "a.root")
    file.write_bytes(b"root")
    late = Timer(0.5, lambda: (place / "a.root").replace(file))
    late.start()
    told = done(place, tmp_path / "out", backoff_s=0.2)
    late.join()
    assert not told["failed"] and told["n_events"] == sum(SIZES.values()) and told["seconds"] >= 0.6


def test_a_run_of_other_settings_needs_force(place: Path, tmp_path: Path) -> None:
    done(place, tmp_path / "out", chunk_events=900)
    with pytest.raises(InputError, match="another chunk_events"):
        done(place, tmp_path / "out", chunk_events=5000)
    done(place, tmp_path / "out", chunk_events=5000, force=True)
    assert sorted(outputs(tmp_path / "out")) == [
        "a.root", "b.000000000000.parquet", "b.000000005000.parquet", "c.h5", "d.root", "e.parquet", "emulated.json",
    ]  # fmt: skip


def test_what_somebody_else_wrote_stays(place: Path, tmp_path: Path) -> None:
    done(place, tmp_path / "out")
    (tmp_path / "out" / "c.h5").write_text("mine")
    with pytest.raises(InputError, match="there already"):
        done(place, tmp_path / "out")
    assert (tmp_path / "out" / "c.h5").read_text() == "mine"
    with pytest.raises(InputError, match="holds the inputs"):
        done(place, place / "in")


def test_a_run_that_did_nothing_is_in_nobodys_way(place: Path, tmp_path: Path) -> None:
    out, nothing = tmp_path / "out", [str(tmp_path / "nothing.root")]
    with Threads(1) as workers, pytest.raises(DataError, match="cannot read"):
        emulate_many(load_built(place), nothing, [out / "nothing.root"], workers, GridOptions(retries=0))
    assert done(place, out, prefix="other_")["n_events"] == sum(SIZES.values())


def test_workers_write_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="write a folder"):
        folder_paths(["a.root"], tmp_path / "scores.root")
    assert folder_paths(["in/a.root", "in/b.csv"], tmp_path / "x") == [tmp_path / "x/a.root", tmp_path / "x/b.parquet"]


def test_a_folder_has_one_run_at_a_time(place: Path, tmp_path: Path) -> None:
    first = done(place, tmp_path / "out")
    with (tmp_path / "out" / ".emulate" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another run"):
            done(place, tmp_path / "out")
    assert done(place, tmp_path / "out")["n_found"] == first["n_chunks"]
