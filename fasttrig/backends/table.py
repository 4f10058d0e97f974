"""The table of backends: whatever a build writes from a graph has its row here, and is found by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fasttrig.backends.base import TARGETS, Backend, Request, Target
from fasttrig.base.built_project import CMS, EMULATOR, HLS, INPUTS_HEX, OUTPUTS_HEX, RTL, VECTORS, VHDL
from fasttrig.base.errors import UnsupportedError

if TYPE_CHECKING:
    from fasttrig.ir.graph import Graph
    from fasttrig.ir.ops import Value
    from fasttrig.settings import TargetSettings

CMS_EVENTS = 256
"""Events for the tests inside the plug-in, taken evenly from the project's vectors."""
_WITH_HLS: tuple[Target, ...] = ("fpga", "cms-emulator", "cms-emulator-integer")


def _is_lone_forest(graph: Graph) -> bool:
    # Imported here because `fasttrig doctor` reads the table without NumPy.
    from fasttrig.backends.conifer.parts import is_lone_forest

    return is_lone_forest(graph)


class CompiledEmulatorBackend(Backend):
    name, folder, stage = "emulator", EMULATOR, "writing the emulator in C++"
    makes = "the emulator in C++, without dependencies"
    reads = ("graph", "version", "inputs")
    targets = TARGETS
    rungs = ("emulate_compiled",)

    def input_map(self, target: TargetSettings) -> str:
        return "input_map.h"

    def emit(self, request: Request) -> Mapping[str, str]:
        from fasttrig.emulator.compiled import write_emulator

        return write_emulator(request.graph, version=request.version)


class ConiferJson(Backend):
    name, folder, stage = "conifer-json", EMULATOR, "writing conifer's JSON"
    makes = "decision trees for CMSSW's conifer.h"
    reads = ("graph",)
    targets = TARGETS

    def supports(self, graph: Graph, target: TargetSettings) -> bool:
        return _is_lone_forest(graph)

    def emit(self, request: Request) -> Mapping[str, str]:
        from fasttrig.backends.conifer import emit_json

        return {"conifer.json": emit_json(request.graph)}


class _HlsProject(Backend):
    folder, stage = HLS, "writing the HLS project"
    reads = ("graph", "target", "inputs")
    targets = required_by = _WITH_HLS
    rungs, proof = ("csim", "cosim"), "the C-simulation"
    vectors = True

    def input_map(self, target: TargetSettings) -> str:
        return "firmware/input_map.h"


class Conifer(_HlsProject):
    name = package = "conifer"
    makes = "HLS projects of decision trees"
    holds = "forests (conifer's layout)"

    def supports(self, graph: Graph, target: TargetSettings) -> bool:
        return _is_lone_forest(graph)

    def emit(self, request: Request) -> Mapping[str, str]:
        from fasttrig.backends import conifer

        return conifer.emit(request.graph, request.target)


class Hls4ml(_HlsProject):
    name = package = "hls4ml"
    makes = "HLS projects of networks"
    holds = "networks (hls4ml)"
    schedules = ("parallel", "streamed")

    def supports(self, graph: Graph, target: TargetSettings) -> bool:
        return not _is_lone_forest(graph)

    def emit(self, request: Request) -> Mapping[str, str]:
        from fasttrig.backends import hls4ml

        return hls4ml.emit(request.graph, request.target)

    def tensors(self, graph: Graph, target: TargetSettings) -> tuple[Value, ...]:
        from fasttrig.backends.hls4ml import materialised

        return materialised(graph, target)


class ConiferVhdl(Backend):
    name, folder, stage = "conifer-vhdl", VHDL, "writing the VHDL project"
    makes = "VHDL projects of decision trees"
    package = "conifer"
    reads = ("graph", "target")
    targets = _WITH_HLS
    rungs = ("vhdlsim",)

    def supports(self, graph: Graph, target: TargetSettings) -> bool:
        return _is_lone_forest(graph)

    def emit(self, request: Request) -> Mapping[str, str]:
        from fasttrig.backends.conifer import emit_vhdl

        return emit_vhdl(request.graph, request.target)


