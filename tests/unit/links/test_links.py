"""Link maps and pattern files: what was written is read back, and what is damaged is refused with its line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrig.base.errors import DataError, InputError, ProjectError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Value
from fasttrig.links import (
    FORMATS,
    LinkMap,
    Placement,
    check_link_map,
    default_link_map,
    pack,
    read_link_map,
    read_patterns,
    unpack_patterns,
    write_patterns,
)
from fasttrig.links.packing import Flag, Frames
from fasttrig.links.patterns import Patterns, render

MAP = """
board = "tagger"
tmux = 2
frames_per_bx = 3

[[inputs]]
field = "x"
count = 2
width = 12
link = 3
frame = 1
offset = 4

[[outputs]]
field = "y"
width = 64
link = 0
"""


def graph_of(types, shapes):
    """Inputs straight to outputs: the links alone matter."""
    builder = GraphBuilder("tagger")
    return builder.graph(
        *[builder.input(f"x{k}", shape, kind) for k, (kind, shape) in enumerate(zip(types, shapes, strict=True))]
    )


@st.composite
def designs(draw):
    n = draw(st.integers(1, 3))
    types = [FixedType(draw(st.integers(1, 64)), draw(st.integers(-3, 9)), draw(st.booleans())) for _ in range(n)]
    shapes = [draw(st.sampled_from([(1,), (5,), (2, 3), (17,)])) for _ in range(n)]
    return graph_of(types, shapes)


def random_raw(graph, n_events, seed):
    rng = np.random.default_rng(seed)
    arrays = {}
    for op in graph.inputs:
        kind = op.result.type
        bits = rng.integers(0, 1 << 64, (n_events, *op.result.shape), dtype=np.uint64, endpoint=False).astype(object)
        raw = (bits & ((1 << kind.width) - 1)) + kind.min_raw
        arrays[op.name] = raw if kind.width > 62 else raw.astype(np.int64)
    return arrays


@settings(max_examples=60, deadline=None)
@given(
    designs(),
    st.integers(1, 4),
    st.integers(1, 12),
    st.integers(0, 40),
    st.integers(0, 2**20),
    st.sampled_from(FORMATS),
)
def test_what_is_written_is_read_back(graph, tmux, frames_per_bx, n_events, seed, format):
    """Any types, any shapes, several files: every raw integer comes back from every format."""
    link_map = default_link_map(graph, tmux=tmux, frames_per_bx=frames_per_bx)
    raw = random_raw(graph, n_events, seed)
    files = write_patterns(link_map, format, raw)
    assert len(files) == -(-n_events // (1024 // link_map.period_frames))
    read = [read_patterns(text) for text in files.values()]
    assert all(len(patterns.frames) <= 1024 and patterns.format == format for patterns in read)
    if not read:
        return
    found = unpack_patterns(link_map, read, [op.result for op in graph.inputs])
    for name, want in raw.items():
        assert np.array_equal(found[name], want)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 30), st.integers(0, 2**20), st.sampled_from(FORMATS), st.booleans())
def test_frames_survive_a_file(n_links, n_frames, seed, format, strobed):
    """Random words and random flags: EMPv2 keeps all, EMPv1 valid and strobe, APx all but the strobe."""
    rng = np.random.default_rng(seed)
    links = tuple(sorted(rng.choice(200, n_links, replace=False).tolist()))
    data = rng.integers(0, 1 << 64, (n_frames, n_links), dtype=np.uint64, endpoint=False)
    flags = rng.integers(0, 32, (n_frames, n_links)).astype(np.uint8)
    flags |= np.uint8(0 if strobed else Flag.STROBE)
    kept = int({"empv2": 31, "empv1": Flag.STROBE | Flag.VALID, "apx": 15}[format])
    text = render(Patterns(format, "b1", Frames(links, data, flags)))
    read = read_patterns(text)
    assert read.frames.links == links and np.array_equal(read.frames.data, data)
    assert np.array_equal(read.frames.flags & kept, flags & kept)
    assert render(read) == text
    assert read.board == {"empv2": "b1", "empv1": "CMSSW", "apx": ""}[format]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_read(data):
    """Any byte removed, replaced or cut off: an error of ours that names a place, never another exception."""
    graph = graph_of([FixedType(12, 4)], [(7,)])
    link_map = default_link_map(graph, frames_per_bx=2)
    text = write_patterns(link_map, data.draw(st.sampled_from(FORMATS)), random_raw(graph, 3, 1))["inputs_0000.txt"]
    first = data.draw(st.integers(0, len(text) - 1))
    inserted = data.draw(st.text(max_size=3))
    removed = data.draw(st.sampled_from([0, 1, 5, len(text)]))
    damaged = text[:first] + inserted + text[first + removed :]
    try:
        unpack_patterns(link_map, [read_patterns(damaged, "file.txt")], [op.result for op in graph.inputs])
    except DataError as error:
        assert error.where


def small_map(period=3):
    return LinkMap(
        board="b",
        frames_per_bx=period,
        inputs=(
            Placement(field="x", count=2, width=12, link=1, offset=4),
            Placement(field="x", first=2, width=12, link=4, frame=1),
        ),
        outputs=(Placement(field="y", width=3, link=0),),
    )


X = {"x": np.array([[1, -1, 2047], [-2048, 0, 5]])}

EMPV2 = """ID: b
Metadata: (strobe,) start of orbit, start of packet, end of packet, valid

      Link              001                    004
