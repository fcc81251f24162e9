"""Pools that draw on the same limited stock or room: they take turns, and together take no more than there is."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from placement.engine import place
from placement.errors import InfeasibleError
from placement.fleet import Fleet, fleet_from_frames
from placement.instance import build_problems
from placement.sharing import in_turns

BOX = {
    "cpu_cores": 32, "memory_mb": 130_000, "os_reserved_mb": 2_000, "max_open_files": 10_000_000,
    "max_threads": 900_000, "disk_gb": 2_000, "nic_mbps": 10_000, "price_per_hour": 1.0,
}  # fmt: skip


def boxes(stock: int | None, max_hosts: int | None = None, **policy: Any) -> Fleet:
    """Three services in a region that can have so many boxes, or has room for so many hosts."""
    region: dict[str, Any] = {"region": "main"}
    if max_hosts is not None:
        region["max_hosts"] = max_hosts
    return fleet_from_frames(
        name="boxes",
        model="rithmxo-1.0",
        services={"service": ["a", "b", "c"], "cpu_cores": [30.0] * 3, "instances": [1, 1, 1]},
        sizes={"size": ["box"], **{name: [value] for name, value in BOX.items()}, "stock": [stock]},
        topology={"format": "placement/topology/1", "regions": [region]},
        policy={"spare": 0, **policy},
    )


def workloads(fleet: Fleet) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "workload": ["x"], "pool": ["caches"], "kind": ["valkey"], "region": ["main"], "tier": ["v-2"],
            "instances": [1], "primaries": [1], "max_per_host": [1], "spread": ["host"], "cpu_millicores": [1000],
            "memory_mb": [2500], "open_files": [10], "threads": [10], "disk_mb": [10], "network_kbps": [10],
        }
    )  # fmt: skip


def test_pools_that_buy_any_number_run_together() -> None:
    fleet = boxes(None)
    assert in_turns(build_problems(fleet, workloads(fleet)), [0, 1]) == [[0, 1]]


@pytest.mark.parametrize(("stock", "max_hosts"), [(9, None), (None, 9)])
def test_pools_that_share_stock_or_room_take_turns(stock: int | None, max_hosts: int | None) -> None:
    fleet = boxes(stock, max_hosts)
    assert in_turns(build_problems(fleet, workloads(fleet)), [0, 1]) == [[0], [1]]


@pytest.mark.parametrize("by_stock", [True, False])
def test_together_they_take_no_more_than_there_is(by_stock: bool) -> None:
    # 30 of 32 x 2 x 0.7 = 44.8 cores a service: three boxes for services; the caches' pool needs one more
    pools = ["services", "caches"]
    enough = boxes(4, None, pools=pools) if by_stock else boxes(None, 4, pools=pools)
    plan = place(enough)
    assert dict(plan.hosts["pool"].value_counts().iter_rows()) == {"services": 3, "caches": 1}
    assert plan.summary.pools["caches"].bound_per_hour == 1.0
    short = boxes(3, None, pools=pools) if by_stock else boxes(None, 3, pools=pools)
    with pytest.raises(InfeasibleError) as caught:
        place(short)
    (reason,) = caught.value.reasons
    assert "workload valkey" in str(reason) or "pool caches" in str(reason)


def test_a_standing_host_serves_its_pool_only() -> None:
    fleet = fleet_from_frames(
        name="owned",
        model="rithmxo-1.0",
        services={"service": ["a"], "cpu_cores": [1.0], "instances": [1]},
        sizes={"size": ["box"], **{name: [value] for name, value in BOX.items()}},
        hosts={
            "host": ["own-1", "own-2"], "size": ["box", "box"], "pool": ["caches", "services"],
            "price_per_hour": [0, 0],
        },
        policy={"spare": 0, "pools": ["services", "caches"]},
    )  # fmt: skip
    plan = place(fleet)
    assert dict(plan.hosts.select("host", "pool").iter_rows()) == {"own-1": "caches", "own-2": "services"}
    assert plan.summary.cost.per_hour == 0
