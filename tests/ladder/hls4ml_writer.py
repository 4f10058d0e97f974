"""Projects as hls4ml itself writes them, from seeded lists of layers; also a program: one written by another release.

``PYTHONPATH=<folder of that release> python hls4ml_writer.py OUT SEED...`` writes the same networks to ``OUT/<seed>``.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np

Layers = list[dict[str, Any]]
Precisions = dict[str, dict[str, Any]]

ACCUMULATORS = ("fixed<24,10>", "fixed<12,5,RND,SAT,0>", "fixed<14,3,TRN,WRAP,0>", "fixed<11,4,TRN,SAT,0>")
RESULTS = ("fixed<16,6>", "fixed<10,4,RND_CONV,SAT,0>", "fixed<9,2,TRN_ZERO,WRAP,0>", "ufixed<9,3,RND,SAT,0>")
ACTIVATIONS = ("relu", "linear", "sigmoid", "tanh", "leaky", "prelu", "normalise", "relu6")
STRATEGIES = (("latency", 1), ("resource", 1), ("resource", 2), ("resource", 4), ("resource", 16))


def dense_network(seed: int) -> tuple[Layers, Precisions]:
    """Two or three dense layers of 8 inputs each with an activation after each; a softmax at the end of some."""
    rng = np.random.default_rng(seed)

    def one_of(choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    layers: Layers = [{"class_name": "InputLayer", "name": "x", "input_shape": [8]}]
    settings: Precisions = {"x": {"Precision": {"result": "fixed<10,4>"}}}
    for index in range(int(rng.integers(2, 4))):
        strategy, reuse = one_of(STRATEGIES)
        name = f"fc{index}"
        dense = {
            **{"class_name": "Dense", "name": name, "n_in": 8, "n_out": 8, "use_bias": True},
            **{"weight_data": rng.normal(0, 0.7, (8, 8)), "bias_data": rng.normal(0, 0.7, 8)},
        }
        precision = {
            **{"weight": "fixed<8,2>", "bias": one_of(("fixed<8,2>", "fixed<14,3>"))},
            **{"accum": one_of(ACCUMULATORS), "result": one_of(RESULTS)},
        }
        settings[name] = {"Precision": precision, "Strategy": strategy, "ReuseFactor": reuse}
        layers += [dense, _activation(one_of(ACTIVATIONS), f"act{index}", rng)]
        settings[f"act{index}"] = {"Precision": {"result": one_of(RESULTS), "table": "fixed<14,3>"}, "TableSize": 256}
    kind = one_of(("stable", "latency", ""))
    if kind:
        layers.append({"class_name": "Softmax", "name": "probability", "n_in": 8, "activation": "softmax"})
        tables = dict.fromkeys(("exp_table", "inv_table"), "fixed<14,6,RND,SAT,0>")
        wide = {"accum": "fixed<16,9,RND,SAT,0>", "inv_inp": "fixed<16,9,RND,SAT,0>"}
        settings["probability"] = {
            "Precision": {"result": "ufixed<12,1,RND,SAT,0>", **tables, **wide, "inp_norm": "ufixed<10,5>"},
            **{"Implementation": kind, "Strategy": kind, "TableSize": 256, "exp_table_size": 256},
        }
        layers[-1] |= {"n_outer": 1, "n_inner": 1, "axis": -1}
    return layers, settings


MERGES = ("add", "subtract", "multiply", "average", "maximum", "minimum")


def merging_network(seed: int) -> tuple[Layers, Precisions]:
    """Every merge of two dense layers, one after the other; then side by side with the input, and a dot product."""
    rng = np.random.default_rng(seed)
    layers: Layers = [{"class_name": "InputLayer", "name": "x", "input_shape": [8]}]
    settings: Precisions = {"x": {"Precision": {"result": "fixed<10,4>"}}}
    last = "x"
    for index, merge in enumerate(MERGES):
        for name, source in ((f"a{index}", last), (f"b{index}", "x")):
            weights = {"weight_data": rng.normal(0, 0.5, (8, 8)), "bias_data": rng.normal(0, 0.5, 8)}
            layers.append({"class_name": "Dense", "name": name, "n_in": 8, "n_out": 8, "inputs": [source], **weights})
            result = RESULTS[int(rng.integers(len(RESULTS)))]
            precision = {"weight": "fixed<8,2>", "bias": "fixed<8,2>", "accum": "fixed<20,8>", "result": result}
            settings[name] = {"Precision": precision, "Strategy": "latency", "ReuseFactor": 1}
        last = f"{merge}{index}"
        layers.append({"class_name": "Merge", "name": last, "op": merge, "inputs": [f"a{index}", f"b{index}"]})
        settings[last] = {"Precision": {"result": RESULTS[int(rng.integers(len(RESULTS)))]}}
    joined = {"class_name": "Concatenate", "name": "joined", "op": "concatenate1d", "axis": -1, "inputs": [last, "x"]}
    dot = {"class_name": "Dot", "name": "dot", "op": "dot1d", "axes": 1, "inputs": ["joined", "joined"]}
    settings["joined"] = {"Precision": {"result": "fixed<11,5,RND,SAT,0>"}}
    settings["dot"] = {"Precision": {"accum": "fixed<20,12>", "result": "fixed<16,9>"}}
    return [*layers, joined, dot], settings


def _activation(kind: str, name: str, rng: np.random.Generator) -> dict[str, Any]:
    if kind == "leaky":
        return {
            **{"class_name": "LeakyReLU", "name": name, "n_in": 8, "activation": "leaky_relu"},
            **{"activ_param": 0.3, "param_data": np.array(0.3)},
        }
    if kind == "prelu":
        slopes = rng.normal(0, 0.5, 8)
        return {"class_name": "PReLU", "name": name, "n_in": 8, "activation": "prelu", "param_data": slopes}
    if kind == "normalise":
        return {
            **{"class_name": "BatchNormalization", "name": name, "n_in": 8, "n_filt": -1, "use_gamma": True},
            **{
                "use_beta": True,
                "epsilon": 0.001,
                "gamma_data": rng.normal(1, 0.3, 8),
                "beta_data": rng.normal(0, 1, 8),
            },
            **{"mean_data": np.zeros(8), "variance_data": np.full(8, 0.9)},
        }
    return {"class_name": "Activation", "name": name, "n_in": 8, "activation": kind}


def write_project(
    folder: Path, layers: Layers, settings: Precisions, *, io_type: str = "io_parallel", backend: str = "Vitis"
) -> Path:
    """Let the installed hls4ml write the project; what it prints is dropped."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        import hls4ml
        from hls4ml.model.graph import ModelGraph
        from hls4ml.utils.config import create_config

        config = create_config(output_dir=str(folder), project_name="net", backend=backend, io_type=io_type)
        config["Stamp"] = "0"
        config["HLSConfig"] = {
            "Model": {"Precision": "fixed<16,6>", "ReuseFactor": 1, "Strategy": "Latency"},
            "LayerName": settings,
        }
        if hasattr(ModelGraph, "from_layer_list"):
            model = ModelGraph.from_layer_list(config, layers)
        else:
            model = ModelGraph(config, layers)
        for flow in hls4ml.model.flow.get_flow(model.config.backend.get_default_flow()).requires:
            model.apply_flow(flow)
        model.apply_flow(model.config.backend.get_default_flow())
        model.write()
    return folder


if __name__ == "__main__":
    for seed in sys.argv[2:]:
        write_project(Path(sys.argv[1]) / seed, *dense_network(int(seed)))
