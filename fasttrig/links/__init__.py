"""Links: which bit of which 64-bit frame of which optical link holds what, and pattern files of such frames."""

from fasttrig.links.link_map import LinkMap, Placement, check_link_map, default_link_map, read_link_map
from fasttrig.links.packing import pack, unpack
from fasttrig.links.patterns import FORMATS, Patterns, read_patterns, unpack_patterns, write_patterns

__all__ = [
    "FORMATS",
    "LinkMap",
    "Patterns",
    "Placement",
    "check_link_map",
    "default_link_map",
    "pack",
    "read_link_map",
    "read_patterns",
    "unpack",
    "unpack_patterns",
    "write_patterns",
]
