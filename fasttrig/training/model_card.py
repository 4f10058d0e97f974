"""The model card: what was trained, on what, and how well it does on the test split."""

from __future__ import annotations

from fasttrig.base.hashing import NETWORK_PACKAGES, TREE_PACKAGES, package_versions, sha256_file
from fasttrig.data.labelled import sample_path
from fasttrig.physics.classification import Agreement
from fasttrig.physics.regression import RegressionAgreement
from fasttrig.physics.task import TaskAgreement
from fasttrig.settings import ModelProject
from fasttrig.training.results import Trained

REJECTIONS_AT = ("0.3", "0.5")
"""Signal efficiencies of the background rejections in the card of a model with two classes."""

CARD_MARK = "fasttrig train"
"""Stands in every card, and in the README.md that `fasttrig init` writes: what training may replace."""


def card_text(project: ModelProject, trained: Trained) -> str:
    """The card as Markdown; every number is from `trained`."""
    agreement, model = trained.agreement, project.model
    packages = package_versions(NETWORK_PACKAGES if project.trees is None else TREE_PACKAGES)
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    lines = [
        f"# {model.name} v{model.version}",
        "",
        f"{model.description}.",
        "",
        *(f"- {sentence}" for sentence in trained.summary),
        f"- Trained by `{CARD_MARK} {model.name}` on {trained.n_train:,} events of `{project.data.sample}` "
        f"(SHA-256 `{sha256_file(sample_path(project))[:16]}`), seed {project.training.seed}.",
        f"- Versions: {versions}.",
        "- The float twin sees the same features, scaled but neither rounded nor clipped.",
        "",
        f"Measured on the {agreement.n_events:,} events of the test split:",
        "",
        *_measured(agreement),
        "",
    ]
    return "\n".join(lines)


def _measured(agreement: TaskAgreement) -> list[str]:
    if isinstance(agreement, RegressionAgreement):
        return _regression(agreement)
    flips = f"The class with the highest score differs for {agreement.argmax_flip_fraction:.2%} of the events."
    return [*_table(agreement), "", flips]


def _regression(agreement: RegressionAgreement) -> list[str]:
    cuts = list(agreement.quality_float.turn_on)
    parts = [(cut, part) for cut in cuts for part in ("efficiency", "fakes")]
    head = ["model", "RMS", "bias", "resolution", *(f"{part} at {cut}" for cut, part in parts)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for kind, quality in (("float", agreement.quality_float), ("quantised", agreement.quality_quantised)):
        numbers = [quality.rms, quality.bias, quality.resolution, *(quality.turn_on[cut][part] for cut, part in parts)]
        cells = [kind, *("none" if number is None else f"{number:.4f}" for number in numbers)]
        lines.append(f"| {' | '.join(cells)} |")
    unit = f" in {agreement.unit}" if agreement.unit else ""
    about = f"RMS, bias (median) and resolution (half of the central 68 %) of {agreement.target}{unit}"
    return [*lines, "", f"{about}; the two models differ by {agreement.rms_difference:.4f} RMS."]


def _table(agreement: Agreement) -> list[str]:
    classes = list(agreement.auc_float)
    rows = [("float", agreement.accuracy_float, agreement.auc_float)]
    rows.append(("quantised", agreement.accuracy_quantised, agreement.auc_quantised))
    figures = {f"1/eps_B of {classes[-1]} at eps_S = {cut}": cut for cut in REJECTIONS_AT} if len(classes) == 2 else {}
    head = ["model", "accuracy", *(f"AUC {name}" for name in classes), *figures]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for kind, accuracy, auc in rows:
        rejection = agreement.background_rejection[kind][classes[-1]]
        cells = [kind, f"{accuracy:.4f}", *(f"{auc[name]:.4f}" for name in classes)]
        cells += [_rejection(rejection[cut]) for cut in figures.values()]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _rejection(found: float | None) -> str:
    return "no background left" if found is None else f"{found:.0f}"
