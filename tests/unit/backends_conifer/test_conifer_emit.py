"""The conifer writer: the same bytes every time, every number read back, every refusal.

Its golden texts are compared in `test_hls4ml_emit`, with all others.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fasttrig.backends.conifer import emit, emit_json, emit_vhdl
from fasttrig.backends.conifer import hls as writer
from fasttrig.backends.conifer.parameters import ensemble, precisions, score_type
from fasttrig.backends.conifer.parts import read_parts
from fasttrig.base.errors import FasttrigError, MissingPackageError, UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Cast, Value
from fasttrig.ir.text import parse_graph
from fasttrig.settings import TargetSettings
from tests.ladder.forest_cases import forest_graph

REPOSITORY = Path(__file__).resolve().parents[3]
TARGET = TargetSettings()
TINY = parse_graph((REPOSITORY / "firmware" / "golden" / "tiny_forest.ir").read_text(encoding="utf-8"))
X = FixedType(5, 2)


def stump(
    x_type: FixedType = X,
    threshold: int = 3,
    leaf: tuple[int, int] = (5, -6),
    bits: int = 3,
    outputs: int = 1,
    margin: int = 0,
) -> Graph:
    tables = {
        "tree_root": [0],
        "tree_output": [0],
        "feature": [0],
        "threshold": [threshold],
        "left": [1],
        "right": [2],
        "leaf": [[leaf[0]], [leaf[1]]],
        "base_margin": [margin] * outputs,
    }
    return forest_graph(tables, x_type, 1, bits)


def cast(graph: Graph, target: FixedType) -> Graph:
    op = Cast(
        result=Value("score", graph.outputs[0].shape, target),
        operand=graph.outputs[0],
        rounding=Rounding.RND,
        overflow=Overflow.SAT,
    )
    return replace(graph, ops=(*graph.ops, op), outputs=(op.result,))


def numbers(header: str, table: str) -> list[int]:
    """The integers of a table in parameters.h."""
    found = re.search(rf" {table}(?:\[[^\]\n]*\])+ = (\{{[^;]*\}});", header)
    assert found is not None
    return [int(number) for number in re.findall(r"-?\d+", found[1])]


def test_every_number_of_the_header_reads_back():
    op = read_parts(TINY).forest
    header = emit(TINY, TARGET)["firmware/parameters.h"]
    compared = list(zip(numbers(header, "compared_feature"), numbers(header, "threshold"), strict=True))
    pairs = [compared[index] for index in numbers(header, "comparison")]
    assert pairs == list(zip(op.feature.raw.tolist(), op.threshold.raw.tolist(), strict=True))
    assert len(compared) == len(set(compared)) == 4
    for table, const in {"left": op.left, "right": op.right, "leaf": op.leaf, "base_margin": op.base_margin}.items():
        assert numbers(header, table) == const.raw.ravel().tolist()
    roots = np.array(numbers(header, "term_root")).reshape(3, 2)
    for output, row in enumerate(roots):
        assert [root for root in row.tolist() if root >= 0] == op.tree_root.raw[op.tree_output.raw == output].tolist()


def test_numbers_of_62_bits_read_back():
    graph = stump(FixedType(60, 30), -(2**58) - 1, (2**59 + 1, -(2**59) - 3))
    header = emit(graph, TARGET)["firmware/parameters.h"]
    words = header.replace("LL", "")
    assert numbers(words, "threshold") == [-(2**58) - 1]
    assert numbers(words, "leaf") == [2**59 + 1, -(2**59) - 3]
    assert f"{-(2**58) - 1}LL" in header
    assert "typedef long long leaf_t;" in header


@pytest.mark.parametrize("bits", [-2, 0, 3, 12])
def test_every_decimal_of_the_json_is_exact(bits):
    graph = stump(FixedType(12, 3), 77, (123, -321), bits)
    content = json.loads(emit_json(graph))
    tree = content["trees"][0][0]
    assert [value * 2.0**bits for value in tree["value"]] == [0, 123, -321]
    assert [threshold * 2.0**9 for threshold in tree["threshold"]] == [77, 0, 0]
    assert tree["feature"] == [0, -2, -2]
    assert content["splitting_convention"] == "<"


def test_the_keys_that_cmssw_and_conifer_read():
    content = json.loads(emit_json(TINY))
    keys = [
        "n_classes",
        "n_features",
        "n_trees",
        "max_depth",
        "init_predict",
        "norm",
        "library",
        "splitting_convention",
        "feature_map",
        "config",
        "metadata",
        "trees",
    ]
    assert list(content) == keys
    assert [len(round_) for round_ in content["trees"]] == [3, 3]
    assert set(content["trees"][0][0]) == {"feature", "threshold", "value", "children_left", "children_right", "weight"}
    assert content["max_depth"] == 3
    assert content["metadata"] == [{"version": content["metadata"][0]["version"]}]


def test_a_split_that_the_range_decides_is_left_out_of_conifers_ensemble():
    """Its threshold, one above the features' range, would wrap in their type."""
    above = ensemble(stump(threshold=X.max_raw + 1))["trees"][0][0]
    assert (above["feature"], above["value"]) == ([-2], [5 / 8])
    below = ensemble(stump(threshold=X.min_raw))["trees"][0][0]
    assert (below["feature"], below["value"]) == ([-2], [-6 / 8])
    kept = ensemble(stump(threshold=X.max_raw))["trees"][0][0]
    assert kept["feature"] == [0, -2, -2]


