"""The rung emulate -> csim for forests: raw integers of the compiled HLS C++ equal the emulator's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conifer_cases import events, full_forest, random_forest, write_files

from fasttrig.backends.conifer import emit
from fasttrig.backends.conifer.parameters import ensemble, precisions
from fasttrig.backends.conifer.parts import read_parts
from fasttrig.backends.conifer.wheels import package
from fasttrig.base import firmware_files
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.emulator_library import FLAGS, load
from fasttrig.toolchain.vectors import write_hex

TARGET = TargetSettings()
PER_PROGRAM = 25
UNOPTIMISED = tuple("-O0" if flag == "-O2" else flag for flag in FLAGS)


def joined_project(graphs: list[Graph], folder: Path) -> None:
    """One program with the projects of all `graphs`, each in its folder: they share nothing but the vendor's types."""
    entries: dict[str, list[dict[str, object]]] = {"inputs": [], "outputs": []}
    ports: dict[str, list[str]] = {"INPUTS": [], "OUTPUTS": []}
    includes, calls = [], []
    for number, graph in enumerate(graphs):
        files = emit(graph, TARGET)
        own = json.loads(files["testbench/ports.json"])
        config = files["testbench/tb_config.h"]
        for kind in ports:
            entries[kind.lower()] += own[kind.lower()]
            line = config.split(f"#define FASTTRIG_{kind}(PORT) \\\n")[1].split("\n")[0]
            ports[kind].append(line.replace("PORT(x,", f"PORT(x{number},").replace("PORT(score,", f"PORT(y{number},"))
        call = config.split("#define FASTTRIG_CALL(ports) ")[1].split("\n")[0]
        calls.append(call.replace("(ports).x.", f"(ports).x{number}.").replace("(ports).score.", f"(ports).y{number}."))
        includes.append(f'#include "{number}/{graph.name}.cpp"\n')
        write_files(
            {
                name.replace("firmware/", f"firmware/{number}/"): text
                for name, text in files.items()
                if name.startswith("firmware/") and "ap_types" not in name
            },
            folder,
        )
    words = {
        "NAME": "joined",
        "IO_STREAM": "0",
        "TOP": "(void)0, (",
        "ARGUMENTS": ", ".join(calls) + ")",
        **{kind: " \\\n".join(lines) for kind, lines in ports.items()},
    }
    config = firmware_files.read("testbench/tb_config.h.in").replace("@TOP@(@ARGUMENTS@)", ", ".join(calls))
    for word, text in words.items():
        config = config.replace(f"@{word}@", text)
    common = {name: text for name, text in emit(graphs[0], TARGET).items() if "ap_types" in name}
    sources = {
        "firmware/joined.cpp": "".join(includes),
        "firmware/joined.h": "".join(includes).replace(".cpp", ".h"),
        "testbench/tb_config.h": config,
        "testbench/csim.cpp": firmware_files.read("testbench/csim.cpp"),
        "testbench/ports.json": json.dumps({"top": "joined", **entries}),
    }
    write_files(common | sources, folder)


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.nightly) for first in (25, 50, 75))])
def test_random_forests_on_every_rung(first, tmp_path):
    """25 forests to a program (a hundred at night): NumPy, compiled emulator and C-simulation give the same words."""
    graphs = [random_forest(seed) for seed in range(first, first + PER_PROGRAM)]
    inputs = [events(graph, seed) for seed, graph in enumerate(graphs)]
    n_events = max(map(len, inputs))
    inputs = [np.resize(raw, (n_events, raw.shape[1])) for raw in inputs]
    joined_project(graphs, tmp_path)
    words = [json.loads((tmp_path / "testbench" / "ports.json").read_text())[kind] for kind in ("inputs", "outputs")]
    for number, (source, result) in enumerate(zip(*words, strict=True)):  # one name each
        source["name"], result["name"] = f"x{number}", f"y{number}"
    ports = {"top": "joined", "inputs": words[0], "outputs": words[1]}
    (tmp_path / "testbench" / "ports.json").write_text(json.dumps(ports))
    simulated = csim(tmp_path, inputs).outputs
    assert len(simulated) == PER_PROGRAM
    for number, (graph, raw) in enumerate(zip(graphs, inputs, strict=True)):
        want = next(iter(evaluate(graph, raw).outputs.values()))
        wrong = np.argwhere(simulated[f"y{number}"] != want)
        assert not len(wrong), f"{graph.name}: {len(wrong)} words differ, the first at {wrong[0]}\n{graph}"
        compiled = next(iter(load(graph, cache_dir=tmp_path, flags=UNOPTIMISED)(raw).values()))
        assert np.array_equal(compiled, want), f"{graph.name}: the compiled emulator differs\n{graph}"


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> tuple[Graph, Path]:
    """20 rounds of 5 classes, depth 4, compiled."""
    graph = full_forest()
    folder = write_files(emit(graph, TARGET), tmp_path_factory.mktemp("full"))
    csim(folder, [np.zeros((1, 16), dtype=np.int64)])
    return graph, folder


