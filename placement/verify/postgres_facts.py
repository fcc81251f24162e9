"""What the database of every service must be: arrangement, connections, storage, load, from fleet and model alone."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import polars as pl

from placement.fleet.types import PostgresChoice, ValkeyChoice
from placement.units import BoolArray, IntArray
from placement.verify.exact import ceil_sum
from placement.verify.tier_facts import POSTGRES_POOL, SERVER_RESOURCES, ServerTier, TierFacts

Names = np.ndarray
"""Arrays of text (dtype object)."""


def postgres_facts(tier: TierFacts) -> pl.DataFrame:
    """Return a row per service that has a database, sorted by service.

    Returns
    -------
    Frame
        `service`, `region`, `domain`, `sensitivity`, `group`, `load_profile`, `arrangement`, `is_pooled` (whether
        there are PgBouncers in front), `connections_per_instance`, `pool_size`, `reserve_pool_size`, `storage_class`,
        `tier` (of a server of its own; "" where the server is shared, or no tier will do), and `SERVER_RESOURCES`,
        what it draws on its server.
    """
    services = tier.facts.fleet.services.filter("needs_postgres").with_columns(
        group=pl.col("sensitivity").replace_strict(dict(tier.groups), return_dtype=pl.String)
    )
    asked = asked_for(services, tier.facts.fleet.policy.postgres)
    is_auto = asked == "auto"
    phase = next((row for row in tier.model.postgres.phases.values() if row.covers(tier.num_services)), None)
    usual = {"shared": "single"}.get(phase.arrangement, phase.arrangement) if phase is not None else "clusters"
    arrangement = np.where(is_auto, usual, asked)
    is_pooled = (arrangement == "clusters") & tier.clusters_have_pgbouncers
    figures = _figures(tier, services, arrangement, is_pooled)
    moved = _too_many_for_one(tier, figures, arrangement) & is_auto
    if moved.any():
        arrangement = np.where(moved, "clusters", arrangement)
        is_pooled = (arrangement == "clusters") & tier.clusters_have_pgbouncers
        figures = _figures(tier, services, arrangement, is_pooled)
    is_dedicated = arrangement == "dedicated"
    direct = smallest_tiers(figures, tier.dedicated_tiers, tier, False)
    through = is_dedicated & (direct == "")
    if through.any():
        is_pooled = is_pooled | through
        figures = _figures(tier, services, arrangement, is_pooled)
        pooled = smallest_tiers(figures, tier.dedicated_tiers, tier, True)
        direct = np.where(through, pooled, direct)
    return figures.with_columns(tier=pl.Series(np.where(is_dedicated, direct, ""), dtype=pl.String))


def asked_for(services: pl.DataFrame, choice: PostgresChoice | ValkeyChoice) -> Names:
    """Return what the policy asks for, by service."""
    asked = pl.Series([choice.default], dtype=pl.String).new_from_index(0, services.height)
    for column, said in (("domain", choice.domains), ("service", choice.services)):
        if said:
            names: dict[str, str] = dict(said)
            there = services[column].replace_strict(names, default=None, return_dtype=pl.String)
            asked = there.fill_null(asked)
    return asked.to_numpy().astype(object)


def server_demand(figures: pl.DataFrame) -> IntArray:
    """Return what services draw on their servers: int64[num_services, num_server_resources]."""
    return np.stack([figures[name].to_numpy().astype(np.int64) for name in SERVER_RESOURCES], axis=1)


def smallest_tiers(
    figures: pl.DataFrame, tiers: tuple[ServerTier, ...], tier: TierFacts, is_pooled: BoolArray | bool
) -> Names:
    """Return the name of the smallest tier that holds each row alone and can be had in its region, or "".

    Parameters
    ----------
    figures
        Columns `region` and `SERVER_RESOURCES`.
    is_pooled
        Whether there are PgBouncers in front of the servers: bool, or bool[num_rows].
    """
    demand = server_demand(figures)
    regions = figures["region"].to_numpy()
    pooled = np.broadcast_to(np.asarray(is_pooled, dtype=np.int64), len(demand))
    found = np.full(len(demand), "", dtype=object)
    for server in tiers:
        there = [region for region in tier.facts.regions if tier.price(POSTGRES_POOL, region, server.name) is not None]
        limits = np.array([tier.server_limit(server, False), tier.server_limit(server, True)], dtype=np.int64)
        holds = (demand <= limits[pooled]).all(axis=1) & np.isin(regions, there)
        found[(found == "") & holds] = server.name
    return found


def _too_many_for_one(tier: TierFacts, figures: pl.DataFrame, arrangement: Names) -> BoolArray:
    """Return which services were to share one server of their group, but are too much for every tier together."""
    is_single = arrangement == "single"
    keys = ["region", "group"]
    sums = figures.filter(is_single).group_by(keys).agg(pl.col(name).sum() for name in SERVER_RESOURCES)
    tiers = smallest_tiers(sums, tier.cluster_tiers, tier, False)
    full = sums.select(keys).filter(tiers == "").with_columns(is_full=True)
    marked = figures.select(keys).join(full, on=keys, how="left", maintain_order="left")
    return np.asarray(is_single & marked["is_full"].fill_null(False).to_numpy())


def _figures(tier: TierFacts, services: pl.DataFrame, arrangement: Names, is_pooled: BoolArray) -> pl.DataFrame:
    postgres, at = tier.model.postgres, tier.at
    instances = services["instances"].to_numpy().astype(np.int64)
    usual = {kind: _usual_pool(tier, kind) for kind in set(arrangement.tolist())}
    by_arrangement = np.array([usual[kind] for kind in arrangement.tolist()], dtype=np.int64)
    given = services["db_connections"]
    per_instance = np.where(given.is_not_null().to_numpy(), given.fill_null(0).to_numpy(), by_arrangement)
    clients = instances * per_instance
    processes = tier.num_processes
    most = math.ceil(at(postgres.pgbouncer.default_pool_size))
    pool = np.where(is_pooled, -(-np.minimum(most, clients) // processes), 0)
    reserve = np.where(is_pooled, -(-math.ceil(at(postgres.pgbouncer.reserve_pool_size)) // processes), 0)
    connections = np.where(is_pooled, processes * (pool + reserve), clients)
    stored, scale = _stored(tier, services)
    load = postgres.load
    bandwidth = at(tier.model.network.traffic["postgres"].bandwidth_mbps)
    return services.select(
        "service", "region", "domain", "sensitivity", "group", "load_profile",
        arrangement=pl.Series(arrangement, dtype=pl.String),
        is_pooled=is_pooled,
        connections_per_instance=per_instance,
        pool_size=pool,
        reserve_pool_size=reserve,
        storage_class=_storage_classes(tier, services, stored, scale),
        connections=connections,
        clients=clients,
        storage_mb=ceil_sum([(at(postgres.storage_formula.growth_factor) / scale, stored)]),
        cpu_millicores=ceil_sum([(at(load.cpu_cores_per_instance) * 1000, instances)]),
        memory_mb=ceil_sum(
            [(at(load.memory_mb_per_connection), connections), (at(load.cached_share) / scale, stored)]
        ),
        network_kbps=ceil_sum([(bandwidth * 1000, instances)]),
    )  # fmt: skip


def _usual_pool(tier: TierFacts, arrangement: str) -> int:
    """Return the connections of one instance: of the arrangement's row that covers the fleet, or the nearest."""
    number = tier.num_services

    def distance(row: object) -> tuple[float, float]:
        low = row.services_from.typical  # type: ignore[attr-defined]
        below = row.services_below  # type: ignore[attr-defined]
        if number < low:
            return low - number, low
        return (0, low) if below is None or number < below.typical else (number - below.typical + 1, low)

    rows = list(tier.model.postgres.pools.values())
    own = [row for row in rows if row.arrangement == arrangement] or rows
    return math.ceil(tier.at(min(own, key=distance).max_connections_per_instance))


