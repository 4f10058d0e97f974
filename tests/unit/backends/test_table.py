"""Every backend row is complete, and what build, ladder, doctor and README read of it is there."""

from typing import get_type_hints

import pytest

from fasttrig import doctor
from fasttrig.backends.base import TARGETS, Backend
from fasttrig.backends.table import BACKENDS, backends_for, hls_backend
from fasttrig.base import firmware_files
from fasttrig.base.built_project import HLS
from fasttrig.build.stages import facts, stages_of
from fasttrig.design import Design
from fasttrig.ir.text import parse_graph
from fasttrig.ladder.run_rungs import RUNGS
from fasttrig.settings import TargetSettings

TARGET = TargetSettings()
MANIFEST = {"hashes": {"fasttrig": "", "graph": ""}, "versions": {}}
MADE_BY_STAGES = {"vectors"}


def tiny(name="tiny"):
    return parse_graph((firmware_files.root() / "golden" / f"{name}.ir").read_text())


def design(name="tiny") -> Design:
    return Design(tiny(name), object())


def names(rows) -> set[str]:
    return {row.name for row in rows}


@pytest.mark.parametrize("row", BACKENDS, ids=lambda row: row.name)
def test_a_row_is_complete(row):
    for field in get_type_hints(Backend):
        assert getattr(row, field) is not None, field
    assert row.name and row.folder and row.stage and row.makes and row.schedules
    assert row.targets and set(row.required_by) <= set(row.targets) <= set(TARGETS)
    assert type(row).emit is not Backend.emit, "a backend emits"
    known = set(facts(design(), TARGET, MANIFEST)) | names(BACKENDS) | MADE_BY_STAGES
    assert set(row.reads) <= known, "it reads facts and stages that exist"
    assert set(row.rungs) <= {rung.name for rung in RUNGS} and bool(row.rungs) >= bool(row.proof)
    assert not row.package or row.package in {package for package, *_ in doctor._PACKAGES}


def test_names_are_unique_and_every_rung_but_the_first_has_a_backend():
    assert len(names(BACKENDS)) == len(BACKENDS)
    run = {rung for row in BACKENDS for rung in row.rungs}
    assert [rung.name for rung in RUNGS if rung.name not in run] == ["emulate"]


@pytest.mark.parametrize("graph", ["tiny", "tiny_forest"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_build_is_a_tuple_of_stages_in_the_order_of_what_they_read(graph, target):
    stages = stages_of(design(graph), TARGET, target, MANIFEST)
    known = set(facts(design(graph), TARGET, MANIFEST))
    for stage in stages:
        assert set(stage.inputs) <= known and set(stage.needs) <= set(stage.inputs), stage.name
        assert stage.outputs or stage.against or stage.in_memory
        known.add(stage.name)
    rows = backends_for(tiny(graph), TARGET, target)
    assert names(rows) <= {stage.name for stage in stages}
    assert {stage.name for stage in stages if not stage.may_refuse} >= {
        row.name for row in rows if target in row.required_by
    }


def test_a_graph_has_one_hls_backend():
    for graph, name in ((tiny(), "hls4ml"), (tiny("tiny_forest"), "conifer")):
        assert [row.name for row in BACKENDS if row.folder == HLS and row.supports(graph, TARGET)] == [name]
        assert hls_backend(graph, TARGET).name == name


def test_settings_decide_too():
    assert "wrappers" in names(backends_for(tiny(), TARGET, "rtl"))
    for settings in (TargetSettings(rtl_language="vhdl"), TargetSettings(clock_enable=True)):
        assert "wrappers" not in names(backends_for(tiny(), settings, "rtl"))


def test_doctor_says_what_each_backend_needs_its_package_for():
    needed = {finding.name: finding.needed_for for finding in doctor.examine()}
    for row in BACKENDS:
        assert not row.package or row.makes in needed[row.package]
