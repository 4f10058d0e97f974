"""Vendor reports: counts as the files state them, and a clear refusal of files that are broken or hostile."""

import pytest

from fasttrig.base.errors import InputError
from fasttrig.estimate.vendor import find_reports, read_csynth

CSYNTH = """<?xml version="1.0" encoding="UTF-8"?>
<profile><ReportVersion><Version>2020.1</Version></ReportVersion>
<UserAssignments><unit>ns</unit><Part>xcvu13p-flga2577-2-e</Part><TargetClockPeriod>5.00</TargetClockPeriod></UserAssignments>
<PerformanceEstimates><SummaryOfOverallLatency><Best-caseLatency>11</Best-caseLatency>
<Worst-caseLatency>13</Worst-caseLatency><Interval-min>1</Interval-min><Interval-max>2</Interval-max>
</SummaryOfOverallLatency></PerformanceEstimates>
<AreaEstimates><Resources><BRAM_18K>4</BRAM_18K><DSP48E>1450</DSP48E><FF>10961</FF><LUT>84942</LUT><URAM>0</URAM></Resources>
<AvailableResources><LUT>1728000</LUT></AvailableResources></AreaEstimates></profile>
"""
UTILISATION = """| Tool Version : Vivado v.2020.1 (lin64) Build 2902540
| Device       : xcvu13pflga2577-2
| Design State : Synthesized
+-------------------------+-------+
|        Site Type        |  Used |
| CLB LUTs*               | 45805 |     0 |   1728000 |  2.65 |
|   LUT as Logic          | 44000 |     0 |   1728000 |  2.54 |
| CLB Registers           | 31254 |     0 |   3456000 |  0.90 |
| Block RAM Tile          |  15.5 |     0 |      2688 |  0.58 |
| URAM                    |     0 |     0 |      1280 |  0.00 |
| DSPs                    |  2326 |     0 |     12288 | 18.93 |
"""
TIMING = """| Tool Version : Vivado v.2020.1
| Design State : Routed
    WNS(ns)      TNS(ns)  TNS Failing Endpoints
    -------      -------  ---------------------
     -0.627     -120.300                    310
"""


def test_reports_of_a_folder_are_found_and_read(tmp_path):
    (tmp_path / "syn").mkdir()
    (tmp_path / "syn" / "csynth.xml").write_text(CSYNTH)
    (tmp_path / "vivado_synth.rpt").write_text(UTILISATION)
    (tmp_path / "top_timing_summary_routed.rpt").write_text(TIMING)
    (tmp_path / "notes.txt").write_text("not a report")
    hls, timing, synth = find_reports(tmp_path)
    assert (hls.stage, hls.tool, hls.version, hls.part) == ("csynth", "Vivado HLS", "2020.1", "xcvu13p-flga2577-2-e")
    assert (hls.lut, hls.ff, hls.dsp, hls.bram18, hls.uram) == (84942, 10961, 1450, 4, 0)
    assert (hls.latency_cycles, hls.ii_cycles, hls.clock_period_ns) == (13, 2, 5.0)
    assert (synth.stage, synth.lut, synth.ff, synth.dsp, synth.bram18) == ("synth", 45805, 31254, 2326, 31)
    assert (timing.stage, timing.wns_ns) == ("route", -0.627)


def test_a_latency_that_hls_does_not_know_is_none(tmp_path):
    path = tmp_path / "csynth.xml"
    path.write_text(CSYNTH.replace("<Worst-caseLatency>13<", "<Worst-caseLatency>undef<"))
    assert read_csynth(path).latency_cycles is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("csynth.xml", CSYNTH[:400], "well-formed XML"),
        ("csynth.xml", "", "an empty file"),
        ("csynth.xml", "<profile></profile>", "no AreaEstimates"),
        ("csynth.xml", '<!DOCTYPE a [<!ENTITY b "ccc">]><profile>&b;</profile>', "expand entities"),
        ("top_csynth.xml", CSYNTH.replace(">84942<", ">-5<"), "a whole number"),
        ("csynth.xml", b"\xff\xfe\x00broken", "UTF-8"),
        ("vivado_synth.rpt", "Vivado crashed", "no row of LUTs"),
        ("top_util.rpt", "| CLB LUTs | many |", "no row of LUTs"),
        ("top_timing.rpt", "WNS is not here", "no WNS"),
    ],
)
def test_broken_and_hostile_files_are_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        find_reports(tmp_path)
    assert words in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_reports(tmp_path / "nowhere")
