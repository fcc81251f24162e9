"""Names of the data tier: of workloads, hosts and databases, by the patterns of note and model."""

from __future__ import annotations

import hashlib
import re

import polars as pl

from placement.capacity import CapacityModel

MAX_WORKLOAD = 52
MAX_DATABASE = 63
"""Longest name of a database in PostgreSQL, in bytes."""

_HASH = 8


def cut(name: str, most: int, mark: str = "-") -> str:
    """Return the name; where it is too long, its beginning, a mark and the first digits of its SHA-256."""
    if len(name) <= most:
        return name
    return name[: most - _HASH - 1] + mark + hashlib.sha256(name.encode()).hexdigest()[:_HASH]


def label(text: str) -> str:
    """Return text in lower case, whatever is neither letter a to z nor digit as a hyphen."""
    return re.sub("[^a-z0-9]", "-", text.lower())


def workload(*parts: str) -> str:
    """Return the name of a workload made of parts."""
    return cut("-".join(parts), MAX_WORKLOAD)


def database(service: str, model: CapacityModel) -> str:
    """Return the name of a service's database."""
    return cut(_filled(model.postgres.dedicated.database_name_pattern, service), MAX_DATABASE, "_")


def dedicated_host(service: str, model: CapacityModel) -> str:
    """Return the host name of a service's own server: of its workload's name where that was cut."""
    prefix = "postgresql"
    return _filled(model.postgres.dedicated.host_name_pattern, workload(prefix, service).removeprefix(f"{prefix}-"))


def _filled(pattern: str, service: str) -> str:
    return pattern.format(service=service, service_underscored=service.replace("-", "_"))


def numbered(clusters: pl.DataFrame) -> pl.Series:
    """Return the names of shared clusters: the parts before the number, and 01, 02 … by the clusters' first services.

    Parameters
    ----------
    clusters
        Columns `stem` (all but the number) and `first_service`.
    """
    rank = (
        clusters.with_row_index("row")
        .sort("first_service")
        .with_columns(number=pl.int_range(1, pl.len() + 1).over("stem"))
        .sort("row")
    )
    return pl.Series(
        [cut(f"{stem}-{number:02d}", MAX_WORKLOAD) for stem, number in rank.select("stem", "number").iter_rows()],
        dtype=pl.String,
    )


def main_domains(members: pl.DataFrame) -> pl.DataFrame:
    """Return the domain with the most services of each cluster (of equals the first by name), ``shared`` without any.

    Parameters
    ----------
    members
        Columns `cluster` and `domain`, a row per service.

    Returns
    -------
    Frame with the columns `cluster` and `main_domain`.
    """
    counted = (
        members.filter(pl.col("domain") != "")
        .group_by("cluster", "domain")
        .len()
        .sort(["cluster", "len", "domain"], descending=[False, True, False])
        .unique("cluster", keep="first", maintain_order=True)
        .select("cluster", main_domain="domain")
    )
    return (
        members.select("cluster")
        .unique(maintain_order=True)
        .join(counted, on="cluster", how="left", maintain_order="left")
        .with_columns(pl.col("main_domain").fill_null("shared"))
    )
