"""Alibaba's production containers as a fleet, with their own rules or with random ones of the paper that uses them.

The data is public (Tianchi 2018, as prepared for Mommessin et al., JPDC 2023; repository
DSSGroup-Leeds/LRA-binpacking-expe, file ``TClab_dataset_2D.csv``) and not part of this repository. The setting is the
paper's: identical hosts of 64 cores and 128 GB, everything usable, any number of a service's instances on a host,
fewest hosts. 9,338 services, 68,224 instances, 24,078 rules of their own.

The paper's two other sets replace the rules by random ones, drawn here anew and always the same for a seed:

- *density*: the same services, rules between 1, 5 or 10 % of all ordered pairs;
- *large scale*: services drawn from the data with replacement, instances drawn from its distribution, rules between
  0.5 % of all ordered pairs; 100,000 services then have 50 million rules.

References
----------
C. Mommessin, R. Yang, N. V. Shakhlevich, X. Sun, S. Kumar, J. Xiao, J. Xu: Affinity-aware resource provisioning for
long-running applications in shared clusters. Journal of Parallel and Distributed Computing 177 (2023) 1-16.
"""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

_FILE = "TClab_dataset_2D.csv"

_FLEET = """\
format: placement/fleet/1
name: {name}
model: rithmxo-1.0
services: services.parquet
{interference}sizes: sizes.csv
policy: {{pools: [services], headroom: 1.0, cpu_overcommit: 1.0, network_limit: 1.0, spare: 0}}
"""

_SIZES = """\
size,cpu_cores,memory_mb,os_reserved_mb,max_open_files,max_threads,disk_gb,nic_mbps,price_per_hour,stock
machine,64,128000,0,1000000,1000000,1000,10000,1,
"""

_ROW_GROUP = 1 << 22
"""Rows of a row group: each has a dictionary of names of its own, which costs as much to read as many rows."""

GraphKind = Literal["arbitrary", "normal", "threshold"]
"""How the pairs with a rule are drawn: see `random_pairs`."""

LARGE_SCALE_DENSITY = 0.005

_LIMITS = np.repeat(np.array([0, 2, 1, 3, 4], np.uint8), [13144, 6556, 3992, 361, 25])
"""The limits of the data's own rules, each as often as it occurs there."""

Int32Array = npt.NDArray[np.int32]


def write_fleet(with_rules: bool, folder: Path, data: Path | None) -> None:
    """Write the fleet as it is in the data.

    Parameters
    ----------
    with_rules
        Whether the rules between services are part of it.
    folder
        Where to: the files of a fleet folder.
    data
        Folder that holds the public file, directly or in ``tclab/``.
    """
    table = _read(data)
    names = _names(table["app_id"].to_numpy())
    rules = None
    if with_rules:
        row_of = {app: row for row, app in enumerate(table["app_id"].to_list())}
        triples = [
            (row, row_of[int(other)], most)
            for row, cell in enumerate(table["inter_aff"])
            for other, most in ast.literal_eval(cell)
        ]
        service, other, most = np.array(triples, np.int32).T
        rules = _rules_frame(names, (service, other), most.astype(np.uint8))
    _write("tclab", table, names, rules, folder)


def write_density(percent: int, kind: GraphKind, folder: Path, data: Path | None, *, seed: int = 1) -> None:
    """Write the fleet with random rules between `percent` % of the ordered pairs of services."""
    rng = np.random.default_rng([seed, percent, get_args(GraphKind).index(kind)])
    table = _read(data)
    names = _names(table["app_id"].to_numpy())
    rules = _random_rules(names, percent / 100, kind, rng)
    _write(f"tclab-d{percent}-{kind}", table, names, rules, folder)


def write_large(num_services: int, kind: GraphKind, folder: Path, data: Path | None, *, seed: int = 1) -> None:
    """Write a fleet of services drawn from the data, with random rules between 0.5 % of the ordered pairs."""
    rng = np.random.default_rng([seed, num_services, get_args(GraphKind).index(kind)])
    table = _read(data)
    drawn = table[rng.integers(table.height, size=num_services)].with_columns(
        nb_instances=table["nb_instances"][rng.integers(table.height, size=num_services)]
    )
    names = _names(np.arange(1, num_services + 1))
    rules = _random_rules(names, LARGE_SCALE_DENSITY, kind, rng)
    _write(f"tclab-{num_services}-{kind}", drawn, names, rules, folder)


