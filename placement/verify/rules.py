"""How far apart a service's own instances stand: `max_per_host` and `spread`."""

from __future__ import annotations

import numpy as np
import polars as pl

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
    spreads = facts.fleet.services["spread"].to_numpy()
    for level in ("zone", "segment"):
        wanted = spreads == level
        if not wanted.any():
            continue
        sizes = [facts.num_places("services", region, level) for region in facts.regions]
        num_places = np.array(sizes, dtype=np.int64)[facts.region_idx]
        wanted &= num_places > 0
        most = -(-facts.instances // np.maximum(num_places, 1))
        rows = np.flatnonzero((plan.service_idx >= 0) & (plan.host_idx >= 0))
        rows = rows[wanted[plan.service_idx[rows]]]
        what, place, number = crowded(plan, level, (plan.service_idx[rows], plan.host_idx[rows]), most)

        def make(
            pair: int,
            level: str = level,
            what: IntArray = what,
            place: IntArray = place,
            number: IntArray = number,
            most: IntArray = most,
        ) -> Finding:
            service, there = int(what[pair]), int(number[pair])
            name, limit = plan.services[service], int(most[service])
            message = (
                f"{there:,} of {count(int(facts.instances[service]), 'instance')} of {name} "
                f"stand in {level} {place_name(plan, level, int(place[pair]))}, at most {limit:,} may"
            )
            return Finding("spread", message, service=name, value=there, limit=limit, file=_FILE)

        found.add_rows("spread", np.arange(len(what)), make)


def crowded(
    plan: PlanView, level: str, standing: tuple[IntArray, IntArray], most: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Return what stands more often in a zone or segment than it may, a host of that place, and how often.

    Parameters
    ----------
    level
        ``zone`` or ``segment``.
    standing
        What stands (a number into `most`) and on which row of hosts: int64[n] each.
    most
        How many of each may stand in one place.

    Returns
    -------
    tuple of int64[num_crowds]
    """
    what, host = standing
    # a place is known by the first host that stands there
    places = plan.plan.hosts.select(_PLACE[level]).with_row_index("row")
    first = places.select(pl.col("row").first().over(_PLACE[level]))["row"].to_numpy().astype(np.int64)
    width = max(1, plan.num_hosts)
    keys, numbers = np.unique(what * width + first[host], return_counts=True)
    bad = numbers > most[keys // width]
    return keys[bad] // width, keys[bad] % width, numbers[bad].astype(np.int64)


def place_name(plan: PlanView, level: str, host: int) -> str:
    """Return the name of the zone or segment that a host stands in."""
    place = plan.plan.hosts.select(_PLACE[level]).row(host)
    return "/".join(filter(None, place[1:] if place[-1] else (*place, "(none named)")))


_PLACE = {"zone": ["region", "zone"], "segment": ["region", "zone", "segment"]}
