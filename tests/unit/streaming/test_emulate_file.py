"""Files in, files out: every column stays, the scores are the emulator's, a mistake is told and nothing is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fasttrig import design as design_module
from fasttrig.base.errors import DataError, FasttrigError, InputError
from fasttrig.commands.files import expand, output_paths
from fasttrig.data.readers import open_source, read_table
from fasttrig.streaming import emulate_file, emulate_files
from tests.unit.streaming.cases import N_EVENTS, assert_holds, columns, expected, small_design, write


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("parquet", "parquet"),
        ("parquet", "root"),
        ("root", "h5"),
        ("h5", "root"),
        ("npz", "hdf5"),
        ("root", "parquet"),
    ],
)
def test_every_column_stays_and_the_scores_are_the_emulators(source: str, target: str, tmp_path: Path) -> None:
    data, told = columns(), []
    made = emulate_file(
        small_design(),
        write(tmp_path / f"in.{source}", data),
        tmp_path / f"out.{target}",
        chunk_events=77,
        threads=3,
        progress=lambda done, total: told.append((done, total)),
    )
    assert_holds(read_table(made.output), {**data, **expected(data)})
    assert (made.n_events, made.columns) == (N_EVENTS, tuple(expected(data)))
    assert told[0] == (77, N_EVENTS) and told[-1] == (N_EVENTS, N_EVENTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"in.{source}", f"out.{target}"]


def test_the_compiled_emulator_gives_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = columns()
    source = write(tmp_path / "in.parquet", data)
    made = emulate_file(small_design(), source, tmp_path / "out.parquet", compiled=True, chunk_events=100, threads=2)
    assert made.emulator.startswith("compiled (")
    assert_holds(read_table(made.output), {**data, **expected(data)})
    monkeypatch.setattr(design_module, "COMPILED_FROM", N_EVENTS)
    monkeypatch.setenv("CXX", "no-such-compiler")
    without = emulate_file(small_design(), source, tmp_path / "without.parquet")
    assert without.emulator.startswith("NumPy (no C++ compiler")
    assert_holds(read_table(without.output), {**data, **expected(data)})


def test_what_parquet_holds_stays_as_it_is_stored(tmp_path: Path) -> None:
    """Missing values, lists of varying length, narrow types and the file's metadata."""
    data = columns(3)
    table = pa.table(
        {
            "pt": data["pt"],
            "n": data["n"],
            "tags": [["a"], [], None],
            "weight": pa.array([1.5, None, 2.0]),
            "run": pa.array([1, 2, 3], pa.uint8()),
        }
    )
    pq.write_table(table.replace_schema_metadata({"made by": "a person"}), tmp_path / "in.parquet")
    made = emulate_file(small_design(), tmp_path / "in.parquet", tmp_path / "out.parquet")
    out = pq.read_table(made.output)
    assert out.select(table.column_names).equals(table) and out.schema.metadata[b"made by"] == b"a person"
    assert out.column_names == [*table.column_names, *expected(data)]


def test_chosen_columns_and_names(tmp_path: Path) -> None:
    data = columns()
    source = write(tmp_path / "in.root", data)
    made = emulate_file(small_design(), source, tmp_path / "a.root", keep=["event"], prefix="v2_", tree="jets")
    renamed = {name.replace("small_", "v2_"): column for name, column in expected(data).items()}
    assert_holds(read_table(f"{made.output}:jets"), {"event": data["event"], **renamed})
    made = emulate_file(small_design(), source, tmp_path / "b.h5", keep=[])
    assert_holds(read_table(made.output), expected(data))