@pytest.mark.parametrize(("bits", "want"), [(10, "ap_fixed<12,2>"), (-2, "ap_fixed<6,6>"), (3, "ap_fixed<5,2>")])
def test_the_score_type_of_conifers_sources_holds_the_norm(bits, want):
    """conifer multiplies by 1 in the score type: in ap_fixed<4,-6> that would be 0."""
    graph = stump(bits=bits)
    assert precisions(read_parts(graph))["score_precision"] == want
    own = score_type(read_parts(graph).forest)
    assert own.holds(0, 1 << own.fraction_bits)


def test_pitfall_7_precision_strings_have_no_space():
    for text in precisions(read_parts(TINY)).values():
        assert re.fullmatch(r"ap_u?fixed<\d+,-?\d+>", text)


def test_a_cast_becomes_the_type_of_the_result():
    header = emit(cast(TINY, FixedType(4, 3)), TARGET)["firmware/parameters.h"]
    assert "typedef ap_fixed<4,3,AP_RND,AP_SAT> result_t;" in header
    assert "typedef ap_fixed<6,3,AP_TRN,AP_WRAP> margin_t;" in header


def test_the_same_bytes_in_another_process_folder_and_time_zone(tmp_path):
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import regold; g = regold.tiny('tiny_forest'); "
        "t = regold.TargetSettings(); print(json.dumps([regold.emit_forest(g, t), regold.emit_vhdl(g, t), "
        "regold.emit_json(g)]))"
    )
    seen = []
    for zone, seed, user in (("UTC", "1", "ada_lovelace"), ("Asia/Tokyo", "2", "bob")):
        environment = {
            "PATH": "/usr/bin:/bin",
            "TZ": zone,
            "PYTHONHASHSEED": seed,
            "USER": user,
            "LOGNAME": user,
            "HOME": str(tmp_path),
            "PYTHONPATH": str(REPOSITORY),
            "OMP_NUM_THREADS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", code, str(REPOSITORY / "ci")],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        seen.append(done.stdout)
    assert seen[0] == seen[1]
    assert json.loads(seen[0]) == [emit(TINY, TARGET), emit_vhdl(TINY, TARGET), emit_json(TINY)]
    for word in (str(tmp_path), "ada_lovelace", '"host"', '"user"', '"time"', sys.prefix):
        assert word not in emit_json(TINY)
    assert sorted(json.loads(seen[0])[0]) == list(json.loads(seen[0])[0])


