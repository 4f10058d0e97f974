"""The RTL as a firmware engineer reads it: a module for each op, signals named after elements, nothing of alkaid's."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

import fasttrig.backends.rtl
from fasttrig.backends.rtl import emit_rtl
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.settings import TargetSettings

DECLARED = re.compile(r"^    (?:wire|reg)(?: signed)? \[\d+:0\] (\w+)", re.MULTILINE)
PORT = re.compile(r"^    (?:input|output) wire (?:\[\d+:0\] )?(\w+)", re.MULTILINE)


def weights(name, shape, seed=1):
    raw = np.random.default_rng(seed).integers(-32, 32, shape)
    return Const(name, FixedType(6, 1), np.where(raw == 0, 1, raw))


def network(names=("x", "fc1", "relu1", "fc2")):
    x, first, activation, second = names
    b = GraphBuilder("net")
    value = b.input(x, (6,), FixedType(8, 3))
    value = b.matmul(first, value, weights("w1", (6, 5)), weights("b1", 5))
    value = b.cast(activation, value, FixedType(6, 2, False), Rounding.RND, Overflow.SAT)
    return b.graph(b.matmul(second, value, weights("w2", (5, 3), 2), weights("b2", 3)))


def modules(graph, language="verilog", **options):
    files = emit_rtl(graph, TargetSettings(clock_period_ns=3.0, **options), language)
    return {Path(path).stem: text for path, text in files.items() if path.startswith("src/")}


def test_each_op_is_a_module_that_says_what_it_is():
    found = modules(network())
    assert list(found) == ["net_x", "net_fc1", "net_relu1", "net_fc2", "net_core", "net"]
    header = found["net_fc1"].split("`timescale")[0]
    assert "MatMul 'fc1'" in header and "x: 6 of fixed<8,3>" in header and "fc1: 5 of fixed<" in header
    assert re.search(r"in     stages? 1", header)
    assert all(f"    net_{name} {name} (" in found["net_core"] for name in ("x", "fc1", "relu1", "fc2"))


def test_an_origin_stays_inside_its_comment():
    graph = network()
    ops = tuple(replace(op, origin="käse\nmodule x; -- y") for op in graph.ops[:1]) + graph.ops[1:]
    text = modules(replace(graph, ops=ops))["net_x"]
    assert text.splitlines()[0] == "// net_x: Input 'x', from k?se module x; -- y"


def test_each_element_is_a_signal_with_its_type():
    """The bias of a layer and the rounding constant after it are one addition: `fc1_0_plus`."""
    found = modules(network())
    for name, size in (("x", 6), ("relu1", 5), ("fc2", 3)):
        declared = set(DECLARED.findall(found[f"net_{name}"]))
        assert {f"{name}_{index}" for index in range(size)} <= declared
    assert {f"fc1_{index}_plus" for index in range(5)} <= set(DECLARED.findall(found["net_fc1"]))
    assert "relu1_4 = " in found["net_relu1"] and "// ufixed<6,2>" in found["net_relu1"]
    assert "fc1_0_plus" in found["net_relu1"] and "sum" not in found["net_relu1"]


def test_a_layer_without_rounding_after_it_has_its_own_elements():
    b = GraphBuilder("net")
    x = b.input("x", (4,), FixedType(6, 3))
    graph = b.graph(b.relu("r", b.matmul("fc", x, weights("w", (4, 3)), weights("b", 3))))
    found = modules(graph)
    assert {"fc_0", "fc_1", "fc_2"} <= set(DECLARED.findall(found["net_fc"]))
    assert {"r_0", "r_1", "r_2"} <= set(DECLARED.findall(found["net_r"])) and "_plus" not in found["net_r"]


@pytest.mark.parametrize("language", ["verilog", "vhdl"])
def test_no_name_is_alkaids(language):
    texts = "\n".join(modules(network(), language).values())
    assert not re.search(r"\bv\d+\b|INTERNAL|model_inp|model_out|shift_adder|_stage\d", texts)


def test_the_writer_is_ours():
    """No text of alkaid's is read or changed."""
    folder = Path(fasttrig.backends.rtl.__file__).parent
    texts = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert "alkaid.codegen" not in texts and "import re\n" not in texts


COLLIDING = [
    ("dense", "dense_1", "dense_1_s2", "dense_s2"),
    ("core", "clk", "in_data", "axi_stream"),
    ("A", "a", "a_2", "A_2"),
    ("x/y", "x_y", "reg", "signal"),
    ("x_table0", "x", "sum0", "x_0"),
]


@pytest.mark.parametrize("names", COLLIDING)
def test_signals_of_ops_with_like_names_differ(names):
    """In VHDL too, which ignores case."""
    found = modules(network(names))
    assert len({name.lower() for name in found}) == 6
    for text in found.values():
        declared = [name.lower() for name in (*PORT.findall(text), *DECLARED.findall(text))]
        assert len(declared) == len(set(declared))


@pytest.mark.parametrize(
    "language, command",
    [("verilog", ["iverilog", "-g2012", "-t", "null"]), ("vhdl", ["ghdl", "-a", "--std=08"])],
)
def test_tools_take_any_names(language, command, tmp_path):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    for number, names in enumerate(COLLIDING):
        folder = tmp_path / str(number)
        for path, text in emit_rtl(network(names), TargetSettings(), language).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        sources = [path for path in emit_rtl(network(names), TargetSettings(), language) if path.startswith("src/")]
        subprocess.run([*command, *sources], cwd=folder, check=True)


def test_a_shared_step_belongs_to_its_first_reader_and_an_op_without_steps_has_no_module():
    b = GraphBuilder("net")
    x = b.input("x", (4,), FixedType(6, 3))
    product = weights("w", (4, 2)), weights("b", 2)
    first, second = b.matmul("first", x, *product), b.matmul("second", x, *product)
    found = modules(b.graph(first, b.reshape("flat", second, (2, 1))))
    assert list(found) == ["net_x", "net_first", "net_core", "net"]
    assert "second: no logic of its own" in found["net_core"] and "flat: no logic" in found["net_core"]


def test_an_expression_with_a_signed_number_has_no_unsigned_one():
    """Verilog would take the whole expression for unsigned."""
    b = GraphBuilder("net")
    x, y = b.input("x", (1,), FixedType(6, 3, False)), b.input("y", (1,), FixedType(6, 3))
    text = modules(b.graph(b.add("total", x, y)))["net_total"]
    assert "total_0 = $signed({1'b0, x_0_r1}) + y_0_r1;" in text


def test_a_comparison_says_its_threshold():
    b = GraphBuilder("net")
    x = b.input("x", (1,), FixedType(4, 4))
    entries = Const("entries", FixedType(1, 1, False), (np.arange(-8, 8) < -3).astype(int))
    text = modules(b.graph(b.table("low", x, entries, "sigmoid")))["net_low"]
    assert "localparam [15:0] table0bit0 = 16'h1f00;" in text and "// x_0_r1 < -3" in text
