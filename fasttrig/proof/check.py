"""Check the certificate of a build folder, for all inputs: ``python check.py [BUILD_FOLDER]``.

Standard library and NumPy only; nothing of the compiler. Exit code 0: every claim holds; 1: one does not.

model    Each tree of the model file equals that of ``design.ir``: both are evaluated on every combination of
         outcomes of their comparisons. An outcome is a class of a feature's raw integers, all of which are tried.
rtl      An output of the Verilog is a sum, exact by intervals, of signals and a constant; each signal equals trees of
         ``design.ir`` up to a constant, evaluated in the same way; the constants add up to the base margin.
timing   From an input to an output every path crosses as many registers as ``valid`` has bits, and ``valid`` is a
         shift register from ``in_valid`` to ``out_valid`` that ``rst`` clears.

The certificate says which trees a signal stands for; nothing else in it is believed.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.proof.forests import Outcomes, PlainTree, TreeSum, read_forest, read_xgboost, tree_rows, tree_value
from fasttrig.proof.tokens import Unsupported, Wrong
from fasttrig.proof.verilog import Circuit, Expr

FORMAT = "fasttrig-proof 1"
SomeBits = tuple[str, int, int]
"""Some bits of a signal: name, lowest, how many."""
SumTerm = tuple[SomeBits, bool]
"""The number that some bits make, unsigned or in two's complement."""


