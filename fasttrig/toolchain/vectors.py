"""Golden vectors as text: one event a line, raw words in hexadecimal.

A line holds the words of all tensors one after the other, last axis fastest, separated by single spaces; a word is
the two's complement of the raw integer in ``ceil(width / 4)`` lower-case digits. ``$readmemh`` reads the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import INT64_BITS, FixedType, IntArray
from fasttrig.ir.ops import Shape

Bytes = npt.NDArray[np.uint8]

_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_NO_DIGIT = 255
_VALUES = np.full(256, _NO_DIGIT, dtype=np.uint8)
_VALUES[_DIGITS] = np.arange(16, dtype=np.uint8)
_SPACE, _NEWLINE = ord(" "), ord("\n")


def digits_of(fixed_type: FixedType) -> int:
    """Hexadecimal digits of a word of `fixed_type`."""
    return -(-fixed_type.width // 4)


def write_hex(arrays: Sequence[IntArray], types: Sequence[FixedType]) -> str:
    """The text of `arrays`, each of shape (n_events, ...) and of the type at its place in `types`.

    Raises
    ------
    DataError
        If arrays differ in events or an integer lies outside its type.
    """
    if len(arrays) != len(types) or not arrays:
        raise DataError(
            "the number of types differs from the number of arrays", got=f"{len(arrays)} arrays, {len(types)} types"
        )
    n_events = len(arrays[0])
    if any(len(array) != n_events for array in arrays):
        raise DataError(
            "the arrays have different numbers of events", got=", ".join(str(len(array)) for array in arrays)
        )
    blocks = [_words(np.asarray(array), fixed_type) for array, fixed_type in zip(arrays, types, strict=True)]
    page = np.concatenate([block.reshape(n_events, -1) for block in blocks], axis=1)
    page[:, -1] = _NEWLINE
    return page.tobytes().decode("ascii")


def read_hex(
    text: str,
    types: Sequence[FixedType],
    shapes: Sequence[Shape],
    *,
    n_events: int | None = None,
    where: str = "vectors",
) -> list[IntArray]:
    """The arrays of a text, of shapes (n_events, *shape); int64, or Python integers beyond 62 bits.

    Parameters
    ----------
    n_events : int, optional
        How many events there must be; a file cut at the end of a line is found no other way.
    where : str
        The file's name, for errors.

    Raises
    ------
    DataError
        Naming the event and the word at the first fault.
    """
    if len(types) != len(shapes):
        raise DataError(
            "the number of shapes differs from the number of types", got=f"{len(types)} types, {len(shapes)} shapes"
        )
    sizes = [int(np.prod(shape, dtype=np.int64)) for shape in shapes]
    raw = text.replace("\r\n", "\n").encode("ascii", errors="replace")
    raw += b"" if raw.endswith(b"\n") or not raw else b"\n"
    length = sum(size * (digits_of(t) + 1) for size, t in zip(sizes, types, strict=True))
    page = np.frombuffer(raw, dtype=np.uint8)
    if page.size % length or not _is_regular(page.reshape(-1, length), sizes, types):
        raise _fault(raw, sizes, types, where)
    page = page.reshape(-1, length)
    if n_events is not None and len(page) != n_events:
        raise DataError(
            "the vectors have different numbers of events", where=where, got=str(len(page)), want=str(n_events)
        )
    arrays, start = [], 0
    for size, fixed_type, shape in zip(sizes, types, shapes, strict=True):
        width = size * (digits_of(fixed_type) + 1)
        block = page[:, start : start + width].reshape(len(page), size, -1)[..., :-1]
        arrays.append(_integers(block, fixed_type, where).reshape(len(page), *shape))
        start += width
    return arrays


def _words(array: IntArray, fixed_type: FixedType) -> Bytes:
    """Shapes: (n_events, ...) -> (n_events, size, digits + 1), a space after each word."""
    flat = array.reshape(len(array), -1)
    low, high = (int(flat.min()), int(flat.max())) if flat.size else (0, 0)
    if not fixed_type.holds(low, high):
        raise DataError(
            "raw integers outside the range of their type",
            got=f"{low} to {high}",
            want=f"{fixed_type}: {fixed_type.min_raw} to {fixed_type.max_raw}",
        )
    digits = digits_of(fixed_type)
    page = np.full((*flat.shape, digits + 1), _SPACE, dtype=np.uint8)
    masked = flat.astype(object) if fixed_type.width > INT64_BITS else flat.astype(np.int64)
    masked = masked & ((1 << fixed_type.width) - 1)
    for place in range(digits):
        nibble = (masked >> (4 * (digits - 1 - place))) & 15
        page[..., place] = _DIGITS[nibble.astype(np.intp)]
    return page


def _integers(block: Bytes, fixed_type: FixedType, where: str) -> IntArray:
    """Shapes: (n_events, size, digits) -> (n_events, size)."""
    wide = fixed_type.width > INT64_BITS
    total = np.zeros(block.shape[:-1], dtype=object if wide else np.int64)
    for place in range(block.shape[-1]):
        nibble = _VALUES[block[..., place]]
        total = (total << 4) | nibble.astype(object if wide else np.int64)
    if total.size and int(total.max()) >> fixed_type.width:
        event, word = np.argwhere(total >> fixed_type.width)[0]
        raise DataError(
            "a word has more bits than its type allows",
            where=f"{where}, event {event}, word {word} of its tensor",
            got=f"{int(total[event, word]):x}",
            want=str(fixed_type),
        )
    if fixed_type.signed:
        total = total - ((total >> (fixed_type.width - 1)) << fixed_type.width)
    return total


def _is_regular(page: Bytes, sizes: Sequence[int], types: Sequence[FixedType]) -> bool:
    """Whether every digit and every separator is at its place."""
    separators = np.zeros(page.shape[1], dtype=bool)
    widths = [digits_of(t) + 1 for size, t in zip(sizes, types, strict=True) for _ in range(size)]
    separators[np.cumsum(widths) - 1] = True
    if not (_VALUES[page[:, ~separators]] != _NO_DIGIT).all():
        return False
    places = np.flatnonzero(separators)
    return bool((page[:, places[:-1]] == _SPACE).all() and (page[:, places[-1]] == _NEWLINE).all())


def _fault(raw: bytes, sizes: Sequence[int], types: Sequence[FixedType], where: str) -> DataError:
    """The first line, and the first word in it, that is not as it must be."""
    wanted = [digits_of(t) for size, t in zip(sizes, types, strict=True) for _ in range(size)]
    for event, line in enumerate(raw.decode("ascii", errors="replace").splitlines()):
        words = line.split(" ")
        if len(words) != len(wanted) and not _cut_word(words, wanted):
            return DataError(
                "the line has an unexpected number of words",
                where=f"{where}, event {event}",
                got=str(len(words)),
                want=str(len(wanted)),
                try_="the file may be cut short, or belong to another model",
            )
        for place, (word, digits) in enumerate(zip(words, wanted, strict=False)):
            if len(word) != digits or set(word) - set("0123456789abcdef"):
                return DataError(
                    "not a raw word of this type",
                    where=f"{where}, event {event}, word {place}",
                    got=repr(word),
                    want=f"{digits} digits of 0-9a-f",
                )
    return DataError("cannot read the vectors", where=where)


def _cut_word(words: Sequence[str], wanted: Sequence[int]) -> bool:
    """Whether a malformed word says more than the count of words."""
    return any(len(word) > digits for word, digits in zip(words, wanted, strict=False))


def copy_some_vectors(source: Path, target: Path, most_events: int) -> int:
    """``inputs.hex`` and ``outputs.hex`` of at most `most_events` events, spread evenly over all in `source`.

    Returns
    -------
    int
        The number of events written to the folder `target`.
    """
    target.mkdir(parents=True, exist_ok=True)
    n_events = 0
    for name in ("inputs.hex", "outputs.hex"):
        lines = (source / name).read_text(encoding="ascii").splitlines(keepends=True)
        chosen = np.unique(np.linspace(0, len(lines) - 1, min(most_events, len(lines))).astype(np.int64))
        n_events = len(chosen)
        (target / name).write_text("".join(lines[i] for i in chosen.tolist()), encoding="ascii")
    return n_events
