"""The calibration records: `data/reports.parquet`, one design per row, and how they are chosen from a collection.

``select`` reads records as `reports.json` has them (architecture, precision, tool, part, clock, counts) and keeps those
whose layers are known: listed, or said in words that leave no doubt (``16-64-32-32-5 MLP``). Each is left out for a
reason of `refusal`.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Record = dict[str, Any]

TABLE = Path(__file__).parent / "data" / "reports.parquet"

_STAGES = {
    "hls_csynth": "csynth",
    "vivado_synth": "synth",
    "post_route": "route",
    "post_route_ooc": "route",
    "post_impl": "route",
}
_COUNTS = {
    "LUT": "lut",
    "FF": "ff",
    "DSP": "dsp",
    "BRAM": "bram18",
    "URAM": "uram",
    "latency_cycles": "latency_cycles",
    "II": "ii_cycles",
}
_MLP = re.compile(r"^(\d+(?:-\d+){2,}) (?:MLP|\+ BatchNorm)")
_GBDT = re.compile(r"GBDT depth (\d+), (\d+) boosting rounds x (\d+) classes, (\d+) features")
_POOLS = {
    "1D": {"n_in": 121, "n_filt": 3, "out_width": 60, "pool_width": 2},
    "2D": {
        "in_width": 15,
        "in_height": 18,
        "n_filt": 3,
        "out_width": 7,
        "out_height": 4,
        "pool_width": 2,
        "pool_height": 4,
    },
}


def load_records(path: Path = TABLE) -> list[Record]:
    """The records that the package carries; a count that a report does not give is absent."""
    import pyarrow.parquet as pq

    rows = pq.read_table(path).to_pylist()
    kept = [{key: content for key, content in row.items() if content is not None} for row in rows]
    return [record | {"layers": json.loads(record["layers"])} for record in kept]


def write_records(records: Iterable[Record], path: Path = TABLE) -> None:
    """Write the table; layers are kept as JSON text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [record | {"layers": json.dumps(record["layers"])} for record in records]
    names = list(dict.fromkeys(key for row in rows for key in row))
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    pq.write_table(table, path, compression="zstd", compression_level=19)


def select(reports: Iterable[dict[str, Any]]) -> Iterator[Record]:
    """Records fit for calibration, in the order given."""
    for report in reports:
        if refusal(report) == "":
            yield _record(report)


def refusal(report: dict[str, Any]) -> str:
    """The reason why a report is not used; empty if it is used."""
    if report["stage"] not in _STAGES:
        return f"stage {report['stage']!r} is no report of a tool"
    if report["group"] not in (
        "hls4ml-real-report",
        "hls4ml-ci-baseline",
        "hls4ml-notebook-report",
        "wa-hls4ml-search-dense1",
        "wa-hls4ml-csv-sample",
        "conifer-real-report",
    ):
        return "not a design of hls4ml or conifer"
    notes = f"{report.get('notes', '')} {report.get('layers_stale', '')}"
    if "SUSPICIOUS" in notes or "STALE" in notes or report.get("layers_stale"):
        return "the collection itself marks it as stale or suspicious"
    if report.get("II") == 1 and report.get("latency_cycles") == 4 and len(report.get("layers", ())) > 20:
        return "latency of 4 cycles for a deep network: the dataflow top was not synthesised"
    if report.get("DSP") == 0 and "LUT_reuse" in report["model"]:
        return "products were bound to LUTs by hand, which no setting of hls4ml says"
    if "many are zero" in report.get("architecture", ""):
        return "its zero weights are not counted"
    if not report.get("tool") and not report.get("part"):
        return "neither its tool nor its part is said"
    if any(layer.get("n_sequence") == 1 for layer in report.get("layers", ())):
        return "the length of its sequence is not in its parameters"
    if any(layer["kind"] == "conv" for layer in report.get("layers", ())):
        return "a convolution without its shape"
    return "" if _layers(report) else "its layers are not known"


def _record(report: dict[str, Any]) -> Record:
    layers = _layers(report)
    kept: Record = {
        "group": report["group"],
        "source": report["source"],
        "family": family(report),
        "model": report["model"],
        "stage": _STAGES[report["stage"]],
        "tool": report.get("tool") or "",
        "part": report.get("part") or "",
        "clock_period_ns": float(report.get("clock_ns") or 5.0),
        "strategy": report.get("strategy") or "latency",
        "reuse_factor": _first(report.get("reuse_factor")),
        "input_t": _input_type(report),
        "layers": layers,
        "provenance": report["provenance"],
    }
    counts = {ours: report[theirs] for theirs, ours in _COUNTS.items() if report.get(theirs) is not None}
    return kept | counts


