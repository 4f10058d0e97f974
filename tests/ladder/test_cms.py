"""The CMS plug-in, compiled and loaded as CMS software does: every bit equals the emulator's, also beside others.

The interface library is our stand-in, written from the documented interface; the ``ap_fixed`` headers are the vendor's.
"""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fasttrig
from fasttrig.backends.cms import emit_cms, library_name
from fasttrig.backends.conifer.wheels import ap_types
from fasttrig.base import firmware_files
from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.emulator.compiled import write_emulator
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Const, MatMul
from fasttrig.ir.text import parse_graph
from fasttrig.ir.verify import verify
from fasttrig.ladder.corners import corner_inputs
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.run import find_compiler, run
from fasttrig.toolchain.vectors import write_hex

INPUTS = InputMap(
    (FeatureMap("pt", "GeV", 3.5, 4, FixedType(4, 2)), FeatureMap('η "?"', "", -0.125, -1, FixedType(3, 2))),
    FixedType(4, 2),
)
"""Of the tiny network's two inputs; the second feature is on a coarser grid."""


def golden(name: str) -> Graph:
    return parse_graph((firmware_files.root() / "golden" / f"{name}.ir").read_text())


def other_weights(graph: Graph) -> Graph:
    """The same network trained again: same name, same types, every weight another."""

    def step(op):
        if not isinstance(op, MatMul):
            return op
        weight = Const(op.weight.name, op.weight.type, np.flip(op.weight.raw))
        bias = Const(op.bias.name, op.bias.type, np.flip(op.bias.raw))
        return replace(op, weight=weight, bias=bias)

    changed = rewrite(graph, step)
    verify(changed)
    return changed


def vectors_of(graph: Graph, n_random: int = 60) -> tuple[str, str]:
    raw = corner_inputs(graph, n_random=n_random)
    found = evaluate(graph, raw).outputs
    return (
        write_hex([raw[op.name] for op in graph.inputs], [op.result.type for op in graph.inputs]),
        write_hex([found[value.name] for value in graph.outputs], [value.type for value in graph.outputs]),
    )


def plug_in(graph: Graph, version: int, *, integer: bool = False, features=()) -> dict[str, str]:
    code = write_emulator(graph, library_name(graph, version), version) if integer else None
    return emit_cms(
        graph, TargetSettings(), version, vectors=vectors_of(graph), features=features, integer_emulator=code
    )


