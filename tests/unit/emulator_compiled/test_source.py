"""The text of the compiled emulator: readable, the same every time, plain C++17, a C header, no memory error."""

from __future__ import annotations

import re
from pathlib import Path
from shutil import which

import numpy as np
import pytest

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.firmware_files import root
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.compiled import write_emulator
from fasttrig.emulator.compiled.program import io_type, program_of
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Reduction
from fasttrig.toolchain.emulator_library import load
from fasttrig.toolchain.run import find_compiler, run
from tests.unit.emulator_compiled import graphs as made

CROSS = "aarch64-linux-gnu-g++"
STRICT = ("-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wpedantic", "-Werror")
GOLDEN = root() / "golden" / "compiled_emulator"


def written(files: dict[str, str], folder: Path) -> Path:
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def small_graph() -> Graph:
    """Small enough to read: a table-free network of one hidden layer and an argmax."""
    rng = np.random.default_rng(3)
    b = GraphBuilder("small")
    x = b.input("x", (3,), FixedType(6, 2), channel_types=(FixedType(6, 2), FixedType(5, 2), FixedType(4, 0)))
    y = b.relu("relu1", made.layer(b, rng, "fc1", x, 4))
    y = b.cast("act1", y, FixedType(5, 2, False), Rounding.RND_CONV, Overflow.SAT)
    y = made.layer(b, rng, "fc2", y, 2)
    return b.graph(y, b.argmax("best", y))


def what_the_model_decides(text: str) -> str:
    """A header as it is; of a source the part between the arithmetic and the kernels, which are hand-written."""
    first = text.find("// --- small ---")
    return text if first < 0 else text[first : text.index("#if defined(FASTTRIG_X86)", first)]


def test_a_person_finds_a_layer() -> None:
    text = write_emulator(made.jet_network())["jet_mlp.cpp"]
    assert "// fc2 : (32) fixed<" in text
    assert "from net.h5 > layer 'fc2'" in text
    assert len(re.findall(r"struct fc2_op \{", text)) == 1
    assert text.count("Kernels::template dense<fc2_op>(at.act1_quads, at.act2_quads);") == 1
    assert "static constexpr std::int8_t weight[32][64]" in text


def test_the_same_graph_gives_the_same_bytes() -> None:
    assert write_emulator(made.other_ops(3)) == write_emulator(made.other_ops(3))
    assert write_emulator(made.other_ops(3)) != write_emulator(made.other_ops(4))


@pytest.mark.parametrize("file", ["small.h", "small.cpp"])
def test_golden_text(file: str) -> None:
    assert what_the_model_decides(write_emulator(small_graph(), version=2)[file]) == (GOLDEN / file).read_text("utf-8")


def test_an_image_needs_little_memory() -> None:
    """Convolution, pooling and the dense layer behind them read packed bytes where they lie: nothing is copied."""
    rng = np.random.default_rng(0)
    b = GraphBuilder("image")
    y = b.input("x", (37, 37, 4), FixedType(8, 3))
    near = b.window("near", y, (3, 3), stride=(1, 1), dilation=(1, 1), before=(1, 1), after=(1, 1))
    y = b.relu("relu", made.layer(b, rng, "conv", b.reshape("rows", near, (37, 37, 36)), 8))
    y = b.cast("act", y, FixedType(6, 2, False), Rounding.RND_CONV, Overflow.SAT)
    four = b.window("four", y, (2, 2), stride=(2, 2), dilation=(1, 1), before=(0, 0), after=(0, 0))
    pool = b.reduce("pool", four, 2, Reduction.MAX)
    program = program_of(b.graph(made.layer(b, rng, "fc", b.reshape("flat", pool, (pool.size,)), 2)))
    names = ("x_quads", "act_quads", "pool_quads", "fc_raw")
    assert [line.split()[2].split("[")[0] for line in program.buffers] == list(names)
    assert program.bytes_per_event == 37 * 37 * (4 + 8) + 18 * 18 * 8 + 2 * 4
    assert program.workspace_bytes < 1_000_000


def test_only_standard_headers_are_included() -> None:
    for graph in (made.jet_network(), made.other_ops(3), made.extremes()):
        files = write_emulator(graph)
        found = set(re.findall(r"#include (\S+)", "".join(files.values())))
        own = f'"{graph.name}.h"'
        assert found == {own, "<stddef.h>", "<stdint.h>", "<cstddef>", "<cstdint>", "<cstring>", "<immintrin.h>"}