def random_pairs(num: int, density: float, kind: GraphKind, rng: np.random.Generator) -> tuple[Int32Array, Int32Array]:
    """Draw ordered pairs of different numbers below `num`, sorted by the first, none of them twice.

    ``arbitrary``: density · num · (num - 1) pairs, every set of so many equally likely. ``normal``: the first has a
    number of partners drawn from the normal distribution with mean density · num and half of that as deviation, which
    are any others. ``threshold``: each number has two weights drawn from [0, 1], and pairs whose weights (the first's
    outer, the other's inner) have a mean of at most d are taken, d such that density · num · (num - 1) are expected.

    Returns
    -------
    tuple of int32[num_pairs]
        First and second of each pair.
    """
    if kind == "arbitrary":
        return _split(_arbitrary_cells(num, round(density * num * (num - 1)), rng), num)
    if kind == "normal":
        mean = density * num
        degree = np.clip(np.rint(rng.normal(mean, mean / 2, num)), 0, num - 1).astype(np.int64)
        others = [np.sort(rng.choice(num - 1, most, replace=False, shuffle=False)) for most in degree.tolist()]
        return _split(np.concatenate(others) + np.repeat(np.arange(num) * (num - 1), degree), num)
    inner, outer = rng.random(num), rng.random(num)
    mean = (1 + math.sqrt(1 + 8 * num * (num - 1) * density)) / (4 * num)  # for densities up to a half
    order = np.argsort(inner).astype(np.int32)
    degree = np.searchsorted(inner[order], 2 * mean - outer, side="right")
    first = np.repeat(np.arange(num, dtype=np.int32), degree)
    begin = np.cumsum(degree) - degree
    second = order[np.arange(len(first)) - np.repeat(begin, degree)]
    others = first != second
    return first[others], second[others]


def _arbitrary_cells(num: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw `most` different numbers below num · (num - 1), sorted.

    Every number is taken with a probability that makes at least so many nearly certain (gaps between them are then
    geometric, and no sort is needed), and those beyond are taken out again, any of them.
    """
    total = num * (num - 1)
    share = min(1.0, (most + 6 * math.sqrt(most) + 10) / total)
    while True:
        gaps = rng.geometric(share, int(total * share + 6 * math.sqrt(most) + 10))
        cells = np.cumsum(gaps) - 1
        cells = cells[: np.searchsorted(cells, total)]
        if len(cells) >= most:
            break
    keep = np.ones(len(cells), np.bool_)
    keep[rng.choice(len(cells), len(cells) - most, replace=False)] = False
    return cells[keep]


def _split(cells: npt.NDArray[np.int64], num: int) -> tuple[Int32Array, Int32Array]:
    """Turn numbers below num · (num - 1) into pairs of different numbers."""
    first, second = np.divmod(cells, num - 1)
    second += second >= first
    return first.astype(np.int32), second.astype(np.int32)


def _random_rules(names: pl.Series, density: float, kind: GraphKind, rng: np.random.Generator) -> pl.DataFrame:
    pairs = random_pairs(len(names), density, kind, rng)
    return _rules_frame(names, pairs, _LIMITS[rng.integers(len(_LIMITS), size=len(pairs[0]), dtype=np.uint16)])


def _rules_frame(names: pl.Series, pairs: tuple[Int32Array, Int32Array], most: npt.NDArray[np.uint8]) -> pl.DataFrame:
    """Return the rules with names as an enumeration, which Parquet stores as numbers."""
    known = names.cast(pl.Enum(names))
    service, other = (known.gather(rows) for rows in pairs)
    return pl.DataFrame({"service": service, "other": other, "max_instances": most})


def _read(data: Path | None) -> pl.DataFrame:
    if data is None:
        raise FileNotFoundError(f"{_FILE}: give the folder that holds it with --data")
    file = next(path for path in (data / "tclab" / _FILE, data / _FILE) if path.exists())
    return pl.read_csv(file, separator="\t")


def _names(numbers: npt.NDArray[np.int64]) -> pl.Series:
    return "app-" + pl.Series(numbers).cast(pl.String)


def _write(name: str, table: pl.DataFrame, names: pl.Series, rules: pl.DataFrame | None, folder: Path) -> None:
    pl.DataFrame(
        {
            "service": names,
            "instances": table["nb_instances"],
            "max_per_host": table["nb_instances"],
            "cpu_cores": table["core"],
            "memory_mb": table["memory"] * 1000,
            "disk_gb": 0,
            "network_mbps": 0,
            "open_files": 0,
            "threads": 0,
        }
    ).write_parquet(folder / "services.parquet")
    (folder / "sizes.csv").write_text(_SIZES)
    if rules is not None:
        rules.write_parquet(folder / "interference.parquet", row_group_size=_ROW_GROUP)
    interference = "" if rules is None else "interference: interference.parquet\n"
    (folder / "fleet.yaml").write_text(_FLEET.format(name=name, interference=interference))
