"""The model.toml of `fasttrig init` names every setting there is."""

import re

import pytest
from pydantic import BaseModel

from fasttrig.scaffold import KINDS, create
from fasttrig.settings import ModelProject, load_project

SETTING = re.compile(r"^#(?=\[|[a-z_0-9]+ = )", re.MULTILINE)


COMBINED = {"taggers", "words", "sort_by", "n_objects", "scores", "where", "otherwise", "seeds"}
TRAINED_ALONE = {
    "batchnorm_type",
    *("file", "weights_file", "float_file", "inputs_file", "output_activation", "card", "features", "target"),
    *("target_unit", "thresholds", "type", "quantile", "hidden", "weight", "bias", "activation", "rounds", "max_depth"),
    *("learning_rate", "min_child_weight", "types_file", "seed", "epochs", "batch_size", "patience", "accum"),
    *("quantisation", "max_scale_error_lsb"),
    *("taggers", "words", "seeds", "types"),  # tables, whose keys are names of the user's
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_setting_stands_in_model_toml_with_a_comment(kind, tmp_path):
    """Each key of each table that the kind can have; those commented out hold too once the # is taken away."""
    create(tmp_path / "whole", kind)
    text = (tmp_path / "whole" / "model.toml").read_text()
    whole = SETTING.sub("", text)
    missing = [key for key in _keys(ModelProject) if not re.search(rf"\b{key} = ", whole)]
    other = {
        "network": {
            *COMBINED,
            "target",
            "target_unit",
            "thresholds",
            "rounds",
            "max_depth",
            "min_child_weight",
            "types_file",
            "max_rms_growth",
        },
        "cascade": TRAINED_ALONE,
        "bdt": {*COMBINED, "hidden", "weight", "bias", "activation", "epochs", "batch_size", "patience", "accum"},
    }
    assert set(missing) <= other[kind], "a new setting: put it into fasttrig/scaffold/templates/*/model.toml.in"
    (tmp_path / "whole" / "model.toml").write_text(whole)
    project = load_project(tmp_path / "whole")
    assert project.budget.min_auc is not None and project.types and project.target.namespace.endswith("_v1")
    commented = [line for line in text.splitlines() if re.match(r"#?[a-z_0-9]+ = ", line) and "  #" not in line]
    assert len(commented) < len(text.splitlines()) / 3


def _keys(table: type[BaseModel]):
    for name, field in table.model_fields.items():
        inner = [
            a
            for a in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if isinstance(a, type) and issubclass(a, BaseModel)
        ]
        if inner:
            yield from (key for one in inner for key in _keys(one))
        elif name != "folder":
            yield name
