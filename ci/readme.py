"""Write the tables of README.md and docs/ from the code: run it after a table of the code changed, and read the diff.

    python ci/readme.py          write
    python ci/readme.py --check  exit 1 and name the tables that differ

Markers enclose each table: ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, get_args

from fasttrig.backends import emit
from fasttrig.backends.base import TARGETS
from fasttrig.backends.table import hls_backend
from fasttrig.backends.wrapper import KINDS
from fasttrig.base.errors import UnsupportedError
from fasttrig.estimate.errors_table import ERRORS
from fasttrig.frontends.hgq.layers import HGQ_LAYERS
from fasttrig.frontends.hgq.schema import PREFIX
from fasttrig.frontends.keras.activations import ACTIVATIONS
from fasttrig.frontends.keras.layers import LAYERS, MODELS_INSIDE, REFUSED_LAYERS, WRAPPERS
from fasttrig.frontends.keras.quantizers import REFUSED, SIGNATURES
from fasttrig.frontends.keras.weights import WEIGHTS
from fasttrig.frontends.trees import LIBRARIES, Library
from fasttrig.ir.graph import Graph
from fasttrig.ir.text import parse_graph
from fasttrig.ladder.run_rungs import SIMULATED
from fasttrig.links.patterns import FORMATS
from fasttrig.report.gallery import ESTIMATED, read_gallery
from fasttrig.settings import TargetSettings

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    ROOT / "README.md",
    *(path for folder in ("tutorials", "howto", "reference") for path in sorted((ROOT / "docs" / folder).glob("*.md"))),
)
"""Pages that may hold a generated table."""

TO_ROOT = "../.."
"""The way from a page of docs/ to the root, for links in tables."""

SYSTEMS = ROOT / "docs" / "systems.toml"
GOLDEN = ROOT / "firmware" / "golden"
_SECTION = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def layers() -> str:
    """Layers with one explanation share a row; those that are always refused come last, with what to do."""
    by_text: dict[str, list[str]] = {}
    for name, row in LAYERS.items():
        if name in HGQ_LAYERS:
            continue
        by_text.setdefault(row.becomes or "refused: its numbers are not quantised exactly", []).append(f"`{name}`")
    rows = [(", ".join(names), text) for text, names in by_text.items()]
    rows += [("`Functional`, `Sequential`", MODELS_INSIDE)]
    rows += [(f"`{name}`", text) for name, text in WRAPPERS.items()]
    rows += [(f"`{name}`", f"refused: {reason}") for name, reason in REFUSED_LAYERS.items()]
    return table(("layer", "becomes"), sorted(rows, key=lambda row: row[1].startswith("refused")))


def hgq_layers() -> str:
    by_text: dict[str, list[str]] = {}
    for name, row in HGQ_LAYERS.items():
        by_text.setdefault(row.becomes, []).append(f"`{name.removeprefix(PREFIX)}`")
    return table(("layer", "becomes"), [(", ".join(names), text) for text, names in by_text.items()])


def quantisers() -> str:
    rows = [(f"`{name}`", _yes(name in WEIGHTS), _yes(name in ACTIVATIONS)) for name in SIGNATURES]
    rows += [(f"`{name}`", f"refused: {reason}", "refused") for name, reason in REFUSED.items()]
    return table(("quantiser", "on weights", "on activations"), rows)


def trees() -> str:
    def forms(library: Library) -> str:
        live = ["live model"] if library.read_live else []
        return ", ".join([*live, *(f"`{suffix}`" for suffix in library.suffixes)])

    return table(("library", "read from", "what of it"), [(row.name, forms(row), row.models) for row in LIBRARIES])


def backends() -> str:
    """Each cell was tried: the backend either writes the small network and forest of firmware/golden, or refuses."""
    network = (GOLDEN / "tiny.ir").read_text(encoding="utf-8").replace("return fc2, best", "return fc2")
    without_argmax = "\n".join(line for line in network.splitlines() if not line.startswith("best :"))
    forest = (GOLDEN / "tiny_forest.ir").read_text(encoding="utf-8")
    graphs = [parse_graph(text) for text in (without_argmax, forest)]
    rows = [
        [f"`{tool}`", *(_written(graph, tool) for graph in graphs), _yes(tool in SIMULATED)]
        for tool in _choices("backend")
    ]
    heads = [hls_backend(graph, TargetSettings()).holds for graph in graphs]
    return table(("`--backend`", *heads, "C-simulation without a vendor"), rows)


def outputs() -> str:
    rows = [
        ("`--target` of `fasttrig build`", TARGETS),
        ("`--rtl-language` of `fasttrig build`", _choices("rtl_language")),
        ("`--rtl-schedule` of `fasttrig build`", _choices("rtl_schedule")),
        ("wrappers of the RTL", KINDS),
        ("`--format` of `fasttrig patterns`", FORMATS),
    ]
    return table(("what", "kinds"), [(what, _code(kinds)) for what, kinds in rows])


def op_rows() -> str:
    """Every table keyed by op class, by the module that checks its rows, in the order of the pipeline."""
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted((ROOT / "fasttrig").rglob("*.py"))}
    declared = {
        (module, name): what
        for module, text in texts.items()
        for name, what in re.findall(r'^(\w+): OpTable\[.*\] = OpTable\("(.+)"\)$', text, re.MULTILINE)
    }
    by_name = {name: what for (_, name), what in declared.items()}
    found = []
    for module, text in texts.items():
        names = re.findall(r"^(\w+)\.complete\(", text, re.MULTILINE)
        found += [(module, name, declared.get((module, name), by_name[name])) for name in names]
        found += [(module, *row) for row in re.findall(r'^require_rows\((\w+), "(.+?)"', text, re.MULTILINE)]
    order = {folder: place for place, folder in enumerate(("ir", "emulator", "backends", "estimate"))}
    found.sort(key=lambda row: order.get(row[0].split("/")[1], len(order)))
    rows = [(f"[{path}]({TO_ROOT}/{path})", f"`{name}`", what) for path, name, what in found]
    return table(("file", "table", "of"), rows)


def estimates() -> str:
    """Median relative errors and coverage of the estimator, from the table that ``make fit`` writes."""
    quantities = ("lut", "ff", "dsp", "latency_cycles")
    found: dict[tuple[str, str], dict[str, str]] = {}
    with ERRORS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["by"] == "set" and row["quantity"] in quantities:
                error = f"{100 * float(row['median_relative']):.0f} % ({row['n']})"
                found.setdefault((row["stage"], row["group"]), {})[row["quantity"]] = error
            if row["by"] == "coverage" and row["group"] == "whole networks":
                group = f"share of {row['group']} inside the 80 % interval"
                share = f"{100 * float(row['inside_interval']):.0f} % ({row['n']})"
                found.setdefault(("both", group), {})[row["quantity"]] = share
    rows = [(stage, group, *(errors.get(name, "") for name in quantities)) for (stage, group), errors in found.items()]
    return table(("stage", "designs", "LUT", "FF", "DSP", "cycles"), rows)


def systems() -> str:
    rows = tomllib.loads(SYSTEMS.read_text(encoding="utf-8"))["system"]
    return table(("", "system", "state today"), [(row["id"], row["name"], state(row)) for row in rows])


def gallery() -> str:
    """The numbers of ``fasttrig models``."""
    rows = []
    for row in read_gallery(ROOT / "models"):
        figure = ", ".join(f"{name} {value:.4f}" for name, value in row.figures.items())
        latency = "" if row.latency_ns is None else f"{row.latency_ns:.1f}"
        lut = "" if row.lut is None else f"{row.lut:,}" + (" (estimate, HLS)" if row.lut_stage == ESTIMATED else "")
        rows.append((_form(row.name), row.description, figure, latency, lut))
    return table(("model", "what", "quantised, on the test split", "latency (ns)", "LUT"), rows)


def state(system: dict[str, Any]) -> str:
    """``works``, ``layers are read`` or ``not yet``, for each of the system's compact forms."""
    if "state" in system:
        return str(system["state"])
    groups: dict[str, list[str]] = {}
    for name, needs in system["forms"].items():
        groups.setdefault(_form_state(name, needs), []).append(_form(name))
    return "; ".join(f"{text}: {', '.join(names)}" for text, names in sorted(groups.items(), key=_order))


