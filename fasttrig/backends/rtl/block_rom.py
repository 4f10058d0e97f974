"""Tables too large for LUTs: a ROM in block RAM, read from the register before its stage into the register after it.

Such a table has a stage of the pipeline for itself, so that tools can take both registers into the block RAM. Its
entries are in a ``.mem`` file that the Verilog reads by ``$readmemh``, by its path from the project's folder.
"""

from __future__ import annotations

import math

from alkaid.codegen.rtl.verilog.lookup import lookup_name, table_hex
from alkaid.types import CombLogic

from fasttrig.backends.rtl.template import fill
from fasttrig.base import firmware_files

LOOKUP = 8
"""alkaid's code of a table."""

MOST_LUT_BITS = 14
"""Widest address of a table made of LUTs."""

_BRAM18_SHAPES = ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512))
"""Width and depth of a RAMB18 (UG573)."""


def is_block_rom(program: CombLogic, index: int) -> bool:
    """Whether step `index` is a table with more address bits than LUTs should hold."""
    op = program.ops[index]
    return op.opcode == LOOKUP and sum(op.qint.kif) > 0 and sum(program.ops[op.addr[0]].qint.kif) > MOST_LUT_BITS


def bram18(program: CombLogic) -> int:
    """RAMB18 that the block ROMs of `program` take, each in the shape that takes the fewest; a RAMB36 counts as two."""
    found = 0
    for index, op in enumerate(program.ops):
        if is_block_rom(program, index):
            depth, width = 1 << sum(program.ops[op.addr[0]].qint.kif), sum(op.qint.kif)
            found += min(-(-depth // deep) * -(-width // wide) for wide, deep in _BRAM18_SHAPES)
    return found


def rom_files(stages: tuple[CombLogic, ...], prefix: str) -> dict[str, tuple[str, str, str]]:
    """alkaid's name of each block ROM -> its module (`prefix` before that name), path and text of its entries."""
    files = {}
    for stage in stages:
        for index, op in enumerate(stage.ops):
            if not is_block_rom(stage, index):
                continue
            name = lookup_name(stage, op)
            made = f"{prefix}_{name}"
            entries = [word.replace("X", "0") for word in table_hex(stage, op)]  # X: an address that is never read
            n_bits = round(math.log2(len(entries)))
            words = {
                "NAME": made,
                "HIGH_IN": str(n_bits - 1),
                "HIGH_OUT": str(sum(op.qint.kif) - 1),
                "LAST": str(len(entries) - 1),
                "FILE": f"src/{made}.mem",
            }
            module = fill(firmware_files.read("rtl/block_rom.v.in"), words).rstrip()
            files[name] = (module, words["FILE"], "\n".join(entries) + "\n")
    return files
