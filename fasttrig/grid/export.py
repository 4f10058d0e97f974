"""The emulator for places without Python and without fasttrig: C and C++ headers, and a shared library."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fasttrig.base.column_rules import ColumnRule
from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import Rounding
from fasttrig.base.staging import staged_files, write_texts
from fasttrig.base.templates import fill_file
from fasttrig.data.events import Arrays
from fasttrig.data.quantise import column_rules
from fasttrig.design import Design
from fasttrig.emulator.compiled import write_emulator
from fasttrig.toolchain.emulator_library import load

_PER_LINE = 8


def export(design: Design, folder: Path) -> tuple[str, ...]:
    """Write the emulator of `design` as files that need a C++17 compiler and nothing else; their names.

    ``lib<name>.so`` has the C functions of ``<name>.h``, of raw integers; ``<name>_features.hpp`` quantises features
    in their own units and calls them; ``<name>.cpp`` is the source of the library, for another machine.

    Raises
    ------
    UnsupportedError
        When C++ integers cannot hold the graph's numbers, or doubles not the quantisation of a feature.
    ToolError
        When there is no compiler or it fails.
    InputError
        When the folder cannot be written, or has such files that fasttrig did not write.
    """
    name = design.graph.name
    texts = write_emulator(design.graph, version=design.version)
    texts[f"{name}_features.hpp"] = _features_header(design)
    library = load(design.graph, version=design.version)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("cannot create the folder", where=str(folder), got=error.strerror or "") from None
    with staged_files(folder) as stage:
        write_texts(stage, texts)
        shutil.copyfile(library.path, stage / f"lib{name}.so")
    return (*texts, f"lib{name}.so")


def _features_header(design: Design) -> str:
    graph = design.graph
    rules = [rule for rule in _rules(design) if rule is not None]
    if len(rules) < sum(op.result.size for op in graph.inputs):
        raise UnsupportedError(
            "doubles do not hold the quantisation of every feature exactly",
            where=f"graph '{graph.name}'",
            try_="the raw integers of build/<model>/emulator, quantised by your own code",
        )
    names = design.feature_names or tuple(f"{op.name}_{k}" for op in graph.inputs for k in range(op.result.size))
    bits = [str(value.type.fraction_bits) for value in graph.outputs for _ in range(value.size)]
    lines = [", ".join(bits[k : k + _PER_LINE]) for k in range(0, len(bits), _PER_LINE)]
    places: dict[str, str | int] = {
        "NAME": graph.name,
        "UPPER": graph.name.upper(),
        "N_INPUTS": len(names),
        "N_OUTPUTS": len(bits),
        "FEATURES": ", ".join(names[:_PER_LINE]) + (", ..." if len(names) > _PER_LINE else ""),
        "RULES": "\n".join(_row(name, rule) for name, rule in zip(names, rules, strict=True)),
        "FRACTION_BITS": ",\n    ".join(lines),
    }
    return fill_file("emulator/features.hpp.in", places)


def _rules(design: Design) -> Sequence[ColumnRule | None]:
    """How each number of an event becomes raw, in the order of the graph's inputs; None where doubles cannot say."""
    if design.inputs is not None:
        return design.inputs.rules()
    arrays: Arrays = {op.name: np.empty((0, *op.result.shape)) for op in design.graph.inputs}
    return column_rules(design.graph, None, arrays, raw=False) or ()


def _row(name: str, rule: ColumnRule) -> str:
    numbers = (rule.offset, rule.factor, float(rule.low), float(rule.high), float(1 << rule.grid_bits))
    to_floor = "true" if rule.rounding is Rounding.TRN else "false"
    return f"    {{{json.dumps(name)}, {', '.join(map(repr, numbers))}, {to_floor}}},"