def _form_state(name: str, needs: Sequence[str]) -> str:
    if needs:
        return f"not yet, needs {' and '.join(f'`{need}`' if need[0].isupper() else need for need in needs)}"
    return "**works**" if _is_model(name) else "layers are read, no model here"


def _order(group: tuple[str, list[str]]) -> int:
    return ("**works**", "layers", "not yet").index(
        next(key for key in ("**works**", "layers", "not yet") if group[0].startswith(key))
    )


def _is_model(name: str) -> bool:
    return (ROOT / "models" / name / "model.toml").is_file()


def _form(name: str) -> str:
    return f"[`{name}`]({TO_ROOT}/models/{name}/README.md)" if _is_model(name) else f"`{name}`"


def _choices(setting: str) -> tuple[str, ...]:
    annotation = TargetSettings.model_fields[setting].annotation
    return get_args(annotation)


def _written(graph: Graph, backend: str) -> str:
    """The interfaces and strategies with which the project is written; a strategy that changes no text is none."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for io_type, strategy in product(_choices("io_type"), _choices("strategy")):
        options = {"backend": backend, "io_type": io_type, "strategy": strategy}
        with suppress(UnsupportedError):
            found[io_type, strategy] = emit(graph, TargetSettings.model_validate(options))
    if not found:
        return "no"
    io_types, strategies = (tuple(dict.fromkeys(kinds)) for kinds in zip(*found, strict=True))
    assert sorted(found) == sorted(product(io_types, strategies)), f"{backend}: {list(found)} is no full table"
    differ = any(texts != found[io_type, strategies[0]] for (io_type, _), texts in found.items())
    matters = differ or strategies != _choices("strategy")
    return _code(io_types) + (f"; {_code(strategies)}" if matters else "")


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


TABLES: dict[str, Callable[[], str]] = {
    "layers": layers,
    "hgq_layers": hgq_layers,
    "quantisers": quantisers,
    "trees": trees,
    "backends": backends,
    "outputs": outputs,
    "op_rows": op_rows,
    "systems": systems,
    "gallery": gallery,
    "estimates": estimates,
}


def filled(text: str) -> str:
    """Return `text` with the current content in every marked table."""
    return _SECTION.sub(lambda match: match[1] + TABLES[match[2]]() + match[3], text)


def tables(text: str) -> dict[str, str]:
    """The marked tables of a page, by name."""
    return {match[2]: match[0] for match in _SECTION.finditer(text)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    checking = parser.parse_args().check
    changed = []
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new = filled(old)
        before, after = tables(old), tables(new)
        changed += [name for name in after if before[name] != after[name]]
        if not checking and new != old:
            page.write_text(new, encoding="utf-8")
    sys.stdout.write("".join(f"{name}\n" for name in changed) or "nothing changed\n")
    return int(checking and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
