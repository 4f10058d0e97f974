"""The command line in a process of its own."""

import os
import subprocess
import sys


def fasttrig(*arguments, cwd=None, env=None):
    """The command line in a process of its own, as from a pipe."""
    command = [sys.executable, "-m", "fasttrig.cli", *map(str, arguments)]
    environment = {**os.environ, **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=600, env=environment)
