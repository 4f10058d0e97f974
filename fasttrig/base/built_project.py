"""The files of a build folder: the only place that spells their names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HLS, RTL, VHDL, EMULATOR, CMS = "hls", "rtl", "vhdl", "emulator", "cms"
"""Folders that backends write."""
VECTORS, REPORTS, PROOF = "vectors", "report", "proof"
GRAPH, INPUTS, OUTPUTS = "design.ir", "inputs.json", "outputs.json"
MANIFEST = "manifest.json"
"""The hashes that decided a build, and those of its files."""
REPORT, PAGE = f"{REPORTS}/report.json", f"{REPORTS}/report.html"
MEASURED, DRAWING = f"{REPORTS}/measured.json", f"{REPORTS}/design.svg"
"""The rows of the report that the compared events decide, and the drawing of the design."""
INPUTS_HEX, OUTPUTS_HEX, VECTORS_NPZ = "inputs.hex", "outputs.hex", "vectors.npz"
TB_FEATURES, TB_PREDICTIONS = "tb_input_features.dat", "tb_output_predictions.dat"
"""Files inside `VECTORS`."""
SCRATCH = (f"{HLS}/csim/", f"{RTL}/simulation/", f"{RTL}/synthesis/", f"{PROOF}/")
"""Working folders of tools, also of earlier versions; not part of the documented build folder."""


@dataclass(frozen=True, slots=True)
class BuiltProject:
    """Paths inside one build folder, such as ``build/jet_mlp``."""

    folder: Path

    @property
    def exists(self) -> bool:
        """Whether the folder holds a built design."""
        return self.graph.is_file()

    @property
    def graph(self) -> Path:
        return self.folder / GRAPH

    @property
    def inputs(self) -> Path:
        return self.folder / INPUTS

    @property
    def outputs(self) -> Path:
        return self.folder / OUTPUTS

    @property
    def manifest(self) -> Path:
        return self.folder / MANIFEST

    @property
    def report(self) -> Path:
        return self.folder / REPORT

    @property
    def page(self) -> Path:
        return self.folder / PAGE

    @property
    def plots(self) -> Path:
        """The folder of the page's plots."""
        return self.folder / REPORTS

    @property
    def hls(self) -> Path:
        return self.folder / HLS

    @property
    def rtl(self) -> Path:
        return self.folder / RTL

    @property
    def vhdl(self) -> Path:
        return self.folder / VHDL

    @property
    def vectors(self) -> Path:
        return self.folder / VECTORS

    @property
    def vectors_npz(self) -> Path:
        return self.vectors / VECTORS_NPZ


def folder_of_report(path: Path) -> Path | None:
    """The build folder, if `path` is the report in one; else None."""
    return path.parent.parent if path.parts[-2:] == Path(REPORT).parts else None