def test_without_an_input_map_columns_are_the_inputs(tmp_path: Path) -> None:
    """A list column of the input's name, or numbered ones; integers are values, as in Python."""
    bare = replace(small_design(), inputs=None)
    raw = np.random.default_rng(1).integers(-128, 128, (50, 2))
    want = bare.emulate(raw).raw["logits"]
    for name, data in (("list", {"x": raw}), ("single", {"x_0": raw[:, 0], "x_1": raw[:, 1]})):
        made = emulate_file(bare, write(tmp_path / f"{name}.h5", data), tmp_path / f"{name}.parquet")
        table = read_table(made.output)
        assert np.array_equal(np.stack([table["small_raw_sig"], table["small_raw_bkg"]], axis=1), want)
    with pytest.raises(DataError, match="no column for an input"):
        emulate_file(bare, write(tmp_path / "y.h5", {"y": raw}), tmp_path / "y.parquet")
    with pytest.raises(DataError, match="does not hold the numbers") as caught:
        emulate_file(bare, write(tmp_path / "z.h5", {"x": raw[:, :1]}), tmp_path / "z.parquet")
    assert "z.h5 > rows 0 to 49" in str(caught.value)


def broken(data: dict[str, np.ndarray], **changes: np.ndarray | None) -> dict[str, np.ndarray]:
    merged = {**data, **changes}
    return {name: column for name, column in merged.items() if column is not None}


@pytest.mark.parametrize(
    ("data", "options", "told"),
    [
        (broken(columns(), pt=None, pT=columns()["pt"]), {}, "no such column.*did you mean 'pT'"),
        (broken(columns(), pt=np.where(np.arange(N_EVENTS) == 700, np.nan, 1.0)), {}, "NaN.*column 'pt'.*row 700"),
        (broken(columns(), pt=np.full(N_EVENTS, "high")), {}, "a feature must be one number a row.*'pt'"),
        (broken(columns(), pt=columns()["cells"]), {}, "a feature must be one number a row.*'pt'"),
        (columns(), {"keep": ["evnt"]}, "no such column.*did you mean 'event'"),
        (broken(columns(), small_score_sig=columns()["pt"]), {}, "already has a column.*'small_score_sig'.*--prefix"),
    ],
)
def test_a_file_that_cannot_be_used(data: dict, options: dict, told: str, tmp_path: Path) -> None:
    source = write(tmp_path / "in.parquet", data)
    with pytest.raises(DataError, match=f"(?s){told}"):
        emulate_file(small_design(), source, tmp_path / "out.parquet", chunk_events=100, **options)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("suffix", ["parquet", "root", "h5"])
def test_a_truncated_file_leaves_nothing(suffix: str, tmp_path: Path) -> None:
    source = write(tmp_path / f"in.{suffix}", columns())
    source.write_bytes(source.read_bytes()[:-900])
    with pytest.raises(DataError, match="truncated"):
        emulate_file(small_design(), source, tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("out.csv", "does not write this file format.*'.csv'"),
        ("out", "does not write this file format"),
        ("no/out.root", "no such folder.*mkdir"),
        ("there.h5", "there already.*--force"),
        ("in.parquet", "there already"),
        ("folder.root", "is a folder"),
        ("/proc/out.parquet", "cannot be written"),
    ],
)
def test_outputs_that_are_refused(output: str, told: str, tmp_path: Path) -> None:
    source = write(tmp_path / "in.parquet", columns(5))
    (tmp_path / "there.h5").write_text("something")
    (tmp_path / "folder.root").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=f"(?s){told}"):
        emulate_file(small_design(), source, tmp_path / output)
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "there.h5").read_text() == "something"


def test_force_replaces_but_never_the_input(tmp_path: Path) -> None:
    data = columns(5)
    source = write(tmp_path / "in.parquet", data)
    write(tmp_path / "out.parquet", columns(3))
    emulate_file(small_design(), source, tmp_path / "out.parquet", force=True)
    assert_holds(read_table(tmp_path / "out.parquet"), {**data, **expected(data)})
    tree = write(tmp_path / "in.root", data)
    for file, output in ((source, source), (f"{tree}:events", tree)):
        with pytest.raises(InputError, match="the output is the input"):
            emulate_file(small_design(), file, output, force=True)


def test_text_goes_to_hdf5_and_not_to_root(tmp_path: Path) -> None:
    data = broken(columns(4), name=np.array(["a", "bc", "", "d"]))
    source = write(tmp_path / "in.parquet", data)
    made = emulate_file(small_design(), source, tmp_path / "out.h5")
    assert read_table(made.output)["name"].tolist() == ["a", "bc", "", "d"]
    with pytest.raises(DataError, match="text cannot go to a ROOT file"):
        emulate_file(small_design(), source, tmp_path / "out.root")
    assert not (tmp_path / "out.root").exists()


