"""The graph as text: prints, parses, diffs. ``parse_graph(print_graph(g)) == g``.

One line per op, fields by name in the order of the dataclass; constants first. The printer and the parser are both
driven by the fields of the op classes, so a new op needs no row here.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from enum import Enum
from typing import Any

import numpy as np

from fasttrig.errors import GraphError, InputError, near_names
from fasttrig.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.ir.ops import OPS, Const, Op, Shape, Value

VERSION = 1
_KINDS = {kind.__name__: kind for kind in OPS}
_ENUMS: dict[str, type[Enum]] = {"rounding": Rounding, "overflow": Overflow}
_TOKEN = re.compile(r'\s*(u?fixed<\d+,-?\d+>|"(?:[^"\\]|\\.)*"|@?[A-Za-z_][\w./-]*|-?\d+|[()\[\]=,:])')
_RAW_PER_LINE = 32


def print_graph(graph: Graph) -> str:
    """The text of `graph`; the same graph gives the same text."""
    lines = [f"fasttrig-ir {VERSION}", f"graph {graph.name} {graph.postprocessor.value}", ""]
    for const in graph.constants:
        lines += [f"const @{const.name} : {_shape(const.shape)} {const.type}", *_raw_lines(const), ""]
    lines += [_print_op(op) for op in graph.ops]
    lines += [f"return {', '.join(value.name for value in graph.outputs)}", ""]
    return "\n".join(lines)


def print_op(op: Op) -> str:
    """One op as it stands in the text, without its origin."""
    return _print_op(op).split(" from ")[0]


def _print_op(op: Op) -> str:
    names = [spec.name for spec in fields(op) if spec.name not in ("result", "origin")]
    arguments = ", ".join(f"{name}={_print_field(getattr(op, name))}" for name in names)
    origin = f" from {json.dumps(op.origin)}" if op.origin else ""
    result = op.result
    return f"{result.name} : {_shape(result.shape)} {result.type} = {type(op).__name__}({arguments}){origin}"


def _print_field(content: Any) -> str:
    if isinstance(content, Value):
        return content.name
    if isinstance(content, Const):
        return f"@{content.name}"
    if isinstance(content, Enum):
        return content.name
    if isinstance(content, tuple):
        return f"[{', '.join(_print_field(item) for item in content)}]"
    if isinstance(content, str):
        return json.dumps(content)
    if content is None or isinstance(content, bool):
        return str(content).lower()
    return str(content)


def _shape(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


def _raw_lines(const: Const) -> list[str]:
    flat = const.raw.ravel().tolist()
    per_line = const.shape[-1] if const.shape and const.shape[-1] <= _RAW_PER_LINE else _RAW_PER_LINE
    return ["  " + " ".join(map(str, flat[start : start + per_line])) for start in range(0, len(flat), per_line)]


def parse_graph(text: str) -> Graph:
    """The graph of a text; verify it before use.

    Raises
    ------
    GraphError
        With the line number, when the text is not a graph of this version.
    """
    return _Parser(text).graph()


class _Parser:
    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.number = 0
        self.values: dict[str, Value] = {}
        self.constants: dict[str, Const] = {}
        self.tokens: list[str] = []

    def graph(self) -> Graph:
        self.next_line()
        if self.tokens[:1] != ["fasttrig-ir"] or self.tokens[1:] != [str(VERSION)]:
            raise self.fault("not a graph of this version", want=f"fasttrig-ir {VERSION}")
        self.next_line()
        self.expect("graph")
        name, link = self.take(), self.take()
        if link not in {p.value for p in Postprocessor}:
            raise self.fault("unknown postprocessor", got=link, want=", ".join(p.value for p in Postprocessor))
        ops: list[Op] = []
        while True:
            self.next_line()
            if self.tokens[0] == "const":
                self.const()
            elif self.tokens[0] == "return":
                self.take()
                outputs = tuple(self.value(item) for item in self.tokens if item != ",")
                return Graph(name, tuple(ops), outputs, Postprocessor(link))
            else:
                ops.append(self.op())

    def const(self) -> None:
        self.expect("const")
        name = self.take().removeprefix("@")
        self.expect(":")
        shape, fixed_type = self.shape(), self.type()
        count = int(np.prod(shape, dtype=np.int64))
        numbers: list[int] = []
        while len(numbers) < count:
            self.next_line()
            try:
                numbers += [int(token) for token in self.tokens]
            except ValueError:
                raise self.fault("not a raw integer", want=f"{count} integers for @{name}") from None
        if len(numbers) > count:
            raise self.fault("too many raw integers", got=str(len(numbers)), want=f"{count} for @{name}")
        self.constants[name] = Const(name, fixed_type, np.array(numbers, dtype=np.int64).reshape(shape))

    def op(self) -> Op:
        name = self.take()
        self.expect(":")
        result = Value(name, self.shape(), self.type())
        self.expect("=")
        word = self.take()
        if word not in _KINDS:
            raise self.fault("unknown op", got=word, try_=near_names(word, _KINDS))
        arguments = self.arguments(_KINDS[word])
        if self.tokens:
            self.expect("from")
            arguments["origin"] = json.loads(self.take())
        self.values[name] = result
        return _KINDS[word](result=result, **arguments)

    def arguments(self, kind: type[Op]) -> dict[str, Any]:
        known = {spec.name for spec in fields(kind)} - {"result", "origin"}
        found: dict[str, Any] = {}
        self.expect("(")
        while self.tokens and self.tokens[0] != ")":
            name = self.take()
            if name not in known:
                raise self.fault("unknown field", got=name, try_=near_names(name, known))
            self.expect("=")
            found[name] = self.field(name)
            if self.tokens and self.tokens[0] == ",":
                self.take()
        self.expect(")")
        if found.keys() != known:
            raise self.fault("a field is missing", got=", ".join(sorted(found)), want=", ".join(sorted(known)))
        return found

    def field(self, name: str) -> Any:
        token = self.take()
        if token == "[":
            items = []
            while self.tokens and self.tokens[0] != "]":
                items.append(self.field(name))
                if self.tokens and self.tokens[0] == ",":
                    self.take()
            self.expect("]")
            return tuple(items)
        return self.scalar(name, token)

    def scalar(self, name: str, token: str) -> Any:
        if token in ("none", "true", "false"):
            return {"none": None, "true": True, "false": False}[token]
        if token.startswith("@"):
            if token[1:] not in self.constants:
                raise self.fault("unknown constant", got=token, try_=near_names(token[1:], self.constants))
            return self.constants[token[1:]]
        if token.startswith('"'):
            return json.loads(token)
        if "fixed<" in token:
            return FixedType.parse(token)
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        enum = _ENUMS.get(name.rpartition("_")[2])
        if enum is not None:
            if token not in enum.__members__:
                raise self.fault(f"unknown {name}", got=token, try_=near_names(token, enum.__members__))
            return enum[token]
        return self.value(token)

    def value(self, name: str) -> Value:
        if name not in self.values:
            raise self.fault("unknown value", got=name, try_=near_names(name, self.values))
        return self.values[name]

    def shape(self) -> Shape:
        self.expect("(")
        sizes: list[int] = []
        while (token := self.take()) != ")":
            if token != ",":
                sizes.append(self.integer(token))
        return tuple(sizes)

    def type(self) -> FixedType:
        token = self.take()
        try:
            return FixedType.parse(token)
        except InputError as error:
            raise self.fault(error.what, got=error.got, want=error.want) from None

    def integer(self, token: str) -> int:
        if not re.fullmatch(r"\d+", token):
            raise self.fault("not a size", got=token)
        return int(token)

    def next_line(self) -> None:
        while self.number < len(self.lines):
            line = self.lines[self.number].split("#")[0] if '"' not in self.lines[self.number] else None
            text = self.lines[self.number] if line is None else line
            self.number += 1
            if text.strip():
                self.tokens = self.tokenize(text)
                return
        raise self.fault("the text ends too early", want="a line 'return ...'")

    def tokenize(self, text: str) -> list[str]:
        tokens, position = [], 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.fault("cannot read this", got=text[position:].strip()[:40])
            tokens.append(match[1])
            position = match.end()
        return tokens

    def take(self) -> str:
        if not self.tokens:
            raise self.fault("the line ends too early", got=self.lines[self.number - 1])
        return self.tokens.pop(0)

    def expect(self, word: str) -> None:
        got = self.take()
        if got != word:
            raise self.fault("cannot read this", got=repr(got), want=repr(word))

    def fault(self, what: str, got: str = "", want: str = "", try_: str = "") -> GraphError:
        return GraphError(what, where=f"graph text, line {self.number}", got=got, want=want, try_=try_)
