"""fasttrig replaces only what fasttrig wrote: every command that writes, on a user's own files of the same names."""

import json
import os
import subprocess
import sys

import pytest

from fasttrig.base.built_project import MANIFEST
from fasttrig.base.errors import InputError
from fasttrig.base.staging import LISTING, staged_files, staged_folder
from fasttrig.settings import load_project
from tests.commandline import fasttrig

OLD_MANIFEST = {"key": "k", "hashes": {}, "versions": {}, "seeds": {}, "files": {"design.ir": "x", "hls/Makefile": "y"}}


def everything(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def model(tmp_path):
    done = fasttrig("init", "tt", "--kind", "bdt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "tt"


def an_old_build(folder):
    (folder / "hls" / "csim").mkdir(parents=True)
    (folder / MANIFEST).write_text(json.dumps(OLD_MANIFEST))
    for name in ("design.ir", "hls/Makefile", "hls/csim/top.o"):
        (folder / name).write_text("edited by hand")


def test_a_build_never_takes_the_place_of_the_model(model):
    before = everything(model.parent)
    done = fasttrig("build", "tt", "--out", ".", cwd=model.parent)
    assert done.returncode == 2 and "replaces only what fasttrig wrote" in done.stderr, done.stdout
    assert str(done.stderr).count("\n") < 8 and everything(model.parent) == before


@pytest.mark.parametrize("what", ["folder", "file", "link", "index.html"])
def test_a_build_never_takes_the_place_of_a_users_file(model, what):
    out = model / "out"
    out.mkdir()
    if what == "folder":
        (out / "tt").mkdir()
        (out / "tt" / "thesis.tex").write_text("years of work")
    elif what == "file":
        (out / "tt").write_text("years of work")
    elif what == "link":
        an_old_build(model / "elsewhere")
        (out / "tt").symlink_to(model / "elsewhere")
    else:
        (out / "index.html").write_text("<title>my page</title>")
    before = everything(model)
    done = fasttrig("build", "--out", "out", cwd=model)
    assert done.returncode == 2 and "fasttrig" in done.stderr and everything(model) == before


def test_an_older_build_is_replaced_and_what_a_user_put_into_it_is_not(tmp_path):
    folder = tmp_path / "tt"
    an_old_build(folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"), staged_folder(folder):
        raise AssertionError
    (folder / "notes.txt").unlink()
    with staged_folder(folder) as stage:
        (stage / "new").write_text("")
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_folder_that_appears_during_the_work_stays(tmp_path):
    with pytest.raises(InputError, match="replaces only"), staged_folder(tmp_path / "tt") as stage:
        (stage / "new").write_text("")
        (tmp_path / "tt").mkdir()
        (tmp_path / "tt" / "mine").write_text("")
    assert [path.name for path in tmp_path.rglob("*")] == ["tt", "mine"]


def test_a_run_killed_between_two_renames_gives_the_old_build_back(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    holder = tmp_path / f".tt.{dead.stdout.strip()}.abc"
    an_old_build(holder / "old")
    (holder / ".fasttrig-stage").touch()
    with pytest.raises(ZeroDivisionError), staged_folder(tmp_path / "tt"):
        raise ZeroDivisionError
    assert (tmp_path / "tt" / "design.ir").is_file() and not holder.exists()


def test_a_listing_says_which_files_are_fasttrigs(tmp_path):
    def write(text):
        with staged_files(tmp_path) as stage:
            (stage / "compare.csv").write_text(text)

    (tmp_path / "compare.csv").write_text("mine")
    with pytest.raises(InputError, match=r"compare\.csv"):
        write("1")
    (tmp_path / "compare.csv").unlink()
    write("1")
    write("2")
    assert (tmp_path / "compare.csv").read_text() == "2" and (tmp_path / LISTING).is_file()
    (tmp_path / "compare.csv").write_text("changed by hand")
    with pytest.raises(InputError, match="changed since"):
        write("3")
    assert (tmp_path / "compare.csv").read_text() == "changed by hand"


@pytest.mark.parametrize("sample", ["muons", "jets5"])
def test_a_sample_replaces_only_a_sample(tmp_path, sample):
    if sample == "jets5":
        pytest.importorskip("pythia8mc")
        pytest.importorskip("fastjet")
    (tmp_path / "model.h5").write_text("mine")
    line = ("data", "make", sample, "--events", "10", "-o")
    done = fasttrig(*line, "model.h5", cwd=tmp_path)
    assert done.returncode == 2 and "was not written by fasttrig" in done.stderr
    assert (tmp_path / "model.h5").read_text() == "mine"
    if sample == "muons":
        assert [fasttrig(*line, "new.parquet", cwd=tmp_path).returncode for _ in range(2)] == [0, 0]


def test_plots_of_a_sample_replace_only_plots(tmp_path):
    (tmp_path / "zlogz.svg").write_text("mine")
    done = fasttrig("data", "describe", "jets5", "--plots", ".", cwd=tmp_path)
    assert done.returncode == 2 and [path.name for path in tmp_path.iterdir()] == ["zlogz.svg"]
    assert (tmp_path / "zlogz.svg").read_text() == "mine"


@pytest.mark.parametrize("output", ["a.parquet", "b.parquet", "tt.json"])
def test_an_emulation_never_replaces_an_input_or_the_model(model, output, tmp_path):
    """Also where the input is another one of several, which would be read later."""
    assert fasttrig("data", "make", "muons", "--events", "20", "-o", "a.parquet", cwd=tmp_path).returncode == 0
    os.link(tmp_path / "a.parquet", tmp_path / "b.parquet")
    before = everything(tmp_path)
    done = fasttrig("emulate", "tt", "a.parquet", "-o", output, "--force", cwd=tmp_path)
    assert done.returncode == 2 and everything(tmp_path) == before


def test_a_forced_emulation_replaces_only_its_own_format(model, tmp_path):
    (tmp_path / "out.parquet").write_text("not Parquet: somebody's notes")
    done = fasttrig("emulate", "tt", "x.parquet", "-o", "out.parquet", "--force", cwd=tmp_path)
    assert done.returncode == 2 and "was not written by fasttrig" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('float_file = "tt_float.json"', 'float_file = "model.toml"', "another purpose"),
        ('float_file = "tt_float.json"', 'float_file = "tt.json"', "another purpose"),
        (None, None, "was not written by fasttrig"),
    ],
)
def test_a_training_writes_only_what_the_settings_name(model, old, new, told):
    from fasttrig.training.whole import train_whole

    text = (model / "model.toml").read_text()
    if old is None:
        (model / load_project(model).model.card).write_text("# A text of my own\n")
    else:
        assert old in text
        (model / "model.toml").write_text(text.replace(old, new))
    before = everything(model)
    with pytest.raises(InputError, match=told):
        train_whole(load_project(model))
    assert everything(model) == before
