"""Finished hls4ml projects: read back, and equal to their own compiled C++; what is not understood is refused."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import fasttrig
from fasttrig.base.errors import InputError, RefusalError, ToolError
from fasttrig.cli import app
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.hls4ml_project.project import read_hls4ml_project
from fasttrig.ladder import framework_rung
from fasttrig.reference.hls4ml_project import project_raw
from tests.ladder.hls4ml_writer import dense_network, merging_network, write_project


def events(graph, n_events, seed=0):
    """Raw inputs: half over the whole range, half as a trained network sees them."""
    rng, inputs = np.random.default_rng(seed), {}
    for op in graph.inputs:
        kind, shape = op.result.type, (n_events, *op.result.shape)
        wide = rng.integers(kind.min_raw, kind.max_raw + 1, shape)
        usual = np.clip(np.rint(rng.normal(size=shape) * 2.0**kind.fraction_bits), kind.min_raw, kind.max_raw)
        wide[::2] = usual[::2].astype(np.int64)
        inputs[op.name] = wide
    return inputs


def assert_equal_to_its_own_csim(folder, n_events=10_000):
    graph = read_hls4ml_project(folder).graph
    inputs = events(graph, n_events)
    found, want = evaluate(graph, inputs).outputs, project_raw(graph, folder, inputs)
    assert found.keys() == want.keys()
    for name, array in want.items():
        np.testing.assert_array_equal(found[name], array)
        assert len(np.unique(array)) > 2, "a network that says nothing"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The project of a seed, written once."""
    return cache(lambda seed: write_project(tmp_path_factory.mktemp("hls4ml") / "net", *dense_network(seed)))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(2, 40))])
def test_dense_networks_equal_their_own_cpp(written, seed):
    """Strategies, accumulators that saturate or wrap, activations, both softmaxes: see `dense_network`."""
    assert_equal_to_its_own_csim(written(seed))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(8))
def test_merges_equal_their_own_cpp(tmp_path, seed):
    assert_equal_to_its_own_csim(write_project(tmp_path / "net", *merging_network(seed)))


RELEASES = ("0.8.1", "1.0.0", "1.1.0", "1.2.0")
OLD_SEEDS = ("1", "2", "4", "6")


@pytest.mark.nightly
@pytest.mark.parametrize("release", RELEASES)
def test_projects_of_older_releases_equal_their_own_cpp(tmp_path, release):
    """The release is installed into a folder of this test; without the package index the test is not run."""
    into = ["--python", sys.executable, "--target", str(tmp_path / "old")]
    for packages in (["--no-deps", f"hls4ml=={release}"], ["calmjs.parse", "tabulate"]):
        command = [sys.executable, "-m", "uv", "pip", "install", "-q", *into, *packages]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"not run: hls4ml {release} cannot be installed: {done.stderr.strip()[-200:]}")
    program = Path(write_project.__code__.co_filename)
    subprocess.run(
        [sys.executable, str(program), str(tmp_path), *OLD_SEEDS],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "old")},
        check=True,
        capture_output=True,
    )
    for seed in OLD_SEEDS:
        try:
            assert_equal_to_its_own_csim(tmp_path / seed)
        except RefusalError as refused:  # Slopes have the type of the data in the releases before 1.0.
            assert release == "0.8.1" and "relu" in str(refused)


def changed(written, tmp_path, file, old, new, count=1):
    """A copy of a project with a text of one file changed; `file` counts from ``firmware/``."""
    folder = tmp_path / "changed"
    shutil.copytree(written(1), folder)
    path = folder / "firmware" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))
    return folder


def without_lines(graph):
    return re.sub(r"cpp:[0-9]+", "cpp", str(graph))


