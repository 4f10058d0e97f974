"""Put the numbers of builds into models/gallery.json: `fasttrig build NAME...`, then `python ci/gallery.py NAME...`.

    python ci/gallery.py jet_mlp --out build

The reports are those of OUT/<name>. `fasttrig models` and the documentation show the file.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from fasttrig.base.built_project import BuiltProject
from fasttrig.report.document import Report
from fasttrig.report.gallery import GALLERY_FILE, gallery_json, gallery_row, read_gallery

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
SYSTEMS = ROOT / "docs" / "systems.toml"


def systems_of(name: str) -> tuple[str, ...]:
    rows = tomllib.loads(SYSTEMS.read_text(encoding="utf-8"))["system"]
    return tuple(row["id"] for row in rows if name in row.get("forms", {}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("build"))
    given = parser.parse_args()
    rows = {row.name: row for row in read_gallery(MODELS)}
    for name in given.names:
        path = BuiltProject(given.out / name).report
        report = Report.model_validate_json(path.read_text(encoding="utf-8"))
        if not report.good:
            sys.stdout.write(f"{name}: the build is not good: {report.verdict_reason}\n")
            return 1
        rows[name] = gallery_row(report, systems_of(name))
    (MODELS / GALLERY_FILE).write_text(gallery_json(list(rows.values())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
