"""Types of settings that check what a user wrote: fixed-point types, names, features."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from fasttrig.base.errors import InputError
from fasttrig.base.feature_names import expanded
from fasttrig.base.fixed import FixedType
from fasttrig.base.names import WANTED, fault_of, languages_of, suggested


def _parse_type(content: object) -> FixedType:
    if isinstance(content, FixedType):
        return content
    if not isinstance(content, str):
        raise ValueError("want fixed<W,I> or ufixed<W,I>")
    try:
        return FixedType.parse(content)
    except InputError as error:
        raise ValueError(f"{error.what}; want {error.want or 'at least one bit'}") from error


def _model_name(name: str) -> str:
    fault = fault_of(name)
    if fault:
        raise ValueError(f"{fault}; want {WANTED}: {suggested(name)!r}")
    return name


def _namespace(name: str) -> str:
    if not name.isascii() or not name.isidentifier() or "__" in name or languages_of(name, ("cpp",)):
        raise ValueError(f"want a C++ identifier that is not a reserved word: {suggested(name)!r}")
    return name


TypeField = Annotated[FixedType, BeforeValidator(_parse_type), PlainSerializer(str)]
Name = Annotated[str, AfterValidator(_model_name)]
Namespace = Annotated[str, AfterValidator(_namespace)]

FeatureNames: TypeAlias = Annotated[tuple[str, ...], AfterValidator(expanded)]
"""Feature names of a settings file, sets written out."""
