"""The generated half of the test bench: the ports of the top function, and the files next to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fasttrig.backends.constraints import constraint_files
from fasttrig.base import firmware_files
from fasttrig.base.templates import fill, fill_file
from fasttrig.ir.ops import Forest

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
    """Relative path -> text of the test bench, the Makefile, the Tcl that runs the vendor's tools, and the README."""
    clock = constraint_files(graph.name, "ap_clk", target, "clock")
    return {
        "README.md": readme(graph, inputs, outputs, target),
        ".gitignore": firmware_files.read("testbench/gitignore"),
        "clock.xdc": clock["clock.xdc"],
        "vivado_synth.tcl": firmware_files.read("testbench/vivado_synth.tcl"),
        "testbench/csim.cpp": firmware_files.read("testbench/csim.cpp"),
        "testbench/tb_config.h": tb_config(graph, inputs, outputs, target),
        "testbench/ports.json": ports_json(graph),
        "Makefile": fill_file("testbench/Makefile", {"NAME": graph.name}),
        "build_prj.tcl": firmware_files.read("tcl/build_prj.tcl"),
    }


def readme(graph: Graph, inputs: Sequence[CppPort], outputs: Sequence[CppPort], target: TargetSettings) -> str:
    """``README.md``: ports and types, how to simulate, how to use the project; a forest's says how trees are made."""
    prefix = f"{target.namespace}::" if target.namespace else ""
    values = [op.result for op in graph.inputs] + list(graph.outputs)
    directions = ["in"] * len(graph.inputs) + ["out"] * len(graph.outputs)
    words = {
        "NAME": graph.name,
        "TOP": f"{prefix}{graph.name}",
        "PORT_ROWS": "\n".join(
            f"| `{port.name}` | {direction} | `{value.name}` | {value.size} x {value.type} |"
            for port, direction, value in zip((*inputs, *outputs), directions, values, strict=True)
        ),
        "IO_TYPE": target.io_type,
        "IO_MEANING": "streams of packs" if target.io_type == "io_stream" else "arrays, all elements at once",
        "FEATURES": "If the model has an input map, `firmware/input_map.h` gives the name, offset and shift of every\n"
        "feature.\n",
    }
    if graph.ops_of(Forest):
        head, own = "conifer/README.md.in", {"NAMESPACE": target.namespace or ""}
    else:
        clock = f"{target.clock_period_ns:g}"
        head, own = "testbench/README.md.in", {"BACKEND": target.backend, "PART": target.part, "CLOCK_PERIOD_NS": clock}
    return fill(firmware_files.read(head) + firmware_files.read("testbench/interface.md.in"), words | own)


def tb_config(graph: Graph, inputs: Sequence[CppPort], outputs: Sequence[CppPort], target: TargetSettings) -> str:
    """``tb_config.h``: the ports by their C++ name, their name in the graph, element (or pack) type and size."""
    prefix = f"{target.namespace}::" if target.namespace else ""
    names = [f"ports.{port.name}.argument()" for port in (*inputs, *outputs)]
    words = {
        "NAME": graph.name,
        "TOP": f"{prefix}{graph.name}",
        "IO_STREAM": str(int(target.io_type == "io_stream")),
        "INPUTS": " \\\n".join(_ports([op.result for op in graph.inputs], inputs, prefix)),
        "OUTPUTS": " \\\n".join(_ports(graph.outputs, outputs, prefix)),
        "ARGUMENTS": ", ".join(names).replace("ports.", "(ports)."),
    }
    return fill_file("testbench/tb_config.h.in", words)


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
