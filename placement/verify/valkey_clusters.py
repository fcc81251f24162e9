"""caches.csv and valkey_clusters.csv: who may share a Valkey, what it can hold, keys, and every figure stated."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from placement.verify import names
from placement.verify.clusters import joined, members_of, repeated, report_isolation
from placement.verify.collector import Collector
from placement.verify.databases import report_missing, report_strangers
from placement.verify.rows import Column, Rows
from placement.verify.tier_facts import VALKEY_POOL, TierFacts
from placement.verify.valkey_facts import num_primaries, num_replicas, tiers_there

_FILE = "valkey_clusters.csv"
_CACHES = "caches.csv"
_SHARDED = ("cluster", "federated")


def check_caches(
    table: pl.DataFrame, clusters: pl.DataFrame, facts: pl.DataFrame, tier: TierFacts, found: Collector
) -> None:
    """Report caches that are missing, not needed, twice, of no cluster, or with wrong memory or keys.

    Parameters
    ----------
    table, clusters
        caches.csv and valkey_clusters.csv.
    facts
        What is right (`valkey_facts.valkey_facts`).
    """
    right = facts.select("service", "region", right_memory="memory_mb")
    known_clusters = clusters.select("cluster", is_cluster=pl.lit(True))
    frame = (
        table.join(right, on="service", how="left", maintain_order="left")
        .join(known_clusters, on="cluster", how="left", maintain_order="left")
        .with_columns(right_prefix=pl.col("service") + ":")
    )
    rows = Rows(frame, _CACHES, "service", found)
    needs = frame["region"].is_not_null()
    report_strangers(rows, needs, tier, "cache")
    report_missing(facts, table, "cache", _CACHES, found)
    rows.report("unknown-cluster", frame["is_cluster"].is_null(), "the plan has no cluster {cluster}")
    rows.compare("cache-wrong", [Column("memory_mb", "right_memory")], needs.to_numpy())
    clashes = _clashes(frame)
    rows.report("key-prefix-clash", clashes, "key prefix {key_prefix} begins another's, or another's begins it")
    rows.compare("key-prefix-wrong", [Column("key_prefix", "right_prefix")], needs.to_numpy() & ~clashes)


def _clashes(frame: pl.DataFrame) -> np.ndarray:
    """Return bool[num_rows]: whose key prefix is not its own and is the beginning of another's, or the other way."""
    prefixes = sorted(set(frame.select("service", "key_prefix").iter_rows()), key=lambda pair: pair[1])
    wrong = set(frame.filter(pl.col("key_prefix") != pl.col("right_prefix"))["service"].to_list())
    met = set()
    # in sorted order, what begins with a text follows it at once
    for (one, prefix), (other, next_prefix) in pairwise(prefixes):
        if next_prefix.startswith(prefix):
            met |= {one, other} & wrong
    return frame["service"].is_in(pl.Series(sorted(met), dtype=pl.String).implode()).to_numpy()


def valkey_clusters(table: pl.DataFrame, caches: pl.DataFrame, facts: pl.DataFrame, tier: TierFacts) -> pl.DataFrame:
    """Return the table with what is right beside it, as `postgres_clusters.postgres_clusters` does.

    Parameters
    ----------
    table, caches
        valkey_clusters.csv and caches.csv.
    facts
        What is right of the services.
    """
    members = members_of(caches, facts)
    by_cluster = members.group_by("cluster", maintain_order=True).agg(
        right_services=pl.len(),
        first_service=pl.col("service").min(),
        right_domains=joined("domain"),
        right_sensitivity=joined("sensitivity"),
        right_function=pl.col("function").first(),
        num_functions=pl.col("function").n_unique(),
        group=pl.col("group").first(),
        wanted=pl.col("arrangement").first(),
        num_wanted=pl.col("arrangement").n_unique(),
        sum_memory=pl.col("memory_mb").sum(),
    )
    prices = pl.DataFrame(
        [
            (region, row.name, row.memory_mb, tier.price(VALKEY_POOL, region, row.name))
            for region in tier.facts.regions
            for row in tiers_there(tier, region)
        ],
        schema={"region": pl.String, "tier": pl.String, "node_memory": pl.Int64, "node_price": pl.Int64},
        orient="row",
    )
    replicas = num_replicas(tier)
    is_sharded = pl.col("mode") == "cluster"
    frame = (
        table.join(by_cluster, on="cluster", how="left", maintain_order="left")
        .join(prices, on=["region", "tier"], how="left", maintain_order="left")
        .with_columns(right_primaries=pl.when(is_sharded).then("primaries").otherwise(1))
        .with_columns(
            right_replicas=pl.when(pl.col("mode") == "single").then(0).otherwise(pl.col("right_primaries") * replicas),
            right_limit=pl.col("right_primaries") * pl.col("node_memory"),
        )
    )
    stems = frame.select(
        "first_service",
        stem=pl.Series(
            [f"valkey-{region}-{names.label(name)}" for region, name in frame.select("region", "function").iter_rows()],
            dtype=pl.String,
        ),
    )
    wanted = names.numbered(stems)
    clusters = tier.model.valkey.clusters
    hosts = [clusters.host_name_pattern.format(cluster=name) for name in wanted.to_list()]
    return frame.with_columns(
        right_name=wanted,
        right_host_name=pl.Series(hosts, dtype=pl.String),
        right_port=pl.lit(int(clusters.port.typical), dtype=pl.Int64),
    )


