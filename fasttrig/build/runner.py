"""Run a tuple of stages; keep a stage from the earlier build if its inputs and outputs are unchanged."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from fasttrig.base.built_project import MANIFEST, SCRATCH
from fasttrig.base.errors import MissingPackageError, UnsupportedError
from fasttrig.base.hashing import sha256_file, sha256_json
from fasttrig.ladder.checks import Work
from fasttrig.ladder.rungs import Rung, not_run, rung_of

Ladder = dict[str, Rung]
"""Rungs by name, in the order of their stages."""
ALWAYS = ("fasttrig", "versions")
"""Facts that decide every stage."""
Notify = Callable[[str], None]
"""Called with each stage in words as it begins."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a build.

    Attributes
    ----------
    doing : the work in words, for progress
    run : the work; reads and writes ``Work.folder``. The rungs that ran before are given. A rung returns its result.
    inputs : what the work reads: facts about the design, and earlier stages
    outputs : paths in the build folder, with a final slash for folders. Without any, a stage that is no rung makes
        its result in memory: it runs when a stage that reads it runs, and only then.
    needs : those of the inputs without which the stage cannot run
    against : of a rung, the rung it is compared with
    why_not : why the stage cannot run, known before anything runs; empty when it can
    may_refuse : whether the build goes on without the stage when it refuses the design
    """

    name: str
    doing: str
    run: Callable[[Work, Ladder], Rung | None]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    against: str = ""
    why_not: Callable[[Work], str] = lambda work: ""
    may_refuse: bool = False

    @property
    def in_memory(self) -> bool:
        return not self.outputs and not self.against

    def key(self, work: Work, facts: Mapping[str, str]) -> str:
        """Hash of all that decides the outcome, the earlier stages excepted."""
        decided = [facts[name] for name in (*ALWAYS, *self.inputs) if name in facts]
        return sha256_json([decided, self.inputs, self.outputs, self.why_not(work)])

    def covers(self, file: str) -> bool:
        """Whether `file`, relative to the build folder, is one of the outputs."""
        return any(file == path or (path.endswith("/") and file.startswith(path)) for path in self.outputs)


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """Outcome of a stage; `reason` says why the stage could not run."""

    name: str
    doing: str
    state: Literal["done", "kept", "not run"]
    key: str
    seconds: float = 0.0
    reason: str = ""
    rung: Rung | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row of ``fasttrig build --json``."""
        return {"stage": self.name, "state": self.state, "seconds": round(self.seconds, 3), "reason": self.reason}

    def stored(self) -> dict[str, Any]:
        """What the manifest keeps."""
        rung = None if self.rung is None else asdict(self.rung) | {"status": self.rung.status.value}
        return {"key": self.key, "reason": self.reason, "rung": rung}


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier build: the outcome of its stages, and its files with whether each is unchanged."""

    folder: Path
    stages: Mapping[str, Mapping[str, Any]]
    unchanged: Mapping[str, bool]

    @classmethod
    def load(cls, folder: Path) -> Earlier:
        """The build in `folder`; empty if there is none, or if its manifest lists no stages."""
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            stages = {name: dict(content) for name, content in manifest["stages"].items()}
            files = dict(manifest["files"])
            return cls(folder, stages, {name: _is(folder / name, digest) for name, digest in files.items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(folder, {}, {})

    def outcome(self, stage: Stage, key: str) -> StageOutcome | None:
        """What became of `stage`, when nothing it depends on has changed but, perhaps, the stages it reads."""
        found = self.stages.get(stage.name)
        if found is None or found.get("key") != key:
            return None
        if not all(same for name, same in self.unchanged.items() if stage.covers(name)):
            return None
        try:
            rung = rung_of(found["rung"]) if found["rung"] is not None else None
            return StageOutcome(stage.name, stage.doing, "kept", key, reason=str(found["reason"]), rung=rung)
        except (KeyError, TypeError, ValueError):
            return None

    def copy(self, kept: Sequence[Stage], folder: Path) -> None:
        """The outputs of the stages `kept`, and the logs of tools among them, into the new `folder`."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if not path.is_file() or not (name in self.unchanged or name.startswith(SCRATCH)):
                continue
            if any(stage.covers(name) for stage in kept):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, folder / name)


def plan(
    stages: Sequence[Stage], work: Work, facts: Mapping[str, str], earlier: Earlier
) -> dict[str, StageOutcome | None]:
    """The kept outcome of each stage, None for those that must run: their inputs or outputs changed, or are needed."""
    found: dict[str, StageOutcome | None] = {}
    for stage in stages:
        kept = earlier.outcome(stage, stage.key(work, facts))
        redone = any(name in found and found[name] is None for name in stage.inputs)
        refused = kept is not None and kept.reason and not (stage.may_refuse or stage.why_not(work))
        found[stage.name] = None if redone or refused else kept
    for stage in reversed(stages):
        if found[stage.name] is None:
            found |= {before.name: None for before in stages if before.in_memory and before.name in stage.inputs}
    return found


def run_stages(
    stages: Sequence[Stage],
    work: Work,
    facts: Mapping[str, str],
    planned: Mapping[str, StageOutcome | None],
    notify: Notify,
) -> Iterator[StageOutcome]:
    """What becomes of each stage, one after the other; `work.folder` holds the outputs of those that are kept."""
    known: dict[str, StageOutcome] = {}
    for stage in stages:
        outcome = planned[stage.name] or _run(stage, work, facts, known, notify)
        known[stage.name] = outcome
        yield outcome


def _run(
    stage: Stage, work: Work, facts: Mapping[str, str], known: Mapping[str, StageOutcome], notify: Notify
) -> StageOutcome:
    start, rung = time.perf_counter(), None
    reason = next((known[name].reason for name in stage.needs if known[name].reason), "") or stage.why_not(work)
    if not reason:
        notify(stage.doing)
        ladder = {name: outcome.rung for name, outcome in known.items() if outcome.rung is not None}
        try:
            rung = stage.run(work, ladder)
        except (MissingPackageError, UnsupportedError) as error:
            if not stage.may_refuse:
                raise
            reason = f"{error.what}: {error.got}".removesuffix(": ")
    if reason and stage.against:
        rung = not_run(stage.name, stage.against, reason)
    done = StageOutcome(stage.name, stage.doing, "not run" if reason else "done", stage.key(work, facts))
    return replace(done, seconds=time.perf_counter() - start, reason=reason, rung=rung)


def stored(outcomes: Iterable[StageOutcome]) -> dict[str, Any]:
    """The outcomes as the manifest keeps them."""
    return {outcome.name: outcome.stored() for outcome in outcomes}


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256_file(path) == digest
