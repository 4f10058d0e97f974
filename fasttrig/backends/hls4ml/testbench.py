"""The generated half of the test bench: which ports the top function has, and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fasttrig import firmware_files

if TYPE_CHECKING:
    from fasttrig.ir.graph import Graph
    from fasttrig.ir.ops import Value
    from fasttrig.project import TargetSettings


def testbench_files(graph: Graph, model: Any, target: TargetSettings) -> dict[str, str]:
    """Relative path -> text of the test bench, the Makefile and the Tcl that runs the vendor's tools."""
    return {
        "testbench/csim.cpp": firmware_files.read("testbench/csim.cpp"),
        "testbench/tb_config.h": tb_config(graph, model, target),
        "testbench/ports.json": ports_json(graph),
        "Makefile": firmware_files.read("testbench/Makefile").replace("@NAME@", graph.name),
        "build_prj.tcl": firmware_files.read("tcl/build_prj.tcl"),
    }


def tb_config(graph: Graph, model: Any, target: TargetSettings) -> str:
    """``tb_config.h``: the ports by their C++ name, their name in the graph, element (or pack) type and size."""
    prefix = f"{target.namespace}::" if target.namespace else ""
    inputs = _ports([op.result for op in graph.inputs], model.get_input_variables(), prefix)
    outputs = _ports(graph.outputs, model.get_output_variables(), prefix)
    names = [f"ports.{name}.argument()" for name, _ in (*inputs, *outputs)]
    template = firmware_files.read("testbench/tb_config.h.in")
    words = {
        "@NAME@": graph.name,
        "@TOP@": f"{prefix}{graph.name}",
        "@IO_STREAM@": str(int(target.io_type == "io_stream")),
        "@INPUTS@": " \\\n".join(text for _, text in inputs),
        "@OUTPUTS@": " \\\n".join(text for _, text in outputs),
        "@ARGUMENTS@": ", ".join(names).replace("ports.", "(ports)."),
    }
    for word, text in words.items():
        template = template.replace(word, text)
    return template


def ports_json(graph: Graph) -> str:
    """The ports as data: what `toolchain.csim` needs to write inputs and to read outputs."""
    content = {
        "top": graph.name,
        "inputs": _entries(op.result for op in graph.inputs),
        "outputs": _entries(graph.outputs),
    }
    return json.dumps(content, indent=2) + "\n"


def _entries(values: Iterable[Value]) -> list[dict[str, Any]]:
    return [{"name": value.name, "type": str(value.type), "shape": list(value.shape)} for value in values]


def _ports(values: Any, variables: Any, prefix: str) -> list[tuple[str, str]]:
    ports = []
    for value, variable in zip(values, variables, strict=True):
        text = f'    PORT({variable.name}, "{value.name}", {prefix}{variable.type.name}, {value.size})'
        ports.append((variable.name, text))
    return ports
