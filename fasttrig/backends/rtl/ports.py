"""How elements lie in the two vectors of the top module: contiguous, element 0 at the least significant bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fasttrig.base.fixed import FixedType
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value


@dataclass(frozen=True, slots=True)
class Element:
    """One number of a packed vector.

    Attributes
    ----------
    low_bit : int
        Where it starts in the vector.
    type : FixedType
        Its own type, ``type.width`` bits wide.
    word_type : FixedType
        The type of the tensor it belongs to: that of its word in ``vectors/*.hex``.
    """

    tensor: str
    low_bit: int
    type: FixedType
    word_type: FixedType

    @property
    def shift(self) -> int:
        """Low bits of the word that are always 0 and have no place in the vector."""
        return self.word_type.fraction_bits - self.type.fraction_bits


def input_elements(graph: Graph) -> tuple[Element, ...]:
    """Every element of every input, in order, each in its channel's type."""
    kinds = [(op.name, kind, op.result.type) for op in graph.inputs for kind in op.tensor_type.each]
    return _packed(kinds)


def output_elements(graph: Graph) -> tuple[Element, ...]:
    return value_elements(graph.outputs)


def value_elements(values: Sequence[Value]) -> tuple[Element, ...]:
    """Every element of every value, in order, each in the value's type."""
    return _packed([(value.name, value.type, value.type) for value in values for _ in range(value.size)])


def total_bits(elements: tuple[Element, ...]) -> int:
    return sum(element.type.width for element in elements)


def _packed(kinds: list[tuple[str, FixedType, FixedType]]) -> tuple[Element, ...]:
    elements, low_bit = [], 0
    for name, kind, word_type in kinds:
        elements.append(Element(name, low_bit, kind, word_type))
        low_bit += kind.width
    return tuple(elements)


_CLOCK_ENABLE = {
    "verilog": {
        "PORT": "    input wire clk_en,  // low: every register keeps its value\n",
        "IF": "if (clk_en) ",
        "CORE": ".clk_en(clk_en), ",
        "ON": ".clk_en(1'b1), ",
    },
    "vhdl": {
        "PORT": "        clk_en : in std_logic;  -- low: every register keeps its value\n",
        "IF": "elsif clk_en = '1' then",
        "CORE": "clk_en => clk_en, ",
        "ON": "clk_en => '1', ",
    },
}
_CLOCK_ENABLE_ROW = (
    "| `clk_en` | in | 1 | clock enable: while low, every register keeps its value; `rst` acts all the same |\n"
)


def clock_enable_words(language: str, wanted: bool) -> dict[str, str]:
    """What the templates say about the port ``clk_en``: nothing unless it is `wanted`."""
    words = {**_CLOCK_ENABLE[language], "ROW": _CLOCK_ENABLE_ROW}
    if not wanted:
        words = {**dict.fromkeys(words, ""), "IF": "" if language == "verilog" else "else"}
    return {f"CLOCK_ENABLE_{key}": word for key, word in words.items()}


def runs(elements: Sequence[Element]) -> Iterator[tuple[int, int, int, Element]]:
    """Neighbours of one tensor and type together: lowest bit, highest bit, number of elements, the first of them."""
    start = 0
    for stop in range(1, len(elements) + 1):
        first, last = elements[start], elements[stop - 1]
        if stop < len(elements) and (elements[stop].tensor, elements[stop].type) == (first.tensor, first.type):
            continue
        yield first.low_bit, last.low_bit + last.type.width - 1, stop - start, first
        start = stop