Frame 0000    1101 000000000fff0010  1101 0000000000000000
Frame 0001    0011 0000000000000000  0011 00000000000007ff
Frame 0002    0000 0000000000000000  0000 0000000000000000
Frame 0003    0101 0000000000008000  0101 0000000000000000
Frame 0004    0011 0000000000000000  0011 0000000000000005
Frame 0005    0000 0000000000000000  0000 0000000000000000
"""
EMPV1 = """Board CMSSW
 Quad/Chan :         q00c1                q01c0
      Link :          001                  004
Frame 0000 :   1v000000000fff0010   1v0000000000000000
Frame 0001 :   1v0000000000000000   1v00000000000007ff
Frame 0002 :   0v0000000000000000   0v0000000000000000
Frame 0003 :   1v0000000000008000   1v0000000000000000
Frame 0004 :   1v0000000000000000   1v0000000000000005
Frame 0005 :   0v0000000000000000   0v0000000000000000
"""
APX = """#Sideband ON
#LinkLabel                LINK_01                    LINK_04
#BeginData
0x0000    0x07 0x000000000fff0010    0x07 0x0000000000000000
0x0001    0x09 0x0000000000000000    0x09 0x00000000000007ff
0x0002    0x00 0x0000000000000000    0x00 0x0000000000000000
0x0003    0x03 0x0000000000008000    0x03 0x0000000000000000
0x0004    0x09 0x0000000000000000    0x09 0x0000000000000005
0x0005    0x00 0x0000000000000000    0x00 0x0000000000000000
"""


@pytest.mark.parametrize(("format", "want"), [("empv2", EMPV2), ("empv1", EMPV1), ("apx", APX)])
def test_the_text_of_a_small_file(format, want):
    """By hand from the experiments' grammar: bits, flags, columns."""
    assert write_patterns(small_map(), format, X) == {"inputs_0000.txt": want}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("damage", "what", "line"),
    [
        (lambda lines: lines[:-1] + [lines[-1][:-1]], "not a row", len),
        (lambda lines: lines[:-1] + [lines[-1][: len(lines[-1]) // 2 - 2]], "not a row|columns", len),
        (lambda lines: lines[:-2] + lines[-1:], "not a row", lambda lines: len(lines) - 1),
        (lambda lines: lines + lines[-1:], "not a row", lambda lines: len(lines) + 1),
    ],
    ids=["last digit gone", "last line cut", "a row missing", "a row twice"],
)
def test_the_line_of_a_fault_is_named(format, damage, what, line):
    lines = {"empv2": EMPV2, "empv1": EMPV1, "apx": APX}[format].splitlines()
    with pytest.raises(DataError, match=what) as caught:
        read_patterns("\n".join(damage(lines)) + "\n", "file.txt")
    assert f"file.txt, line {line(lines)}" in caught.value.where


def test_files_that_are_no_patterns():
    for text in ("", "\n\n", "\x00" * 50, "Frame 0000 :", "hello"):
        with pytest.raises(DataError, match="not a pattern file"):
            read_patterns(text)
    for format, text in (("empv2", "ID: x\n"), ("empv1", "Board x\n"), ("apx", "#Sideband ON\n")):
        with pytest.raises(DataError, match="header is truncated"):
            read_patterns(text, format)


def test_more_frames_than_a_buffer_holds():
    lines = APX.splitlines()
    rows = [f"0x{k:04x}{lines[3][6:]}" for k in range(1025)]
    with pytest.raises(DataError, match="too many frames") as caught:
        read_patterns("\n".join(lines[:3] + rows), "file.txt")
    assert "line 1028" in caught.value.where
    assert len(read_patterns("\n".join(lines[:3] + rows[:-1])).frames) == 1024


def test_another_link_map_than_the_writers_is_noticed():
    frames = read_patterns(EMPV2)
    values = [Value("x", (3,), FixedType(12, 4))]
    assert np.array_equal(unpack_patterns(small_map(), [frames], values)["x"], X["x"])
    with pytest.raises(DataError, match="packet starts differ"):
        unpack_patterns(small_map(period=2), [frames], values)
    with pytest.raises(DataError, match="packet starts differ"):
        unpack_patterns(small_map(period=6), [frames], values)
    cut = read_patterns("\n".join(EMPV1.splitlines()[:7]))
    with pytest.raises(DataError, match="last packet is truncated"):
        unpack_patterns(small_map(), [cut], values)


def test_a_link_map_is_read_from_toml_and_written_back(tmp_path):
    path = tmp_path / "links.toml"
    path.write_text(MAP)
    link_map = read_link_map(path)
    assert link_map.period_frames == 6 and link_map.inputs[0].offset == 4 and link_map.outputs[0].link == 0
    path.write_text(link_map.to_toml())
    assert read_link_map(path) == link_map


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("offset = 4", "offset = 44", "leave the frame"),
        ("frame = 1", "frame = 6", "belongs to the next event"),
        ("count = 2", "count = 2\ncolour = 3", "unknown key"),
        ("link = 3", "link = -1", "inputs.0.link"),
        ('board = "tagger"', 'board = "a\\nb"', "printable"),
        ("tmux = 2", "tmux = 400", "a buffer holds 1024"),
        ("[[outputs]]", '[[inputs]]\nfield = "z"\nwidth = 20\nlink = 3\nframe = 1\n[[outputs]]', "already in use"),
        ("[[outputs]]", '[[inputs]]\nfield = "x"\nwidth = 12\nlink = 9\n[[outputs]]', "has two placements"),
        ("[[outputs]]", "[[other]]", "other: unknown key"),
        ("tmux = 2", "tmux =", "TOML"),
    ],
)
def test_faults_of_a_link_map_are_named(tmp_path, old, new, said):
    path = tmp_path / "links.toml"
    path.write_text(MAP.replace(old, new))
    with pytest.raises(ProjectError) as caught:
        read_link_map(path)
    assert said in str(caught.value) and str(path) in caught.value.where


