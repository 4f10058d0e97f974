"""What the page says: the report's numbers, every reason, nothing that a hostile name could break."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType
from fasttrig.design import Design, built_files
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.ladder.rungs import Rung, Status
from fasttrig.physics.scores import Scores, with_replicas
from fasttrig.report.html.index import index_html, write_index
from fasttrig.report.html.numbers import latency_rows, signed, with_error
from fasttrig.report.html.page import draw_plots, page_again, page_files
from fasttrig.settings import BudgetSettings, PhysicsSettings, TargetSettings
from tests.report.builds import MODELS, N_EVENTS, bare, measured, report_of, with_ladder

HOSTILE = "<script>alert('x')</script> & \"q\" $\\alpha$ \u2045\n"


class Text(HTMLParser):
    """Collects the text that is shown, and every tag."""

    def __init__(self):
        super().__init__()
        self.tags, self.words = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        if self.tags and self.tags[-1] != "style":
            self.words.append(data)


def parsed(page):
    reader = Text()
    reader.feed(page)
    return reader.tags, " ".join(" ".join(reader.words).split())


def test_the_page_holds_the_reports_numbers(built):
    _, _, report, files = built
    tags, text = parsed(files["report.html"])
    assert f"✓ good {report.verdict_reason}" in text
    for row in report.ladder:
        assert row.rung in text and row.reason in text
    for op in report.ops:
        assert op.name in text and op.type in text
    for row in report.worst_events:
        assert f"{row.event} {row.truth} {row.output}" in text
    assert report.resources[0].tool in text and "75 ns = 3 BX" in text
    assert tags.count("figure") == (15 if report.agreement else 5)
    if report.agreement is not None:
        name, cuts = next(iter(report.agreement.background_rejection["quantised"].items()))
        error = report.agreement.background_rejection_error["quantised"][name]["0.3"]
        assert with_error(cuts["0.3"], error) in text


def test_the_page_is_small_and_the_same_again(built):
    design, found, report, files = built
    assert len(files["report.html"].encode()) < 3_000_000
    later = report.model_copy(update={"ladder": [row.model_copy(update={"seconds": 99.0}) for row in report.ladder]})
    assert page_files(design, later, found) == files


def test_a_finished_build_gives_the_same_page_again(built, tmp_path):
    """As when synthesis adds its counts: the plots are taken from their files."""
    design, _, report, files = built
    (tmp_path / "report").mkdir()
    for name, text in ({f"report/{name}": text for name, text in files.items()} | built_files(design)).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert page_again(tmp_path, report) == files["report.html"]


def test_a_hostile_description_is_text():
    design = fasttrig.read(MODELS / "jet_mlp")
    project = design.project
    model = project.model.model_copy(update={"description": HOSTILE, "file": HOSTILE})
    data = project.data.model_copy(update={"classes": (HOSTILE, *"bcde")})
    design = replace(
        design,
        project=project.model_copy(update={"model": model, "data": data, "physics": PhysicsSettings()}),
        classes=data.classes,
    )
    design, found = measured(design, n_events=500)
    found = with_ladder(found, Rung("emulate", "framework", Status.EQUAL, 9, 0, 0.0, HOSTILE), *found.ladder[1:])
    files = page_files(design, report_of(design, found), found)
    for name, text in files.items():
        tags, _ = parsed(text)
        assert "script" not in tags, name
    assert "alert('x')" in parsed(files["report.html"])[1]


def test_a_ladder_that_differs_fails_in_words_and_shows_where():
    design, found = measured("jet_mlp", n_events=500)
    wrong = Rung("csim", "emulate", Status.DIFFERS, 500, 17, 1.0, "first differing op: op 'relu1'")
    report = report_of(design, with_ladder(found, found.ladder[0], wrong))
    _, text = parsed(page_files(design, report, found)["report.html"])
    assert "✗ failed csim differs from emulate on 17 of 500 events" in text
    assert "Where to look next csim differs from emulate on 17 events." in text
    assert "✗ differs" in text and "first differing op: op 'relu1'" in text


def test_without_a_float_model_the_quantised_curves_stand_and_the_reason_is_given():
    design, found = measured("jet_mlp", with_float=False, n_events=500)
    report = report_of(design, found)
    files = page_files(design, report, found)
    _, text = parsed(files["report.html"])
    assert "○ not run model.toml names no float_file" in text
    assert {"roc.svg", "roc-0.svg", "scores-4.svg"} <= files.keys() and "agreement.svg" not in files
    assert "float" not in re.sub(r"<desc.*?</desc>|<title.*?</title>|<style>.*?</style>", "", files["scores-0.svg"])


def branched():
    b, rng = GraphBuilder("branched"), np.random.default_rng(0)
    type_ = FixedType(6, 3)
    x, z = b.input("x", (4,), type_), b.input("z", (4,), type_)
    y = b.matmul("fc", x, Const("w", type_, rng.integers(-9, 9, (4, 4))), Const("b", type_, np.ones(4, int)))
    return b.graph(b.concat("all", (b.add("skip", y, x), z)))


def test_several_inputs_and_no_sample():
    rng = np.random.default_rng(0)
    design = Design(branched(), "branched")
    found = bare(design, {name: rng.integers(-32, 32, (50, 4)) for name in ("x", "z")})
    files = page_files(design, report_of(design, found), found)
    _, text = parsed(files["report.html"])
    assert set(files) == {"report.html", "design.svg"}
    assert all(op.name in text for op in design.graph.ops)
    assert "○ not run a bare model has no labelled sample" in text and "There are no labelled events" in text


def test_the_tighter_budget_of_the_latency_is_drawn():
    design, found = measured("jet_mlp", n_events=500)
    budget = BudgetSettings(latency_ns=70.0, latency_bunch_crossings=4.0)
    design = replace(design, project=design.project.model_copy(update={"budget": budget}))
    report = report_of(design, found)
    rows = latency_rows(report)
    assert (rows["limit"], rows["limit_at"]) == (70.0, f"{100 * 70 / (25 * rows['n_crossings']):.2f}")
    assert {row["stage"]: row["within"] for row in rows["rows"]}["rtlsim"] is False
    _, text = parsed(page_files(design, report, found)["report.html"])
    assert "The dashed line is the budget, 70 ns" in text and "30 cycles = 75 ns = 3 BX ✗ exceeded" in text


def test_a_backend_without_estimates_says_so():
    design, found = measured("jet_mlp", n_events=500)
    found = replace(found, ladder=found.ladder[:2])
    report = report_of(design, found, TargetSettings(backend="oneapi"))
    _, text = parsed(page_files(design, report, found)["report.html"])
    assert "No estimate for this backend and no synthesis" in text and "no simulation by cycles" in text


def test_jupyter_shows_reports_and_projects(built):
    design, _, report, _ = built
    project = fasttrig.Project(Path("build") / design.graph.name, design, report)
    _, text = parsed(project._repr_html_())
    assert report.verdict_reason in text and f"build/{design.graph.name}/report/report.html" in text
    assert parsed(report._repr_html_())[1] in text


def test_the_index_lists_what_can_be_read(built, tmp_path):
    design, _, report, _ = built
    for name, text in (("a", report.model_dump_json()), ("b", "{}"), (".a.1.x", report.model_dump_json())):
        (tmp_path / name / "report").mkdir(parents=True)
        (tmp_path / name / "report" / "report.json").write_text(text)
    write_index(tmp_path)
    before = (tmp_path / "index.html").stat().st_mtime_ns
    write_index(tmp_path)
    _, text = parsed((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert (tmp_path / "index.html").stat().st_mtime_ns == before
    assert f"{design.graph.name} {report.model.description} report.json ✓ good" in text
    assert "b: its report cannot be read" in text
    assert f"every bit equal on {N_EVENTS:,} events" in text and "RTL 75 ns 3 BX, rtlsim not run not run" in text
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", ".a.1.x", "index.html"}
    assert index_html(tmp_path).count('report.json"') == 1


def test_an_index_that_cannot_be_written(tmp_path):
    (tmp_path / "index.html").mkdir()
    with pytest.raises(InputError, match="was not written by fasttrig"):
        write_index(tmp_path)
    assert (tmp_path / "index.html").is_dir()


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (62.09, 4.55, "62.1 ± 4.5"),
        (354.2, 68.3, "354 ± 68"),
        (0.0019, None, "0.0019"),
        (None, 1.0, "none left"),
        (12.07, 0.691, "12.07 ± 0.69"),
    ],
)
def test_figures_keep_the_digits_that_their_errors_allow(value, error, shown):
    assert with_error(value, error) == shown


def test_signs():
    assert [signed(number) for number in (0.00123, -0.00123, -0.00001)] == ["+0.0012", "−0.0012", "0.0000"]


@pytest.mark.parametrize("score", [np.full(400, 0.5), np.arange(400) % 2 * 1.0], ids=["constant", "perfect"])
def test_two_classes_and_scores_without_a_curve(score):
    """Of two classes one curve is drawn; neither a constant nor a perfect score warns (warnings are errors)."""
    design, found = measured("jet_mlp", n_events=400)
    columns = np.stack([1 - score, score], 1)
    scores = with_replicas(Scores(np.arange(400) % 2, columns, columns.copy(), ("b", "s"), False))
    report = report_of(design, found).model_copy(update={"agreement": None, "worst_events": [], "firmware": None})
    plots = draw_plots(design, report, scores)
    assert [plot.name for plot in plots] == ["roc-1", "scores-1", "agreement", "difference"]
    assert "nan" not in " ".join(plot.svg for plot in plots)
