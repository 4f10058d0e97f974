"""Plots of a classifier: ROC curves and score distributions, float against quantised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasttrig.base.fixed import FloatArray
from fasttrig.physics.bootstrap import EFFICIENCIES
from fasttrig.physics.classification import SIGNAL_EFFICIENCIES
from fasttrig.physics.scores import Scores
from fasttrig.report.document import AgreementRow
from fasttrig.report.html.plots.style import (
    MARKERS,
    Plot,
    colour,
    finish,
    head,
    log_labels,
    new_figure,
    safe,
    series,
    sub,
)

BINS = np.linspace(0.0, 1.0, 41)
SIGNAL_LABEL = "Signal efficiency ε" + sub("S")
REJECTION_LABEL = "Background rejection 1/ε" + sub("B")


def shown_classes(scores: Scores) -> list[int]:
    """All classes; of two only the second: the curve of the first is the same one."""
    return [1] if len(scores.names) == 2 else list(range(len(scores.names)))


def roc_overview(scores: Scores, sample: str) -> Plot:
    """Every class against all others, quantised."""
    assert scores.replicas is not None
    figure, (axes,) = new_figure()
    for k in shown_classes(scores):
        rejection = _rejection(scores.replicas.nominal["quantised"][k])
        marks = [int(np.argmin(np.abs(EFFICIENCIES - cut))) for cut in SIGNAL_EFFICIENCIES]
        axes.plot(
            EFFICIENCIES,
            rejection,
            marker=MARKERS[k % len(MARKERS)],
            markevery=marks,
            **series(k),
            label=safe(scores.names[k]),
        )
    _roc_axes(axes)
    axes.set_xlabel(SIGNAL_LABEL)
    axes.legend(loc="upper right", title="quantised", title_fontsize=8.2, ncols=1 if len(scores.names) < 8 else 2)
    head(axes, "All classes", sample)
    return finish(
        figure,
        "roc",
        "ROC curves of all classes, quantised",
        f"Background rejection against signal efficiency, one curve per class, {sample}.",
    )


def ratio_range(scores: Scores, shown: Sequence[int]) -> tuple[float, float]:
    """The range of every ratio panel: one that holds all of them, so that classes compare by eye."""
    if scores.replicas is None or scores.real is None:
        return 0.0, 2.0
    above = EFFICIENCIES >= 0.2  # below, a handful of background events: the bands would set the scale
    edges = [edge[above & np.isfinite(edge)] - 1 for k in shown for edge in scores.replicas.ratio_band(k)]
    spread = max([0.05, *(np.abs(edge).max(initial=0) for edge in edges)])
    return 1 - min(0.95, 1.25 * spread), 1 + min(2.0, 1.25 * spread)


def roc_of_class(
    scores: Scores, k: int, agreement: AgreementRow | None, sample: str, ratio_limits: tuple[float, float]
) -> Plot:
    """One class against all others: both models, and their ratio with its statistical error."""
    assert scores.replicas is not None
    name, tint = scores.names[k], colour("s0")
    figure, axes = new_figure((2.6, 1.0) if scores.real is not None else (1.0,), height_in=3.9)
    if scores.real is not None:
        axes[0].plot(
            EFFICIENCIES,
            _rejection(scores.replicas.nominal["float"][k]),
            color=colour("ink"),
            linestyle=(0, (4, 1.6)),
            linewidth=1.2,
            label="float",
        )
        _ratio(axes[1], scores, k)
        axes[1].set_ylim(*ratio_limits)
    axes[0].plot(EFFICIENCIES, _rejection(scores.replicas.nominal["quantised"][k]), color=tint, label="quantised")
    _points(axes[0], scores, k)
    _roc_axes(axes[0])
    axes[-1].set_xlabel(SIGNAL_LABEL)
    auc = "" if agreement is None else f"AUC {agreement.auc_quantised[name]:.4f}, float {agreement.auc_float[name]:.4f}"
    axes[0].legend(loc="upper right", title=auc, title_fontsize=8.2)
    head(axes[0], f"{safe(name)} against all others", sample)
    return finish(
        figure,
        f"roc-{k}",
        f"ROC curve of {name}, float and quantised",
        f"Background rejection against signal efficiency for {name}; below, quantised over float rejection "
        f"with its 68 % statistical band. {auc}. {sample}.",
    )


def _points(axes: Any, scores: Scores, k: int) -> None:
    """The rejections of the table, with their errors."""
    assert scores.replicas is not None
    for cut in SIGNAL_EFFICIENCIES:
        column = int(np.argmin(np.abs(EFFICIENCIES - cut)))
        rejection = _rejection(scores.replicas.nominal["quantised"][k])[column]
        error = scores.replicas.rejection_error("quantised", cut)[k]
        if np.isfinite(rejection):
            axes.errorbar(
                [cut],
                [rejection],
                yerr=None if error is None else [[min(error, 0.9 * rejection)], [error]],
                fmt="o",
                color=colour("s0"),
                capsize=2.5,
                elinewidth=1.0,
                capthick=1.0,
            )


def _ratio(axes: Any, scores: Scores, k: int) -> None:
    assert scores.replicas is not None
    ratio, low, high = scores.replicas.ratio_band(k)
    axes.axhline(1.0, color=colour("ink"), linestyle=(0, (4, 1.6)), linewidth=1.0)
    axes.fill_between(EFFICIENCIES, low, high, color=colour("s0"), alpha=0.25, linewidth=0)
    axes.plot(EFFICIENCIES, np.where(np.isfinite(ratio), ratio, np.nan), color=colour("s0"), linewidth=1.2)
    axes.set_ylabel("quantised\nover float", loc="center")
    axes.grid(True, axis="y")


def _roc_axes(axes: Any) -> None:
    axes.set_yscale("log")
    log_labels(axes.yaxis)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(bottom=1.0)
    axes.set_ylabel(REJECTION_LABEL)
    axes.grid(True)


def _rejection(background_efficiency: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        rejection = 1.0 / background_efficiency
    return np.where(np.isfinite(rejection), rejection, np.nan)


def scores_of_class(scores: Scores, k: int, sample: str) -> Plot:
    """The score of class k for the class and for all others; filled: quantised, dashes: float."""
    import mplhep

    figure, (axes,) = new_figure()
    is_class = scores.truth == k
    for chosen, tint, marker, label in (
        (~is_class, colour("dim"), "x", "all others"),
        (is_class, colour("s0"), "o", safe(scores.names[k])),
    ):
        counts = _shares(scores.quantised[chosen, k])
        mplhep.histplot(counts, BINS, ax=axes, histtype="fill", color=tint, alpha=0.2, flow=None)
        mplhep.histplot(
            counts,
            BINS,
            ax=axes,
            histtype="step",
            color=tint,
            linewidth=1.2,
            flow=None,
            edges=False,
            label=f"{label}, quantised",
        )
        if scores.real is not None:
            axes.plot(
                (BINS[1:] + BINS[:-1]) / 2,
                _masked(_shares(scores.real[chosen, k])),
                linestyle="none",
                marker=marker,
                markersize=2.6,
                color=colour("ink"),
                markeredgewidth=0.8,
                label=f"{label}, float",
            )
    axes.set_yscale("log")
    log_labels(axes.yaxis)
    axes.set_xlim(0.0, 1.0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.2)  # room for the legend
    axes.set_xlabel(f"Score of {safe(scores.names[k])}")
    axes.set_ylabel(f"Share of events / {BINS[1]:g}")
    axes.legend(loc="upper left", ncols=2, columnspacing=1.0, handlelength=1.8)
    head(axes, f"Score of {safe(scores.names[k])}", sample)
    return finish(
        figure,
        f"scores-{k}",
        f"Distribution of the score of {scores.names[k]}",
        f"Histogram of the score for {scores.names[k]} and for all other events, quantised and float; "
        f"logarithmic, {sample}.",
    )


def _shares(score: FloatArray) -> FloatArray:
    counts, _ = np.histogram(np.clip(score, 0.0, 1.0), BINS)
    return counts / max(1, len(score))


def _masked(shares: FloatArray) -> FloatArray:
    return np.where(shares > 0, shares, np.nan)