def test_a_link_map_of_another_design_is_refused():
    graph = graph_of([FixedType(12, 4)], [(3,)])
    good = default_link_map(graph)
    check_link_map(good, graph)
    narrower = graph_of([FixedType(11, 4)], [(3,)])
    longer = graph_of([FixedType(12, 4)], [(4,)])
    for other, what in ((narrower, "width of a field"), (longer, "do not match its tensor")):
        with pytest.raises(InputError, match=what):
            check_link_map(good, other)
    with pytest.raises(InputError, match="no such field"):
        check_link_map(small_map(), graph)


def test_default_map_fills_frame_after_frame_and_refuses_what_does_not_fit():
    graph = graph_of([FixedType(30, 4)], [(5,)])
    inputs = default_link_map(graph, frames_per_bx=2).inputs
    assert [(p.link, p.frame, p.offset, p.first, p.count) for p in inputs] == [
        (0, 0, 0, 0, 2),
        (0, 1, 0, 2, 2),
        (1, 0, 0, 4, 1),
    ]
    with pytest.raises(UnsupportedError, match="wider than a frame"):
        default_link_map(graph_of([FixedType(65, 4)], [(1,)]))


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="does not fit"):
        pack(small_map(), "inputs", {"x": np.array([[4096, 0, 0]])})
    with pytest.raises(DataError, match="does not fit"):
        pack(small_map(), "inputs", {"x": np.array([[-2049, 0, 0]])})
    with pytest.raises(DataError, match="data are missing"):
        pack(small_map(), "outputs", X)
    with pytest.raises(InputError, match="unknown pattern format"):
        write_patterns(small_map(), "empv3", X)
