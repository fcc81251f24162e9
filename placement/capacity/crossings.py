"""When a growing fleet crosses the guide's thresholds: tiers, phases, bottlenecks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from placement.capacity.datatier_tables import ScaleRow
from placement.capacity.growth import Projection, reached
from placement.capacity.model import CapacityModel
from placement.units import FloatArray, IntArray

NEVER = -1
"""Month of a threshold that is not crossed within the horizon."""

QUANTILES = (0.1, 0.5, 0.9)

ThresholdKind = Literal["bottleneck", "tier"]


@dataclass(frozen=True, order=True)
class Threshold:
    """A number of services from which on something else holds.

    Parameters
    ----------
    services
        The number.
    path
        Path of the figure that says it.
    kind
        ``bottleneck``, or ``tier`` for a row of any table by scale.
    title
        What it is about, e.g. the component that binds.
    change
        What comes, or what to do.
    """

    services: int
    path: str
    kind: ThresholdKind
    title: str
    change: str


@dataclass(frozen=True, eq=False)
class Crossing:
    """When a threshold is crossed; months are counted from now, at whose end it has been reached.

    Parameters
    ----------
    low, typical, high
        Months in the scenarios with all rates low, typical, high; None: not within the horizon.
    sample_months
        int64[num_samples], `NEVER` where a sample does not reach it within the horizon.
    share
        Share of the samples that reach it; None without samples.
    quantiles
        Months by which a tenth, half and nine tenths of the samples have reached it; None where that is beyond the
        horizon, or without samples.
    """

    threshold: Threshold
    low: int | None
    typical: int | None
    high: int | None
    sample_months: IntArray
    share: float | None
    quantiles: tuple[int | None, ...]


def guide_thresholds(model: CapacityModel) -> tuple[Threshold, ...]:
    """Return every threshold by number of services that a model has, the lowest first."""
    return tuple(sorted({*_bottlenecks(model), *_tiers(model)}))


def crossings(projection: Projection, thresholds: Sequence[Threshold]) -> tuple[Crossing, ...]:
    """Return when each threshold that is still ahead is crossed, in the order given."""
    now = projection.scenario_totals[1, 0]
    ahead = [threshold for threshold in thresholds if not reached(now, threshold.services)]
    levels = np.array([threshold.services for threshold in ahead], np.float64)
    scenarios = crossing_months(projection.scenario_totals, levels)
    samples = crossing_months(projection.sample_totals, levels)
    return tuple(
        Crossing(
            threshold=threshold,
            low=_or_none(scenarios[0, number]),
            typical=_or_none(scenarios[1, number]),
            high=_or_none(scenarios[2, number]),
            sample_months=samples[:, number],
            share=float((samples[:, number] != NEVER).mean()) if len(samples) else None,
            quantiles=_quantiles(samples[:, number]),
        )
        for number, threshold in enumerate(ahead)
    )


def crossing_months(totals: FloatArray, levels: FloatArray) -> IntArray:
    """Return the first month in which each run has reached each level.

    Parameters
    ----------
    totals
        float64[num_runs, num_months + 1], never falling from month to month.
    levels
        float64[num_levels].

    Returns
    -------
    IntArray
        int64[num_runs, num_levels], `NEVER` where a level is not reached.
    """
    months = np.full((len(totals), len(levels)), NEVER, np.int64)
    for number, level in enumerate(levels):
        met = reached(totals, level)
        months[:, number] = np.where(met.any(axis=1), met.argmax(axis=1), NEVER)
    return months


def _quantiles(months: IntArray) -> tuple[int | None, ...]:
    if not len(months):
        return (None,) * len(QUANTILES)
    ranked = np.sort(np.where(months == NEVER, np.iinfo(np.int64).max, months))
    # the month by which that share of the samples has got there
    ranks = [max(0, int(np.ceil(share * len(months))) - 1) for share in QUANTILES]
    return tuple(_or_none(NEVER if ranked[rank] == np.iinfo(np.int64).max else ranked[rank]) for rank in ranks)


def _or_none(month: int | np.int64) -> int | None:
    return None if month == NEVER else int(month)


def _bottlenecks(model: CapacityModel) -> Iterator[Threshold]:
    for name, row in model.bottlenecks.points.items():
        yield Threshold(
            services=int(row.services_from.typical),
            path=f"bottlenecks.points.{name}.services_from",
            kind="bottleneck",
            title=row.component,
            change=f"{row.indicator}: {row.solution}",
        )


def _tiers(model: CapacityModel) -> Iterator[Threshold]:
    def rows(table: str, title: str, tiers: Mapping[str, ScaleRow], text: str) -> Iterator[Threshold]:
        for name, row in tiers.items():
            if row.services_from.typical > 1:
                yield Threshold(
                    services=int(row.services_from.typical),
                    path=f"{table}.{name}.services_from",
                    kind="tier",
                    title=title,
                    change=getattr(row, text) if text else name,
                )

    yield from rows("scaling.tiers", "Ecosystem tier", model.scaling.tiers, "shared_infrastructure")
    yield from rows("postgres.pools", "Connection pools", model.postgres.pools, "strategy")
    yield from rows("postgres.phases", "Databases", model.postgres.phases, "title")
    yield from rows("valkey.tiers", "Cache memory", model.valkey.tiers, "strategy")
    yield from rows("valkey.phases", "Caches", model.valkey.phases, "title")
    yield from rows("registry.tiers", "InfraSoT registry", model.registry.tiers, "arrangement")
    yield from rows("sia.tiers", "Service Identity Authority", model.sia.tiers, "arrangement")
    yield from rows("network.tiers", "Network", model.network.tiers, "requirement")
    yield from rows("growth.phases", "Growth phase", model.growth.phases, "")
    yield Threshold(
        services=int(model.postgres.pgbouncer.services_from.typical),
        path="postgres.pgbouncer.services_from",
        kind="tier",
        title="PgBouncer",
        change="recommended",
    )
    yield Threshold(
        services=int(model.postgres.dedicated.services_from.typical),
        path="postgres.dedicated.services_from",
        kind="tier",
        title="Dedicated databases",
        change="recommended",
    )
