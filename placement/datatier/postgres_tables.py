"""Databases as tables: names, databases.csv, postgres_clusters.csv, and the servers' nodes as workloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.datatier.names import (
    NO_DOMAIN,
    cluster_host_name,
    database_names,
    dedicated_host_names,
    dedicated_names,
    first_of,
    label,
    main_domains,
    numbered_names,
)
from placement.datatier.postgres_clusters import nodes_of, ranked_profiles
from placement.datatier.postgres_figures import (
    CONNECTIONS,
    CPU,
    MEMORY,
    NETWORK,
    STORAGE,
    num_pgbouncers,
)
from placement.datatier.postgres_servers import Servers
from placement.fleet.types import Fleet
from placement.plan.types import (
    DATABASES_SCHEMA,
    POSTGRES_CLUSTERS_SCHEMA,
    Choice,
    PostgresSummary,
)
from placement.units import MICROS, RESOURCES
from placement.workloads import WORKLOADS_SCHEMA, no_workloads

_AMOUNTS = {
    "connections_used": (CONNECTIONS, 1),
    "storage_gb_used": (STORAGE, 1000),
    "cpu_cores_used": (CPU, 1000),
    "memory_mb_used": (MEMORY, 1),
    "network_mbps_used": (NETWORK, 1000),
}


@dataclass(frozen=True)
class NamedServers:
    """Servers with their names, and a row per service and per server.

    Parameters
    ----------
    services
        `row`, `cluster`, and what the service asks for, in internal units.
    servers
        A row per server: names, tier, nodes, sums in internal units.
    """

    servers: Servers
    services_frame: pl.DataFrame
    frame: pl.DataFrame


def named(fleet: Fleet, servers: Sequence[Servers]) -> list[NamedServers]:
    """Give all servers their names: dedicated ones the service's, others a number within region and main domain."""
    names = _names(fleet, servers)
    return [_named(fleet, of, own) for of, own in zip(servers, names, strict=True)]


def _names(fleet: Fleet, servers: Sequence[Servers]) -> list[pl.Series]:
    stems: list[str] = []
    firsts: list[str] = []
    for of in servers:
        if of.arrangement == "dedicated":
            continue
        services = fleet.services[of.rows]
        domains = main_domains(of.server_of, len(of), services["domain"].to_list())
        stems += [f"pg-{of.region}-{label(domain) if domain else NO_DOMAIN}" for domain in domains]
        firsts += services["service"].gather(first_of(of.server_of, len(of))).to_list()
    numbered = numbered_names(stems, firsts)
    found, at = [], 0
    for of in servers:
        if of.arrangement == "dedicated":
            found.append(dedicated_names(fleet.services["service"].gather(of.rows)))
        else:
            found.append(pl.Series("workload", numbered[at : at + len(of)], dtype=pl.String))
            at += len(of)
    return found


