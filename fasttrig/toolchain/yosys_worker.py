"""Runs a Yosys script: ``python yosys_worker.py script.ys``. The process is separate because an error in Yosys ends it.

Only ``pyosys`` is imported, so that a worker starts fast.
"""

import sys
from pathlib import Path


def main() -> None:
    from pyosys import libyosys

    design = libyosys.Design()
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        if line.strip():
            libyosys.run_pass(line, design)


if __name__ == "__main__":
    main()
