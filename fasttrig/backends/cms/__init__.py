"""The CMS plug-in: a model as a shared library behind hls4mlEmulatorExtras, with Makefiles and its own tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fasttrig.backends.cms import emulator, io_types, scales
from fasttrig.backends.cms.scales import FeatureScale
from fasttrig.backends.hls4ml.names import checked_identifier
from fasttrig.base import firmware_files
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

__all__ = ["FeatureScale", "emit_cms", "library_name"]

_INTERFACE = {
    "Makefile": "Makefile",
    "include/hls4ml/emulator.h": "emulator.h",
    "src/hls4ml/emulator.cc": "emulator.cc",
}


def library_name(graph: Graph, version: int) -> str:
    """Name of the library, of its namespace and of its top function: unique to model and version."""
    return f"{graph.name}_v{version}"


def emit_cms(
    graph: Graph,
    target: TargetSettings,
    version: int,
    *,
    vectors: tuple[str, str],
    features: Sequence[FeatureScale] = (),
    integer_emulator: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The plug-in's folder as ``{relative path: text}``, sorted; the same bytes for the same arguments.

    Parameters
    ----------
    version : int
        Of the model; part of the namespace, of the class's name and of every file's.
    vectors : pair of str
        Text of ``inputs.hex`` and ``outputs.hex`` (`toolchain.vectors.write_hex`), for the tests inside.
    features : sequence
        Offset, shift and type of each feature (those of an `InputMap`), for ``scales.h``; none where there is no map.
    integer_emulator : mapping, optional
        What ``write_emulator(graph, library_name(graph, version), version)`` gave: then that runs inside instead of
        the HLS code, with the same types.

    Raises
    ------
    UnsupportedError
        When the HLS code is none that a host compiles, or a name is none in C++.
    """
    name = checked_identifier(library_name(graph, version), "model's name with its version")
    words = {"MODEL": graph.name, "VERSION": str(version), "NAMESPACE": name, "GUARD": name.upper()}
    if integer_emulator is None:
        code, source = emulator.hls_code(graph, target, words)
    else:
        code, source = dict(integer_emulator), emulator.integer_source(graph, words)
    inside = {
        "Makefile": fill_file("cms/version.mk.in", {}, words),
        f"{graph.name}_emulator_v{version}.cpp": source,
        "io_types.h": fill_file("cms/io_types.h.in", io_types.words(graph), words),
        "scales.h": scales.header(features, graph, words),
        f"test/test_{name}.cpp": fill_file("cms/test.cpp.in", {}, words),
        "test/inputs.hex": vectors[0],
        "test/outputs.hex": vectors[1],
        **{f"NN/{path}": text for path, text in code.items()},
    }
    files = {
        f"{graph.name}/Makefile": fill_file("cms/Makefile.in", {}, words),
        **{f"{graph.name}/{name}/{path}": text for path, text in inside.items()},
        **{f"interface/{path}": firmware_files.read(f"cms/interface/{file}") for path, file in _INTERFACE.items()},
    }
    return dict(sorted(files.items()))
