"""A fleet as it may be once it has grown: the services there are, and copies of ones drawn among them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import polars as pl

from placement.compare.variation import with_digest
from placement.datatier.arrangement import automatic_postgres, automatic_valkey
from placement.fleet.types import INTERFERENCE_SCHEMA, Fleet, Pool
from placement.units import IntArray

_MAX_STEM = 45
_NUM_STRATA = 64


def grown(fleet: Fleet, counts: Mapping[str, int], seed: int) -> Fleet:
    """Return a fleet with so many services of each domain.

    All services that there are stay, with their rules; the others are copies of services of their domain, drawn with
    PCG64. Where a domain shrinks, its first services by name stay.

    Parameters
    ----------
    counts
        Services by domain; ``{"": n}``, or the key that is the fleet's only one, where growth is not by domain: then
        domains keep their shares.
    """
    services = fleet.services
    num = len(services)
    rows: list[IntArray] = []
    copies: list[IntArray] = []
    generator = np.random.Generator(np.random.PCG64(seed))
    domain = services["domain"].to_numpy()
    whole = len(counts) == 1
    for name, count in sorted(counts.items()):
        members = np.arange(num) if whole else np.flatnonzero(domain == name)
        if not len(members):
            continue
        more = max(0, count - len(members))
        rows.append(members[:count] if count < len(members) else members)
        copies.append(generator.choice(members, more))
    kept = np.concatenate(rows).astype(np.int64)
    drawn = np.concatenate(copies).astype(np.int64)
    stems = services["service"].str.slice(0, _MAX_STEM).gather(drawn)
    numbers = pl.Series("number", np.arange(1, len(drawn) + 1)).cast(pl.String)
    # two hyphens and a letter: no name that people give
    added = services[drawn.tolist()].with_columns((stems + "--g" + numbers).alias("service"))
    both = pl.concat([services[kept.tolist()], added]).with_columns(
        pl.Series("row", np.concatenate([kept, np.full(len(drawn), -1)]))
    )
    both = both.sort("service")
    at = np.full(num, -1, np.int64)
    old = both["row"].to_numpy()
    at[old[old >= 0]] = np.flatnonzero(old >= 0)
    changed = dataclasses.replace(
        fleet,
        services=both.drop("row"),
        interference=_renumbered(fleet.interference, at),
        current=fleet.current.clear(),
    )
    return with_digest(changed)


def part_of(fleet: Fleet, num_services: int) -> Fleet:
    """Return an even part of a fleet that stands for all of it, without platform services.

    What goes by the number of services (arrangements) is that of the whole; interference is left out, and so are
    standing hosts, stock and room, which are the whole fleet's.
    """
    num = len(fleet.services)
    # databases cost most, and few large ones most of that: strata by their size, demands in order within each
    has_databases = "databases" in fleet.policy.pools
    rank = pl.col("db_storage_mb").fill_null(-1).rank("ordinal") - 1
    stratum = (rank * (_NUM_STRATA if has_databases else 1) // num).alias("stratum")
    order = ["region", "stratum", "needs_postgres", "profile", "cpu_millicores", "memory_mb", "service"]
    by_kind = fleet.services.with_columns(stratum).sort(order).drop("stratum")
    rows = (np.arange(num_services) * num) // num_services
    pools: list[Pool] = [pool for pool in fleet.policy.pools if pool != "platform"]
    policy = fleet.policy.model_copy(update={"pools": pools})
    postgres, valkey = policy.postgres, policy.valkey
    if postgres.default == "auto":
        postgres = postgres.model_copy(update={"default": automatic_postgres(fleet.model, num)})
    if valkey.default == "auto":
        valkey = valkey.model_copy(update={"default": automatic_valkey(fleet.model, num)})
    return with_digest(
        dataclasses.replace(
            fleet,
            services=by_kind[rows.tolist()].sort("service"),
            interference=fleet.interference.clear(),
            policy=policy.model_copy(update={"postgres": postgres, "valkey": valkey}),
        )
    )


def platform_alone(fleet: Fleet) -> Fleet:
    """Return the fleet with nothing planned but platform services, which go by the number of services."""
    return with_digest(
        dataclasses.replace(
            fleet,
            interference=fleet.interference.clear(),
            policy=fleet.policy.model_copy(update={"pools": ["platform"]}),
        )
    )


def _renumbered(rules: pl.DataFrame, at: IntArray) -> pl.DataFrame:
    """Return interference rules with the new rows of services; those of services that are gone fall away."""
    if rules.is_empty():
        return rules
    ends = {end: at[rules[end].to_numpy()] for end in ("service", "other")}
    moved = rules.with_columns(pl.Series(end, rows) for end, rows in ends.items())
    return (
        moved.filter((pl.col("service") >= 0) & (pl.col("other") >= 0))
        .cast(dict(INTERFERENCE_SCHEMA))  # type: ignore[arg-type]
        .sort("service", "other")
    )
