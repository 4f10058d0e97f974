"""Raw integers to frames and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import INT64_BITS, IntArray
from fasttrig.ir.ops import Value
from fasttrig.links.link_map import LinkMap, Placement, check_fields, links_of, packet_frames_of

Words64 = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.uint8]


class Flag(IntFlag):
    """Flags of a frame; the lower four are those of APx's sideband."""

    VALID = 1
    START_OF_PACKET = 2
    START_OF_ORBIT = 4
    END_OF_PACKET = 8
    STROBE = 16


_OTHER_MAP = "use the link map that the patterns were made with"
NO_FRAME = Flag.STROBE
"""A frame between packets."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Data on some links.

    Attributes
    ----------
    links : tuple of int
        Their numbers, one per column.
    data : uint64 array, shape (n_frames, n_links)
    flags : uint8 array, shape (n_frames, n_links)
        Bits of `Flag`.
    """

    links: tuple[int, ...]
    data: Words64
    flags: Flags

    def __len__(self) -> int:
        return len(self.data)

    def part(self, first: int, last: int) -> Frames:
        """Frames `first` to `last` - 1."""
        return Frames(self.links, self.data[first:last], self.flags[first:last])


def pack(link_map: LinkMap, direction: str, tensors: Mapping[str, IntArray]) -> Frames:
    """The frames of events, one packet every `period_frames`; the orbit starts with the first.

    Parameters
    ----------
    direction : "inputs" or "outputs"
    tensors : mapping of field to int array, shape (n_events, *shape)
        Raw integers of every field.

    Raises
    ------
    DataError
        When a field is missing, arrays differ in events or an integer does not fit its width.
    """
    placements = link_map.side(direction)
    n_events = _n_events(placements, tensors)
    links, period = links_of(placements), link_map.period_frames
    data = np.zeros((n_events, period, len(links)), dtype=np.uint64)
    for placement in placements:
        flat = np.asarray(tensors[placement.field]).reshape(n_events, -1)
        column = links.index(placement.link)
        for element, low in placement.elements():
            if element >= flat.shape[1]:
                raise DataError(
                    "a field has too few elements",
                    where=placement.field,
                    got=str(flat.shape[1]),
                    want=f"element {element}",
                )
            words = _bits(flat[:, element], placement)
            data[:, placement.frame, column] |= words << np.uint64(low)
    flags = np.full((n_events, period, len(links)), NO_FRAME, dtype=np.uint8)
    last = packet_frames_of(placements)
    flags[:, :last] |= int(Flag.VALID)
    flags[:, 0] |= int(Flag.START_OF_PACKET)
    flags[:, last - 1] |= int(Flag.END_OF_PACKET)
    flags[:1, 0] |= int(Flag.START_OF_ORBIT)
    shape = (n_events * period, len(links))
    return Frames(links, data.reshape(shape), flags.reshape(shape))


def unpack(link_map: LinkMap, direction: str, frames: Frames, values: Sequence[Value]) -> dict[str, IntArray]:
    """Raw integers by field, shapes (n_events, *shape); the first event starts with the first valid frame.

    Parameters
    ----------
    values : sequence of Value
        The graph's inputs (their results) or outputs: shapes and types.

    Raises
    ------
    DataError
        When a link is missing, or a frame of an event is not there or not valid.
    """
    placements, period = link_map.side(direction), link_map.period_frames
    check_fields(placements, values, f"link map > {direction}")
    columns = _columns(links_of(placements), frames)
    starts = _starts(frames.flags[:, list(columns.values())], period, packet_frames_of(placements))
    arrays: dict[str, IntArray] = {
        value.name: np.zeros((len(starts), value.size), dtype=_dtype(value.type.width)) for value in values
    }
    types = {value.name: value.type for value in values}
    for placement in placements:
        words = frames.data[starts + placement.frame, columns[placement.link]]
        for element, low in placement.elements():
            bits = (words >> np.uint64(low)) & np.uint64((1 << placement.width) - 1)
            kind = types[placement.field]
            raw = bits.astype(_dtype(placement.width))
            if kind.signed:
                raw = raw - ((raw >> (placement.width - 1)) << placement.width)
            arrays[placement.field][:, element] = raw
    return {value.name: arrays[value.name].reshape(len(starts), *value.shape) for value in values}


def _n_events(placements: Sequence[Placement], tensors: Mapping[str, IntArray]) -> int:
    fields = {placement.field for placement in placements}
    missing = sorted(fields - set(tensors))
    if missing:
        raise DataError("data are missing for a field", got=", ".join(sorted(tensors)), want=", ".join(missing))
    counts = {len(np.asarray(tensors[field])) for field in fields}
    if len(counts) != 1:
        raise DataError("the fields have different numbers of events", got=", ".join(map(str, sorted(counts))))
    return counts.pop()


def _bits(raw: IntArray, placement: Placement) -> Words64:
    """Two's complement in the low bits."""
    low, high = (int(raw.min()), int(raw.max())) if raw.size else (0, 0)
    most = (1 << (placement.width - int(low < 0))) - 1
    if low < -(1 << (placement.width - 1)) or high > most:
        raise DataError(
            "a raw integer does not fit into its field",
            where=placement.field,
            got=f"{low} to {high}",
            want=f"{placement.width} bits",
        )
    wide = raw.astype(object) if placement.width > INT64_BITS else raw.astype(np.int64)
    return np.asarray(wide & ((1 << placement.width) - 1)).astype(np.uint64)


def _dtype(width: int) -> type:
    return object if width > INT64_BITS else np.int64


def _columns(links: Sequence[int], frames: Frames) -> dict[int, int]:
    missing = [link for link in links if link not in frames.links]
    if missing:
        raise DataError(
            "a link of the link map is missing from the patterns",
            got=f"links {', '.join(map(str, frames.links))}",
            want=f"link {missing[0]}",
            try_=_OTHER_MAP,
        )
    return {link: frames.links.index(link) for link in links}


def _starts(flags: Flags, period: int, packet_frames: int) -> npt.NDArray[np.intp]:
    """The first frame of every event; `flags` has shape (n_frames, n_links)."""
    valid = (flags & Flag.VALID) != 0
    some = np.flatnonzero(valid.any(axis=1))
    if not len(some):
        return np.zeros(0, dtype=np.intp)
    starts = np.arange(some[0], some[-1] + 1, period, dtype=np.intp)
    marked = np.flatnonzero(((flags & Flag.START_OF_PACKET) != 0).any(axis=1))
    if len(marked) and not np.array_equal(marked, starts):  # EMPv1 does not mark the start of packets.
        wrong = int(np.setxor1d(marked, starts)[0])
        raise DataError(
            "packet starts differ from the link map",
            where=f"frame {wrong}",
            got="a start of packet" if wrong in marked else "no start of packet",
            want=f"one every {period} frames, from frame {starts[0]}",
            try_=_OTHER_MAP,
        )
    if starts[-1] + packet_frames > len(valid):
        raise DataError(
            "the last packet is truncated",
            where=f"the packet that starts with frame {starts[-1]}",
            got=f"{len(valid)} frames",
            want=f"{packet_frames} frames of it",
        )
    inside = valid[starts[:, None] + np.arange(packet_frames)].all(axis=2)
    if not inside.all():
        event, frame = np.argwhere(~inside)[0]
        raise DataError(
            "a frame of an event is not valid on every link",
            where=f"frame {starts[event] + frame}",
            got="valid = 0",
            want=f"valid: frame {frame} of event {event}",
            try_=_OTHER_MAP,
        )
    return starts
