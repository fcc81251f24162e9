"""What clusters of PostgreSQL and of Valkey have in common: members, and who may be one."""

from __future__ import annotations

import numpy as np
import polars as pl

from placement.units import BoolArray
from placement.verify.collector import Collector


def members_of(table: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Return the services with the cluster that they use, and what is right of them, strangers left out.

    Parameters
    ----------
    table
        databases.csv or caches.csv.
    facts
        A row per service that has one.
    """
    return table.select("service", "cluster").join(facts, on="service", how="inner", maintain_order="left")


def joined(column: str) -> pl.Expr:
    """Return the different texts of a column, blank ones left out, sorted and joined."""
    return pl.col(column).filter(pl.col(column) != "").unique().sort().str.join(";")


def repeated(rows: pl.DataFrame) -> BoolArray:
    """Return bool[num_rows]: which rows there were before."""
    return np.asarray((~rows.to_struct("row").is_first_distinct()).to_numpy())


def report_isolation(members: pl.DataFrame, file: str, found: Collector) -> None:
    """Report services in a cluster of another region, and clusters whose services' classes must not share one.

    Parameters
    ----------
    members
        `service`, `cluster`, `region`, `cluster_region`, `group`, `sensitivity`.
    """
    strangers = members.filter(pl.col("region") != pl.col("cluster_region"))
    for service, cluster, here, there in strangers.select("service", "cluster", "region", "cluster_region").iter_rows():
        message = f"{service} is in region {here}, its cluster {cluster} in {there}"
        found.add("cluster-region", message, service=service, file=file)
    mixed = (
        members.group_by("cluster", maintain_order=True)
        .agg(pl.col("group").n_unique(), joined("sensitivity"))
        .filter(pl.col("group") > 1)
    )
    for cluster, _, classes in mixed.iter_rows():
        message = f"{cluster}: services of the sensitivity classes {classes} must not share a cluster"
        found.add("isolation", message, file=file)
