"""postgres_clusters.csv: who may share a server, what servers can take, and every figure stated of them."""

from __future__ import annotations

import numpy as np
import polars as pl

from placement.verify import names
from placement.verify.clusters import joined, members_of, repeated, report_isolation
from placement.verify.collector import Collector
from placement.verify.postgres_facts import smallest_tiers
from placement.verify.rows import Column, Rows
from placement.verify.tier_facts import POSTGRES_POOL, SERVER_RESOURCES, UNLIMITED, TierFacts

_FILE = "postgres_clusters.csv"

_WORDS = {
    "connections": "{sum_connections:,} connections; {limit_connections:,} may be planned",
    "clients": "{sum_clients:,} clients; its PgBouncers may be planned to have {limit_clients:,}",
    "storage_mb": "{sum_storage_mb:,} MB of storage; {limit_storage_mb:,} may be planned",
    "cpu_millicores": "{sum_cpu_millicores:,} millicores; {limit_cpu_millicores:,} may be planned",
    "memory_mb": "{sum_memory_mb:,} MB of memory; {limit_memory_mb:,} may be planned",
    "network_kbps": "{sum_network_kbps:,} kbit/s; {limit_network_kbps:,} may be planned",
}
_COUNTS = (
    Column("domains", "right_domains"),
    Column("load_profile", "right_load_profile"),
    Column("sensitivity", "right_sensitivity"),
    Column("services", "right_services"),
    Column("clients", "sum_clients"),
    Column("nodes", "right_nodes"),
    Column("pgbouncers", "right_pgbouncers"),
    Column("connections_used", "sum_connections"),
    Column("storage_gb_used", "sum_storage_mb", 1000),
    Column("cpu_cores_used", "sum_cpu_millicores", 1000),
    Column("memory_mb_used", "sum_memory_mb"),
    Column("network_mbps_used", "sum_network_kbps", 1000),
)
_LIMITS = (
    Column("max_connections", "right_max_connections"),
    Column("connections_limit", "limit_connections"),
    Column("storage_gb_limit", "limit_storage_mb", 1000),
    Column("cpu_cores_limit", "limit_cpu_millicores", 1000),
    Column("memory_mb_limit", "limit_memory_mb"),
    Column("network_mbps_limit", "limit_network_kbps", 1000),
)


def postgres_clusters(
    table: pl.DataFrame, databases: pl.DataFrame, facts: pl.DataFrame, tier: TierFacts
) -> pl.DataFrame:
    """Return the table with what is right beside it, a row per row of the file.

    Parameters
    ----------
    table, databases
        postgres_clusters.csv and databases.csv.
    facts
        What is right of the services (`postgres_facts.postgres_facts`).

    Returns
    -------
    Frame
        The table's columns, what its services draw on (`sum_…`), limits (`limit_…`), and more (`right_…`);
        null where the cluster has no services.
    """
    members = members_of(databases, facts).join(_ranks(tier), on="load_profile", how="left", maintain_order="left")
    by_cluster = members.group_by("cluster", maintain_order=True).agg(
        right_services=pl.len(),
        first_service=pl.col("service").min(),
        right_domains=joined("domain"),
        right_sensitivity=joined("sensitivity"),
        group=pl.col("group").first(),
        rank=pl.col("rank").min(),
        is_pooled=pl.col("is_pooled").any(),
        wanted=pl.col("arrangement").first(),
        num_wanted=pl.col("arrangement").n_unique(),
        wanted_tier=pl.col("tier").first(),
        **{f"sum_{name}": pl.col(name).sum() for name in SERVER_RESOURCES},
    )
    profiles = _ranks(tier).select("rank", right_load_profile="load_profile")
    frame = (
        table.join(by_cluster, on="cluster", how="left", maintain_order="left")
        .join(names.main_domains(members.select("cluster", "domain")), on="cluster", how="left", maintain_order="left")
        .join(profiles, on="rank", how="left", maintain_order="left")
        .with_columns(
            is_pooled=pl.when(pl.col("arrangement") == "clusters")
            .then(pl.lit(tier.clusters_have_pgbouncers))
            .otherwise((pl.col("arrangement") == "dedicated") & pl.col("is_pooled").fill_null(False))
        )
    )
    nodes = {profile: tier.num_nodes(profile) for profile in tier.model.grouping.load_profiles}
    single = int(np.ceil(tier.model.postgres.shared.single_nodes.at(tier.end)))
    return (
        frame.join(
            _tier_table(tier), on=["arrangement", "region", "tier", "is_pooled"], how="left", maintain_order="left"
        )
        .with_columns(
            right_pgbouncers=pl.when("is_pooled").then(tier.num_processes).otherwise(0),
            right_nodes=pl.when(pl.col("arrangement") == "single")
            .then(single)
            .otherwise(pl.col("right_load_profile").replace_strict(nodes, default=None, return_dtype=pl.Int64)),
        )
        .with_columns(_addresses(frame, tier))
    )


