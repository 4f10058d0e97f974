"""`fasttrig rate`: thresholds that keep a rate, counted by hand, and the rates of seeds."""

import json
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import beta

import fasttrig
from fasttrig.base.errors import DataError, InputError
from fasttrig.data.labelled import load_sample
from fasttrig.design import open_design
from fasttrig.physics.rates import SeedCounts, Share, WordCounts
from fasttrig.physics.working_points import leads
from fasttrig.streaming.rates import find_rates
from tests.commandline import fasttrig as run


@pytest.fixture(scope="module")
def files(started, tmp_path_factory):
    """Light jets as background in two files, tops as signal."""
    folder = tmp_path_factory.mktemp("rates")
    sample = load_sample(fasttrig.read(started["cascade"].folder).project, "test")
    light = np.flatnonzero(sample.labels < 2)[:3000]
    chosen = {"one": light[:1900], "two": light[1900:], "top": np.flatnonzero(sample.labels == 4)[:1000]}
    for name, rows in chosen.items():
        pq.write_table(pa.table(dict(zip(sample.names, sample.x[rows].T, strict=True))), folder / f"{name}.parquet")
    return folder, sample.x[light], sample.x[chosen["top"]]


@pytest.mark.parametrize("cut", ["word", "lead"])
def test_thresholds_are_the_lowest_that_keep_the_rate(started, files, cut):
    folder, light, top = files
    design = fasttrig.read(started["cascade"].folder)
    background, signal = [folder / "one.parquet", folder / "two.parquet"], [folder / "top.parquet"]
    found = find_rates(design, background, 400.0, signal=signal, cut=cut)
    background, signal = (design.emulate(x).raw["scores"] for x in (light, top))
    if cut == "lead":
        background, signal = leads(background), leads(signal)
    for k, name in enumerate(("g", "q", "W", "Z", "t")):
        point = found.points[k]
        passing = np.count_nonzero(background[:, k] >= point.threshold_raw)
        assert (point.output, point.background.n_passing, point.background.n_events) == (name, passing, 3000)
        lower = background[:, k][background[:, k] < point.threshold_raw].max()
        assert passing <= 0.01 * 3000 < np.count_nonzero(background[:, k] >= lower)
        assert point.signal.n_passing == np.count_nonzero(signal[:, k] >= point.threshold_raw)
        assert point.threshold == point.threshold_raw * 2.0**-9


def test_seeds_have_rates_and_overlaps(started, files):
    folder, light, _ = files
    two = (folder / "one.parquet", folder / "two.parquet")
    done = run("rate", ".", *two, "--khz", 40, "--json", cwd=started["cascade"].folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    bits = fasttrig.read(started["cascade"].folder).emulate(light).raw["seeds"].astype(bool)
    rows = {row["output"]: row for row in found["points"] if row["cut"] == "seed"}
    for k, name in enumerate(("top", "heavy")):
        assert rows[name]["background"]["n_passing"] == bits[:, k].sum()
        assert rows[name]["alone"]["n_passing"] == (bits[:, k] & ~bits[:, 1 - k]).sum()
        assert rows[name]["background"]["rate_khz"] == pytest.approx(40_000 * bits[:, k].mean())
    assert found["any_seed"]["n_passing"] == bits.any(axis=1).sum()
    of_build = run("rate", started["cascade"].built, *two, "--khz", 40, "--json")
    assert json.loads(of_build.stdout) == found, "a build folder keeps the names of its seeds and the input rate"
    shown = run("rate", ".", folder / "one.parquet", "--khz", 40, cwd=started["cascade"].folder)
    assert "any seed" in shown.stdout and "40,000 kHz" in shown.stdout


def test_intervals_and_thresholds_of_few_events():
    """Clopper and Pearson from the quantiles of the beta distribution; nothing may pass: a threshold above all."""
    for n_passing, n in ((0, 10), (3, 10), (10, 10)):
        share, tail = Share.of(n_passing, n), (1 - 0.6827) / 2
        low = 0.0 if n_passing == 0 else beta.ppf(tail, n_passing, n - n_passing + 1)
        high = 1.0 if n_passing == n else beta.ppf(1 - tail, n_passing + 1, n - n_passing)
        assert (share.low, share.high) == (pytest.approx(low), pytest.approx(high))
    bits = np.zeros((3, 100), dtype=np.int64)  # more seeds than bits of a word
    bits[0, 99] = bits[1, 99] = bits[1, 3] = 1
    seeds = SeedCounts(f"s{k}" for k in range(100))
    seeds.add(bits)
    assert [seeds.share(1 << k).n_passing for k in (0, 3, 99)] == [0, 1, 2]
    assert (seeds.alone(99).n_passing, seeds.share(-1).n_passing) == (1, 2)
    counts = WordCounts()
    counts.add(np.array([5, 5, 5, 2]))
    counts.add(np.array([-1]))
    assert [counts.threshold(Fraction(share)) for share in ("0", "0.5", "0.6", "0.8", "1")] == [6, 6, 5, 2, -1]
    with pytest.raises(DataError, match="no events"):
        WordCounts().threshold(0.5)


@pytest.mark.parametrize(("khz", "told"), [(50_000.0, "above that of the background"), (-1.0, "'--khz'")])
def test_rates_that_cannot_be(started, files, khz, told):
    done = run("rate", ".", files[0] / "one.parquet", "--khz", khz, cwd=started["cascade"].folder)
    assert done.returncode == 2 and told in done.stderr


def test_one_word_has_no_lead():
    with pytest.raises(InputError, match="no lead"):
        find_rates(open_design("muon_pt_bdt"), [], 1.0, cut="lead")
