"""Progress on a terminal: work done, rate, time left. Nothing is shown in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

    from fasttrig.commands.timing import StageTimes
    from fasttrig.quantise.descent import SearchProgress
    from fasttrig.training.results import TrainingProgress

Counted = Callable[[int, int | None], None]
"""Called with the work done and the total, None if the total is unknown."""


class Stages(Protocol):
    """The display of one run, told of its stages."""

    def plan(self, stages: Sequence[str]) -> None:
        """The stages that will run, in their order."""

    def begin(self, stage: str) -> None:
        """`stage` begins, and the one before has ended."""


@contextmanager
def stages(name: str) -> Iterator[Stages]:
    """Shows the stages of the run called `name`.

    Finished stages stay visible with their time. The running stage shows how long the rest took in the last run on this
    machine.
    """
    if not sys.stderr.isatty():
        yield _Unseen()
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    from fasttrig.commands.timing import StageTimes

    with _progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[left]}[/]"),
        transient=True,
    ) as bar:
        shown = _Shown(bar, StageTimes.load(name))
        yield shown
        shown.end()
    if len(shown.took) > 1:
        shown.before.save(shown.took)


class _Unseen:
    def plan(self, stages: Sequence[str]) -> None:
        """Nothing is shown."""

    def begin(self, stage: str) -> None:
        """Nothing is shown."""


class _Shown:
    def __init__(self, bar: Progress, before: StageTimes) -> None:
        self.bar, self.before = bar, before
        self.took: dict[str, float] = {}
        self._planned: Sequence[str] = ()
        self._running: tuple[str, Any, float] | None = None

    def plan(self, stages: Sequence[str]) -> None:
        self._planned = stages

    def begin(self, stage: str) -> None:
        self.end()
        left = self.before.left_s(stage, self._planned)
        said = "" if left is None else f"about {left:.0f} s to the end"
        task = self.bar.add_task(f"{self.before.name}: {stage}", total=1, left=said)
        self._running = (stage, task, time.monotonic())

    def end(self) -> None:
        if self._running is not None:
            stage, task, start = self._running
            self.took[stage] = time.monotonic() - start
            self.bar.update(task, completed=1, left="")


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """A spinner with the time that has passed, for one step that cannot be counted."""
    with stages(text.partition(": ")[0]) as shown:
        shown.begin(text.partition(": ")[2] or text)
        yield


@contextmanager
def counting(noun: str) -> Iterator[Counted | None]:
    """Yields a callback: a bar with the rate and the time left; None in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    with _progress(TextColumn(noun), BarColumn(), MofNCompleteColumn(), _rate(noun), TimeRemainingColumn()) as bar:
        task = bar.add_task(noun, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def training() -> Iterator[TrainingProgress | None]:
    """Yields the callback that `fasttrig.training.train.train` takes: one bar per network; None in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    loss_column = TextColumn("{task.fields[loss]}")
    with _progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _rate("steps"),
        TimeRemainingColumn(),
        loss_column,
    ) as bar:
        tasks: dict[str, Any] = {}

        def report(network: str, step: int, steps: int, loss: float) -> None:
            if network not in tasks:
                tasks[network] = bar.add_task(network, total=steps, loss="")
            shown = f"validation loss {loss:.4f}" if loss else ""
            bar.update(tasks[network], completed=step, loss=shown)

        yield report


@contextmanager
def searching(name: str) -> Iterator[SearchProgress | None]:
    """Yields the callback that `fasttrig.quantise.whole.quantise` takes; None in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    with _progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as bar:
        task = bar.add_task(f"{name}: reading", total=None)

        def report(step: str, tried: int, loss: float, cost: float) -> None:
            bar.update(task, description=f"{name}: {step}: {tried} tried, loss {loss:.5f}, {cost:,.0f} LUT")

        yield report


def _progress(*columns: Any, transient: bool = False) -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True), transient=transient)


def _rate(noun: str) -> Any:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        """Steps per second, or seconds per step where a step is slow."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            if not speed:
                return Text("")
            return Text(f"{speed:,.0f} {noun}/s" if speed >= 10 else f"{1 / speed:.1f} s each", style="dim")

    return Rate()