def _stored(tier: TierFacts, services: pl.DataFrame) -> tuple[IntArray, int]:
    """Return the stored MB before growth, times a scale that makes them whole; and the scale."""
    formula = tier.model.postgres.storage_formula
    base = tier.at(formula.base_mb)
    per_row = tier.at(formula.row_bytes) * (1 + tier.at(formula.index_share)) / 10**6
    usual = tier.at(tier.model.postgres.storage_classes[formula.default_class].storage_gb) * 1000
    scale = math.lcm(base.denominator, per_row.denominator, usual.denominator)
    given, rows = services["db_storage_mb"], services["db_rows"]
    given_mb, num_rows = (column.fill_null(0).to_numpy().astype(np.int64) for column in (given, rows))
    largest = max(int(given_mb.max(initial=0)) * scale, int(num_rows.max(initial=0)) * int(per_row * scale))
    kind = np.int64 if largest + int((base + usual) * scale) < 2**62 else object
    by_rows = num_rows.astype(kind) * int(per_row * scale) + int(base * scale)
    stored = np.where(rows.is_not_null().to_numpy(), by_rows, int(usual * scale))
    return np.where(given.is_not_null().to_numpy(), given_mb.astype(kind) * scale, stored), scale


def _storage_classes(tier: TierFacts, services: pl.DataFrame, stored: IntArray, scale: int) -> pl.Series:
    """Return the storage class: that of the rows where they are given, else the first that reaches the size."""
    classes = sorted(tier.model.postgres.storage_classes.items(), key=lambda pair: pair[1].rows_from.typical)
    found = np.full(services.height, classes[-1][0], dtype=object)
    rows = services["db_rows"]
    has_rows = rows.is_not_null().to_numpy()
    num_rows = rows.fill_null(0).to_numpy()
    for name, row in reversed(classes):
        most = Fraction(str(row.storage_gb.high)) * 1000 * scale
        below = row.rows_below
        by_rows = num_rows < below.typical if below is not None else np.ones(len(num_rows), dtype=np.bool_)
        found[np.where(has_rows, by_rows, stored <= math.floor(most)).astype(np.bool_)] = name
    return pl.Series(found, dtype=pl.String)
