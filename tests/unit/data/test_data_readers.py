"""Every format reads the same; every broken file gives a clear error."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fasttrig.base.errors import DataError, InputError
from fasttrig.data.columns import SIXTEEN
from fasttrig.data.readers import column_names, iter_table, load_jets5, open_source, read_table

N_ROWS = 1000
SUFFIXES = ["parquet", "h5", "npy", "npz", "root", "csv"]


def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"pt": rng.exponential(30.0, N_ROWS), "n": rng.integers(0, 50, N_ROWS)}


def write(folder, suffix: str, data: dict[str, np.ndarray]):
    path = folder / f"sample.{suffix}"
    if suffix == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(data), path)
    elif suffix == "h5":
        import h5py

        with h5py.File(path, "w") as file:
            for name, values in data.items():
                file[name] = values
    elif suffix == "npy":
        rows = np.zeros(len(data["pt"]), dtype=[(name, values.dtype) for name, values in data.items()])
        for name, values in data.items():
            rows[name] = values
        np.save(path, rows)
    elif suffix == "npz":
        np.savez(path, **data)
    elif suffix == "root":
        import uproot

        with uproot.recreate(path) as file:
            file.mktree("events", {name: values.dtype for name, values in data.items()}).extend(data)
    else:
        rows = zip(*(values.tolist() for values in data.values()), strict=True)
        path.write_text("\n".join([",".join(data), *(",".join(map(repr, row)) for row in rows)]) + "\n")
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_the_same_numbers(suffix: str, tmp_path) -> None:
    data = columns()
    path = write(tmp_path, suffix, data)
    table = read_table(path)
    assert table.n_rows == N_ROWS
    assert column_names(path) == table.names == (("n", "pt") if suffix == "h5" else ("pt", "n"))
    np.testing.assert_array_equal(table["pt"], data["pt"])
    np.testing.assert_array_equal(table["n"], data["n"])
    assert read_table(path, ["n"]).names == ("n",)
    np.testing.assert_array_equal(read_table(path, ["pt"], n_max=7)["pt"], data["pt"][:7])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_chunks_are_bounded_and_complete(suffix: str, tmp_path) -> None:
    data = columns()
    chunks = list(iter_table(write(tmp_path, suffix, data), ["pt"], chunk_rows=300))
    assert all(0 < chunk.n_rows <= 300 for chunk in chunks)
    np.testing.assert_array_equal(np.concatenate([chunk["pt"] for chunk in chunks]), data["pt"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_column_is_named_with_its_neighbour(suffix: str, tmp_path) -> None:
    with pytest.raises(DataError, match="no such column") as error:
        read_table(write(tmp_path, suffix, columns()), ["ptt"])
    assert "did you mean 'pt'" in str(error.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_refused_unless_allowed(suffix: str, bad: float, tmp_path) -> None:
    data = columns()
    data["pt"][[500, 600]] = bad
    path = write(tmp_path, suffix, data)
    with pytest.raises(DataError, match="NaN") as error:
        read_table(path)
    assert "2 of these 1000 rows, the first in row 500" in str(error.value)
    assert "column 'pt'" in str(error.value)
    assert (~np.isfinite(read_table(path, allow_missing=True)["pt"])).sum() == 2


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != "csv"])  # a shorter CSV is a table
@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.97])
def test_a_truncated_file_is_refused(suffix: str, fraction: float, tmp_path) -> None:
    path = write(tmp_path, suffix, columns())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(fraction * len(whole))])
    with pytest.raises(DataError) as error:
        read_table(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_noise_is_refused(suffix: str, tmp_path) -> None:
    path = tmp_path / f"noise.{suffix}"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(DataError):
        read_table(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_refused(suffix: str, tmp_path) -> None:
    path = tmp_path / f"empty.{suffix}"
    path.touch()
    with pytest.raises(DataError, match="empty"):
        read_table(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_without_rows_is_refused(suffix: str, tmp_path) -> None:
    path = write(tmp_path, suffix, {name: values[:0] for name, values in columns().items()})
    with pytest.raises(DataError, match="no rows"):
        read_table(path)


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle was loaded')",)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_pickles_are_never_loaded(suffix: str, tmp_path) -> None:
    path = tmp_path / f"hostile.{suffix}"
    hostile = np.array([Bomb()], dtype=object)
    if suffix == "npy":
        np.save(path, hostile, allow_pickle=True)
    else:
        np.savez(path, pt=hostile)
    with pytest.raises(DataError):
        read_table(path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError):
        read_table(path)


def test_an_unknown_suffix_lists_the_known_ones(tmp_path) -> None:
    path = tmp_path / "sample.xlsx"
    path.write_text("x")
    with pytest.raises(DataError, match="format") as error:
        read_table(path)
    assert ".parquet" in str(error.value)


def test_a_missing_file_offers_its_neighbour(tmp_path) -> None:
    (tmp_path / "sample.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="no such file") as error:
        read_table(tmp_path / "smple.csv")
    assert "sample.csv" in str(error.value)


def test_several_trees_want_a_name(tmp_path) -> None:
    import uproot

    path = tmp_path / "two.root"
    with uproot.recreate(path) as file:
        file["first"] = {"x": np.arange(3)}
        file["second"] = {"x": np.arange(4)}
    with pytest.raises(DataError, match="cannot choose a tree") as error:
        read_table(path)
    assert "first or second" in str(error.value)
    assert read_table(f"{path}:second").n_rows == 4
    with pytest.raises(DataError, match="cannot choose a tree"):
        read_table(f"{path}:third")


def test_jagged_columns_are_refused(tmp_path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "jagged.parquet"
    pq.write_table(pa.table({"x": [1.0, 2.0], "hits": [[1, 2], [3]]}), path)
    assert read_table(path, ["x"]).n_rows == 2
    with pytest.raises(DataError, match="varying length"):
        read_table(path)


def test_jagged_branches_of_a_root_file_are_refused(tmp_path) -> None:
    import awkward as ak
    import uproot

    path = tmp_path / "jagged.root"
    with uproot.recreate(path) as file:
        file.mktree("events", {"x": "float64", "hits": "var * int32"}).extend(
            {"x": np.array([1.0, 2.0]), "hits": ak.values_astype(ak.Array([[1, 2], [3]]), "int32")}
        )
    assert read_table(path, ["x"])["x"].tolist() == [1.0, 2.0]
    with pytest.raises(DataError, match="neither numbers nor text"):
        read_table(path, ["hits"])


def test_null_is_missing(tmp_path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "null.parquet"
    pq.write_table(pa.table({"x": pa.array([1, None, 3])}), path)
    with pytest.raises(DataError, match="missing"):
        read_table(path)


def test_columns_of_different_length_do_not_make_a_table(tmp_path) -> None:
    path = tmp_path / "uneven.npz"
    np.savez(path, a=np.arange(3), b=np.arange(4))
    with pytest.raises(DataError, match="equally long"):
        read_table(path)
    assert read_table(path, ["b"]).n_rows == 4


def test_plain_numpy_columns_are_numbered_and_compound_hdf5_is_opened(tmp_path) -> None:
    import h5py

    np.save(tmp_path / "plain.npy", np.arange(6.0).reshape(3, 2))
    assert read_table(tmp_path / "plain.npy").names == ("column_0", "column_1")
    rows = np.array([(1.0, 2), (3.0, 4)], dtype=[("j_pt", "f4"), ("j_n", "i4")])
    with h5py.File(tmp_path / "compound.h5", "w") as file:
        file["group/jets"] = rows
    table = read_table(tmp_path / "compound.h5")
    assert table.names == ("j_pt", "j_n")
    assert table["j_n"].tolist() == [2, 4]


def test_text_columns_are_kept(tmp_path) -> None:
    path = tmp_path / "text.csv"
    path.write_text("kind,x\nW,1\nZ,2\n")
    assert read_table(path)["kind"].tolist() == ["W", "Z"]


@pytest.mark.parametrize("options", [{"n_max": 0}])
def test_no_rows_asked_for(options: dict, tmp_path) -> None:
    with pytest.raises(InputError):
        read_table(write(tmp_path, "csv", columns()), **options)
    with pytest.raises(InputError):
        next(iter_table(write(tmp_path, "csv", columns()), chunk_rows=0))


def test_table_offers_near_names_and_stacks(tmp_path) -> None:
    table = read_table(write(tmp_path, "csv", columns()))
    with pytest.raises(DataError, match="no such column"):
        table["nn"]
    assert table.stack(("n", "pt")).shape == (N_ROWS, 2)
    assert table.unit("pt") == ""


def test_load_jets5_takes_splits_and_list_columns() -> None:
    x, y = load_jets5(split="validation")
    assert x.shape == (len(y), 16)
    assert x.dtype == np.float64
    assert y.dtype == np.int64
    wide, _ = load_jets5(split="validation", columns=[*SIXTEEN[:2], "constituent_pt"])
    assert wide.shape == (len(y), 18)
    with pytest.raises(InputError, match="split"):
        load_jets5(split="tests")


def test_csv_columns_that_widen_after_the_first_block(tmp_path):
    """Whole numbers, then 2.5; nothing, then numbers; numbers, then text: one type from the first row on."""
    n_rows = 120_000
    lines = [f"{i},{i},{i if i > 110_000 else ''},{i}" for i in range(n_rows)]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["whole,pt,late,name", *lines, f"{2**60 + 1},2.5,1e3,jet", ""]))
    assert path.stat().st_size > 1 << 20
    table = read_table(path, allow_missing=True)
    assert (table["whole"].dtype, table["whole"][-1]) == (np.dtype(np.int64), 2**60 + 1)
    assert table["pt"].dtype == np.float64 and table["pt"][-2:].tolist() == [n_rows - 1, 2.5]
    assert np.isnan(table["late"][0]) and table["late"][-1] == 1000
    assert table["name"][[0, -1]].tolist() == ["0", "jet"]
    source = open_source(path)
    first, second = (sum(len(part["pt"]) for part in source.chunks(["pt", "name"], 10_000)) for _ in range(2))
    assert first == second == n_rows + 1


def test_a_jagged_branch_names_the_way_around_it(tmp_path):
    awkward, uproot = pytest.importorskip("awkward"), pytest.importorskip("uproot")
    path = tmp_path / "events.root"
    with uproot.recreate(path) as file:
        file["events"] = {"pt": np.arange(3.0), "constituents": awkward.Array([[1.0], [], [2.0, 3.0]])}
    assert read_table(path, ["pt"])["pt"].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="--keep") as caught:
        read_table(path)
    assert "constituents" in str(caught.value)
