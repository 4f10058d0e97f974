"""Git LFS pointers: small texts that stand in for files that were not fetched."""

from __future__ import annotations

from fasttrig.base.errors import InputError

LFS_POINTER = b"version https://git-lfs"


def refuse_pointer(content: bytes, where: str, want: str = "the model file") -> None:
    """Raise where the content of a file, or its beginning, is a pointer.

    Raises
    ------
    InputError
        Naming the command that fetches the file.
    """
    if content.startswith(LFS_POINTER):
        raise InputError(
            "this is a Git LFS pointer, not the model itself",
            where=where,
            got="a text that names the file's content",
            want=want,
            try_="git lfs pull",
        )
