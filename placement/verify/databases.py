"""databases.csv: a row for each service that has a database, and its figures."""

from __future__ import annotations

import polars as pl

from placement.verify import names
from placement.verify.collector import Collector
from placement.verify.rows import Column, Rows
from placement.verify.tier_facts import TierFacts

_FILE = "databases.csv"

_FIGURES = (
    Column("storage_class", "right_storage_class"),
    Column("clients", "right_clients"),
    Column("connections_per_instance", "right_connections_per_instance"),
    Column("pool_size", "right_pool_size"),
    Column("reserve_pool_size", "right_reserve_pool_size"),
    Column("connections", "right_connections"),
    Column("storage_gb", "right_storage_mb", 1000),
)
_CLUSTER = (
    Column("tier", "cluster_tier"),
    Column("host_name", "cluster_host_name", kind="address-wrong"),
    Column("port", "cluster_port", kind="address-wrong"),
)


def check_databases(
    table: pl.DataFrame, clusters: pl.DataFrame, facts: pl.DataFrame, tier: TierFacts, found: Collector
) -> None:
    """Report databases that are missing, not needed, twice, of no cluster, or with wrong figures.

    Parameters
    ----------
    table, clusters
        databases.csv and postgres_clusters.csv.
    facts
        What is right (`postgres_facts.postgres_facts`).
    """
    right = facts.rename({name: f"right_{name}" for name in facts.columns if name != "service"})
    of_cluster = clusters.select("cluster", cluster_tier="tier", cluster_host_name="host_name", cluster_port="port")
    frame = (
        table.join(right, on="service", how="left", maintain_order="left")
        .join(of_cluster, on="cluster", how="left", maintain_order="left")
        .with_columns(
            right_database=pl.Series([names.database(name, tier.model) for name in table["service"]], dtype=pl.String)
        )
    )
    rows = Rows(frame, _FILE, "service", found)
    needs = frame["right_region"].is_not_null()
    report_strangers(rows, needs, tier, "database")
    report_missing(facts, table, "database", _FILE, found)
    has_cluster = frame["cluster_tier"].is_not_null()
    rows.report("unknown-cluster", ~has_cluster, "the plan has no cluster {cluster}")
    known = needs.to_numpy()
    rows.compare("arrangement-wrong", [Column("arrangement", "right_arrangement")], known)
    # connections, pools and clients follow from the arrangement: told once, not six times
    agrees = known & (frame["arrangement"] == frame["right_arrangement"]).fill_null(False).to_numpy()
    rows.compare("database-wrong", _FIGURES, agrees)
    rows.compare("database-wrong", _CLUSTER, known & has_cluster.to_numpy())
    rows.compare("database-name-wrong", [Column("database", "right_database")], known)
    valid = frame.filter(known)
    same = valid.filter((pl.col("database") == pl.col("right_database")) & ~pl.col("database").is_first_distinct())
    for service, database in same.select("service", "database").iter_rows():
        found.add("database-name-wrong", f"{service}: another service has database {database}", service=service)


def report_strangers(rows: Rows, needs: pl.Series, tier: TierFacts, noun: str) -> None:
    """Report rows of services that there are not, or that need no such thing."""
    is_service = rows.frame["service"].is_in(tier.facts.fleet.services["service"].implode())
    rows.report("unknown-service", ~is_service, "the fleet has no such service")
    rows.report(f"{noun}-unneeded", is_service & ~needs, f"the service needs no {noun}")


def report_missing(facts: pl.DataFrame, table: pl.DataFrame, noun: str, file: str, found: Collector) -> None:
    """Report services that need something and have no row."""
    missing = facts.select("service").join(table, on="service", how="anti")
    for service in missing["service"].to_list():
        found.add(f"{noun}-missing", f"{service} needs a {noun} and has none", service=service, file=file)
