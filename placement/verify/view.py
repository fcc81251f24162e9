"""The plan's tables as arrays: names resolved to row numbers, outer units turned into integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from placement.fleet.types import POOLS
from placement.plan.tables import TABLES, Table
from placement.plan.types import Plan
from placement.units import MICROS, RESOURCES, IntArray
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts

BoolArray = npt.NDArray[np.bool_]

UNREADABLE = -1
"""Stands for a number in the plan that is no whole number of internal units; no right figure is negative."""


@dataclass(frozen=True)
class PlanView:
    """A plan's tables as arrays. A row number of -1 means that the name is unknown.

    Parameters
    ----------
    plan
        The plan itself.
    hosts, services
        Names by row: of hosts.csv, and of the fleet's services (without a fleet: of those assigned, sorted).
    stated_used, stated_limit
        int64[num_hosts, num_resources], internal units: what hosts.csv says.
    stated_instances
        int64[num_hosts].
    price
        int64[num_hosts], micros per hour, as hosts.csv says.
    is_spare
        bool[num_hosts].
    host_pool
        int64[num_hosts]: pool as a number into `POOLS`, -1: there is no such pool.
    existing_idx
        int64[num_hosts]: row in the fleet's hosts, -1: bought.
    service_idx, host_idx, instance
        int64[num_assignments]: rows of services and hosts, and the instance's number.
    node_host_idx
        int64[num_nodes]: rows of hosts.
    node_demand, stated_node_demand
        int64[num_nodes, num_resources], internal units: what a node of its workload needs (as stated, where that is
        not known), and what nodes.csv says.
    used
        int64[num_hosts, num_resources]: load recomputed from instances and nodes. Without a fleet, nobody knows what
        an instance needs: the load is then as stated, but where nodes only run.
    limit
        int64[num_hosts, num_resources]: limit recomputed; as stated where fleet or size are not known.
    is_limit_known
        bool[num_hosts]: whether `limit` is the checker's own.
    num_instances
        int64[num_hosts]: instances and nodes there.
    """

    plan: Plan
    hosts: list[str]
    services: list[str]
    stated_used: IntArray
    stated_limit: IntArray
    stated_instances: IntArray
    price: IntArray
    is_spare: BoolArray
    host_pool: IntArray
    existing_idx: IntArray
    service_idx: IntArray
    host_idx: IntArray
    instance: IntArray
    node_host_idx: IntArray
    node_demand: IntArray
    stated_node_demand: IntArray
    used: IntArray
    limit: IntArray
    is_limit_known: BoolArray
    num_instances: IntArray

    @property
    def num_hosts(self) -> int:
        """Number of rows of hosts.csv."""
        return len(self.hosts)

    @property
    def is_used(self) -> BoolArray:
        """bool[num_hosts]: hosts that are no spares."""
        return ~self.is_spare


def tables_are_sound(plan: Plan, found: Collector) -> bool:
    """Report columns that are missing, unknown or of another type, and cells no plan can hold."""
    num_before = sum(found.counts.values())
    for table in TABLES:
        _check_table(table, getattr(plan, table.name), found)
    return sum(found.counts.values()) == num_before


def _check_table(table: Table, frame: pl.DataFrame, found: Collector) -> None:
    file = f"{table.name}.csv"
    for name in sorted(set(table.schema) ^ set(frame.columns)):
        what = "is missing" if name in table.schema else "is unknown"
        found.add("table-invalid", f"column {name} {what}", file=file)
    for name, kind in table.schema.items():
        if name not in frame.columns:
            continue
        column = frame[name]
        if column.dtype != kind:
            found.add("table-invalid", f"column {name} is of type {column.dtype}, not {kind}", file=file)
            continue
        if not frame.height:
            continue
        bad = column.is_null()
        if kind == pl.Float64():
            bad |= ~column.is_finite().fill_null(False) | (column < 0)
        elif kind == pl.Int64():
            bad |= column < 0
        for row in bad.fill_null(True).arg_true().to_list():
            found.add("table-invalid", f"column {name} holds {column[row]}", file=file, row=row + 1)


def plan_view(plan: Plan, facts: FleetFacts | None, workloads: pl.DataFrame | None) -> PlanView:
    """Turn a plan whose tables are sound into arrays.

    Parameters
    ----------
    plan
        The plan.
    facts
        The fleet; None: the plan's own files are all there is.
    workloads
        What must run beside the services (`tier_workloads.tier_workloads`); None without a fleet.
    """
    hosts, assignments, nodes = plan.hosts, plan.assignments, plan.nodes
    names = hosts["host"].to_list()
    services = assignments["service"].unique().sort() if facts is None else facts.fleet.services["service"]
    service_idx = row_numbers(assignments["service"], services)
    host_idx = row_numbers(assignments["host"], hosts["host"])
    node_host_idx = row_numbers(nodes["host"], hosts["host"])
    stated_node_demand = _stated(nodes, "")
    node_demand = _node_demand(nodes, stated_node_demand, workloads)
    stated_used = _stated(hosts, "_used")
    stated_limit = _stated(hosts, "_limit")
    num_hosts = len(names)
    existing_idx = np.full(num_hosts, -1, dtype=np.int64)
    used = _load(node_demand, node_host_idx, num_hosts)
    num_instances = np.bincount(host_idx[host_idx >= 0], minlength=num_hosts).astype(np.int64)
    num_nodes = np.bincount(node_host_idx[node_host_idx >= 0], minlength=num_hosts).astype(np.int64)
    limit, is_limit_known = stated_limit, np.zeros(num_hosts, dtype=np.bool_)
    if facts is not None:
        existing_idx[:] = [facts.host_idx.get(name, -1) for name in names]
        is_known = service_idx >= 0
        used = used + _load(facts.demand[service_idx[is_known]], host_idx[is_known], num_hosts)
        limit, is_limit_known = _limits(hosts, existing_idx, stated_limit, facts)
    else:
        runs_nodes_only = (num_instances == 0) & (num_nodes > 0)
        used = np.where(runs_nodes_only[:, None], used, stated_used)
    return PlanView(
        plan=plan,
        hosts=names,
        services=services.to_list(),
        stated_used=stated_used,
        stated_limit=stated_limit,
        stated_instances=hosts["instances"].to_numpy(),
        price=whole(hosts["price_per_hour"], MICROS),
        is_spare=hosts["spare"].to_numpy().astype(np.bool_),
        host_pool=row_numbers(hosts["pool"], pl.Series(POOLS)),
        existing_idx=existing_idx,
        service_idx=service_idx,
        host_idx=host_idx,
        instance=assignments["instance"].to_numpy(),
        node_host_idx=node_host_idx,
        node_demand=node_demand,
        stated_node_demand=stated_node_demand,
        used=used,
        limit=limit,
        is_limit_known=is_limit_known,
        num_instances=num_instances + num_nodes,
    )


def row_numbers(names: pl.Series, known: pl.Series) -> IntArray:
    """Return the row of each name in `known` (its first), -1 where it is not there."""
    table = pl.DataFrame({"name": known, "row": np.arange(len(known), dtype=np.int64)}).unique(
        "name", keep="first", maintain_order=True
    )
    joined = pl.DataFrame({"name": names}).join(table, on="name", how="left", maintain_order="left")
    return joined["row"].fill_null(-1).to_numpy().astype(np.int64)


def _stated(table: pl.DataFrame, end: str) -> IntArray:
    columns = [whole(table[f"{resource.column}{end}"], resource.factor) for resource in RESOURCES]
    return np.stack(columns, axis=1)


def _node_demand(nodes: pl.DataFrame, stated: IntArray, workloads: pl.DataFrame | None) -> IntArray:
    """Return what the nodes need: as much as their workload's, what is stated (0 at least) where that is not known."""
    demand = np.maximum(stated, 0)
    if workloads is not None:
        needs = [resource.internal_column for resource in RESOURCES]
        known = workloads.filter(pl.col(needs[0]).is_not_null())
        row = row_numbers(nodes["workload"], known["workload"])
        demand[row >= 0] = known.select(needs).to_numpy()[row[row >= 0]]
    return demand