class Rtl(Backend):
    name, folder, stage = "rtl", RTL, "writing the RTL"
    makes = "RTL of the graph"
    package = "alkaid"
    reads = ("graph", "target", "inputs")
    targets, required_by = TARGETS, ("rtl",)
    rungs, proof = ("rtlsim",), "the RTL simulation"
    schedules = ("parallel", "streamed", "iterated")
    vectors = True

    def input_map(self, target: TargetSettings) -> str:
        return "input_map.vh" if target.rtl_language == "verilog" else "input_map.vhd"

    def emit(self, request: Request) -> Mapping[str, str]:
        from fasttrig.backends.rtl import emit_rtl

        return emit_rtl(request.graph, request.target)


class Wrappers(Backend):
    """They are Verilog, drive no clock enable and give an event every clock: other projects have none."""

    name, folder, stage = "wrappers", f"{RTL}/wrapper", "writing the wrappers of the RTL"
    makes = "wrappers of the RTL: AXI4-Stream, and the payload of an EMP board"
    reads = ("graph", "target", "rtl")
    targets = TARGETS

    def supports(self, graph: Graph, target: TargetSettings) -> bool:
        waits = target.rtl_schedule != "parallel" or any(
            own.rtl_schedule == "iterated" for own in target.layers.values()
        )
        return target.rtl_language == "verilog" and not target.clock_enable and not waits

    def emit(self, request: Request) -> Mapping[str, str]:
        from fasttrig.backends.rtl import declared_latency_cycles
        from fasttrig.backends.wrapper import KINDS, emit_wrapper
        from fasttrig.links import default_link_map

        graph, files = request.graph, dict[str, str]()
        latency_cycles = declared_latency_cycles(request.folder / RTL)
        for kind in KINDS:
            files |= emit_wrapper(kind, graph, default_link_map(graph), latency_cycles, request.target)
        return {path.removeprefix("wrapper/"): text for path, text in files.items()}


class CmsPlugin(Backend):
    name, folder, stage = "cms", CMS, "writing the plug-in for CMS software"
    makes = "the plug-in for CMS software around the HLS code"
    reads = ("graph", "target", "version", "inputs", "vectors")
    targets = required_by = ("cms-emulator",)

    def emit(self, request: Request) -> Mapping[str, str]:
        return _plugin(request, None)


class CmsIntegerPlugin(Backend):
    name, folder, stage = "cms-integer", CMS, "writing the plug-in for CMS software"
    makes = "the plug-in for CMS software around the integer emulator"
    reads = ("graph", "target", "version", "inputs", "vectors")
    targets = required_by = ("cms-emulator-integer",)

    def emit(self, request: Request) -> Mapping[str, str]:
        from fasttrig.backends.cms import library_name
        from fasttrig.emulator.compiled import write_emulator

        graph, version = request.graph, request.version
        return _plugin(request, write_emulator(graph, library_name(graph, version), version))


def _plugin(request: Request, integer_emulator: Mapping[str, str] | None) -> Mapping[str, str]:
    from fasttrig.backends.cms import emit_cms

    lines = [
        (request.folder / VECTORS / name).read_text(encoding="ascii").splitlines(True)
        for name in (INPUTS_HEX, OUTPUTS_HEX)
    ]
    step = -(-len(lines[0]) // CMS_EVENTS)
    inputs, outputs = ("".join(part[::step]) for part in lines)
    return emit_cms(
        request.graph,
        request.target,
        request.version,
        vectors=(inputs, outputs),
        features=request.inputs.features if request.inputs is not None else (),
        integer_emulator=integer_emulator,
    )


BACKENDS: tuple[Backend, ...] = (
    CompiledEmulatorBackend(),
    ConiferJson(),
    Conifer(),
    Hls4ml(),
    ConiferVhdl(),
    Rtl(),
    Wrappers(),
    CmsPlugin(),
    CmsIntegerPlugin(),
)


def backends_for(graph: Graph, target: TargetSettings, kind: str) -> tuple[Backend, ...]:
    """The backends that a build with ``--target kind`` calls for `graph`, in the table's order."""
    return tuple(row for row in BACKENDS if kind in row.targets and row.supports(graph, target))


def hls_backend(graph: Graph, target: TargetSettings) -> Backend:
    """The backend that writes the HLS project of `graph`.

    Raises
    ------
    UnsupportedError
        When none supports the graph.
    """
    for row in BACKENDS:
        if row.folder == HLS and row.supports(graph, target):
            return row
    raise UnsupportedError("no backend writes an HLS project of this graph", where=f"graph '{graph.name}'")