class Folder:
    """The files of a build folder, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def forest(self) -> TreeSum:
        return read_forest(self.text("design.ir"))

    @cached_property
    def design(self) -> Circuit:
        if not (self.folder / "rtl/design.json").is_file():
            raise Unsupported("no RTL in the build folder")
        about = json.loads(self.text("rtl/design.json"))
        if about["language"] != "verilog":
            raise Unsupported(f"RTL in {about['language']}")
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 100_000))  # Logic is followed as deep as it goes.
        return Circuit([self.text(f"rtl/{source}") for source in about["sources"]], about["top"])

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def check_model(document: Any, forest: TreeSum) -> str:
    """The trees and base margins of the model file are those of design.ir."""
    trees, outputs, base = read_xgboost(document, forest)
    if any(len(one) != 1 for one in forest.trees) or outputs != forest.output or base != forest.base:
        raise Wrong("design.ir has other outputs or base margins than the model file")
    points = 0
    for number, (mine, (theirs,)) in enumerate(zip(trees, forest.trees, strict=True)):
        rows = tree_rows(mine) + tree_rows(theirs)
        domain = Outcomes({f: 1 << forest.channels[f].width for f, _ in rows}, rows)
        difference = np.asarray(tree_value(mine, domain.patterns) - tree_value(theirs, domain.patterns))
        if difference.any():
            raise Wrong(f"tree {number} of design.ir is not that of the model file")
        points += difference.size
    return f"{len(trees)} trees on all {points:,} combinations of their comparisons"


class OutputSums:
    """Outputs of a design as exact sums of terms."""

    def __init__(self, design: Circuit, forest: TreeSum, whole: Iterable[SumTerm] = ()) -> None:
        """`whole`: sums that count as one term."""
        self.design, self.forest, self.whole = design, forest, frozenset(whole)
        self.found = set[SumTerm]()
        self.inputs, low = [], 0
        for feature in forest.channels:
            self.inputs.append((low, feature.width))
            low += feature.width
        if design.signals["in_data"].width != low:
            raise Wrong(f"in_data has {design.signals['in_data'].width} bits, the features have {low}")
        self._features: dict[SomeBits, frozenset[int]] = {}
        self._ranges: dict[SumTerm, tuple[int, int]] = {}

    def output(self, number: int) -> SumTerm:
        width = self.forest.result.width
        if self.design.signals["out_data"].width != width * len(self.forest.base):
            raise Wrong("out_data has not the width of all outputs")
        return ("out_data", number * width, width), self.forest.result.signed

    def features(self, bits: SomeBits) -> frozenset[int]:
        """The features that some bits can depend on."""
        bits = (*self.design.source(*bits[:2], bits[2]), bits[2])
        if bits in self._features:
            return self._features[bits]
        if bits[0] == "in_data":
            ends = bits[1], bits[1] + bits[2]
            found = [n for n, (low, width) in enumerate(self.inputs) if low < ends[1] and ends[0] < low + width]
            self._features[bits] = frozenset(found)
        elif bits[0] in self.design.inputs:
            raise Unsupported(f"an output that depends on {bits[0]}")
        else:
            below = [self.features(one) for one in self.design.reads(*bits)]
            self._features[bits] = frozenset().union(*below)
        return self._features[bits]

    def rows(self, term: SumTerm) -> list[tuple[int, Any]]:
        """The signals of one feature that a term is made of, for every bit pattern of the feature."""
        found, seen, stack = list[tuple[int, Any]](), set[SomeBits](), [term[0]]
        while stack:
            bits = stack.pop()
            bits = (*self.design.source(*bits), bits[2])
            features = self.features(bits)
            if bits in seen or not features:
                continue
            seen.add(bits)
            if len(features) > 1 and bits[0] == "in_data":
                raise Unsupported("a signal that joins features as they come in")
            if len(features) > 1:
                stack += self.design.reads(*bits)
                continue
            (feature,) = features
            patterns = {feature: np.arange(1 << self.inputs[feature][1], dtype=np.int64)}
            found.append((feature, self.value((bits, False), patterns)))
        return found

    def value(self, term: SumTerm, patterns: dict[int, Any], known: dict[Any, Any] | None = None) -> Any:
        """A term on bit patterns of features."""
        known = {} if known is None else known
        known.setdefault("in_data", [(*self.inputs[feature], one) for feature, one in patterns.items()])
        (name, low, width), signed = term
        bits = np.asarray(self.design.bits(name, low, width, known))
        return bits - ((bits >> (width - 1)) << width) if signed else bits

    def domain(self, term: SumTerm | None, trees: Iterable[PlainTree]) -> Outcomes:
        rows = [row for tree in trees for row in tree_rows(tree)]
        rows += self.rows(term) if term else []
        features = {feature for feature, _ in rows} | (self.features(term[0]) if term else set())
        return Outcomes({feature: 1 << self.inputs[feature][1] for feature in features}, rows)

    def range(self, term: SumTerm) -> tuple[int, int]:
        """Least and greatest number that a term takes."""
        if term not in self._ranges:
            value = self.value(term, self.domain(term, ()).patterns)
            self._ranges[term] = int(value.min()), int(value.max())
        return self._ranges[term]

    def form(self, term: SumTerm) -> Counter[SumTerm | None]:
        """A term as a sum: what to add and how often; a constant under None. Equal as integers, not only modulo."""
        (name, low, width), signed = term
        name, low = self.design.source(name, low, width)
        signal, same = self.design.signals[name], ((name, low, width), signed)
        pieces = [piece for piece in signal.pieces if piece[:2] == (low, width)]
        if same in self.whole:
            return Counter({same: 1})
        try:
            if signal.value is not None or len(pieces) != 1:
                raise Unsupported("not a sum")
            own_width, own_sign = self.design.size(pieces[0][2])
            found = self._modulo(pieces[0][2], own_sign or (signed and own_width >= width and pieces[0][2][0] == "cat"))
            least, most = self._interval(found)
            if not -(signed << (width - 1)) <= least <= most < 1 << (width - signed):
                raise Unsupported("a sum that may leave its signal")
        except Unsupported:
            return Counter({same: 1})
        self.found.add(same)
        return Counter({key: number for key, number in found.items() if number})

    def _interval(self, form: Counter[SumTerm | None]) -> tuple[int, int]:
        ends = [(n, n) if t is None else sorted(n * end for end in self.range(t)) for t, n in form.items()]
        return sum(end[0] for end in ends), sum(end[1] for end in ends)

    def _modulo(self, e: Expr, signed: bool) -> Counter[SumTerm | None]:
        """What an expression is modulo two to the width of its context, whose sign is given."""
        kind = e[0]
        if kind in ("get", "slice"):
            return self.form(((e[1], e[3], e[2] - e[3] + 1), signed))
        if kind == "num":
            return Counter({None: e[3] - (e[3] >> (e[1] - 1) << e[1] if signed else 0)})
        if kind == "cat":
            return self._joined(e, signed)
        if kind == "signed" and e[1][0] in ("get", "slice", "cat"):
            return self._modulo(e[1], signed)
        if kind == "un" and e[1] == "-":
            return Counter({key: -number for key, number in self._modulo(e[2], signed).items()})
        if kind == "bin" and e[1] == "<<<" and e[3][0] == "num":
            return Counter({key: number << e[3][3] for key, number in self._modulo(e[2], signed).items()})
        if kind == "bin" and e[1] in "+-":
            total = self._modulo(e[2], signed)
            for key, number in self._modulo(e[3], signed).items():
                total[key] += number if e[1] == "+" else -number
            return total
        raise Unsupported("not a sum")

    def _joined(self, e: Expr, signed: bool) -> Counter[SumTerm | None]:
        """The number of joined bits: zeros below a number, and above it zeros or copies of its sign."""
        parts = [inner for part in e[1:] for inner in (part[1:] if part[0] == "cat" else [part])]
        shift = 0
        while len(parts) > 1 and parts[-1][0] == "num" and parts[-1][3] == 0:
            shift += parts.pop()[1]
        *above, last = parts
        if last[0] not in ("get", "slice"):
            raise Unsupported("not a number")
        zeros = bool(above) and all(part[0] == "num" and part[3] == 0 for part in above)
        if above and not zeros:
            top = self.design.source(last[1], last[2], 1)
            copies = [part[0] == "slice" and part[2] == part[3] for part in above]
            if not (signed and all(copies) and all(self.design.source(part[1], part[2], 1) == top for part in above)):
                raise Unsupported("not a number")
        inner = self.form(((last[1], last[3], last[2] - last[3] + 1), signed and not zeros))
        return Counter({key: number << shift for key, number in inner.items()})


def term_of(written: list[Any]) -> SumTerm:
    """A term of the certificate."""
    name, low, width, signed = written
    return (name, low, width), signed


def functions_of(forest: TreeSum, output: int) -> dict[tuple[int, int], PlainTree]:
    """The trees that add to an output, by their number and the place in their leaf."""
    found = dict[tuple[int, int], PlainTree]()
    for number, (first, trees) in enumerate(zip(forest.output, forest.trees, strict=True)):
        found |= {(number, place): tree for place, tree in enumerate(trees) if first + place == output}
    return found


def check_rtl(design: Circuit, forest: TreeSum, groups: list[list[dict[str, Any]]]) -> str:
    """Each output of the Verilog is the base margin plus the trees of design.ir, as integers."""
    whole = [term_of(group["term"]) for mine in groups for group in mine if group["term"]]
    sums, points, terms = OutputSums(design, forest, whole), 0, 0
    for bit in range(design.signals["out_data"].width):
        design.depth("out_data", bit, 1)  # No loops: registers may count as wires.
    if len(groups) != len(forest.base):
        raise Wrong("the certificate has another number of outputs")
    for output, mine in enumerate(groups):
        form = sums.form(sums.output(output))
        total, trees = form.pop(None, 0) - forest.base[output], functions_of(forest, output)
        for group in mine:
            term = term_of(group["term"]) if group["term"] else None
            own = [trees.pop((key[0], key[1]), None) for key in group["trees"]]
            named = [tree for tree in own if tree is not None]
            times = form.pop(term, 0) if term else 0
            if len(named) < len(own) or (term and not times):
                raise Wrong(f"output {output}: a signal or a tree is missing, or named twice")
            domain = sums.domain(term, named)
            value = times * sums.value(term, domain.patterns) if term else np.int64(0)
            difference = np.asarray(value - sum(tree_value(tree, domain.patterns) for tree in named))
            if difference.min() != difference.max():
                raise Wrong(f"output {output}: {term and term[0][0]} is not the sum of trees {group['trees']}")
            total += int(difference.min())
            points, terms = points + difference.size, terms + bool(term)
        if form or trees or total:
            raise Wrong(f"output {output}: {len(form)} signals, {len(trees)} trees and {total} remain")
    return f"{len(groups)} outputs, sums of {terms} signals on all {points:,} combinations of their comparisons"


def check_timing(design: Circuit) -> str:
    """`valid` accompanies the data."""
    for name in ("valid", "out_valid", "rst", "in_valid"):
        if name not in design.signals:
            raise Unsupported(f"a top module without {name}")
    cycles = design.signals["valid"].width
    (_, _, loads), *more = design.signals["valid"].pieces
    one = ("get", "in_valid", 0, 0)
    shifted = ("cat", ("slice", "valid", cycles - 2, 0), one) if cycles > 1 else one
    zeros = ("cat", *[("num", 1, False, 0)] * cycles)
    if more or loads != ("if", ("get", "rst", 0, 0), zeros, shifted):
        raise Unsupported("registers of valid that are not a plain shift register")
    if design.signals["out_valid"].pieces != [(0, 1, ("slice", "valid", cycles - 1, cycles - 1))]:
        raise Wrong("out_valid is not the last bit of valid")
    depths = {design.depth("out_data", bit, 1) for bit in range(design.signals["out_data"].width)} - {None}
    if depths - {cycles}:
        raise Wrong(f"data take {sorted(depths)} cycles, valid takes {cycles}")  # type: ignore[type-var]
    return f"{cycles} cycles on every path, as valid"


CHECKS: dict[str, Callable[[Folder, dict[str, Any]], str]] = {
    "model": lambda build, claim: check_model(json.loads(build.text(claim["file"])), build.forest),
    "rtl": lambda build, claim: check_rtl(build.design, build.forest, claim["outputs"]),
    "timing": lambda build, claim: check_timing(build.design),
}


def check(folder: Path, certificate: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """For each claim: "proved" or "FAILED", its name, and on what grounds; then what is not covered."""
    if certificate["format"] != FORMAT:
        raise Unsupported(f"a certificate of format {certificate['format']}")
    build = Folder(folder)
    for claim in certificate["claims"]:
        try:
            yield "proved", claim["claim"], CHECKS[claim["claim"]](build, claim)
        except (Wrong, Unsupported, LookupError, ValueError, TypeError) as error:
            yield "FAILED", claim["claim"], f"{type(error).__name__}: {error}"
    for name, reason in certificate["not_covered"].items():
        yield "not covered", name, reason


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    certificate = json.loads((folder / "proof/certificate.json").read_text(encoding="utf-8"))
    start, good = time.perf_counter(), bool(certificate["claims"])
    for state, name, reason in check(folder, certificate):
        good &= state != "FAILED"
        sys.stdout.write(f"{state}: {name}: {reason}\n")
    sys.stdout.write(f"{'every claim holds' if good else 'NOT PROVED'}, {time.perf_counter() - start:.1f} s\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
