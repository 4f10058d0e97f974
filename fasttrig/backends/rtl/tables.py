"""The tables of a design: their entries, and which of them are a ROM in block RAM.

A table of up to `LUT_INPUTS` address bits is a constant for each bit of its entries: a LUT each, in every tool. (Yosys
takes a case statement for a memory, and moves the registers after it in front of it.) A larger one is a module of its
own. One too large for LUTs is a ROM in block RAM, read from the register before its stage into the register after it:
it has a stage of the pipeline for itself, so that tools can take both registers into the block RAM.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from alkaid.types import CombLogic

from fasttrig.backends.rtl.comparisons import LUT_INPUTS
from fasttrig.backends.rtl.steps import LOOKUP, Steps

MOST_LUT_BITS = 14
"""Widest address of a table made of LUTs."""

_BRAM18_SHAPES = ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512))
"""Width and depth of a RAMB18 (UG573)."""


@dataclass(frozen=True)
class TableText:
    """One table as an op reads it.

    Attributes
    ----------
    name : str
        Of its module, or of its constants.
    address_width, width : int
    entries : tuple of int or None, one per address
        Bits as an unsigned integer; None at an address that never occurs.
    """

    name: str
    address_width: int
    width: int
    entries: tuple[int | None, ...]

    @property
    def is_constant(self) -> bool:
        """Whether constants of the module that reads it hold the table."""
        return self.address_width <= LUT_INPUTS

    @property
    def is_block_rom(self) -> bool:
        return self.address_width > MOST_LUT_BITS

    @cached_property
    def bit_vectors(self) -> tuple[int, ...]:
        """For each bit of the entries, the vector of that bit over all addresses; address 0 at the lowest bit."""
        return tuple(
            sum(((entry or 0) >> bit & 1) << address for address, entry in enumerate(self.entries))
            for bit in range(self.width)
        )

    def threshold(self, signed: bool) -> int | None:
        """The number below which a table of one bit holds 1 and from which on 0; None if it is no such table."""
        if self.width != 1:
            return None
        half = len(self.entries) // 2
        first, ordered = (-half, self.entries[half:] + self.entries[:half]) if signed else (0, self.entries)
        known = [(number, entry) for number, entry in enumerate(ordered, first) if entry is not None]
        ones = sum(entry for _, entry in known)
        if not 0 < ones < len(known) or not all(entry for _, entry in known[:ones]):
            return None
        return known[ones][0]


def table_entries(steps: Steps, step: int) -> tuple[int | None, ...]:
    """The entries that `step` can read, for each address of its operand."""
    op = steps.program.ops[step]
    tables = steps.program.lookup_tables or ()
    padded = tables[op.data[0]].padded_table(steps.program.ops[op.addr[0]].qint)
    mask = (1 << steps.width[step]) - 1
    return tuple(None if np.isnan(entry) else int(entry) & mask for entry in padded)


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
