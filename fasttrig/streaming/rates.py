"""Rates of a design on files of events: thresholds for a rate, and the rates of seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import IntArray
from fasttrig.data.outputs import word_names
from fasttrig.design import Design
from fasttrig.physics.rates import RateCut, RatePoint, SeedCounts, Share, WordCounts, cut_numbers, rate_point
from fasttrig.streaming.chunks import Events
from fasttrig.streaming.emulate_files import emulated_parts

DoneOf = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates that a design keeps.

    Attributes
    ----------
    points : one for each word of the first output, then one for each seed
    alone : by seed, the events that no other seed takes
    together : the events that any seed takes; None without seeds
    """

    khz: float
    input_khz: float
    points: tuple[RatePoint, ...]
    alone: Mapping[str, Share]
    together: Share | None


def find_rates(
    design: Design,
    background: Sequence[Path | str],
    khz: float,
    *,
    signal: Sequence[Path | str] = (),
    input_khz: float | None = None,
    cut: RateCut = "word",
    progress: DoneOf | None = None,
) -> Rates:
    """The thresholds at which every word of the first output passes at most `khz` of the background.

    Parameters
    ----------
    background, signal : files of events, read once, part after part
    input_khz : rate of all background events together; default that of the model or of the build folder's report
    cut : "word", or "lead" for the word minus the largest of the others

    Raises
    ------
    InputError
        For a lead of one word alone, or a rate above that of the background.
    DataError
        For a file that cannot be read or has no events.
    """
    input_khz = design.input_rate_khz if input_khz is None else input_khz
    if khz > input_khz or input_khz <= 0:
        raise InputError("a rate above that of the background", got=f"{khz} kHz", want=f"at most {input_khz} kHz")
    first = design.graph.outputs[0]
    if cut == "lead" and first.size < 2:
        raise InputError("one word has no lead over others", got="cut 'lead'", want="word")
    names = word_names(design.graph, design.classes) or tuple(f"word {k}" for k in range(first.size))
    of_background, seeds = _counted(design, background, cut, progress)
    of_signal, signal_seeds = _counted(design, signal, cut, progress) if signal else ([], None)
    points = []
    share = Fraction(str(khz)) / Fraction(str(input_khz))
    for k, name in enumerate(names):
        kept_words = of_signal[k] if of_signal else None
        points.append(rate_point(name, cut, first.type, of_background[k], kept_words, share))
    for k, name in enumerate(seeds.names):
        kept = None if signal_seeds is None else signal_seeds.share(1 << k)
        points.append(RatePoint(name, "seed", None, None, seeds.share(1 << k), kept))
    alone = {name: seeds.alone(k) for k, name in enumerate(seeds.names)}
    together = seeds.share(-1) if seeds.names else None
    return Rates(khz, input_khz, tuple(points), alone, together)


def _counted(
    design: Design, files: Iterable[Path | str], cut: RateCut, progress: DoneOf | None
) -> tuple[list[WordCounts], SeedCounts]:
    first, last = design.graph.outputs[0], design.graph.outputs[-1]
    counts, seeds = [WordCounts() for _ in range(first.size)], SeedCounts(design.seed_names)
    done = 0
    for outputs in _outputs(design, files):
        words = outputs[first.name].reshape(-1, first.size)
        for column, count in zip(cut_numbers(words, cut).T, counts, strict=True):
            count.add(column)
        if seeds.names:
            seeds.add(outputs[last.name].reshape(len(words), -1))
        done += len(words)
        if progress is not None:
            progress(done, None)
    return counts, seeds


def _outputs(design: Design, files: Iterable[Path | str]) -> Iterator[dict[str, IntArray]]:
    for file in files:
        for _, made in emulated_parts(design, Events.open(file, design, (), as_stored=False)):
            yield made.raw
