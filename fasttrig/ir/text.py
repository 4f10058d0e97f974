"""The graph as text: prints, parses, diffs. ``parse_graph(print_graph(g)) == g``.

One line per op, fields by name in the order of the dataclass; constants first. The printer and the parser are both
driven by the fields of the op classes, so a new op needs no row here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np

from fasttrig.base.errors import GraphError, InputError, near_names
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.ir.ops import OPS, Const, Op, Reduction, Shape, Value

VERSION = 1
_KINDS = {kind.__name__: kind for kind in OPS}
_MAX_DIGITS, _MAX_DEPTH = 400, 8
_TOKEN = re.compile(r'\s*(u?fixed<\d{1,9},-?\d{1,9}>|"(?:[^"\\]|\\.)*"|@?[A-Za-z_][\w./-]*|-?\d+|[()\[\]{}=,:])')
_RAW_PER_LINE = 32


def print_graph(graph: Graph) -> str:
    """The text of `graph`; the same graph gives the same text."""
    lines = [f"fasttrig-ir {VERSION}", f"graph {graph.name} {_print_link(graph)}", ""]
    for const in graph.constants:
        lines += [f"const @{const.name} : {_shape(const.shape)} {const.type}", *_raw_lines(const), ""]
    return "\n".join([*lines, *_block(graph), ""])


def _print_link(graph: Graph) -> str:
    """``sigmoid``, or ``sigmoid(2, 1)`` with a scale of 2 / 1."""
    scale = graph.link_scale
    return graph.postprocessor.value + ("" if scale == 1 else f"({scale.numerator}, {scale.denominator})")


def print_op(op: Op) -> str:
    """One op as in the text, without its origin."""
    return _print_op(replace(op, origin=""))


def _block(graph: Graph, indent: str = "") -> Iterator[str]:
    """The lines of the ops and what is returned; the body of an op is a block inside."""
    for op in graph.ops:
        yield indent + _print_op(op) + " {" * bool(op.body_field)
        for body in op.bodies:
            yield from _block(body, indent + "  ")
            yield indent + "}"
    yield f"{indent}return {', '.join(value.name for value in graph.outputs)}"


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
    if isinstance(content, Graph):
        return content.name
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
    per_line = const.shape[-1] if const.shape and 0 < const.shape[-1] <= _RAW_PER_LINE else _RAW_PER_LINE
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
        self.lines = text.split("\n")
        self.number, self.depth = 0, 0
        self.values: dict[str, Value] = {}
        self.constants: dict[str, Const] = {}
        self.tokens: list[str] = []

    def graph(self) -> Graph:
        self.next_line()
        if self.tokens != ["fasttrig-ir", str(VERSION)]:
            raise self.fault(
                "not a graph of this version", got=self.lines[self.number - 1][:80], want=f"fasttrig-ir {VERSION}"
            )
        self.next_line()
        self.expect("graph")
        name, link, scale = self.name(), self.enum(Postprocessor, lambda p: p.value), self.link_scale()
        self.end()
        ops, outputs = self.block()
        if any(line.split("#")[0].strip() for line in self.lines[self.number :]):
            self.number += 1
            raise self.fault("text after the end of the graph")
        return Graph(name, ops, outputs, link, scale)

    def block(self) -> tuple[tuple[Op, ...], tuple[Value, ...]]:
        """The ops up to ``return``, and what is returned."""
        ops: list[Op] = []
        while True:
            self.next_line()
            if self.tokens[0] == "const" and self.tokens[1:2] != [":"]:
                self.const()
            elif self.tokens[0] == "return" and self.tokens[1:2] != [":"]:
                return tuple(ops), self.returned()
            else:
                ops.append(self.op())

    def body(self, name: str) -> Graph:
        """The block of an op, up to ``}``; its values are known inside only."""
        self.expect("{")
        self.end()
        if self.depth == _MAX_DEPTH:
            raise self.fault("too many bodies inside each other", want=f"at most {_MAX_DEPTH}")
        outside, self.values, self.depth = self.values, {}, self.depth + 1
        graph = Graph(name, *self.block())
        self.values, self.depth = outside, self.depth - 1
        self.next_line()
        self.expect("}")
        return graph

    def link_scale(self) -> Fraction:
        """``(numerator, denominator)`` applied after the link; 1 if there is none."""
        if self.tokens[:1] != ["("]:
            return Fraction(1)
        sizes = self.items(_Parser.integer, "()")
        if len(sizes) != 2 or sizes[0] <= 0 or sizes[1] <= 0:
            raise self.fault("not the scale of a link", got=str(sizes), want="(numerator, denominator), both positive")
        return Fraction(*sizes)

    def returned(self) -> tuple[Value, ...]:
        self.expect("return")
        outputs = [self.value()]
        while self.tokens:
            self.expect(",")
            outputs.append(self.value())
        return tuple(outputs)

    def const(self) -> None:
        self.expect("const")
        name = self.take().removeprefix("@")
        self.require_new(name, self.constants)
        self.expect(":")
        shape, fixed_type = self.shape(), self.fixed_type()
        self.end()
        count = math.prod(shape)
        numbers: list[int] = []
        while len(numbers) < count:
            self.next_line()
            numbers += self.integers()
        if len(numbers) > count:
            raise self.fault("too many raw integers", got=str(len(numbers)), want=f"{count} for @{name}")
        try:
            raw = np.array(numbers, dtype=np.int64).reshape(shape)
            self.constants[name] = Const(name, fixed_type, raw)
        except (GraphError, OverflowError) as error:
            raise self.fault(
                "a constant does not fit its type",
                got=getattr(error, "got", "") or str(error),
                want=f"@{name} in {fixed_type}, and in 64 bits",
            ) from None

    def op(self) -> Op:
        name = self.name()
        self.require_new(name, self.values)
        self.expect(":")
        result = Value(name, self.shape(), self.fixed_type())
        self.expect("=")
        word = self.take()
        if word not in _KINDS:
            raise self.fault("unknown op", got=word, try_=near_names(word, _KINDS))
        kind = _KINDS[word]
        arguments = self.arguments(kind)
        if self.tokens and self.tokens != ["{"]:
            self.expect("from")
            arguments["origin"] = self.string()
        if kind.body_field:
            arguments[kind.body_field] = self.body(arguments[kind.body_field])
        self.end()
        self.values[name] = result
        return kind(result=result, **arguments)

    def arguments(self, kind: type[Op]) -> dict[str, Any]:
        readers = _READERS[kind]
        found: dict[str, Any] = {}
        self.expect("(")
        while self.tokens[:1] != [")"]:
            if found:
                self.expect(",")
            name = self.take()
            if name not in readers:
                raise self.fault("unknown field", got=name, try_=near_names(name, readers))
            self.require_new(name, found)
            self.expect("=")
            found[name] = readers[name](self)
        self.expect(")")
        if found.keys() != readers.keys():
            raise self.fault("a field is missing", got=", ".join(sorted(found)), want=", ".join(sorted(readers)))
        return found

    def items(self, read: Callable[[_Parser], Any], brackets: str = "[]") -> tuple[Any, ...]:
        self.expect(brackets[0])
        found: list[Any] = []
        while self.tokens[:1] != [brackets[1]]:
            if found:
                self.expect(",")
            found.append(read(self))
        self.expect(brackets[1])
        return tuple(found)

    def shape(self) -> Shape:
        self.expect("(")
        sizes: list[int] = []
        while self.tokens[:1] != [")"]:
            if sizes:
                self.expect(",")
            sizes.append(self.integer())
        self.expect(")")
        if any(size < 0 for size in sizes):
            raise self.fault("not a size", got=str(min(sizes)))
        return tuple(sizes)

    def fixed_type(self) -> FixedType:
        token = self.take()
        try:
            return FixedType.parse(token)
        except InputError as error:
            raise self.fault(error.what, got=error.got, want=error.want) from None

    def enum(self, kind: Any, label: Callable[[Any], str] = lambda member: member.name) -> Any:
        members = {label(member): member for member in kind}
        token = self.take()
        if token not in members:
            raise self.fault(f"unknown {kind.__name__.lower()}", got=token, try_=near_names(token, members))
        return members[token]

    def boolean(self) -> bool:
        token = self.take()
        if token not in ("true", "false"):
            raise self.fault("not true or false", got=token)
        return token == "true"

    def integer(self) -> int:
        token = self.take()
        if not re.fullmatch(r"-?[0-9]+", token) or len(token) > _MAX_DIGITS:
            raise self.fault("not an integer", got=token[:40])
        return int(token)

    def integers(self) -> list[int]:
        """All tokens of the line at once: a row of a constant may be long."""
        tokens, self.tokens = self.tokens, []
        found = []
        for token in tokens:
            self.tokens = [token]
            found.append(self.integer())
        return found

    def optional_integer(self) -> int | None:
        if self.tokens[:1] == ["none"]:
            self.take()
            return None
        return self.integer()

    def string(self) -> str:
        token = self.take()
        try:
            content = json.loads(token)
        except ValueError:
            content = None
        if not isinstance(content, str):
            raise self.fault("not a string", got=token[:40], want='"..."')
        return content

    def name(self) -> str:
        token = self.take()
        if not re.fullmatch(r"[A-Za-z_][\w./-]*", token):
            raise self.fault("not a name", got=token[:40])
        return token

    def constant(self) -> Const:
        name = self.take()
        if not name.startswith("@") or name[1:] not in self.constants:
            raise self.fault("unknown constant", got=name[:40], try_=near_names(name[1:], self.constants))
        return self.constants[name[1:]]

    def value(self) -> Value:
        name = self.take()
        if name not in self.values:
            raise self.fault("unknown value", got=name[:40], try_=near_names(name, self.values))
        return self.values[name]

    def require_new(self, name: str, known: dict[str, Any]) -> None:
        if name in known:
            raise self.fault("a name is used twice", got=repr(name), want="unique names")

    def next_line(self) -> None:
        while self.number < len(self.lines):
            line = self.lines[self.number]
            self.number += 1
            text = line if '"' in line else line.split("#")[0]
            if text.strip():
                self.tokens = self.tokenize(text)
                return
        raise self.fault("the text ends too early", want="a line 'return ...'")

    def tokenize(self, text: str) -> list[str]:
        tokens, position, end = [], 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.fault("cannot read this", got=text[position:].strip()[:40])
            tokens.append(match[1])
            position = match.end()
        return tokens

    def take(self) -> str:
        if not self.tokens:
            raise self.fault("the line ends too early", got=self.lines[self.number - 1][:80])
        return self.tokens.pop(0)

    def expect(self, word: str) -> None:
        got = self.take()
        if got != word:
            raise self.fault("cannot read this", got=repr(got[:40]), want=repr(word))

    def end(self) -> None:
        if self.tokens:
            raise self.fault("cannot read the rest of the line", got=" ".join(self.tokens)[:40])

    def fault(self, what: str, got: str = "", want: str = "", try_: str = "") -> GraphError:
        return GraphError(what, where=f"graph text, line {self.number}", got=got, want=want, try_=try_)


_BY_ANNOTATION: dict[str, Callable[[_Parser], Any]] = {
    "Value": _Parser.value,
    "Const": _Parser.constant,
    "FixedType": _Parser.fixed_type,
    "bool": _Parser.boolean,
    "int": _Parser.integer,
    "int | None": _Parser.optional_integer,
    "str": _Parser.string,
    "Graph": _Parser.name,
    "Rounding": lambda parser: parser.enum(Rounding),
    "Overflow": lambda parser: parser.enum(Overflow),
    "Reduction": lambda parser: parser.enum(Reduction),
    "tuple[int, ...]": lambda parser: parser.items(_Parser.integer),
    "tuple[Value, ...]": lambda parser: parser.items(_Parser.value),
    "tuple[FixedType, ...]": lambda parser: parser.items(_Parser.fixed_type),
}
"""Reader of a field, by its annotation in the op class; an op with an unknown annotation fails at import."""


def _readers(kind: type[Op]) -> dict[str, Callable[[_Parser], Any]]:
    specs = [spec for spec in fields(kind) if spec.name not in ("result", "origin")]
    unknown = [f"{kind.__name__}.{spec.name}: {spec.type}" for spec in specs if spec.type not in _BY_ANNOTATION]
    if unknown:
        raise GraphError("the text form cannot read a field", got=", ".join(unknown), want="a row in _BY_ANNOTATION")
    return {spec.name: _BY_ANNOTATION[str(spec.type)] for spec in specs}


_READERS = {kind: _readers(kind) for kind in OPS}
