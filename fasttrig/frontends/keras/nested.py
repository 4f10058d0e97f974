"""Lays models inside a model flat: each inner layer once, with one call for every call of the models around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fasttrig.base.errors import InputError
from fasttrig.frontends.source import MAX_LAYERS, LayerSpec, ModelTree, TensorRef

Flat = tuple[list[LayerSpec], list[TensorRef], list[TensorRef]]


@dataclass(frozen=True, slots=True, eq=False)
class _Instance:
    """One call of a model: its number among all its calls, and its operands as the model around names them."""

    tree: ModelTree
    path: tuple[str, ...] = ()
    number: int = 0
    outer: _Instance | None = None
    operands: tuple[TensorRef, ...] = ()


def flatten(tree: ModelTree, source: str) -> Flat:
    """Layers, inputs and outputs of the flat model; layers of inner models are named by their path, ``encoder/fc1``.

    Raises
    ------
    InputError
        If there are more calls of layers than `MAX_LAYERS`, or models feed each other in a circle.
    """
    top = _Instance(tree)
    budget = _Budget(source)
    layers = list(_expand((), tree, [top], budget))
    outputs = [_resolve(top, ref, source) for ref in tree.outputs]
    return layers, list(tree.inputs), outputs


@dataclass(slots=True)
class _Budget:
    """Counts calls as they are made, before memory is taken: sharing at every level multiplies them."""

    source: str
    used: int = 0

    def take(self, n_calls: int) -> None:
        self.used += n_calls
        if self.used > MAX_LAYERS:
            raise InputError(
                "the model calls its layers too often",
                where=self.source,
                got=f"{self.used} calls or more",
                want=f"at most {MAX_LAYERS} tensors into layers, those of inner models counted each time",
            )


def _expand(path: tuple[str, ...], tree: ModelTree, instances: list[_Instance], budget: _Budget) -> Iterator[LayerSpec]:
    """The flat layers of one model, with their calls in all of its instances, in the framework's order."""
    inputs = {ref.layer for ref in tree.inputs}
    for layer in tree.layers:
        budget.take(max(1, len(instances) * sum(max(1, len(call)) for call in layer.calls)))
        if layer.name in tree.models:
            inner, here = tree.models[layer.name], (*path, layer.name)
            calls = [(instance, call) for instance in instances for call in layer.calls]
            made = [_Instance(inner, here, number, outer, call) for number, (outer, call) in enumerate(calls)]
            yield from _expand(here, inner, made, budget)
        elif not path or layer.name not in inputs:
            flat = tuple(
                tuple(_resolve(instance, ref, budget.source) for ref in call)
                for instance in instances
                for call in layer.calls
            )
            yield LayerSpec("/".join((*path, layer.name)), layer.kind, layer.config, {}, flat, path)


def _resolve(instance: _Instance, ref: TensorRef, source: str) -> TensorRef:
    """The flat layer's output that `ref` of one instance means: out of inner inputs, into inner models."""
    for _step in range(MAX_LAYERS):
        tree = instance.tree
        layer = next(layer for layer in tree.layers if layer.name == ref.layer)
        if layer.name in tree.models:
            here, number = (*instance.path, layer.name), instance.number * len(layer.calls) + ref.call
            inner = tree.models[layer.name]
            instance = _Instance(inner, here, number, instance, layer.calls[ref.call])
            ref = inner.outputs[ref.tensor]
        elif instance.outer is not None and any(ref.layer == known.layer for known in tree.inputs):
            place = [known.layer for known in tree.inputs].index(ref.layer)
            ref, instance = instance.operands[place], instance.outer
        else:
            name = "/".join((*instance.path, layer.name))
            return TensorRef(name, instance.number * max(1, len(layer.calls)) + ref.call, ref.tensor)
    raise InputError("the model's layers form a cycle", where=source, got=ref.layer)
