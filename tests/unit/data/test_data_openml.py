"""The public sample: mapped to our names and labels; a clear error without a network."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets

from fasttrig.base.errors import DataError
from fasttrig.data.columns import SIXTEEN
from fasttrig.data.openml import read_openml_jets


def answer(monkeypatch: pytest.MonkeyPatch, names: list[str], classes: list[str]) -> None:
    data = pd.DataFrame({name: np.full(len(classes), float(i)) for i, name in enumerate(names)})
    bunch = SimpleNamespace(data=data, target=pd.Series(classes, dtype="category"))
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda **options: bunch)


@pytest.mark.parametrize("prefix", ["", "j_"])
def test_columns_and_classes_are_mapped(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    answer(monkeypatch, [prefix + name for name in reversed(SIXTEEN)], ["g", "t", "w", "z", "q"])
    x, y = read_openml_jets()
    assert y.tolist() == [0, 4, 2, 3, 1]
    assert x[0].tolist() == list(range(15, -1, -1))


@pytest.mark.parametrize(("names", "classes"), [(list(SIXTEEN[:-1]), ["g"]), (list(SIXTEEN), ["higgs"])])
def test_another_table_is_refused(monkeypatch: pytest.MonkeyPatch, names: list[str], classes: list[str]) -> None:
    answer(monkeypatch, names, classes)
    with pytest.raises(DataError, match="as expected"):
        read_openml_jets()


def test_no_network_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**options: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", offline)
    with pytest.raises(DataError, match="cannot be fetched") as error:
        read_openml_jets()
    assert "load_jets5" in str(error.value)
