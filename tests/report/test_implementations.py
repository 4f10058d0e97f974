"""Each number of a card, of a row of the index and of a comparison is of one design: HLS or RTL."""

from dataclasses import replace

from fasttrig.report.hardware import ReportStage, VendorResources
from fasttrig.report.html.index import index_html
from fasttrig.report.html.summary import tiles
from fasttrig.report.implementations import implementations
from tests.report.builds import measured, report_of, yosys_row
from tests.report.test_content import parsed

COUNTED = yosys_row(998)
VENDOR = VendorResources(
    stage=ReportStage.VENDOR_CSYNTH,
    tool="Vitis HLS 2024.1",
    file="csynth.xml",
    wns_ns=None,
    **COUNTED.model_dump(include={"part", "shares", "crosses_slr", "notes", "lut", "ff", "dsp", "bram18"}),
)


def forest(**changes):
    design, found = measured("jet_bdt", n_events=500)
    report = report_of(design, found)
    return report.model_copy(update={"resources": [*report.resources, *changes.get("resources", ())]})


def test_a_card_holds_the_numbers_of_one_design():
    report = forest()
    cards = {item["label"]: item for item in tiles(report) if "design" in item}
    assert list(cards) == ["RTL design", "HLS design"]
    assert cards["RTL design"]["figure"] == "75 ns" and "LUT: not run (fasttrig synth)" in cards["RTL design"]["note"]
    assert "rtlsim" in cards["RTL design"]["note"] and "estimate" not in cards["RTL design"]["note"]
    assert cards["HLS design"]["figure"] == "22.5 ns, 6,326 LUT" and "rtlsim" not in cards["HLS design"]["note"]
    counted = {item["label"]: item for item in tiles(forest(resources=[COUNTED]))}
    assert counted["RTL design"]["figure"] == "75 ns, 998 LUT"


def test_the_luts_of_a_forest_in_the_hls_report_are_never_first_or_alone():
    """They are counted before logic synthesis: 156,054 of them for 6,326 after it."""
    for report in (forest(), forest(resources=[VENDOR])):
        for one in implementations(report):
            stages = [row.stage for row in one.resources]
            assert not stages or stages[0].step != "csynth"
    assert [row.stage for row in implementations(forest(resources=[VENDOR]))[1].resources] == [
        "estimate of synth",
        "vendor csynth",
        "estimate of csynth",
    ]


def test_the_index_has_a_row_per_design(tmp_path):
    (tmp_path / "jet_bdt" / "report").mkdir(parents=True)
    (tmp_path / "jet_bdt" / "report" / "report.json").write_text(forest(resources=[COUNTED]).model_dump_json())
    _, text = parsed(index_html(tmp_path))
    assert "RTL 75 ns 3 BX, rtlsim 998 synth 998 synth" in text
    assert "HLS 22.5 ns 0.9 BX, estimate of synth 6,326 0.4 %, estimate of synth" in text
    assert text.index("6,326") < text.index("156,054")


def test_what_the_rtl_declares_stands_in_where_nothing_ran():
    design, found = measured("jet_mlp", n_events=500)
    report = report_of(design, replace(found, ladder=found.ladder[:2]))
    assert [one.design for one in implementations(report)] == ["HLS"]
    rtl = {
        "tool": "alkaid 1",
        "language": "verilog",
        "stages": 26,
        "latency_cycles": 27,
        "ii_cycles": 1,
        "register_bits": 10,
        "stage_budget_ns": 2.1,
        "longest_stage_ns": 2.0,
        "alkaid_cost": 100.0,
        "expected_routed_lut": {"value": 106, "low": 100, "high": 111},
    }
    first, _ = implementations(type(report).model_validate(report.model_dump() | {"rtl": rtl}))
    assert first.resources[0].shares == {"lut": 106 / 1_728_000}
    assert (first.design, first.latency[0].latency_ns, first.resources[0].lut.value) == ("RTL", 67.5, 106)
