"""Add the function bodies of an installed hls4ml to known_bodies.json: ``python ci/hls4ml_bodies.py RELEASE FOLDER``.

FOLDER holds the package (``hls4ml/templates``). Only names that are in the file already are taken; for a new one, write
``"name": {}`` there. Each new hash is printed: read that body before you commit it, and run
``pytest -m nightly tests/ladder/test_hls4ml_projects.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fasttrig.frontends.hls4ml_project.definitions import KNOWN_BODIES, definitions

TOOLS = ("vivado", "vitis")


def main(release: str, folder: Path) -> None:
    bodies = json.loads(KNOWN_BODIES.read_text(encoding="utf-8"))
    for tool in TOOLS:
        for path in sorted((folder / "hls4ml" / "templates" / tool / "nnet_utils").glob("*.h")):
            for found in definitions(path):
                known = bodies.setdefault(found.name, {}) if found.name.startswith("#") else bodies.get(found.name)
                if known is None:
                    continue
                if found.digest not in known:
                    print(f"new: {found.name} {found.digest} {found.where}")
                known[found.digest] = sorted({*known.get(found.digest, []), release})
    KNOWN_BODIES.write_text(json.dumps(bodies, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
