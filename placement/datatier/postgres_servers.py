"""PostgreSQL servers with the services on them, and the tables and workloads they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.datatier import names
from placement.datatier.node_price import NodePrices
from placement.datatier.postgres_clusters import nodes_of, ranked_profiles
from placement.datatier.postgres_figures import (
    CLIENTS,
    CONNECTIONS,
    CPU,
    MEMORY,
    NETWORK,
    NUM_SERVER_RESOURCES,
    STORAGE,
    Demand,
    Figures,
    server_tiers,
)
from placement.fleet.types import Fleet
from placement.plan.types import DATABASES_SCHEMA, POSTGRES_CLUSTERS_SCHEMA
from placement.units import MICROS, RESOURCES, IntArray, exact, to_outer
from placement.workloads import WORKLOADS_SCHEMA

_NUMBER = pl.Int64()
_WORD = pl.String()
_TIER = ["is_dedicated", "tier"]


@dataclass(frozen=True)
class Servers:
    """Servers, dedicated and shared, and who is on which.

    Parameters
    ----------
    rows
        int64[num_services]: rows of the fleet's services.
    amount
        int64[num_services, `NUM_SERVER_RESOURCES`].
    per_instance, pool_size, reserve_size
        int64[num_services].
    storage_class
        Names, per service.
    server_of
        int64[num_services].
    arrangement, tier
        Words, per server; the tier by its name.
    pgbouncers
        int64[num_servers]: how many stand before it; 0: its services connect directly.
    """

    rows: IntArray
    amount: IntArray
    per_instance: IntArray
    pool_size: IntArray
    reserve_size: IntArray
    storage_class: pl.Series
    server_of: IntArray
    arrangement: pl.Series
    tier: pl.Series
    pgbouncers: IntArray


def servers(
    rows: IntArray,
    figures: Figures,
    demand: Demand,
    server_of: IntArray,
    arrangement: str,
    tier: Sequence[str],
    pgbouncers: IntArray,
) -> Servers:
    """Return servers of one arrangement; parameters as in `Servers`."""
    return Servers(
        rows=rows,
        amount=demand.amount,
        per_instance=figures.per_instance,
        pool_size=demand.pool_size,
        reserve_size=demand.reserve_size,
        storage_class=figures.storage_class,
        server_of=server_of,
        arrangement=pl.Series([arrangement], dtype=_WORD).new_from_index(0, len(tier)),
        tier=pl.Series(tier, dtype=_WORD),
        pgbouncers=pgbouncers,
    )


def all_servers(parts: Sequence[Servers]) -> Servers:
    """Return several sets of servers as one, services in the order of the fleet."""
    first = np.cumsum([0] + [len(part.tier) for part in parts])
    none = np.zeros(0, np.int64)
    rows = np.concatenate([none, *(part.rows for part in parts)])
    order = np.argsort(rows, kind="stable")
    no_words = pl.Series([], dtype=_WORD)

    def joined(columns: Sequence[IntArray]) -> IntArray:
        together: IntArray = np.concatenate([none, *columns])[order]
        return together

    return Servers(
        rows=rows[order],
        amount=np.concatenate([np.zeros((0, NUM_SERVER_RESOURCES), np.int64), *(part.amount for part in parts)])[order],
        per_instance=joined([part.per_instance for part in parts]),
        pool_size=joined([part.pool_size for part in parts]),
        reserve_size=joined([part.reserve_size for part in parts]),
        storage_class=pl.concat([no_words, *(part.storage_class for part in parts)]).gather(order),
        server_of=joined([part.server_of + base for part, base in zip(parts, first, strict=False)]),
        arrangement=pl.concat([no_words, *(part.arrangement for part in parts)]),
        tier=pl.concat([no_words, *(part.tier for part in parts)]),
        pgbouncers=np.concatenate([none, *(part.pgbouncers for part in parts)]),
    )


@dataclass(frozen=True)
class ServerTables:
    """What servers become in a plan.

    Parameters
    ----------
    databases, clusters, workloads
        Frames with `DATABASES_SCHEMA`, `POSTGRES_CLUSTERS_SCHEMA` and `WORKLOADS_SCHEMA`, sorted.
    node_price_micros
        int64[num_clusters]: in the order of `clusters`.
    repeated
        Names that occur more than once: cut names can in principle meet.
    """

    databases: pl.DataFrame
    clusters: pl.DataFrame
    workloads: pl.DataFrame
    node_price_micros: IntArray
    repeated: tuple[str, ...]


def tables(fleet: Fleet, found: Servers, prices: NodePrices) -> ServerTables:
    """Return the tables and workloads of servers.

    Parameters
    ----------
    prices
        Of nodes; every server's tier has one in its region.
    """
    services = fleet.services[found.rows].select("service", "domain", "sensitivity", "region", "load_profile")
    first = names.first_of(found.server_of, len(found.tier))
    region = services["region"].gather(first)
    cluster, host_name, port = _named(fleet, found, services, first)
    of_tier = _tier_frame(fleet)
    described = pl.DataFrame(
        {
            "cluster": cluster,
            "region": region,
            "arrangement": found.arrangement,
            "tier": found.tier,
            "host_name": host_name,
            "port": port,
            "pgbouncers": found.pgbouncers,
        }
    ).with_row_index("server")
    described = described.join(_contents(fleet, found, services), on="server", maintain_order="left").with_columns(
        nodes=pl.when(pl.col("arrangement") == "single").then(_single_nodes(fleet)).otherwise(pl.col("nodes"))
    )
    described = described.with_columns(is_dedicated=pl.col("arrangement") == "dedicated").join(
        of_tier, on=_TIER, maintain_order="left"
    )
    node = [f"node_{resource.internal_column}" for resource in RESOURCES]
    offered = described.select("region", *_TIER, *node).unique().sort("region", *_TIER)
    price = [prices.of(row[0], np.array(row[1:], np.int64)) for row in offered.select("region", *node).iter_rows()]
    described = described.join(
        offered.select("region", *_TIER).with_columns(price_micros=pl.Series(price, dtype=_NUMBER)),
        on=["region", *_TIER],
        maintain_order="left",
    )
    clusters = described.sort("cluster")
    databases = _databases(fleet, found, services, described)
    workloads = clusters.select(
        pl.col("cluster").alias("workload"),
        pl.lit("databases").alias("pool"),
        pl.lit("postgres").alias("kind"),
        "region",
        "tier",
        pl.col("nodes").alias("instances"),
        pl.lit(1, dtype=_NUMBER).alias("primaries"),
        pl.lit(1, dtype=_NUMBER).alias("max_per_host"),
        pl.lit("zone").alias("spread"),
        *(pl.col(f"node_{resource.internal_column}").alias(resource.internal_column) for resource in RESOURCES),
    ).select(list(WORKLOADS_SCHEMA))
    return ServerTables(
        databases=databases,
        clusters=_cluster_table(clusters),
        workloads=workloads,
        node_price_micros=clusters["price_micros"].to_numpy(),
        repeated=(*names.repeated(clusters["cluster"]), *names.repeated(databases["database"])),
    )


def _single_nodes(fleet: Fleet) -> int:
    return max(1, int(-(-exact(fleet.model.postgres.shared.single_nodes.at(fleet.policy.demand)) // 1)))


def _named(
    fleet: Fleet, found: Servers, services: pl.DataFrame, first: IntArray
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return name, host name and port of each server."""
    end, postgres = fleet.policy.demand, fleet.model.postgres
    own = services["service"].gather(first)
    is_dedicated = found.arrangement == "dedicated"
    cluster = names.dedicated_names(own)
    host_name = names.dedicated_host_names(own, cluster, postgres.dedicated.host_name_pattern)
    shared = (~is_dedicated).arg_true()
    if len(shared):
        position = np.full(len(found.tier), -1, np.int64)
        position[shared.to_numpy()] = np.arange(len(shared))
        here = position[found.server_of] >= 0
        main = names.main_domains(
            position[found.server_of[here]], len(shared), services["domain"].to_numpy()[here].tolist()
        )
        stems = [
            f"pg-{names.label(region)}-{names.label(domain or names.NO_DOMAIN)}"
            for region, domain in zip(services["region"].gather(first[shared.to_numpy()]), main, strict=True)
        ]
        numbered = names.numbered_names(stems, own.gather(shared).to_list())
        pattern = postgres.shared.host_name_pattern
        cluster = cluster.scatter(shared, numbered)
        host_name = host_name.scatter(shared, [names.cluster_host_name(name, pattern) for name in numbered])
    ports = [int(table.port.at(end)) for table in (postgres.dedicated, postgres.shared)]
    port = pl.Series(np.where(is_dedicated.to_numpy(), *ports).astype(np.int64))
    return cluster, host_name, port


