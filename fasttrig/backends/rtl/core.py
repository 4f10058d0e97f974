"""alkaid's own text of the pipelined core, its modules renamed so that several designs fit into one project."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Literal, TypeAlias

import alkaid
from alkaid.stateful import FSM

Language: TypeAlias = Literal["verilog", "vhdl"]
SUFFIX: dict[Language, str] = {"verilog": "v", "vhdl": "vhd"}

_STAGE = re.compile(r"\blogic(\d+)\b")
_TABLE = re.compile(r"\btable_(?=[0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12}\b)")


def core_files(machine: FSM, name: str, language: Language) -> dict[str, str]:
    """``src/...`` -> text of the core `name` and of the small modules it is made of, leaves first."""
    suffix = SUFFIX[language]
    writer = importlib.import_module(f"alkaid.codegen.rtl.{language}.fsm")
    texts = writer.fsm_logic_gen(machine, name, print_latency=False, timescale="`timescale 1 ns / 1 ps")
    static = Path(alkaid.__file__).parent / "codegen" / "rtl" / language / "source"
    files = {f"src/alkaid/{path.name}": path.read_text(encoding="utf-8") for path in sorted(static.glob(f"*.{suffix}"))}
    tables = f"{name}_tables"
    order = ([tables] if tables in texts else []) + [key for key in texts if key not in (tables, name)] + [name]
    for key in order:
        files[f"src/{_renamed(key, name)}.{suffix}"] = _renamed(texts[key], name)
    return {path: "\n".join(line.rstrip() for line in text.splitlines()) + "\n" for path, text in files.items()}


def _renamed(text: str, name: str) -> str:
    return _TABLE.sub(f"{name}_table_", _STAGE.sub(rf"{name}_stage\1", text))
