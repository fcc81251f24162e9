"""Small fleets with data tiers, one for every arrangement, and edits of their plans.

Services ask for so little that two hosts hold them all; what matters is what they share. Region `east` has two zones,
`west` none. Node demands, limits and prices are the model's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from placement.fleet import Fleet, fleet_from_frames
from placement.plan.types import Plan

SERVICES = {
    # name: instances, region, domain, load profile, sensitivity, db rows, cache MB, function
    "account": (2, "east", "people", "balanced", "internal", 1_000_000, 900, ""),
    "basket": (3, "east", "shop", "write-heavy", "internal", None, 2500, ""),
    "catalog": (4, "east", "shop", "read-heavy", "public", 20_000_000, 4000, ""),
    "doctor": (1, "east", "people", "balanced", "restricted", 50_000, None, "locks"),
    "export": (2, "west", "Data & Co", "balanced", "internal", None, None, ""),
    "freight": (2, "east", "shop", "read-heavy", "internal", 2_000_000, 1500, "locks"),
    "gate": (2, "east", "", "balanced", "internal", None, 1200, ""),
    "hold": (1, "west", "Data & Co", "write-heavy", "internal", 9_000_000, 300, ""),
    "yard": (1, "west", "", "balanced", "internal", None, None, ""),  # needs neither
}
TOPOLOGY = {
    "format": "placement/topology/1",
    "regions": [
        {"region": "east", "zones": [{"zone": "za"}, {"zone": "zb"}]},
        {"region": "west"},
    ],
}


def harbour(policy: dict[str, Any] | None = None, **changes: Any) -> Fleet:
    """Build the fleet under a policy; keyword arguments replace parts of it."""
    names = list(SERVICES)
    columns = list(zip(*SERVICES.values(), strict=True))
    parts: dict[str, Any] = {
        "name": "harbour",
        "services": {
            "service": names,
            "instances": columns[0],
            "region": columns[1],
            "domain": columns[2],
            "load_profile": columns[3],
            "sensitivity": columns[4],
            "db_rows": columns[5],
            "valkey_mb": columns[6],
            "valkey_function": columns[7],
            "needs_postgres": [name != "yard" for name in names],
            "needs_valkey": [name != "yard" for name in names],
            "cpu_cores": [0.1] * len(names),
            "memory_mb": [100] * len(names),
        },
        "topology": TOPOLOGY,
        "policy": policy or {},
    }
    return fleet_from_frames(**(parts | changes))


POOLED = {"postgres": {"pgbouncer": {"services_from": 0}}}
"""A model with PgBouncers for the smallest fleet."""

SMALL = {"valkey": {"clusters": {"max_primaries": 3}}}
"""A model whose largest Valkey holds 3 x 32,000 x 0.7 = 67,200 MB."""

FLEETS: dict[str, Fleet] = {
    "single": harbour({"postgres": "single", "valkey": "single"}),
    "auto": harbour(),
    "clusters": harbour({"postgres": "clusters", "valkey": "replicated"}),
    "pooled": harbour({"postgres": "clusters", "valkey": "cluster"}, override=POOLED),
    "dedicated": harbour({"postgres": "dedicated", "valkey": "federated"}),
    "mixed": harbour(
        {
            "postgres": {"default": "clusters", "domains": {"people": "dedicated"}, "services": {"hold": "single"}},
            "valkey": {"default": "cluster", "services": {"gate": "single", "basket": "replicated"}},
            "pool_sizes": {"caches": ["large", "xlarge"]},
            "spare": 0.0,
        },
        override=POOLED,
    ),
    "federated": harbour(
        {"pools": ["caches"], "valkey": "federated"},
        override=SMALL,
        services={
            "service": ["ant", "bee", "cow"],
            "domain": ["zoo", "zoo", ""],
            "valkey_mb": [40_000, 30_000, 500],
        },
        topology=None,
    ),
    "databases only": harbour({"pools": ["databases"], "demand": "high"}),
    "caches and platform": harbour({"pools": ["platform", "caches"], "demand": "low"}),
}
"""By name, one for every arrangement of databases and caches, with and without PgBouncers, whole and in part."""


def set_cells(plan: Plan, table: str, key: str, **cells: Any) -> Plan:
    """Set cells of the row of a table whose first column is `key`."""
    frame: pl.DataFrame = getattr(plan, table)
    is_row = pl.col(frame.columns[0]) == key
    changed = [
        pl.when(is_row).then(pl.lit(value, dtype=frame.schema[column])).otherwise(pl.col(column)).alias(column)
        for column, value in cells.items()
    ]
    assert frame.filter(is_row).height == 1, key
    return replace(plan, **{table: frame.with_columns(changed)})


def drop_row(plan: Plan, table: str, key: str) -> Plan:
    frame: pl.DataFrame = getattr(plan, table)
    assert frame.filter(pl.col(frame.columns[0]) == key).height == 1, key
    return replace(plan, **{table: frame.filter(pl.col(frame.columns[0]) != key)})


def copy_row(plan: Plan, table: str, key: str, **cells: Any) -> Plan:
    """Add a copy of a row, with other cells."""
    frame: pl.DataFrame = getattr(plan, table)
    row = frame.filter(pl.col(frame.columns[0]) == key)
    assert row.height == 1, key
    row = row.with_columns(pl.lit(value, dtype=frame.schema[column]).alias(column) for column, value in cells.items())
    return replace(plan, **{table: pl.concat([frame, row])})
