"""Summary of a sample: classes, splits, and per column range, mean, unit, missing values; as data, text, plots."""

from __future__ import annotations

import io
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import InputError
from fasttrig.base.staging import staged_files
from fasttrig.data.columns import SIXTEEN
from fasttrig.data.readers import column_names, iter_table, read_table
from fasttrig.data.table import ColumnTable

LABEL, SPLIT = "label", "split"

CLASS_COLOURS: tuple[str, ...] = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#000000", "#9c9ca1")
"""Colours that colour-blind readers can distinguish (Petroff, 2107.02270)."""

CLASS_LINES: tuple[str, ...] = ("-", "--", "-", "-.", "-", ":")

N_BINS = 80
SHOWN_QUANTILES = (0.002, 0.998)


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """One column; `minimum`, `maximum` and `mean` are of its finite values, in `unit`, and None for text."""

    name: str
    unit: str
    description: str
    length: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    n_missing: int


@dataclass(frozen=True, slots=True)
class Description:
    """A sample at a glance. `classes` and `splits` map names to row counts and are empty if there is no such column."""

    path: str
    size_bytes: int
    n_rows: int
    classes: dict[str, int]
    splits: dict[str, int]
    columns: tuple[ColumnSummary, ...]
    origin: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return asdict(self)


def describe(path: str | os.PathLike[str]) -> Description:
    """Summarise a sample of any format `read_table` knows, in one pass and in chunks.

    Raises
    ------
    DataError
        If the file cannot be read. NaN and infinities are counted, not refused.
    """
    running: dict[str, _Running] = {}
    counts: dict[str, dict[Any, int]] = {LABEL: {}, SPLIT: {}}
    n_rows = 0
    for table in iter_table(path, allow_missing=True):
        n_rows += table.n_rows
        metadata = table.metadata
        for name in table.names:
            running.setdefault(name, _Running()).add(table[name])
        for name in counts.keys() & table.columns.keys():
            _count(table[name], counts[name])
    about = metadata.get("columns", {})
    return Description(
        path=os.fspath(path),
        size_bytes=_size_bytes(path),
        n_rows=n_rows,
        classes=_named(counts[LABEL], metadata.get("classes", [])),
        splits=_named(counts[SPLIT], metadata.get("splits", [])),
        columns=tuple(summary.finish(name, about.get(name, {})) for name, summary in running.items()),
        origin={key: metadata[key] for key in ("seed", "versions", "format_version") if key in metadata},
    )


def render(description: Description, width: int = 110) -> str:
    """The description as plain text, `width` characters wide."""
    from rich.console import Console
    from rich.table import Table as RichTable

    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, highlight=False, markup=False, emoji=False)
    size = f"{description.n_rows} rows, {description.size_bytes / 1e6:.2f} MB"
    console.print(f"{description.path}: {size}", soft_wrap=True)
    for title, counts in (("classes", description.classes), ("splits", description.splits)):
        if counts:
            console.print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    versions = description.origin.get("versions", {})
    if versions:
        made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
        console.print(f"made with: {made_with}, seed {description.origin.get('seed')}")
    grid = RichTable(box=None, pad_edge=False)
    grid.add_column("column", no_wrap=True)
    grid.add_column("unit")
    for title in ("min", "mean", "max", "missing"):
        grid.add_column(title, justify="right")
    grid.add_column("description")
    for column in description.columns:
        name = column.name if column.length == 1 else f"{column.name}[{column.length}]"
        numbers = ("" if x is None else f"{x:.5g}" for x in (column.minimum, column.mean, column.maximum))
        grid.add_row(name, column.unit, *numbers, str(column.n_missing), column.description)
    console.print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def plot_observables(
    path: str | os.PathLike[str],
    out_dir: str | os.PathLike[str],
    columns: tuple[str, ...] | None = None,
    image_format: str = "svg",
) -> tuple[Path, ...]:
    """Draw one figure per observable, with one outline per class, each with unit sum.

    Parameters
    ----------
    path : path
        A sample with a `label` column.
    out_dir : path
        Made if it does not exist; one file `<column>.<image_format>` per observable.
    columns : tuple of str, optional
        By default the sixteen observables.
    image_format : {'svg', 'png', 'pdf'}

    Returns
    -------
    tuple of pathlib.Path
        The files written.
    """
    if image_format not in ("svg", "png", "pdf"):
        raise InputError("no such image format", where="plot_observables", got=image_format, want="svg, png or pdf")
    names = SIXTEEN if columns is None else columns
    if LABEL not in column_names(path):
        raise InputError("the sample has no classes to plot", where=os.fspath(path), want=f"a column {LABEL!r}")
    table = read_table(path, [*names, LABEL])
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    files = [f"{name}.{image_format}" for name in names]
    with staged_files(folder) as stage:
        for name, file in zip(names, files, strict=True):
            _plot(table, name, stage / file)
    return tuple(folder / file for file in files)


