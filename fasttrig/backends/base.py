"""What a backend is: one kind of text that a build writes from a graph. The rows are in `fasttrig.backends.table`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

if TYPE_CHECKING:
    from fasttrig.data.inputs import InputMap
    from fasttrig.ir.graph import Graph
    from fasttrig.ir.ops import Value
    from fasttrig.settings import TargetSettings

Target: TypeAlias = Literal["fpga", "rtl", "cms-emulator", "cms-emulator-integer"]
"""Values of ``fasttrig build --target``."""
TARGETS: tuple[Target, ...] = get_args(Target)

Schedule: TypeAlias = Literal["parallel", "streamed", "iterated"]
"""parallel: every element its own hardware; streamed: the elements of an event arrive one after the other; iterated:
the body of a loop once, for all its steps."""


@dataclass(frozen=True, slots=True)
class Request:
    """All that a backend may read.

    Attributes
    ----------
    version : of the model
    inputs : the features' offsets, shifts and types; None for a design without an input map
    folder : the build folder, with the outputs of the stages that the backend names in `Backend.reads`
    """

    graph: Graph
    target: TargetSettings
    version: int
    inputs: InputMap | None
    folder: Path


class Backend(Protocol):
    """One row of the table of backends.

    Attributes
    ----------
    name : of the backend and of its stage in a build
    folder : in the build folder
    stage : the work in words, for progress
    makes : the result in words, for `fasttrig doctor` and the documentation
    holds : the graphs that its layout holds, in words; empty where it holds all
    package : the Python package that the backend calls; empty for none
    reads : facts (keys of `fasttrig.build.facts`) and stages that decide the texts; without a backend that is named
        here, this one cannot run
    rungs : rungs of the ladder that run the texts
    proof : the simulation that carries a build's verdict, in words: the first of `rungs`; empty for none. The first
        backend of the table with a proof decides.
    vectors : whether some golden vectors go into the folder, because it is handed over on its own
    schedules : how the hardware may take the elements of an event
    targets : values of ``--target`` that write it
    required_by : those that end in an error when the backend refuses the graph
    """

    name: str
    folder: str
    stage: str
    makes: str
    reads: tuple[str, ...]
    targets: tuple[Target, ...]
    holds: str = ""
    package: str = ""
    rungs: tuple[str, ...] = ()
    proof: str = ""
    vectors: bool = False
    schedules: tuple[Schedule, ...] = ("parallel",)
    required_by: tuple[Target, ...] = ()

    def supports(self, graph: Graph, target: TargetSettings) -> bool:
        """Whether the backend's layout can hold the graph; what it cannot express in detail, `emit` refuses."""
        return True

    def input_map(self, target: TargetSettings) -> str:
        """Where the header with the input map goes, relative to `folder`; empty for none."""
        return ""

    def tensors(self, graph: Graph, target: TargetSettings) -> tuple[Value, ...]:
        """The values that have a tensor of their own in the texts, in the graph's order: by default its outputs."""
        return graph.outputs

    def emit(self, request: Request) -> Mapping[str, str]:
        """``{path relative to folder: text}``; the same texts for the same request.

        Raises
        ------
        UnsupportedError, MissingPackageError
            When the graph cannot be written exactly, or a package is not installed.
        """
        ...