def test_many_files_go_to_a_folder(tmp_path: Path) -> None:
    data = columns(20)
    for name in ("a.root", "b.csv"):
        write(tmp_path / name, data)
    files = expand([str(tmp_path / "*.root"), str(tmp_path / "b.csv")])
    outputs = output_paths(files, tmp_path / "out")
    assert [path.name for path in outputs] == ["a.root", "b.parquet"]
    made = list(emulate_files(small_design(), files, outputs))
    assert_holds(read_table(made[0].output), {**data, **expected(data)})
    assert np.array_equal(read_table(made[1].output)["small_raw_sig"], expected(data)["small_raw_sig"])
    assert output_paths(["x.root:jets"], tmp_path) == [tmp_path / "x.root"]
    for refused, told in (
        (lambda: output_paths(files, tmp_path / "one.root"), "need an output folder"),
        (lambda: output_paths(files, tmp_path / "b.csv" / "out"), "cannot create the output folder"),
        (lambda: expand([str(tmp_path / "*.h5")]), "no file matches this pattern"),
        (lambda: list(emulate_files(small_design(), files, [outputs[0]] * 2, force=True)), "same output"),
        (lambda: list(emulate_files(small_design(), files, outputs)), "there already"),
    ):
        with pytest.raises(FasttrigError, match=told):
            refused()


@pytest.mark.parametrize("source", [".parquet", ".root", ".h5", ".npz", ".csv"])
@pytest.mark.parametrize("target", [".parquet", ".root", ".h5"])
def test_a_file_without_rows_gives_a_file_without_rows(source: str, target: str, tmp_path: Path) -> None:
    """A skim that kept nothing: every column is there, with the type it has in a full file."""
    data = {name: column for name, column in columns(3).items() if name != "cells" or source != ".csv"}
    files = [write(tmp_path / f"{name}{source}", data) for name in ("full", "empty")]
    files[1] = write(tmp_path / f"empty{source}", {name: column[:0] for name, column in data.items()})
    outputs = [tmp_path / f"{name}_out{target}" for name in ("full", "empty")]
    made = [emulate_file(small_design(), file, output) for file, output in zip(files, outputs, strict=True)]
    assert made[1].n_events == 0 and made[1].columns == made[0].columns
    full, empty = (open_source(output) for output in outputs)
    assert empty.names == full.names and empty.n_rows == 0


@pytest.mark.parametrize("compiled", [True, False])
def test_raw_integers_of_a_file(compiled: bool, tmp_path: Path) -> None:
    """Integer columns are values unless the caller says raw."""
    design = small_design()
    raw = np.random.default_rng(1).integers(-32, 32, (50, 2)) * 4
    data = {"pt": raw[:, 0], "n": raw[:, 1]}
    file = write(tmp_path / "raw.parquet", data)
    emulate_file(design, file, tmp_path / "out.parquet", raw=True, compiled=compiled, prefix="")
    want = design.emulate_raw(raw)
    assert np.array_equal(read_table(tmp_path / "out.parquet")["raw_sig"], want.raw["logits"][:, 0])
    emulate_file(design, file, tmp_path / "values.parquet", compiled=compiled, prefix="")
    want = design.emulate({name: column.astype(float) for name, column in data.items()})
    assert np.array_equal(read_table(tmp_path / "values.parquet")["raw_sig"], want.raw["logits"][:, 0])
    with pytest.raises(DataError, match="raw inputs must be integers"):
        halves = write(tmp_path / "halves.parquet", {name: column + 0.5 for name, column in data.items()})
        emulate_file(design, halves, tmp_path / "no.parquet", raw=True, compiled=compiled)
    with pytest.raises(DataError, match="outside"):
        wide = write(tmp_path / "wide.parquet", {name: column + 1000 for name, column in data.items()})
        emulate_file(design, wide, tmp_path / "no.parquet", raw=True, compiled=compiled)
