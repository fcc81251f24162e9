"""Random small fleets with data tiers: naive plans are clean, and a plan of another fleet or model is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harbour import set_cells
from naive_tier_plan import naive_tier_plan

from placement.fleet import Fleet, fleet_from_frames
from placement.plan.types import Plan
from placement.verify import check_plan

NUM_FLEETS = 16


def random_fleet(seed: int) -> Fleet:
    """Make a fleet of a few services: regions, zones, standing hosts, every arrangement, model's figures changed."""
    rng = np.random.default_rng(seed)
    num = int(rng.integers(2, 14))
    regions = ["north", "south"][: int(rng.integers(1, 3))]
    zones = [{"zone": f"z{i}"} for i in range(int(rng.integers(0, 4)))]

    def sometimes(values: Any, share: float = 0.5) -> list[Any]:
        return [value if rng.random() < share else None for value in np.asarray(values).tolist()]

    services = {
        "service": [f"{'long-' * int(rng.integers(0, 9))}svc-{i:02d}" for i in range(num)],
        "instances": rng.integers(1, 7, num).tolist(),
        "region": rng.choice(regions, num).tolist(),
        "domain": rng.choice(["", "Ä & B", "pay", "shop"], num).tolist(),
        "load_profile": rng.choice(["balanced", "read-heavy", "write-heavy"], num).tolist(),
        "sensitivity": rng.choice(["internal", "public", "pii"], num).tolist(),
        "db_storage_gb": sometimes(np.round(rng.lognormal(0, 2, num), 3)),
        "db_rows": sometimes(rng.integers(0, 30_000_000, num)),
        "db_connections": sometimes(rng.integers(1, 30, num), 0.3),
        "valkey_mb": sometimes(rng.integers(1, 3000, num)),
        "valkey_function": rng.choice(["", "locks", "Rate limits"], num).tolist(),
        "needs_postgres": (rng.random(num) < 0.8).tolist(),
        "needs_valkey": (rng.random(num) < 0.8).tolist(),
        "cpu_cores": [0.1] * num,
        "memory_mb": [100] * num,
    }
    hosts = None
    if rng.random() < 0.5 and not zones:
        count = int(rng.integers(1, 5))
        hosts = {
            "host": [f"old-{i}" for i in range(count)],
            "size": rng.choice(["small", "large"], count).tolist(),
            "region": rng.choice(regions, count).tolist(),
            "pool": rng.choice(["services", "databases", "caches", "platform"], count).tolist(),
            "state": rng.choice(["active", "active", "draining"], count).tolist(),
            "price_per_hour": rng.choice([0.0, 0.05, 0.3], count).tolist(),
        }
    policy: dict[str, Any] = {
        "pools": rng.choice(["services", "databases", "caches", "platform"], int(rng.integers(1, 5)), False).tolist(),
        "postgres": {
            "default": str(rng.choice(["auto", "single", "clusters", "dedicated"])),
            "domains": {"pay": str(rng.choice(["clusters", "dedicated"]))} if "pay" in services["domain"] else {},
        },
        "valkey": str(rng.choice(["auto", "single", "replicated", "cluster", "federated"])),
        "spare": float(rng.choice([0.0, 0.05])),
        "demand": str(rng.choice(["low", "typical", "high"])),
        "headroom": float(rng.choice([0.57, 0.7, 1.0])),
    }
    override = {
        "postgres": {
            "pgbouncer": {"services_from": int(rng.choice([0, 50])), "min_processes": int(rng.integers(1, 4))},
            "storage_formula": {"growth_factor": float(rng.choice([1.0, 1.37]))},
        },
        "valkey": {"clusters": {"replicas_per_primary": int(rng.integers(1, 3)), "max_primaries": 5}},
        "grouping": {"load_profiles": {"balanced": {"read_replicas": int(rng.integers(1, 3))}}},
    }
    return fleet_from_frames(
        services=services,
        topology={"format": "placement/topology/1", "regions": [{"region": r, "zones": zones} for r in regions]},
        hosts=hosts,
        policy=policy,
        override=override,
    )


def planned(seed: int) -> tuple[Fleet, Plan]:
    """Return the first random fleet from this seed on that the naive planner can plan."""
    for attempt in range(100):
        fleet = random_fleet(seed + 1000 * attempt)
        plan = naive_tier_plan(fleet)
        if plan is not None:
            return fleet, plan
    raise AssertionError("the naive planner finds no plan for any of 100 fleets")


@pytest.mark.parametrize("seed", range(NUM_FLEETS))
def test_naive_plans_are_clean(seed: int) -> None:
    fleet, plan = planned(seed)
    assert [str(finding) for finding in check_plan(plan, fleet).findings] == []
    assert [str(finding) for finding in check_plan(plan, None).findings] == []


@pytest.mark.parametrize("seed", range(NUM_FLEETS))
def test_any_number_of_the_data_tier_counts(seed: int) -> None:
    fleet, plan = planned(seed)
    rng = np.random.default_rng(seed)
    tables = [t for t in ("nodes", "databases", "postgres_clusters", "caches", "valkey_clusters")
              if getattr(plan, t).height]  # fmt: skip
    for _ in range(6 if tables else 0):
        table = str(rng.choice(tables))
        frame = getattr(plan, table)
        row = frame.row(int(rng.integers(frame.height)), named=True)
        column = str(rng.choice([name for name, kind in frame.schema.items() if kind.is_numeric()]))
        step = 1 if frame.schema[column].is_integer() else 0.001
        edited = set_cells(plan, table, row[frame.columns[0]], **{column: row[column] + step * int(rng.integers(1, 5))})
        assert not check_plan(edited, fleet).is_clean, (table, row[frame.columns[0]], column)
