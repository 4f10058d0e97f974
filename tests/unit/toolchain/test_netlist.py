"""Netlists of Yosys as counts and depth: worked out by hand, and refused where they are not what they should be."""

import json

import pytest

from fasttrig.base.errors import ToolError
from fasttrig.toolchain.netlist import read_netlist
from fasttrig.toolchain.synth import FAMILIES, SynthResult, family_of


def cell(kind, **ports):
    """Ports named O, Q and CO are outputs."""
    directions = {name: "output" if name in ("O", "Q", "CO") else "input" for name in ports}
    return {"type": kind, "port_directions": directions, "connections": ports}


def netlist(*cells):
    return json.dumps({"modules": {"top": {"cells": {f"c{i}": one for i, one in enumerate(cells)}}}})


def test_counts_and_the_longest_path():
    """ff -> inverter -> lut -> lut -> ff, and a lut beside it; the registers end paths."""
    found = read_netlist(
        netlist(
            cell("FDRE", C=[2], D=[9], Q=[3]),
            cell("INV", I=[3], O=[4]),
            cell("LUT2", I0=[4], I1=["1"], O=[5]),
            cell("LUT6", I0=[5], I1=[3], O=[9]),
            cell("LUT2", I0=[3], I1=[3], O=[6]),
            cell("$scopeinfo"),
            cell("stage0", I=[6], O=[7]),
        ),
        "top",
        frozenset({"stage0"}),
    )
    assert found.cells == {"FDRE": 1, "INV": 1, "LUT2": 2, "LUT6": 1}
    assert found.levels == 2


def test_a_bit_of_a_carry_chain_depends_on_those_below_it():
    """Bit 0 of the sum goes through a LUT into bit 1 of the same cell, which is no circle."""
    chain = cell("CARRY4", CI=["0"], S=[3, 4, "0", "0"], DI=["0", "0", "0", "0"], O=[5, 6, 7, 8], CO=[9, 10, 11, 12])
    assert read_netlist(netlist(chain, cell("LUT1", I0=[5], O=[4])), "top").levels == 3


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "JSONDecodeError"),
        ('{"modules": {"top": {"cells": ', "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"modules": {"other": {"cells": {}}}}', "KeyError"),
        ('{"modules": {"top": {"cells": {"a": {}}}}}', "KeyError"),
        ('{"modules": {"top": {"cells": []}}}', "AttributeError"),
        (netlist({"type": "LUT2"}), "KeyError"),
        (netlist(cell("$add", A=[3], O=[4])), "without a device primitive: $add"),
        (netlist(cell("LUT1", I0=[3], O=[4]), cell("LUT1", I0=[4], O=[3])), "combinational loop"),
    ],
)
def test_what_is_no_netlist_is_refused(text, said):
    with pytest.raises(ToolError, match="netlist of Yosys") as error:
        read_netlist(text, "top")
    assert said in str(error.value)


def test_counts_of_a_result():
    cells = {
        "LUT1": 1,
        "LUT6": 5,
        "SRL16E": 2,
        "RAM32M": 1,
        "FDRE": 7,
        "FDCE": 2,
        "FDSE": 1,
        "CARRY4": 3,
        "CARRY8": 1,
        "DSP48E2": 4,
        "RAMB18E2": 1,
        "RAMB36E2": 2,
        "URAM288": 1,
        "INV": 9,
        "MUXF7": 8,
    }
    found = SynthResult("Yosys 0", "xcup", "flat", cells, 3, 1.0)
    assert (found.lut, found.memory_luts, found.ff, found.carry) == (12, 6, 10, 4)
    assert (found.dsp, found.bram18, found.uram) == (4, 5, 1)
    assert found.lut_by_size == {"LUT1": 1, "LUT2": 0, "LUT3": 0, "LUT4": 0, "LUT5": 0, "LUT6": 5}


@pytest.mark.parametrize(
    "part, family",
    [
        ("xcvu13p-flga2577-2-e", "xcup"),
        ("xcku15p-ffva1760-2-e", "xcup"),
        ("xczu7ev-ffvc1156-2-e", "xcup"),
        ("xcu250-figd2104-2L-e", "xcup"),
        ("xck26-sfvc784-2LV-c", "xcup"),
        ("xcvu440-flga2892-2-e", "xcu"),
        ("xcku115-flva1517-2-e", "xcu"),
        ("XC7VX690TFFG1927-2", "xc7"),
    ],
)
def test_the_family_of_a_part(part, family):
    assert family_of(part) == family and family in FAMILIES
