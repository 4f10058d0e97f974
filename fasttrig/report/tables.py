"""The plain tables of the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table


def new_table(title: str, columns: Iterable[tuple[str, str]]) -> Table:
    """Without lines; each column with its name and "left" or "right"."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, justify in columns:
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    return table


def share_text(number: float | None) -> str:
    """A share with four digits."""
    return "none" if number is None else f"{number:.4f}"
