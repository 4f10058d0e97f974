"""The text of the core: a module for each op of the graph, and one that connects them."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Literal, TypeAlias

from fasttrig.backends.rtl import verilog, vhdl
from fasttrig.backends.rtl.modules import Hierarchy, Module
from fasttrig.backends.rtl.ports import input_elements, output_elements, total_bits
from fasttrig.backends.rtl.steps import LOOKUP
from fasttrig.backends.rtl.tables import TableText, table_entries
from fasttrig.base.templates import fill_file
from fasttrig.ir.ops import Value

Language: TypeAlias = Literal["verilog", "vhdl"]
SUFFIX: dict[Language, str] = {"verilog": "v", "vhdl": "vhd"}

_WRITERS: dict[Language, ModuleType] = {"verilog": verilog, "vhdl": vhdl}

_NAMES = (
    "NAME_3 is element 3 of the tensor NAME, row by row, in the stage that makes it; NAME_3_plus is the element plus",
    "a constant of the next op. NAME_3_r5 is its register in stage 5, bus NAME_s5 what other modules read in stage 5.",
)


def core_files(hierarchy: Hierarchy, language: Language, *, clock_enable: bool = False) -> dict[str, str]:
    """``src/...`` -> text of the modules of a design, the core last."""
    write, suffix = _WRITERS[language], SUFFIX[language]
    files: dict[str, str] = {}
    for module in hierarchy.modules:
        files |= _module_files(hierarchy, module, write, suffix, clock_enable)
    name = hierarchy.module_name("core")
    words = {
        "NAME": name,
        "HEADER": _commented(_core_header(hierarchy), write),
        "IN_HIGH": str(total_bits(input_elements(hierarchy.graph)) - 1),
        "OUT_HIGH": str(total_bits(output_elements(hierarchy.graph)) - 1),
    }
    words |= write.core_words(hierarchy, output_elements(hierarchy.graph), clock_enable)
    files[f"src/{name}.{suffix}"] = fill_file(f"rtl/core.{suffix}.in", words)
    return files


def _module_files(
    hierarchy: Hierarchy, module: Module, write: ModuleType, suffix: str, clock_enable: bool
) -> dict[str, str]:
    tables = _tables(hierarchy, module)
    own = {table.name: table for table in tables.values() if not table.is_constant}
    made = [write.table_module(table) for table in own.values()]
    words = {
        "NAME": module.name,
        "HEADER": _commented(_header(hierarchy, module), write),
        **write.module_words(module, tables, clock_enable),
    }
    text = "".join(text for text, _ in made) + fill_file(f"rtl/module.{suffix}.in", words)
    files = {f"src/{module.name}.{suffix}": text}
    for _, memory in made:
        files |= memory
    return files


def _tables(hierarchy: Hierarchy, module: Module) -> dict[int, TableText]:
    """The table of each step that reads one; equal tables have one name."""
    steps = hierarchy.steps
    names: dict[tuple[object, ...], str] = {}
    found: dict[int, TableText] = {}
    for _, made in module.stages:
        for step, _, _ in made:
            op = steps.program.ops[step]
            if op.opcode != LOOKUP:
                continue
            table = TableText("", steps.width[op.addr[0]], steps.width[step], table_entries(steps, step))
            name = f"table{len(names)}" if table.is_constant else f"{module.name}_table{len(names)}"
            found[step] = replace(table, name=names.setdefault((table.entries, table.width), name))
    return found


def _header(hierarchy: Hierarchy, module: Module) -> list[str]:
    """What the module is, from where, its types and its stages."""
    op = module.op
    stages = f"{module.span} of {hierarchy.pipeline.n_stages}" if module.stages else "registers only"
    return [
        f"{module.name}: {type(op).__name__} '{op.name}'" + (f", from {on_one_line(op.origin)}" if op.origin else ""),
        *(f"  reads  {_described(value)}" for value in dict.fromkeys(op.operands)),
        f"  makes  {_described(op.result)}",
        f"  in     {stages}",
        f"The names of signals are explained in {hierarchy.module_name('core')}.",
    ]


def on_one_line(origin: str) -> str:
    """In ASCII: GHDL reads no other comments."""
    return " ".join(origin.split()).encode("ascii", "replace").decode()


def _described(value: Value) -> str:
    shape = " x ".join(map(str, value.shape)) or "1"
    return f"{value.name}: {shape} of {value.type}"


def _core_header(hierarchy: Hierarchy) -> list[str]:
    modules = {module.op.name: module for module in hierarchy.modules}
    name, n_stages = hierarchy.module_name("core"), hierarchy.pipeline.n_stages
    lines = [
        f"{name}: the pipeline of {hierarchy.graph.name}, {n_stages} stages",
        f"{'after a register' if hierarchy.pipeline.port_registers else 'without a register'} at the input. "
        "One module for each op that makes something:",
    ]
    for op in hierarchy.graph.ops:
        module = modules.get(op.name)
        said = f"{module.name}, {module.span}" if module else "no logic of its own: other signals are its elements"
        lines.append(f"  {op.name}: {said}; {_described(op.result)}")
    return [*lines, *_NAMES]


def _commented(lines: list[str], write: ModuleType) -> str:
    return "\n".join(f"{write.COMMENT} {line}" for line in lines)
