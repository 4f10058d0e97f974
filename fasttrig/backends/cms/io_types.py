"""The types that go through std::any: plain ``ap_fixed``, one array per tensor; they follow from the graph alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fasttrig.base.fixed import FixedType
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value


@dataclass(frozen=True, slots=True)
class PortArray:
    """An input or output: its C++ type, and how a function that got the pointer `argument` reaches an element of it."""

    value: Value
    type_name: str
    access: str

    @property
    def array(self) -> str:
        return f"std::array<{self.type_name}, {self.value.size}>"


def inputs_of(graph: Graph) -> list[PortArray]:
    return _tensors("input", "given", [op.result for op in graph.inputs])


def results_of(graph: Graph) -> list[PortArray]:
    return _tensors("result", "wanted", graph.outputs)


def words(graph: Graph) -> dict[str, str]:
    """What fills ``io_types.h.in``."""
    inputs, results = inputs_of(graph), results_of(graph)
    lines = [
        f"typedef {_ap_type(t.value.type)} {t.type_name}; // {t.value.name} : {_shape(t.value)}"
        for t in (*inputs, *results)
    ]
    return {
        "TYPES": "\n".join(lines),
        "INPUTS": _event(inputs),
        "RESULTS": _event(results),
        "INPUT_POINTER": _pointer("inputs", inputs),
        "RESULT_POINTER": _pointer("results", results),
        "INPUT_ADDRESS": _address(inputs),
        "RESULT_ADDRESS": _address(results),
    }


def _tensors(kind: str, argument: str, values: Sequence[Value]) -> list[PortArray]:
    """One tensor is a bare pointer to its elements, several are a pointer to a pair (or tuple) of arrays."""
    if len(values) == 1:
        return [PortArray(values[0], f"{kind}_t", f"{argument}[i]")]
    return [
        PortArray(value, f"{kind}_{value.name}_t", f"std::get<{k}>(*{argument})[i]") for k, value in enumerate(values)
    ]


def _event(tensors: Sequence[PortArray]) -> str:
    if len(tensors) == 1:
        return tensors[0].array
    return f"std::{'pair' if len(tensors) == 2 else 'tuple'}<{', '.join(tensor.array for tensor in tensors)}>"


def _pointer(event: str, tensors: Sequence[PortArray]) -> str:
    return f"{tensors[0].type_name} *" if len(tensors) == 1 else f"{event} *"


def _address(tensors: Sequence[PortArray]) -> str:
    return "event.data()" if len(tensors) == 1 else "&event"


def _ap_type(fixed_type: FixedType) -> str:
    return f"ap_{'' if fixed_type.signed else 'u'}fixed<{fixed_type.width}, {fixed_type.integer_bits}>"


def _shape(value: Value) -> str:
    return f"({', '.join(map(str, value.shape))})"
