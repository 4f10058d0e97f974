"""The generated half of the test bench: which ports the top function has, and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fasttrig.base import firmware_files

if TYPE_CHECKING:
    from fasttrig.ir.graph import Graph
    from fasttrig.ir.ops import Value
    from fasttrig.settings import TargetSettings


@dataclass(frozen=True, slots=True)
class CppPort:
    """An argument of the top function: its name, and the name of its element's (or pack's) type."""

    name: str
    type_name: str


def testbench_files(
    graph: Graph, inputs: Sequence[CppPort], outputs: Sequence[CppPort], target: TargetSettings
) -> dict[str, str]:
    """Relative path -> text of the test bench, the Makefile and the Tcl that runs the vendor's tools."""
    return {
        "testbench/csim.cpp": firmware_files.read("testbench/csim.cpp"),
        "testbench/tb_config.h": tb_config(graph, inputs, outputs, target),
        "testbench/ports.json": ports_json(graph),
        "Makefile": firmware_files.read("testbench/Makefile").replace("@NAME@", graph.name),
        "build_prj.tcl": firmware_files.read("tcl/build_prj.tcl"),
    }


def tb_config(graph: Graph, inputs: Sequence[CppPort], outputs: Sequence[CppPort], target: TargetSettings) -> str:
    """``tb_config.h``: the ports by their C++ name, their name in the graph, element (or pack) type and size."""
    prefix = f"{target.namespace}::" if target.namespace else ""
    names = [f"ports.{port.name}.argument()" for port in (*inputs, *outputs)]
    template = firmware_files.read("testbench/tb_config.h.in")
    words = {
        "@NAME@": graph.name,
        "@TOP@": f"{prefix}{graph.name}",
        "@IO_STREAM@": str(int(target.io_type == "io_stream")),
        "@INPUTS@": " \\\n".join(_ports([op.result for op in graph.inputs], inputs, prefix)),
        "@OUTPUTS@": " \\\n".join(_ports(graph.outputs, outputs, prefix)),
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


def _ports(values: Sequence[Value], ports: Sequence[CppPort], prefix: str) -> list[str]:
    return [
        f'    PORT({port.name}, "{value.name}", {prefix}{port.type_name}, {value.size})'
        for value, port in zip(values, ports, strict=True)
    ]
