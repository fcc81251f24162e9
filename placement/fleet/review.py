"""What is odd about a fleet without being wrong."""

from __future__ import annotations

import polars as pl

from placement.capacity.sizes import HostSize
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
        "services with frontend = true and a profile that contains a front end: the front end's footprint is "
        f"added all the same ({listed(profiles)}): {_examples(doubled['service'])}"
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
                f"services to be spread over {spread}s in a region without any ({listed(regions)}): "
                f"{_examples(lost['service'])}"
            )
    return warnings


def _half_named_places(fleet: Fleet) -> list[str]:
    warnings = []
    for place in ("zone", "segment"):
        named = fleet.hosts.filter(pl.col(place) != "")["region"].unique()
        blank = fleet.hosts.filter((pl.col(place) == "") & pl.col("region").is_in(named.implode()))
        if blank.height:
            warnings.append(
                f"hosts that name no {place} in a region where others do count as one more {place} together: "
                f"{_examples(blank['host'])}"
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
        if (size.cpu_millicores, size.memory_mb) != (other.cpu_millicores, other.memory_mb):
            own, models = _capacity(size), _capacity(other)
            warnings.append(f"size {name} is the fleet's own ({own}), not the model's ({models})")
    return warnings


def _capacity(size: HostSize) -> str:
    return f"{size.cpu_millicores / 1000:g} cores, {size.memory_mb:,} MB"


def _examples(names: pl.Series) -> str:
    shown = ", ".join(names.head(3).to_list())
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown
