"""Hosts in the network: which NIC each must have, the ports of it, and the segment that it stands in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from placement.plan.types import Plan
from placement.units import BoolArray, IntArray
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.network_fabric import DATABASE, Fabric, Place, derived_fabric, derived_sizes, file_fabric
from placement.verify.view import PlanView
from placement.verify.words import count

_FILE = "hosts.csv"
_PLACE = ["region", "zone", "segment"]


def without_own_segments(plan: Plan, facts: FleetFacts) -> Plan:
    """Return the plan with blank segments where the plan made them itself: rules know only those of the fleet."""
    if facts.fleet.topology.has_network or not plan.hosts.height:
        return plan
    is_own = pl.Series(_chosen_by_plan(plan.hosts, facts))
    return replace(plan, hosts=plan.hosts.with_columns(segment=pl.when(is_own).then(pl.lit("")).otherwise("segment")))


def _chosen_by_plan(hosts: pl.DataFrame, facts: FleetFacts) -> BoolArray:
    """Return bool[num_hosts]: hosts whose segment neither the inventory nor the topology says."""
    standing = {name: bool(segment) for name, segment in facts.fleet.hosts.select("host", "segment").iter_rows()}
    named = _named_places(facts)
    return np.array(
        [
            not standing[host] if host in standing else place not in named
            for host, *place_parts in hosts.select("host", *_PLACE).iter_rows()
            for place in [tuple(place_parts)]
        ],
        dtype=np.bool_,
    )


def _bare_locations(facts: FleetFacts) -> set[tuple[str, str]]:
    """Return region and zone of the locations that name no segment."""
    return {(place.region, place.zone) for place in facts.fleet.topology.locations if not place.segment}


def _named_places(facts: FleetFacts) -> set[Place]:
    """Return the segments that topology and inventory name."""
    places = {(location.region, location.zone, location.segment) for location in facts.fleet.topology.locations}
    places |= set(facts.fleet.hosts.select(_PLACE).unique().iter_rows())
    return {place for place in places if place[-1]}


@dataclass(frozen=True)
class Ports:
    """The NIC that each host must have.

    Parameters
    ----------
    nic
        Names; "" is a NIC of the fleet's own.
    capacity_kbps, database_kbps
        int64[num_hosts], kbit/s: of all its ports, and of the one for the database network alone (0: none).
    is_known
        bool[num_hosts]: whether the fleet has such a host.
    """

    nic: tuple[str, ...]
    capacity_kbps: IntArray
    database_kbps: IntArray
    is_known: BoolArray


def right_ports(plan: PlanView, facts: FleetFacts) -> Ports:
    """Return the NICs that inventory, sizes and policy give the hosts of a plan."""
    nics, sizes, standing = facts.fleet.model.nics, facts.fleet.sizes, facts.fleet.hosts
    rows: list[tuple[str, int, int, bool]] = []
    kinds: dict[tuple[str, str], tuple[str, int, int, bool]] = {}
    own = dict(enumerate(standing.select("nic", "nic_kbps", "size").iter_rows()))
    for existing, pool, size_name in zip(
        plan.existing_idx.tolist(), plan.plan.hosts["pool"], plan.plan.hosts["size"], strict=True
    ):
        if existing >= 0:
            nic, kbps, size_of_it = own[existing]
            size = sizes.get(size_of_it)
            name = nic or (size.nic if size is not None else "")
            rows.append((name, kbps, nics[name].database_kbps if name in nics else 0, True))
            continue
        if (pool, size_name) not in kinds:
            bought, size = facts.bought.get((pool, size_name)), sizes.get(size_name)
            if bought is None or size is None:
                kinds[pool, size_name] = ("", 0, 0, False)
            elif bought.nic:
                ports = nics[bought.nic]
                kinds[pool, size_name] = (bought.nic, ports.capacity_kbps, ports.database_kbps, True)
            else:
                kinds[pool, size_name] = ("", size.nic_kbps, 0, True)
        rows.append(kinds[pool, size_name])
    return Ports(
        nic=tuple(row[0] for row in rows),
        capacity_kbps=np.array([row[1] for row in rows], dtype=np.int64),
        database_kbps=np.array([row[2] for row in rows], dtype=np.int64),
        is_known=np.array([row[3] for row in rows], dtype=np.bool_),
    )


def check_nics(plan: PlanView, ports: Ports, facts: FleetFacts, found: Collector) -> None:
    """Report NICs that the model does not have, and those that are not what inventory, size or policy give."""
    nics = facts.fleet.model.nics
    for row, stated in enumerate(plan.plan.hosts["nic"].to_list()):
        where = {"host": plan.hosts[row], "file": _FILE, "row": row + 1}
        if stated and stated not in nics:
            message = f"{plan.hosts[row]} has NIC {stated}; the model knows {', '.join(nics)}"
            found.add("nic-unknown", message, **where)
        elif ports.is_known[row] and stated != ports.nic[row]:
            said, right = stated or "none of the model", ports.nic[row] or "none of the model"
            message = f"{plan.hosts[row]} has NIC {right} by inventory, size or policy, the plan says {said}"
            found.add("nic-wrong", message, **where)


def plan_fabric(plan: Plan, ports: Ports, facts: FleetFacts) -> Fabric:
    """Return the network that a plan stands in: that of the fleet's file, or the one that its hosts give."""
    fleet = facts.fleet
    if fleet.topology.has_network:
        return file_fabric(fleet.topology)
    hosts = plan.hosts.filter(pl.Series(_chosen_by_plan(plan.hosts, facts))) if plan.hosts.height else plan.hosts
    bare, standing = _bare_locations(facts), set(fleet.hosts["host"].to_list())
    unnamed = Counter(
        (region, zone)
        for host, region, zone in hosts.select("host", "region", "zone").iter_rows()
        if host in standing or (region, zone) in bare
    )
    least_kbps = int(ports.database_kbps.min()) if len(ports.database_kbps) else 0
    sizes = derived_sizes(fleet.model, fleet.services.height, least_kbps)
    named = _named_places(facts)
    return derived_fabric(named & set(plan.hosts.select(_PLACE).iter_rows()), unnamed, named, sizes)