def check_postgres_clusters(
    frame: pl.DataFrame, databases: pl.DataFrame, facts: pl.DataFrame, tier: TierFacts, found: Collector
) -> None:
    """Report clusters whose services may not share them, that are too full, or that have wrong figures or names.

    Parameters
    ----------
    frame
        As `postgres_clusters` returns it.
    databases
        databases.csv.
    facts
        What is right of the services.
    """
    rows = Rows(frame, _FILE, "cluster", found)
    is_used = frame["right_services"].is_not_null().to_numpy()
    rows.report("cluster-unused", ~is_used, "no service uses it")
    members = members_of(databases, facts).join(
        frame.select("cluster", cluster_region="region", cluster_arrangement="arrangement"),
        on="cluster",
        how="inner",
        maintain_order="left",
    )
    report_isolation(members, "databases.csv", found)
    _report_profiles(members, tier, found)
    arranged = (frame["wanted"] == frame["arrangement"]).fill_null(False).to_numpy() & (
        frame["num_wanted"] == 1
    ).fill_null(False).to_numpy()
    rows.report("arrangement-wrong", is_used & ~arranged, "it is {arrangement}, its services are not all to be that")
    is_one = (frame["arrangement"] == "dedicated").to_numpy() & (frame["right_services"] > 1).fill_null(
        False
    ).to_numpy()
    rows.report("arrangement-wrong", is_one, "a server of its own has {right_services} services")
    again = repeated(frame.select("arrangement", "region", "group"))
    again &= (frame["arrangement"] == "single").to_numpy() & is_used
    rows.report(
        "arrangement-wrong", again, "services of {group} in {region} have one server together, and this is another"
    )
    has_tier = frame["limit_connections"].is_not_null().to_numpy()
    rows.report(
        "tier-wrong", ~has_tier, "no host for databases in {region} holds tier {tier} of arrangement {arrangement}"
    )
    fits = np.ones(frame.height, dtype=np.bool_)
    for name in SERVER_RESOURCES:
        is_over = (frame[f"sum_{name}"] > frame[f"limit_{name}"]).fill_null(False).to_numpy()
        rows.report("cluster-over-limit", is_over, _WORDS[name], value=f"sum_{name}", limit=f"limit_{name}")
        fits &= ~is_over
    alone = frame.select("region", *(pl.col(f"sum_{name}").fill_null(0).alias(name) for name in SERVER_RESOURCES))
    for arrangement in ("single", "dedicated"):
        smallest = smallest_tiers(alone, tier.server_tiers(arrangement), tier, frame["is_pooled"].to_numpy())
        larger = (frame["arrangement"] == arrangement).to_numpy() & (frame["tier"].to_numpy() != smallest)
        rows.report("tier-wrong", larger & is_used & has_tier & fits, "{tier} is not the smallest tier that holds it")
    known = is_used & arranged
    rows.compare("cluster-wrong", _COUNTS, known)
    rows.compare("cluster-wrong", _LIMITS, has_tier)
    rows.compare("cluster-wrong", [Column("node_price_per_hour", "node_price", 10**6)], has_tier)
    rows.compare("cluster-name-wrong", [Column("cluster", "right_name")], known)
    addresses = [Column("host_name", "right_host_name"), Column("port", "right_port")]
    rows.compare(
        "address-wrong", addresses, known & (frame["cluster"] == frame["right_name"]).fill_null(False).to_numpy()
    )