def family(report: dict[str, Any]) -> str:
    """Designs that must stay together in cross-validation: one repository, or one shape of the single-layer scan."""
    if "d_in" in report:
        return f"dense1 {report['d_in']}x{report['d_out']}"
    return repository(report["source"])


def repository(source: str) -> str:
    """The repository of a source, without its commit: ``github a/b@c0ffee`` -> ``a/b``."""
    return source.removeprefix("github ").split("@")[0].split(" ")[0]


def _first(reuse: Any) -> int:
    return int(max(reuse)) if isinstance(reuse, list) else int(reuse or 1)


def _input_type(report: dict[str, Any]) -> str:
    precision = report.get("precision") or {}
    stream = "io_stream" in report["model"]
    said = str(precision.get("input") or precision.get("all") or "ap_fixed<16,6>").split(" ")[0]
    return f"nnet::array<{said}, 1*1>" if stream else said if "<" in said else "ap_fixed<16,6>"


def _layers(report: dict[str, Any]) -> list[dict[str, Any]]:
    if report.get("layers"):
        return list(report["layers"])
    architecture = report.get("architecture") or ""
    if "d_in" in report:
        weight = f"ap_fixed<{report['prec']},1>"
        return [{"kind": "dense", "n_in": report["d_in"], "n_out": report["d_out"], "weight_t": weight}]
    if _MLP.match(architecture):
        return _mlp(report, [int(n) for n in _MLP.match(architecture)[1].split("-")])  # type: ignore[index]
    if report["group"] == "conifer-real-report":
        return _forest(report, architecture)
    if report["group"] == "hls4ml-ci-baseline":
        return _baseline(report)
    return []


def _mlp(report: dict[str, Any], sizes: list[int]) -> list[dict[str, Any]]:
    architecture, precision = report["architecture"], report.get("precision") or {}
    weight = str(precision.get("weights") or precision.get("all") or "ap_fixed<16,6>").split(" (")[0]
    weight = f"ap_fixed<{weight.split()[0]},1>" if weight.endswith("bit") else weight.split(" ")[0]
    scan = report["group"] == "wa-hls4ml-csv-sample"
    accum = "ap_fixed<16,6>" if "weights" in precision else weight
    layers: list[dict[str, Any]] = []
    for n_in, n_out in itertools.pairwise(sizes):
        dense = {"kind": "dense", "n_in": n_in, "n_out": n_out, "weight_t": weight, "accum_t": accum}
        if not scan:
            dense["n_zeros"] = round(0.75 * n_in * n_out) if "75 %" in architecture else 0
        layers.append(dense)
        if "BatchNorm" in architecture and n_out != sizes[-1]:
            layers.append({"kind": "batchnorm", "n_in": n_out, "weight_t": weight})
        layers.append({"kind": "activ", "n_in": n_out, **({"activation": "relu"} if scan else {})})
    return layers


def _forest(report: dict[str, Any], architecture: str) -> list[dict[str, Any]]:
    found = _GBDT.search(architecture)
    bits = (report.get("precision") or {}).get("all", "ap_fixed<18,8>")
    if found:
        depth, rounds, classes, features = (int(text) for text in found.groups())
        return [
            {
                "kind": "forest",
                "rounds": rounds,
                "depth": depth,
                "classes": classes,
                "n_features": features,
                "precision": bits,
                "library": "hls",
            }
        ]
    if architecture.startswith("GBDT 100 trees, max depth 3"):
        return [{"kind": "forest", "n_trees": 100, "depth": 3, "classes": 2, "precision": bits, "library": "hls"}]
    return []


def _baseline(report: dict[str, Any]) -> list[dict[str, Any]]:
    """hls4ml's synthesis tests; the pooling shapes follow from the FF count: 16 x 121 x 3 + 2 and 16 x 270 x 3 + 2."""
    model = report["model"]
    words = model.split("-")
    if model.startswith(("activations", "dense")):
        n_out, function = (2, "elu") if model.startswith("dense") else (64, words[-1])
        return [{"kind": "dense", "n_in": 1, "n_out": n_out}, {"kind": "activ", "n_in": n_out, "activation": function}]
    if model.startswith("pooling"):
        shape = _POOLS[words[-1][-2:]]
        return [{"kind": "pooling2d" if "2D" in model else "pooling1d", "pool_op": words[-1], **shape}]
    return []
