"""Verilog as tokens, and the two ways in which a check ends badly."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\s*(\d*'s?[bdh][0-9a-fA-F]+|<<<|<=|\$?[A-Za-z_]\w*|\d+|[-+*&|^~?:;,.(){}\[\]=@])")


class Wrong(Exception):
    """A claim does not hold."""


class Unsupported(Exception):
    """Outside of what this program can check."""


class Parser:
    """The tokens of a Verilog text, without its comments, and a place among them."""

    def __init__(self, text: str) -> None:
        text = re.sub(r"//.*|^`timescale .*", "", text, flags=re.M)
        self.tokens, place = list[str](), 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if not found:
                raise Unsupported(f"Verilog that this program does not read: {text[place : place + 40]!r}")
            self.tokens.append(found[1])
            place = found.end()
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if wanted and token not in wanted:
            raise Unsupported(f"Verilog: {token!r} where one of {wanted} was expected")
        self.place += 1
        return token

    def maybe(self, token: str) -> bool:
        found = self.peek() == token
        self.place += found
        return found

    def skip_to(self, token: str) -> list[str]:
        start = self.place
        while self.take() != token:
            if self.place > len(self.tokens):
                raise Unsupported("a Verilog file that ends early")
        return self.tokens[start : self.place]
