"""Plans put together by hand, without a solver: so many hosts, these instances on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from placement.fleet import Fleet, fleet_from_frames
from placement.instance import resolved_demands
from placement.plan.types import (
    ASSIGNMENTS_SCHEMA,
    HOSTS_SCHEMA,
    Bounds,
    Cost,
    FleetRef,
    HostCounts,
    Plan,
    PlanSummary,
)
from placement.units import NUM_RESOURCES, RESOURCES

ALONE: dict[str, Any] = {"needs_postgres": False, "needs_valkey": False}
"""A service that uses client, mtls, heartbeat and telemetry only: 5.5 + 0.5 + 0.05 + 1.25 = 7.3 Mbps, typically."""


def small_fleet(
    services: Mapping[str, Mapping[str, Any]],
    topology: Mapping[str, Any] | None = None,
    calls: list[tuple[str, str, float]] | None = None,
    **policy: Any,
) -> Fleet:
    """Return a fleet that plans services alone; each is given by its columns, 7.3 Mbps where it says nothing."""
    rows = [{"service": name, "network_mbps": 7.3, **ALONE, **columns} for name, columns in services.items()]
    names = sorted({key for row in rows for key in row})
    table = {key: [row.get(key) for row in rows] for key in names}
    called = None
    if calls:
        called = pl.DataFrame(calls, schema={"from": pl.String, "to": pl.String, "mbps": pl.Float64}, orient="row")
    policy = {"pools": ["services"], "spare": 0.0, **policy}
    return fleet_from_frames(services=pl.DataFrame(table), topology=topology, calls=called, policy=policy)


def hand_plan(fleet: Fleet, stands: Mapping[str, tuple[tuple[str, str, str], list[str]]], nic: str = "10gbe") -> Plan:
    """Return a plan: by host, its region, zone and segment and the services with an instance there."""
    hosts, assignments = [], []
    demand = dict(zip(fleet.services["service"].to_list(), resolved_demands(fleet), strict=True))
    numbers: dict[str, int] = {}
    for host, ((region, zone, segment), services) in sorted(stands.items()):
        row: dict[str, Any] = dict.fromkeys(HOSTS_SCHEMA, 0)
        row |= {"host": host, "size": "medium", "pool": "services", "region": region, "zone": zone, "segment": segment}
        row |= {"nic": nic, "spare": not services, "instances": len(services), "price_per_hour": 0.384}
        used = sum((demand[service] for service in services), np.zeros(NUM_RESOURCES, np.int64))
        for resource, amount in zip(RESOURCES, used.tolist(), strict=True):
            row[f"{resource.column}_used"] = amount / resource.factor if resource.factor > 1 else amount
        hosts.append(row)
        for service in services:
            numbers[service] = numbers.get(service, 0) + 1
            assignments.append((service, numbers[service], host))
    cost = Cost(currency="USD", per_hour=1.0, bound_per_hour=1.0, gap=0.0, spare_per_hour=0.0, total_per_hour=1.0)
    summary = PlanSummary(
        fleet=FleetRef(name=fleet.name, services=len(fleet.services), instances=len(assignments), digest=fleet.digest),
        status="feasible",
        cost=cost,
        hosts=HostCounts(total=len(hosts), spare=0, by_size={"medium": len(hosts)}),
        pools={},
    )
    return Plan(
        summary=summary,
        bounds=Bounds(certificates=()),
        hosts=pl.DataFrame(hosts, schema=HOSTS_SCHEMA).sort("host"),
        assignments=pl.DataFrame(assignments, schema=ASSIGNMENTS_SCHEMA, orient="row").sort("service", "instance"),
    )


def loads_of(plan: Plan) -> dict[str, float]:
    """Return the load in Mbps of each link."""
    return dict(plan.links.select("link", "load_mbps").iter_rows())
