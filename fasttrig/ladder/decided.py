"""The lowest rung of a project that combines taggers: each in its own framework, the decision in exact numbers."""

from __future__ import annotations

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray, to_value
from fasttrig.data.spread import flattened, spread
from fasttrig.decision.decision import TriggerDecision
from fasttrig.design import Design
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.ladder import framework_rung


def _decision(design: Design) -> TriggerDecision:
    assert design.decision is not None
    return design.decision


OWN = "its emulator (types, link or framework of its own)"


def _is_as_trained(tagger: Design) -> bool:
    return not (tagger.narrowed or tagger.has_link_in_firmware or tagger.runs_elsewhere)


def raw_outputs(design: Design, graph: Graph, inputs: dict[str, IntArray]) -> dict[str, IntArray]:
    """What the decision is worth on the taggers' frameworks: raw integers of the outputs of `graph`.

    The words become the features' values; each tagger's input map and framework take them from there, as if the tagger
    were built alone. A tagger with types narrowed by hand or a link in the firmware has no framework that knows these:
    its emulator runs in the framework's place, and `domain` says so.
    """
    decision, (words,) = _decision(design), graph.inputs
    x = to_value(flattened(graph, inputs), words.result.type)
    columns = decision.arranged({name: x[:, k] for k, name in enumerate(decision.words.names)})
    margins = {name: _margins(tagger, columns) for name, tagger in design.taggers.items()}
    found = decision.outputs(columns, margins, exact=True)
    return {out.name: _raw(values, out.type.fraction_bits) for out, values in zip(graph.outputs, found, strict=True)}


def _raw(values: FloatArray, fraction_bits: int) -> IntArray:
    return np.ldexp(values, fraction_bits).astype(np.int64)


def _margins(tagger: Design, columns: dict[str, FloatArray]) -> list[FloatArray]:
    assert tagger.inputs is not None
    x = np.stack([columns[name] for name in tagger.inputs.names], axis=1)
    inputs = spread(tagger.graph, tagger.inputs.to_raw(x))
    if _is_as_trained(tagger):
        raw = framework_rung.raw_outputs(tagger, tagger.as_read(), inputs)
    else:
        raw = evaluate(tagger.graph, inputs).outputs
    return [to_value(raw[out.name], out.type) for out in tagger.graph.outputs]


def domain(design: Design) -> str:
    """How each tagger was run, and where its emulator stood in for a framework."""
    said = []
    for name, tagger in design.taggers.items():
        trained = _is_as_trained(tagger)
        how = framework_rung.domain(tagger, tagger.as_read()) if trained else OWN
        said.append(f"{name}: {how}")
    return "; ".join([*said, "the decision on their outputs in exact numbers"])


def float_outputs(design: Design, x: FloatArray) -> list[FloatArray]:
    """The decision on the taggers' float twins; x has shape (n_events, n_features), in the features' units."""
    decision = _decision(design)
    columns = decision.arranged({name: x[:, k] for k, name in enumerate(decision.words.names)})
    margins = {}
    for name, tagger in design.taggers.items():
        assert tagger.inputs is not None
        own = np.stack([columns[feature] for feature in tagger.inputs.names], axis=1)
        margins[name] = framework_rung.float_outputs(tagger, own)
    return decision.outputs(columns, margins)
