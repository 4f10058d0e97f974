"""One rule for the names of models, at every door: words of C++, Verilog, VHDL and Python, digits, spaces, umlauts."""

import keyword

import pytest

import fasttrig
from fasttrig.base.errors import InputError
from fasttrig.base.names import LANGUAGES, check_model_name, fault_of, identifier, reserved_words, suggested
from tests.commandline import fasttrig as command

BAD = ("always", "signal", "class", "lambda", "logic", "Entity", "3jets", "my tagger", "tägger", "a__b", "a_", "con")


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_some_language_cannot_have_is_refused_with_one_that_all_can(name):
    with pytest.raises(InputError, match="invalid model name") as told:
        check_model_name(name)
    assert fault_of(suggested(name)) == "" and suggested(name) in told.value.try_


def test_the_words_of_python_are_all_there():
    assert reserved_words().keys() == LANGUAGES.keys()
    assert {word.lower() for word in keyword.kwlist} <= reserved_words()["python"]


@pytest.mark.parametrize("suffix", [".json", ".h5"])
@pytest.mark.parametrize("name", ["always", "signal", "my tagger"])
def test_the_name_of_a_file_is_held_to_the_same_rule(tmp_path, name, suffix):
    """Networks and trees, at `read` by the stem and by `name=`."""
    assert command("init", "tt", "--kind", "bdt" if suffix == ".json" else "network", cwd=tmp_path).returncode == 0
    path = tmp_path / f"{name}{suffix}"
    (tmp_path / "tt" / f"tt{suffix}").rename(path)
    for given in (None, name):
        with pytest.raises(InputError, match="invalid model name"):
            fasttrig.read(path, input_type="fixed<12,4>", name=given)
    assert fasttrig.read(path, input_type="fixed<12,4>", name=suggested(name)).graph.name == suggested(name)
    done = command("estimate", path, "--input-type", "fixed<12,4>")
    assert done.returncode == 2 and suggested(name) in done.stderr


@pytest.mark.parametrize("name", ["always", "signal", "3jets", "my tagger"])
def test_the_name_in_model_toml(tmp_path, name):
    assert command("init", "tt", "--kind", "bdt", cwd=tmp_path).returncode == 0
    text = (tmp_path / "tt" / "model.toml").read_text()
    assert 'name = "tt"' in text
    (tmp_path / "tt" / "model.toml").write_text(text.replace('name = "tt"', f'name = "{name}"'))
    done = command("build", cwd=tmp_path / "tt")
    assert done.returncode == 2 and suggested(name) in done.stderr and not (tmp_path / "tt" / "build").exists()


def test_layers_are_renamed_where_their_name_is_a_word():
    assert [identifier(word) for word in ("always", "signal", "range", "fc1")] == [
        "always_0",
        "signal_0",
        "range_0",
        "fc1",
    ]
