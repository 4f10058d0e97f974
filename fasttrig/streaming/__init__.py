"""The emulator over event files of any size, in constant memory.

events      a file as parts: the features of some rows, and the columns of these rows that are kept
scores      the columns that an emulation adds, and their names
writers     Parquet, ROOT and HDF5, written next to the final path and renamed when complete
run         read, emulate on all cores, write
"""

from fasttrig.streaming.emulate_files import Emulated, emulate_file, emulate_files

__all__ = ["Emulated", "emulate_file", "emulate_files"]
