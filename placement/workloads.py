"""What runs in the pools beside `services`: nodes of databases and caches, and platform services.

A workload is what a service is to the pool `services`: some instances of equal demand that keep apart. The data tier
makes them (`placement.datatier`), the packing engine places them.
"""

from __future__ import annotations

import polars as pl

from placement.units import RESOURCES

WORKLOADS_SCHEMA: dict[str, pl.DataType] = {
    "workload": pl.String(),
    "pool": pl.String(),  # databases | caches | platform
    "kind": pl.String(),  # postgres | pgbouncer | valkey | registry | sia | collector | store
    "region": pl.String(),
    "tier": pl.String(),  # "" where there are none
    "instances": pl.Int64(),
    "primaries": pl.Int64(),  # how many of the instances are primaries; 0: all are alike
    "max_per_host": pl.Int64(),
    "spread": pl.String(),  # host | zone
    **{resource.internal_column: pl.Int64() for resource in RESOURCES},  # demand of one instance
}
"""Columns of a frame of workloads, sorted by workload; names are unique."""


def no_workloads() -> pl.DataFrame:
    """Return a frame without rows."""
    return pl.DataFrame(schema=WORKLOADS_SCHEMA)
