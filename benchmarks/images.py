"""Images per second of an image network (37x37x4, three convolutions with pooling, a dense head), on one thread.

The compiled emulator against ONNX Runtime on the same network in float32, and against the C-simulation of the HLS
project that fasttrig writes for it. Both of ours are first compared with the NumPy emulator, bit for bit.

    python benchmarks/images.py [rounds]
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from turns import check, measure, one_thread, rounds, show

from fasttrig.backends.hls4ml import emit
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.base.staging import write_texts
from fasttrig.emulator.compiled.program import program_of
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Reduction
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.emulator_library import load

SIZE, CHANNELS, FILTERS, HIDDEN, CLASSES = 37, 4, (8, 8, 8), 16, 2
N_IMAGES, N_SIMULATED = 2_560, 400
WEIGHT, ACTIVATION = FixedType(5, 1), FixedType(6, 2, False)
ONE, TWO = (1, 1), (2, 2)


def network() -> Graph:
    rng = np.random.default_rng(0)
    b = GraphBuilder("image")
    value = b.input("x", (SIZE, SIZE, CHANNELS), FixedType(8, 3))

    def constant(name: str, shape: tuple[int, ...]) -> Const:
        return Const(name, WEIGHT, rng.integers(WEIGHT.min_raw, WEIGHT.max_raw, shape, endpoint=True))

    def activated(name: str, n_out: int) -> None:
        nonlocal value
        weight, bias = constant(f"{name}_w", (value.shape[-1], n_out)), constant(f"{name}_b", (n_out,))
        value = b.relu(f"{name}_relu", b.matmul(name, value, weight, bias))
        value = b.cast(f"{name}_act", value, ACTIVATION, Rounding.RND_CONV, Overflow.SAT)

    for number, filters in enumerate(FILTERS):
        value = b.window(f"window{number}", value, (3, 3), stride=ONE, dilation=ONE, before=ONE, after=ONE)
        value = b.reshape(f"near{number}", value, (*value.shape[:2], value.shape[2] * value.shape[3]))
        activated(f"conv{number}", filters)
        pads = (0, 0)
        value = b.window(f"four{number}", value, TWO, stride=TWO, dilation=ONE, before=pads, after=pads)
        value = b.reduce(f"pool{number}", value, 2, Reduction.MAX)
    value = b.reshape("flat", value, (value.size,))
    activated("fc", HIDDEN)
    return b.graph(b.matmul("classes", value, constant("w", (HIDDEN, CLASSES)), constant("b", (CLASSES,))))


def onnx_run(n_images: int) -> Callable[[], object]:
    """The same layers in float32, one thread; weights are random, the time does not depend on them."""
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    rng, nodes, weights, name, channels = np.random.default_rng(0), [], [], "x", CHANNELS

    def weight(name: str, *shape: int) -> str:
        weights.append(numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name))
        return name

    for number, filters in enumerate(FILTERS):
        inputs = [name, weight(f"w{number}", filters, channels, 3, 3), weight(f"b{number}", filters)]
        nodes.append(helper.make_node("Conv", inputs, [f"c{number}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{number}"], [f"r{number}"]))
        nodes.append(helper.make_node("MaxPool", [f"r{number}"], [f"p{number}"], kernel_shape=[2, 2], strides=[2, 2]))
        name, channels = f"p{number}", filters
    size = (SIZE // 2 // 2 // 2) ** 2 * channels
    nodes.append(helper.make_node("Flatten", [name], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", weight("wf", size, HIDDEN), weight("bf", HIDDEN)], ["hidden"]))
    nodes.append(helper.make_node("Relu", ["hidden"], ["active"]))
    nodes.append(helper.make_node("Gemm", ["active", weight("wy", HIDDEN, CLASSES), weight("by", CLASSES)], ["y"]))
    kinds = onnx.TensorProto.FLOAT
    given = helper.make_tensor_value_info("x", kinds, ["n", CHANNELS, SIZE, SIZE])
    made = helper.make_tensor_value_info("y", kinds, ["n", CLASSES])
    graph = helper.make_graph(nodes, "image", [given], [made], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = rng.normal(size=(n_images, CHANNELS, SIZE, SIZE)).astype(np.float32)
    return lambda: session.run(None, {"x": x})


def main() -> None:
    one_thread()
    graph = network()
    raw = np.random.default_rng(1).integers(-128, 128, (N_IMAGES, SIZE, SIZE, CHANNELS)).astype(np.int32)
    want = evaluate(graph, raw[:N_SIMULATED].astype(np.int64)).outputs
    emulator, program = load(graph), program_of(graph)
    size = f"{program.workspace_bytes / 1e6:.2f} MB for {program.block_events} images"
    print(f"workspace of the compiled emulator: {size}")
    require(emulator({"x": raw[:N_SIMULATED]}), want, "the compiled emulator")
    with tempfile.TemporaryDirectory() as folder:
        write_texts(Path(folder), emit(graph, TargetSettings()))
        simulated = csim(Path(folder), [raw[:N_SIMULATED].astype(np.int64)])
    require(simulated.outputs, want, "the C-simulation")
    rate = N_SIMULATED / simulated.run_seconds
    print(f"C-simulation: compiled in {simulated.compile_seconds:.0f} s, {rate:,.0f} images/s")
    runs = {
        "compiled": (lambda: emulator({"x": raw}), N_IMAGES),
        "ONNX Runtime": (onnx_run(N_IMAGES), N_IMAGES),
    }
    medians = show(measure(runs, rounds(7)))
    ours = medians["compiled"]
    print(f"compiled emulator over the C-simulation: {ours / rate:,.0f} times (bar 300)")
    check(medians, [("compiled", "ONNX Runtime", 1.0)], [] if ours >= 300 * rate else ["300 times the C-simulation"])


def require(found: dict[str, np.ndarray], want: dict[str, np.ndarray], what: str) -> None:
    if any(not np.array_equal(found[name], array) for name, array in want.items()):
        raise SystemExit(f"{what} differs from the emulator: nothing to compare")


if __name__ == "__main__":
    main()
