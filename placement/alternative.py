"""What the fleet's databases would cost in shared clusters: planned, packed and priced like those of the plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

import polars as pl

from placement.datatier.platform import pgbouncer_workloads
from placement.datatier.postgres import plan_postgres
from placement.datatier.tier import DataTier, with_shared_databases
from placement.errors import InfeasibleError
from placement.fleet.types import Fleet
from placement.instance import build_problems
from placement.packing.options import Options
from placement.plan.types import Alternative
from placement.pool import PoolPlan, place_pool
from placement.units import price_from_micros


def shared_databases(
    fleet: Fleet, tier: DataTier, pools: Sequence[PoolPlan], options: Options, stop: Callable[[], bool]
) -> DataTier:
    """Return the data tier with `PostgresSummary.alternative` filled in where most databases are dedicated.

    Only used hosts count, spares do not. Where the alternative has no plan there is nothing to say.
    """
    summary = tier.summary
    if summary is None or summary.postgres is None:
        return tier
    dedicated = summary.postgres.services.get("dedicated", 0)
    if 2 * dedicated <= sum(summary.postgres.services.values()):
        return tier
    other = with_shared_databases(fleet)
    shared = plan_postgres(other, options, lambda _: None, stop, cost_only=True)
    if shared.reasons or shared.summary is None:
        return tier
    try:
        per_hour = _cost(
            other, pl.concat([shared.workloads, pgbouncer_workloads(other, shared.clusters)]), options, stop
        )
        own_pgbouncers = _cost(fleet, pgbouncer_workloads(fleet, tier.postgres_clusters), options, stop)
    except InfeasibleError:
        return tier
    own = _price(pool for pool in pools if pool.problem.pool == "databases") + own_pgbouncers
    alternative = Alternative(
        arrangement="clusters",
        clusters=shared.summary.clusters,
        nodes=shared.summary.nodes,
        per_hour=price_from_micros(per_hour),
        saves_per_hour=price_from_micros(own - per_hour),
    )
    postgres = summary.postgres.model_copy(update={"alternative": alternative})
    return dataclasses.replace(tier, summary=summary.model_copy(update={"postgres": postgres}))


def _cost(fleet: Fleet, workloads: pl.DataFrame, options: Options, stop: Callable[[], bool]) -> int:
    """Return the micros per hour of the hosts that hold these workloads and nothing else."""
    policy = fleet.policy.model_copy(update={"pools": ["databases", "platform"]})
    problems = build_problems(dataclasses.replace(fleet, policy=policy), workloads)
    return _price(place_pool(problem, Fraction(0), options, stop=stop) for problem in problems)


def _price(pools: Iterable[PoolPlan]) -> int:
    return sum(int(pool.problem.classes.price[pool.packing.host_class].sum()) for pool in pools)
