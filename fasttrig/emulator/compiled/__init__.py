"""The compiled emulator: dependency-free C++ of a graph, vectorised over events, exact."""

from fasttrig.emulator.compiled.writer import KERNELS, write_column_emulator, write_emulator

__all__ = ["KERNELS", "write_column_emulator", "write_emulator"]
