"""Turning packings into a plan: names for hosts, tables in outer units, cost, alerts, what the plan rests on."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.datatier.roles import assign_roles
from placement.datatier.tier import DataTier
from placement.fleet.types import POOLS, Fleet
from placement.instance import PoolProblem
from placement.packing.options import Options
from placement.packing.state import Packing, Workspace
from placement.plan.types import (
    ASSIGNMENTS_SCHEMA,
    HOSTS_SCHEMA,
    Alert,
    Bounds,
    Cost,
    FleetRef,
    HostCounts,
    Moves,
    Plan,
    PlanSummary,
    PoolCost,
    Seconds,
)
from placement.pool import PoolPlan
from placement.replan.numbers import keep_numbers
from placement.replan.recount import moves_of_fleet
from placement.units import NUM_RESOURCES, RESOURCES, IntArray, price_from_micros

_MAX_LABEL = 63
_TABLES_OF: dict[str, tuple[str, ...]] = {
    "databases": ("postgres", "grouping.load_profiles", "network.traffic.postgres"),
    "caches": ("valkey.tiers", "valkey.memory_per_service", "valkey.clusters", "valkey.node_tiers"),
    "platform": ("registry", "sia", "observability"),
}
"""Tables of the model that a pool's plan rests on."""


@dataclass(frozen=True)
class Decided:
    """Everything that was decided.

    Parameters
    ----------
    seconds
        Seconds of reading and solving, None where the plan must not depend on the machine's speed.
    stopped
        Whether the search was interrupted.
    """

    fleet: Fleet
    tier: DataTier
    pools: tuple[PoolPlan, ...]
    options: Options
    seconds: tuple[float | None, float | None]
    stopped: bool


def assemble(decided: Decided) -> Plan:
    """Return the plan of a fleet from the data tier and the packings of its pools."""
    fleet, tier, pools = decided.fleet, decided.tier, decided.pools
    taken = set(fleet.hosts["host"].to_list())
    tables = [_pool_tables(pool, taken) for pool in pools]
    hosts = pl.concat([pl.DataFrame(schema=HOSTS_SCHEMA), *(table[0] for table in tables)]).sort("host")
    placed = {
        is_service: pl.concat(
            [
                pl.DataFrame(schema=ASSIGNMENTS_SCHEMA),
                *(
                    table[1]
                    for table, pool in zip(tables, pools, strict=True)
                    if (pool.problem.pool == "services") == is_service
                ),
            ]
        )
        for is_service in (True, False)
    }
    placed = {
        is_service: keep_numbers(rows, fleet.current.filter((pl.col("pool") == "services") == is_service))
        for is_service, rows in placed.items()
    }
    nodes = assign_roles(
        tier.workloads,
        placed[False].rename({"service": "workload"}).join(hosts.select("host", "zone"), on="host", how="left"),
    )
    costs = _pool_costs(pools, hosts)
    cost, bound = (sum(amount[k] for amount in costs.values()) for k in (0, 1))
    spare = sum(_price(pool, pool.spares) for pool in pools)
    by_size = dict(sorted(hosts["size"].value_counts().iter_rows()))
    gap = gap_of(cost, bound)
    summary = PlanSummary(
        fleet=FleetRef(
            name=fleet.name,
            services=len(fleet.services),
            instances=fleet.num_instances,
            digest=fleet.digest,
        ),
        status="optimal" if cost == bound and not _has_gap(tier) else "feasible",
        cost=Cost(
            currency=fleet.currency,
            per_hour=price_from_micros(cost),
            bound_per_hour=price_from_micros(bound),
            gap=gap,
            spare_per_hour=price_from_micros(spare),
            total_per_hour=price_from_micros(cost + spare),
        ),
        hosts=HostCounts(total=len(hosts), spare=int(hosts["spare"].sum()), by_size=by_size),
        pools={
            pool: PoolCost(
                per_hour=price_from_micros(of_pool),
                bound_per_hour=price_from_micros(proven),
                gap=gap_of(of_pool, proven),
                hosts=number,
            )
            for pool, (of_pool, proven, number) in costs.items()
        },
        data_tier=tier.summary,
        moves=_moves(decided, placed[True], nodes),
        alerts=(*_alerts(fleet, hosts), *tier.alerts),
        estimates_used=_estimates(fleet, hosts),
        settings=_settings(fleet, decided.options, cut=any(pool.cut for pool in pools), stopped=decided.stopped),
        versions=_versions(),
        seconds=Seconds(read=decided.seconds[0], solve=decided.seconds[1]),
    )
    certificates = (*(pool.bound.certificate for pool in pools), *tier.certificates)
    return Plan(
        summary=summary,
        bounds=Bounds(certificates=certificates),
        hosts=hosts,
        assignments=placed[True].sort("service", "instance"),
        nodes=nodes,
        databases=tier.databases,
        postgres_clusters=tier.postgres_clusters,
        caches=tier.caches,
        valkey_clusters=tier.valkey_clusters,
    )


