"""The compiled emulator as text: one self-contained C++17 header and source per model."""

from __future__ import annotations

from dataclasses import dataclass

from fasttrig.base.firmware_files import read
from fasttrig.base.templates import fill_file
from fasttrig.emulator.compiled import cpp
from fasttrig.emulator.compiled.columns import column_places
from fasttrig.emulator.compiled.integers import INT32
from fasttrig.emulator.compiled.program import Program, program_of
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value

STACK_BYTES = 128 * 1024
"""A larger workspace is kept per thread instead of on the stack."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A way to run a model: its names, where it compiles, what the compiler may use, what the machine must have.

    `columns` names the kernel whose instructions read columns for it: few, for each takes time to compile.
    """

    name: str
    struct: str
    guard: str
    features: tuple[str, ...]
    products: str
    columns: str

    @property
    def attribute(self) -> str:
        return f'__attribute__((target("{",".join(self.features)}")))' if self.features else ""

    @property
    def cpu_has(self) -> str:
        return " && ".join(f'__builtin_cpu_supports("{feature}")' for feature in self.features) or "true"


_AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl")
_KERNELS = (
    Kernel("avx512_vnni", "Avx512Vnni", "FASTTRIG_X86", (*_AVX512, "avx512vnni"), "32", "avx512"),
    Kernel("avx512", "Avx512", "FASTTRIG_X86", _AVX512, "16", "avx512"),
    Kernel("avx2", "Avx2", "FASTTRIG_X86", ("avx2",), "16", "avx2"),
    Kernel("sse4", "Sse4", "FASTTRIG_X86", ("sse4.1",), "16", "portable"),
    Kernel("gnu", "Gnu", "FASTTRIG_GNU", (), "16", "portable"),
    Kernel("portable", "Portable", "", (), "", "portable"),
)
"""Fastest first. ``gnu`` uses the vector types of GCC and Clang, for any machine; ``portable`` is plain C++."""

KERNELS = tuple(kernel.name for kernel in _KERNELS)
"""Names of all kernels, fastest first."""


def write_emulator(graph: Graph, name: str | None = None, version: int = 1) -> dict[str, str]:
    """The source of the compiled emulator of `graph`.

    Parameters
    ----------
    name : str, optional
        First part of the C functions' names (``<name>_predict``) and of the files'; default the graph's own.
    version : int
        Part of the namespace, and a constant of the header.

    Returns
    -------
    dict of str to str
        Text of ``<name>.h`` and ``<name>.cpp``; the same bytes for the same graph.

    Raises
    ------
    UnsupportedError
        When an input, an output or a number on the way is too wide.
    """
    name = cpp.check_name(graph.name if name is None else name)
    return _files(program_of(graph), _head(graph, name, version))


def write_column_emulator(graph: Graph, name: str | None = None, version: int = 1) -> dict[str, str]:
    """`write_emulator`, and ``<name>_columns.cpp``, which includes it: the library that Python calls.

    Its function ``<name>_predict_columns`` reads the caller's columns and writes narrow rows and scores.
    """
    name = cpp.check_name(graph.name if name is None else name)
    program, head = program_of(graph), _head(graph, name, version)
    readers = {kernel.columns for kernel in _KERNELS}
    kernels = [_guarded(kernel, _column_kernel(kernel)) for kernel in _KERNELS if kernel.name in readers]
    rows = [_guarded(kernel, f"    {{columns_{kernel.columns}, network_{kernel.name}}},\n") for kernel in _KERNELS]
    places = {"STORAGE": _storage(program)} | column_places(program, "\n".join(kernels), "".join(rows))
    return _files(program, head) | {f"{name}_columns.cpp": fill_file("emulator/columns.cpp.in", places, head)}


def _head(graph: Graph, name: str, version: int) -> dict[str, str]:
    return {
        "NAME": name,
        "UPPER": name.upper(),
        "VERSION": str(version),
        "N_INPUTS": str(sum(op.result.size for op in graph.inputs)),
        "N_OUTPUTS": str(sum(value.size for value in graph.outputs)),
    }


def _files(program: Program, head: dict[str, str]) -> dict[str, str]:
    return {f"{head['NAME']}.h": _header(program, head), f"{head['NAME']}.cpp": _source(program, head)}


def _header(program: Program, head: dict[str, str]) -> str:
    narrow = program.io_type is INT32
    n_in, n_out, name = head["N_INPUTS"], head["N_OUTPUTS"], head["NAME"]
    places = {
        "PORTS": _ports(program.graph, name),
        "PREDICT_I32": f"/* in: (n_events, {n_in}), out: (n_events, {n_out}) */\n"
        f"int {name}_predict(const int32_t *in, int32_t *out, size_t n_events);\n\n"
        if narrow
        else "",
        "PREDICT_WITH_I32": f"int {name}_predict_with(int kernel, const int32_t *in, int32_t *out, size_t n_events);\n"
        if narrow
        else "",
    }
    return fill_file("emulator/model.h.in", places, head)


