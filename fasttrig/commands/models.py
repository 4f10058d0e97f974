"""``fasttrig models``."""

from __future__ import annotations

from pathlib import Path

from fasttrig.commands.options import AsJson, make_console, print_json


def models(as_json: AsJson = False) -> None:
    """List the models that come with fasttrig, or those of ./models: accuracy, latency and LUT of their last build.

    The numbers are those of models/gallery.json; the command builds nothing.
    """
    from fasttrig.report.gallery import ESTIMATED, GALLERY_FILE, is_current, read_gallery
    from fasttrig.settings import models_folder

    folder = models_folder(Path.cwd())
    rows = read_gallery(folder)
    if as_json:
        print_json([{**row.to_dict(), "current": is_current(row, folder)} for row in rows])
        return
    from rich import box
    from rich.table import Table

    table = Table("model", "systems", "accuracy or RMS", "mean AUC", "latency (ns)", "LUT", "what", box=box.SIMPLE)
    for row in rows:
        first = row.figures.get("accuracy", row.figures.get("RMS"))
        table.add_row(
            row.name,
            " ".join(row.systems),
            _number(first, ".4f"),
            _number(row.figures.get("mean AUC"), ".4f"),
            _number(row.latency_ns, ".1f"),
            _number(row.lut, ",") + (" *" if row.lut_stage == ESTIMATED else ""),
            row.description if not row.sha256 or is_current(row, folder) else f"{row.description} (trained since)",
        )
    console = make_console()
    console.print(table)
    console.print(
        f"Latency in the simulated RTL; LUT expected after routing of the RTL, * {ESTIMATED} of the HLS project;\n"
        f"figures of the quantised models on their own test splits. From {folder / GALLERY_FILE}."
    )


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
