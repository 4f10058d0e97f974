"""Events per second of the compiled emulator on models/jet_bdt (20 rounds x 5 classes, depth 4), on one thread.

The events are those of the embedded sample. The peers are XGBoost's own `inplace_predict`, the library that TL2cgen
compiles (pip install 'fasttrig[bench]') and conifer's C-simulation of the same ensemble (minutes to compile, with its
own flags). All get the trees with their leaves on the firmware's grid, and are first compared with the emulator, bit
for bit.

    python benchmarks/forest_emulator.py [rounds] [--no-conifer]
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from turns import MACHINES, Runs, check, compiled, measure, one_thread, rounds, show

import fasttrig
from fasttrig.base.fixed import FloatArray, IntArray, to_value
from fasttrig.data.readers import load_jets5
from fasttrig.design import Design
from fasttrig.emulator.evaluate import evaluate

N_TIMES, N_EVENTS_CONIFER = 3, 2_000
COMPILE_BAR_S = 6.0
BARS = (
    ("", "XGBoost", 8),
    ("", "TL2cgen", 8),
    ("", "conifer", 2000),
    *((machine, "XGBoost", 1) for machine in ("avx2", "sse4", *MACHINES)),
    *((machine, "conifer", 200) for machine in ("avx2", "sse4", *MACHINES)),
)
"""Of issue 4; a machine without AVX-512 runs the kernel avx2 or sse4, or what is compiled for it alone."""


def on_the_grid(design: Design, path: Path) -> Path:
    """XGBoost's file of the model with the leaves that the firmware has."""
    document = json.loads(Path(design.source).read_text(encoding="utf-8"))
    bits = design.graph.outputs[0].type.fraction_bits
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        leaf = np.array(tree["left_children"]) == -1
        numbers = np.array(tree["split_conditions"])
        tree["split_conditions"] = np.where(leaf, np.ldexp(np.rint(np.ldexp(numbers, bits)), -bits), numbers).tolist()
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def xgboost_run(file: Path, values: FloatArray, want: FloatArray) -> Callable[[], object]:
    import xgboost

    booster = xgboost.Booster(model_file=str(file))
    booster.set_param({"nthread": 1})
    _require_equal("XGBoost", booster.inplace_predict(values, predict_type="margin"), want)
    return lambda: booster.inplace_predict(values, predict_type="margin")


def tl2cgen_run(file: Path, values: FloatArray, want: FloatArray, folder: Path) -> Callable[[], object]:
    import tl2cgen
    import treelite

    model = treelite.frontend.load_xgboost_model(str(file))
    library = folder / "tl2cgen.so"
    tl2cgen.export_lib(model, toolchain="gcc", libpath=library, params={"parallel_comp": 0}, nthread=1)
    predictor, matrix = tl2cgen.Predictor(library, nthread=1), tl2cgen.DMatrix(values)
    _require_equal("TL2cgen", predictor.predict(matrix, pred_margin=True), want)
    return lambda: predictor.predict(matrix, pred_margin=True)


def conifer_run(design: Design, raw: IntArray, want: FloatArray, folder: Path) -> Callable[[], object]:
    from conifer_csim import conifer_model

    model = conifer_model(design.graph, folder)
    model.compile()
    x = to_value(raw, design.graph.inputs[0].result.type)
    _require_equal("conifer", model.decision_function(x), want)
    return lambda: model.decision_function(x)


def _require_equal(peer: str, margins: Any, want: FloatArray) -> None:
    if not np.array_equal(np.asarray(margins, dtype=np.float64).reshape(want.shape), want):
        raise SystemExit(f"{peer} and the emulator differ: nothing to compare")


def main() -> None:
    one_thread()
    design = fasttrig.read(Path(__file__).resolve().parent.parent / "models" / "jet_bdt")
    assert design.inputs is not None
    raw = np.tile(design.inputs.to_raw(load_jets5()[0]), (N_TIMES, 1))
    output, values = design.graph.outputs[0], to_value(raw, design.graph.inputs[0].result.type).astype(np.float32)
    want = to_value(evaluate(design.graph, raw).outputs[output.name], output.type)
    with tempfile.TemporaryDirectory(prefix="fasttrig-benchmark-") as name:
        runs, missed = compiled(design.graph, raw, Path(name), COMPILE_BAR_S)
        file = on_the_grid(design, Path(name) / "grid.json")
        peers: Runs = {
            "NumPy emulator": (lambda: evaluate(design.graph, raw), len(raw)),
            "XGBoost": (xgboost_run(file, values, want), len(raw)),
        }
        if importlib.util.find_spec("tl2cgen") and importlib.util.find_spec("treelite"):
            peers["TL2cgen"] = tl2cgen_run(file, values, want, Path(name)), len(raw)
        if "--no-conifer" not in sys.argv:
            part = slice(N_EVENTS_CONIFER)
            peers["conifer"] = conifer_run(design, raw[part], want[part], Path(name) / "conifer"), N_EVENTS_CONIFER
        medians = show(measure(runs | peers, rounds(9)))
    check(medians, BARS, missed)


if __name__ == "__main__":
    main()
