"""Run as a program: reads the files that stdin names, each within a time limit, and says what became of each.

One line of JSON a file, written before and after it is read, so that a crash of a C library names its file too.
"""

from __future__ import annotations

import faulthandler
import json
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

import fasttrig
from fasttrig.base.errors import FasttrigError
from fasttrig.base.fixed import FixedType
from fasttrig.data.readers import read_table

LIMIT_SECONDS = 10


class TooLong(BaseException):
    """No library catches this."""


def _alarm(_signal: int, _frame: FrameType | None) -> None:
    raise TooLong


def _read(path: str) -> None:
    if path.rsplit("/", 1)[-1].rsplit("_", 1)[-1].startswith("events"):
        read_table(path, allow_missing=True)
    else:
        fasttrig.read(path, input_type=FixedType(8, 4))


def _outcome(path: str) -> str:
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        _read(path)
    except FasttrigError as error:
        places = [error.where, *(part.where for part in getattr(error, "refusals", ()))]
        named = error.exit_code == 2 and any(places)
        return "refused" if named else f"refused without a place: {error!r} {error}"
    except TooLong:
        return f"longer than {LIMIT_SECONDS} s: {traceback.format_exc(limit=-4)}"
    except BaseException:  # noqa: BLE001 - whatever else comes is what the test looks for
        return traceback.format_exc(limit=-4)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "read"


def main() -> None:
    signal.signal(signal.SIGALRM, _alarm)
    for line in sys.stdin:
        path = line.strip()
        _say({"begun": path})
        faulthandler.dump_traceback_later(2 * LIMIT_SECONDS, exit=True)  # a loop inside a C library sees no signal
        outcome = _outcome(path)
        faulthandler.cancel_dump_traceback_later()
        _say({"path": path, "outcome": outcome, "peak_bytes": _peak_bytes()})


def _peak_bytes() -> int:
    """Most memory of this program: ``ru_maxrss`` would count the process that started it, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _say(content: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
