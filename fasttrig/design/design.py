"""A design: the graph of a trained model, the known facts about its inputs, and its emulation on events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from fasttrig.base.built_project import GRAPH, BuiltProject
from fasttrig.base.errors import DataError, UnsupportedError
from fasttrig.base.fixed import IntArray
from fasttrig.data.awkward_events import awkward_columns, awkward_scores, is_awkward, is_typetracer, typetracer_scores
from fasttrig.data.events import Arrays, arrays_of
from fasttrig.data.inputs import InputMap
from fasttrig.data.quantise import column_rules, given_raw, n_events_of, raw_inputs
from fasttrig.decision.decision import TriggerDecision, combined_graph
from fasttrig.design.model_graph import read_graph
from fasttrig.emulator.emulation import Emulation, emulation_of, postprocess
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.read_model import AS_THE_MODEL_SAYS, ReadOptions
from fasttrig.frontends.scales import RoundedScale
from fasttrig.frontends.trees.ensemble import Ensemble
from fasttrig.ir.graph import Graph
from fasttrig.settings import ModelProject, PhysicsSettings
from fasttrig.toolchain.emulator_library import has_compiler, load

if TYPE_CHECKING:
    from fasttrig.emulator.compiled.library import CompiledEmulator

EventInput: TypeAlias = Any
"""An array or a list of numbers; or a mapping, a structured array, a frame or a table: numbers by name."""

COMPILED_FROM = 100_000
"""Events from which on `Design.emulate` uses the compiled emulator: below, NumPy's is done before a compiler is."""


