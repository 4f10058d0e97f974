"""Float against quantised, event by event: where they differ, and the events that differ most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasttrig.base.fixed import FloatArray
from fasttrig.physics.scores import Scores
from fasttrig.report.document import WorstEventRow
from fasttrig.report.html.plots.style import Plot, colour, finish, head, log_labels, new_figure, safe, series

N_CELLS, N_LEVELS, N_NAMED = 72, 6, 5


def scatter(scores: Scores, worst: Sequence[WorstEventRow], sample: str, unit: str) -> Plot:
    """All scores of all events as a density, the worst events by number."""
    assert scores.real is not None
    figure, (axes,) = new_figure()
    low, high = _range(scores)
    _density(axes, scores.real.ravel(), scores.quantised.ravel(), low, high)
    axes.plot([low, high], [low, high], color=colour("dim"), linewidth=0.7, linestyle=(0, (4, 2)))
    axes.plot(
        [row.score_float for row in worst],
        [row.score_quantised for row in worst],
        "o",
        markerfacecolor="none",
        color=colour("s1"),
        markersize=5.5,
        markeredgewidth=1.2,
        label="worst events",
    )
    for row in _apart(worst[:N_NAMED], 0.06 * (high - low)):
        right = row.score_float < low + 0.75 * (high - low)
        axes.annotate(
            f"{row.event}",
            (row.score_float, row.score_quantised),
            textcoords="offset points",
            fontsize=8,
            xytext=(5, -7) if right else (-5, 4),
            ha="left" if right else "right",
        )
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    what = f"{safe(scores.names[0])}{unit}" if scores.is_regression else "score, all classes"
    axes.set_xlabel(f"Float {what}")
    axes.set_ylabel(f"Quantised {what}")
    axes.legend(loc="upper left")
    head(axes, "Float against quantised", sample)
    named = ", ".join(str(row.event) for row in worst[:N_NAMED])
    return finish(
        figure,
        "agreement",
        "Quantised against float, event by event",
        f"Density of quantised against float {what}; darker is more events, in steps of a power of ten. "
        f"The events that differ most are {named}. {sample}.",
    )


def _apart(rows: Sequence[WorstEventRow], distance: float) -> list[WorstEventRow]:
    """The events whose labels do not overlap; the table lists all events."""
    kept: list[WorstEventRow] = []
    for row in rows:
        if all(
            abs(row.score_quantised - other.score_quantised) > distance
            or abs(row.score_float - other.score_float) > 3 * distance
            for other in kept
        ):
            kept.append(row)
    return kept


def _range(scores: Scores) -> tuple[float, float]:
    if not scores.is_regression:
        return 0.0, 1.0
    assert scores.real is not None
    low = float(min(scores.real.min(), scores.quantised.min()))
    high = float(max(scores.real.max(), scores.quantised.max()))
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def _density(axes: Any, real: FloatArray, quantised: FloatArray, low: float, high: float) -> None:
    """Cells of a grid, as one shape per level of a logarithmic scale: one colour that gets denser."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    edges = np.linspace(low, high, N_CELLS + 1)
    counts, _, _ = np.histogram2d(np.clip(real, low, high), np.clip(quantised, low, high), (edges, edges))
    top = np.log(max(2.0, counts.max()))
    levels = np.minimum(N_LEVELS - 1, (np.log(np.maximum(counts, 1)) / top * N_LEVELS).astype(int))
    step = edges[1] - edges[0]
    for level in range(N_LEVELS):
        columns, rows = np.nonzero((counts > 0) & (levels == level))
        if not len(columns):
            continue
        x, y = edges[columns], edges[rows]
        corners = np.stack(
            [np.stack([x + dx, y + dy], -1) for dx, dy in ((0, 0), (step, 0), (step, step), (0, step), (0, 0))], 1
        )
        codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(x))
        axes.add_patch(
            PathPatch(
                Path(corners.reshape(-1, 2), codes),
                facecolor=colour("s0"),
                edgecolor="none",
                linewidth=0,
                alpha=0.22 + 0.78 * level / (N_LEVELS - 1),
            )
        )


def differences(scores: Scores, sample: str, unit: str) -> Plot:
    """Quantised minus float, per class."""
    import mplhep

    assert scores.real is not None
    figure, (axes,) = new_figure()
    difference = scores.quantised - scores.real
    reach = float(np.abs(difference).max()) or 1.0
    bins = np.linspace(-reach, reach, 62)
    columns = [1] if difference.shape[1] == 2 else range(difference.shape[1])
    for k in columns:
        counts, _ = np.histogram(difference[:, k], bins)
        mplhep.histplot(
            counts,
            bins,
            ax=axes,
            histtype="step",
            flow=None,
            edges=False,
            label=safe(scores.names[k]),
            linewidth=1.2,
            **series(k),
        )
    axes.set_yscale("log")
    log_labels(axes.yaxis)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(bottom=0.7)
    what = "prediction" if scores.is_regression else "score"
    axes.set_xlabel(f"Quantised − float {what}{unit if scores.is_regression else ''}")
    axes.set_ylabel("Events")
    if not scores.is_regression:
        axes.legend(loc="upper right")
    head(axes, "Difference", sample)
    return finish(
        figure,
        "difference",
        "Quantised minus float",
        f"Histogram of quantised minus float {what}, one line per class; logarithmic. The largest "
        f"difference is {reach:.4g}. {sample}.",
    )
