"""Progress on a terminal: work done, rate, time left. Nothing is shown in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

Counted = Callable[[int, int | None], None]
"""Called with the work done and the total, None if the total is unknown."""

Trained = Callable[[str, int, int, float], None]
"""Called with the name of the network, step, steps, validation loss (0 if there is none)."""


@contextmanager
def stages(name: str) -> Iterator[Callable[[str], None]]:
    """Yields a callback that takes the name of each stage as it begins.

    Finished stages stay visible with their time. The running stage shows how long the rest took in the last run on this
    machine.
    """
    if not sys.stderr.isatty():
        yield lambda stage: None
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    from fasttrig.commands.timing import StageTimes

    before = StageTimes.load(name)
    with _progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[left]}[/]"),
        transient=True,
    ) as bar:
        running: list[tuple[str, Any, float]] = []
        took: dict[str, float] = {}

        def begin(stage: str) -> None:
            _end(bar, running, took)
            left = before.left_s(stage)
            said = "" if left is None else f"about {left:.0f} s to the end"
            running.append((stage, bar.add_task(f"{name}: {stage}", total=1, left=said), time.monotonic()))

        yield begin
        _end(bar, running, took)
    if len(took) > 1:
        before.save(took)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """A spinner with the elapsed time, for one step without a count."""
    with stages(text.partition(": ")[0]) as begin:
        begin(text.partition(": ")[2] or text)
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
def training() -> Iterator[Trained | None]:
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


def _end(bar: Progress, running: list[tuple[str, Any, float]], took: dict[str, float]) -> None:
    if running:
        stage, task, start = running[-1]
        took[stage] = time.monotonic() - start
        bar.update(task, completed=1, left="")
