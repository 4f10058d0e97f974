"""``<name>.cpp``: ports, arrays and calls of the top function in their order. Nothing else may stand there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fasttrig.frontends.hls4ml_project.configuration import Declarations, whole
from fasttrig.frontends.hls4ml_project.cpp import CppSource, CppToken, spelt, split, statements
from fasttrig.frontends.trees.conifer_types import CppType

LOADED = "nnet::load_weights_from_txt"
TRACED = "nnet::save_layer_output"


@dataclass(frozen=True, slots=True)
class CppArray:
    """An array of the function: its element type and its number of elements."""

    name: str
    type: CppType
    size: int


@dataclass(frozen=True, slots=True)
class CppCall:
    """``function<template_arguments>(arguments);``, each argument as its words."""

    function: str
    template_arguments: tuple[tuple[CppToken, ...], ...]
    arguments: tuple[tuple[CppToken, ...], ...]
    words: tuple[CppToken, ...]

    @property
    def line(self) -> int:
        return self.words[0].line


@dataclass(slots=True)
class TopFunction:
    """The top function, read.

    Attributes
    ----------
    arrays : ports and variables by name
    ports : names of the parameters, in their order
    calls : the layers, in their order
    weight_files : by the name of an array of weights, the text file that the C-simulation loads it from
    aliases : other names of arrays: ``auto& a = b``
    """

    name: str
    source: CppSource
    arrays: dict[str, CppArray] = field(default_factory=dict)
    ports: list[str] = field(default_factory=list)
    calls: list[CppCall] = field(default_factory=list)
    weight_files: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    namespace: str | None = None

    def resolved(self, name: str) -> str:
        return self.aliases.get(name, name)


def read_function(source: CppSource, declared: Declarations) -> TopFunction:
    """The function of the file, which is named after the file.

    Raises
    ------
    UnsupportedError
        For any statement that is not understood, with its line and its text.
    """
    namespace, words = _only_function(source, source.tokens)
    top = TopFunction(source.path.stem, source, namespace=namespace)
    opened = next((place for place, token in enumerate(words) if token.text == "("), 0)
    closed = next((place for place, token in enumerate(words) if token.text == ")"), 0)
    body = words[closed + 1 :]
    if spelt(words[:opened]) != f"void {top.name}" or not body or body[0].text != "{" or body[-1].text != "}":
        raise source.refusal(
            "this is not the top function of an hls4ml project", words[: closed + 1], f"void {top.name}(...)"
        )
    for port in split(words[opened + 1 : closed]):
        top.ports.append(_declare(top, declared, port))
    for statement in statements(source, body[1:-1]):
        _statement(top, declared, statement)
    return top


def _only_function(
    source: CppSource, tokens: Sequence[CppToken], namespace: str | None = None
) -> tuple[str | None, tuple[CppToken, ...]]:
    """The one definition of the file, and the namespace around it."""
    found = [words for words in statements(source, tokens) if not _uses_namespace(words)]
    if len(found) != 1:
        raise source.refusal("a file with one function is wanted", found[1] if found else (), "the top function alone")
    (words,) = found
    if words[0].text == "namespace" and words[2].text == "{" and namespace is None:
        return _only_function(source, words[3:-1], words[1].text)
    return namespace, words


def _uses_namespace(words: Sequence[CppToken]) -> bool:
    return [token.text for token in words[:2]] == ["using", "namespace"] and len(words) == 3


def _statement(top: TopFunction, declared: Declarations, words: tuple[CppToken, ...]) -> None:
    texts = [token.text for token in words]
    if texts[:2] == ["auto", "&"] and texts[3:4] == ["="] and top.resolved(texts[-1]) in top.arrays and len(texts) == 5:
        _once(top, words[2])
        top.aliases[texts[2]] = top.resolved(texts[4])
    elif texts == ["static", "bool", "loaded_weights", "=", "false"]:
        return
    elif texts[:6] == ["if", "(", "!", "loaded_weights", ")", "{"] and texts[-1] == "}":
        _loads(top, words)
    elif texts[:2] == ["nnet", "::"] and texts[-1] == ")":
        call = _call(top.source, words)
        if call.function != TRACED:
            top.calls.append(call)
    else:
        _declare(top, declared, words)


def _declare(top: TopFunction, declared: Declarations, words: Sequence[CppToken]) -> str:
    """``T name[size]``."""
    texts = [token.text for token in words]
    if len(words) < 5 or texts[-1] != "]" or "[" not in texts or not texts[texts.index("[") - 1].isidentifier():
        raise top.source.refusal(
            "a statement that fasttrig does not understand", words, "an array, or a call of a function of nnet_utils"
        )
    place = texts.index("[")
    size = whole(top.source, words[place + 1 : -1], declared.sizes)
    name = words[place - 1]
    _once(top, name)
    top.arrays[name.text] = CppArray(name.text, declared.type_of(top.source, words[: place - 1], {}), size)
    return name.text


def _once(top: TopFunction, name: CppToken) -> None:
    if name.text in top.arrays or name.text in top.aliases:
        raise top.source.refusal("a name declared twice", [name])


def _loads(top: TopFunction, words: tuple[CppToken, ...]) -> None:
    """``if (!loaded_weights) { nnet::load_weights_from_txt<T, n>(w2, "w2.txt"); ... loaded_weights = true; }``."""
    for statement in statements(top.source, words[6:-1]):
        if [token.text for token in statement] == ["loaded_weights", "=", "true"]:
            continue
        call = _call(top.source, statement)
        names = [spelt(argument) for argument in call.arguments]
        if call.function != LOADED or len(names) != 2 or names[0] in top.weight_files or names[1][0] != '"':
            raise top.source.refusal(
                "a way to load weights that fasttrig does not know", statement, f"{LOADED}, once each"
            )
        top.weight_files[names[0]] = names[1].strip('"')


def _call(source: CppSource, words: tuple[CppToken, ...]) -> CppCall:
    """``nnet::name<...>(...)``."""
    texts = [token.text for token in words]
    depth, opened = 0, 0
    for place, text in enumerate(texts):
        depth += (text == "<") - (text == ">")
        if text == "(" and depth == 0:
            opened = place
            break
    start = texts.index("<") if "<" in texts[:opened] else opened
    inside = words[start + 1 : opened - 1]
    if not opened or texts[:2] != ["nnet", "::"] or texts[-1] != ")" or (start < opened and texts[opened - 1] != ">"):
        raise source.refusal(
            "a statement that fasttrig does not understand", words, "a call of a function of nnet_utils"
        )
    return CppCall(spelt(words[:start]), tuple(split(inside)), tuple(split(words[opened + 1 : -1])), words)
