"""``fasttrig patterns`` on a project as a build leaves it behind."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from fasttrig.backends.wrapper import emit_wrapper
from fasttrig.base import firmware_files
from fasttrig.base.errors import DataError, InputError
from fasttrig.base.fixed import FixedType
from fasttrig.base.staging import LISTING
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.text import parse_graph
from fasttrig.ladder.corners import corner_inputs
from fasttrig.links.link_map import default_link_map, read_link_map
from fasttrig.links.project_patterns import decode, project_patterns


@pytest.fixture
def project(tmp_path):
    """design.ir and vectors.npz of the tiny network; two outputs of different types."""
    text = (firmware_files.root() / "golden" / "tiny.ir").read_text()
    graph = parse_graph(text)
    raw = corner_inputs(graph, n_random=400)
    found = evaluate(graph, raw).outputs
    folder = tmp_path / "tiny"
    (folder / "vectors").mkdir(parents=True)
    (folder / "design.ir").write_text(text)
    np.savez(
        folder / "vectors" / "vectors.npz",
        **{f"in_{k}": v for k, v in raw.items()},
        **{f"out_{k}": v for k, v in found.items()},
    )
    return folder, raw, found


@pytest.fixture
def command():
    from fasttrig.cli import app
    from fasttrig.commands.patterns import patterns

    names = [info.callback.__name__ for info in app.registered_commands]
    assert patterns.__name__ in names
    return app


@pytest.mark.parametrize("format", ["empv2", "empv1", "apx"])
def test_the_vectors_come_back_from_the_files(project, command, tmp_path, format):
    folder, raw, found = project
    arguments = ["patterns", str(folder), "--format", format, "-o", str(tmp_path / "out"), "--events", "0"]
    result = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)
    names = json.loads(result.stdout)["files"]
    assert result.exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*names, LISTING}
    for side, want in (("inputs", raw), ("outputs", found)):
        files = sorted((tmp_path / "out").glob(f"{side}_*.txt"))
        assert len(files) == 4
        for name in want:
            parts = [decode(folder, file, tmp_path / "out" / "links.toml")[name] for file in files]
            assert np.array_equal(np.concatenate(parts), want[name])


def test_a_link_map_of_ones_own_gets_its_payload(project, command, tmp_path):
    """The wrapper is the one of this map and of the RTL's latency; none without RTL in Verilog, none for APx."""
    folder, _, _ = project
    graph = parse_graph((folder / "design.ir").read_text())
    links = default_link_map(graph).model_copy(update={"tmux": 18})
    (tmp_path / "own.toml").write_text(links.to_toml())
    (folder / "rtl").mkdir()

    def written(out, design, *options):
        (folder / "rtl" / "design.json").write_text(json.dumps(design))
        arguments = ["patterns", str(folder), "-o", str(tmp_path / out), "--events", "3", *options]
        CliRunner().invoke(command, arguments, catch_exceptions=False)
        found = tmp_path / out / "tiny_emp.v"
        return found.read_text() if found.is_file() else None

    own = ("--links", str(tmp_path / "own.toml"))
    verilog, vhdl = ({"language": language, "latency_cycles": 9} for language in ("verilog", "vhdl"))
    text = written("verilog", verilog, *own)
    assert text == emit_wrapper("emp", graph, links, 9)["wrapper/tiny_emp.v"] and "TMUX 18" in text
    assert written("vhdl", vhdl, *own) is None and written("default", verilog) is None
    assert written("enabled", verilog | {"clock_enable": True}, *own) is None, "nothing would drive clk_en"
    assert written("apx", verilog, *own, "--format", "apx") is None


def test_one_file_is_shown(project, command, tmp_path):
    folder, raw, _ = project
    CliRunner().invoke(command, ["patterns", str(folder), "-o", str(tmp_path), "--events", "3"], catch_exceptions=False)
    arguments = ["patterns", str(folder), "--read", str(tmp_path / "inputs_0000.txt")]
    shown = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False).stdout
    assert json.loads(shown) == {"x": raw["x"][:3].tolist()}
    lines = CliRunner().invoke(command, arguments, catch_exceptions=False).stdout.splitlines()
    assert lines[1] == f"event 1  x  {raw['x'][1].tolist()}"


def test_files_of_an_earlier_longer_run_are_not_mixed_in(project, command, tmp_path):
    arguments = ["patterns", str(project[0]), "-o", str(tmp_path / "out"), "--events"]
    for events in ("400", "401", "0"):
        assert CliRunner().invoke(command, [*arguments, events], catch_exceptions=False).exit_code == 0
    with pytest.raises(InputError, match="earlier run"):
        CliRunner().invoke(command, [*arguments, "5"], catch_exceptions=False)


def test_what_cannot_be_read_is_refused(project, tmp_path):
    folder, _, _ = project
    with pytest.raises(InputError, match="not a built project"):
        project_patterns(tmp_path / "nowhere", "apx")
    with pytest.raises(InputError, match="unknown pattern format"):
        project_patterns(folder, "emp")
    with pytest.raises(InputError, match="inputs or outputs"):
        decode(folder, tmp_path / "patterns.txt")
    with pytest.raises(InputError, match="cannot read the pattern file"):
        decode(folder, tmp_path / "inputs.txt")
    (folder / "vectors" / "vectors.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="the project's vectors"):
        project_patterns(folder, "apx")


def test_the_link_map_names_the_features(project, command, tmp_path):
    """Names, offsets and shifts travel with the patterns, as comments that the map is still read with."""
    folder, raw, _ = project
    kind = FixedType(8, 4)
    size = next(iter(raw.values()))[0].size
    features = tuple(FeatureMap(f"f{i}", "GeV", 2.0 * i, i % 3, kind) for i in range(size))
    (folder / "inputs.json").write_text(InputMap(features, kind).to_json())
    arguments = ["patterns", str(folder), "-o", str(tmp_path / "named")]
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).exit_code == 0
    text = (tmp_path / "named" / "links.toml").read_text()
    assert "# 1: f1 [GeV], fixed<8,4>, offset 2.0, shift 1" in text
    read_link_map(tmp_path / "named" / "links.toml")
