"""The data tier of a plan without its fleet: what its tables alone betray."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harbour import FLEETS, copy_row, drop_row, set_cells
from naive_tier_plan import naive_tier_plan
from town import set_host

from placement.plan.types import Plan
from placement.verify import check_plan

PLAN = naive_tier_plan(FLEETS["pooled"])
assert PLAN is not None
SHOP, CACHE = "pg-east-shop-01", "valkey-east-cache-01"
HOST = PLAN.nodes.filter(node=f"{SHOP}-1")["host"].item()


@pytest.mark.parametrize(
    ("edit", "kinds"),
    [
        (lambda p: set_cells(p, "databases", "gate", cluster="pg-nowhere-01"), {"unknown-cluster", "cluster-wrong"}),
        (lambda p: set_cells(p, "databases", "gate", clients=30), {"cluster-wrong"}),
        (lambda p: copy_row(p, "databases", "gate"), {"database-twice"}),
        (lambda p: copy_row(p, "postgres_clusters", SHOP), {"cluster-twice"}),
        (lambda p: set_cells(p, "postgres_clusters", SHOP, memory_mb_limit=100), {"cluster-over-limit"}),
        (lambda p: set_cells(p, "postgres_clusters", SHOP, nodes=4), {"node-missing"}),
        (lambda p: set_cells(p, "postgres_clusters", SHOP, nodes=2), {"node-surplus"}),
        (lambda p: copy_row(p, "postgres_clusters", SHOP, cluster="pg-east-shop-02"),
            {"cluster-unused", "node-missing"}),
        (lambda p: set_cells(p, "valkey_clusters", CACHE, memory_mb_used=1), {"cluster-wrong"}),
        (lambda p: set_cells(p, "valkey_clusters", CACHE, memory_mb_limit=8000), {"cluster-over-limit"}),
        (lambda p: copy_row(p, "caches", "gate"), {"cache-twice"}),
        (lambda p: set_cells(p, "caches", "gate", memory_mb=1), {"cluster-wrong"}),
        (lambda p: set_cells(p, "nodes", f"{SHOP}-1", role="replica"), {"role-wrong"}),
        (lambda p: set_cells(p, "nodes", f"{CACHE}-2", role="primary"), {"role-wrong"}),
        (lambda p: set_cells(p, "nodes", f"{SHOP}-1", host="nowhere"),
            {"unknown-host", "host-unused", "instances-wrong"}),
        (lambda p: set_cells(p, "nodes", f"{SHOP}-1", memory_mb=1), {"used-wrong"}),
        (lambda p: drop_row(p, "nodes", "sia-west-1"), {"instances-wrong", "used-wrong"}),
        (lambda p: set_host(p, HOST, pool="caches"), {"wrong-pool", "pool-wrong", "gap-wrong", "spare-too-small"}),
    ],
)  # fmt: skip
def test_what_the_tables_alone_betray(edit: Callable[[Plan], Plan], kinds: set[str]) -> None:
    found = check_plan(edit(PLAN), None)
    assert set(found.counts) == kinds, [str(finding) for finding in found.findings]
