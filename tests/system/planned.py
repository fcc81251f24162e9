"""The plan that real servers are started from: that of the fleet in `small-fleet`.

The tests read the model and the plan's tables, and find a cluster by what it is (through PgBouncers, dedicated,
sharded), never by its name. What the plan says of this fleet is checked by hand in test_system_planned.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from placement.capacity import CapacityModel
from placement.engine import place
from placement.fleet import Fleet, read_fleet
from placement.plan.types import Plan

SMALL_FLEET = Path(__file__).parent / "small-fleet"


@dataclass(frozen=True)
class Planned:
    """A plan, the model that it was made with, and its fleet."""

    model: CapacityModel
    plan: Plan
    fleet: Fleet

    def postgres_cluster(self, *, pgbouncers: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the cluster that is reached through PgBouncers, or directly, and its databases."""
        through = pl.col("pgbouncers") > 0
        cluster = self.plan.postgres_clusters.row(by_predicate=through if pgbouncers else ~through, named=True)
        return cluster, self.plan.databases.filter(cluster=cluster["cluster"]).to_dicts()

    def valkey_cluster(self, mode: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the cluster of this mode, its caches and its nodes."""
        cluster = self.plan.valkey_clusters.row(by_predicate=pl.col("mode") == mode, named=True)
        caches = self.plan.caches.filter(cluster=cluster["cluster"]).to_dicts()
        return cluster, caches, self.plan.nodes.filter(workload=cluster["cluster"]).to_dicts()


def small_plan() -> Planned:
    """Return the plan of `small-fleet`."""
    fleet = read_fleet(SMALL_FLEET)
    return Planned(fleet.model, place(fleet), fleet)
