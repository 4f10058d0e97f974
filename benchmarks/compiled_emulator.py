"""Events per second of the compiled emulator on the jet tagger's network (16-64-32-32-5), on one thread.

Every peer that is installed computes the same events in the same run, turn by turn, and is first compared with the
emulator where it computes in integers: hls4ml's compiled C-simulation, alkaid's interpreter, and ONNX Runtime on the
float32 network of the same weights. Medians and ranges are printed with the ratio of the fastest kernel to each.
The share of the peak is that of a loop of nothing but the kernel's own multiply-add instruction on the same core, the
best rate of many short runs over the best of the loop's: other work on the machine disturbs both, and not equally.

    python benchmarks/compiled_emulator.py [rounds] [--no-hls4ml]
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from turns import MACHINES, Runs, check, compiled, measure, one_thread, rounds, show

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, MatMul
from fasttrig.toolchain.emulator_library import load
from fasttrig.toolchain.run import find_compiler, run

SIZES = (16, 64, 32, 32, 5)
INPUT, WEIGHT, ACTIVATION = FixedType(10, 3), FixedType(6, 1), FixedType(6, 2, signed=False)
N_EVENTS = {"ours": 262_144, "NumPy emulator": 65_536, "ONNX Runtime": 262_144, "alkaid": 65_536, "hls4ml": 4_096}
N_SHORT = 8192
COMPILE_BAR_S = 3.0
BARS = (
    ("", "hls4ml", 600),
    ("", "alkaid", 15),
    ("", "ONNX Runtime", 1),
    *((machine, "hls4ml", 200) for machine in ("avx2", "sse4", *MACHINES)),
)
"""Of issue 4; a machine without AVX-512 runs the kernel avx2 or sse4, or what is compiled for it alone."""

PEAK = """
#include <immintrin.h>
#include <cstdint>
#define LOOP(NAME, TARGET, VECTOR, ZERO, STEP) \\
    extern "C" __attribute__((target(TARGET))) std::int32_t NAME(std::int64_t n) { \\
        VECTOR a[12], x = ZERO, w = ZERO; \\
        for (int i = 0; i < 12; ++i) a[i] = ZERO; \\
        for (std::int64_t k = 0; k < n; ++k) { \\
            asm volatile("" : "+v"(x), "+v"(w)); \\
            _Pragma("GCC unroll 12") for (int i = 0; i < 12; ++i) a[i] = STEP; \\
        } \\
        for (int i = 1; i < 12; ++i) a[0] = a[0] + a[i]; \\
        return static_cast<std::int32_t>(a[0][0]); \\
    }
LOOP(bytes_avx512_vnni, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), _mm512_dpbusd_epi32(a[i], x, w))
LOOP(words_avx512_vnni, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), _mm512_dpwssd_epi32(a[i], x, w))
LOOP(bytes_avx2, "avx2", __m256i, _mm256_setzero_si256(), _mm256_add_epi16(a[i], _mm256_maddubs_epi16(x, w)))
LOOP(words_avx2, "avx2", __m256i, _mm256_setzero_si256(), _mm256_add_epi32(a[i], _mm256_madd_epi16(x, w)))
"""
"""The multiply-add of bytes and of 16-bit numbers, twelve independent sums, nothing else."""

PRODUCTS_PER_STEP = {"avx512_vnni": (64, 32), "avx2": (32, 16)}


def network() -> Graph:
    """Random weights of the full 6-bit range."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("jet_mlp")
    value = builder.input("x", (SIZES[0],), INPUT)
    for index, (n_in, n_out) in enumerate(pairwise(SIZES), start=1):
        weight = Const(f"w{index}", WEIGHT, rng.integers(WEIGHT.min_raw, WEIGHT.max_raw, (n_in, n_out), endpoint=True))
        bias = Const(f"b{index}", WEIGHT, rng.integers(WEIGHT.min_raw, WEIGHT.max_raw, n_out, endpoint=True))
        value = builder.matmul(f"fc{index}", value, weight, bias)
        if n_out != SIZES[-1]:
            value = builder.relu(f"relu{index}", value)
            value = builder.cast(f"act{index}", value, ACTIVATION, Rounding.RND_CONV, Overflow.SAT)
    return builder.graph(value)


def hls4ml_run(graph: Graph, raw: IntArray, folder: Path) -> Callable[[], object]:
    """hls4ml's compiled model of `graph`."""
    from fasttrig.backends.hls4ml.layer_list import plan
    from fasttrig.backends.hls4ml.model_graph import build
    from fasttrig.settings import TargetSettings

    target = TargetSettings(namespace="jet_v1")
    model = build(plan(graph, target.io_type), graph.name, target, folder)
    model.compile()
    x = np.ascontiguousarray(to_value(raw, INPUT), dtype=np.float32)
    _require_equal("hls4ml", model.predict(x), graph, raw)
    return lambda: model.predict(x)


def alkaid_run(graph: Graph, raw: IntArray) -> Callable[[], object]:
    """alkaid's interpreter on the same graph, traced by alkaid."""
    from alkaid.trace import FVArrayInput, HWConfig, trace

    raw_x = FVArrayInput((SIZES[0],), hwconf=HWConfig(1, -1, -1))
    x = value = raw_x.quantize(1, INPUT.integer_bits - 1, INPUT.fraction_bits)
    layers = [op for op in graph.ops if isinstance(op, MatMul)]
    for index, op in enumerate(layers):
        value = value @ to_value(op.weight.raw, WEIGHT) + to_value(op.bias.raw, WEIGHT)
        if index < len(layers) - 1:
            relu = value.relu()
            value = relu.quantize(0, ACTIVATION.integer_bits, ACTIVATION.fraction_bits, "SAT", "RND_CONV")
    logic = trace(x, value)
    values = to_value(raw, INPUT)
    _require_equal("alkaid", logic.predict(values, n_threads=1), graph, raw)
    return lambda: logic.predict(values, n_threads=1)


