"""A trace as tables on a terminal, and as plain data for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fasttrig.base.fixed import FloatArray
from fasttrig.trace.trace import Tensor, Trace, TreeExit

SHORT = 8
"""Tensors up to this size are shown whole."""

SHOWN = 3
"""Elements shown of a longer one: those that differ most."""

SHOWN_TREES = 6
"""Trees shown: those whose leaves weigh most."""

SCALED = "features are shown as the firmware takes them, after offset and shift of inputs.json, not in their own units"

ROWS = {"fixed": "fixed", "real": "real: no rounding", "float": "float model"}

_COLUMNS = ("element", "raw", "fixed", "real", "float", "fixed - real", "in LSB")
_LINE = "{:>8} {:>8} {:>11} {:>11} {:>11} {:>12} {:>9}"


def render(trace: Trace, *, full: bool = False) -> Group:
    """Head, scores, the two verdicts, all tensors, the trees' leaves, notes."""
    truth = f", truth {trace.event.truth}" if trace.event.truth else ""
    parts: list[Text | Table] = [Text(f"{trace.name}: {trace.event.source}{truth}", style="bold"), _scores(trace)]
    parts += [Text(""), _bits(trace), _values(trace), Text(""), Text(_LINE.format(*_COLUMNS), style="dim")]
    for tensor in trace.tensors:
        parts += _tensor(tensor, trace, full)
    if trace.exits:
        parts += [Text(""), _leaves(trace, full)]
    if trace.features:
        parts.append(Text(f"note: {SCALED}"))
    parts += [Text(f"note: {note}") for note in trace.notes]
    return Group(*parts)


def to_dict(trace: Trace) -> dict[str, Any]:
    """Everything, whole; the elements of each tensor flattened, last axis fastest."""
    wrong, beyond = trace.first_wrong_bit, trace.first_beyond_rounding
    return {
        "design": trace.name,
        "event": trace.event.source,
        "truth": trace.event.truth or None,
        "classes": list(trace.classes),
        "scores": {key: array.tolist() for key, array in trace.scores.items()},
        "bits": {
            "compared": trace.n_compared,
            "equal": trace.bits_equal if trace.n_compared else None,
            "first_differing_op": wrong.name if wrong else None,
            "built_differs": list(trace.built_differs),
        },
        "first_op_beyond_rounding": beyond.name if beyond else None,
        "ops": [_op(tensor) for tensor in trace.tensors],
        "trees": [
            {"tree": one.tree, "output": one.output, "leaf": one.leaf, "raw": list(one.raw)} for one in trace.exits
        ],
        "notes": list(trace.notes),
    }


def _op(tensor: Tensor) -> dict[str, Any]:
    def flat(array: Any) -> list[Any] | None:
        return None if array is None else array.ravel().tolist()

    return {
        "name": tensor.name,
        "kind": tensor.kind,
        "type": str(tensor.type),
        "shape": list(tensor.raw.shape),
        "origin": tensor.origin,
        "raw": flat(tensor.raw),
        "fixed": flat(tensor.value),
        "real": flat(tensor.real),
        "float": flat(tensor.twin),
        "csim_raw": flat(tensor.simulated),
        "difference": flat(tensor.difference),
        "loss_lsb": flat(tensor.loss),
        "allowed_loss_lsb": tensor.allowance,
        "beyond_rounding": tensor.n_beyond,
        "float_weight_correlation": tensor.alike,
    }


def _table(*columns: str, left: int = 1) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place < left else "right", no_wrap=True)
    return table


def _scores(trace: Trace) -> Table:
    n_scores = len(trace.scores["fixed"])
    names = trace.classes if len(trace.classes) == n_scores else tuple(f"output {k}" for k in range(n_scores))
    table = _table("", *names)
    for key, scores in trace.scores.items():
        table.add_row(ROWS[key], *(f"{score:.4f}" for score in scores))
    return table


def _bits(trace: Trace) -> Text:
    wrong = trace.first_wrong_bit
    if wrong is not None:
        said = f"{wrong.name} ({wrong.n_wrong_bits} of {wrong.raw.size} elements)"
        return Text(f"bits    first op that differs from the C-simulation: {said}", style="bold red")
    if trace.built_differs:
        said = f"hls/ gives another {', '.join(trace.built_differs)} than its own graph: it was changed after the build"
        return Text(f"bits    {said}", style="bold red")
    if not trace.n_compared:
        return Text("bits    not compared with a C-simulation", style="yellow")
    said = f"equal to the C-simulation in {trace.n_compared} of {len(trace.tensors)} ops"
    return Text(f"bits    {said} (the others have no tensor of their own there)", style="green")


