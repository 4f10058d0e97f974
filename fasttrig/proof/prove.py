"""Write the certificate of a build folder, and the checker beside it."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.built_project import PROOF, BuiltProject
from fasttrig.base.errors import InputError
from fasttrig.base.staging import write_texts
from fasttrig.proof import check
from fasttrig.proof.forests import TreeSum, tree_value
from fasttrig.proof.tokens import Unsupported, Wrong
from fasttrig.proof.verilog import Circuit

CERTIFICATE, MODEL = f"{PROOF}/certificate.json", f"{PROOF}/model.json"
_CHECKER = ("check.py", "forests.py", "tokens.py", "verilog.py")
_PROBES = 2048
_NEVER = {
    "inputs": "from physical numbers to raw integers: the host's part, inputs.json",
    "hls": "the C++ and VHDL of other backends, and what a vendor's tools make of it: compared on vectors",
    "netlist": "synthesis, by Yosys or a vendor's tool",
}


@dataclass(frozen=True, slots=True)
class ClaimState:
    """One line of a certificate: `state` is "proved", "FAILED" or "not covered"."""

    state: str
    claim: str
    reason: str


def prove(folder: Path, model: Path | None = None) -> list[ClaimState]:
    """Write ``proof/`` into a build folder and check it.

    Parameters
    ----------
    model : Path or None
        The model file; it is copied into ``proof/``. None takes the copy that an earlier proof left, if any.

    Raises
    ------
    InputError
        When the folder holds no built project, or the model file cannot be read.
    """
    if not BuiltProject(folder).exists:
        raise InputError("not a project that fasttrig built", where=str(folder), try_="fasttrig build")
    package = Path(check.__file__).parent
    texts = {f"{PROOF}/{name}": (package / name).read_text(encoding="utf-8") for name in _CHECKER}
    texts = {name: text.replace("from fasttrig.proof.", "from ") for name, text in texts.items()}
    if model is not None:
        try:
            texts[MODEL] = model.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError("cannot read the model file as text", where=str(model), got=str(error)) from None
    write_texts(folder, texts)
    certificate = certificate_of(folder)
    write_texts(folder, {CERTIFICATE: json.dumps(certificate, indent=1) + "\n"})
    return [ClaimState(*line) for line in check.check(folder, certificate)]


def certificate_of(folder: Path) -> dict[str, Any]:
    """The claims that the checker can decide, whether they hold or not, and the others as not covered."""
    build = check.Folder(folder)
    claims, not_covered = list[dict[str, Any]](), dict[str, str]()

    def claim(name: str, **more: Any) -> None:
        try:
            check.CHECKS[name](build, {"claim": name, **more})
        except Unsupported as error:
            not_covered[name] = str(error)
            return
        except (LookupError, TypeError, ValueError) as error:
            not_covered[name] = f"the checker cannot read it: {type(error).__name__}: {error}"
            return
        except Wrong:
            pass  # Stays a claim, which the checker refutes.
        claims.append({"claim": name, **more})

    if (folder / MODEL).is_file():
        claim("model", file=MODEL)
    else:
        not_covered["model"] = "no model file that the checker reads was given"
    try:
        claim("rtl", outputs=groups_of(build.design, build.forest))
    except Unsupported as error:
        not_covered["rtl"] = str(error)
    claim("timing")
    return {"format": check.FORMAT, "claims": claims, "not_covered": not_covered | _NEVER}


def groups_of(design: Circuit, forest: TreeSum) -> list[list[dict[str, Any]]]:
    """For each output the signals that it adds, each with the trees that differ from it by a constant on probes.

    A guess: the checker decides. A tree that matches no signal stands alone. A tree may be a sum of signals itself:
    that sum then counts as one signal.
    """
    rng, known = np.random.default_rng(0), dict[Any, Any]()
    patterns = {n: rng.integers(0, 1 << kind.width, _PROBES) for n, kind in enumerate(forest.channels)}
    sums = check.OutputSums(design, forest)
    for output in range(len(forest.base)):
        sums.form(sums.output(output))
    shapes = {_shape(tree_value(tree, patterns)) for trees in forest.trees for tree in trees}
    whole = [term for term in sums.found if _shape(sums.value(term, patterns, known)) in shapes]
    sums = check.OutputSums(design, forest, whole)
    return [_groups(sums, output, patterns, known) for output in range(len(forest.base))]


def _groups(
    sums: check.OutputSums, output: int, patterns: dict[int, Any], known: dict[Any, Any]
) -> list[dict[str, Any]]:
    waiting: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    groups: list[dict[str, Any]] = []
    for key, tree in check.functions_of(sums.forest, output).items():
        waiting[_shape(tree_value(tree, patterns))].append(key)
    form = sums.form(sums.output(output))
    for term, times in sorted(form.items(), key=str):
        if term is not None:
            value = sums.value(term, patterns, known)
            same, one = waiting[_shape(times * value)], waiting[_shape(value)]
            taken = [same.pop()] if same else [one.pop() for _ in range(min(times, len(one)))]
            groups.append({"term": [*term[0], term[1]], "trees": taken})
    rest = sorted(key for keys in waiting.values() for key in keys)
    return groups + [{"term": None, "trees": [key]} for key in rest]


def _shape(value: Any) -> bytes:
    """The same for numbers that differ by a constant."""
    found = np.broadcast_to(np.asarray(value, dtype=np.int64), (_PROBES,))
    return (found - found.min()).tobytes()