def _require_equal(peer: str, values: Any, graph: Graph, raw: IntArray) -> None:
    output = graph.outputs[0]
    ours = to_value(evaluate(graph, raw).outputs[output.name], output.type)
    if not np.array_equal(np.asarray(values, dtype=np.float64).reshape(ours.shape), ours):
        raise SystemExit(f"{peer} and the emulator differ: nothing to compare")


def onnx_run(graph: Graph, raw: IntArray) -> Callable[[], object]:
    """ONNX Runtime on the float32 network: Gemm and Relu, the whole array in one call of 4096 events at a time."""
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    nodes, constants, last = [], [], "x"
    layers = [op for op in graph.ops if isinstance(op, MatMul)]
    for op in layers:
        constants += [
            numpy_helper.from_array(to_value(part.raw, part.type).astype(np.float32), part.name)
            for part in (op.weight, op.bias)
        ]
        out = op.name
        nodes.append(helper.make_node("Gemm", [last, op.weight.name, op.bias.name], [out]))
        last = out
        if op is not layers[-1]:
            nodes.append(helper.make_node("Relu", [out], [f"{out}_relu"]))
            last = f"{out}_relu"
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", size])
        for name, size in (("x", SIZES[0]), (last, SIZES[-1]))
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "jet", ports[:1], ports[1:], constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=10,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = to_value(raw, INPUT).astype(np.float32)
    parts = [x[start : start + 4096] for start in range(0, len(x), 4096)]
    return lambda: [session.run(None, {"x": part}) for part in parts]


def peak_rates(folder: Path) -> dict[str, tuple[float, float]]:
    """Products per second of bytes and of 16-bit numbers, per kernel; empty where this is no x86 machine."""
    import platform

    if platform.machine() != "x86_64":
        return {}
    (folder / "peak.cpp").write_text(PEAK)
    command = [*find_compiler(), "-O2", "-std=c++17", "-fPIC", "-shared", "peak.cpp", "-o", "peak.so"]
    run(command, cwd=folder, timeout_s=60)
    library = ctypes.CDLL(str(folder / "peak.so"))
    flags = Path("/proc/cpuinfo").read_text().split()
    found = {}
    for kernel, flag in (("avx512_vnni", "avx512_vnni"), ("avx2", "avx2")):
        if flag in flags:
            found[kernel] = (
                _peak(library[f"bytes_{kernel}"], PRODUCTS_PER_STEP[kernel][0]),
                _peak(library[f"words_{kernel}"], PRODUCTS_PER_STEP[kernel][1]),
            )
    return found


def _peak(loop: Any, products: int) -> float:
    loop.argtypes = (ctypes.c_int64,)
    steps, best = 100_000, 0.0
    for _ in range(1000):
        start = time.perf_counter()
        loop(steps)
        best = max(best, steps * 12 * products / (time.perf_counter() - start))
    return best


def best_rates(graph: Graph, raw: IntArray, folder: Path) -> dict[str, float]:
    """Events per second of each kernel, the best of many runs too short to be interrupted."""
    emulator, rows = load(graph, cache_dir=folder), raw[:N_SHORT].astype(np.int32)
    runs: Runs = {kernel: (partial(emulator.predict_rows, rows, kernel=kernel), N_SHORT) for kernel in emulator.kernels}
    return {kernel: max(found) for kernel, found in measure(runs, 300).items()}


def seconds_per_event_at_peak(peaks: tuple[float, float]) -> float:
    """The first layer reads 16-bit numbers, the others bytes."""
    products = [n_in * n_out for n_in, n_out in pairwise(SIZES)]
    return products[0] / peaks[1] + sum(products[1:]) / peaks[0]


def peer_runs(graph: Graph, raw: IntArray, folder: Path) -> Runs:
    runs: Runs = {}
    part = {peer: raw[:n_events] for peer, n_events in N_EVENTS.items()}
    runs["NumPy emulator"] = (lambda: evaluate(graph, part["NumPy emulator"]), len(part["NumPy emulator"]))
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnx"):
        runs["ONNX Runtime"] = (onnx_run(graph, part["ONNX Runtime"]), len(part["ONNX Runtime"]))
    if importlib.util.find_spec("alkaid"):
        runs["alkaid"] = (alkaid_run(graph, part["alkaid"]), len(part["alkaid"]))
    if importlib.util.find_spec("hls4ml") and "--no-hls4ml" not in sys.argv:
        runs["hls4ml"] = (hls4ml_run(graph, part["hls4ml"], folder / "hls4ml"), len(part["hls4ml"]))
    return runs


def main() -> None:
    one_thread()
    graph, rng = network(), np.random.default_rng(1)
    raw = rng.integers(INPUT.min_raw, INPUT.max_raw, (N_EVENTS["ours"], SIZES[0]), endpoint=True)
    with tempfile.TemporaryDirectory(prefix="fasttrig-benchmark-") as name:
        runs, missed = compiled(graph, raw, Path(name), COMPILE_BAR_S)
        peaks, best = peak_rates(Path(name)), best_rates(graph, raw, Path(name))
        medians = show(measure(runs | peer_runs(graph, raw, Path(name)), rounds(9)))
    for kernel, peak in peaks.items():
        share = seconds_per_event_at_peak(peak) * best[kernel]
        print(
            f"{kernel}: {share:.0%} of the multiply-add peak ({peak[0] / 1e9:.0f} G products/s of bytes, "
            f"{peak[1] / 1e9:.0f} of 16 bits)"
        )
    check(medians, BARS, missed)


if __name__ == "__main__":
    main()