def _named(fleet: Fleet, of: Servers, names: pl.Series) -> NamedServers:
    model, end = fleet.model, fleet.policy.demand
    postgres = model.postgres
    services = fleet.services[of.rows]
    is_own = of.arrangement == "dedicated"
    cluster = names.gather(of.server_of)
    per_service = pl.DataFrame(
        {
            "service": services["service"],
            "server": of.server_of,
            "cluster": cluster,
            "database": database_names(services["service"], postgres.dedicated.database_name_pattern),
            "storage_class": of.figures.storage_class,
            "clients": of.figures.clients,
            "connections_per_instance": of.figures.per_instance,
            "pool_size": of.demand.pool_size,
            "reserve_pool_size": of.demand.reserve_size,
            **{name: of.demand.amount[:, column] for name, (column, _) in _AMOUNTS.items()},
            "domain": services["domain"],
            "sensitivity": services["sensitivity"],
            "load_profile": services["load_profile"],
        }
    )
    if is_own:
        pattern = postgres.dedicated.host_name_pattern
        hosts = dedicated_host_names(services["service"], names, pattern).gather(np.arange(len(of)))
        port = int(postgres.dedicated.port.at(end))
    else:
        pattern = postgres.shared.host_name_pattern
        hosts = pl.Series([cluster_host_name(name, pattern) for name in names], dtype=pl.String)
        port = int(postgres.shared.port.at(end))
    ranked = ranked_profiles(model, end)
    rank = {profile: position for position, profile in enumerate(ranked)}
    sums = (
        per_service.with_columns(rank=pl.col("load_profile").replace_strict(rank, return_dtype=pl.Int64))
        .group_by("server")
        .agg(
            pl.len().cast(pl.Int64).alias("services"),
            pl.col("clients").sum(),
            pl.col("rank").min(),
            *(pl.col(name).sum() for name in _AMOUNTS),
            _joined("domain").alias("domains"),
            _joined("sensitivity").alias("sensitivity"),
        )
        .sort("server")
    )
    if of.arrangement == "single":
        nodes = np.full(len(of), -(-postgres.shared.single_nodes.at(end) // 1)).astype(np.int64)
    else:
        nodes = np.array([nodes_of(model, profile, end) for profile in ranked], np.int64)[sums["rank"].to_numpy()]
    limits = np.array([tier.limits for tier in of.tiers], np.int64)[of.tier_of]
    frame = sums.with_columns(
        cluster=names,
        region=pl.lit(of.region),
        arrangement=pl.lit(of.arrangement),
        load_profile=pl.col("rank").replace_strict(dict(enumerate(ranked)), return_dtype=pl.String),
        tier=pl.Series([tier.name for tier in of.tiers], dtype=pl.String).gather(of.tier_of),
        host_name=hosts,
        port=pl.lit(port, dtype=pl.Int64),
        nodes=nodes,
        pgbouncers=np.where(of.is_pooled, num_pgbouncers(model, end), 0),
        max_connections=np.array([tier.max_connections for tier in of.tiers], np.int64)[of.tier_of],
        node_price=np.array(of.prices, np.int64)[of.tier_of],
        **{name.replace("_used", "_limit"): limits[:, column] for name, (column, _) in _AMOUNTS.items()},
    )
    return NamedServers(of, per_service, frame)


def _joined(column: str) -> pl.Expr:
    names = pl.col(column).filter(pl.col(column) != "").unique().sort()
    return names.str.join(";")


def databases_frame(servers: Sequence[NamedServers]) -> pl.DataFrame:
    """Return databases.csv."""
    frames = [
        of.services_frame.join(
            of.frame.select("server", "arrangement", "tier", "host_name", "port"), on="server", how="left"
        ).select(
            pl.col("connections_used").alias("connections"),
            (pl.col("storage_gb_used") / 1000).alias("storage_gb"),
            *(name for name in DATABASES_SCHEMA if name not in ("connections", "storage_gb")),
        )
        for of in servers
    ]
    empty = pl.DataFrame(schema=DATABASES_SCHEMA)
    return pl.concat([empty, *(frame.select(list(DATABASES_SCHEMA)) for frame in frames)]).sort("service")


def clusters_frame(servers: Sequence[NamedServers]) -> pl.DataFrame:
    """Return postgres_clusters.csv."""
    outer = [
        (pl.col(name) / factor).alias(name)
        for used, (_, factor) in _AMOUNTS.items()
        if factor > 1
        for name in (used, used.replace("_used", "_limit"))
    ]
    frames = [
        of.frame.with_columns(*outer, node_price_per_hour=pl.col("node_price") / MICROS).select(
            list(POSTGRES_CLUSTERS_SCHEMA)
        )
        for of in servers
    ]
    return pl.concat([pl.DataFrame(schema=POSTGRES_CLUSTERS_SCHEMA), *frames]).sort("cluster")


def workloads_frame(servers: Sequence[NamedServers]) -> pl.DataFrame:
    """Return the nodes of every server as a workload: one on a host, zones apart."""
    frames = []
    for of in servers:
        demand = np.array([tier.node_demand for tier in of.servers.tiers], np.int64)[of.servers.tier_of]
        frames.append(
            of.frame.select(
                pl.col("cluster").alias("workload"),
                pl.lit("databases").alias("pool"),
                pl.lit("postgres").alias("kind"),
                "region",
                "tier",
                pl.col("nodes").alias("instances"),
                pl.lit(1, dtype=pl.Int64).alias("primaries"),
                pl.lit(1, dtype=pl.Int64).alias("max_per_host"),
                pl.lit("zone").alias("spread"),
            ).with_columns(
                **{resource.internal_column: demand[:, r] for r, resource in enumerate(RESOURCES)},
            )
        )
    return pl.concat([no_workloads(), *(frame.select(list(WORKLOADS_SCHEMA)) for frame in frames)]).sort("workload")


def summary_of(
    servers: Sequence[NamedServers], clusters: pl.DataFrame, choice: Choice | None
) -> PostgresSummary:
    """Return the figures of plan.json."""
    services: dict[str, int] = {}
    spread = 0
    storage_mb = 0
    for of in servers:
        kind = of.servers.arrangement
        services[kind] = services.get(kind, 0) + len(of.services_frame)
        storage_mb += int((of.frame["storage_gb_used"] * of.frame["nodes"]).sum())
        if kind != "dedicated":
            spread += of.services_frame.filter(pl.col("domain") != "").select("domain", "cluster").unique().height
    return PostgresSummary(
        services={kind: services[kind] for kind in ("single", "clusters", "dedicated") if services.get(kind)},
        clusters=len(clusters),
        nodes=int(clusters["nodes"].sum()),
        pgbouncers=int(clusters["pgbouncers"].sum()),
        storage_gb=storage_mb / 1000,
        domain_spread=spread,
        choice=choice,
    )