def _ranks(tier: TierFacts) -> pl.DataFrame:
    """Number the load profiles: those with the most read replicas first, of equals by name, balanced last."""
    profiles = tier.model.grouping.load_profiles
    order = sorted(profiles, key=lambda name: (-tier.at(profiles[name].read_replicas), name == "balanced", name))
    return pl.DataFrame(
        {"load_profile": order, "rank": range(len(order))}, schema={"load_profile": pl.String, "rank": pl.Int64}
    )


def _tier_table(tier: TierFacts) -> pl.DataFrame:
    """Return limits and prices of all tiers that can be had, by arrangement, region, tier and PgBouncers or none."""
    rows = []
    for arrangement in ("single", "clusters", "dedicated"):
        for region in tier.facts.regions:
            for server in tier.server_tiers(arrangement):
                price = tier.price(POSTGRES_POOL, region, server.name)
                for is_pooled in (False, True) if price is not None else ():
                    limit = tier.server_limit(server, is_pooled)
                    rows.append((arrangement, region, server.name, is_pooled, *limit, server.max_connections, price))
    schema = {"arrangement": pl.String, "region": pl.String, "tier": pl.String, "is_pooled": pl.Boolean}
    numbers = [f"limit_{name}" for name in SERVER_RESOURCES] + ["right_max_connections", "node_price"]
    assert UNLIMITED < 2**63
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(numbers, pl.Int64), orient="row")


def _addresses(frame: pl.DataFrame, tier: TierFacts) -> list[pl.Series]:
    """Return what each cluster must be called, and under which host name and port it is reached."""
    postgres = tier.model.postgres
    stems = pl.DataFrame(
        {
            "stem": [
                f"pg-{region}-{names.label(domain or 'shared')}"
                for region, domain in frame.select("region", "main_domain").iter_rows()
            ],
            "first_service": frame["first_service"],
        },
        schema={"stem": pl.String, "first_service": pl.String},
    )
    is_shared = frame["arrangement"] != "dedicated"
    # numbers count shared servers only
    shared = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    shared = shared.scatter(is_shared.arg_true(), names.numbered(stems.filter(is_shared)))
    wanted, hosts = [], []
    for first, name in zip(frame["first_service"].to_list(), shared.to_list(), strict=True):
        if name is not None:
            wanted.append(name)
            hosts.append(postgres.shared.host_name_pattern.format(cluster=name))
        else:
            wanted.append(names.workload("postgresql", first or ""))
            hosts.append(names.dedicated_host(first or "", tier.model))
    ports = {True: int(postgres.shared.port.typical), False: int(postgres.dedicated.port.typical)}
    return [
        pl.Series("right_name", wanted, dtype=pl.String),
        pl.Series("right_host_name", hosts, dtype=pl.String),
        pl.Series("right_port", [ports[shared] for shared in is_shared.to_list()], dtype=pl.Int64),
    ]


def _report_profiles(members: pl.DataFrame, tier: TierFacts, found: Collector) -> None:
    """Report shared clusters with services whose load profiles keep apart."""
    profiles = tier.model.grouping.load_profiles
    mixed = (
        members.filter(pl.col("cluster_arrangement") == "clusters")
        .group_by("cluster", maintain_order=True)
        .agg(pl.col("load_profile").unique().sort())
        .filter(pl.col("load_profile").list.len() > 1)
    )
    for cluster, there in mixed.iter_rows():
        apart = [(one, other) for one in there for other in profiles[one].apart_from if other in there and one < other]
        for one, other in apart:
            message = f"{cluster}: services with load profile {one} and with {other} must not share a cluster"
            found.add("load-profiles-together", message, file=_FILE)
