"""A progress bar for training, on stderr; quiet when it is not a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fasttrig.training.results import Progress as Report


@contextmanager
def training_bar() -> Iterator[Report]:
    """Yields the callback that `train` takes: one bar per network, epochs counted, validation loss shown."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
               TextColumn("validation loss {task.fields[loss]:.4f}"))  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks = {}

        def report(network: str, epoch: int, epochs: int, loss: float) -> None:
            if network not in tasks:
                tasks[network] = progress.add_task(f"{network}", total=epochs, loss=loss)
            progress.update(tasks[network], completed=epoch, loss=loss)

        yield report