def whole(column: pl.Series, factor: int) -> IntArray:
    """Scale outer units to the integers inside; `UNREADABLE` where they are none."""
    scaled = column.to_numpy().astype(np.float64) * factor
    nearest = np.rint(scaled)
    # a quotient of integers below 1e15 comes back within one part in 1e15
    is_whole = (np.abs(scaled - nearest) <= 1e-3) & (np.abs(nearest) < 2.0**62)
    return np.where(is_whole, nearest, UNREADABLE).astype(np.int64)


def _load(demand: IntArray, host_idx: IntArray, num_hosts: int) -> IntArray:
    """Add up demands, int64[n, num_resources], on each host, exactly; those on no host of the plan are left out."""
    known = host_idx >= 0
    order = np.argsort(host_idx[known], kind="stable")
    on_host = host_idx[known][order]
    load = np.zeros((num_hosts, len(RESOURCES)), dtype=np.int64)
    if len(on_host):
        starts = np.flatnonzero(np.diff(on_host, prepend=-1))
        load[on_host[starts]] = np.add.reduceat(demand[known][order], starts, axis=0)
    return load


def _limits(
    hosts: pl.DataFrame, existing_idx: IntArray, stated: IntArray, facts: FleetFacts
) -> tuple[IntArray, BoolArray]:
    """Return the limits of hosts, by inventory or by pool and size, and whether they could be known."""
    limit = stated.copy()
    known = np.zeros(hosts.height, dtype=np.bool_)
    for pool, size in hosts.select("pool", "size").unique().iter_rows():
        # a pool that there is not is told elsewhere: its hosts are held against those of services
        bought = facts.bought.get((pool if pool in POOLS else "services", size))
        if bought is not None:
            rows = ((hosts["pool"] == pool) & (hosts["size"] == size)).to_numpy()
            limit[rows] = bought.limit
            known |= rows
    is_existing = existing_idx >= 0
    limit[is_existing] = facts.host_limits[existing_idx[is_existing]]
    return limit, known | is_existing