@pytest.mark.parametrize(
    ("define", "gone"),
    [("FASTTRIG_NO_X86", ("_mm", "target(")), ("FASTTRIG_PORTABLE", ("_mm", "target(", "vector_size"))],
)
def test_what_other_machines_compile(define: str, gone: tuple[str, ...], tmp_path: Path) -> None:
    """Without intrinsics (aarch64 and others), and without any extension: what the preprocessor leaves."""
    folder = written(write_emulator(made.jet_network()), tmp_path)
    flags = [*find_compiler(), *STRICT, f"-D{define}", "jet_mlp.cpp"]
    run([*flags, "-fsyntax-only"], cwd=folder, timeout_s=120)
    text = run([*flags, "-E", "-P"], cwd=folder, timeout_s=120).stdout
    model = text[text.index("namespace fasttrig_jet_mlp_v1") :]
    assert not [word for word in gone if word in model]


def test_the_header_is_c(tmp_path: Path) -> None:
    folder = written(write_emulator(made.jet_network()), tmp_path)
    (folder / "use.c").write_text('#include "jet_mlp.h"\nint n = jet_mlp_n_outputs + jet_mlp_input_x_fraction_bits;\n')
    strict = ("-x", "c", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
    run([*find_compiler(), *strict, "-fsyntax-only", "use.c"], cwd=folder, timeout_s=60)


HOSTED = {"shapes": lambda: made.dense_shapes(7, n_layers=4), "forests": lambda: made.forests(8), "ends": made.extremes}


def hosted(name: str, folder: Path, compiler: list[str], *flags: str) -> list[str]:
    """The arguments of a compiled C++ host: it runs every kernel through the header and compares with the reference."""
    graph = HOSTED[name]()
    written(write_emulator(graph, "hosted", version=3), folder)
    (folder / "host.cpp").write_bytes((Path(__file__).parent / "host.cpp").read_bytes())
    inputs = made.events(graph, 70)
    np.concatenate([inputs[op.name] for op in graph.inputs], axis=1).tofile(folder / "in")
    outputs = evaluate(graph, inputs).outputs
    np.concatenate([outputs[value.name] for value in graph.outputs], axis=1).tofile(folder / "out")
    narrow = ("-DNARROW",) if io_type(graph).bits == 32 else ()
    run([*compiler, *STRICT, *flags, *narrow, "host.cpp", "hosted.cpp", "-o", "host"], cwd=folder, timeout_s=300)
    return [str(folder / "host"), "in", "out"]


@pytest.mark.parametrize("name", HOSTED)
def test_host_program_without_memory_errors(name: str, tmp_path: Path) -> None:
    """A C++ host with AddressSanitizer and UBSan: all kernels, through the header, at the ends of all types."""
    sanitise = ("-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    host = hosted(name, tmp_path, [*find_compiler()], *sanitise)
    done = run(host, cwd=tmp_path, timeout_s=60, env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert done.stdout.startswith("version 3, ")


@pytest.mark.skipif(not (which(CROSS) and which("qemu-aarch64")), reason=f"{CROSS} or qemu-aarch64 is not installed")
@pytest.mark.parametrize("name", HOSTED)
def test_another_processor(name: str, tmp_path: Path) -> None:
    """aarch64: the kernels gnu and portable, compiled for use."""
    host = hosted(name, tmp_path, [CROSS], "-O2", "-static")
    assert run(["qemu-aarch64", *host], cwd=tmp_path, timeout_s=120).stdout == "version 3, 2 kernels\n"


@pytest.mark.parametrize("define", ["FASTTRIG_NO_X86", "FASTTRIG_PORTABLE"])
def test_a_forest_where_there_are_no_vector_types(define: str, tmp_path: Path) -> None:
    """Plain C++ alone gives the same bits."""
    graph = made.forests(6)
    emulator = load(graph, cache_dir=tmp_path, flags=("-std=c++17", "-O1", "-fPIC", "-shared", f"-D{define}"))
    inputs = made.events(graph, 1100)
    want = evaluate(graph, inputs).outputs
    assert emulator.kernels[-1] == "portable" and "avx2" not in emulator.kernels
    for kernel in emulator.kernels:
        got = emulator(inputs, kernel=kernel)
        assert all(np.array_equal(got[name], want[name]) for name in want)


def test_too_wide_numbers_are_refused() -> None:
    b = GraphBuilder("wide")
    x = b.input("x", (1,), FixedType(63, 1))
    with pytest.raises(UnsupportedError, match="too wide"):
        write_emulator(b.graph(x))
    b = GraphBuilder("wide")
    y = b.cast("y", b.input("x", (1,), FixedType(60, 1)), FixedType(130, 1), Rounding.TRN, Overflow.SAT)
    z = b.cast("z", y, FixedType(8, 1), Rounding.TRN, Overflow.SAT)
    with pytest.raises(UnsupportedError, match="op 'y'") as caught:
        write_emulator(b.graph(z))
    assert "130 bits" in str(caught.value)


@pytest.mark.parametrize("name", ["", "2jets", "jet-mlp", "_jet", "jet.mlp"])
def test_names_that_c_cannot_take_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="not a valid C"):
        write_emulator(made.jet_network(), name)