def test_twenty_rounds_of_five_classes(full):
    graph, folder = full
    raw = events(graph, n_random=5000)
    assert len(raw) == 3 * 1500 + 5000
    result = csim(folder, [raw])
    assert result.compile_seconds == 0.0
    want = evaluate(graph, raw).outputs["margin"]
    assert np.array_equal(result.outputs["margin"], want)
    assert all(len(np.unique(column)) > 500 for column in want.T)


@pytest.mark.parametrize("table", ["threshold", "leaf", "comparison"])
def test_one_wrong_number_in_the_firmware_is_seen(table, full, tmp_path):
    graph, folder = full
    project = tmp_path / "changed"
    shutil.copytree(folder, project)
    path = project / "firmware" / "parameters.h"
    head, _, tail = path.read_text().partition(f" {table}[")
    bound, _, numbers = tail.partition("{")
    numbers = numbers.lstrip("{\n ")
    first, _, rest = numbers.partition(",")
    braces = "{{" if table == "leaf" else "{"
    path.write_text(f"{head} {table}[{bound}{braces}{int(first) + 1},{rest}")
    raw = events(graph)
    assert (csim(project, [raw]).outputs["margin"] != evaluate(graph, raw).outputs["margin"]).any()


def test_make_csim_needs_nothing_but_the_folder(full, tmp_path):
    graph, folder = full
    project = tmp_path / "alone"
    shutil.copytree(folder, project, ignore=shutil.ignore_patterns("csim"))
    raw = events(graph)[:100]
    want = evaluate(graph, raw).outputs["margin"]
    write_files(
        {
            "vectors/inputs.hex": write_hex([raw], [graph.inputs[0].result.type]),
            "vectors/outputs.hex": write_hex([want], [graph.outputs[0].type]),
        },
        project,
    )
    done = subprocess.run(
        ["make", "csim"], cwd=project, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    )
    assert "100 events, compared, 0 words differ" in done.stdout


def test_the_top_function_is_cxx11_as_the_vendors_tools_compile_it(full):
    _, folder = full
    subprocess.run(
        [
            "g++",
            "-std=c++11",
            "-pedantic-errors",
            "-Wall",
            "-Wno-unknown-pragmas",
            "-Wno-unused-label",
            "-fsyntax-only",
            "-isystem",
            "firmware/ap_types",
            "-Werror",
            "firmware/forest.cpp",
        ],
        cwd=folder,
        check=True,
    )


def test_conifers_own_sources_give_the_same_scores(tmp_path, monkeypatch):
    """Our ensemble through conifer's own writer and C++: a leg from outside."""
    from conifer.backends.xilinxhls.writer import XilinxHLSModel

    graph = full_forest(rounds=2, classes=3, depth=1, n_features=2)
    monkeypatch.setenv("XILINX_AP_INCLUDE", str(package("hls4ml") / "templates" / "vivado" / "ap_types"))
    config = {
        "output_dir": str(tmp_path),
        "project_name": "forest",
        "backend": "xilinxhls",
        "unroll": True,
        "xilinx_part": TARGET.part,
        "clock_period": 2.5,
        **precisions(read_parts(graph)),
    }
    model = XilinxHLSModel(ensemble(graph), config)
    model.compile()
    raw = events(graph)
    scores = model.decision_function(raw * graph.inputs[0].result.type.lsb)
    want = evaluate(graph, raw).outputs["margin"]
    assert np.array_equal(scores * 2.0 ** graph.outputs[0].type.fraction_bits, want)
