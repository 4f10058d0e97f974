"""The whole exception tree. Every message says what, where, got, want, try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

EXIT_GOOD, EXIT_CHECK_FAILED, EXIT_BAD_INPUT, EXIT_TOOL_FAILED = 0, 1, 2, 3


class FasttrigError(Exception):
    """Base of everything fasttrig raises on purpose.

    Parameters
    ----------
    what : str
        One sentence: what cannot be done.
    where : str
        The place, from the outside in: ``jet.h5 > layer 'fc1' > kernel_quantizer``.
    got, want : str
        What was found and what would have been right.
    try_ : str
        The next thing a user can do.
    """

    exit_code = EXIT_BAD_INPUT

    def __init__(self, what: str, *, where: str = "", got: str = "", want: str = "", try_: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.got, self.want, self.try_ = what, where, got, want, try_

    def __str__(self) -> str:
        rows = (("where", self.where), ("got", self.got), ("want", self.want), ("try", self.try_))
        return "\n".join([self.what, *(f"  {key + ':':<6} {_indent(text)}" for key, text in rows if text)])

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.__dict__)


class InputError(FasttrigError):
    """A file, an option or an array given by the user cannot be used."""


class ProjectError(InputError):
    """model.toml is not valid."""


class DataError(InputError):
    """An event sample cannot be read, or holds values that cannot be used."""


class UnsupportedError(InputError):
    """A model holds something that fasttrig cannot compute exactly."""


class GraphError(InputError):
    """A graph is not well formed, or its text does not parse."""


class MissingPackageError(InputError):
    """An optional package is not installed."""


class CheckFailed(FasttrigError):
    """A rung of the ladder, a budget or another check did not hold."""

    exit_code = EXIT_CHECK_FAILED


class ToolError(FasttrigError):
    """An outside program failed; its log is kept and quoted."""

    exit_code = EXIT_TOOL_FAILED


class ToolTimeoutError(ToolError):
    """An outside program did not end in the time that it was given."""


class RefusalError(UnsupportedError):
    """All refusals of one model, listed at once."""

    def __init__(self, refusals: Sequence[UnsupportedError]) -> None:
        self.refusals = tuple(refusals)
        places = f"{len(self.refusals)} places" if len(self.refusals) > 1 else "one place"
        super().__init__(f"fasttrig cannot convert this model exactly: {places}")

    def __str__(self) -> str:
        return "\n\n".join([self.what, *(str(refusal) for refusal in self.refusals)])


def near_names(name: str, known: Iterable[str]) -> str:
    """Offer up to three known names that look like `name`, for the `try` row of an error."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else f"one of: {', '.join(known)}"


def _indent(text: str) -> str:
    return text.replace("\n", "\n         ")


def _rebuild(kind: type[FasttrigError], state: dict[str, object]) -> FasttrigError:
    error = kind.__new__(kind)
    Exception.__init__(error, state["what"])
    error.__dict__.update(state)
    return error
