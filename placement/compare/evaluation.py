"""What a fleet costs under other figures of its capacity model, quickly: by proven bounds, not by plans.

Planning every sample of every mix would take hours at scale. The bound does not pack: it says what the hosts cost at
least, and on fleets of many instances a plan is a fraction of a percent above it (README, benchmarks). What is taken
from it is only the ratio: cost(figures) = Σ over pools of the plan's cost × bound(figures) / bound(typical figures).
Large fleets are thinned to some hundreds of services, drawn evenly along their sorted demands; platform services,
which go by the number of services, are those of the whole fleet. Choices of clusters end with their first solution.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import polars as pl

from placement.bounds import PoolBound, prove
from placement.capacity import CapacityModel
from placement.compare.variation import sizes_under
from placement.datatier.arrangement import automatic_postgres, automatic_valkey
from placement.datatier.platform import PGBOUNCERS_SCHEMA, plan_platform
from placement.datatier.postgres import plan_postgres
from placement.datatier.valkey import plan_valkey
from placement.fleet.types import Fleet
from placement.instance import PoolProblem, build_problems
from placement.packing.options import Options
from placement.plan.types import Leaf
from placement.units import MICROS, RESOURCES

THINNED_TO = 600
"""Services that each evaluation takes."""

_AT_ONCE = lambda: True  # noqa: E731 - a stop that stops


def thinned(fleet: Fleet) -> Fleet:
    """Return a fleet of `THINNED_TO` services that stands for a larger one, or the fleet itself.

    Services are drawn evenly along their sorted demands, stock and standing hosts in proportion, and `auto` takes the
    arrangement that it takes for the whole fleet. Interference is left out: bounds do not see it.
    """
    policy = fleet.policy
    num = len(fleet.services)
    postgres, valkey = policy.postgres, policy.valkey
    if postgres.default == "auto":
        word = automatic_postgres(fleet.model, num)
        postgres = postgres.model_copy(update={"default": word})
    if valkey.default == "auto":
        valkey = valkey.model_copy(update={"default": automatic_valkey(fleet.model, num)})
    policy = policy.model_copy(update={"postgres": postgres, "valkey": valkey})
    same = dataclasses.replace(fleet, policy=policy, interference=fleet.interference.clear())
    if num <= THINNED_TO:
        return same
    demands = [resource.internal_column for resource in RESOURCES[:2]]
    by_demand = fleet.services.sort(["region", "profile", *demands, "service"])
    rows = (np.arange(THINNED_TO) * num) // THINNED_TO
    share = THINNED_TO / num
    sizes = {
        name: size if size.stock is None else dataclasses.replace(size, stock=int(np.ceil(size.stock * share)))
        for name, size in fleet.sizes.items()
    }
    hosts = fleet.hosts.gather_every(max(1, round(1 / share))) if fleet.hosts.height else fleet.hosts
    return dataclasses.replace(same, services=by_demand[rows.tolist()].sort("service"), sizes=sizes, hosts=hosts)


def pool_bounds(whole: Fleet, thin: Fleet, model: CapacityModel, pools: Mapping[str, None]) -> dict[str, float] | None:
    """Return the proven cost of some pools of a fleet under a model, per hour; None: it cannot be planned.

    Parameters
    ----------
    whole, thin
        The fleet, and `thinned` of it.
    model
        The figures in force.
    pools
        Pools that are wanted.
    """

    def under(fleet: Fleet, wanted: list[str]) -> Fleet:
        policy = fleet.policy.model_copy(update={"pools": wanted})
        return dataclasses.replace(fleet, model=model, sizes=sizes_under(fleet, model), policy=policy)

    wanted = list(pools)
    fleet = under(thin, wanted)
    options = Options()
    workloads = []
    if "databases" in wanted:
        postgres = plan_postgres(fleet, options, lambda _: None, _AT_ONCE, cost_only=True)
        if postgres.reasons:
            return None
        workloads.append(postgres.workloads)
    if "caches" in wanted:
        valkey = plan_valkey(fleet, options, lambda _: None, _AT_ONCE)
        if valkey.reasons:
            return None
        workloads.append(valkey.workloads)
    if "platform" in wanted:
        workloads.append(plan_platform(under(whole, wanted), pl.DataFrame(schema=PGBOUNCERS_SCHEMA)).workloads)
    found = dict.fromkeys(wanted, 0.0)
    for problem in build_problems(fleet, pl.concat(workloads).sort("workload") if workloads else None):
        if not problem.holds.any(axis=1).all():
            return None
        found[problem.pool] += fractional_bound(problem)
    return found


def fractional_bound(problem: PoolProblem) -> float:
    """Return the weights bound per hour, before it is rounded up to what hosts can cost: small changes show.

    Where replicas that keep apart decide, and not demand, it is the price of so many of the cheapest hosts.
    """
    return max(0.0, demand_bound(problem, prove(problem)), apart_bound(problem)) / MICROS


def demand_bound(problem: PoolProblem, bound: PoolBound) -> float:
    """Return what the weights of a bound say of demand alone, in micros per hour, not rounded."""
    worth = float(bound.value @ problem.instances)
    tree = bound.certificate.tree
    if isinstance(tree, Leaf):
        for dual, number in zip(tree.stock, problem.classes.stock.tolist(), strict=False):
            worth -= dual / tree.scale * max(0, number)
    return worth


def apart_bound(problem: PoolProblem) -> float:
    """Return the price of as many of the cheapest hosts as one service's replicas need, in micros per hour."""
    apart = int((-(-problem.instances // problem.max_per_host)).max())
    return apart * float(problem.classes.price.min())
