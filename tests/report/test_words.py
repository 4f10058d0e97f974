"""What the page and the terminal say about the words that leave the firmware, and about what is lost on the way."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import fasttrig
from fasttrig import __version__
from fasttrig.base.hashing import sha256_file
from fasttrig.build.build import manifest_of, target_settings
from fasttrig.frontends.keras import final_link
from fasttrig.physics.features import feature_facts
from fasttrig.report.decision_costs import decision_costs
from fasttrig.report.html.plots import classes
from fasttrig.report.html.plots.style import drawing
from fasttrig.report.html.summary import look_next
from fasttrig.report.terminal import print_report
from fasttrig.settings import BudgetSettings
from tests.report.builds import measured, report_of
from tests.report.test_content import parsed


def printed(report):
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=200))
    return stream.getvalue()


def said(report):
    return " ".join(item["text"] for item in look_next(report))


def test_page_and_terminal_say_the_link_and_both_figures(built):
    _, _, report, files = built
    _, page = parsed(files["report.html"])
    shown = printed(report)
    (output,) = report.outputs
    for text in (page, shown):
        assert f"raw words of {output.type}, in steps of 2^{-output.fraction_bits}" in text
    if report.regression is not None:
        assert "there is no link" in page and "there is no link" in shown and not report.firmware.rankings
        return
    assert "Scores are the softmax of the words' values, computed on the host" in shown
    assert "Scores are the softmax of the words' values, computed on the host" in page
    assert "after the link (softmax)" in page and "after the link" in shown
    rows = {(row.output, row.ranked_by): row for row in report.firmware.rankings}
    for name in report.model.classes:
        figures = [f"{rows[name, quantity].auc:.4f}" for quantity in ("score", "word", "lead")]
        assert f"{name} {' '.join(figures)}" in page
        assert all(figure in shown for figure in figures)


def test_every_working_point_is_on_the_page(built):
    _, _, report, files = built
    _, page = parsed(files["report.html"])
    for point in report.firmware.working_points:
        if point.decision == "largest":
            continue
        threshold = f"{point.threshold_raw:,}".replace("-", "−")
        assert f"{threshold} {point.efficiency:.4f} {point.background_efficiency:.5f}" in page
    assert "an input rate of 40,000 kHz" in page and "input rate of 40,000 kHz" in printed(report)


def test_pairs_confusion_and_profiles_are_on_the_page(built):
    _, _, report, files = built
    _, page = parsed(files["report.html"])
    if report.regression is not None:
        assert "profile-0.svg" not in files and "Chosen by the largest word" not in page
        return
    assert {"profile-0.svg", "profile-1.svg"} <= files.keys() and "jet_mass [GeV]" in files["profile-1.svg"]
    for name, row in zip(report.model.classes, report.firmware.confusion, strict=True):
        shares = " ".join(f"{share:.1%}".replace("%", " %") for share in row)
        assert f"{name} {shares}" in page
    assert "W against g and q: AUC" in page and "One class against another" in page


def test_forests_say_how_few_words_they_have(built):
    design, _, report, _ = built
    if design.graph.name == "jet_bdt":
        assert "distinct words, one of them for" in said(report)
    if design.graph.name == "jet_mlp":
        assert "distinct words, one of them" not in said(report)
        assert re.search(r"a cut on the raw word of Z keeps \d\d.% of the rejection", said(report))


def test_a_relus_zeros_and_real_clipping_are_two_numbers(built):
    design, _, report, files = built
    _, page = parsed(files["report.html"])
    if design.graph.name != "jet_mlp":
        assert report.saturation is None
        return
    relu = next(row for row in report.ops if row.name == "relu1")
    assert relu.cut_fraction == pytest.approx(0.345, abs=0.01) and relu.clipped_fraction == pytest.approx(
        0.029, abs=0.002
    )
    assert relu.clipped_events == pytest.approx(0.85, abs=0.01)
    numbers = " ".join(f"{n:.1%}".replace("%", " %") for n in (relu.cut_fraction, relu.clipped_fraction))
    assert "cut below zero clipped events clipped" in page and numbers in page
    assert "relu1 clips 2.9" in said(report) and "at least one in 85" in said(report)
    assert "34." in printed(report) and "events with at least one clip in any op: 99.7%" in printed(report)


def test_repeated_and_constant_inputs_are_named(built):
    design, _, report, files = built
    if design.graph.name == "muon_pt_bdt":
        assert not any(row.equals or row.is_constant for row in report.inputs)
        return
    assert [(row.name, row.equals) for row in report.inputs if row.equals] == [("d2_a1_b1_mmdt", "d2_b1_mmdt")]
    _, page = parsed(files["report.html"])
    assert "equals d2_b1_mmdt" in page and "d2_a1_b1_mmdt equals d2_b1_mmdt" in said(report)
    assert "d2_a1_b1_mmdt equals d2_b1_mmdt" in printed(report)


def test_constant_features_are_no_duplicates_of_each_other():
    from fasttrig.data.labelled import load_sample

    design, _ = measured("jet_mlp", n_events=50)
    sample = load_sample(design.project, "test")
    x = sample.x[:50].copy()
    x[:, 2] = x[:, 5] = 0.125
    facts = feature_facts(design.inputs, replace(sample, x=x), design.inputs.to_raw(x))
    assert [name for name, fact in facts.items() if fact.is_constant] == [design.inputs.names[k] for k in (2, 5)]
    assert not facts[design.inputs.names[5]].equals


def test_the_page_names_its_version_its_model_and_what_the_inputs_are(built):
    design, found, _, _ = built
    settings = target_settings(design, {})
    report = report_of(design, found, settings, manifest_of(design, settings, "fpga"))
    digest = sha256_file(design.project.path(design.project.model.file))
    assert (report.model.fasttrig, report.model.sha256) == (__version__, digest)
    from fasttrig.report.html.page import page_files

    _, page = parsed(page_files(design, report, found)["report.html"])
    assert f"fasttrig {__version__} model" in page and f"SHA-256 {digest[:12]}" in page
    assert all(row.description and row.description in page for row in report.inputs)


def test_a_budget_that_nothing_measured_is_to_be_looked_at():
    design, found = measured("jet_mlp", n_events=500)
    budget = BudgetSettings(max_rms_growth=0.1)
    design = replace(design, project=design.project.model_copy(update={"budget": budget}))
    report = report_of(design, found)
    assert report.verdict == "failed"
    assert "max_rms_growth was not evaluated (nothing measured it)" in said(report)


def test_ratio_panels_share_one_range(monkeypatch):
    _, found = measured("jet_mlp", n_events=2000)
    figures = []
    monkeypatch.setattr(classes, "finish", lambda figure, *_: figures.append(figure))
    spread = classes.ratio_range(found.scores, range(5))
    with drawing():
        for k in range(5):
            classes.roc_of_class(found.scores, k, None, "sample", spread)
    ranges = {figure.axes[1].get_ylim() for figure in figures}
    assert len(figures) == 5 and ranges == {spread}


def test_casts_tell_cut_from_clipped():
    from fasttrig.base.fixed import FixedType, Overflow, Rounding
    from fasttrig.emulator.evaluate import evaluate
    from fasttrig.ir.builder import GraphBuilder
    from fasttrig.physics.saturation import saturations

    b = GraphBuilder("g")
    x = b.input("x", (2,), FixedType(8, 5))
    relu = b.cast("relu", x, FixedType(3, 3, False), Rounding.TRN, Overflow.SAT)
    signed = b.cast("signed", x, FixedType(3, 3), Rounding.TRN, Overflow.SAT)
    graph = b.graph(b.concat("all", (relu, signed)))
    raw = np.array([[-8, 63], [64, 0], [-40, 8], [16, 16]])  # values -1, 7.9, 8, 0, -5, 1, 2, 2
    found = saturations(graph, evaluate(graph, raw, keep={op.name for op in graph.ops}).trace)
    assert (found.ops["relu"].cut_fraction, found.ops["relu"].clipped_fraction) == (2 / 8, 1 / 8)
    assert (found.ops["signed"].cut_fraction, found.ops["signed"].clipped_fraction) == (0, 3 / 8)
    assert (found.ops["relu"].clipped_events, found.ops["signed"].clipped_events) == (1 / 4, 3 / 4)
    assert (found.n_events, found.clipped_events) == (4, 3 / 4)


def test_a_single_word_about_two_classes_has_a_page_too():
    """No lead, no pairs; the first class has neither a threshold nor a rate of its own."""
    from fasttrig.base.fixed import FixedType
    from fasttrig.data.labelled import LabelledSample
    from fasttrig.data.outputs import output_rows
    from fasttrig.ir.builder import GraphBuilder
    from fasttrig.ir.graph import Postprocessor
    from fasttrig.physics.firmware import firmware_physics
    from fasttrig.report.document import FirmwareRow, OutputRow
    from fasttrig.report.html.page import page

    design, found = measured("jet_mlp", n_events=500)
    report = report_of(design, found)
    b = GraphBuilder("one")
    graph = b.graph(b.input("x", (1,), FixedType(8, 4)), postprocessor=Postprocessor.SIGMOID)
    one = replace(design, graph=graph, classes=("b", "s"))
    raw = np.random.default_rng(0).integers(-128, 128, (500, 1))
    labels = (raw[:, 0] > np.random.default_rng(1).integers(-128, 128, 500)).astype(int)
    sample = LabelledSample(np.zeros((500, 1)), labels, ("x",), ("",))
    physics = firmware_physics(one, sample, {"x": raw}, one.interpret({"x": raw}, "raw").scores)
    report = report.model_copy(
        update={
            "firmware": FirmwareRow.model_validate(physics.to_dict()),
            "outputs": [OutputRow(**row) for row in output_rows(graph, ("b", "s"))],
            "model": report.model.model_copy(update={"classes": ["b", "s"], "postprocessor": "sigmoid"}),
        }
    )
    _, text = parsed(page(design.graph, report, []))
    point = physics.working_points[0]
    assert f"s {point.target:g} {point.threshold_raw} {point.efficiency:.4f}" in text.replace("−", "-")
    assert "lead over the others" not in text and "One class against another" not in text
    assert "the sigmoid of the words' values" in text and "rate [kHz] –" in text
    assert "distinct words (share of the commonest): s" in printed(report)


def test_decisions_say_what_they_cost(built):
    """Lead and largest word for any classifier; the softmax for a network whose link is on the host."""
    name, _, report, files = built
    assert report.firmware is not None
    costs = {row.decision: row for row in report.firmware.costs}
    if report.regression is not None:
        assert not costs
        return
    is_network = report.model.postprocessor == "softmax" and any(op.kind == "MatMul" for op in report.ops)
    assert set(costs) == {"lead", "largest"} | ({"softmax"} if is_network else set()), name
    assert all(row.lut.low <= row.lut.value <= row.lut.high for row in costs.values())
    _, page = parsed(files["report.html"])
    assert f"{costs['lead'].lut.value:,} LUT" in page and "In the firmware, by the estimate of synth" in printed(report)


def test_a_softmax_too_large_for_a_table_has_no_cost(monkeypatch):
    """The report is made without it; the other decisions keep theirs."""
    design = fasttrig.read("models/jet_mlp")
    monkeypatch.setattr(final_link, "MAX_TABLE_BITS", 2)
    assert {row.decision for row in decision_costs(design, design.project.target)} == {"lead", "largest"}
