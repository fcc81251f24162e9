"""The random rules of the benchmarks: as many as asked for, in the shape of their kind, the same for a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import tclab
from placement.fleet import read_fleet

_NUM, _DENSITY = 2000, 0.02
_EXPECTED = round(_DENSITY * _NUM * (_NUM - 1))

_DATA = """\
app_id\tnb_instances\tcore\tmemory\tinter_degree\tinter_aff
1\t3\t1\t8\t1\t[(7, 0)]
7\t1\t0.5\t2.25\t2\t[(1, 2), (7, 1)]
"""


def _pairs(kind: tclab.GraphKind, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    return tclab.random_pairs(_NUM, _DENSITY, kind, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", ["arbitrary", "normal", "threshold"])
def test_pairs_differ_are_sorted_and_the_same_for_a_seed(kind: tclab.GraphKind) -> None:
    first, second = _pairs(kind)
    assert (first != second).all()
    assert min(first.min(), second.min()) >= 0
    assert max(first.max(), second.max()) < _NUM
    assert (np.diff(first) >= 0).all()
    assert len(np.unique(first.astype(np.int64) * _NUM + second)) == len(first)
    again = _pairs(kind)
    assert (first == again[0]).all()
    assert (second == again[1]).all()
    assert len(_pairs(kind, 6)[0]) != len(first) or (_pairs(kind, 6)[1] != second).any()


def test_arbitrary_draws_exactly_as_many_as_asked_for() -> None:
    first, second = _pairs("arbitrary")
    assert len(first) == _EXPECTED
    # 40 partners each on average, as in a binomial distribution with deviation 6.3, in both directions
    for end in (first, second):
        degree = np.bincount(end, minlength=_NUM)
        assert 5.8 < degree.std() < 6.8


def test_normal_draws_degrees_with_half_the_mean_as_deviation() -> None:
    first, second = _pairs("normal")
    out, inner = np.bincount(first, minlength=_NUM), np.bincount(second, minlength=_NUM)
    # below 0 is cut off: 2.3 % of the normal distribution
    assert 39 < out.mean() < 42
    assert 18 < out.std() < 21
    assert inner.std() < 7


def test_threshold_draws_nested_neighbourhoods() -> None:
    # one draw deviates by 7.5 %, the mean of 36 by 1.25 %
    numbers = [len(_pairs("threshold", seed)[0]) for seed in range(36)]
    assert 0.95 * _EXPECTED < np.mean(numbers) < 1.05 * _EXPECTED
    first, second = _pairs("threshold")
    partners = [set(second[first == row].tolist()) | {row} for row in np.argsort(np.bincount(first, minlength=_NUM))]
    for fewer, more in zip(partners[:-1:50], partners[1::50], strict=False):
        assert len(fewer - more) <= 1  # the pair of a number with itself may be missing from the larger set


def test_fleets_are_read_as_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "TClab_dataset_2D.csv").write_text(_DATA)
    own, dense, large = (tmp_path / name for name in ("own", "dense", "large"))
    for folder in (own, dense, large):
        folder.mkdir()
    tclab.write_fleet(True, own, data)
    fleet = read_fleet(own)
    assert fleet.services["service"].to_list() == ["app-1", "app-7"]
    assert fleet.services["cpu_millicores"].to_list() == [1000, 500]
    assert fleet.services["memory_mb"].to_list() == [8000, 2250]
    assert fleet.interference.rows() == [(0, 1, 0), (1, 0, 2), (1, 1, 1)]
    tclab.write_density(50, "arbitrary", dense, data)
    assert read_fleet(dense).interference.height == 1  # half of the two ordered pairs
    tclab.write_large(300, "threshold", large, data)
    fleet = read_fleet(large)
    assert fleet.services.height == 300
    assert set(fleet.services["instances"]) == {1, 3}
    assert fleet.interference["max_instances"].is_between(0, 4).all()