def _pool_costs(pools: Sequence[PoolPlan], hosts: pl.DataFrame) -> dict[str, tuple[int, int, int]]:
    """Return cost and bound in micros per hour and the number of used hosts of each pool, in the order of the pools."""
    used = hosts.filter(~pl.col("spare"))["pool"]
    return {
        name: (
            sum(_price(pool, pool.packing) for pool in pools if pool.problem.pool == name),
            sum(pool.bound.micros_per_hour for pool in pools if pool.problem.pool == name),
            int((used == name).sum()),
        )
        for name in POOLS
        if any(pool.problem.pool == name for pool in pools)
    }


def _moves(decided: Decided, assignments: pl.DataFrame, nodes: pl.DataFrame) -> Moves | None:
    """Return what moves in all pools; None where nothing runs today."""
    if decided.fleet.current.is_empty():
        return None
    found = [pool.moved for pool in decided.pools if pool.moved is not None]
    others = sum(_price(pool, pool.packing) for pool in decided.pools if pool.moved is None)
    return moves_of_fleet(decided.fleet, assignments, nodes, found, others, decided.options.max_moves)


def _has_gap(tier: DataTier) -> bool:
    """Whether cheaper clusters may exist than those that were chosen."""
    if tier.summary is None:
        return False
    choices = [part.choice for part in (tier.summary.postgres, tier.summary.valkey) if part is not None]
    return any(choice is not None and choice.gap > 0 for choice in choices)


def gap_of(cost: int, bound: int) -> float:
    """Return (cost − bound) / bound; a cost above a bound of nothing counts as a gap of 1."""
    if cost == bound:
        return 0.0
    return (cost - bound) / bound if bound else 1.0


def _price(pool: PoolPlan, packing: Packing) -> int:
    return int(pool.problem.classes.price[packing.host_class].sum())


