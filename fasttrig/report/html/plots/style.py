"""How a plot looks and how it becomes SVG.

matplotlib draws with one stand-in colour per name; the SVG then says ``var(--name)`` instead, so a plot follows the
page into dark mode and print. Text stays text, in the reader's own font. The same plot gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from fasttrig.display.environment import render
from fasttrig.report.html.palette import N_SERIES, colours, declarations

WIDTH_IN, HEIGHT_IN = 4.3, 3.55
LINES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
_XML = '<?xml version="1.0" encoding="utf-8"?>\n'
_STAND_INS = {name: f"#a1b{number:03x}" for number, name in enumerate(colours())}
_SUBSCRIPT = re.compile("\u2045(.*?)\u2046")
_IDS = re.compile(r'(\bid="|href="#|url\(#)')
_FONT = re.compile(r"font: ([0-9.]+px) [^;\"]*")
_NUMBERS = re.compile(r'(?<= )(?:d|x|y|transform|x1|x2|y1|y2)="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")
_HEAD = re.compile(r"^.*?<svg [^>]*?(?P<box>viewBox=\"[^\"]*\")[^>]*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot; `svg` is an element for a page, with a description in words."""

    name: str
    svg: str

    @property
    def file(self) -> str:
        """The plot as a file of its own, which brings its colours along."""
        end = self.svg.index(">") + 1
        return f"{_XML}{self.svg[:end]}{_own_colours()}{self.svg[end:]}\n"


def from_file(name: str, text: str) -> Plot:
    """The plot that `Plot.file` wrote."""
    return Plot(name, text.removeprefix(_XML).replace(_own_colours(), "", 1).removesuffix("\n"))


def _own_colours() -> str:
    return render("plot-colours.j2", colours=declarations).rstrip("\n")


def colour(name: str) -> str:
    """matplotlib's stand-in for a named colour."""
    return _STAND_INS[name]


def series(k: int) -> dict[str, Any]:
    """Colour and line of the k-th series; after six, the colours come again with other lines."""
    return {"color": colour(f"s{k % N_SERIES}"), "linestyle": LINES[(k + k // N_SERIES) % len(LINES)]}


def sub(text: str) -> str:
    """`text` as a subscript, inside a label."""
    return f"\u2045{text}\u2046"


@cache
def _settings() -> dict[str, Any]:
    import mplhep

    ink, dim, grid = colour("ink"), colour("dim"), colour("grid")
    return {
        **mplhep.style.CMS,
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.labelsize": 9,
        "axes.titlesize": 9,
        "xtick.labelsize": 8.6,
        "ytick.labelsize": 8.6,
        "legend.fontsize": 8.2,
        "axes.linewidth": 0.8,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.2,
        "figure.figsize": (WIDTH_IN, HEIGHT_IN),
        "xtick.major.size": 5,
        "xtick.minor.size": 2.5,
        "ytick.major.size": 5,
        "ytick.minor.size": 2.5,
        "xtick.major.pad": 4,
        "ytick.major.pad": 3,
        "xtick.major.width": 0.8,
        "ytick.major.width": 0.8,
        "xtick.minor.width": 0.6,
        "ytick.minor.width": 0.6,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": dim,
        "xtick.color": dim,
        "ytick.color": dim,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "grid.color": grid,
        "grid.linewidth": 0.6,
        "grid.alpha": 1.0,
        "grid.linestyle": "-",
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "legend.frameon": False,
        "legend.handlelength": 2.6,
        "legend.labelspacing": 0.35,
        "hatch.linewidth": 0.5,
        "svg.fonttype": "none",
        "svg.hashsalt": "fasttrig",
        "svg.id": None,
        "axes.unicode_minus": True,
        "path.simplify": False,
    }


@contextmanager
def drawing() -> Iterator[None]:
    """matplotlib set up for the report, and as it was afterwards."""
    import matplotlib

    settings: Any = {key: content for key, content in _settings().items() if key in matplotlib.rcParams}
    with matplotlib.rc_context(settings):
        yield


def new_figure(ratios: tuple[float, ...] = (1.0,), height_in: float = HEIGHT_IN) -> tuple[Any, Any]:
    """A figure of the report's size and its axes, the upper ones first, with heights as `ratios`; they share x."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, height_in))
    figure.subplots_adjust(0.155, 0.45 / height_in, 0.972, 1 - 0.27 / height_in, hspace=0.06)
    axes = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    return figure, axes


def head(axes: Any, left: str, right: str) -> None:
    """The line above a plot: the quantity and the sample."""
    axes.set_title(left, loc="left", fontweight="bold", y=1.0, pad=5)  # with y, matplotlib need not look for room
    axes.set_title(right, loc="right", color=colour("dim"), y=1.0, pad=5)


def log_labels(axis: Any) -> None:
    """Powers of ten as plain text: 1, 10, 100, 10⁴."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(10.0, numticks=12))
    axis.set_minor_locator(LogLocator(10.0, subs=tuple(range(2, 10)), numticks=99))
    axis.set_major_formatter(FuncFormatter(lambda number, _: power_text(number)))
    axis.set_minor_formatter(NullFormatter())


def power_text(number: float) -> str:
    """A power of ten in few letters."""
    if 0.0099 < number < 9_999:
        return f"{number:g}"
    power = f"{number:.0e}".split("e")[1]
    return "10" + f"{int(power)}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def finish(figure: Any, name: str, title: str, alt: str) -> Plot:
    """The figure as a `Plot`; `name` is unique on the page and prefixes every id in the SVG."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return Plot(name, _themed(stream.getvalue(), name, title, alt))


def _themed(text: str, name: str, title: str, alt: str) -> str:
    found = _HEAD.match(text)
    assert found is not None
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", text[found.end() :], flags=re.DOTALL)
    body = _NUMBERS.sub(lambda found: _LONG.sub(r"\1", found[0]), body)
    body = _IDS.sub(rf"\g<1>{name}-", body)
    for known, stand_in in _STAND_INS.items():
        body = body.replace(stand_in, f"var(--{known})")
    body = _FONT.sub(r"font-size: \1", body).replace("; text-anchor: start", "")
    body = _SUBSCRIPT.sub(r'<tspan dy="1.8" font-size="75%">\1</tspan><tspan dy="-1.8">&#8203;</tspan>', body)
    opening = render("plot.svg.j2", id=name, box=found["box"].split('"')[1], title=title, alt=alt)
    return opening.rstrip("\n") + re.sub(r"\n\s*", "\n", body).strip()


def safe(text: str) -> str:
    """A name from outside as plain text for matplotlib: no mathtext, no private letters, not too long."""
    plain = re.sub("[\u2045\u2046\n\r]", " ", text).replace("$", r"\$")
    return plain if len(plain) <= 40 else plain[:39] + "…"


__all__ = [
    "LINES",
    "MARKERS",
    "Plot",
    "colour",
    "drawing",
    "finish",
    "head",
    "log_labels",
    "new_figure",
    "safe",
    "series",
    "sub",
]
