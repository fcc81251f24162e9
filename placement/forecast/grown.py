"""A fleet as it may be once it has grown: the services there are, and copies of ones drawn among them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import polars as pl

from placement.compare.variation import with_digest
from placement.datatier.arrangement import automatic_postgres, automatic_valkey
from placement.fleet.types import CALLS_SCHEMA, INTERFERENCE_SCHEMA, Fleet, Pool
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
        interference=_renumbered(fleet.interference, at, ("service", "other"), INTERFERENCE_SCHEMA),
        calls=_renumbered(fleet.calls, at, ("from", "to"), CALLS_SCHEMA),
        current=fleet.current.clear(),
    )
    return with_digest(changed)


def part_of(fleet: Fleet, num_services: int) -> Fleet:
    """Return an even part of a fleet that stands for all of it, without platform services.

    What goes by the number of services (arrangements) is that of the whole; interference and calls are left out, and so
    are standing hosts, stock and room, which are the whole fleet's.
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
            calls=fleet.calls.clear(),
            policy=policy.model_copy(update={"postgres": postgres, "valkey": valkey}),
        )
    )


def platform_alone(fleet: Fleet) -> Fleet:
    """Return the fleet with nothing planned but platform services, which go by the number of services."""
    return with_digest(
        dataclasses.replace(
            fleet,
            interference=fleet.interference.clear(),
            calls=fleet.calls.clear(),
            policy=fleet.policy.model_copy(update={"pools": ["platform"]}),
        )
    )


def _renumbered(
    table: pl.DataFrame, at: IntArray, ends: tuple[str, str], schema: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """Return rules or calls with the new rows of services; those of services that are gone fall away."""
    if table.is_empty():
        return table
    moved = table.with_columns(pl.Series(end, at[table[end].to_numpy()]) for end in ends)
    return moved.filter(pl.all_horizontal(pl.col(ends) >= 0)).cast(dict(schema)).sort(ends)  # type: ignore[arg-type]
