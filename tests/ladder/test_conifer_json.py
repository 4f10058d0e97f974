"""The JSON: through the real conifer.h, through conifer's and our own readers, and by a plain reader of its numbers."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from conifer_cases import events, full_forest, random_forest

from fasttrig.backends.conifer import emit_json
from fasttrig.backends.conifer.parts import read_parts
from fasttrig.base.fixed import to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.trees import read_trees
from fasttrig.reference.conifer_header import decision_function


@pytest.mark.parametrize(
    ("graph", "add_tree"),
    [
        (full_forest(rounds=4, classes=3, depth=3), True),
        (random_forest(7, plain=True), False),
        (random_forest(17, plain=True), False),
    ],
)
def test_the_real_header(graph, add_tree):
    raw = events(graph)
    scores = decision_function(
        json.loads(emit_json(graph)), to_value(raw, graph.inputs[0].result.type), add_tree=add_tree
    )
    assert np.array_equal(scores, to_value(evaluate(graph, raw).outputs["margin"], graph.outputs[0].type))


@pytest.mark.parametrize("seed", range(20))
def test_an_independent_reader_and_our_own(seed, tmp_path):
    graph = random_forest(seed, plain=True)
    op = read_parts(graph).forest
    path = tmp_path / "forest.json"
    path.write_text(emit_json(graph))
    raw = events(graph, n_random=30)[-90:]
    want = evaluate(graph, raw).outputs["margin"]
    assert plain_reader(path.read_text(), raw.tolist(), op.operand.type.fraction_bits) == [
        [Fraction(score) / Fraction(2) ** op.result.type.fraction_bits for score in event] for event in want.tolist()
    ]
    again, _ = read_trees(path, input_type=op.operand.type, leaf_fraction_bits=op.leaf.type.fraction_bits)
    assert np.array_equal(next(iter(evaluate(again, raw).outputs.values())), want)


def plain_reader(text: str, events: list[list[int]], fraction_bits: int) -> list[list[Fraction]]:
    """The scores as exact fractions, decimals read as they stand."""
    content = json.loads(text, parse_float=Fraction)
    assert content["splitting_convention"] == "<"
    scores = []
    for event in events:
        x = [Fraction(raw) / Fraction(2) ** fraction_bits for raw in event]
        total = list(map(Fraction, content["init_predict"]))
        for round_ in content["trees"]:
            for output, tree in enumerate(round_):
                node = 0
                while tree["feature"][node] != -2:
                    assert [int(w) for w in tree["weight"][node]].index(1) == tree["feature"][node]
                    left = x[tree["feature"][node]] < tree["threshold"][node]
                    node = tree["children_left" if left else "children_right"][node]
                total[output] += tree["value"][node]
        scores.append([score * content["norm"] for score in total])
    return scores


def test_conifers_own_reader(tmp_path):
    """conifer.load_model on the python backend: doubles, exact here."""
    import conifer

    graph = full_forest(rounds=2, classes=3, depth=3, n_features=4)
    path = tmp_path / "forest.json"
    path.write_text(emit_json(graph))
    model = conifer.model.load_model(
        str(path), new_config={"backend": "python", "output_dir": str(tmp_path), "project_name": "forest"}
    )
    raw = events(graph)[:60]
    scores = model.decision_function(to_value(raw, graph.inputs[0].result.type))
    assert np.array_equal(scores, to_value(evaluate(graph, raw).outputs["margin"], graph.outputs[0].type))
