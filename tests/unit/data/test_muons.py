"""The muon toy: reproducible, as its docstring says, and the embedded sample is what its generator makes."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from fasttrig.base.errors import InputError
from fasttrig.data import samples
from fasttrig.data.muons import BEND, FEATURES, METADATA_KEY, TARGET, make_muons, simulate
from fasttrig.data.readers import read_table


def test_the_embedded_sample_is_what_the_generator_makes(tmp_path):
    stored = pq.read_table(samples.path("muons"))
    settings = json.loads(stored.schema.metadata[METADATA_KEY.encode()])["settings"]
    again = pq.read_table(make_muons(settings["events"], settings["seed"], tmp_path / "muons.parquet"))
    for name in stored.column_names:
        difference = np.abs(stored[name].to_numpy().astype(int) - again[name].to_numpy().astype(int))
        # sines and powers may differ in the last bit between C libraries, and with them a rounding here and there
        assert np.mean(difference > 0) < 1e-3 and difference.max() <= 1, name


def test_values_come_out_in_their_units():
    table = read_table(samples.path("muons"), [*FEATURES, TARGET])
    assert table.unit("dphi_12") == "mrad" and table.unit(TARGET) == "log2(GeV)"
    assert table["eta"].min() + 2.0**-6 > 1.19 and table["eta"].max() < 2.4
    assert set(np.unique(table["hits"])) <= set(range(8))


def test_the_bend_falls_with_momentum_as_documented():
    """Where f = 1 (eta = 1.2) the mean first bend times pT is BEND[0]; scattering and errors average out."""
    values = simulate(200_000, np.random.default_rng(3))
    chosen = (values["eta"] < 1.21) & (values["dphi_12"] != 0) & (values[TARGET] < 5)
    product = values["dphi_12"][chosen] * 2.0 ** values[TARGET][chosen] * 1e-3
    assert np.mean(product) == pytest.approx(BEND[0], rel=0.02)


def test_the_charge_drops_out():
    values = simulate(10_000, np.random.default_rng(4))
    first = np.select(
        [values[f"dphi_1{disk}"] != 0 for disk in (2, 3, 4)],
        [values[f"dphi_1{disk}"] for disk in (2, 3, 4)],
        values["bend_1"],
    )
    assert (first >= 0).all()


@pytest.mark.parametrize("n_events, seed", [(0, 1), (5, -1)])
def test_senseless_requests_are_refused(tmp_path, n_events, seed):
    with pytest.raises(InputError, match="invalid number of events or seed"):
        make_muons(n_events, seed, tmp_path / "muons.parquet")
    assert not list(tmp_path.iterdir())
