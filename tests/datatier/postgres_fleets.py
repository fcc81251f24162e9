"""Fleets for the tests of databases."""

from __future__ import annotations

from typing import Any

from valkey_fleets import host_size

from placement.datatier.postgres import PostgresTier, plan_postgres
from placement.fleet import Fleet, fleet_from_frames
from placement.packing.options import Options


def database_fleet(services: dict[str, list[Any]], postgres: Any = "auto", **others: Any) -> Fleet:
    """A fleet on hosts of which all may be used, at 100: a node of shared-s takes 8 % (memory), one of tier s 2 %."""
    policy = {"headroom": 1.0, "cpu_overcommit": 1.0, "network_limit": 1.0, "postgres": postgres}
    policy |= others.pop("policy", {})
    others.setdefault("sizes", host_size(100_000, 100))
    return fleet_from_frames(name="test", services=services, model="rithmxo-1.0", policy=policy, **others)


def databases_of(rows: list[dict[str, Any]], postgres: Any = "auto", *, idle: int = 0, **others: Any) -> Fleet:
    """A fleet of services s0, s1, … with these cells, and of `idle` services z0, z1, … without a database."""
    keys = sorted({key for row in rows for key in row} | {"needs_postgres"})
    columns: dict[str, list[Any]] = {
        key: [*(str(row.get(key, "")) for row in rows), *[""] * idle] for key in keys if key != "service"
    }
    columns["needs_postgres"] = [*["true"] * len(rows), *["false"] * idle]
    columns["service"] = [
        *(row.get("service", f"s{n:04}") for n, row in enumerate(rows)),
        *(f"z{n}" for n in range(idle)),
    ]
    return database_fleet(columns, postgres, **others)


def plan(fleet: Fleet, **options: Any) -> PostgresTier:
    return plan_postgres(fleet, Options(**options), lambda progress: None, lambda: False)
