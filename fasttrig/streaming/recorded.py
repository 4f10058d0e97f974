"""Words that the firmware wrote in data taking against those of the emulator on the same events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fasttrig.base.errors import DataError, near_names
from fasttrig.base.fixed import IntArray
from fasttrig.data.spread import flattened, spread
from fasttrig.design import Design
from fasttrig.emulator.evaluate import evaluate
from fasttrig.streaming.chunks import Events, Part, feature_arrays, raw_inputs
from fasttrig.streaming.emulate_files import emulated_parts
from fasttrig.streaming.score_columns import raw_columns

MOST_KEPT = 200
"""Different events that are kept, shown and looked into."""


@dataclass(frozen=True, slots=True)
class DifferentEvent:
    """One event whose words differ: its file and row, and each differing word by its column, (recorded, emulated)."""

    file: str
    row: int
    words: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Guess:
    """With the input moved by so many of its steps, the emulator gives the recorded words on `n_explained` events."""

    feature: str
    steps: int
    n_explained: int


@dataclass(slots=True)
class DataComparison:
    """Recorded words against the emulator.

    Attributes
    ----------
    n_different : events with at least one different word
    by_column : by column, the events on which it differs, and the largest difference in LSB
    events : the first `MOST_KEPT` different events
    guesses : what a wrong input would explain of these, the most first
    """

    n_events: int = 0
    n_different: int = 0
    by_column: dict[str, tuple[int, int]] = field(default_factory=dict)
    events: list[DifferentEvent] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)


def compare_recorded(
    design: Design,
    files: Sequence[Path | str],
    *,
    prefix: str | None = None,
    raw: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> DataComparison:
    """Emulate the events of `files` and compare with the columns of raw words that they hold.

    Parameters
    ----------
    prefix : str, optional
        Of the recorded columns, which are named as `emulate_file` names those of raw words: ``<prefix>raw_<class>``;
        default the design's name and ``_``.
    raw : bool
        The columns of the inputs hold raw integers, as recorded words do, instead of values.

    Raises
    ------
    DataError
        Where a file cannot be read, or lacks a column of an input or of a word.
    """
    prefix = f"{design.graph.name}_" if prefix is None else prefix
    found = DataComparison(by_column={f"{prefix}{name}": (0, 0) for name in raw_columns(design, {})})
    inputs: list[IntArray] = []
    wanted: list[IntArray] = []
    for file in files:
        names = list(found.by_column)
        source = _open(file, design, names)
        for part, made in emulated_parts(design, source, raw=raw):
            mine = np.stack(list(raw_columns(design, made.stored).values()), axis=1).astype(np.int64)
            theirs = np.stack([_whole(part.kept[name], name, source.path) for name in names], axis=1)
            rows = np.flatnonzero((mine != theirs).any(axis=1))
            kept = rows[: MOST_KEPT - len(found.events)]
            _count(found, mine, theirs, names)
            found.events += [_different(source.path, row, part.first_row, mine, theirs, names) for row in kept.tolist()]
            if len(kept):
                inputs.append(_inputs_of(design, part, kept, raw=raw))
                wanted.append(theirs[kept])
            if progress is not None:
                progress(found.n_events, None)
    if inputs:
        found.guesses = guesses(design, np.concatenate(inputs), np.concatenate(wanted))
    return found


def _open(file: Path | str, design: Design, names: Sequence[str]) -> Events:
    known = Events.open(file, design, None, as_stored=False)
    for name in names:
        if name not in known.kept:
            raise DataError(
                "no column of recorded words",
                where=str(file),
                got=f"no {name!r}",
                want=", ".join(names),
                try_=f"--prefix; {near_names(name, known.kept)}",
            )
    return replace(known, kept=tuple(names))


def _whole(column: IntArray, name: str, path: str) -> IntArray:
    values = np.asarray(column)
    is_whole = values.ndim == 1 and values.dtype.kind in "biuf" and bool(np.isfinite(values).all())
    if not is_whole or (values.astype(np.int64) != values).any():
        got = f"{values.dtype}, {values.ndim - 1} numbers a row" if values.ndim != 1 else str(values.dtype)
        raise DataError("a recorded word is one whole number a row", where=f"{path} > column {name!r}", got=got)
    return values.astype(np.int64)


def _count(found: DataComparison, mine: IntArray, theirs: IntArray, names: Sequence[str]) -> None:
    differences = np.abs(mine - theirs)
    for place, name in enumerate(names):
        column = differences[:, place]
        count, largest = found.by_column[name]
        worst = int(column.max()) if len(column) else 0
        found.by_column[name] = count + int(np.count_nonzero(column)), max(largest, worst)
    found.n_events += len(mine)
    found.n_different += int(differences.any(axis=1).sum())


def _different(
    file: str, row: int, first_row: int, mine: IntArray, theirs: IntArray, names: Sequence[str]
) -> DifferentEvent:
    words = {
        name: (int(theirs[row, k]), int(mine[row, k])) for k, name in enumerate(names) if theirs[row, k] != mine[row, k]
    }
    return DifferentEvent(file, first_row + row, words)


def _inputs_of(design: Design, part: Part, rows: IntArray, *, raw: bool) -> IntArray:
    """Raw integers of the inputs of some rows, of shape (n_rows, n_numbers)."""
    features = {name: column[rows] for name, column in part.features.items()}
    found = raw_inputs(design, feature_arrays(design, features), raw=raw)
    return flattened(design.graph, found)


def guesses(design: Design, inputs: IntArray, wanted: IntArray) -> list[Guess]:
    """What one input, moved by one of its steps, explains.

    Parameters
    ----------
    inputs : array of shape (n_events, n_numbers), raw
    wanted : array of shape (n_events, n_words), the recorded words in the order of `raw_columns`
    """
    graph = design.graph
    kinds = [(op, kind) for op in graph.inputs for kind in op.tensor_type.each]
    names = design.feature_names or tuple(f"input {k}" for k in range(len(kinds)))
    found = []
    for place, (op, kind) in enumerate(kinds):
        shift = op.tensor_type.shift(kind)
        for steps in (-1, 1):
            moved = inputs.copy()
            moved[:, place] += steps << shift
            inside = (moved[:, place] >= kind.min_raw << shift) & (moved[:, place] <= kind.max_raw << shift)
            if not inside.any():
                continue
            made = evaluate(graph, spread(graph, moved[inside])).outputs
            words = np.stack(list(raw_columns(design, made).values()), axis=1)
            count = int((words == wanted[inside]).all(axis=1).sum())
            if count:
                found.append(Guess(names[place], steps, count))
    return sorted(found, key=lambda guess: -guess.n_explained)