LAST = "    nnet::softmax<layer5_t, result_t, softmax_config6>(layer5_out, layer6_out); // probability\n"
REFUSED = [
    ("net.cpp", LAST, f"{LAST}    layer6_out[0] = 0;\n", "does not understand", "layer6_out[0]=0"),
    ("net.cpp", LAST, f"{LAST}    for (int i = 0; i < 8; i++) layer6_out[i] = 0;\n", "does not understand", "for"),
    ("net.cpp", LAST, 2 * LAST, "a second time", "nnet::softmax"),
    ("net.cpp", LAST, LAST.replace("softmax<", "softplus<"), "does not read the function", "nnet::softplus"),
    ("net.cpp", LAST, "#define layer6_out layer5_out\n" + LAST, "a directive", "#define"),
    ("net.cpp", LAST, LAST.replace("layer5_out", "layer7_out"), "no array", "layer7_out"),
    ("net.cpp", "(x, layer2_out", "(layer5_out, layer2_out", "read before", "nnet::dense"),
    ("net.cpp", LAST, f"    layer2_t w2[64];\n{LAST}", "hides weights", "w2"),
    ("net.cpp", LAST, f"// a \\\n{LAST}", "goes on in the next line", ""),
    ("net.cpp", LAST, f"#ifndef OTHER_H_\n{LAST}#endif\n", "a directive", "OTHER_H_"),
    ("nnet_utils/nnet_helpers.h", ">> w[i];", ">> w[0];", "body of 'load_weights_from_txt'", "hash"),
    ("net.h", ");", ");\ninline int f() { return 0; }", "is not understood", "void net("),
    ("defines.h", "layer2_t;", "layer2_t;\nextern int other;", "does not understand", "extern int other"),
    ("defines.h", "ap_fixed<10,4> input_t", "float input_t", "a type", "float"),
    ("parameters.h", "nnet::product::mult<", "mine::mult<", "a product", "mine::mult"),
    ("parameters.h", "n_in = 8;", "n_in = 8 + n_of_us;", "'n_in'", "n_of_us"),
    ("parameters.h", "n_in = 8;", "n_in = 7;", "wrong number of weights", "64"),
    ("parameters.h", "n_in = 8;", "n_in = 010;", "'n_in'", "010"),
    ("parameters.h", "n_zeros", "scale_of_mine", "scale_of_mine", "config2"),
    ("nnet_utils/nnet_mult.h", "return a * w;", "return a * w + 1;", "body of 'product::mult'", "hash"),
    ("nnet_utils/nnet_common.h", "(n > d ? d : n)", "(n < d ? d : n)", "body of '#MIN'", "hash"),
    ("nnet_utils/nnet_code_gen.h", "namespace nnet {", "namespace nnet { void relu(int) {}", "body of 'relu'", "hash"),
    ("weights/b2.txt", ", 0", ", 7", "two files give 'b2'", "element "),
    ("weights/b2.txt", ",", "1,,", "no numbers", ""),
]


@pytest.mark.parametrize(("file", "old", "new", "what", "got"), REFUSED, ids=lambda text: text[:24])
def test_what_is_not_understood_is_refused_with_its_place(written, tmp_path, file, old, new, what, got):
    folder = changed(written, tmp_path, file, old, new)
    with pytest.raises(RefusalError) as refused:
        read_hls4ml_project(folder)
    text = str(refused.value)
    assert what in text and got in text and (Path(file).name in text or "net.cpp:" in text)


def with_small_weights(folder, product, of_type, values):
    """The first layer of a project as hls4ml writes one of binary or ternary weights."""
    numbers = ", ".join(map(str, values))
    firmware = folder / "firmware"
    for file, old, new in (
        ("parameters.h", "nnet::product::mult<", f"nnet::product::{product}<"),
        ("defines.h", "ap_fixed<8,2> fc0_weight_t", f"{of_type} fc0_weight_t"),
        ("weights/w2.txt", r"(?s).*", numbers),
        ("weights/w2.h", r"(?s)= \{.*\};", f"= {{{numbers}}};"),
    ):
        text = (firmware / file).read_text()
        text = re.sub(old, new, text, count=1) if file.startswith("weights") else text.replace(old, new, 1)
        (firmware / file).write_text(text)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("product", "of_type", "low", "high"),
    [("weight_binary", "ap_uint<1>", 0, 1), ("weight_ternary", "ap_int<2>", -2, 1)],
)
def test_binary_and_ternary_weights_equal_their_own_cpp(written, tmp_path, product, of_type, low, high):
    folder = Path(shutil.copytree(written(1), tmp_path / "small"))
    with_small_weights(folder, product, of_type, np.random.default_rng(0).integers(low, high + 1, 64))
    assert_equal_to_its_own_csim(folder)