def check_valkey_clusters(
    frame: pl.DataFrame, caches: pl.DataFrame, facts: pl.DataFrame, tier: TierFacts, found: Collector
) -> None:
    """Report clusters whose services may not share them, that are too full, or that have wrong figures or names.

    Parameters
    ----------
    frame
        As `valkey_clusters` returns it.
    caches
        caches.csv.
    facts
        What is right of the services.
    """
    rows = Rows(frame, _FILE, "cluster", found)
    is_used = frame["right_services"].is_not_null().to_numpy()
    rows.report("cluster-unused", ~is_used, "no service uses it")
    places = frame.select("cluster", cluster_region="region")
    members = members_of(caches, facts).join(places, on="cluster", how="inner", maintain_order="left")
    report_isolation(members, _CACHES, found)
    is_mixed = (frame["num_functions"] > 1).fill_null(False).to_numpy()
    rows.report("functions-together", is_mixed, "its services' caches have {num_functions} functions; one is allowed")
    arranged = _report_arrangement(rows, is_used)
    has_tier = frame["node_memory"].is_not_null().to_numpy()
    rows.report("tier-wrong", ~has_tier, "no host for caches in {region} holds tier {tier}")
    is_over = (frame["sum_memory"] > frame["right_limit"]).fill_null(False).to_numpy()
    text = "{sum_memory:,} MB of data; {right_limit:,} may be planned"
    rows.report("cluster-over-limit", is_over, text, value="sum_memory", limit="right_limit")
    allowed = num_primaries(tier)
    is_cluster = (frame["mode"] == "cluster").to_numpy()
    off = is_cluster & ~frame["primaries"].is_between(allowed.start, allowed.stop - 1).to_numpy()
    rows.report("primaries-wrong", off, f"{{primaries}} primaries; {allowed.start} to {allowed.stop - 1} are allowed")
    best = _best_sizes(frame, tier)
    sizes = list(zip(frame["tier"].to_list(), frame["right_primaries"].to_list(), strict=True))
    other = np.array([one is not None and one != size for one, size in zip(best, sizes, strict=True)], dtype=np.bool_)
    dear = other & is_used & arranged & has_tier & ~is_over & ~off
    rows.report("tier-wrong", dear, "{right_primaries} primaries of tier {tier} are not the best size that holds it")
    counts = (
        Column("domains", "right_domains"),
        Column("sensitivity", "right_sensitivity"),
        Column("services", "right_services"),
        Column("memory_mb_used", "sum_memory"),
    )
    rows.compare("cluster-wrong", counts, is_used)
    rows.compare("cluster-wrong", [Column("function", "right_function")], is_used & ~is_mixed)
    sizes_of = (Column("primaries", "right_primaries"), Column("replicas", "right_replicas"))
    rows.compare("cluster-wrong", sizes_of, is_used & arranged)
    limits = (Column("memory_mb_limit", "right_limit"), Column("node_price_per_hour", "node_price", 10**6))
    rows.compare("cluster-wrong", limits, has_tier)
    rows.compare("cluster-name-wrong", [Column("cluster", "right_name")], is_used)
    addresses = [Column("host_name", "right_host_name"), Column("port", "right_port")]
    rows.compare("address-wrong", addresses, is_used & (frame["cluster"] == frame["right_name"]).to_numpy())


def _report_arrangement(rows: Rows, is_used: np.ndarray) -> np.ndarray:
    """Report clusters that are not arranged as their services must be; return bool[num_rows]: those that are."""
    frame = rows.frame
    modes = dict.fromkeys(_SHARDED, "cluster") | {"single": "single", "replicated": "replicated"}
    mode = frame["wanted"].replace_strict(modes, default=None, return_dtype=pl.String)
    agrees = (mode == frame["mode"]) & (frame["num_wanted"] == 1)
    arranged = np.asarray(agrees.fill_null(False).to_numpy())
    rows.report("arrangement-wrong", is_used & ~arranged, "its mode is {mode}, its services are not all to be in one")
    again = repeated(frame.select("wanted", "region", "group", "right_function"))
    again &= (frame["wanted"] != "federated").fill_null(False).to_numpy()
    text = "services of {group} for {function} in {region} have one Valkey together, and this is another"
    rows.report("arrangement-wrong", again, text)
    return arranged


def _best_sizes(frame: pl.DataFrame, tier: TierFacts) -> list[tuple[str, int] | None]:
    """Return the tier and number of primaries that each cluster must have; None where it is free, or none will do."""
    replicas = num_replicas(tier)
    best: list[tuple[str, int] | None] = []
    for region, wanted, total in frame.select("region", "wanted", "sum_memory").iter_rows():
        sizes = [
            (shards * (1 + copies) * (tier.price(VALKEY_POOL, region, row.name) or 0), shards, at, row.name)
            for at, row in enumerate(tiers_there(tier, region) if region in tier.facts.regions else ())
            for copies in [0 if wanted == "single" else replicas]
            for shards in (num_primaries(tier) if wanted == "cluster" else range(1, 2))
            if total is not None and shards * row.memory_mb >= total
        ]
        if wanted in (None, "federated") or not sizes:
            best.append(None)
        else:
            # sharded: the cheapest, of equals with the fewest nodes, then the smaller tier; else the smallest tier
            chosen = min(sizes) if wanted == "cluster" else min(sizes, key=lambda size: size[2])
            best.append((chosen[3], chosen[1]))
    return best