def _plot(table: ColumnTable, name: str, file: Path) -> None:
    import matplotlib as mpl
    import mplhep
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    classes = _named({int(k): 0 for k in np.unique(table[LABEL])}, table.metadata.get("classes", []))
    edges = _edges(table[name])
    with mpl.rc_context({**mplhep.style.ROOT, "svg.hashsalt": "fasttrig", "font.size": 14}):
        figure = Figure(figsize=(7, 5.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for index, (label, title) in enumerate(zip(np.unique(table[LABEL]), classes, strict=True)):
            values = table[name][table[LABEL] == label]
            fractions = np.histogram(values, edges)[0] / max(values.size, 1)
            style = {"color": CLASS_COLOURS[index % 6], "linestyle": CLASS_LINES[index % 6]}
            mplhep.histplot(fractions, edges, ax=axes, label=title, linewidth=1.8, yerr=False, **style)
        unit = table.unit(name)
        axes.set_xlabel(f"{name} [{unit}]" if unit else name)
        axes.set_ylabel("fraction of jets per bin")
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
        axes.legend(title="class")
        figure.savefig(file, dpi=100, metadata={"Date": None} if file.suffix == ".svg" else None)


def _edges(values: NDArray[Any]) -> NDArray[np.float64]:
    """Bin edges over nearly the whole range; whole numbers get bins of whole width."""
    low, high = np.quantile(values, SHOWN_QUANTILES)
    if np.issubdtype(values.dtype, np.integer):
        step = max(1, int(np.ceil((high - low) / N_BINS)))
        return np.arange(low - 0.5, high + step, step)
    return np.linspace(low, high if high > low else low + 1.0, N_BINS + 1)


class _Running:
    """Minimum, maximum, sum and count of a column, chunk after chunk."""

    def __init__(self) -> None:
        self.low, self.high, self.total = np.inf, -np.inf, 0.0
        self.n_finite, self.n_missing, self.length, self.is_text = 0, 0, 1, False

    def add(self, values: NDArray[Any]) -> None:
        """Take in one chunk."""
        self.length = int(np.prod(values.shape[1:], dtype=int))
        if values.dtype.kind in "SU":
            self.is_text = True
            self.n_missing += int((values == values.dtype.type()).sum())
            return
        finite = values[np.isfinite(values)].astype(np.float64)
        self.n_missing += values.size - finite.size
        if finite.size:
            self.low, self.high = min(self.low, float(finite.min())), max(self.high, float(finite.max()))
            self.total += float(finite.sum())
            self.n_finite += finite.size

    def finish(self, name: str, about: dict[str, Any]) -> ColumnSummary:
        """The summary."""
        known = self.n_finite > 0
        return ColumnSummary(
            name=name,
            unit=str(about.get("unit", "")),
            description=str(about.get("description", "text" if self.is_text else "")),
            length=self.length,
            minimum=self.low if known else None,
            maximum=self.high if known else None,
            mean=self.total / self.n_finite if known else None,
            n_missing=self.n_missing,
        )


def _count(values: NDArray[Any], counts: dict[Any, int]) -> None:
    kinds, numbers = np.unique(values, return_counts=True)
    for kind, number in zip(kinds.tolist(), numbers.tolist(), strict=True):
        counts[kind] = counts.get(kind, 0) + number


def _named(counts: dict[Any, int], names: list[str]) -> dict[str, int]:
    """Counts by name, in the order of the labels; a label without a name keeps its number."""
    known = dict(enumerate(names))
    return {str(known.get(kind, kind)): counts[kind] for kind in sorted(counts)}


def _size_bytes(path: str | os.PathLike[str]) -> int:
    file = Path(path)
    return file.stat().st_size if file.exists() else 0
