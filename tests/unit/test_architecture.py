"""The folders are the pipeline: imports go one way, and the light commands load nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fasttrig

PACKAGE = Path(fasttrig.__file__).parent

# A module may import from its own layer's folder and from any layer above it in this list.
LAYERS = (
    ("base",),
    ("ir", "settings"),
    ("links", "passes"),
    ("frontends", "emulator", "data"),
    ("backends", "decision"),
    ("toolchain", "estimate", "display"),
    ("proof", "reference"),
    ("design", "layers"),
    ("physics", "trace"),
    ("ladder",),
    ("report",),
    ("build",),
    ("training", "doctor", "streaming", "scaffold"),
    ("quantise", "grid"),
    ("commands",),
    ("cli",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
HEAVY = ("tensorflow", "tf_keras", "keras", "qkeras", "xgboost", "hls4ml", "conifer", "alkaid", "numpy", "matplotlib")


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def home(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path):
    """Names of fasttrig's folders that a module imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fasttrig."):
            yield node.module.split(".")[1]
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("fasttrig."))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    here = home(path)
    assert here in RANK, f"{here} has no layer: give it one in this test"
    for name in imported(path):
        allowed = name == here or RANK[name] < RANK[here]
        assert allowed, f"{path.name} ({here}) imports {name}, which is not below it"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_stay_small(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("command", ["import fasttrig", "import fasttrig.cli", "import fasttrig.base.errors"])
def test_light_imports_load_no_framework(command):
    probe = f"{command}; import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_a_new_verdict_loads_no_estimator_and_no_plots():
    """`fasttrig build` after a change of [budget]: the modules that measure, draw and emit are left out."""
    unused = ("fasttrig.estimate.estimate", "fasttrig.emulator.compiled.writer", "fasttrig.report.measured_rows")
    probe = f"import fasttrig.build.build, sys; print([n for n in {(*unused, 'matplotlib')!r} if n in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def op_classes():
    from fasttrig.ir.ops import OPS

    return {kind.__name__ for kind in OPS}


def asks_for_an_op(node: ast.AST, kinds: set[str]) -> bool:
    """Whether `node` is ``isinstance(x, Cast)``, ``isinstance(x, Cast | Relu)`` or ``type(x) is Cast``."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
        named = node.args[1]
    elif (
        isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Call)
        and getattr(node.left.func, "id", "") == "type"
    ):
        named = node.comparators[0]
    else:
        return False
    return any(isinstance(part, ast.Name) and part.id in kinds for part in ast.walk(named))


def test_few_lines_ask_for_the_class_of_an_op():
    """Outside ir/ and passes/, code reads facts of the op or a table keyed by op class."""
    kinds, found = op_classes(), []
    for path in modules():
        if home(path) in ("ir", "passes"):
            continue
        lines = path.read_text().splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if asks_for_an_op(node, kinds):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
                assert "# Reason for asking the class:" in lines[node.lineno - 2], found[-1]
    assert len(found) <= 5, found


def type_names(tree: ast.Module):
    """Classes anywhere in a module, and the type aliases at its top: assignments to a name in CamelCase."""
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            name = getattr(target, "id", "").lstrip("_")
            if name[:1].isupper() and not name.isupper() and name.isidentifier() and "_" not in name:
                yield target.id


def test_no_two_types_share_a_name():
    """One class or type alias per name, in the whole package."""
    homes: dict[str, list[str]] = {}
    for path in modules():
        for name in type_names(ast.parse(path.read_text())):
            homes.setdefault(name, []).append(str(path.relative_to(PACKAGE)))
    shared = {name: paths for name, paths in homes.items() if len(paths) > 1}
    assert not shared


def test_no_real_numbers_in_the_integer_core():
    """No float literal in ir/ and passes/: integers are the truth."""
    for folder in ("ir", "passes"):
        for path in (PACKAGE / folder).rglob("*.py"):
            floats = [
                node.lineno
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Constant) and isinstance(node.value, float)
            ]
            assert not floats, f"{path.name}, lines {floats}"
