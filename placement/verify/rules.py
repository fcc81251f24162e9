"""How far apart a service's own instances stand: `max_per_host` and `spread`."""

from __future__ import annotations

import numpy as np

from placement.plan.findings import Finding
from placement.units import IntArray
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.view import PlanView
from placement.verify.words import count

_FILE = "assignments.csv"


def count_pairs(plan: PlanView) -> tuple[IntArray, IntArray, IntArray]:
    """Return host, service and number of instances of each (host, service) that occurs, sorted by both.

    Returns
    -------
    tuple of int64[num_pairs]
        Rows of hosts and services, and how many instances of the service stand on the host.
    """
    known = (plan.service_idx >= 0) & (plan.host_idx >= 0)
    width = max(1, len(plan.services))
    keys, counts = np.unique(plan.host_idx[known] * width + plan.service_idx[known], return_counts=True)
    return keys // width, keys % width, counts.astype(np.int64)


def check_max_per_host(
    plan: PlanView, facts: FleetFacts, pairs: tuple[IntArray, IntArray, IntArray], found: Collector
) -> None:
    """Report hosts with more instances of a service than its `max_per_host`."""
    host, service, number = pairs

    def make(pair: int) -> Finding:
        name, where = plan.services[service[pair]], plan.hosts[host[pair]]
        most = int(facts.max_per_host[service[pair]])
        there = int(number[pair])
        message = f"{count(there, 'instance')} of {name} stand on {where}, at most {most:,} may"
        return Finding("max-per-host", message, service=name, host=where, value=there, limit=most, file=_FILE)

    found.add_rows("max-per-host", np.flatnonzero(number > facts.max_per_host[service]), make)


def check_spread(plan: PlanView, facts: FleetFacts, found: Collector) -> None:
    """Report zones and segments with more of a service's instances than an even spread puts there.

    With Z named zones in a service's region, at most ⌈instances / Z⌉ of its instances stand in one zone;
    segments likewise, segments of the same name in different zones being different ones. A region that names
    none has no such rule. Zones are those of the topology and of the active hosts of the inventory.
    """
    fleet = facts.fleet
    locations = fleet.topology.locations
    spreads = fleet.services["spread"].to_list()
    for level in ("zone", "segment"):
        wanted = np.array([spread == level for spread in spreads], dtype=np.bool_)
        if not wanted.any():
            continue
        columns = ["region", "zone"] if level == "zone" else ["region", "zone", "segment"]
        active = fleet.hosts.filter(fleet.hosts["state"] == "active")
        named = set(active.select(columns).iter_rows())
        named |= {tuple(getattr(location, column) for column in columns) for location in locations}
        sizes = [sum(1 for place in named if place[0] == here and place[-1]) for here in facts.regions]
        num_places = np.array(sizes, dtype=np.int64)[facts.region_idx]
        wanted &= num_places > 0
        most = -(-facts.instances // np.maximum(num_places, 1))
        places = list(plan.plan.hosts.select(columns).iter_rows())
        codes = {place: code for code, place in enumerate(sorted(set(places)))}
        host_place = np.array([codes[place] for place in places], dtype=np.int64)
        rows = np.flatnonzero((plan.service_idx >= 0) & (plan.host_idx >= 0))
        rows = rows[wanted[plan.service_idx[rows]]]
        if not len(rows):
            continue
        keys, numbers = np.unique(
            plan.service_idx[rows] * len(codes) + host_place[plan.host_idx[rows]], return_counts=True
        )
        service, place_code = keys // len(codes), keys % len(codes)
        names = {
            code: "/".join(filter(None, place[1:])) if place[-1] else "/".join(filter(None, (*place, "(none named)")))
            for place, code in codes.items()
        }

        def make(
            pair: int,
            level: str = level,
            service: IntArray = service,
            place: IntArray = place_code,
            numbers: IntArray = numbers,
            most: IntArray = most,
            names: dict[int, str] = names,
        ) -> Finding:
            row = int(service[pair])
            there, limit = int(numbers[pair]), int(most[row])
            message = (
                f"{there:,} of {count(int(facts.instances[row]), 'instance')} of {plan.services[row]} "
                f"stand in {level} {names[int(place[pair])]}, at most {limit:,} may"
            )
            return Finding("spread", message, service=plan.services[row], value=there, limit=limit, file=_FILE)

        found.add_rows("spread", np.flatnonzero(numbers > most[service]), make)
