"""The emulator over any number of files, by workers that may die: chunks, their records, and what was counted.

tally       counts, sums, histograms and a checksum of all bits, the same in whatever order they are added up
chunks      a range of rows of a file, its key, its output and the record of its work
folder      the output folder of a run: its settings, its records, its lock
work        what a worker does: look at a file, emulate a chunk
workers     processes of this machine, or a Dask cluster
export      the emulator as a shared library, for places without fasttrig
run         gives work to the workers, again after a failure
"""

from fasttrig.grid.run import Failure, GridOptions, GridResult, emulate_many

__all__ = ["Failure", "GridOptions", "GridResult", "emulate_many"]
