"""The compiled emulator on columns: a C++ source around the emulator's own, for the Python interface alone."""

from __future__ import annotations

from fasttrig.base.firmware_files import read
from fasttrig.emulator.compiled import cpp
from fasttrig.emulator.compiled.integers import STORED, CType
from fasttrig.emulator.compiled.program import Program
from fasttrig.ir.graph import Graph


def column_places(program: Program, kernels: str, rows: str) -> dict[str, str]:
    """Texts of a model in the source for columns; see ``columns.cpp.in``."""
    pieces = ("columns",) if "pack" in program.pieces else ("pack", "columns")
    output = program.graph.outputs[0]
    return {
        "COLUMNS": "\n".join(read(f"emulator/{piece}.h") for piece in pieces),
        "SCRATCH": "\n".join(program.column_buffers),
        "LOADS": cpp.indented(program.columns),
        "ROW": row_type(program.graph).name,
        "OUTPUT": f"{output.name}_output0",
        "MARGIN": program.margin,
        "KERNELS": kernels,
        "KERNEL_ROWS": rows.rstrip("\n"),
    }


def row_type(graph: Graph) -> CType:
    """The narrowest type of rows that takes every output."""
    types = [value.type for value in graph.outputs]
    return next(kind for kind in STORED if all(kind.holds(each.min_raw, each.max_raw) for each in types))