def all_regions(facts: FleetFacts) -> tuple[str, ...]:
    """Return the names of all regions, sorted."""
    return tuple(sorted({*facts.regions, *facts.fleet.topology.regions}))


def check_segments(plan: Plan, fabric: Fabric, facts: FleetFacts, found: Collector) -> None:
    """Report hosts in segments that there are not, and segments of the plan's own with more hosts than they take.

    Where inventory or topology say where a host stands, or know no such place at all, another finding says so.
    """
    places = list(plan.hosts.select(_PLACE).iter_rows())
    known = _bare_locations(facts) | {place[:2] for place in fabric.leaves}
    is_own = _chosen_by_plan(plan.hosts, facts) & (fabric.source == "derived")
    for row in np.flatnonzero(is_own).tolist():
        place = places[row]
        if place not in fabric.leaves and place[:2] in known:
            where = "/".join(part for part in place[:2] if part)
            what = f"segment {place[2]}, which {where} has not" if place[2] else f"no segment of {where}"
            host = plan.hosts["host"][row]
            found.add("segment-unknown", f"{host} stands in {what}", host=host, file=_FILE, row=row + 1)
    there = Counter(places)
    for place, most in fabric.room.items():
        if there[place] > most:
            message = f"segment {fabric.leaves[place]} takes {count(most, 'host')}, {there[place]:,} stand there"
            found.add("segment-full", message, value=float(there[place]), limit=float(most), file=_FILE)


def has_database_port(ports: Ports) -> BoolArray:
    """Return bool[num_hosts]: hosts with a port for the database network."""
    return ports.database_kbps > 0


def host_node(host: str, plane: str) -> str:
    """Return the name of a host's end of a link in a plane."""
    return f"{host}@database" if plane == DATABASE else host
