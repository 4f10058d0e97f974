"""The Xilinx HLS project of a forest: our tables and our C++ for the tree, the vendor's types, the shared test bench.

conifer's own C++ multiplies each feature by a 0 or 1 at every node and is one template per tree: right, but slow to
compile and to simulate. Ours (``firmware/conifer/top.cpp.in``) computes the same scores; a test compares both.
"""

from __future__ import annotations

from fasttrig.backends.conifer import wheels
from fasttrig.backends.conifer.parts import Parts, read_parts
from fasttrig.backends.hls4ml.names import checked_identifier
from fasttrig.backends.hls4ml.precision import Precision
from fasttrig.backends.hls4ml.testbench import CppPort, testbench_files
from fasttrig.backends.hls_forest import brace_rows, braces, forest_tables
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.names import reserved_words
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.settings import TargetSettings

BACKENDS = ("vitis", "vivado")
MOST_SPLITS = 1 << 18


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
        f"firmware/{graph.name}.cpp": fill_file("conifer/top.cpp.in", {}, words),
        f"firmware/{graph.name}.h": fill_file("conifer/top.h.in", {}, words),
        "firmware/parameters.h": fill_file("conifer/parameters.h.in", _types(parts) | _tables(parts.forest), words),
        "project.tcl": fill_file("conifer/project.tcl.in", _settings(target), words),
        **{f"firmware/ap_types/{name}": text for name, text in wheels.ap_types().items()},
        **testbench_files(graph, *ports, target),
    }
    return dict(sorted(files.items()))


def _check(graph: Graph, parts: Parts, target: TargetSettings) -> None:
    checked_identifier(graph.name, "model's name")
    if graph.name.lower() in reserved_words()["firmware"]:
        raise UnsupportedError(
            "the HLS project uses this model name itself",
            got=repr(graph.name),
            want="another name",
            try_="rename it",
        )
    if target.backend not in BACKENDS:
        raise UnsupportedError(
            "fasttrig writes no forest project for this tool",
            where="[target] backend",
            got=target.backend,
            want=" or ".join(BACKENDS),
        )
    if target.io_type != "io_parallel":
        raise UnsupportedError(
            "forests do not support io_stream", where="[target] io_type", got=target.io_type, want="io_parallel"
        )
    if parts.forest.n_nodes > MOST_SPLITS:
        raise UnsupportedError(
            "the forest is too large to unroll",
            where=parts.forest.where,
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
        "MARGIN_T": str(Precision(forest.result.type)),
        "RESULT_T": str(result),
    }


def _tables(op: Forest) -> dict[str, str]:
    tables = forest_tables(op)
    constants = {name: braces(row.tolist()) if row.ndim == 1 else brace_rows(row) for name, row in tables.rows.items()}
    return {
        **{name.upper(): str(number) for name, number in tables.sizes.items()},
        **{name.upper(): cpp_type for name, cpp_type in tables.types.items()},
        **{name.upper(): text for name, text in constants.items()},
    }


def _settings(target: TargetSettings) -> dict[str, str]:
    return {
        "BACKEND": target.backend,
        "PART": target.part,
        "CLOCK_PERIOD": f"{target.clock_period_ns:g}",
        "CLOCK_UNCERTAINTY": f"{target.clock_uncertainty_percent:g}",
        "MAXIMUM_SIZE": "4096",
    }
