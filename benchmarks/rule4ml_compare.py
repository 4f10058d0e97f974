"""Median error of fasttrig's estimates beside rule4ml's, on published HLS reports that both can describe.

Both can describe: dense layers without pruned weights, a board that rule4ml knows, no stream. rule4ml takes one
precision for a whole design: where weights and inputs differ it is asked with either, and the better median counts.
fasttrig's numbers are cross-validated (the design's own repository or shape is left out of the fit); rule4ml's are
those of the weights in its wheel. rule4ml takes no clock: it was trained on networks, at 10 ns and with reuse factors
up to 64; the reports are mostly of 5 ns. So its fair row is that of networks; single layers lie outside what it learnt.

rule4ml needs TensorFlow and PyTorch, and they an environment of their own, which `--install` makes:

    python benchmarks/rule4ml_compare.py --install    once: a virtual environment (2 GB) outside the repository
    python benchmarks/rule4ml_compare.py [--json]

The environment is in $FASTTRIG_RULE4ML, or in the cache folder; without it the comparison is `not run`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fasttrig.estimate.cost_model import predict, rounded
from fasttrig.estimate.fitting import CalibrationSample, fit_constants, read_samples
from fasttrig.estimate.records import load_records

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PLACE = Path(os.environ.get("FASTTRIG_RULE4ML") or CACHE / "fasttrig" / "rule4ml")
PACKAGES = (
    "torch==2.13.0",
    "tensorflow-cpu",
    "keras",
    "pandas",
    "scikit-learn",
    "tqdm",
    "keras_tuner",
    "optuna",
    "torch-geometric",
)
RULE4ML = "rule4ml==0.2.0"
BOARDS = {"xcu250": "alveo-u250", "xcu200": "alveo-u200", "xc7z020": "pynq-z2", "xczu9eg": "zcu102"}
QUANTITIES = ("lut", "ff", "dsp", "latency_cycles")
EVERY_NTH = 12  # of the 574 reports of one shared dense layer
DOMAIN_REUSE = 64

WORKER = Path(__file__).with_name("rule4ml_worker.py")


def main() -> None:
    if "--install" in sys.argv:
        install()
        return
    python = PLACE / "bin" / "python"
    if not python.is_file():
        print(f"not run: rule4ml has no environment in {PLACE}; {Path(__file__).name} --install makes it")
        return
    samples = read_samples(load_records())
    chosen = [s for s in samples if both_can(s)]
    shared = [s for s in chosen if s.design.regime == "single_resource"]
    chosen = [s for s in chosen if s.design.regime != "single_resource"] + shared[::EVERY_NTH]
    theirs = ask_rule4ml(python, [question(s) for s in chosen])
    ours = cross_validated(samples, chosen)
    rows = table(chosen, ours, theirs)
    if "--json" in sys.argv:
        print(json.dumps(rows, indent=1))
    else:
        show(rows)


def install() -> None:
    """The environment; the package's own list of requirements would pull a CUDA build of PyTorch."""
    venv.create(PLACE, with_pip=True)
    pip = [str(PLACE / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    for packages in (["torch==2.13.0"], list(PACKAGES), ["--no-deps", RULE4ML]):
        subprocess.run([*pip, *packages], check=True)


def both_can(sample: CalibrationSample) -> bool:
    """Whether rule4ml can be asked for the design of a report at all."""
    record, layers = sample.record, sample.record["layers"]
    matrices = [layer for layer in layers if layer["kind"] == "dense"]
    known = all(layer["kind"] in ("dense", "activ") for layer in layers) and matrices
    if record["stage"] != "csynth" or not known or board(record["part"]) is None or "nnet::array" in record["input_t"]:
        return False
    pruned = any(
        0 < layer.get("n_nonzeros", 0) < layer["n_in"] * layer["n_out"] or layer.get("n_zeros") for layer in matrices
    )
    return not pruned and len({layer.get("weight_t") for layer in matrices}) == 1


def board(part: str) -> str | None:
    return next((name for prefix, name in BOARDS.items() if part.startswith(prefix)), None)


def question(sample: CalibrationSample) -> dict[str, Any]:
    """What the worker asks rule4ml: sizes, board, strategy, precision, reuse factor and versions."""
    record = sample.record
    matrices = [layer for layer in record["layers"] if layer["kind"] == "dense"]
    activated = len(record["layers"]) > len(matrices)
    version = "2020.1" if sample.design.family == "vivado_hls_2020" else None
    said = [word for word in record["tool"].replace(",", " ").split() if word[:2] == "20" and "." in word]
    types = (matrices[0].get("weight_t") or "ap_fixed<16,6>", record["input_t"])
    return {
        "sizes": [matrices[0]["n_in"], *(layer["n_out"] for layer in matrices)],
        "activated": activated,
        "board": board(record["part"]),
        "strategy": record["strategy"],
        "reuse_factor": record["reuse_factor"],
        "precisions": [str(one).replace(",", ", ") for one in types],
        "vivado": version or (said[0] if said else "2020.1"),
        "hls4ml": "1.1.0" if "vitis" in sample.design.family else "0.8.1",
    }


def ask_rule4ml(python: Path, questions: Sequence[dict[str, Any]]) -> list[list[dict[str, float]]]:
    """Its answers with the weights' precision, and with the inputs', from its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked.json", Path(folder) / "answered.json"
        asked.write_text(json.dumps(list(questions)), encoding="utf-8")
        environment = {
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
            "PATH": os.environ["PATH"],
            "HOME": folder,
        }
        subprocess.run(
            [str(python), str(WORKER), str(asked), str(answered)],
            check=True,
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        answers: list[list[dict[str, float]]] = json.loads(answered.read_text(encoding="utf-8"))
    return [list(one) for one in zip(*answers, strict=True)]


def cross_validated(
    samples: Sequence[CalibrationSample], chosen: Sequence[CalibrationSample]
) -> list[dict[str, float]]:
    """fasttrig's numbers of the chosen designs, each from a fit without its family."""
    constants = {
        family: fit_constants([s for s in samples if s.record["family"] != family])
        for family in {s.record["family"] for s in chosen}
    }
    numbers = [predict(s.design, constants[s.record["family"]]) for s in chosen]
    return [{name: float(rounded(name, found[name])) for name in QUANTITIES} for found in numbers]


def table(
    chosen: Sequence[CalibrationSample], ours: Sequence[dict[str, float]], theirs: Sequence[Sequence[dict[str, float]]]
) -> list[dict[str, Any]]:
    """One row per set of designs and quantity: median of |estimate / report - 1|; of DSP where the report has any."""
    rows = []
    for name, sample_of in _sets().items():
        inside = [index for index, sample in enumerate(chosen) if sample_of(sample)]
        for quantity in QUANTITIES:
            used = [i for i in inside if chosen[i].record.get(quantity, 0) > 0]
            if used:
                errors = [
                    statistics.median(abs(found[i][quantity] / chosen[i].record[quantity] - 1) for i in used)
                    for found in (ours, *theirs)
                ]
                rows.append(
                    {
                        "designs": name,
                        "quantity": quantity,
                        "n": len(used),
                        "fasttrig": round(errors[0], 3),
                        "rule4ml": round(min(errors[1:]), 3),
                    }
                )
    return rows


def _sets() -> dict[str, Any]:
    return {
        "one dense layer, Latency": lambda s: s.design.regime in ("single_latency", "single_reused"),
        "one dense layer, Resource": lambda s: s.design.regime in ("single_resource", "single_resource_one"),
        "networks": lambda s: s.design.regime.startswith("network"),
        f"all with reuse factor up to {DOMAIN_REUSE}": lambda s: s.record["reuse_factor"] <= DOMAIN_REUSE,
        "all": lambda s: True,
    }


def show(rows: Sequence[dict[str, Any]]) -> None:
    print(f"{'designs':32s} {'quantity':16s} {'n':>4s} {'fasttrig':>9s} {'rule4ml':>9s}")
    for row in rows:
        print(f"{row['designs']:32s} {row['quantity']:16s} {row['n']:4d} {row['fasttrig']:9.1%} {row['rule4ml']:9.1%}")


if __name__ == "__main__":
    main()
