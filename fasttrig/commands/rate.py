"""``fasttrig rate``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fasttrig.commands.options import AnyDesign, AsJson, make_console, print_json
from fasttrig.commands.progress import counting

if TYPE_CHECKING:
    from rich.table import Table

    from fasttrig.physics.rates import RatePoint, Share
    from fasttrig.streaming.rates import Rates

FileList = Optional[list[str]]  # noqa: UP045 (typer reads this form on every Python)


class CutChoice(StrEnum):
    WORD = "word"
    LEAD = "lead"


def rate(
    design: AnyDesign,
    background: Annotated[list[str], typer.Argument(help="Files of background events, such as minimum bias; globs.")],
    khz: Annotated[float, typer.Option("--khz", min=0.0, help="Rate that each output may have.")],
    signal: Annotated[FileList, typer.Option("--signal", help="Files of signal, for its efficiency.")] = None,
    input_khz: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--input-khz", min=0.0, help="Rate of the background; default: that of the model."),
    ] = None,
    cut: Annotated[
        CutChoice, typer.Option("--cut", help="On the word, or on its lead over the others.")
    ] = CutChoice.WORD,
    as_json: AsJson = False,
) -> None:
    """Find the thresholds at which a trigger keeps a rate, and what they keep of the signal.

    Every event of the background files counts alike. Seeds of a decision have no threshold: their rates and the part
    that no other seed takes are shown. Errors are binomial (Clopper and Pearson, 68.27 %).
    """
    from fasttrig.commands.files import expand
    from fasttrig.design import open_design
    from fasttrig.streaming.rates import find_rates

    opened = open_design(design)
    with counting("events") as progress:
        found = find_rates(
            opened,
            expand(background),
            khz,
            signal=expand(signal) if signal else (),
            input_khz=input_khz,
            cut=cut.value,
            progress=progress,
        )
    if as_json:
        print_json(_plain(found))
        return
    make_console().print(_table(found))


def _table(found: Rates) -> Table:
    from fasttrig.report.tables import new_table

    columns = [("output", "left"), ("cut", "left"), ("threshold (raw)", "right"), ("threshold", "right")]
    columns += [("rate in kHz", "right"), ("interval", "left"), ("only it", "right"), ("signal kept", "right")]
    n_events = found.points[0].background.n_events
    table = new_table(f"At most {found.khz:,g} kHz of {found.input_khz:,g} kHz, by {n_events:,} events", columns)
    for point in found.points:
        cells = ["", ""] if point.threshold_raw is None else [f"{point.threshold_raw:,}", f"{point.threshold:g}"]
        alone = found.alone.get(point.output)
        table.add_row(
            point.output,
            point.cut,
            *cells,
            *_khz(point.background, found.input_khz),
            "" if alone is None else f"{alone.central * found.input_khz:,.4g}",
            "" if point.signal is None else _percent(point.signal),
        )
    if found.together is not None:
        table.add_row("any seed", "", "", "", *_khz(found.together, found.input_khz))
    return table


def _khz(share: Share, input_khz: float) -> tuple[str, str]:
    low, high = share.low * input_khz, share.high * input_khz
    return f"{share.central * input_khz:,.4g}", f"{low:,.4g} to {high:,.4g}"


def _percent(share: Share) -> str:
    return f"{share.central:.2%} ({share.low:.2%} to {share.high:.2%})"


def _plain(found: Rates) -> dict[str, Any]:
    together = {} if found.together is None else {"any_seed": _share(found.together, found.input_khz)}
    rows = [_row(point, found) for point in found.points]
    return {"khz": found.khz, "input_khz": found.input_khz, "points": rows, **together}


def _row(point: RatePoint, found: Rates) -> dict[str, Any]:
    alone = found.alone.get(point.output)
    return {
        "output": point.output,
        "cut": point.cut,
        "threshold_raw": point.threshold_raw,
        "threshold": point.threshold,
        "background": _share(point.background, found.input_khz),
        "alone": None if alone is None else _share(alone, found.input_khz),
        "signal": None if point.signal is None else _share(point.signal, None),
    }


def _share(share: Share, input_khz: float | None) -> dict[str, Any]:
    counted = {"n_passing": share.n_passing, "n_events": share.n_events}
    if input_khz is None:
        return {**counted, "efficiency": share.central, "low": share.low, "high": share.high}
    numbers = {"rate_khz": share.central, "low_khz": share.low, "high_khz": share.high}
    return counted | {name: number * input_khz for name, number in numbers.items()}
