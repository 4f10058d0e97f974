"""The one Jinja environment: templates are files, everything that goes into them is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrig.base.cache import cache_folder
from fasttrig.base.hashing import package_versions, sha256_file, sha256_json

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = Path(__file__).resolve().parent.parent
TEMPLATE_FOLDERS = (_PACKAGE / "display", _PACKAGE / "report" / "html")


def render(template: str, **content: Any) -> str:
    """The text of one template; a name that it misses is an error."""
    return _environment().get_template(template).render(**content)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    # To compile the templates takes longer than to fill them. The options below are part of the compiled code's name.
    options = sha256_json([sha256_file(Path(__file__)), package_versions(["jinja2"])])[:16]
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDERS),
        bytecode_cache=FileSystemBytecodeCache(str(cache_folder("templates")), f"{options}-%s"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"count": count, "percent": percent, "figure": figure, "general": general}
    return environment


def count(number: float | None) -> str:
    """A whole number with thousands marked; a dash for none."""
    return "–" if number is None else _minus(f"{number:,.0f}")


def percent(share: float | None, digits: int = 2) -> str:
    """A share in percent; small ones keep a digit that says something."""
    if share is None:
        return "–"
    if 0 < abs(share) < 0.5 * 10.0 ** -(digits + 2):
        return f"< {10.0**-digits:.{digits}f} %"
    return _minus(f"{share:.{digits}%}".replace("%", "\u202f%"))


def figure(number: float | None, digits: int = 4) -> str:
    """A real number with the given number of decimal places; a dash for None."""
    return "–" if number is None else _minus(f"{number:.{digits}f}")


def general(number: float | None, digits: int = 4) -> str:
    """A real number with so many significant digits; a dash for none."""
    return "–" if number is None else _minus(f"{number:.{digits}g}")


def _minus(text: str) -> str:
    """A true minus in front, not a hyphen (an exponent keeps its own)."""
    return "−" + text[1:] if text.startswith("-") else text
