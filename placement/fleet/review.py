"""What is odd about a fleet without being wrong."""

from __future__ import annotations

import polars as pl

from placement.errors import InputError
from placement.fleet.faults import listed
from placement.fleet.types import Fleet


def fleet_warnings(fleet: Fleet) -> tuple[str, ...]:
    """Return what its author may not have meant, in words, a line per finding."""
    return (
        *_double_frontends(fleet),
        *_missing_places(fleet),
        *_half_named_places(fleet),
        *_replaced_sizes(fleet),
    )


def _double_frontends(fleet: Fleet) -> list[str]:
    containing = [name for name, profile in fleet.model.profiles.items() if profile.includes_frontend]
    doubled = fleet.services.filter(pl.col("frontend") & pl.col("profile").is_in(containing))
    if not doubled.height:
        return []
    profiles = sorted(doubled["profile"].unique().to_list())
    return [
        f"{_count(doubled)} have frontend = true and a profile that contains a front end ({listed(profiles)}): "
        f"the front end's footprint is added all the same, e.g. for {_examples(doubled)}"
    ]


def _missing_places(fleet: Fleet) -> list[str]:
    warnings = []
    for spread in ("zone", "segment"):
        named = {location.region for location in fleet.topology.locations if getattr(location, spread)}
        named |= set(fleet.hosts.filter(pl.col(spread) != "")["region"].unique().to_list())
        lost = fleet.services.filter(
            (pl.col("spread") == spread) & (pl.col("instances") > 1) & ~pl.col("region").is_in(sorted(named))
        )
        if lost.height:
            regions = sorted(lost["region"].unique().to_list())
            warnings.append(
                f"{_count(lost)} are to be spread over {spread}s, but there are none in region {listed(regions)}, "
                f"e.g. {_examples(lost)}"
            )
    return warnings


def _half_named_places(fleet: Fleet) -> list[str]:
    warnings = []
    for place in ("zone", "segment"):
        named = fleet.hosts.filter(pl.col(place) != "")["region"].unique()
        blank = fleet.hosts.filter((pl.col(place) == "") & pl.col("region").is_in(named.implode()))
        if blank.height:
            warnings.append(
                f"{blank.height:,} hosts name no {place} in a region where others do, e.g. "
                f"{listed(blank['host'].head(3).to_list())}: together they count as one more {place}"
            )
    return warnings


def _replaced_sizes(fleet: Fleet) -> list[str]:
    warnings = []
    try:
        known = fleet.model.host_sizes()
    except InputError:
        return []
    for name in sorted(set(known) & set(fleet.sizes)):
        size, other = fleet.sizes[name], known[name]
        capacities = (size.cpu_millicores, size.memory_mb), (other.cpu_millicores, other.memory_mb)
        if capacities[0] != capacities[1]:
            warnings.append(
                f"size {name} is the fleet's own ({size.cpu_millicores / 1000:g} cores, {size.memory_mb:,} MB), not the "
                f"model's ({other.cpu_millicores / 1000:g} cores, {other.memory_mb:,} MB)"
            )
    return warnings


def _count(services: pl.DataFrame) -> str:
    return f"{services.height:,} services" if services.height != 1 else "1 service"


def _examples(services: pl.DataFrame) -> str:
    return listed(services["service"].head(3).to_list())
