"""A small plan for all tests of exports: replicas, a front end, measured demands, pooled and dedicated databases."""

from __future__ import annotations

import pytest

from placement.engine import place
from placement.export.source import Source, source_of
from placement.fleet import Fleet, fleet_from_frames
from placement.plan.types import Plan

SERVICES = {
    "service": ["billing-ledger", "orders-api", "shop", "shop-frontend"],
    "instances": ["1", "3", "2", "2"],
    "profile": ["typical", "typical", "backend-normal", "minimal"],
    "memory_mb": ["3000", "", "", ""],
    "cpu_cores": ["2.5", "", "", ""],
    "open_files": ["100000", "", "", ""],
    "domain": ["billing {{ 7 * 7 }}", "orders", '100% "shop"\\', ""],
    "frontend": ["false", "false", "true", "false"],
    "needs_postgres": ["true", "true", "true", "false"],
    "needs_valkey": ["false", "true", "true", "false"],
    "spread": ["host", "zone", "host", "host"],
}
TOPOLOGY = {
    "format": "placement/topology/1",
    "regions": [{"region": "eu-1", "zones": [{"zone": "a"}, {"zone": "b", "segments": [{"segment": "s1"}]}]}],
}


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """Return the fleet; PgBouncers stand before clusters of any number of services."""
    return fleet_from_frames(
        name="exported",
        services={**SERVICES, "region": ["eu-1"] * 4},
        topology=TOPOLOGY,
        override={"postgres.pgbouncer.services_from": 0},
        policy={"postgres": {"default": "clusters", "services": {"billing-ledger": "dedicated"}}},
    )


@pytest.fixture(scope="session")
def told() -> Fleet:
    """Return the fleet without what cannot be written down, its services on NICs of 1 Gbps."""
    return fleet_from_frames(
        name="told",
        services={**SERVICES, "region": ["eu-1"] * 4},
        topology=TOPOLOGY,
        policy={"postgres": {"services": {"billing-ledger": "dedicated"}}, "nic": {"services": "1gbe"}},
    )


@pytest.fixture(scope="session")
def plan(fleet: Fleet) -> Plan:
    return place(fleet)


@pytest.fixture(scope="session")
def source(plan: Plan, fleet: Fleet) -> Source:
    return source_of(plan, fleet)
