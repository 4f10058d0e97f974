"""conifer's VHDL project of a forest: its own entities, the trees as raw integers, no type guessed.

Written without conifer's writer, which needs one type for features and scores, compiles C++ to round numbers,
multiplies by a norm of 1 and writes arrays of one element that are no VHDL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fasttrig.backends.conifer import wheels
from fasttrig.backends.conifer.parameters import LEAF, ConiferTree, depth, trees_by_round
from fasttrig.backends.conifer.parts import Parts, read_parts
from fasttrig.backends.constraints import constraint_files
from fasttrig.backends.hls4ml.testbench import ports_json
from fasttrig.base.errors import FasttrigError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.settings import TargetSettings

INTEGER_BITS = 31
"""Widest signed number that the project's integers carry everywhere (VHDL has no literal for -2**31)."""

MOST_NODES = 1 << 18
COPIED = ("AddReduce", "BDT", "BDTTestbench", "SimulationInput", "SimulationOutput", "Tree", "Types")
BENCH = ("SimulationInput", "SimulationOutput", "BDTTestbench")


@dataclass(frozen=True, slots=True)
class FullTree:
    """A tree filled up to a depth; node i has the children 2 i + 1 and 2 i + 2. A padded leaf goes left."""

    feature: list[int]
    threshold_int: list[int]
    value_int: list[int]


def texts(graph: Graph, target: TargetSettings) -> dict[str, str]:
    """Relative path -> text, sorted."""
    parts = read_parts(graph)
    trees = trees_by_round(graph, parts)
    max_depth = max(depth(tree) for round_ in trees for tree in round_)
    _check(parts, len(trees) << (max_depth + 1))
    n_outputs = parts.forest.n_outputs
    arrays = [f"Arrays{k}" for k in range(n_outputs)]
    design = " ".join(("Constants", "Split", "Types", "Tree", "AddReduce", *arrays, "BDT", "BDTTop"))
    includes = "\n".join(f"use work.{name};" for name in arrays)
    instances = "\n".join(fill_file("conifer/vhdl/instance.vhd.in", {"K": str(k)}) for k in range(n_outputs))
    files = {f"firmware/{name}.vhd": wheels.conifer_vhdl(f"{name}.vhd") for name in COPIED}
    files |= {
        "firmware/Constants.vhd": _inserted(
            "Constants.vhd", {"-- conifer insert constants": _constants(parts.forest, len(trees), max_depth)}
        ),
        "firmware/Split.vhd": _inserted(
            "Split.vhd", {"-- conifer insert split": "TheSplit : entity work.Split_lt port map(a, b, q);"}
        ),
        "firmware/BDTTop.vhd": _inserted(
            "BDTTop.vhd", {"-- include arrays": includes, "-- instantiate BDTs": instances.rstrip()}
        ),
        "ghdl.sh": fill_file("conifer/vhdl/ghdl.sh.in", {"DESIGN": design, "BENCH": " ".join(BENCH)}),
        "synth.tcl": fill_file("conifer/vhdl/synth.tcl.in", {"DESIGN": design, "PART": target.part}),
        "clock.xdc": constraint_files("BDTTop", "clk", target, "clock")["clock.xdc"],
        "testbench/ports.json": ports_json(graph),
    }
    for k in range(n_outputs):
        column = [full_tree(round_[k], max_depth) for round_ in trees]
        words = {"K": str(k), "BASE": str(int(parts.forest.base_margin.raw[k])), "ARRAYS": _arrays(column, max_depth)}
        files[f"firmware/Arrays{k}.vhd"] = fill_file("conifer/vhdl/arrays.vhd.in", words)
    return dict(sorted(files.items()))


def full_tree(tree: ConiferTree, max_depth: int) -> FullTree:
    """`tree` with every leaf moved down to `max_depth`, along left children."""
    n_nodes = (2 << max_depth) - 1
    full = FullTree([LEAF] * n_nodes, [0] * n_nodes, [0] * n_nodes)
    stack = [(0, 0)]
    while stack:
        node, at = stack.pop()
        full.feature[at] = tree.feature[node]
        full.threshold_int[at] = tree.threshold_raw[node]
        if tree.feature[node] != LEAF:
            stack += [(tree.children_left[node], 2 * at + 1), (tree.children_right[node], 2 * at + 2)]
            continue
        while at < n_nodes:
            full.value_int[at] = tree.leaf_raw[node]
            at = 2 * at + 1
    return full


