"""TensorFlow's checkpoint files as data: the index (a sorted string table) and the tensors it points to.

Only what TensorFlow writes for one model is read: one shard, no compression, dense tensors. Formats:
tensorflow/core/protobuf/tensor_bundle.proto and LevelDB's table format.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError
from fasttrig.frontends.keras.stored_weights import Budget, check_weight

_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER_BYTES, _TRAILER_BYTES = 48, 5
_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 2: np.dtype("<f8"), 3: np.dtype("<i4"), 9: np.dtype("<i8")}
_STRING = 7
_MOST_ENTRIES, _MOST_AXES = 100_000, 8

Fields = dict[int, list[int | bytes]]


def read_fields(content: bytes) -> Fields:
    """A protobuf message: its fields by number, integers and bytes as they come. ValueError if it is damaged."""
    found: Fields = {}
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        number, wire = tag >> 3, tag & 7
        value: int | bytes
        if wire == 0:
            value, place = _varint(content, place)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, place = _taken(content, place, size), place + size
        elif wire == 2:
            size, place = _varint(content, place)
            value, place = _taken(content, place, size), place + size
        else:
            raise ValueError(f"wire type {wire}")
        found.setdefault(number, []).append(value)
    return found


def texts(fields: Fields, number: int) -> list[bytes]:
    """Texts and messages in a field; ValueError for anything else."""
    found = fields.get(number, [])
    if not all(isinstance(value, bytes) for value in found):
        raise ValueError(f"field {number} holds a number")
    return [value for value in found if isinstance(value, bytes)]


def number(fields: Fields, key: int) -> int:
    """The last integer in a field; 0 if there is none, as protobuf has it."""
    value = fields.get(key, [0])[-1]
    if not isinstance(value, int):
        raise ValueError(f"field {key} is no number")
    return value


@dataclass(frozen=True, slots=True)
class TensorBundle:
    """A checkpoint: where each tensor lies, by its key, and the bytes they lie in."""

    entries: Mapping[str, Fields]
    data: bytes
    where: str

    def text(self, key: str) -> bytes:
        """A tensor of one string: its length as a varint, the length's checksum, the bytes."""
        content = self._bytes(key, _STRING)
        size, place = _varint(content, 0)
        return _taken(content, place + 4, size)

    def array(self, key: str, budget: Budget) -> np.ndarray:
        """A tensor of numbers as float32."""
        fields = self._entry(key)
        dtype = _DTYPES.get(number(fields, 1))
        shape = [number(read_fields(axis), 1) for axes in texts(fields, 2) for axis in texts(read_fields(axes), 2)]
        if dtype is None or len(shape) > _MOST_AXES or any(size >= 1 << 32 for size in shape):
            raise ValueError(f"a tensor of type {number(fields, 1)} and shape {shape}")
        budget.take(math.prod(shape), f"{self.where} > {key[:200]}")
        content = self._bytes(key, number(fields, 1))
        if len(content) != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{len(content)} bytes for shape {shape}")
        return check_weight(np.frombuffer(content, dtype).reshape(shape), key, self.where)

    def _entry(self, key: str) -> Fields:
        if key not in self.entries:
            raise ValueError(f"no tensor {key[:80]!r}")
        return self.entries[key]

    def _bytes(self, key: str, dtype: int) -> bytes:
        fields = self._entry(key)
        if number(fields, 1) != dtype or number(fields, 3):
            raise ValueError(f"{key[:80]!r} is of another type, or in another shard")
        return _taken(self.data, number(fields, 4), number(fields, 5))


def read_bundle(index: bytes, data: bytes, where: str) -> TensorBundle:
    """The checkpoint of an index file and its only shard.

    Raises
    ------
    InputError
        If the index is not as TensorFlow writes it.
    """
    try:
        entries = {key.decode(): read_fields(value) for key, value in _table(index) if key}
    except (ValueError, IndexError) as error:
        raise InputError(
            "the index of a checkpoint cannot be read",
            where=where,
            got=str(error)[:120],
            want="variables.index as TensorFlow writes it, uncompressed",
        ) from error
    return TensorBundle(entries, data, where)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = content[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or footer[-8:] != _MAGIC:
        raise ValueError("not a sorted string table")
    place = 0
    for _ in range(2):  # the handle of the meta index, which nobody needs
        _, place = _varint(footer, place)
    count = 0
    for _, handle in _block(content, footer[place:]):
        for key, value in _block(content, handle):
            count += 1
            if count > _MOST_ENTRIES:
                raise ValueError(f"more than {_MOST_ENTRIES} tensors")
            yield key, value


def _block(content: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries of one block; keys share their beginnings with the key before."""
    offset, place = _varint(handle, 0)
    size, _ = _varint(handle, place)
    block = _taken(content, offset, size + _TRAILER_BYTES)
    if block[size] != 0:
        raise ValueError("a compressed block")
    restarts = int.from_bytes(_taken(block, size - 4, 4), "little") if size >= 4 else 0
    end = size - 4 * (restarts + 1)
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        length, place = _varint(block, place)
        if shared > len(key) or shared + own > 4096:
            raise ValueError("a key that does not follow from the one before")
        key = key[:shared] + _taken(block, place, own)
        value = _taken(block, place + own, length)
        place += own + length
        yield key, value


def _varint(content: bytes, place: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise ValueError("a number is cut off")
        byte = content[place]
        result |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return result, place
    raise ValueError("a number is too long")


def _taken(content: bytes, start: int, size: int) -> bytes:
    if size < 0 or start < 0 or start + size > len(content):
        raise ValueError("a part lies outside of its file")
    return content[start : start + size]
