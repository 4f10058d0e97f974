"""Designs: a graph of integers and where it comes from."""

from fasttrig.design.design import COMPILED_FROM, Design, EventInput
from fasttrig.design.reading import built_files, load_built, open_design, read, read_again, read_project

__all__ = [
    "COMPILED_FROM",
    "Design",
    "EventInput",
    "built_files",
    "load_built",
    "open_design",
    "read",
    "read_again",
    "read_project",
]
