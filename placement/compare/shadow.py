r"""Shadow prices: what a point of headroom saves and what a unit of a resource costs, from the proof of the bound.

The weights bound (`placement.bounds`) is max Σ_i d_i·min_s Σ_r w_sr·D_ir with Σ_r w_sr·L_sr ≤ c_s. Its constraint of
class s has the number of hosts x_s as its own dual, so at the margin a limit that grows by ΔL_sr lowers the bound by
w_sr·x_s·ΔL_sr. The plan's hosts in use are taken for x_s: it is at the bound but for its gap. With headroom h a point
more makes L_sr greater by L_sr·0.01/h.

A unit of a resource costs Σ_s x_s·w_sr·L_sr / Σ_s x_s·L_sr: the mean of w_sr over what the used hosts may hold.

These are prices at the margin: what lowers a limit by a point costs about as much as a point more saves, and ten points
do not save ten times as much once another resource binds. Where a pool needs its hosts because replicas keep apart,
its resources have no price. What the data tier asks for is taken as it is: other headroom
may lead to other clusters, which a plan sees and these prices do not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from placement.bounds import prove
from placement.compare.evaluation import apart_bound, demand_bound
from placement.compare.types import HeadroomPrice, ResourcePrice, ShadowPrices
from placement.fleet.documents import headroom_of
from placement.fleet.types import Fleet
from placement.instance import PoolProblem, build_problems
from placement.plan.types import Leaf, Plan, WeightsProof
from placement.units import MICROS, NUM_RESOURCES, RESOURCES, FloatArray
from placement.workloads import WORKLOADS_SCHEMA

_POINT = 0.01
ALL = "all"


def workloads_of(plan: Plan) -> pl.DataFrame:
    """Return a plan's nodes as workloads, for bounds: what keeps nodes apart is left out."""
    demands = [resource.internal_column for resource in RESOURCES]
    scaled = [
        (pl.col(resource.column) * resource.factor).round().cast(pl.Int64).alias(resource.internal_column)
        for resource in RESOURCES
    ]
    keys = ["workload", "pool", "kind", "region", "tier"]
    grouped = (
        plan.nodes.select(*keys, *scaled).group_by(*keys, *demands).agg(pl.len().cast(pl.Int64).alias("instances"))
    )
    filled = grouped.with_columns(
        pl.lit(0, dtype=pl.Int64).alias("primaries"),
        pl.col("instances").alias("max_per_host"),
        pl.lit("host").alias("spread"),
    )
    return filled.select(list(WORKLOADS_SCHEMA)).sort(["workload", *demands])


def shadow_prices(fleet: Fleet, plan: Plan) -> ShadowPrices:
    """Return the prices at the margin of a plan, all pools together.

    Parameters
    ----------
    fleet
        The fleet of the plan.
    """
    paid = np.zeros(NUM_RESOURCES)  # Σ x·w·L in micros per hour
    usable = np.zeros(NUM_RESOURCES)  # Σ x·L in internal units
    for problem, hosts in _with_hosts(fleet, plan):
        weights = _weights(problem)
        if weights is None:
            continue
        paid += (hosts[:, None] * weights * problem.classes.limit).sum(axis=0)
        usable += (hosts[:, None] * problem.classes.limit).sum(axis=0)
    shares = [
        fleet.policy.network_limit if resource.name == "network" else headroom_of(fleet.policy, resource.name)
        for resource in RESOURCES
    ]
    saves = [amount / MICROS * _POINT / share for amount, share in zip(paid.tolist(), shares, strict=True)]
    of_all = sum(amount for amount, resource in zip(saves, RESOURCES, strict=True) if resource.name != "network")
    same = {share for share, resource in zip(shares, RESOURCES, strict=True) if resource.name != "network"}
    whole = float(paid.sum())
    spare_points = fleet.policy.spare * 100
    return ShadowPrices(
        headroom=(
            HeadroomPrice(resource=ALL, share=same.pop() if len(same) == 1 else None, saves_per_hour=of_all),
            *(
                HeadroomPrice(resource=resource.name, share=share, saves_per_hour=amount)
                for resource, share, amount in zip(RESOURCES, shares, saves, strict=True)
            ),
        ),
        resources=tuple(
            ResourcePrice(
                resource=resource.name,
                unit=resource.unit,
                per_unit_hour=float(paid[r] / usable[r] * resource.factor / MICROS) if usable[r] else 0.0,
                cost_share=float(paid[r]) / whole if whole else 0.0,
            )
            for r, resource in enumerate(RESOURCES)
        ),
        spare_point_per_hour=plan.summary.cost.spare_per_hour / spare_points if spare_points else 0.0,
    )


def _with_hosts(fleet: Fleet, plan: Plan) -> Iterator[tuple[PoolProblem, FloatArray]]:
    """Yield each pool's problem with the used hosts of each of its classes: float64[num_classes]."""
    busy = plan.hosts.filter(~pl.col("spare"))
    for problem in build_problems(fleet, workloads_of(plan) if plan.nodes.height else None):
        here = busy.filter((pl.col("pool") == problem.pool) & (pl.col("region") == problem.region))
        classes = problem.classes
        class_of = {host: s for s, hosts in enumerate(classes.hosts) for host in hosts}
        bought = {size: s for s, (size, hosts) in enumerate(zip(classes.size, classes.hosts, strict=True)) if not hosts}
        number = np.zeros(len(classes))
        for host, size in here.select("host", "size").iter_rows():
            number[class_of[host] if host in class_of else bought[size]] += 1
        yield problem, number


def _weights(problem: PoolProblem) -> FloatArray | None:
    """Return w in micros per internal unit: float64[num_classes, num_resources].

    None where hosts cost nothing, or where replicas that keep apart decide and not demand: a point of headroom or a
    unit less then saves nothing.
    """
    bound = prove(problem)
    tree = bound.certificate.tree
    if apart_bound(problem) > demand_bound(problem, bound):
        return None
    if isinstance(tree, Leaf) and isinstance(tree.proof, WeightsProof):
        return np.array(tree.proof.weights, np.float64) / tree.scale
    return None
