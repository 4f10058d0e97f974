"""Plots of a regression: residuals, response against the truth, turn-on of a cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasttrig.base.fixed import FloatArray
from fasttrig.physics.regression import measure_quality
from fasttrig.physics.scores import Scores
from fasttrig.report.html.plots.style import (
    LINES,
    MARKERS,
    Plot,
    colour,
    finish,
    head,
    new_figure,
    safe,
    series,
    sub,
)

N_BINS, N_TURN_ON_BINS, MIN_EVENTS = 18, 30, 20
MODELS = (("quantised", "s0", "-", "o"), ("float", "ink", (0, (4, 1.6)), "x"))


def residuals(scores: Scores, sample: str, unit: str) -> Plot:
    """Prediction minus truth."""
    import mplhep

    figure, (axes,) = new_figure()
    found = _errors(scores)
    reach = float(np.quantile(np.abs(np.concatenate(list(found.values()))), 0.997)) or 1.0
    bins = np.linspace(-reach, reach, 61)
    for model, tint, line, _ in MODELS:
        if model not in found:
            continue
        counts, _ = np.histogram(np.clip(found[model], -reach, reach), bins)
        quality = measure_quality(found[model], np.zeros_like(found[model]), ())
        label = f"{model}: RMS {quality.rms:.3f}, bias {quality.bias:+.3f}".replace("-", "−")
        if model == "quantised":
            mplhep.histplot(counts, bins, ax=axes, histtype="fill", color=colour(tint), alpha=0.18, flow=None)
        mplhep.histplot(
            counts,
            bins,
            ax=axes,
            histtype="step",
            color=colour(tint),
            linestyle=line,
            flow=None,
            edges=False,
            label=label,
            linewidth=1.2,
        )
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
    axes.set_xlabel(f"Prediction − truth, {safe(scores.names[0])}{unit}")
    axes.set_ylabel(f"Events / {bins[1] - bins[0]:.2g}")
    axes.legend(loc="upper left")
    head(axes, "Residuals", sample)
    return finish(
        figure,
        "residuals",
        "Residuals, float and quantised",
        f"Histogram of prediction minus truth for both models; what lies outside is counted in the outermost "
        f"bins. {sample}.",
    )


def response(scores: Scores, sample: str, unit: str) -> Plot:
    """Median and central 68 % of prediction minus truth, in bins of the truth."""
    figure, (axes,) = new_figure()
    edges = np.quantile(scores.truth, np.linspace(0, 1, N_BINS + 1))
    edges = np.unique(edges)
    for offset, (model, tint, line, marker) in enumerate(MODELS):
        errors = _errors(scores).get(model)
        if errors is None:
            continue
        x, middle, low, high = _profile(scores.truth, errors, edges)
        if model == "quantised":
            axes.fill_between(x, low, high, color=colour(tint), alpha=0.18, linewidth=0)
        else:
            axes.plot(x, low, x, high, color=colour(tint), linestyle=LINES[2], linewidth=1.0)
        axes.plot(
            x,
            middle,
            color=colour(tint),
            linestyle=line,
            marker=marker,
            label=f"{model}, median and 68 %",
            markersize=4.2 - offset,
        )
    axes.axhline(0.0, color=colour("dim"), linewidth=0.7)
    axes.set_xlim(edges[0], edges[-1])
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.22 * (high - low))  # room for the legend
    axes.set_xlabel(f"True {safe(scores.names[0])}{unit}")
    axes.set_ylabel(f"Prediction − truth{unit}")
    axes.grid(True)
    axes.legend(loc="upper right")
    head(axes, "Response", sample)
    return finish(
        figure,
        "response",
        "Response against the truth",
        "Median and central 68 % of prediction minus truth in bins of the truth with equally many events, "
        f"float and quantised. {sample}.",
    )


def turn_on(scores: Scores, thresholds: Sequence[float], sample: str, unit: str) -> Plot:
    """Efficiency of a cut on the prediction against the truth, with binomial errors."""
    figure, (axes,) = new_figure()
    low, high = np.quantile(scores.truth, (0.001, 0.999))
    edges = np.linspace(low, high, N_TURN_ON_BINS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    for k, cut in enumerate(thresholds):
        style = series(k)
        share, error = _efficiency(scores.truth, scores.quantised[:, 0] >= cut, edges)
        axes.errorbar(
            middle,
            share,
            yerr=error,
            fmt=MARKERS[k % len(MARKERS)],
            color=style["color"],
            elinewidth=0.8,
            markersize=3.4,
            label=f"cut {cut:g}, quantised",
        )
        if scores.real is not None:
            share, _ = _efficiency(scores.truth, scores.real[:, 0] >= cut, edges)
            axes.plot(
                middle,
                share,
                color=style["color"],
                linestyle=LINES[(k + 1) % len(LINES)],
                linewidth=1.1,
                label=f"cut {cut:g}, float",
            )
        axes.axvline(cut, color=colour("dim"), linewidth=0.6, linestyle=LINES[2])
    axes.set_ylim(0.0, 1.28)
    axes.set_yticks(np.arange(0.0, 1.01, 0.2))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(f"True {safe(scores.names[0])}{unit}")
    axes.set_ylabel("Efficiency ε" + sub("S"))
    axes.grid(True)
    axes.legend(loc="upper left", ncols=2, columnspacing=1.2)
    head(axes, "Turn-on", sample)
    cuts = ", ".join(f"{cut:g}" for cut in thresholds)
    return finish(
        figure,
        "turn-on",
        "Turn-on of cuts on the prediction",
        f"Share of events whose prediction passes {cuts}, in bins of the truth; points: quantised with "
        f"binomial errors, lines: float. {sample}.",
    )


def _errors(scores: Scores) -> dict[str, FloatArray]:
    found = {"quantised": scores.quantised[:, 0] - scores.truth}
    return found | ({"float": scores.real[:, 0] - scores.truth} if scores.real is not None else {})


def _profile(truth: FloatArray, errors: FloatArray, edges: FloatArray) -> Any:
    """Bin middles, medians, and the ends of the central 68.27 %, for bins with `MIN_EVENTS` at least."""
    bins = np.clip(np.digitize(truth, edges) - 1, 0, len(edges) - 2)
    rows = []
    for k in range(len(edges) - 1):
        mine = errors[bins == k]
        if len(mine) >= MIN_EVENTS:
            low, middle, high = np.quantile(mine, (0.158655, 0.5, 0.841345))
            rows.append(((edges[k] + edges[k + 1]) / 2, middle, low, high))
    return np.array(rows).reshape(-1, 4).T


def _efficiency(truth: FloatArray, passes: Any, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share that passes per bin and its binomial error (Wilson's interval, as distances below and above)."""
    n = np.histogram(truth, edges)[0].astype(float)
    kept = np.histogram(truth[passes], edges)[0]
    n[n == 0] = np.nan
    share = kept / n
    centre, half = (share + 0.5 / n) / (1 + 1 / n), np.sqrt(share * (1 - share) / n + 0.25 / n**2) / (1 + 1 / n)
    return share, np.abs(np.stack([share - (centre - half), centre + half - share]))
