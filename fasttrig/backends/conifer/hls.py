"""The Xilinx HLS project of a forest: our tables and our C++ for the tree, the vendor's types, the shared test bench.

conifer's own C++ multiplies each feature by a 0 or 1 at every node and is one template per tree: right, but slow to
compile and to simulate. Ours (``firmware/conifer/top.cpp.in``) computes the same scores; a test compares both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fasttrig.backends.conifer import wheels
from fasttrig.backends.conifer.parts import Parts, place, read_parts
from fasttrig.backends.hls4ml.names import checked_identifier
from fasttrig.backends.hls4ml.precision import Precision
from fasttrig.backends.hls4ml.testbench import CppPort, testbench_files
from fasttrig.base import firmware_files
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, IntArray
from fasttrig.base.names import reserved_words
from fasttrig.ir.forest import distinct_comparisons
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.settings import TargetSettings

BACKENDS = ("vitis", "vivado")
MOST_SPLITS = 1 << 18
COLUMNS = 120


def texts(graph: Graph, target: TargetSettings) -> dict[str, str]:
    """Relative path -> text, sorted."""
    parts = read_parts(graph)
    _check(graph, parts, target)
    namespace = target.namespace or f"{graph.name}_v1"
    checked_identifier(namespace, "C++ namespace")
    target = target.model_copy(update={"namespace": namespace})
    words = {"NAME": graph.name, "GUARD": graph.name.upper(), "NAMESPACE": namespace}
    ports = [CppPort("x", "input_t")], [CppPort("score", "result_t")]
    files = {
        f"firmware/{graph.name}.cpp": _filled("top.cpp.in", words),
        f"firmware/{graph.name}.h": _filled("top.h.in", words),
        "firmware/parameters.h": _filled("parameters.h.in", words | _types(parts) | _tables(parts.forest)),
        "project.tcl": _filled("project.tcl.in", words | _settings(target)),
        "README.md": _filled("README.md.in", words),
        "vivado_synth.tcl": firmware_files.read("conifer/vivado_synth.tcl"),
        **{f"firmware/ap_types/{name}": text for name, text in wheels.ap_types().items()},
        **testbench_files(graph, *ports, target),
    }
    return dict(sorted(files.items()))


def _check(graph: Graph, parts: Parts, target: TargetSettings) -> None:
    checked_identifier(graph.name, "model's name")
    if graph.name.lower() in reserved_words()["firmware"]:
        raise UnsupportedError(
            "the model's name is one of the project's own", got=repr(graph.name), want="another name", try_="rename it"
        )
    if target.backend not in BACKENDS:
        raise UnsupportedError(
            "forests have no project for this tool",
            where="[target] backend",
            got=target.backend,
            want=" or ".join(BACKENDS),
        )
    if target.io_type != "io_parallel":
        raise UnsupportedError(
            "forests have no stream interface", where="[target] io_type", got=target.io_type, want="io_parallel"
        )
    if parts.forest.n_nodes > MOST_SPLITS:
        raise UnsupportedError(
            "a forest too large to be unrolled",
            where=place(parts.forest),
            got=f"{parts.forest.n_nodes} splits",
            want=f"at most {MOST_SPLITS}",
        )


def _types(parts: Parts) -> dict[str, str]:
    forest, cast = parts.forest, parts.cast
    result = (
        Precision(forest.result.type) if cast is None else Precision(cast.result.type, cast.rounding, cast.overflow)
    )
    return {
        "INPUT_T": str(Precision(parts.source.result.type)),
        "BITS_T": _integer(forest.operand.type),
        "FEATURE_T": _carrier(forest.operand.type),
        "THRESHOLD_T": _carrier(forest.threshold.type),
        "LEAF_T": _carrier(forest.leaf.type, forest.base_margin.type),
        "SUM_T": _integer(forest.result.type),
        "MARGIN_T": str(Precision(forest.result.type)),
        "RESULT_T": str(result),
    }


def _tables(op: Forest) -> dict[str, str]:
    comparisons, index = distinct_comparisons(op)
    roots, targets = _terms(op)
    numbers = {
        "N_FEATURES": op.operand.size,
        "N_OUTPUTS": op.n_outputs,
        "N_TARGETS": op.n_targets,
        "N_SPLITS": op.n_nodes,
        "N_COMPARISONS": len(comparisons),
        "N_LEAVES": op.n_leaves,
        "N_TERMS": roots.shape[1],
    }
    rows = {
        "COMPARED_FEATURE": comparisons[:, 0],
        "THRESHOLD": comparisons[:, 1],
        "COMPARISON": index,
        "LEFT": op.left.raw,
        "RIGHT": op.right.raw,
        "BASE_MARGIN": op.base_margin.raw,
    }
    grids = {"LEAF": op.leaf.raw.T, "TERM_ROOT": roots, "TERM_TARGET": targets}
    return {
        **{name: str(number) for name, number in numbers.items()},
        **{name: _braces(row.tolist()) for name, row in rows.items()},
        **{name: _rows(grid) for name, grid in grids.items()},
    }


def _terms(op: Forest) -> tuple[IntArray, IntArray]:
    """Root and leaf column of each tree of each output, shapes (n_outputs, n_terms); root -1 where there is no more."""
    columns: list[list[tuple[int, int]]] = [[] for _ in range(op.n_outputs)]
    for root, output in zip(op.tree_root.raw.tolist(), op.tree_output.raw.tolist(), strict=True):
        for target in range(op.n_targets):
            columns[output + target].append((root, target))
    n_terms = max(len(column) for column in columns)
    padded = [[*column, *[(-1, 0)] * (n_terms - len(column))] for column in columns]
    table = np.array(padded, dtype=np.int64).reshape(op.n_outputs, n_terms, 2)
    return table[..., 0], table[..., 1]


def _settings(target: TargetSettings) -> dict[str, str]:
    return {
        "BACKEND": target.backend,
        "PART": target.part,
        "CLOCK_PERIOD": f"{target.clock_period_ns:g}",
        "CLOCK_UNCERTAINTY": f"{target.clock_uncertainty_percent:g}",
        "MAXIMUM_SIZE": "4096",
    }


def _integer(fixed_type: FixedType) -> str:
    """The raw integers' own type."""
    return f"ap_{'' if fixed_type.signed else 'u'}int<{fixed_type.width}>"


def _carrier(*types: FixedType) -> str:
    """The smallest C++ integer that holds the raw integers of all `types`."""
    bits = max(fixed_type.width + (not fixed_type.signed) for fixed_type in types)
    return next((name for name, width in (("short", 16), ("int", 32)) if bits <= width), "long long")


def _braces(numbers: Sequence[int]) -> str:
    """``{1, 2, 3}`` in lines of bounded length; ``{0}`` for no numbers, as C++ has no empty arrays."""
    words = [f"{number}LL" if abs(number) > 0x7FFFFFFF else str(number) for number in numbers] or ["0"]
    return "{" + "\n    ".join(_lines(words)) + "}"


def _rows(grid: IntArray) -> str:
    return "{\n    " + ",\n    ".join(_braces(row.tolist()) for row in grid) + "\n}"


def _lines(words: Iterable[str]) -> list[str]:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) + 6 > COLUMNS:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += f"{word}, "
    return [*lines[:-1], lines[-1].removesuffix(", ")]


def _filled(template: str, words: dict[str, str]) -> str:
    text = firmware_files.read(f"conifer/{template}")
    for word, content in words.items():
        text = text.replace(f"@{word}@", content)
    return text