def test_the_target_goes_into_the_project():
    target = TargetSettings(part="xcku5p-ffvb676-2-e", clock_period_ns=5, backend="vivado", namespace="trigger")
    files = emit(TINY, target)
    assert 'set part "xcku5p-ffvb676-2-e"' in files["project.tcl"]
    assert "set clock_period 5\n" in files["project.tcl"]
    assert 'set backend "vivado"' in files["project.tcl"]
    assert "namespace trigger {" in files["firmware/tiny_forest.cpp"]
    assert "trigger::tiny_forest((ports)" in files["testbench/tb_config.h"]
    assert not [name for name, text in files.items() if re.search(r"@[A-Z_]+@", text)]


NETWORK = GraphBuilder("net")
RELU = NETWORK.graph(NETWORK.relu("y", NETWORK.input("x", (2,), FixedType(4, 2))))
TWO = replace(stump(), ops=stump().ops, outputs=stump().outputs * 2)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: emit(RELU, TARGET), "the hls4ml backend writes networks"),
        (lambda: emit(TWO, TARGET), "2 output"),
        (lambda: emit(stump(), TargetSettings(backend="oneapi")), "vitis or vivado"),
        (lambda: emit(stump(), TargetSettings(io_type="io_stream")), "io_parallel"),
        (lambda: emit(replace(stump(), name="leaf"), TARGET), "uses this model name itself"),
        (lambda: emit(replace(stump(), name="a b"), TARGET), "is not a valid C++ name"),
        (lambda: emit(cast(stump(), FixedType(4, 12)), TARGET), "cannot round away more bits"),
        (lambda: emit(stump(FixedType(64, 30)), TARGET), "too wide for a forest"),
        (lambda: emit_json(cast(stump(), FixedType(4, 3))), "does not support a cast after the sum"),
        (lambda: emit_vhdl(cast(stump(), FixedType(4, 3)), TARGET), "does not support a cast after the sum"),
        (lambda: emit_json(stump(outputs=2)), "two classes by one output"),
        (lambda: emit_json(stump(FixedType(60, 30))), "stores doubles"),
        (lambda: emit_vhdl(stump(FixedType(32, 30)), TARGET), "uses integers"),
        (lambda: emit_vhdl(stump(leaf=(2**31, 0)), TARGET), "uses integers"),
    ],
)
def test_refusals(write, message):
    with pytest.raises(UnsupportedError) as caught:
        write()
    assert message in str(caught.value)


def test_a_forest_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(writer, "MOST_SPLITS", 4)
    with pytest.raises(UnsupportedError, match="too large"):
        emit(TINY, TARGET)


def chain(n_nodes: int) -> Graph:
    """Both children of each split are the next one: 2**n_nodes paths in n_nodes rows."""
    tables = {
        "tree_root": [0],
        "tree_output": [0],
        "feature": [0] * n_nodes,
        "threshold": list(range(n_nodes)),
        "left": list(range(1, n_nodes + 1)),
        "right": [*range(2, n_nodes + 1), n_nodes + 1],
        "leaf": [[1], [2]],
        "base_margin": [0],
    }
    return forest_graph(tables, FixedType(9, 9), 1, 0)


def test_shared_subtrees_that_unfold_without_end_are_refused_but_not_by_the_hls_project():
    with pytest.raises(UnsupportedError, match="shared subtrees"):
        emit_json(chain(60))
    assert len(numbers(emit(chain(60), TARGET)["firmware/parameters.h"], "left")) == 60


def test_deep_trees_are_refused_by_the_vhdl():
    with pytest.raises(UnsupportedError, match="pads all trees"):
        emit_vhdl(chain(18), TARGET)


def test_a_wheel_that_is_missing_or_changed(monkeypatch):
    from fasttrig.backends.conifer import vhdl, wheels

    with pytest.raises(MissingPackageError, match="not installed: nowhere_to_be_found"):
        wheels.package("nowhere_to_be_found")
    monkeypatch.setattr(vhdl.wheels, "conifer_vhdl", lambda name: "-- another text\n")
    with pytest.raises(FasttrigError, match="is not supported"):
        emit_vhdl(TINY, TARGET)