def _values(trace: Trace) -> Text:
    beyond = trace.first_beyond_rounding
    if beyond is None:
        return Text("values  no op loses more than its rounding", style="green")
    said = f"first op that loses more than its rounding: {beyond.name}, {_beyond(beyond)}"
    return Text(f"values  {said}", style="yellow")


def _beyond(tensor: Tensor) -> str:
    what = "clipped" if tensor.kind == "Input" else "saturated or wrapped"
    return f"{tensor.n_beyond} of {tensor.raw.size} {what}"


def _tensor(tensor: Tensor, trace: Trace, full: bool) -> list[Text | Table]:
    """One line on the op, then its elements: all, or those that differ most."""
    place = _chosen(tensor, full)
    lines = [_head(tensor, trace), *(Text(_element(tensor, k) + _feature(tensor, k, trace)) for k in place)]
    if len(place) < tensor.raw.size:
        rest = tensor.raw.size - len(place)
        lines.append(Text(f"{'...':>8}  {rest} more, none differs more (--full shows them)", style="dim"))
    return [*lines]


def _head(tensor: Tensor, trace: Trace) -> Text:
    first_wrong, first_beyond = tensor is trace.first_wrong_bit, tensor is trace.first_beyond_rounding
    lost = f"loses {_largest(tensor.loss):.2f} LSB itself" if tensor.allowance else "exact"
    marks = []
    if first_wrong:
        marks.append(f"<- FIRST DIFFERING BITS, in {tensor.n_wrong_bits}")
    if tensor.n_beyond:
        marks.append(f"<- {'FIRST ' if first_beyond else ''}BEYOND ROUNDING: {_beyond(tensor)}")
    alike = "" if tensor.alike is None else f", weights {tensor.alike:.2f} alike the float model's"
    style = "bold red" if first_wrong else "bold yellow" if tensor.n_beyond else "bold"
    what = f"{tensor.name}  {tensor.kind} {tensor.type}, {tensor.raw.size} elements, {lost}{alike}"
    return Text("  ".join([what, *marks]), style=style)


def _chosen(tensor: Tensor, full: bool) -> list[int]:
    if full or tensor.raw.size <= SHORT:
        return list(range(tensor.raw.size))
    return np.argsort(-np.abs(tensor.difference.ravel()), kind="stable")[:SHOWN].tolist()


def _element(tensor: Tensor, place: int) -> str:
    difference = float(tensor.difference.flat[place])
    index = ",".join(str(int(i)) for i in np.unravel_index(place, tensor.raw.shape))
    twin = "" if tensor.twin is None else f"{tensor.twin.flat[place]:.5g}"
    note = "  clipped" if abs(tensor.loss.flat[place]) > tensor.allowance else ""
    if tensor.simulated is not None and tensor.simulated.flat[place] != tensor.raw.flat[place]:
        note += f"  C-simulation: {tensor.simulated.flat[place]}"
    cells = (
        index,
        str(tensor.raw.flat[place]),
        f"{tensor.value.flat[place]:.6g}",
        f"{tensor.real.flat[place]:.5g}",
        twin,
        f"{difference:.4g}",
        f"{difference / tensor.lsb.flat[place]:.2f}",
    )
    return _LINE.format(*cells) + note


def _feature(tensor: Tensor, place: int, trace: Trace) -> str:
    named = tensor.kind == "Input" and len(trace.features) == tensor.raw.size
    return f"  {trace.features[place]}" if named else ""


def _largest(array: FloatArray) -> float:
    return float(np.abs(array).max()) if array.size else 0.0


def _leaves(trace: Trace, full: bool) -> Table:
    """Per tree the leaf it came to; the heaviest ones, or all."""
    output = next(tensor for tensor in trace.tensors if tensor.kind == "Forest")
    names = trace.classes if len(trace.classes) == output.raw.size else tuple(map(str, range(output.raw.size)))
    shown = list(trace.exits) if full else sorted(trace.exits, key=_weight)[:SHOWN_TREES]
    table = _table("tree", "adds to", "leaf", "raw", "value", left=2)
    for one in shown:
        values = ", ".join(f"{np.ldexp(float(raw), -output.type.fraction_bits):g}" for raw in one.raw)
        table.add_row(str(one.tree), names[one.output], str(one.leaf), ", ".join(map(str, one.raw)), values)
    if len(shown) < len(trace.exits):
        table.add_row(f"{len(trace.exits) - len(shown)} more", style="dim")
    return table


def _weight(one: TreeExit) -> tuple[int, int]:
    return -max(map(abs, one.raw)), one.tree
