"""One filler of templates: one pass, and no mark or value left over."""

import re
from pathlib import Path

import pytest

import fasttrig
from fasttrig.base.errors import FasttrigError
from fasttrig.base.templates import fill, fill_file

PACKAGE = Path(fasttrig.__file__).parent


def test_fills_every_mark_once():
    assert fill("@A@ and @B2_C@, @A@", {"A": "one", "B2_C": 2}) == "one and 2, one"


def test_marks_inside_a_value_stay():
    assert fill("@A@@B@", {"A": "@B@", "B": "@A@"}) == "@B@@A@"


def test_refuses_a_mark_without_a_value():
    with pytest.raises(FasttrigError, match="a mark in a template has no value") as told:
        fill("@A@ @B@", {"A": "one"})
    assert told.value.got == "B"


def test_refuses_a_value_without_a_mark():
    with pytest.raises(FasttrigError, match="a value has no mark in the template") as told:
        fill("@A@", {"A": "one", "B": "two"})
    assert told.value.got == "B"


def test_shared_values_need_no_mark():
    assert fill("@A@", {}, {"A": "one", "B": "two"}) == "one"


def test_an_error_names_the_file():
    with pytest.raises(FasttrigError) as told:
        fill_file("testbench/Makefile", {})
    assert told.value.where == "firmware/testbench/Makefile"


def test_no_other_module_fills_marks():
    filler = re.compile(r"""replace\(b?f?["']@|@\(\[A-Z|string\.Template""")
    found = [path for path in PACKAGE.rglob("*.py") if filler.search(path.read_text())]
    assert found == [PACKAGE / "base" / "templates.py"]
