"""``defines.h`` and ``parameters.h``: names of types and sizes, and one struct of settings for each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fasttrig.base.errors import UnsupportedError
from fasttrig.frontends.hls4ml_project.cpp import CppSource, CppToken, spelt, split, statements
from fasttrig.frontends.hls4ml_project.expressions import ConstantNumber, UnknownExpressionError, evaluate_constant
from fasttrig.frontends.trees.conifer_types import CppType, ap_type

_CONSTANT_WORDS = {"static", "const", "constexpr", "inline", "unsigned", "int", "size_t", "bool", "float", "std", "::"}


@dataclass(frozen=True, slots=True)
class ConfigStruct:
    """A struct of ``parameters.h``.

    Attributes
    ----------
    base : the struct of nnet_utils that it adds to: ``nnet::dense_config``
    constants, types : the words of each setting by its name; a type may be a template
    """

    name: str
    base: str
    source: CppSource
    tokens: tuple[CppToken, ...]
    constants: Mapping[str, tuple[CppToken, ...]]
    types: Mapping[str, tuple[CppToken, ...]]


@dataclass(slots=True)
class Declarations:
    """What a project declares outside its function."""

    types: dict[str, tuple[CppToken, ...]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    configs: dict[str, ConfigStruct] = field(default_factory=dict)
    homes: dict[str, CppSource] = field(default_factory=dict)
    """The file that gives each type its name."""

    def read(self, source: CppSource) -> None:
        """Add what a header declares.

        Raises
        ------
        UnsupportedError
            For a statement that is not understood, or a second declaration of a name.
        """
        for name, number in source.sizes.items():
            self._once(name, source, ())
            self.sizes[name] = number
        self._block(source, source.tokens)

    def _block(self, source: CppSource, tokens: Sequence[CppToken]) -> None:
        for words in statements(source, tokens):
            texts = [token.text for token in words]
            if texts[0] == "namespace" and texts[2:3] == ["{"] and texts[-1] == "}":
                self._block(source, words[3:-1])
            elif texts[0] == "struct" and texts[2:3] == [":"]:
                self._once(texts[1], source, words)
                self.configs[texts[1]] = _struct(source, words)
            elif texts[0] in ("typedef", "using") and (named := _named_type(words)) is not None:
                self._once(named[0], source, words)
                self.types[named[0]], self.homes[named[0]] = named[1], source
            elif (constant := _named_constant(words)) is not None:
                self._once(constant[0], source, words)
                self.sizes[constant[0]] = self._size(source, constant[1])
            else:
                raise source.refusal("a declaration that fasttrig does not understand", words, "a typedef or a size")

    def _once(self, name: str, source: CppSource, words: Sequence[CppToken]) -> None:
        if name in self.types or name in self.sizes or name in self.configs:
            raise source.refusal(f"a second declaration of '{name}'", words, "each name once")

    def _size(self, source: CppSource, words: Sequence[CppToken]) -> int:
        return whole(source, words, self.sizes)

    def type_of(self, source: CppSource, words: Sequence[CppToken], own: Mapping[str, tuple[CppToken, ...]]) -> CppType:
        """The fixed-point type that some words mean: spelt out, or a name of the struct `own` or of the project.

        Raises
        ------
        UnsupportedError
            For a type that is no ap_fixed or ap_int, with their usual modes.
        """
        seen, scope = words, dict(own)
        for _ in range(8):
            name = spelt(seen)
            if name not in scope and name not in self.types:
                break
            source = source if name in scope else self.homes[name]
            seen = scope.pop(name) if name in scope else self.types[name]
        found = ap_type(spelt(seen))
        if found is None:
            raise source.refusal(
                "a type that fasttrig does not know", seen or words, "ap_fixed<W,I,modes> or ap_int<W>"
            )
        return found


def whole(source: CppSource, words: Sequence[CppToken], sizes: Mapping[str, ConstantNumber]) -> int:
    """The size that an expression means.

    Raises
    ------
    UnsupportedError
        If it is not understood, or no whole number.
    """
    try:
        found = evaluate_constant(words, lambda name: _known(sizes, name))
    except UnknownExpressionError:
        raise source.refusal("a size that fasttrig does not understand", words, "a whole number") from None
    if not isinstance(found, int):
        raise source.refusal("a size that is no whole number", words)
    return found


def _known(sizes: Mapping[str, ConstantNumber], name: str) -> ConstantNumber:
    if name not in sizes:
        raise UnknownExpressionError
    return sizes[name]


def _named_type(words: Sequence[CppToken]) -> tuple[str, tuple[CppToken, ...]] | None:
    """Name and meaning of ``typedef T name`` or ``using name = T``."""
    texts = [token.text for token in words]
    if texts[0] == "typedef" and len(texts) > 2 and texts[-1].isidentifier():
        return texts[-1], tuple(words[1:-1])
    if texts[0] == "using" and texts[2:3] == ["="]:
        return texts[1], tuple(words[3:])
    return None


def _named_constant(words: Sequence[CppToken]) -> tuple[str, tuple[CppToken, ...]] | None:
    """Name and meaning of ``static const unsigned name = expression``."""
    head, *value = split(words, "=")
    texts = [token.text for token in head]
    is_const = "const" in texts or "constexpr" in texts
    if len(value) == 1 and is_const and texts[-1].isidentifier() and set(texts[:-1]) <= _CONSTANT_WORDS:
        return texts[-1], value[0]
    return None


def _struct(source: CppSource, words: tuple[CppToken, ...]) -> ConfigStruct:
    """``struct name : base { settings }``."""
    opened = next(place for place, token in enumerate(words) if token.text == "{")
    constants: dict[str, tuple[CppToken, ...]] = {}
    types: dict[str, tuple[CppToken, ...]] = {}
    for setting in statements(source, words[opened + 1 : -1]):
        plain = _without_template(setting)
        if plain[0].text in ("typedef", "using"):
            named, home = _named_type(plain), types
        else:
            named, home = _named_setting(plain), constants
        if named is None or named[0] in types or named[0] in constants:
            raise source.refusal("a setting that fasttrig does not understand", setting, "each setting once")
        home[named[0]] = named[1]
    return ConfigStruct(words[1].text, spelt(words[3:opened]), source, words[:opened], constants, types)


def _named_setting(words: Sequence[CppToken]) -> tuple[str, tuple[CppToken, ...]] | None:
    """A constant of any type: an enumeration's too."""
    head, *value = split(words, "=")
    if len(value) == 1 and len(head) > 2 and head[0].text == "static" and head[1].text in ("const", "constexpr"):
        return head[-1].text, value[0]
    return None


def _without_template(words: tuple[CppToken, ...]) -> tuple[CppToken, ...]:
    """``template<class a, class b> using c = d`` without its first half."""
    if words[0].text != "template":
        return words
    closed = next((place for place, token in enumerate(words) if token.text == ">"), 0)
    return words[closed + 1 :] or words


def unknown_setting(config: ConfigStruct, name: str, want: str = "") -> UnsupportedError:
    """The refusal of a setting of a layer."""
    words = config.constants.get(name) or config.types.get(name) or config.tokens
    missing = "" if name in config.constants or name in config.types else "no "
    return config.source.refusal(f"{missing}setting '{name}' of '{config.name}' that fasttrig can use", words, want)
