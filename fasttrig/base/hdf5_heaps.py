"""A look at the global heaps of an HDF5 file before the HDF5 library opens it.

The library reads a heap object by object, and stays where it is for ever at a free object (index 0) of size 0. Layout:
HDF5 file format specification, version 3, section III.E: "GCOL", version 1, three zeros, the size of the collection;
then per object an index, a count, four zeros and a size. Texts of any length lie there, so every Keras model has one.
"""

from __future__ import annotations

from mmap import mmap

from fasttrig.base.errors import InputError

_SIGNATURE = b"GCOL\x01\0\0\0"
_OBJECT_HEADER = 16
_LENGTH_SIZES = (2, 4, 8)


def require_sound_heaps(content: bytes | mmap, where: str) -> None:
    """Raise InputError for a heap that the HDF5 library would never finish reading."""
    length_size = _length_size(content)
    room = len(content) // _OBJECT_HEADER  # objects that fit into the file; heaps that overlap claim more
    start = content.find(_SIGNATURE)
    while start >= 0:
        end = min(start + _number(content, start + 8, length_size), len(content))
        place = start + _OBJECT_HEADER
        while place + _OBJECT_HEADER <= end:
            index, size = _number(content, place, 2), _number(content, place + 8, length_size)
            step = _OBJECT_HEADER + -(-size // 8) * 8 if index else size
            room -= 1
            if step < _OBJECT_HEADER or room < 0:
                overlap = "heaps that overlap" if room < 0 else f"a free object of {size} bytes"
                raise InputError(
                    "the HDF5 content is damaged",
                    where=f"{where} > heap at byte {start}",
                    got=f"{overlap} at byte {place}",
                    want=f"objects of at least {_OBJECT_HEADER} bytes, each in one heap",
                    try_="save or copy the file again",
                )
            place += step
        start = content.find(_SIGNATURE, start + 1)


def _length_size(content: bytes | mmap) -> int:
    """Bytes of a length, from the superblock; 8 in all but exotic files."""
    found = content[14 if content[8] < 2 else 10] if len(content) > 16 else 8
    return found if found in _LENGTH_SIZES else 8


def _number(content: bytes | mmap, place: int, n_bytes: int) -> int:
    return int.from_bytes(content[place : place + n_bytes], "little")
