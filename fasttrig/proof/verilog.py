"""Verilog of the subset that fasttrig writes, read and evaluated by Verilog's own rules of width and sign.

What is not in the subset is refused. Registers count as wires; how many lie on each path is `Circuit.depth`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fasttrig.proof.tokens import Parser, Unsupported, Wrong

MOST_BITS = 62


Expr = tuple[Any, ...]
"""num width signed value | get, slice name high low | at name index | cat parts | un op e | bin op l r | if c a b |
signed e | unsigned e"""

_LEVELS = (("|",), ("^",), ("&",), ("<<<",), ("+", "-"), ("*",))


@dataclass
class Driven:
    """Pieces that drive it, as lowest bit, width and expression; of a register what it loads."""

    width: int
    signed: bool
    is_register: bool = False
    value: int | None = None
    pieces: list[tuple[int, int, Expr]] = field(default_factory=list)


class Circuit:
    """The modules of some files below one top, flattened: a signal is called ``instance.instance.name``."""

    def __init__(self, texts: Iterable[str], top: str) -> None:
        self.modules: dict[str, list[str]] = {}
        for text in texts:
            parser = Parser(text)
            while parser.peek():
                parser.take("module")
                name = parser.take()
                if name in self.modules:
                    raise Wrong(f"two modules are called {name}")
                self.modules[name] = parser.skip_to("endmodule")
        self.signals: dict[str, Driven] = {}
        self.inputs: set[str] = set()
        self._clocks = list[str]()
        self._depth: dict[tuple[str, int, int], int | None] = {}
        self.inputs |= {name for name, way in self._module(top, "").items() if way == "input"}
        for name, signal in self.signals.items():
            ends = sorted((low, low + width) for low, width, _ in signal.pieces)
            whole = [0, *(end for _, end in ends)] == [*(low for low, _ in ends), signal.width]
            if (name in self.inputs or signal.value is not None) == bool(ends) or (ends and not whole):
                raise Wrong(f"the bits of {name} are not driven once each")
        for clock in self._clocks:
            if self.source(clock, 0, 1) != ("clk", 0):
                raise Wrong(f"{clock} is not the clock")

    def _module(self, kind: str, prefix: str) -> dict[str, str]:
        """Lay out one instance; ports and their directions."""
        if kind not in self.modules:
            raise Unsupported(f"no module {kind}")
        p, ports = Parser(""), dict[str, str]()
        p.tokens = self.modules[kind]
        p.take("(")
        while not ports or p.maybe(","):
            way = p.take("input", "output")
            p.take("wire")
            ports[self._declare(p, prefix)] = way
        p.take(")"), p.take(";")
        while not p.maybe("endmodule"):
            self._item(p, prefix)
        return ports

    def _declare(self, p: Parser, prefix: str, is_register: bool = False) -> str:
        signed, width = p.maybe("signed"), 1
        if p.maybe("["):
            width = self._number(p, prefix) + 1
            if p.take(":") and p.take("0") and p.take("]") and width < 1:
                raise Wrong("a range without bits")
        name = prefix + p.take()
        if name in self.signals:
            raise Wrong(f"{name} is declared twice")
        self.signals[name] = Driven(width, signed, is_register)
        return name

    def _item(self, p: Parser, prefix: str) -> None:
        kind = p.take()
        if kind in ("wire", "reg"):
            name = self._declare(p, prefix, kind == "reg")
            if kind == "wire" and p.maybe("="):
                self._drive(name, self._expr(p, prefix), 0, self.signals[name].width)
        elif kind == "localparam":
            name = self._declare(p, prefix) if p.peek() == "[" else prefix + p.take()
            p.take("=")
            size = self.signals[name].width if name in self.signals else 32
            self.signals[name] = Driven(size, name not in self.signals, value=self._number(p, prefix) % (1 << size))
        elif kind == "assign":
            self._assign(p, prefix, "=")
            return
        elif kind == "always":
            for token in ["@", "(", "posedge", "clk", ")", "begin"]:
                p.take(token)
            self._clocks.append(f"{prefix}clk")
            while not p.maybe("end"):
                self._loads(p, prefix)
            return
        else:
            self._instance(p, prefix, kind)
        p.take(";")

    def _loads(self, p: Parser, prefix: str) -> None:
        """``q <= d;``, or ``if (c) q <= d; else q <= e;``."""
        if not p.maybe("if"):
            self._assign(p, prefix, "<=")
            return
        p.take("(")
        condition = self._expr(p, prefix)
        p.take(")")
        self._assign(p, prefix, "<=")
        p.take("else")
        name = prefix + p.peek()
        self._assign(p, prefix, "<=")
        pieces = self.signals[name].pieces
        (low, width, otherwise), (again, _, then) = pieces.pop(), pieces.pop()
        if pieces or low or again or width != self.signals[name].width:
            raise Unsupported("two assignments that are no choice")
        pieces.append((0, width, ("if", condition, then, otherwise)))

    def _assign(self, p: Parser, prefix: str, sign: str) -> None:
        _, name, high, low = self._reference(p, prefix)
        p.take(sign)
        if self.signals[name].is_register != (sign == "<="):
            raise Wrong(f"{name} is driven in the wrong way")
        self._drive(name, self._expr(p, prefix), low, high - low + 1)
        p.take(";")

    def _drive(self, name: str, value: Expr, low: int, width: int) -> None:
        self.signals[name].pieces.append((low, width, value))

    def _instance(self, p: Parser, prefix: str, kind: str) -> None:
        inner = f"{prefix}{p.take()}."
        ways = self._module(kind, inner)
        p.take("(")
        connected = set[str]()
        while not connected or p.maybe(","):
            p.take(".")
            port = inner + p.take()
            p.take("(")
            outer = self._expr(p, prefix)
            p.take(")")
            connected.add(port)
            if ways[port] == "input":
                self._drive(port, outer, 0, self.signals[port].width)
            elif outer[0] != "get" or outer[2] - outer[3] + 1 != self.signals[port].width:
                raise Unsupported("an output port that is connected to more than one signal")
            else:
                self._drive(outer[1], ("get", port, self.signals[port].width - 1, 0), outer[3], outer[2] - outer[3] + 1)
        p.take(")")
        if connected != set(ways):
            raise Wrong(f"a port of {inner} is not connected, or twice")

    def _number(self, p: Parser, prefix: str) -> int:
        """A constant expression."""
        found = self.evaluate(self._expr(p, prefix), None, {})
        return int(found)

    def _reference(self, p: Parser, prefix: str) -> Expr:
        """A name, a bit or a slice with constant ends; a bit at a variable place is ``at``."""
        name = prefix + p.take()
        if name not in self.signals:
            raise Unsupported(f"{name} is read before it is declared")
        if not p.maybe("["):
            return ("get", name, self.signals[name].width - 1, 0)
        index = self._expr(p, prefix)
        variable = any(self.signals[one].value is None for one in names_of(index))
        if variable:
            p.take("]")
            return ("at", name, index)
        high = low = int(self.evaluate(index, None, {}))
        if p.maybe(":"):
            low = self._number(p, prefix)
        p.take("]")
        if not 0 <= low <= high < self.signals[name].width:
            raise Wrong(f"bits {high} to {low} of {name}")
        return ("slice", name, high, low)

    def _expr(self, p: Parser, prefix: str, level: int = -1) -> Expr:
        if level < 0:
            condition = self._expr(p, prefix, 0)
            if not p.maybe("?"):
                return condition
            then = self._expr(p, prefix)
            p.take(":")
            return ("if", condition, then, self._expr(p, prefix))
        if level == len(_LEVELS):
            return self._operand(p, prefix)
        left = self._expr(p, prefix, level + 1)
        while p.peek() in _LEVELS[level]:
            left = ("bin", p.take(), left, self._expr(p, prefix, level + 1))
        return left

    def _operand(self, p: Parser, prefix: str) -> Expr:
        token = p.peek()
        if token[0].isdigit() or token[0] == "'":
            p.take()
            width, _, rest = token.partition("'")
            if not rest:
                return ("num", 32, True, int(token))
            signed, base = rest[0] == "s", {"b": 2, "d": 10, "h": 16}[rest.lstrip("s")[0]]
            return ("num", int(width or 32), signed, int(rest.lstrip("s")[1:], base) % (1 << int(width or 32)))
        if token in ("-", "~", "|", "&", "^"):
            return ("un", p.take(), self._operand(p, prefix))
        if token in ("(", "$signed", "$unsigned"):
            p.take()
            if token != "(":
                p.take("(")
            inner = self._expr(p, prefix)
            p.take(")")
            return inner if token == "(" else (token[1:], inner)
        if token == "{":
            p.take()
            parts = [self._expr(p, prefix)]
            if p.maybe("{"):
                inner = self._expr(p, prefix)
                p.take("}")
                parts = [inner] * int(self.evaluate(parts[0], None, {}))
            while p.maybe(","):
                parts.append(self._expr(p, prefix))
            p.take("}")
            return ("cat", *parts)
        return self._reference(p, prefix)

    def size(self, e: Expr) -> tuple[int, bool]:
        """Width and sign of an expression by itself."""
        kind = e[0]
        if kind == "num":
            return e[1], e[2]
        if kind == "get":
            return self.signals[e[1]].width, self.signals[e[1]].signed
        if kind == "slice":
            return e[2] - e[3] + 1, False
        if kind == "at":
            return 1, False
        if kind == "cat":
            return sum(self.size(part)[0] for part in e[1:]), False
        if kind in ("signed", "unsigned"):
            return self.size(e[1])[0], kind == "signed"
        if kind == "un":
            return self.size(e[2]) if e[1] in "-~" else (1, False)
        left, right = (self.size(part) for part in e[2:4])
        if e[1] == "<<<" and kind == "bin":
            return left
        return max(left[0], right[0]), left[1] and right[1]

    def evaluate(self, e: Expr, context: tuple[int, bool] | None, known: dict[Any, Any]) -> Any:
        """Bits of `e`, unsigned, in a context of a width and a sign (its own without one)."""
        own = self.size(e)
        width, signed = context or own
        width = max(width, own[0])
        if width > MOST_BITS and e[0] not in ("num",):
            raise Unsupported(f"an expression of {width} bits")
        mask, kind = (1 << width) - 1, e[0]
        inner = (width, signed)
        if kind == "bin":
            left = self.evaluate(e[2], inner, known)
            right = self.evaluate(e[3], None if e[1] == "<<<" else inner, known)
            with np.errstate(over="ignore"):
                return _BINARY[e[1]](left, right) & mask
        if kind == "if":
            chosen = self.evaluate(e[1], None, known) != 0
            return np.where(chosen, self.evaluate(e[2], inner, known), self.evaluate(e[3], inner, known))
        if kind == "un" and e[1] in "-~":
            value = self.evaluate(e[2], inner, known)
            return (-value if e[1] == "-" else ~value) & mask
        value = self._leaf(e, known)
        if signed and own[0] < width:
            value = value | (((value >> (own[0] - 1)) & 1) * (mask - (1 << own[0]) + 1))
        return value

    def _leaf(self, e: Expr, known: dict[Any, Any]) -> Any:
        kind = e[0]
        if kind == "num":
            return e[3] if e[1] > MOST_BITS else np.int64(e[3])
        if kind in ("get", "slice"):
            return self.bits(e[1], e[3], e[2] - e[3] + 1, known)
        if kind == "at":
            index, signal = self.evaluate(e[2], None, known), self.signals[e[1]]
            if signal.value is None or np.max(index) >= signal.width:
                raise Unsupported("a bit at a variable place that is not in a constant")
            return np.array([signal.value >> bit & 1 for bit in range(signal.width)], dtype=np.int64)[index]
        if kind == "cat":
            value: Any = np.int64(0)
            for part in e[1:]:
                value = value << self.size(part)[0] | self.evaluate(part, None, known)
            return value
        if kind in ("signed", "unsigned"):
            return self.evaluate(e[1], None, known)
        operand, width = self.evaluate(e[2], None, known), self.size(e[2])[0]
        ones = operand == (1 << width) - 1
        return np.asarray(operand != 0 if e[1] == "|" else ones if e[1] == "&" else _parity(operand)).astype(np.int64)

    def bits(self, name: str, low: int, width: int, known: dict[Any, Any]) -> Any:
        """Some bits of a signal; registers as wires. `known`: what was found before; of an input, pieces."""
        name, low = self.source(name, low, width)
        signal, key = self.signals[name], (name, low, width)
        if signal.value is not None:
            return np.int64(signal.value >> low & ((1 << width) - 1))
        if key in known:
            return known[key]
        for base, size, value in signal.pieces:
            if base <= low and low + width <= base + size:
                if (name, base, size) not in known:
                    whole = self.evaluate(value, (size, self.size(value)[1]), known)
                    known[name, base, size] = whole & ((1 << size) - 1)
                return known[name, base, size] >> (low - base) & ((1 << width) - 1)
        if name in self.inputs:
            return self._input_bits(name, low, width, known)
        parts = [self.bits(name, low + bit, 1, known) << bit for bit in range(width)]
        return sum(parts[1:], parts[0])

    def _input_bits(self, name: str, low: int, width: int, known: dict[Any, Any]) -> Any:
        for base, size, value in known.get(name, ()):
            if base <= low and low + width <= base + size:
                return value >> (low - base) & ((1 << width) - 1)
        raise Unsupported(f"bits {low} to {low + width - 1} of {name}, which are not those of one feature")

    def source(self, name: str, low: int, width: int) -> tuple[str, int]:
        """The signal that some bits come from through plain wires and ports."""
        while not self.signals[name].is_register and name not in self.inputs:
            for base, size, value in self.signals[name].pieces:
                covers = base <= low and low + width <= base + size
                if covers and value[0] in ("get", "slice") and value[2] - value[3] + 1 == size:
                    name, low = value[1], low - base + value[3]
                    break
            else:
                break
        return name, low

    def reads(self, name: str, low: int, width: int) -> list[tuple[str, int, int]]:
        """What drives some bits of a signal, by their sources."""
        found = []
        for base, size, value in self.signals[name].pieces:
            if base < low + width and low < base + size:
                found += [(*self.source(*one), one[2]) for one in parts_of(value, self)]
        return [one for one in found if self.signals[one[0]].value is None]

    def depth(self, name: str, low: int, width: int) -> int | None:
        """Registers on every path from the inputs to some bits; None for constants. Raises when paths differ."""
        name, low = self.source(name, low, width)
        key = (name, low, width)
        if self.signals[name].value is not None:
            return None
        if name in self.inputs:
            return 0
        if key not in self._depth:
            self._depth[key] = -1
            found = {self.depth(*one) for one in self.reads(*key)} - {None}
            if -1 in found or len(found) > 1:
                raise Wrong(f"paths of different latency, or a loop, at {name}")
            self._depth[key] = found.pop() + self.signals[name].is_register if found else None  # type: ignore[operator]
        return self._depth[key]


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<<": lambda a, b: a << b,
}


def _parity(value: Any) -> Any:
    for shift in (32, 16, 8, 4, 2, 1):
        value = value ^ (value >> shift)
    return value & 1


def parts_of(e: Expr, design: Circuit) -> list[tuple[str, int, int]]:
    """The bits of signals that an expression reads."""
    if e[0] in ("get", "slice"):
        return [(e[1], e[3], e[2] - e[3] + 1)]
    found = [(e[1], 0, design.signals[e[1]].width)] if e[0] == "at" else []
    return found + [one for part in e[1:] if isinstance(part, tuple) for one in parts_of(part, design)]


def names_of(e: Expr) -> list[str]:
    own = [e[1]] if e[0] in ("get", "slice", "at") else []
    return own + [name for part in e[1:] if isinstance(part, tuple) for name in names_of(part)]