def _pool_tables(pool: PoolPlan, taken: set[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    problem, packing = pool.problem, pool.packing
    workspace = Workspace(problem)
    used_limit = problem.classes.limit[packing.host_class]
    used = used_limit - workspace.residual(packing)
    # hosts in the order of what they hold, so that equal plans of equal fleets get equal names
    first_instance = np.full(len(packing.host_class), len(packing.host_of), np.int64)
    np.minimum.at(first_instance, packing.host_of, np.arange(len(packing.host_of)))
    order = np.lexsort((first_instance, packing.host_class))
    names = _host_names(problem, packing, order, taken)
    spare_order = np.lexsort((pool.spares.site, pool.spares.host_class))
    spare_names = _host_names(problem, pool.spares, spare_order, taken)
    members = np.bincount(packing.host_of, minlength=len(packing.host_class))
    hosts = pl.concat(
        [
            _host_table(problem, packing, names, used, members, spare=False),
            _host_table(
                problem,
                pool.spares,
                spare_names,
                np.zeros((len(pool.spares.host_class), NUM_RESOURCES), np.int64),
                np.zeros(len(pool.spares.host_class), np.int64),
                spare=True,
            ),
        ]
    )
    # a service's instances are numbered along its hosts' names
    name_rank = np.empty(len(names), np.int64)
    name_rank[np.argsort(np.array(names, dtype=object), kind="stable")] = np.arange(len(names))
    host_of = packing.host_of[np.lexsort((name_rank[packing.host_of], workspace.service_of))]
    assignments = pl.DataFrame(
        {
            "service": pl.Series(problem.names, dtype=pl.String).gather(workspace.service_of),
            "instance": np.arange(len(host_of)) - workspace.first[workspace.service_of] + 1,
            "host": pl.Series(names, dtype=pl.String).gather(host_of),
        }
    )
    return hosts, assignments


def _host_names(problem: PoolProblem, packing: Packing, order: IntArray, taken: set[str]) -> list[str]:
    """Name hosts: standing ones keep their names, bought ones get ``region-size-number``.

    Other pools than `services` stand in the name, so that one pool's hosts do not renumber another's.
    """
    scope = problem.region if problem.pool == "services" else f"{problem.region}-{problem.pool}"
    names = [""] * len(packing.host_class)
    next_number: dict[str, int] = {}
    for h in order.tolist():
        s = int(packing.host_class[h])
        standing = problem.classes.hosts[s]
        if standing:
            names[h] = standing[int(packing.site[h])]
            continue
        stem = f"{scope}-{problem.classes.size[s]}"
        if len(stem) > _MAX_LABEL - 8:  # a DNS label must keep room for the number
            stem = f"{scope[:30].rstrip('-')}-{problem.classes.size[s][:23].rstrip('-')}"
        number = next_number.get(stem, 1)
        while f"{stem}-{number:05d}" in taken:
            number += 1
        names[h] = f"{stem}-{number:05d}"
        taken.add(names[h])
        next_number[stem] = number + 1
    return names


def _host_table(
    problem: PoolProblem,
    packing: Packing,
    names: list[str],
    used: IntArray,
    members: IntArray,
    *,
    spare: bool,
) -> pl.DataFrame:
    classes = problem.classes
    zones = [*problem.zones, ""]
    segments = [name for _, name in problem.segments]
    limit = classes.limit[packing.host_class]
    columns: dict[str, object] = {
        "host": pl.Series(names, dtype=pl.String),
        "size": pl.Series([classes.size[s] for s in packing.host_class], dtype=pl.String),
        "pool": pl.Series([problem.pool] * len(names), dtype=pl.String),
        "region": pl.Series([problem.region] * len(names), dtype=pl.String),
        "zone": pl.Series([zones[z] for z in packing.domain[0]], dtype=pl.String),
        "segment": pl.Series([segments[g] for g in packing.domain[1]], dtype=pl.String),
        "nic": pl.Series([classes.nic[s] for s in packing.host_class], dtype=pl.String),
        "spare": pl.Series([spare] * len(names), dtype=pl.Boolean),
        "price_per_hour": pl.Series(
            [price_from_micros(int(classes.price[s])) for s in packing.host_class], dtype=pl.Float64
        ),
        "instances": pl.Series(members, dtype=pl.Int64),
    }
    for r, resource in enumerate(RESOURCES):
        for suffix, amount in (("used", used[:, r]), ("limit", limit[:, r])):
            values = amount / resource.factor if resource.factor > 1 else amount
            kind = pl.Float64 if resource.factor > 1 else pl.Int64
            columns[f"{resource.column}_{suffix}"] = pl.Series(values, dtype=kind)
    return pl.DataFrame(columns)


def _alerts(fleet: Fleet, hosts: pl.DataFrame) -> tuple[Alert, ...]:
    """Planned host utilisation beyond the model's thresholds: one alert per metric and level, the worst host named.

    CPU counts against cores × overcommit, memory with the reserve against all of it; of NICs the network layer tells.
    """
    busy = hosts.filter(~pl.col("spare"))
    if busy.is_empty():
        return ()
    sizes = [fleet.sizes[name] for name in busy["size"]]
    reserve = np.array([size.os_reserved_mb for size in sizes])
    cpu = np.array([size.cpu_millicores for size in sizes]) / 1000 * fleet.policy.cpu_overcommit
    memory = np.array([size.memory_mb for size in sizes])
    disk = np.array([size.disk_mb for size in sizes]) / 1000
    utilisation = {
        "cpu": busy["cpu_cores_used"].to_numpy() / np.maximum(cpu, 1e-9),
        "memory": (busy["memory_mb_used"].to_numpy() + reserve) / np.maximum(memory, 1e-9),
        "disk": busy["disk_gb_used"].to_numpy() / np.maximum(disk, 1e-9),
    }
    alerts = []
    for threshold in fleet.model.alert_thresholds.values():
        if threshold.resource not in utilisation:
            continue
        value = utilisation[threshold.resource]
        worst = int(value.argmax())
        for level, limit in (("critical", threshold.critical), ("warning", threshold.warning)):
            over = int((value > limit + 1e-9).sum())
            if not over:
                continue
            more = f" and {over - 1} more hosts" if over > 1 else ""
            alerts.append(
                Alert(
                    level="critical" if level == "critical" else "warning",
                    metric=threshold.metric,
                    where=f"{busy['host'][worst]}{more}",
                    value=round(float(value[worst]), 6),
                    limit=float(limit),
                    advice=f"lower policy.headroom so that planned use stays under {limit:.0%}",
                )
            )
            break  # the higher level says it all
    return tuple(alerts)


def _estimates(fleet: Fleet, hosts: pl.DataFrame) -> tuple[dict[str, object], ...]:
    """Return the model's unvalidated figures that this plan rests on, with who must validate them."""
    services = fleet.services
    blank = services.filter(pl.any_horizontal(pl.col(resource.internal_column).is_null() for resource in RESOURCES))
    frontends = services.filter(pl.col("frontend"))
    profiles = sorted(set(blank["profile"]) | set(frontends["profile"]))
    sizes = sorted(set(hosts["size"]))
    tables = [table for pool in fleet.policy.pools for table in _TABLES_OF.get(pool, ())]
    tables += ["network.traffic", "network.replication"]
    if not fleet.topology.has_network:
        tiers = fleet.model.network.tiers.items()
        name = next(name for name, tier in tiers if tier.covers(len(fleet.services)))
        tables.append(f"network.tiers.{name}.fabric")
    entries = fleet.model.estimates_for(profiles, sizes, frontends.height > 0, tables=tables)
    return tuple(
        {
            "path": entry.path,
            "value": entry.typical,
            "unit": entry.unit,
            "source": entry.source,
            "owner": entry.owner,
        }
        for entry in entries
    )


def _settings(fleet: Fleet, options: Options, *, cut: bool, stopped: bool) -> dict[str, object]:
    settings: dict[str, object] = {
        "model": fleet.model.name,
        "model_digest": fleet.model.digest,
        "policy": fleet.policy.model_dump(mode="json"),
        "seed": options.seed,
        # the plan is not reproducible if time or a person ended its search; a limit not reached changed nothing
        "mode": "timed" if options.mode == "reproducible" and (cut or stopped) else options.mode,
        "target_gap": options.target_gap,
    }
    by_the_clock = cut or options.mode == "fast"
    if by_the_clock and options.time_limit_s is not None and math.isfinite(options.time_limit_s):
        settings["time_limit_s"] = options.time_limit_s
    if stopped:
        settings["interrupted"] = True
    return settings


def _versions() -> dict[str, str]:
    packages = ("placement", "ortools", "numba", "numpy")
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # run from a source tree that is not installed
            versions[package] = "unknown"
    return versions