def write(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def make(folder: Path, *words: str, good_codes=(0,)):
    hls_root = folder.parent.parent / "ap_types"
    settings = [f"HLS_ROOT={hls_root}", "OPTIMISE=-O0", "EMULATOR_EXTRAS=../interface"]
    return run(["make", "-s", *words, *settings], cwd=folder, timeout_s=600, good_codes=good_codes)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Plug-ins, each with the stand-in for the interface beside it, compiled: ``<flavour>/<model>``."""
    folder = tmp_path_factory.mktemp("cms")
    write(ap_types(), folder / "ap_types")
    network, forest = golden("tiny"), golden("tiny_forest")
    for flavour, integer in (("hls", False), ("integer", True)):
        place = folder / flavour
        write(plug_in(network, 1, integer=integer, features=INPUTS.features), place)
        second = plug_in(other_weights(network), 2, integer=integer)
        write({name.replace("tiny/", "tiny2/", 1): text for name, text in second.items()}, place)
        write(plug_in(forest, 1, integer=integer), place)
        for model in ("tiny", "tiny2", "tiny_forest"):
            make(place / model)
    return folder


@pytest.fixture(scope="module", params=["hls", "integer"])
def built(root, request) -> Path:
    return root / request.param


@pytest.fixture(scope="module")
def host(root) -> Path:
    """A program of another make than the plug-ins: it knows their I/O types and the interface."""
    place = root / "hls"
    source = Path(__file__).parent / "cms_host.cpp"
    includes = [f"-I{place}", f"-I{place / 'interface/include/hls4ml'}", f"-I{root / 'ap_types'}"]
    library = place / "interface" / "lib64"
    flags = ["-std=c++17", "-O0", "-fno-gnu-unique", "-w"]
    run(
        [
            *find_compiler(),
            *flags,
            *includes,
            str(source),
            f"-L{library}",
            f"-Wl,-rpath,{library}",
            "-lemulator_interface",
            "-ldl",
            "-o",
            str(root / "host"),
        ],
        cwd=root,
        timeout_s=600,
    )
    return root / "host"


def test_three_models_in_one_process_give_the_emulators_bits(built, host):
    """Two versions of one network (same layer names, other weights) and a forest, interleaved."""
    graphs = [golden("tiny"), other_weights(golden("tiny")), golden("tiny_forest")]
    raws = [corner_inputs(graph, seed, n_random=300) for seed, graph in enumerate(graphs)]
    n_events = min(len(array) for raw in raws for array in raw.values())
    raws = [{name: array[:n_events] for name, array in raw.items()} for raw in raws]
    page = np.concatenate([raw[op.name] for raw, graph in zip(raws, graphs, strict=True) for op in graph.inputs], 1)
    given = "\n".join(" ".join(map(str, row)) for row in page.tolist())
    libraries = [
        built / path
        for path in ("tiny/tiny_v1/tiny_v1", "tiny2/tiny_v2/tiny_v2", "tiny_forest/tiny_forest_v1/tiny_forest_v1")
    ]
    done = subprocess.run([host, *libraries], input=given, capture_output=True, text=True, check=True)
    got = np.array([line.split() for line in done.stdout.splitlines()], dtype=np.int64)
    found = [evaluate(graph, raw).outputs for graph, raw in zip(graphs, raws, strict=True)]
    want = np.concatenate([o[v.name] for o, graph in zip(found, graphs, strict=True) for v in graph.outputs], axis=1)
    assert np.array_equal(got, want)
    assert not np.array_equal(found[0]["fc2"], evaluate(graphs[1], raws[0]).outputs["fc2"]), "one network, not two"


def test_the_tests_inside_the_layout_pass(built):
    others = f"{built / 'tiny2/tiny_v2/tiny_v2'}"
    done = make(built / "tiny", "test", f"OTHERS={others} {built / 'tiny_forest/tiny_forest_v1/tiny_forest_v1'}")
    n_events = len(vectors_of(golden("tiny"))[0].splitlines())
    assert f"tiny_v1: {n_events} events, 2 other models, 0 results differ" in done.stdout


def test_the_tests_inside_the_layout_see_one_wrong_bit(root):
    folder = root / "hls" / "tiny_forest"
    make(folder, "test")
    stored = folder / "tiny_forest_v1" / "test" / "outputs.hex"
    text = stored.read_text()
    stored.write_text(text[:-2] + format(int(text[-2], 16) ^ 1, "x") + "\n")
    done = make(folder, "test", good_codes=(2,))
    stored.write_text(text)
    assert "results differ" in done.stdout and f"event {len(text.splitlines()) - 1}: got" in done.stdout


def test_libraries_share_no_symbol_but_the_two_that_create_and_destroy(built):
    """Nothing of a model is visible to another: neither weights nor functions."""
    found = {}
    for path in (built / "tiny/tiny_v1/tiny_v1.so", built / "tiny2/tiny_v2/tiny_v2.so"):
        text = run(["nm", "-D", "--defined-only", "--format=posix", str(path)], cwd=built, timeout_s=60).stdout
        found[path.stem] = {line.split()[0] for line in text.splitlines() if line.split()[1] != "V"}
        assert not [line for line in text.splitlines() if line.split()[1] == "u"], "a gnu-unique symbol"
    shared = found["tiny_v1"] & found["tiny_v2"]
    ours = {name for name in shared if "tiny" in name or "nnet" in name or name.endswith("_model")}
    assert ours == {"create_model", "destroy_model"}


def test_scales_are_the_input_map(root, host):
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.uniform(-60, 60, (200, 2)), rng.uniform(-2, 2, (200, 2)), [[3.5, -0.125], [1e300, -1e300]]])
    given = "\n".join(f"{a!r} {b!r}" for a, b in x.tolist())
    done = subprocess.run([host, "scales"], input=given, capture_output=True, text=True, check=True)
    got = np.array([line.split() for line in done.stdout.splitlines()], dtype=np.int64)
    assert np.array_equal(got, INPUTS.to_raw(x))


def test_the_layout_is_what_cms_takes():
    files = plug_in(golden("tiny"), 3)
    wanted = {
        "Makefile",
        "tiny_v3/Makefile",
        "tiny_v3/tiny_emulator_v3.cpp",
        "tiny_v3/scales.h",
        "tiny_v3/NN/tiny_v3.cpp",
        "tiny_v3/NN/tiny_v3.h",
        "tiny_v3/NN/defines.h",
        "tiny_v3/NN/parameters.h",
        "tiny_v3/NN/weights/w2.h",
        "tiny_v3/NN/nnet_utils/nnet_dense.h",
    }
    assert {f"tiny/{name}" for name in wanted} <= set(files)
    assert not [name for name in files if name.endswith(".txt") or "ap_fixed" in name]
    assert "ALL_VERSIONS := tiny_v3/tiny_v3.so\n" in files["tiny/Makefile"]
    for name in ("defines.h", "parameters.h", "weights/w2.h", "tiny_v3.cpp"):
        assert "namespace tiny_v3 {" in files[f"tiny/tiny_v3/NN/{name}"]
    assert files == plug_in(golden("tiny"), 3)
    assert not [name for name, text in files.items() if str(Path.home()) in text or "/tmp/" in text]


def test_both_flavours_have_the_same_interface():
    """A host compiled for one loads the other."""
    by_flavour = [plug_in(golden("tiny"), 1, integer=integer) for integer in (False, True)]
    for name in ("io_types.h", "scales.h", "test/test_tiny_v1.cpp", "Makefile"):
        assert by_flavour[0][f"tiny/tiny_v1/{name}"] == by_flavour[1][f"tiny/tiny_v1/{name}"]


@pytest.mark.parametrize("changes", [{"io_type": "io_stream"}, {"backend": "oneapi"}])
def test_hls_code_that_no_host_compiles_is_refused(changes):
    with pytest.raises(UnsupportedError, match="cannot run in CMS software"):
        emit_cms(golden("tiny"), TargetSettings(**changes), 1, vectors=("", ""))


def test_features_of_another_design_are_refused():
    with pytest.raises(InputError, match="do not match the inputs"):
        emit_cms(golden("tiny"), TargetSettings(), 1, vectors=("", ""), features=INPUTS.features[:1])


def test_a_build_writes_a_plug_in_that_passes_its_tests(tiny_h5, tmp_path):
    """With the ap_types of the project's own HLS code: nothing is named on the command line."""
    project = fasttrig.build(fasttrig.read(tiny_h5, input_type="fixed<6,3>"), "cms-emulator", out=tmp_path)
    assert project.report.good
    assert (project.folder / "hls" / "build_prj.tcl").is_file()
    folder = project.folder / "cms" / "tiny"
    done = run(["make", "-s", "test", "OPTIMISE=-O0"], cwd=folder, timeout_s=600)
    assert "0 other models, 0 results differ" in done.stdout
    assert 200 < int(done.stdout.split(":")[1].split()[0]) <= 256