@dataclass(frozen=True, slots=True)
class Design:
    """A graph, verified and with its passes run, and where it comes from.

    ``print(design)`` shows the graph. `narrowed` names the ops whose types ``[types]`` of model.toml narrowed;
    `ensemble` is the float reading of a tree model; `classes` names the scores, where anyone did; `options` are the
    choices of the caller of `read`; `scales` are the real scales of a network that were rounded. A design that combines
    `taggers` holds theirs and its `decision`; `seed_names` are those of the bits of its last output, which a build
    folder keeps. `runs_elsewhere`: the model's framework (HGQ2) has an environment of its own.
    """

    graph: Graph
    source: Any
    inputs: InputMap | None = None
    project: ModelProject | None = None
    narrowed: tuple[str, ...] = ()
    ensemble: Ensemble | None = None
    classes: tuple[str, ...] = ()
    options: ReadOptions = AS_THE_MODEL_SAYS
    taggers: Mapping[str, Design] = field(default_factory=dict)
    decision: TriggerDecision | None = None
    seed_names: tuple[str, ...] = ()
    scales: tuple[RoundedScale, ...] = ()
    runs_elsewhere: bool = False

    @property
    def built_folder(self) -> Path | None:
        """The build folder that the design was loaded from; None for one read from a model."""
        built = isinstance(self.source, Path) and self.source.name == GRAPH
        return self.source.parent if built else None

    @property
    def version(self) -> int:
        """The model's version: of its settings, or as the report of its build folder keeps it; else 1."""
        if self.project is not None:
            return self.project.model.version
        return int(self._of_report("model", "version") or 1)

    @property
    def input_rate_khz(self) -> float:
        """Rate of the events that the tagger sees: ``[physics]``, or as the report of its build folder keeps it."""
        if self.project is not None:
            return self.project.physics.input_rate_khz
        return float(self._of_report("firmware", "input_rate_khz") or PhysicsSettings().input_rate_khz)

    def _of_report(self, table: str, key: str) -> int | float | None:
        """A number of the report in the build folder; None where there is none."""
        if self.built_folder is None:
            return None
        try:
            number = json.loads(BuiltProject(self.built_folder).report.read_text(encoding="utf-8"))[table][key]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return number if isinstance(number, int | float) else None

    def as_read(self) -> Graph:
        """The graph as the frontend made it: no pass has run, no type was narrowed by hand, the link is on the host."""
        types = {op.name: op.result.type for op in self.graph.inputs}
        if self.decision is not None:
            return combined_graph(self.graph.name, self.decision)
        options = replace(self.options, output_activation=None)
        return read_graph(self.source, types, self.graph.name, self.inputs, self.project, options).graph

    def model_files(self) -> dict[str, Path]:
        """The models and float twins by their names in model.toml; of each tagger after its name."""
        own = self.project.model_files() if self.project is not None else {}
        for name, tagger in self.taggers.items():
            own |= {f"{name}/{file}": path for file, path in tagger.model_files().items()}
        return own

    @property
    def has_float_twin(self) -> bool:
        """Whether model.toml names a float twin: its own, or one for each tagger."""
        if self.taggers:
            return all(tagger.has_float_twin for tagger in self.taggers.values())
        return self.project is not None and self.project.model.float_file is not None

    @property
    def has_link_in_firmware(self) -> bool:
        """Whether the final softmax or sigmoid is part of the graph; see `read`."""
        return self.options.output_activation == "firmware"

    @property
    def scoring_graph(self) -> Graph:
        """The graph whose link turns a float model's margins into scores."""
        return self.as_read() if self.has_link_in_firmware else self.graph

    def __str__(self) -> str:
        return str(self.graph)

    def __repr__(self) -> str:
        return f"<Design {self.graph.name}: {len(self.graph.ops)} ops>"

    def _repr_html_(self) -> str:
        """HTML for Jupyter: the drawing and the table of ops."""
        from fasttrig.display.drawing import design_html

        return design_html(self.graph)

    def emulate(self, x: EventInput, *, raw: bool = False, threads: int = 1, compiled: bool | None = None) -> Emulation:
        """Run the bit-accurate emulator.

        There are two, which give the same bits: NumPy, and generated C++ that a compiler of this machine makes a
        library of, once (a few seconds; it stays in the user's cache).

        Parameters
        ----------
        x : array of shape (n_events, *input shape), or anything with named columns
            Values, integers as well as floats: the features in their own units where the design has an input map,
            else values of the network's input, quantised to its type (to the nearest, saturating). Arrays and lists
            go by position. Mappings, structured arrays, and frames and tables of pandas, polars and pyarrow go by
            name, in any order: one array per input, or one column per feature (see `feature_names`).
        raw : bool
            `x` holds raw integers of the graph's inputs instead; `Emulation.given` says which.
        threads : int
            Of the compiled emulator, which splits the events over them; NumPy's runs on one.
        compiled : bool, optional
            Which emulator: True, the compiled one; False, NumPy's, which alone counts overflows. Default: the compiled
            one from `COMPILED_FROM` events on, where there is a compiler and C++ integers hold the graph's numbers.

        Raises
        ------
        DataError
            For a missing or an unknown column, a wrong shape, masked or missing or complex numbers, NaN; with `raw`
            for anything but integers of the inputs' types.
        ToolError, UnsupportedError
            With ``compiled=True``, without a compiler or for a graph that it cannot hold. A compiler that fails is an
            error always.
        """
        arrays = self._arrays(x)
        library = self.compiled_emulator(compiled, n_events_of(arrays))
        made = None if library is None else self.from_columns(library, arrays, raw=raw, threads=threads)
        if made is not None:  # else what follows says what was wrong, or can do it
            return made
        found, given = self._quantised(arrays, raw)
        if library is not None:
            return self.interpret(library(found, threads=threads), given)
        done = evaluate(self.graph, found)
        return self.interpret(done.outputs, given, done.overflows)

    def scores(self, events: EventInput) -> Any:
        """The scores of some events and nothing else: what an analysis calls chunk by chunk.

        Parameters
        ----------
        events : awkward array with a field per feature or column of lists, or what `emulate` takes
            Other fields are ignored. A pure function: it may run in threads, in other processes (a design can be
            pickled), and in ``dask_awkward.map_partitions``.

        Returns
        -------
        array of shape (n_events, n_scores), of awkward where `events` is one

        Raises
        ------
        DataError
            As `emulate`; also for a field that is not there.
        """
        if not is_awkward(events):
            return self.emulate(events).scores
        if not self.feature_names:
            raise DataError(
                "this design does not name its features",
                try_="a model folder with inputs.json, or an array by position",
            )
        if is_typetracer(events):
            return typetracer_scores(events, self.feature_names, self._n_scores)
        return awkward_scores(self.emulate(awkward_columns(events, self.feature_names)).scores)

    @property
    def _n_scores(self) -> int:
        """Columns of `Emulation.scores`."""
        size = self.graph.outputs[0].size
        return postprocess(np.zeros((1, size)), self.graph).shape[1]

    def from_columns(
        self, library: CompiledEmulator, arrays: Arrays, *, raw: bool = False, threads: int = 1
    ) -> Emulation | None:
        """`emulate` by a library that reads `arrays` where they lie; None where it cannot, or refuses a number."""
        rules = column_rules(self.graph, self.inputs, arrays, raw=raw)
        made = None if rules is None else library.predict_columns(arrays, rules, threads=threads)
        return None if made is None else emulation_of(self.graph, "raw" if raw else "values", *made)

    def emulate_raw(self, x_raw: EventInput, *, threads: int = 1, compiled: bool | None = None) -> Emulation:
        """`emulate` of raw integers of the graph's inputs: ``emulate(x_raw, raw=True)``."""
        return self.emulate(x_raw, raw=True, threads=threads, compiled=compiled)

    def compiled_emulator(self, compiled: bool | None = None, n_events: int = COMPILED_FROM) -> CompiledEmulator | None:
        """The compiled emulator where `emulate` takes it for so many events, else None; see there."""
        if compiled is False or (compiled is None and (n_events < COMPILED_FROM or not has_compiler())):
            return None
        try:
            return load(self.graph, columns=True)
        except UnsupportedError:
            if compiled:
                raise
            return None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the numbers of all inputs, in order, where the input map or the tree library gave them; else empty.

        Without names, columns are called ``<input>_0``, ``<input>_1``, ...
        """
        if self.inputs is not None:
            return self.inputs.names
        return self.ensemble.feature_names if self.ensemble is not None else ()

    def quantise(self, x: EventInput, *, raw: bool = False) -> tuple[dict[str, IntArray], Literal["values", "raw"]]:
        """Raw integers per input, and how `x` was understood; see `emulate`."""
        return self._quantised(self._arrays(x), raw)

    def _arrays(self, x: EventInput) -> Arrays:
        return arrays_of(x, {op.name: op.result.shape for op in self.graph.inputs}, self.feature_names)

    def _quantised(self, arrays: Arrays, raw: bool) -> tuple[dict[str, IntArray], Literal["values", "raw"]]:
        if raw:
            return given_raw(arrays), "raw"
        return raw_inputs(self.graph, self.inputs, arrays), "values"

    def interpret(
        self, raw: dict[str, IntArray], given: Literal["values", "raw"], overflows: dict[str, int] | None = None
    ) -> Emulation:
        """Values and scores of raw outputs, wherever they were computed."""
        return emulation_of(self.graph, given, raw, overflows=overflows)
