"""``fasttrig quantise``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fasttrig.commands.options import AsJson, make_console, print_json
from fasttrig.commands.progress import searching

if TYPE_CHECKING:
    from rich.table import Table

    from fasttrig.quantise.whole import Quantised
    from fasttrig.settings import ModelProject


def quantise(
    model: Annotated[
        str, typer.Argument(help="Float Keras network (.h5, .keras), or a model folder whose float_file is one.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the model; `fasttrig build` takes it.")],
    data: Annotated[
        str, typer.Option("--data", help="Sample with a column label; jets5, or a file. Not for a folder.")
    ] = "",
    classes: Annotated[str, typer.Option(help="Names of the labels 0, 1, ...: g,q,W,Z,t")] = "",
    target: Annotated[str, typer.Option(help="Column that a regression estimates, instead of classes.")] = "",
    labels: Annotated[str, typer.Option(help="Column of the labels, if it is not label.")] = "",
    features: Annotated[str, typer.Option(help="Columns in the network's order; default: those of jets5.")] = "",
    inputs: Annotated[
        Optional[Path],  # noqa: UP045 (typer reads this form on every Python)
        typer.Option(help="inputs.json of the scaling that the network was trained with; default: none was."),
    ] = None,
    input_type: Annotated[str, typer.Option(help="Type of the quantised inputs.")] = "fixed<10,3>",
    max_auc_loss: Annotated[float, typer.Option(min=0, help="Mean AUC that may be lost.")] = 0.005,
    max_rms_growth: Annotated[float, typer.Option(min=0, help="Of a regression: growth of the RMS error.")] = 0.01,
    name: Annotated[str, typer.Option(help="Name of the model; default: that of the output folder.")] = "",
    as_json: AsJson = False,
) -> None:
    """Quantise a float network: the least hardware within a loss in physics units, without training."""
    from fasttrig.data.inputs import InputMap
    from fasttrig.quantise.whole import quantise as run

    given = {"data": data, "classes": classes, "target": target, "labels": labels, "features": features}
    project, source = _project(model, output, name, input_type, given)
    path = inputs or (project.path(project.model.inputs_file) if Path(model).is_dir() else None)
    with searching(project.model.name) as progress:
        found = run(
            source,
            project,
            output,
            inputs=InputMap.load(path) if path is not None else None,
            max_auc_loss=max_auc_loss,
            max_rms_growth=max_rms_growth,
            labels=labels,
            progress=progress,
        )
    if as_json:
        print_json(_json(found))
        return
    console = make_console()
    console.print(_table(found))
    word = "growth of the " if project.data.is_regression else "loss of "
    typer.echo(
        f"{word}{found.figure}: {found.loss:.5f} on the validation split, {found.test_loss:.5f} on the test split, "
        f"{found.allowed:g} allowed"
    )
    typer.echo(f"estimated LUTs: {found.lut:,.0f}, with the widest types {found.lut_widest:,.0f}")
    typer.echo(f"{output}: fasttrig build {output}")


def _project(model: str, output: Path, name: str, input_type: str, given: dict[str, str]) -> tuple[ModelProject, Path]:
    """The settings of the model that will be written, and the float network."""
    from fasttrig.base.errors import InputError
    from fasttrig.base.names import check_model_name
    from fasttrig.settings import MODEL_FILE, load_project

    chosen = check_model_name(name or output.absolute().name, try_="--name {}")
    if (Path(model) / MODEL_FILE).is_file():
        project = load_project(model)
        extra = [f"--{key}" for key, content in given.items() if content]
        if extra or project.model.float_file is None:
            raise InputError(
                "a model folder says itself what its float network and its sample are",
                where=str(Path(model) / MODEL_FILE),
                got=", ".join(extra) or "no float_file",
                want="a float_file, and none of these options",
            )
        settings = project.model.model_copy(update={"name": chosen, "description": "", "version": 1})
        return project.model_copy(update={"model": settings}), project.path(project.model.float_file)
    missing = [f"--{key}" for key in ("data",) if not given[key]]
    missing += ["--classes or --target"] if not given["classes"] and not given["target"] else []
    if missing:
        raise InputError("a float network needs a labelled sample", where=model, want=", ".join(missing))
    table: dict[str, Any] = {"sample": _sample(given["data"])}
    table |= {key: tuple(given[key].split(",")) for key in ("classes", "features") if given[key]}
    table |= {"target": given["target"]} if given["target"] else {}
    content = {
        "model": {"name": chosen, "file": f"{chosen}.h5"},
        "data": table,
        "inputs": {"type": input_type},
        "folder": Path.cwd(),
    }
    return _validated(content), Path(model)


def _validated(content: dict[str, Any]) -> ModelProject:
    from pydantic import ValidationError

    from fasttrig.base.errors import InputError
    from fasttrig.settings import ModelProject

    try:
        return ModelProject.model_validate(content)
    except ValidationError as error:
        faults = "\n".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise InputError("an option has a wrong value", got=faults) from None


def _sample(text: str) -> str:
    from fasttrig.data.samples import SAMPLES

    return text if text in SAMPLES else str(Path(text).absolute())


def _json(found: Quantised) -> dict[str, Any]:
    return {
        "folder": str(found.folder),
        "figure": found.figure,
        "allowed": found.allowed,
        "loss": found.loss,
        "test_loss": found.test_loss,
        "lut": found.lut,
        "lut_widest": found.lut_widest,
        "n_tried": found.n_tried,
        "folded": list(found.folded),
        "layers": [row.to_dict() for row in found.layers],
        "agreement": found.agreement.to_dict(),
    }


def _table(found: Quantised) -> Table:
    from fasttrig.report.tables import new_table

    left, right = ("layer", "weights", "results"), ("digits", "zero", "loss", "error", "LUT before", "LUT")
    table = new_table("Layers", (*((name, "left") for name in left), *((name, "right") for name in right)))
    for row in found.layers:
        table.add_row(
            row.layer,
            row.weight,
            row.result or "exact",
            f"{row.digits:.2f}",
            f"{row.zero_weights:.0%}",
            f"{row.loss:.5f}",
            f"{row.error:.1%}",
            f"{row.lut_before:,}",
            f"{row.lut:,}",
        )
    return table
