"""Put the ops of one graph into another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from fasttrig.ir.graph import Graph, with_operands
from fasttrig.ir.ops import Const, Op, Value


def inlined(graph: Graph, given: Mapping[str, Value], prefix: str) -> tuple[list[Op], tuple[Value, ...]]:
    """The ops of `graph` but its inputs, and its outputs, with `prefix` before every name.

    `given` holds the value that stands for each input, by its name, of the same shape and type.
    """
    renamed: dict[Value, Value] = {op.result: given[op.name] for op in graph.inputs}
    ops: list[Op] = []
    for old in graph.ops:
        if old.result in renamed:
            continue
        result = replace(old.result, name=prefix + old.name)
        renamed[old.result] = result
        ops.append(replace(with_operands(old, renamed), **{"result": result, **_parts(old, prefix)}))
    return ops, tuple(renamed[value] for value in graph.outputs)


def _parts(op: Op, prefix: str) -> dict[str, Any]:
    """The constants and the bodies of `op`, renamed."""
    held = {spec.name: getattr(op, spec.name) for spec in fields(op)}
    found: dict[str, Any] = {
        key: replace(one, name=prefix + one.name) for key, one in held.items() if isinstance(one, Const)
    }
    return found | {key: _body(one, prefix) for key, one in held.items() if isinstance(one, Graph)}


def _body(body: Graph, prefix: str) -> Graph:
    sources = tuple(replace(op, result=replace(op.result, name=prefix + op.name)) for op in body.inputs)
    given = {old.name: new.result for old, new in zip(body.inputs, sources, strict=True)}
    ops, outputs = inlined(body, given, prefix)
    return Graph(prefix + body.name, (*sources, *ops), outputs)
