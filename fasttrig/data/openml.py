"""The public five-class sample (OpenML 42468, the hls4ml LHC jet dataset), fetched through scikit-learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import DataError
from fasttrig.data.columns import CLASS_NAMES, SIXTEEN

OPENML_ID = 42468

OPENML_CLASSES: dict[str, int] = {name.lower(): label for label, name in enumerate(CLASS_NAMES)}
"""Their class names, `g q w z t`, to our labels."""


def read_openml_jets(data_home: str | None = None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Fetch the public five-class sample.

    Parameters
    ----------
    data_home : str, optional
        Where scikit-learn keeps its downloads.

    Returns
    -------
    x : float64 array of shape (n_jets, 16)
        Columns in the order of `fasttrig.data.SIXTEEN`.
    y : int64 array of shape (n_jets,)
        Our labels: 0 gluon, 1 light quark, 2 W, 3 Z, 4 top.

    Raises
    ------
    DataError
        If OpenML cannot be reached, or answers with other columns or classes than expected.
    """
    from sklearn.datasets import fetch_openml

    try:
        bunch = fetch_openml(data_id=OPENML_ID, as_frame=True, parser="auto", data_home=data_home)
    except (OSError, ValueError) as error:
        raise DataError(
            "the public jet sample cannot be fetched",
            where=f"OpenML data set {OPENML_ID}",
            got=f"{type(error).__name__}: {str(error)[:160]}",
            want="a network connection to openml.org",
            try_="the sample that comes with fasttrig: fasttrig.data.load_jets5()",
        ) from error
    by_name = {_our_name(name): name for name in bunch.data.columns}
    lacking = [name for name in SIXTEEN if name not in by_name]
    unknown = sorted({str(kind) for kind in bunch.target} - set(OPENML_CLASSES))
    if lacking or unknown:
        raise DataError(
            "the public jet sample does not look as expected",
            where=f"OpenML data set {OPENML_ID}",
            got=f"columns {', '.join(map(str, bunch.data.columns))}; unknown classes {unknown}",
            want=f"columns {', '.join(SIXTEEN)}; classes {', '.join(OPENML_CLASSES)}",
        )
    x = np.stack([bunch.data[by_name[name]].to_numpy(np.float64) for name in SIXTEEN], axis=1)
    return x, np.array([OPENML_CLASSES[str(kind)] for kind in bunch.target], dtype=np.int64)


def _our_name(name: str) -> str:
    """Their column names differ from ours by a leading `j_` and by case at most."""
    return str(name).lower().removeprefix("j_")
