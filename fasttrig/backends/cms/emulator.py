"""The class that a host drives: around the HLS code, or around the integer emulator."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fasttrig.backends import emit
from fasttrig.backends.cms.io_types import PortArray, inputs_of, results_of
from fasttrig.base.errors import FasttrigError, UnsupportedError
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

_PORT = re.compile(r'PORT\(\w+, "\w+", ([\w:]+), \d+\)')
"""A line of tb_config.h; the type by the name that the HLS code gives it."""

_HOST_BACKENDS = ("vitis", "vivado")


def hls_code(graph: Graph, target: TargetSettings, words: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The files of ``NN/``, and the source of the class.

    Raises
    ------
    UnsupportedError
        When the project's C++ needs headers that come with a vendor's tool, or its ports are streams.
    """
    want, try_ = "vitis or vivado, io_parallel", "flavour = 'integer'"
    if target.backend not in _HOST_BACKENDS or target.io_type != "io_parallel":
        raise UnsupportedError(
            "this HLS code cannot run in CMS software",
            where="[target]",
            got=f"{target.backend}, {target.io_type}",
            want=want,
            try_=try_,
        )
    name = words["NAMESPACE"]
    project = emit(replace(graph, name=name), target.model_copy(update={"namespace": name}))
    code = {
        path.removeprefix("firmware/"): text
        for path, text in project.items()
        if path.startswith("firmware/") and not path.startswith("firmware/ap_types/")
    }
    return code, _hls_source(graph, project["testbench/tb_config.h"], words)


def integer_source(graph: Graph, words: Mapping[str, str]) -> str:
    """The source of the class around the integer emulator."""
    inputs, results = inputs_of(graph), results_of(graph)
    reads = _loops(inputs, "raw_in_[{first} + i] = raw_of({access});")
    writes = _loops(results, "set_raw({access}, raw_out_[{first} + i]);")
    places = {"READS": reads, "WRITES": writes, "FUNCTIONS": _functions(words)}
    return fill_file("cms/emulator_integer.cpp.in", places, words)


def _hls_source(graph: Graph, tb_config: str, words: Mapping[str, str]) -> str:
    inputs, results = inputs_of(graph), results_of(graph)
    types = _PORT.findall(tb_config)
    if len(types) != len(inputs) + len(results):
        raise FasttrigError("the ports of the HLS project differ from those of its graph", got=", ".join(types))
    sizes = [tensor.value.size for tensor in (*inputs, *results)]
    names = [f"in_{k}_" for k in range(len(inputs))] + [f"out_{k}_" for k in range(len(results))]
    members = [f"    {kind} {name}[{size}];" for kind, name, size in zip(types, names, sizes, strict=True)]
    places = {
        "MEMBERS": "\n".join(members),
        "ARGUMENTS": ", ".join(names),
        "READS": _loops(inputs, "in_{number}_[i] = {access};"),
        "WRITES": _loops(results, "{access} = out_{number}_[i];"),
        "FUNCTIONS": _functions(words),
    }
    return fill_file("cms/emulator_hls.cpp.in", places, words)


def _loops(tensors: Sequence[PortArray], body: str) -> str:
    """One loop per tensor; the places of `body` are its number, the index of its first element, an element of it."""
    lines, first = [], 0
    for number, tensor in enumerate(tensors):
        lines.append(f"        for (unsigned i = 0; i < {tensor.value.size}; i++)")
        lines.append(f"            {body.format(number=number, first=first, access=tensor.access)}")
        first += tensor.value.size
    return "\n".join(lines)


def _functions(words: Mapping[str, str]) -> str:
    return fill_file("cms/functions.cpp.in", {}, words).rstrip("\n")
