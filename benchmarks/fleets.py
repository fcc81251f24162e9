"""Fleets in which nearly every service asks for something else, by kind, size and severity.

=========  ==========================================================================================
kind       what is hard about it
=========  ==========================================================================================
measured   every demand vector is different; the model's four sizes
families   as measured, but ten sizes with 2, 4 or 8 GB a core: the cheapest is a mix of families
skewed     memory-heavy beside CPU-heavy services, three to eight on the largest of the four sizes
=========  ==========================================================================================

The severity dial: `sigma` (how much demands differ), `mean_instances` (replicas), `rules_density` (interference).
Everything is drawn by seed, as in `placement.fleet.generate`: the same arguments, the same bytes.

``python -m benchmarks.fleets families --services 100000 -o DIR`` writes one to look at.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import polars as pl

from placement.capacity import load_model
from placement.fleet import generate_fleet, write_generated
from placement.fleet.frames import FleetFrames
from placement.fleet.generate import SPREAD_SIGMA
from placement.units import RESOURCES, FloatArray

Kind = Literal["measured", "families", "skewed"]

_PARQUET_FROM = 30_000
"""From so many services on tables are Parquet: reading CSV is not what these cases measure."""

# memory per core of each family, and its sizes in cores
_FAMILIES = {"compute": (2, (4, 8, 16, 32)), "general": (4, (8, 16, 32)), "memory": (8, (8, 16, 32))}
_PRICE_PER_CORE, _PRICE_PER_GB, _PRICE_PER_HOST = 0.0340, 0.0035, 0.0120

# of the largest size's usable CPU and memory (44.8 cores, 88.2 GB at the default policy), what one instance asks for
_HEAVY_SHARE, _LIGHT_SHARE = 0.24, 0.07
_USABLE_CORES, _USABLE_MB = 44.8, 88_200.0


def make_fleet(
    kind: Kind,
    num_services: int,
    seed: int = 1,
    *,
    sigma: float = SPREAD_SIGMA,
    mean_instances: float = 2.0,
    rules_density: float = 0.0,
    zones: int = 0,
) -> FleetFrames:
    """Make a fleet.

    Parameters
    ----------
    kind
        What is hard about it; see above.
    sigma
        Standard deviation of the logarithm of demands: 0 leaves them at their profiles' figures.
    mean_instances
        Replicas on average, above 1 and below 8.
    rules_density
        Interference rules as a share of all ordered pairs of services.
    zones
        Zones to spread a quarter of the replicated services over; 0: none.
    """
    made = generate_fleet(
        num_services,
        seed,
        demands="measured",
        mean_instances=mean_instances,
        rules_density=rules_density,
        zones=zones,
        name=f"{kind}-{num_services}-s{seed}",
    )
    made = services_alone(made)
    if kind == "skewed":
        return dataclasses.replace(made, services=_skewed(made.services, seed, sigma))
    services = made.services if sigma == SPREAD_SIGMA else _spread(made.services, sigma)
    return dataclasses.replace(made, services=services, sizes=_family_sizes() if kind == "families" else made.sizes)


def services_alone(made: FleetFrames) -> FleetFrames:
    """Return a fleet whose services are planned and nothing else: what others publish figures of."""
    return dataclasses.replace(made, document={**made.document, "policy": {"pools": ["services"]}})


def write_case(kind: Kind, num_services: int, folder: Path, seed: int = 1, **severity: float) -> None:
    """Write a fleet to a folder: CSV where it is small, Parquet where it is large. Arguments as for `make_fleet`."""
    made = make_fleet(kind, num_services, seed, **severity)  # type: ignore[arg-type]
    write_generated(made, folder, table_format="parquet" if num_services >= _PARQUET_FROM else "csv")


def _spread(services: pl.DataFrame, sigma: float) -> pl.DataFrame:
    """Return the services with demands (figure / profile's figure) ^ (sigma / usual sigma) times the profile's."""
    model = load_model("rithmxo-1.0")
    names = list(model.profiles)
    demands = {name: model.profile_demand(name, "typical") for name in names}
    columns = []
    for resource in RESOURCES:
        figures = {name: demands[name][resource.internal_column] / resource.factor for name in names}
        base = services["profile"].replace_strict(figures, return_dtype=pl.Float64).to_numpy()
        ratio = services[resource.column].to_numpy() / np.maximum(base, 1e-9)
        columns.append(_rounded(resource.column, base * ratio ** (sigma / SPREAD_SIGMA)))
    return services.with_columns(columns)


def _skewed(services: pl.DataFrame, seed: int, sigma: float) -> pl.DataFrame:
    """Return the services with CPU and memory drawn anew: half of them heavy on one, half on the other."""
    random = np.random.Generator(np.random.PCG64([seed, 77]))
    num = len(services)
    on_memory = random.random(num) < 0.5
    heavy = _HEAVY_SHARE * _lognormal(random, num, 0.6 * sigma)
    light = _LIGHT_SHARE * _lognormal(random, num, sigma)
    cpu = np.clip(np.where(on_memory, light, heavy), 0.01, 0.75)
    memory = np.clip(np.where(on_memory, heavy, light), 0.01, 0.75)
    return services.with_columns(
        _rounded("cpu_cores", cpu * _USABLE_CORES),
        _rounded("memory_mb", memory * _USABLE_MB),
        pl.lit(False).alias("frontend"),
    )


def _lognormal(random: np.random.Generator, num: int, sigma: float) -> FloatArray:
    """Return float64[num] of mean 1; normal deviates as sums of twelve uniform ones, the same on every machine."""
    normal = random.random((12, num)).sum(axis=0) - 6.0
    return np.asarray(np.exp(sigma * normal - sigma**2 / 2), np.float64)


def _rounded(column: str, amount: FloatArray) -> pl.Series:
    """Return amounts in the column's unit, whole internal units, at least one."""
    resource = next(r for r in RESOURCES if r.column == column)
    whole = np.maximum(np.rint(amount * resource.factor), 1).astype(np.int64)
    return pl.Series(column, whole / resource.factor if resource.factor > 1 else whole)


def _family_sizes() -> pl.DataFrame:
    rows = []
    for family, (gb_per_core, sizes) in _FAMILIES.items():
        for cores in sizes:
            gb = cores * gb_per_core
            rows.append(
                {
                    "size": f"{family}-{cores}",
                    "cpu_cores": cores,
                    "memory_mb": gb * 1000,
                    "os_reserved_mb": 1000,
                    "max_open_files": 100_000 * gb,
                    "max_threads": 7_600 * gb,
                    "disk_gb": 50 * cores,
                    "nic_mbps": 10_000,
                    "price_per_hour": round(_PRICE_PER_HOST + _PRICE_PER_CORE * cores + _PRICE_PER_GB * gb, 4),
                }
            )
    return pl.DataFrame(rows)


def main() -> None:
    """Write one fleet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleets", description="Write a fleet of a kind.")
    parser.add_argument("kind", choices=get_args(Kind))
    parser.add_argument("--services", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sigma", type=float, default=SPREAD_SIGMA, help="how much demands differ")
    parser.add_argument("--mean-instances", type=float, default=2.0)
    parser.add_argument("--rules-density", type=float, default=0.0)
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    write_case(
        given.kind,
        given.services,
        given.out,
        given.seed,
        sigma=given.sigma,
        mean_instances=given.mean_instances,
        rules_density=given.rules_density,
    )


if __name__ == "__main__":
    main()
