"""``fasttrig train``."""

from __future__ import annotations

from pathlib import Path

import typer

from fasttrig.commands.options import AsJson, TrainedModels, print_json
from fasttrig.commands.progress import training


def train(
    models: TrainedModels = None,
    as_json: AsJson = False,
) -> None:
    """Train the quantised model and its float twin; write both next to model.toml, with the input map and the card."""
    from fasttrig.base.errors import ProjectError
    from fasttrig.settings import MODEL_FILE, find_models, load_project
    from fasttrig.training.whole import train_whole

    if not models and not Path(MODEL_FILE).is_file():
        raise ProjectError(
            "no model to train in this folder",
            where=str(Path.cwd()),
            got=f"no {MODEL_FILE} here",
            try_="fasttrig train FOLDER, or `fasttrig init NAME` to start one",
        )
    results = {}
    for folder in find_models(models or [], Path.cwd()):
        project = load_project(folder)
        with training() as progress:
            trained, files = train_whole(project, progress)
        results[project.model.name] = {**trained.agreement.to_dict(), "files": [str(path) for path in files]}
        if not as_json:
            for path in files:
                typer.echo(path)
            typer.echo(f"{trained.agreement.headline}, on {trained.agreement.n_events:,} test events")
    if as_json:
        print_json(results)
