"""A small fleet with one of everything, and edits of plans that keep their books straight.

Two regions; `east` has two zones, three segments and an inventory of four hosts, `west` is bare. `giant` fits medium
hosts only, of which three can be bought. All demands are given, so the capacity model has no say.

Limits (headroom 0.70, overcommit 1.5): small 4 x 1.5 x 0.7 = 4.2 cores, (10,000 - 1,000) x 0.7 = 6,300 MB; medium
8 x 1.5 x 0.7 = 8.4 cores, (20,000 - 1,000) x 0.7 = 13,300 MB.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
from naive_network import bought_nic_kbps, with_network
from naive_planner import demands_of, gap_of, limits_of

from placement.fleet import Fleet, fleet_from_frames
from placement.fleet.types import POOLS
from placement.plan.types import Plan
from placement.units import RESOURCES

SERVICES = {
    # name: instances, max_per_host, region, spread, cpu cores, memory MB
    "api": (4, 2, "east", "host", 1.0, 1500),
    "batch": (3, 3, "east", "host", 0.5, 1000),
    "cache": (3, 1, "east", "segment", 0.5, 800),
    "giant": (1, 1, "east", "host", 1.0, 10000),
    "log": (1, 1, "west", "host", 0.5, 700),
    "mail": (2, 1, "west", "host", 2.0, 3000),
    "web": (4, 1, "east", "zone", 1.0, 1000),
}
SIZES = {
    "size": ["small", "medium"],
    "cpu_cores": [4, 8],
    "memory_mb": [10000, 20000],
    "os_reserved_mb": [1000, 1000],
    "max_open_files": [100000, 200000],
    "disk_gb": [100, 200],
    "nic_mbps": [1000, 2000],
    "price_per_hour": [0.1, 0.19],
    "stock": [None, 3],
}
HOSTS = {
    "host": ["old-1", "old-2", "old-drained", "old-failed"],
    "size": ["small", "small", "small", "small"],
    "region": ["east"] * 4,
    "zone": ["za", "zb", "za", "zb"],
    "segment": ["sa1", "sb1", "sa1", "sb1"],
    "state": ["active", "active", "draining", "failed"],
    "price_per_hour": [0.05, 0.05, 0.05, 0.05],
}
RULES = {"service": ["api", "batch"], "other": ["batch", "batch"], "max_instances": [0, 2]}
TOPOLOGY = {
    "format": "placement/topology/1",
    "regions": [
        {
            "region": "east",
            "zones": [
                {"zone": "za", "segments": [{"segment": "sa1"}, {"segment": "sa2", "max_hosts": 3}]},
                {"zone": "zb", "segments": [{"segment": "sb1"}]},
            ],
        },
        {"region": "west"},
    ],
}
POLICY = {"headroom": 0.7, "cpu_overcommit": 1.5, "spare": 0.05, "pools": ["services"]}


def town(**changes: Any) -> Fleet:
    """Build the fleet; keyword arguments replace parts of it."""
    names = list(SERVICES)
    columns = list(zip(*SERVICES.values(), strict=True))
    parts: dict[str, Any] = {
        "name": "town",
        "services": {
            "service": names,
            "instances": columns[0],
            "max_per_host": columns[1],
            "region": columns[2],
            "spread": columns[3],
            "cpu_cores": columns[4],
            "memory_mb": columns[5],
            "open_files": [100] * len(names),
            "threads": [20] * len(names),
            "disk_gb": [1.5] * len(names),
            "network_mbps": [10.25] * len(names),
        },
        "sizes": SIZES,
        "hosts": HOSTS,
        "interference": RULES,
        "topology": TOPOLOGY,
        "policy": POLICY,
        "currency": "USD",
    }
    return fleet_from_frames(**(parts | changes))


# --- edits --------------------------------------------------------------------------------------------------


def host_of(plan: Plan, service: str, instance: int) -> str:
    rows = plan.assignments.filter((pl.col("service") == service) & (pl.col("instance") == instance))
    return str(rows["host"][0])


def first_host(plan: Plan, **where: Any) -> str:
    """Name of the first host whose columns have these values."""
    return str(plan.hosts.filter(**where)["host"][0])


def set_host(plan: Plan, host: str, **cells: Any) -> Plan:
    is_host = pl.col("host") == host
    changed = [
        pl.when(is_host).then(pl.lit(value, dtype=plan.hosts.schema[column])).otherwise(pl.col(column)).alias(column)
        for column, value in cells.items()
    ]
    return replace(plan, hosts=plan.hosts.with_columns(changed))


def drop_host(plan: Plan, host: str) -> Plan:
    return replace(plan, hosts=plan.hosts.filter(pl.col("host") != host))


def copy_host(plan: Plan, host: str, name: str, **cells: Any) -> Plan:
    """Add a copy of a host under another name."""
    row = plan.hosts.filter(pl.col("host") == host).with_columns(pl.lit(name).alias("host"))
    return set_host(replace(plan, hosts=pl.concat([plan.hosts, row])), name, **cells)


def assign(plan: Plan, service: str, instance: int, host: str) -> Plan:
    """Add an assignment."""
    row = pl.DataFrame([(service, instance, host)], schema=plan.assignments.schema, orient="row")
    return replace(plan, assignments=pl.concat([plan.assignments, row]).sort("service", "instance"))


def unassign(plan: Plan, service: str, instance: int) -> Plan:
    gone = (pl.col("service") == service) & (pl.col("instance") == instance)
    return replace(plan, assignments=plan.assignments.filter(~gone))


def move(plan: Plan, service: str, instance: int, host: str) -> Plan:
    return assign(unassign(plan, service, instance), service, instance, host)


def set_summary(plan: Plan, path: str, value: Any) -> Plan:
    """Set a dotted key of plan.json, unchecked."""
    data = plan.summary.model_dump()
    *parents, last = path.split(".")
    part = data
    for key in parents:
        part = part[key]
    part[last] = value
    return replace(plan, summary=type(plan.summary).model_validate(data))


def set_certificate(plan: Plan, region: str, edit: Callable[[dict[str, Any]], None]) -> Plan:
    """Edit the certificate of a region as data."""
    data = plan.bounds.model_dump()
    for certificate in data["certificates"]:
        if certificate["region"] == region:
            edit(certificate)
    return replace(plan, bounds=type(plan.bounds).model_validate(data))


def straighten(plan: Plan, fleet: Fleet) -> Plan:
    """Recompute every figure that follows from others, so that an edit breaks its own rule and nothing else."""
    names = fleet.services["service"].to_list()
    demand = dict(zip(names, demands_of(fleet), strict=True))
    loads: dict[str, list[int]] = defaultdict(lambda: [0] * len(RESOURCES))
    running: Counter[str] = Counter()
    for service, _, host in plan.assignments.iter_rows():
        running[host] += 1
        for r, d in enumerate(demand.get(service, ())):
            loads[host][r] += d
    for row in plan.nodes.to_dicts():
        running[row["host"]] += 1
        for r, resource in enumerate(RESOURCES):
            loads[row["host"]][r] += round(row[resource.column] * resource.factor)
    nics = dict(fleet.hosts.select("host", "nic_kbps").iter_rows())
    rows = []
    for row in plan.hosts.to_dicts():
        nic_kbps = nics.get(row["host"]) or bought_nic_kbps(fleet, row["size"], row["pool"])
        limit = limits_of(fleet, row["size"], nic_kbps)
        for resource, load, most in zip(RESOURCES, loads[row["host"]], limit, strict=True):
            is_whole = resource.factor == 1
            row[f"{resource.column}_used"] = load if is_whole else load / resource.factor
            row[f"{resource.column}_limit"] = most if is_whole else most / resource.factor
        row["instances"] = running[row["host"]]
        rows.append(row)
    plan = replace(plan, hosts=pl.DataFrame(rows, schema=plan.hosts.schema).sort("host"))
    cost = sum(round(row["price_per_hour"] * 1e6) for row in rows if not row["spare"])
    spare = sum(round(row["price_per_hour"] * 1e6) for row in rows if row["spare"])
    pools, bound = {}, 0
    for pool in sorted({certificate.pool for certificate in plan.bounds.certificates} & set(POOLS)):
        # hosts of no known pool are counted with the services
        used = [
            row for row in rows if not row["spare"] and pool == (row["pool"] if row["pool"] in POOLS else "services")
        ]
        paid = sum(round(row["price_per_hour"] * 1e6) for row in used)
        proven = sum(c.bound_micros_per_hour for c in plan.bounds.certificates if c.pool == pool)
        bound += proven
        pools[pool] = {
            "per_hour": paid / 1e6, "bound_per_hour": proven / 1e6, "gap": gap_of(paid, proven), "hosts": len(used)
        }  # fmt: skip
    gap = gap_of(cost, bound)
    num_used = sum(not row["spare"] for row in rows)
    figures = {
        "status": "optimal" if cost == bound else "feasible",
        "cost.per_hour": cost / 1e6,
        "cost.spare_per_hour": spare / 1e6,
        "cost.total_per_hour": (cost + spare) / 1e6,
        "cost.bound_per_hour": bound / 1e6,
        "cost.gap": gap,
        "hosts.total": len(rows),
        "hosts.spare": len(rows) - num_used,
        "hosts.by_size": dict(Counter(row["size"] for row in rows)),
        "pools": pools,
        "fleet.instances": fleet.num_instances,
        "fleet.services": fleet.services.height,
    }
    for path, value in figures.items():
        plan = set_summary(plan, path, value)
    return with_network(plan, fleet)
