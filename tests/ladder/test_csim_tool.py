"""The tool around the C-simulation: compiled once, errors shown, mismatches named, projects that live together."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from csim_graphs import dense_network, random_inputs, write_project

from fasttrig.base.errors import DataError, InputError, ToolError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.ops import Const, MatMul
from fasttrig.settings import TargetSettings
from fasttrig.toolchain import csim_trace
from fasttrig.toolchain.csim import check_vectors, csim
from fasttrig.toolchain.csim_trace import first_difference
from fasttrig.toolchain.run import find_compiler
from fasttrig.toolchain.vectors import write_hex

GRAPH = dense_network(11, (4, 5, 3))
INPUTS = random_inputs(np.random.default_rng(2), GRAPH, 50)
TARGET = TargetSettings()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> Path:
    """A compiled project in a folder with a space and letters beyond ASCII."""
    folder = tmp_path_factory.mktemp("a folder") / "größer als 1"
    write_project(GRAPH, TARGET, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        first = csim(folder, [INPUTS["x"]])
    assert first.compile_seconds > 0
    assert first.n_events == 50
    return folder


@pytest.fixture
def project(compiled, tmp_path) -> Path:
    """A copy of it with golden vectors."""
    folder = tmp_path / "copy of it"
    shutil.copytree(compiled, folder)
    (folder / "vectors").mkdir()
    outputs = evaluate(GRAPH, INPUTS).outputs
    (folder / "vectors" / "inputs.hex").write_text(write_hex([INPUTS["x"]], [GRAPH.inputs[0].result.type]))
    (folder / "vectors" / "outputs.hex").write_text(write_hex([outputs["fc2"]], [GRAPH.outputs[0].type]))
    return folder


def test_a_second_run_compiles_nothing_and_an_edit_does(compiled, tmp_path):
    csim(compiled, [INPUTS["x"]])
    assert csim(compiled, [INPUTS["x"]]).compile_seconds == 0.0
    assert not list(compiled.rglob("*.o"))
    folder = tmp_path / "edited"
    shutil.copytree(compiled, folder)
    with (folder / "firmware" / "weights" / "b2.h").open("a") as header:
        header.write("this is no C++\n")
    with pytest.raises(ToolError):
        csim(folder, [INPUTS["x"]])


def test_pitfall_09_a_compile_error_is_shown(compiled, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(compiled, folder)
    source = folder / "firmware" / "net.cpp"
    source.write_text(source.read_text().replace("nnet::relu<", "nnet::no_such_layer<"))
    with pytest.raises(ToolError, match="does not compile") as error:
        csim(folder, [INPUTS["x"]])
    assert "no_such_layer" in str(error.value)
    assert "net.cpp" in str(error.value)
    assert "top.log" in str(error.value)


def test_the_wrong_inputs_are_refused(compiled, tmp_path):
    with pytest.raises(DataError, match="wrong number of inputs"):
        csim(compiled, [INPUTS["x"], INPUTS["x"]])
    with pytest.raises(DataError, match="wrong input shape"):
        csim(compiled, [INPUTS["x"][:, :3]])
    with pytest.raises(DataError, match="outside the range of their type"):
        csim(compiled, [INPUTS["x"] + 1000])
    with pytest.raises(InputError, match=r"ports\.json"):
        csim(tmp_path, [INPUTS["x"]])


def test_golden_vectors_that_agree(project):
    done = check_vectors(project)
    assert done.returncode == 0
    assert "50 events, compared, 0 words differ" in done.stdout


def test_a_mismatch_names_event_element_got_and_want(project):
    lines = (project / "vectors" / "outputs.hex").read_text().splitlines()
    words = lines[17].split()
    got, words[1] = words[1], "0" * len(words[1])
    lines[17] = " ".join(words)
    (project / "vectors" / "outputs.hex").write_text("\n".join(lines) + "\n")
    done = check_vectors(project)
    assert done.returncode == 1
    assert f"event 17, output 'fc2', element 1: got {got}, want {words[1]}" in done.stdout
    assert "1 words differ" in done.stdout


@pytest.mark.parametrize(
    ("file", "edit", "says"),
    [
        ("inputs.hex", lambda lines: lines[:3] + [lines[3][:-3]], "too few words"),
        ("inputs.hex", lambda lines: [lines[0] + " 00"], "too many words"),
        ("inputs.hex", lambda lines: ["0" + lines[0]], "too many digits"),
        ("inputs.hex", lambda lines: ["xx" + lines[0][2:]], "not a lower-case"),
        ("outputs.hex", lambda lines: lines[:20], "ends too early"),
        ("outputs.hex", lambda lines: lines + lines[:1], "more events"),
    ],
)
def test_a_broken_vector_file_is_refused(project, file, edit, says):
    path = project / "vectors" / file
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")
    with pytest.raises(ToolError) as error:
        check_vectors(project)
    assert says in str(error.value)
    assert "exit code 2" in str(error.value)


def test_make_csim_needs_no_fasttrig(project):
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["make", "csim"], cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "0 words differ" in done.stdout
    lines = (project / "vectors" / "outputs.hex").read_text().splitlines()
    (project / "vectors" / "outputs.hex").write_text("\n".join(reversed(lines)) + "\n")
    done = subprocess.run(["make", "csim"], cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_two_projects_in_one_program_keep_their_own_weights(tmp_path):
    """The trap of cms-sw/cmssw#44435: same names inside, linked together, one overwrote the other's weights."""
    graphs = {"one": dense_network(1, (2, 2)), "two": dense_network(2, (2, 2))}
    body, objects = [], []
    for namespace, graph in graphs.items():
        folder = tmp_path / namespace
        write_project(graph, TargetSettings(namespace=namespace), folder)
        objects.append(_compile(folder / "firmware" / "net.cpp", folder, tmp_path / f"{namespace}.o"))
        body.append(
            f"{{ {namespace}::input_t x[2]; {namespace}::result_t y[2];\n"
            "for (int i = 0; i < 2; i++) x[i].range() = 37 * (i + 1);\n"
            f"{namespace}::net(x, y);\n"
            'for (int i = 0; i < 2; i++) std::printf("%ld ", (long)(y[i] * 1024).to_int64()); }'
        )
    includes = "".join(_header(tmp_path / name / "firmware") for name in graphs)
    main = tmp_path / "main.cpp"
    main.write_text(f"#include <cstdio>\n{includes}int main() {{\n" + "\n".join(body) + "\n}\n")
    objects.append(_compile(main, tmp_path / "one", tmp_path / "main.o"))
    program = tmp_path / "both"
    subprocess.run([*find_compiler(), *map(str, objects), "-o", str(program)], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    printed = [int(word) for word in done.stdout.split()]
    x = np.array([[37, 74]])
    want = [evaluate(graph, {"x": x}).outputs["fc1"][0] for graph in graphs.values()]
    assert printed == np.concatenate(want).tolist()
    assert printed[:2] != printed[2:]


def _compile(source: Path, project: Path, target: Path) -> Path:
    include = f"-I{project / 'firmware' / 'ap_types'}"
    command = [*find_compiler(), "-std=c++17", "-w", "-O0", include, "-c", str(source), "-o", str(target)]
    subprocess.run(command, check=True)
    return target


def _header(firmware: Path) -> str:
    return f'#include "{firmware / "net.h"}"\n#undef NET_H_\n#undef DEFINES_H_\n'


def test_equal_graphs_have_no_first_difference():
    assert first_difference(GRAPH, TARGET, {"x": INPUTS["x"][:2]}) is None


def test_the_first_differing_op_is_named(monkeypatch):
    """The emulator is given other weights in the first layer than the firmware."""

    def other(op):
        if not isinstance(op, MatMul) or op.name != "fc1":
            return op
        weight = Const(op.weight.name, FixedType(6, 1), np.roll(op.weight.raw, 1, axis=0))
        return type(op)(result=op.result, operand=op.operand, weight=weight, bias=op.bias, origin=op.origin)

    emit = csim_trace.emit
    broken = lambda graph, target: emit(csim_trace.replace(graph, ops=tuple(map(other, graph.ops))), target)  # noqa: E731
    monkeypatch.setattr(csim_trace, "emit", broken)
    found = first_difference(GRAPH, TARGET, {"x": INPUTS["x"][:4]})
    assert found.op == "fc1"
    assert "random > fc1" in str(found)
    assert "MatMul" in str(found)
    assert (found.emulated != found.simulated).any()


def test_the_vendors_script_runs_the_steps_that_were_asked_for(compiled, tmp_path):
    """With a Tcl shell and the vendor's commands as stubs."""
    tclsh = shutil.which("tclsh")
    if tclsh is None:
        pytest.skip("no tclsh")
    commands = """open_project set_top add_files open_solution config_array_partition config_compile set_part
        config_schedule create_clock set_clock_uncertainty csim_design csynth_design cosim_design export_design"""
    stub = tmp_path / "stub.tcl"
    body = 'proc $name args "puts \\"$name \\$args\\""'
    stub.write_text(f"foreach name {{{commands}}} {{ {body} }}\nsource build_prj.tcl\n")
    command, options = [tclsh, str(stub)], {"cwd": compiled, "capture_output": True, "text": True}
    done = subprocess.run(command, env={"HLS_STEPS": "csynth cosim"}, check=True, **options)
    said = done.stdout.splitlines()
    assert "set_top net" in said
    assert "set_part xcvu13p-flga2577-2-e" in said
    assert "create_clock -period 2.5 -name default" in said
    assert [
        word
        for word in ("csim_design", "csynth_design", "cosim_design", "export_design")
        if any(line.startswith(word) for line in said)
    ] == ["csynth_design", "cosim_design"]
    done = subprocess.run(command, env={"HLS_STEPS": "synth"}, check=False, **options)
    assert done.returncode != 0
    assert "unknown step 'synth'" in done.stderr


@pytest.mark.parametrize("cache", ["usable", "no folder"])
def test_without_a_precompiled_header_the_program_is_the_same(compiled, tmp_path, monkeypatch, cache):
    """A cache that cannot be written costs time, nothing else."""
    place = tmp_path / "cache"
    if cache == "no folder":
        place.write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    folder = tmp_path / "again"
    shutil.copytree(compiled, folder, ignore=shutil.ignore_patterns("csim"))
    assert np.array_equal(csim(folder, [INPUTS["x"]]).outputs["fc2"], evaluate(GRAPH, INPUTS).outputs["fc2"])
    assert bool(list(place.rglob("*.gch"))) == (cache == "usable")


def test_nothing_here_needs_python_at_run_time(compiled):
    texts = [path.read_text() for path in compiled.rglob("*.cpp")]
    assert not any(sys.executable in text for text in texts)
