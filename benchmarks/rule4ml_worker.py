"""Asks rule4ml, inside its own environment: `rule4ml_worker.py ASKED.json ANSWERED.json` (see rule4ml_compare.py)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(asked: Path, answered: Path) -> None:
    from rule4ml.models.wrappers import MultiModelWrapper

    estimator = MultiModelWrapper()
    estimator.load_default_models()
    answers = [ask(estimator, question) for question in json.loads(asked.read_text(encoding="utf-8"))]
    answered.write_text(json.dumps(answers), encoding="utf-8")


def ask(estimator: Any, question: dict[str, Any]) -> list[dict[str, float]]:
    """LUT, FF, DSP and cycles of one design, for each of the precisions."""
    settings = {name: question[name] for name in ("strategy", "reuse_factor")}
    model = network(question["sizes"], question["activated"])
    found: dict[str, dict[str, float]] = {}
    for precision in question["precisions"]:
        if precision in found:
            continue
        config = {"board": question["board"], "model": settings | {"precision": precision}}
        frame = estimator.predict(
            model, hls_configs=[config], hls4ml_versions=question["hls4ml"], vivado_versions=question["vivado"]
        )
        row = frame.iloc[0]
        found[precision] = {
            "lut": float(row["LUT"]),
            "ff": float(row["FF"]),
            "dsp": float(row["DSP"]),
            "latency_cycles": float(row["CYCLES"]),
        }
    return [found[precision] for precision in question["precisions"]]


def network(sizes: list[int], activated: bool) -> Any:
    """Dense layers with ReLU between and softmax behind, or one bare dense layer."""
    import keras

    value = inputs = keras.layers.Input((sizes[0],))
    for index, n_out in enumerate(sizes[1:]):
        last = index == len(sizes) - 2
        function = None if not activated else "softmax" if last else "relu"
        value = keras.layers.Dense(n_out, activation=function)(value)
    model = keras.Model(inputs, value)
    model.build((None, sizes[0]))
    return model


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print("not run on its own: see rule4ml_compare.py")
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
