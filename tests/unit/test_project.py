"""model.toml: typed, validated, every fault at once with its key."""

from pathlib import Path

import pytest

from fasttrig.base.errors import ProjectError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.settings import find_models, load_project

MINIMAL = """
[model]
name = "tiny"
file = "tiny.h5"
[data]
classes = ["a", "b"]
[inputs]
type = "fixed<8,3>"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "model.toml"
    path.write_text(text)
    return path


def test_types_count_as_ap_fixed_does(tmp_path):
    project = load_project(write(tmp_path, MINIMAL))
    assert project.inputs.type == FixedType(8, 3, signed=True)
    assert project.namespace == "tiny_v1"
    assert project.path("tiny.h5") == tmp_path / "tiny.h5"


def test_a_folder_stands_for_its_model_toml(tmp_path):
    write(tmp_path, MINIMAL)
    assert load_project(tmp_path).model.name == "tiny"


def test_narrowed_types(tmp_path):
    text = MINIMAL + '[types.fc1]\naccum = "fixed<12,4>"\nrounding = "RND"\noverflow = "SAT"\n'
    narrowed = load_project(write(tmp_path, text)).types["fc1"]
    assert narrowed.accum == FixedType(12, 4)
    assert (narrowed.rounding, narrowed.overflow) == (Rounding.RND, Overflow.SAT)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("fixed<8,3>", "float32", "inputs.type = 'float32': not a fixed-point type"),
        ('name = "tiny"', 'name = "my tagger"', "model.name = 'my tagger': not an identifier"),
        ('file = "tiny.h5"', "", "want either a file in [model], or [taggers]"),
        ('type = "fixed', 'typo = 1\ntype = "fixed', "inputs.typo: unknown key; did you mean 'type'"),
        ('["a", "b"]', '["a"]', "data: classes: want at least two names"),
    ],
)
def test_a_fault_names_its_key(tmp_path, old, new, told):
    with pytest.raises(ProjectError) as caught:
        load_project(write(tmp_path, MINIMAL.replace(old, new)))
    assert told in str(caught.value) and "model.toml" in str(caught.value)


def test_all_faults_come_at_once(tmp_path):
    text = MINIMAL + "[target]\nbackend = 'vits'\nreuse_factor = 0\nclock_period_ns = -1\n"
    with pytest.raises(ProjectError, match="3 fault"):
        load_project(write(tmp_path, text))


@pytest.mark.parametrize("content", [b"[model", b"\xff\xfe\x00", b"name = 1\nname = 2"])
def test_text_that_is_not_toml(tmp_path, content):
    (tmp_path / "model.toml").write_bytes(content)
    with pytest.raises(ProjectError, match="cannot read this as TOML"):
        load_project(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ProjectError, match="no such file"):
        load_project(tmp_path / "model.toml")


def test_models_are_found_by_name_folder_and_list(tmp_path):
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    write(folder, MINIMAL)
    (tmp_path / "models" / "fasttrig.toml").write_text('build = ["tiny"]')
    assert find_models([], tmp_path) == [folder]
    assert find_models(["tiny"], tmp_path) == [folder]
    assert find_models(["models/tiny"], tmp_path) == [folder]
    assert find_models([], folder) == [folder]
    with pytest.raises(ProjectError, match="did you mean 'tiny'"):
        find_models(["tinny"], tmp_path)
