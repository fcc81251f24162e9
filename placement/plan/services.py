"""A plan's services in one table: where each is, what it uses, and to whom it belongs."""

from __future__ import annotations

import polars as pl

from placement.fleet.types import Fleet
from placement.plan.types import Plan

SERVICE_COLUMNS = ("service", "domain", "sensitivity", "region", "database", "cache")


def service_table(plan: Plan, fleet: Fleet | None) -> pl.DataFrame:
    """Return a row per service, sorted by service, with `SERVICE_COLUMNS`.

    `database` and `cache` name clusters, blank where there is none. What only the fleet knows (domain, sensitivity) is
    taken from the service's cluster where the fleet is not given and all of the cluster agrees; else it is blank.
    """
    placed = plan.assignments.select("service", "host").join(plan.hosts.select("host", "region"), on="host", how="left")
    services = placed.group_by("service").agg(pl.col("region").first()).sort("service")
    if services.is_empty():  # a plan of databases or caches alone
        names = pl.concat([plan.databases["service"], plan.caches["service"]]).unique().sort()
        schema = {"service": pl.String, "region": pl.String}
        services = pl.DataFrame({"service": names, "region": [""] * len(names)}, schema=schema)
    for column, links in (("database", plan.databases), ("cache", plan.caches)):
        chosen = links.select("service", pl.col("cluster").alias(column))
        services = services.join(chosen, on="service", how="left", maintain_order="left")
    if fleet is not None:
        known = fleet.services.select("service", "domain", "sensitivity")
    else:
        one = plan.postgres_clusters.select(
            pl.col("cluster").alias("database"),
            pl.when(~pl.col("domains").str.contains(";")).then(pl.col("domains")).alias("domain"),
            pl.when(~pl.col("sensitivity").str.contains(";")).then(pl.col("sensitivity")).alias("sensitivity"),
        )
        known = services.select("service", "database").join(one, on="database", how="left").drop("database")
    services = services.join(known, on="service", how="left", maintain_order="left")
    return services.select("service", *(pl.col(name).fill_null("") for name in SERVICE_COLUMNS[1:]))


def same_fleet(plan: Plan, fleet: Fleet) -> bool:
    """Whether the plan was made for this fleet."""
    return plan.summary.fleet.digest == fleet.digest
