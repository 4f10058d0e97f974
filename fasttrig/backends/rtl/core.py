"""alkaid's own text of the pipelined core, its modules renamed so that several designs fit into one project."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Literal, TypeAlias

import alkaid
from alkaid.stateful import FSM

from fasttrig.backends.rtl.block_rom import rom_files
from fasttrig.backends.rtl.comparisons import LUT_INPUTS
from fasttrig.backends.rtl.template import fill
from fasttrig.base import firmware_files

Language: TypeAlias = Literal["verilog", "vhdl"]
SUFFIX: dict[Language, str] = {"verilog": "v", "vhdl": "vhd"}

_STAGE = re.compile(r"\blogic(\d+)\b")
_TABLE = re.compile(r"\btable_(?=[0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12}\b)")

_CASE = re.compile(
    r"module (?P<name>\w+)\(input [^;]*\);\nalways @\(\*\) case \(in\)\n(?P<body>.*?)endcase\nendmodule", re.DOTALL
)
_ENTRY = re.compile(r"(\d+)'h([0-9A-F]+): out = (\d+)'h([0-9A-FX]+);")


def core_files(machine: FSM, name: str, language: Language) -> dict[str, str]:
    """``src/...`` -> text of the core `name` and of the small modules it is made of, leaves first."""
    suffix = SUFFIX[language]
    writer = importlib.import_module(f"alkaid.codegen.rtl.{language}.fsm")
    texts = writer.fsm_logic_gen(machine, name, print_latency=False, timescale="`timescale 1 ns / 1 ps")
    static = Path(alkaid.__file__).parent / "codegen" / "rtl" / language / "source"
    files = {f"src/alkaid/{path.name}": path.read_text(encoding="utf-8") for path in sorted(static.glob(f"*.{suffix}"))}
    tables = f"{name}_tables"
    order = ([tables] if tables in texts else []) + [key for key in texts if key not in (tables, name)] + [name]
    if tables in texts and language == "verilog":
        texts[tables] = _as_constants(texts[tables])
    if tables in texts and language == "verilog":
        roms = rom_files(tuple(machine.logic.values()), name)
        texts[tables] = _CASE.sub(lambda m: roms[m["name"]][0] if m["name"] in roms else m[0], texts[tables])
        files |= {path: entries for _, path, entries in roms.values()}
    for key in order:
        files[f"src/{_renamed(key, name)}.{suffix}"] = _renamed(texts[key], name)
    return {path: "\n".join(line.rstrip() for line in text.splitlines()) + "\n" for path, text in files.items()}


def _as_constants(text: str) -> str:
    """alkaid's case statements of up to six address bits as constant vectors, one a bit: a LUT each, in every tool.

    Yosys takes a case statement for a memory, and moves the registers behind it in front of it.
    """
    return _CASE.sub(_constants, text)


def _constants(module: re.Match[str]) -> str:
    entries = _ENTRY.findall(module["body"])
    if not entries or int(entries[0][0]) > LUT_INPUTS:
        return module[0]
    bits_in, bits_out = int(entries[0][0]), int(entries[0][2])
    words = {int(address, 16): 0 if "X" in word else int(word, 16) for _, address, _, word in entries}
    lines = []
    for bit in range(bits_out):
        vector = sum((word >> bit & 1) << address for address, word in words.items())
        lines.append(f"    localparam [{(1 << bits_in) - 1}:0] BIT{bit} = {1 << bits_in}'h{vector:x};")
        lines.append(f"    assign out[{bit}] = BIT{bit}[in];")
    return fill(
        firmware_files.read("rtl/table.v.in").rstrip(),
        {
            "NAME": module["name"],
            "HIGH_IN": str(bits_in - 1),
            "HIGH_OUT": str(bits_out - 1),
            "BITS": "\n".join(lines),
        },
    )


def _renamed(text: str, name: str) -> str:
    return _TABLE.sub(f"{name}_table_", _STAGE.sub(rf"{name}_stage\1", text))
