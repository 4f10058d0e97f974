"""Casts and narrowed sums against the real ``ap_fixed`` header of the hls4ml wheel: every raw integer."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, cast_raw
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Input, MatMul, Value
from fasttrig.ir.verify import verify

HERE = Path(__file__).parent
N_SLICES = 8
BY_DAY = (0, 3, 5, 6)
"""Slices with half of the casts: every pair of signs, every number of dropped bits, every mode. The rest is nightly."""
AT_ONCE = 2
"""Compilers that run at the same time: each takes a gigabyte or two."""
ROUNDINGS, OVERFLOWS = tuple(Rounding), tuple(Overflow)
N_INPUTS, N_EVENTS = 5, 400


@dataclass(frozen=True)
class CastRecord:
    source: FixedType
    target: FixedType
    rounding: Rounding
    overflow: Overflow
    result: IntArray

    @property
    def label(self) -> str:
        return f"{self.source} -> {self.target} {self.rounding.name} {self.overflow.name}"


def ap_types() -> Path:
    spec = importlib.util.find_spec("hls4ml")
    if spec is None or not spec.submodule_search_locations or shutil.which("g++") is None:
        pytest.skip("needs g++ and the ap_fixed header of the hls4ml wheel")
    return Path(spec.submodule_search_locations[0]) / "templates/vivado/ap_types"


def compile_and_run(source: str, folder: Path, slices: tuple[int, ...], n_slices: int) -> list[IntArray]:
    """Compile `source` once per slice; what each program wrote."""
    programs = {index: folder / f"{source}.{index}" for index in slices}
    for first in range(0, len(slices), AT_ONCE):
        compile_slices(source, {index: programs[index] for index in slices[first : first + AT_ONCE]}, n_slices)
    written = []
    for program in programs.values():
        subprocess.run([str(program), f"{program}.bin"], check=True, timeout=60)
        written.append(np.fromfile(f"{program}.bin", dtype="<i4").astype(np.int64))
    return written


def compile_slices(source: str, programs: dict[int, Path], n_slices: int) -> None:
    include = ap_types()
    compilers = [
        subprocess.Popen(
            [
                "g++",
                "-std=c++17",
                "-O0",
                "-w",
                f"-DSLICE={index}",
                f"-DN_SLICES={n_slices}",
                f"-I{include}",
                str(HERE / source),
                "-o",
                str(program),
            ]
        )
        for index, program in programs.items()
    ]
    assert [compiler.wait(timeout=600) for compiler in compilers] == [0] * len(programs)


def read_casts(words: IntArray) -> list[CastRecord]:
    records, start = [], 0
    while start < len(words):
        ws, is_, ss, wt, it, st, q, o, n = (int(word) for word in words[start : start + 9])
        result = words[start + 9 : start + 9 + n]
        source, target = FixedType(ws, is_, bool(ss)), FixedType(wt, it, bool(st))
        records.append(CastRecord(source, target, ROUNDINGS[q], OVERFLOWS[o], result))
        start += 9 + n
    return records


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(BY_DAY, id="half"),
        pytest.param(
            tuple(index for index in range(N_SLICES) if index not in BY_DAY), id="rest", marks=pytest.mark.nightly
        ),
    ],
)
def casts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[CastRecord]:
    written = compile_and_run("ap_cast.cpp", tmp_path_factory.mktemp("ap_cast"), request.param, N_SLICES)
    return [record for words in written for record in read_casts(words)]


def test_every_cast_gives_the_headers_bits(casts: list[CastRecord]) -> None:
    different: Counter[str] = Counter()
    for record in casts:
        raw = np.arange(record.source.min_raw, record.source.max_raw + 1)
        ours = cast_raw(raw, record.source, record.target, record.rounding, record.overflow)
        changed = int(np.count_nonzero(ours != record.result))
        if changed:
            different[record.label] = changed
    assert not different, f"{different.total()} casts differ: {different.most_common(20)}"


def test_the_casts_cover_what_they_should(casts: list[CastRecord]) -> None:
    assert sum(len(record.result) for record in casts) > 500_000
    modes = {(record.rounding, record.overflow) for record in casts}
    assert len(modes) == len(ROUNDINGS) * len(OVERFLOWS)
    drops = [record.source.fraction_bits - record.target.fraction_bits for record in casts]
    widths = [record.source.width for record in casts]
    assert min(drops) < 0
    assert any(drop == width for drop, width in zip(drops, widths, strict=True))
    assert any(drop > width + 1 for drop, width in zip(drops, widths, strict=True))
    assert any(record.target.integer_bits < 0 for record in casts)
    assert any(record.target.integer_bits > record.target.width for record in casts)
    assert any(record.target.width == 1 and record.target.signed for record in casts)


def test_narrowed_sums_give_the_headers_bits(tmp_path: Path) -> None:
    (words,) = compile_and_run("ap_sum.cpp", tmp_path, (0,), 1)
    per_event = 2 * N_INPUTS + 2
    records = words.reshape(-1, 14 + N_EVENTS * per_event)
    assert len(records) == 6 * len(ROUNDINGS) * len(OVERFLOWS)
    for record in records:
        types = [FixedType(int(w), int(i), bool(s)) for w, i, s in record[:12].reshape(4, 3)]
        rounding, overflow = ROUNDINGS[record[12]], OVERFLOWS[record[13]]
        ours, theirs = narrowed_sums(types, rounding, overflow, record[14:].reshape(N_EVENTS, per_event))
        assert np.array_equal(ours, theirs), f"{[str(t) for t in types]} {rounding} {overflow}"


def narrowed_sums(
    types: list[FixedType], rounding: Rounding, overflow: Overflow, events: IntArray
) -> tuple[IntArray, IntArray]:
    """Our sums and the header's. Every event has its own weights, so each of the first 40 is a graph of its own."""
    ours = []
    for event in events[:40]:
        x, w, bias = event[:N_INPUTS], event[N_INPUTS : 2 * N_INPUTS], event[-2:-1]
        graph = narrowed_graph(types, rounding, overflow, w, bias)
        ours.append(int(evaluate(graph, x[None, :]).outputs["y"][0, 0]))
    return np.array(ours), events[:40, -1]


def narrowed_graph(
    types: list[FixedType], rounding: Rounding, overflow: Overflow, weight: IntArray, bias: IntArray
) -> Graph:
    operand, weight_type, bias_type, accum = types
    x = Value("x", (N_INPUTS,), operand)
    op = MatMul(
        result=Value("y", (1,), accum),
        operand=x,
        narrowed=True,
        accum_rounding=rounding,
        accum_overflow=overflow,
        weight=Const("w", weight_type, weight[:, None]),
        bias=Const("b", bias_type, bias),
    )
    graph = Graph("sum", (Input(result=x), op), (op.result,))
    verify(graph)
    return graph