def _contents(fleet: Fleet, found: Servers, services: pl.DataFrame) -> pl.DataFrame:
    """Return what is on each server, a row a server by number: whose services, how much, and the nodes it asks for."""
    end = fleet.policy.demand
    ranked = ranked_profiles(fleet.model, end)
    nodes = [nodes_of(fleet.model, profile, end) for profile in ranked]
    rank = services["load_profile"].replace_strict(ranked, list(range(len(ranked))), return_dtype=_NUMBER)
    used = {
        name: found.amount[:, r]
        for name, r in (
            ("connections_used", CONNECTIONS), ("storage_used", STORAGE), ("cpu_used", CPU), ("memory_mb_used", MEMORY),
            ("network_used", NETWORK),
        )
    }  # fmt: skip
    frame = services.with_columns(
        pl.Series("server", found.server_of.astype(np.uint32)),
        rank.alias("rank"),
        pl.Series("clients", found.amount[:, CLIENTS]),
        *(pl.Series(name, column) for name, column in used.items()),
    )
    grouped = frame.group_by("server").agg(
        pl.col("domain").filter(pl.col("domain") != "").unique().sort().str.join(";").alias("domains"),
        pl.col("sensitivity").unique().sort().str.join(";"),
        pl.col("rank").min(),
        pl.len().cast(_NUMBER).alias("services"),
        pl.col("clients").sum(),
        *(pl.col(name).sum() for name in used),
    )
    return grouped.with_columns(
        load_profile=pl.Series(ranked, dtype=_WORD).gather(grouped["rank"]),
        nodes=pl.Series(nodes, dtype=_NUMBER).gather(grouped["rank"]),
    ).sort("server")


