"""Where services and hosts stand: blank regions filled in, names checked, locations listed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from placement.errors import Problem
from placement.fleet.casting import CastTable
from placement.fleet.faults import cell_problem, listed, suggest, unknown_names
from placement.fleet.topology_document import TopologyDocument, document_topology
from placement.fleet.types import Location, Topology

DEFAULT_REGION = "main"
"""The region of a fleet that names none."""

_PLACE = ("region", "zone", "segment")


@dataclass(frozen=True)
class Places:
    """Services and hosts with their places filled in.

    Parameters
    ----------
    topology
        Where hosts can be bought.
    services, hosts
        The frames that came in, places filled in.
    problems
        What is wrong with the places they name.
    """

    topology: Topology
    services: pl.DataFrame
    hosts: pl.DataFrame
    problems: tuple[Problem, ...]


def resolve_places(document: TopologyDocument | None, services: CastTable, hosts: CastTable) -> Places:
    """Fill in blank places where there is only one, and report those that cannot be known.

    Parameters
    ----------
    document
        topology.yaml, if the fleet has one.
    services, hosts
        Tables as cast; their regions are null where blank, zones and segments "".
    """
    problems: list[Problem] = []
    if document is not None:
        topology = document_topology(document)
        regions = topology.regions
        for table in (services, hosts):
            problems += _unknown_regions(table, regions)
    else:
        named = {*_named(services, "region"), *_named(hosts, "region")}
        regions = tuple(sorted(named)) or (DEFAULT_REGION,)
        topology = Topology(())
    for table in (services, hosts):
        problems += _blank_regions(table, regions)
    filled = [table.frame.with_columns(pl.col("region").fill_null(regions[0])) for table in (services, hosts)]
    services_frame, hosts_frame = filled
    if document is None:
        topology = standing_topology(hosts_frame, regions)
    elif "region" not in hosts.faulty and not problems:
        hosts_frame, more = _place_hosts(hosts_frame, hosts, topology)
        problems += more
    return Places(topology, services_frame, hosts_frame, tuple(problems))


def _named(table: CastTable, column: str) -> list[str]:
    # names with a fault still name a region: leaving them out would call the others "the only one"
    return [name for name in table.frame[column].unique().to_list() if name]


def _unknown_regions(table: CastTable, regions: tuple[str, ...]) -> list[Problem]:
    cells = table.frame["region"]
    bad = ~cells.is_in(pl.Series(regions, dtype=pl.String).implode()).fill_null(True)
    if "region" in table.faulty or not bad.any():
        return []
    return unknown_names(table.file, "region", bad, cells, "no such region in the topology", regions)


def _blank_regions(table: CastTable, regions: tuple[str, ...]) -> list[Problem]:
    blank = table.frame["region"].is_null()
    if len(regions) == 1 or not blank.any() or "region" in table.faulty:
        return []
    message = "blank, and the fleet has several regions"
    return [cell_problem(table.file, "region", blank, None, message, listed(regions))]


def _order(location: Location) -> tuple[str, str, str]:
    return location.region, location.zone, location.segment


def standing_topology(hosts: pl.DataFrame, regions: Iterable[str]) -> Topology:
    """Return the finest places that the hosts name, and the region itself where they name none in it."""
    named = set(hosts.select(_PLACE).unique().iter_rows())
    locations = []
    for region in regions:
        here = {(zone, segment) for place, zone, segment in named if place == region and (zone or segment)}
        # a zone named both with and without segments is known by its segments
        finest = {
            (zone, segment)
            for zone, segment in here
            if segment or not any(other == zone and finer for other, finer in here)
        }
        if any(zone for zone, _ in finest):
            finest = {(zone, segment) for zone, segment in finest if zone}
        locations += [Location(region, zone, segment) for zone, segment in finest] or [Location(region)]
    return Topology(tuple(sorted(locations, key=_order)))


def _place_hosts(hosts: pl.DataFrame, table: CastTable, topology: Topology) -> tuple[pl.DataFrame, list[Problem]]:
    """Check the hosts' zones and segments against the topology and fill in those that can only be one."""
    problems: list[Problem] = []
    zones: dict[str, list[str]] = {}
    segments: dict[tuple[str, str], list[str]] = {}
    for location in topology.locations:
        zones.setdefault(location.region, [])
        if location.zone and location.zone not in zones[location.region]:
            zones[location.region].append(location.zone)
        if location.segment:
            segments.setdefault((location.region, location.zone), []).append(location.segment)
    where: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for place in sorted(hosts.select(_PLACE).unique().iter_rows()):
        region, zone, segment = place
        mask = (hosts["region"] == region) & (hosts["zone"] == zone) & (hosts["segment"] == segment)
        known = zones.get(region, [])
        zone, problem = _only(zone, known, "zone", f"region {region}", table, mask)
        if problem is None:
            owner = f"zone {zone} of region {region}" if zone else f"region {region}"
            segment, problem = _only(segment, segments.get((region, zone), []), "segment", owner, table, mask)
        if problem is not None:
            problems.append(problem)
        where[place] = (region, zone, segment)
    if problems or not where:
        return hosts, problems
    moved = pl.DataFrame(
        [(*old, *new[1:]) for old, new in where.items()],
        schema=[*_PLACE, "new_zone", "new_segment"],
        orient="row",
    )
    joined = hosts.join(moved, on=_PLACE, how="left", maintain_order="left")
    placed = joined.with_columns(zone=pl.col("new_zone"), segment=pl.col("new_segment"))
    return placed.select(hosts.columns), []


def _only(
    name: str, known: list[str], column: str, owner: str, table: CastTable, mask: pl.Series
) -> tuple[str, Problem | None]:
    """Return the name, or the only known one where it is blank, and what is wrong with it."""
    if column in table.faulty or name in known:
        return name, None
    if not name:
        if len(known) <= 1:
            return (known[0] if known else ""), None
        message = f"blank, and {owner} has several"
        return name, cell_problem(table.file, column, mask, None, message, listed(known))
    message = f"no such {column} in {owner}"
    problem = cell_problem(table.file, column, mask, table.frame[column], message, listed(known))
    suggestion = suggest(name, known)
    return name, problem if not suggestion else Problem(**{**vars(problem), "suggestion": suggestion})