def test_comments_pragmas_and_unused_settings_change_nothing(written, tmp_path):
    graph = read_hls4ml_project(written(1)).graph
    for file, old, new in (
        ("net.cpp", LAST, f"// no statement: layer6_out[0] = 0;\n    #pragma HLS INLINE\n{LAST}"),
        ("nnet_utils/nnet_mult.h", "return a * w;", "/* the product */ return a*w;"),
        ("parameters.h", "store_weights_in_bram = false", "store_weights_in_bram = true"),
        ("net.cpp", LAST, f"    auto& scores = layer5_out;\n{LAST.replace('(layer5_out', '(scores')}"),
    ):
        assert without_lines(read_hls4ml_project(changed(written, tmp_path, file, old, new)).graph) == without_lines(
            graph
        )
        shutil.rmtree(tmp_path / "changed")


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(1, 40))])
def test_a_changed_word_is_refused_or_still_equal(written, tmp_path, seed):
    """Single words of the three files swapped for others; those that are still read are compiled and compared."""
    rng = np.random.default_rng(seed)
    for trial in range(40):
        folder = tmp_path / str(trial)
        shutil.copytree(written(1), folder)
        mutate(folder / "firmware" / ("net.cpp", "parameters.h", "defines.h")[int(rng.integers(3))], rng)
        try:
            graph = read_hls4ml_project(folder).graph
        except InputError:
            continue
        inputs = events(graph, 300)
        try:
            want = project_raw(graph, folder, inputs)
        except ToolError:  # no C++: the compiler refuses it
            continue
        for name, array in evaluate(graph, inputs).outputs.items():
            np.testing.assert_array_equal(array, want[name])
        if without_lines(graph) != without_lines(read_hls4ml_project(written(1)).graph):
            return


def mutate(path, rng):
    """Swap one word of the file, outside comments and directives, for another word of its kind."""
    lines = path.read_text().splitlines()
    places = [index for index, line in enumerate(lines) if line.strip() and line.strip()[0] not in "#/"]
    index = int(rng.choice(places))
    words = re.findall(r"\w+|\W", lines[index].split("//")[0])
    numbers = [place for place, word in enumerate(words) if re.fullmatch(r"[0-9]+", word)]
    names = [place for place, word in enumerate(words) if re.fullmatch(r"[A-Za-z_]\w+", word)]
    if numbers and rng.random() < 0.6:
        place = int(rng.choice(numbers))
        words[place] = str(max(0, int(words[place]) + int(rng.choice([-2, -1, 1, 2]))))
    elif names:
        others = re.findall(r"[A-Za-z_]\w+", " ".join(lines[place] for place in places))
        words[int(rng.choice(names))] = str(rng.choice(others))
    lines[index] = "".join(words)
    path.write_text("\n".join(lines) + "\n")


def test_no_link_is_followed(written, tmp_path):
    folder = Path(shutil.copytree(written(1), tmp_path / "linked"))
    weights = folder / "firmware" / "weights" / "w2.txt"
    weights.rename(tmp_path / "elsewhere.txt")
    weights.symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(InputError, match="is a link"):
        read_hls4ml_project(folder)


def test_its_framework_is_its_own_cpp(written):
    design = fasttrig.read(written(1))
    graph = design.as_read()
    inputs = events(graph, 500)
    (want,) = framework_rung.raw_outputs(design, graph, inputs).values()
    (found,) = evaluate(design.graph, inputs).outputs.values()
    np.testing.assert_array_equal(found, want)
    assert "own C++" in framework_rung.domain(design, graph)


@pytest.mark.nightly
def test_a_project_is_built(written, tmp_path):
    built = fasttrig.build(written(1), out=tmp_path)
    assert {row.rung: row.status for row in built.report.ladder if row.rung != "cosim"} == dict.fromkeys(
        ("emulate", "emulate_compiled", "csim", "rtlsim"), "equal"
    )


def test_read_says_what_is_in_it(written, tmp_path):
    said = CliRunner().invoke(app, ["read", str(written(1) / "firmware")])
    assert said.exit_code == 0 and len(said.output.splitlines()) <= 10
    assert "hls4ml project 'net': 2 dense, relu, relu6, softmax" in said.output and "1.3.0" in said.output
    folder = changed(written, tmp_path, "net.cpp", LAST, LAST.replace("softmax<", "softplus<"))
    said = CliRunner().invoke(app, ["read", str(folder)])
    assert said.exit_code == 1 and "nnet::softplus" in said.output


def test_options_of_other_models_are_refused(written):
    with pytest.raises(InputError, match="read as it is"):
        fasttrig.read(written(1), batchnorm_type="fixed<8,2>")
    with pytest.raises(InputError, match="another type"):
        fasttrig.read(written(1), input_type="fixed<9,2>")