def feature_type(op: Forest) -> FixedType:
    """``tx``: a signed type for all features, which may be unsigned."""
    own = op.operand.type
    return FixedType.covering(own.min_raw, own.max_raw, own.fraction_bits, signed=True)


def score_type(op: Forest) -> FixedType:
    """``ty``: a signed type for every partial sum, and for a norm of raw 1, which leaves conifer's multiplier out."""
    own = op.result.type
    return FixedType.covering(own.min_raw, max(own.max_raw, 1), own.fraction_bits, signed=True)


def _check(parts: Parts, n_nodes: int) -> None:
    op = parts.forest
    if parts.cast is not None:
        raise UnsupportedError(
            "conifer does not support a cast after the sum",
            where=parts.cast.where,
            got="Input -> Forest -> Cast",
            want="Input -> Forest",
            try_="cast the result in the code that uses the score",
        )
    for fixed_type in (feature_type(op), score_type(op)):
        if fixed_type.width > INTEGER_BITS:
            raise UnsupportedError(
                "a number is too wide for conifer's VHDL, which uses integers",
                where=op.where,
                got=str(fixed_type),
                want=f"at most {INTEGER_BITS} bits",
                try_="fewer fraction bits, or the HLS project",
            )
    if n_nodes > MOST_NODES:
        raise UnsupportedError(
            "the trees are too deep for conifer's VHDL, which pads all trees to the same depth",
            where=op.where,
            got=f"{n_nodes} nodes per output",
            want=f"at most {MOST_NODES}",
            try_="the HLS project",
        )


def _constants(op: Forest, n_trees: int, max_depth: int) -> str:
    score = score_type(op)
    numbers = {
        "nTrees": n_trees,
        "maxDepth": max_depth,
        "nNodes": (2 << max_depth) - 1,
        "nLeaves": 1 << max_depth,
        "nFeatures": op.operand.size,
        "nClasses": op.n_outputs,
        "norm_slice_h": score.width - 1,
        "norm_slice_l": 0,
    }
    lines = [f"constant {name} : integer := {number};" for name, number in numbers.items()]
    types = {"tx": feature_type(op), "ty": score}
    lines += [f"subtype {name} is signed({fixed_type.width - 1} downto 0);" for name, fixed_type in types.items()]
    return "\n  ".join(lines)


def _arrays(trees: Sequence[FullTree], max_depth: int) -> str:
    nodes = range((2 << max_depth) - 1)
    shape = {
        "children_left": [2 * i + 1 if 2 * i + 2 in nodes else -1 for i in nodes],
        "children_right": [2 * i + 2 if 2 * i + 2 in nodes else -1 for i in nodes],
        "parent": [(i + 1) // 2 - 1 for i in nodes],
        "depth": [(i + 1).bit_length() - 1 for i in nodes],
    }
    rows = {name: [getattr(tree, name) for tree in trees] for name in ("feature", "threshold_int", "value_int")}
    rows |= {name: [row] * len(trees) for name, row in shape.items()}
    blocks = [_array(name, "intArray2DnNodes", row) for name, row in rows.items()]
    leaves = [i for i in nodes if 2 * i + 2 not in nodes]
    return "\n\n".join([*blocks, _array("iLeaf", "intArray2DnLeaves", [leaves] * len(trees))])


def _array(name: str, kind: str, rows: Sequence[Sequence[int]]) -> str:
    lines = ",\n".join(f"    {i} => {_aggregate(row)}" for i, row in enumerate(rows))
    return f"  constant {name} : {kind}(0 to nTrees - 1) := (\n{lines}\n  );"


def _aggregate(numbers: Sequence[int]) -> str:
    """One element needs its index: ``(5)`` is a number in brackets."""
    return f"(0 => {numbers[0]})" if len(numbers) == 1 else f"({', '.join(map(str, numbers))})"


def _inserted(name: str, places: dict[str, str]) -> str:
    """conifer's file with our text in the places that it marks."""
    text = wheels.conifer_vhdl(name)
    for mark, content in places.items():
        if text.count(mark) != 1:
            raise FasttrigError("this version of conifer's VHDL is not supported", where=name, want=mark)
        text = text.replace(mark, content)
    return text