def _tier_frame(fleet: Fleet) -> pl.DataFrame:
    """Return all tiers; those of dedicated and of shared servers may have the same names."""
    postgres, end = fleet.model.postgres, fleet.policy.demand
    dedicated, shared = (server_tiers(fleet.model, table, end) for table in (postgres.tiers, postgres.cluster_tiers))
    tiers = (*dedicated, *shared)
    limits = np.array([tier.limits for tier in tiers], np.int64).reshape(-1, NUM_SERVER_RESOURCES)
    demand = np.array([tier.node_demand for tier in tiers], np.int64).reshape(-1, len(RESOURCES))
    return pl.DataFrame(
        {
            "is_dedicated": [True] * len(dedicated) + [False] * len(shared),
            "tier": pl.Series([tier.name for tier in tiers], dtype=_WORD),
            "max_connections": pl.Series([tier.max_connections for tier in tiers], dtype=_NUMBER),
            "connections_limit": limits[:, CONNECTIONS],
            "storage_limit": limits[:, STORAGE],
            "cpu_limit": limits[:, CPU],
            "memory_mb_limit": limits[:, MEMORY],
            "network_limit": limits[:, NETWORK],
            **{f"node_{resource.internal_column}": demand[:, r] for r, resource in enumerate(RESOURCES)},
        }
    )


def _databases(fleet: Fleet, found: Servers, services: pl.DataFrame, described: pl.DataFrame) -> pl.DataFrame:
    postgres = fleet.model.postgres
    of_server = described.select("cluster", "arrangement", "host_name", "port", "tier")[found.server_of]
    frame = pl.DataFrame(
        [
            services["service"],
            *of_server.get_columns(),
            names.database_names(services["service"], postgres.dedicated.database_name_pattern),
            found.storage_class.alias("storage_class"),
            pl.Series("clients", found.amount[:, CLIENTS]),
            pl.Series("connections_per_instance", found.per_instance),
            pl.Series("pool_size", found.pool_size),
            pl.Series("reserve_pool_size", found.reserve_size),
            pl.Series("connections", found.amount[:, CONNECTIONS]),
            pl.Series("storage_gb", found.amount[:, STORAGE] / 1000),
        ]
    )
    return frame.select(list(DATABASES_SCHEMA)).sort("service")


def _cluster_table(clusters: pl.DataFrame) -> pl.DataFrame:
    outer = [
        pl.Series(f"{column}_{what}", to_outer(clusters[f"{name}_{what}"].to_numpy(), 1000))
        for name, column in (("storage", "storage_gb"), ("cpu", "cpu_cores"), ("network", "network_mbps"))
        for what in ("used", "limit")
    ]
    price = pl.Series("node_price_per_hour", to_outer(clusters["price_micros"].to_numpy(), MICROS))
    return clusters.with_columns(*outer, price).select(
        [pl.col(name).cast(dtype) for name, dtype in POSTGRES_CLUSTERS_SCHEMA.items()]
    )