def _ports(graph: Graph, name: str) -> str:
    text, first = "", 0
    for value in (op.result for op in graph.inputs):
        text += _port(f"{name}_input_{value.name}", f"input {value.name}", value, first)
        first += value.size
    first = 0
    for value in graph.outputs:
        text += _port(f"{name}_output_{value.name}", f"output {value.name}", value, first)
        first += value.size
    return text


def _port(prefix: str, title: str, value: Value, first: int) -> str:
    numbers = {
        "first": first,
        "size": value.size,
        "width": value.type.width,
        "fraction_bits": value.type.fraction_bits,
        "signed": int(value.type.signed),
    }
    body = ",\n".join(f"    {prefix}_{key} = {number}" for key, number in numbers.items())
    shape = ", ".join(map(str, value.shape))
    return f"/* {title} : ({shape}) {value.type} */\nenum {{\n{body}\n}};\n\n"


def _source(program: Program, head: dict[str, str]) -> str:
    places = {
        "BLOCK_EVENTS": str(program.block_events),
        "ARITHMETIC": _arithmetic(program),
        "MODEL": _structs(program),
        "BUFFERS": "\n".join(program.buffers),
        "CALLS": cpp.indented(program.calls),
        "LOADS": cpp.indented([*program.checks, *program.loads]),
        "SAVES": cpp.indented(program.saves),
        "STORAGE": _storage(program),
        **_wide_places(program),
        **_kernel_places(program, head),
    }
    return fill_file("emulator/model.cpp.in", places, head)


def _storage(program: Program) -> str:
    stack = program.workspace_bytes <= STACK_BYTES
    return "" if stack else "static thread_local "


def _arithmetic(program: Program) -> str:
    ops = [piece for piece in program.pieces if piece != "dense"]
    return "\n".join(read(f"emulator/{piece}.h") for piece in ("numbers", "operands", *ops, "rows"))


def _structs(program: Program) -> str:
    """Structs with an empty line after each."""
    return "".join(f"{line}\n\n" if line == "};" else f"{line}\n" for line in program.structs)


def _wide_places(program: Program) -> dict[str, str]:
    """Support for 128-bit integers, where the model needs it."""
    if not any("Int128" in line or "wide(" in line for line in (*program.structs, *program.buffers)):
        return {"INT128": "", "UNSIGNED128": ""}
    return {
        "INT128": read("emulator/int128.h") + "\n",
        "UNSIGNED128": "template <> struct Unsigned<Int128> { using type = UInt128; };\n",
    }


def _kernel_places(program: Program, head: dict[str, str]) -> dict[str, str]:
    narrow, dense = program.io_type is INT32, "dense" in program.pieces
    texts = [_guarded(kernel, _kernel_text(kernel, dense)) for kernel in _KERNELS]
    rows = [_guarded(kernel, _kernel_row(kernel, narrow)) for kernel in _KERNELS]
    return {
        "KERNELS": (read("emulator/vectors.h") + "\n" if dense else "") + "\n".join(texts),
        "KERNEL_ROWS": "".join(rows).rstrip("\n"),
        "RUN_I32": "    int (*run_i32)(const std::int32_t *, std::int32_t *, std::size_t);\n" if narrow else "",
        "C_I32": fill_file("emulator/functions_i32.h.in", {"NAME": head["NAME"]}) if narrow else "",
    }


def _guarded(kernel: Kernel, text: str) -> str:
    return f"#if defined({kernel.guard})\n{text}#endif\n" if kernel.guard else text


def _kernel_row(kernel: Kernel, narrow: bool) -> str:
    narrow_run = f"run_{kernel.name}<std::int32_t>, " if narrow else ""
    return f'    {{"{kernel.name}", has_{kernel.name}, {narrow_run}run_{kernel.name}<std::int64_t>}},\n'


def _kernel_text(kernel: Kernel, dense: bool) -> str:
    """The dense layers of one kernel, and the network with everything in it compiled for its machines."""
    body = _dense_text(kernel) if dense else f"struct {kernel.struct} {{}};\n"
    places = {"FUNCTION": kernel.name, "STRUCT": kernel.struct, "CPU_HAS": kernel.cpu_has}
    rule = f"// --- kernel: {kernel.name} ".ljust(119, "-")
    define = f"#define FT_TARGET{kernel.attribute and ' '}{kernel.attribute}"
    return f"{rule}\n\n{define}\n\n{body}\n{fill_file('emulator/run.h.in', places)}\n#undef FT_TARGET\n"


def _column_kernel(kernel: Kernel) -> str:
    attribute = f"{kernel.attribute} " if kernel.attribute else ""
    return (
        f"{attribute}FT_NOINLINE int columns_{kernel.name}(Network network, const Call &call)\n"
        "{\n    return run_columns(network, call);\n}\n"
    )


def _dense_text(kernel: Kernel) -> str:
    if not kernel.products:
        return read("emulator/dense_portable.h")
    products = read(f"emulator/products_{kernel.products}.h.in")
    return read(f"emulator/vectors_{kernel.name}.h") + fill_file("emulator/dense_vectors.h.in", {"PRODUCTS": products})
