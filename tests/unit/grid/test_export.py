"""``fasttrig export``: a C++ program without Python gets the emulator's bits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType
from fasttrig.design import Design
from fasttrig.grid.export import export
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from tests.unit.streaming.cases import built, small_design

PROGRAM = """
#include "{name}_features.hpp"
#include <cstdio>
#include <iterator>
#include <limits>
#include <string>
#include <thread>
#include <vector>
namespace model = fasttrig_{name};

// As RDataFrame does: a function of columns, called event by event on several threads.
template <class F, class Column>
void define(F f, const Column &events, std::vector<model::Words> &out)
{{
    std::vector<std::thread> threads;
    for (std::size_t slot = 0; slot < 2; ++slot)
        threads.emplace_back([&, slot] {{
            for (std::size_t k = slot; k < events.size(); k += 2)
                out[k] = f(events[k]);
        }});
    for (auto &thread : threads)
        thread.join();
}}

int main()
{{
    std::vector<model::Features> events;
    model::Features x;
    while (std::scanf("%lf %lf", &x[0], &x[1]) == 2)
        events.push_back(x);
    std::vector<model::Words> found(events.size());
    define([](const model::Features &x) {{ return model::words(static_cast<float>(x[0]), x[1]); }}, events, found);
    for (const auto &words : found) {{
        for (auto word : words)
            std::printf("%lld ", static_cast<long long>(word));
        for (auto value : model::values(words))
            std::printf("%a ", value);
        std::printf("\\n");
    }}
    try {{
        model::words(std::numeric_limits<double>::quiet_NaN(), 0);
        return 1;
    }} catch (const std::domain_error &error) {{
        return std::string(error.what()) == "{first}" ? 0 : 1;
    }}
}}
"""


def without_a_map() -> Design:
    """Inputs in the network's own values, rounded to the nearest."""
    kind = FixedType(8, 4)
    b = GraphBuilder("plain")
    w, bias = Const("w", kind, np.array([[16, -16], [8, 24]])), Const("b", kind, np.array([1, -2]))
    return Design(b.graph(b.matmul("logits", b.input("x", (2,), kind), w, bias)), "a test")


@pytest.mark.parametrize(("design", "first"), [(small_design(), "pt"), (without_a_map(), "x_0")], ids=["map", "none"])
def test_a_program_without_python(design: Design, first: str, tmp_path: Path) -> None:
    name = design.graph.name
    files = export(design, tmp_path / "out")
    assert {*files} == {f"{name}.h", f"{name}.cpp", f"{name}_features.hpp", f"lib{name}.so"}
    (tmp_path / "main.cpp").write_text(PROGRAM.format(name=name, first=first))
    warnings = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-pthread")
    place = (f"-I{tmp_path / 'out'}", f"-L{tmp_path / 'out'}", f"-l{name}", f"-Wl,-rpath,{tmp_path / 'out'}")
    subprocess.run(["g++", *warnings, "main.cpp", *place, "-o", "main"], cwd=tmp_path, check=True)
    rng = np.random.default_rng(5)
    steps = rng.integers(-4000, 4000, (2000, 2)) / 32.0  # ties of every rounding among them
    x = np.concatenate([steps, rng.normal(size=(2000, 2)) * [200, 30], [[1e300, -1e300]]])
    x[:, 0] = x[:, 0].clip(-1e38, 1e38).astype(np.float32)
    given = "\n".join(f"{a!r} {b!r}" for a, b in x.tolist())
    done = subprocess.run(["./main"], cwd=tmp_path, input=given, capture_output=True, text=True, env={}, check=True)
    made = design.emulate(x, compiled=False)
    raw = np.concatenate([made.raw[op.name].reshape(len(x), -1) for op in design.graph.outputs], axis=1)
    values = np.concatenate([made.values[op.name].reshape(len(x), -1) for op in design.graph.outputs], axis=1)
    told = [line.split() for line in done.stdout.splitlines()]
    n_words = raw.shape[1]
    assert np.array_equal(np.array([[int(word) for word in row[:n_words]] for row in told]), raw)
    assert np.array_equal(np.array([[float.fromhex(text) for text in row[n_words:]] for row in told]), values)


def test_an_export_replaces_only_an_export(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fasttrig.cli", "export", built(tmp_path), "-o", tmp_path / "out"]
    for _ in range(2):
        subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "out" / "small.h").write_text("mine")
    with pytest.raises(InputError, match="replaces only"):
        export(small_design(), tmp_path / "out")
    assert (tmp_path / "out" / "small.h").read_text() == "mine"
