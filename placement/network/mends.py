"""The cheapest mends found: better NICs for hosts, more links beside those there are, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placement.capacity.planning_tables import AlertThreshold
from placement.capacity.sizes import NicPorts
from placement.fleet.types import Fleet, leaf_name
from placement.network.loads import Loads, Router, is_above, whole_kbps
from placement.network.wiring import Layer, Wiring
from placement.plan.types import Mend
from placement.units import FloatArray, IntArray, exact, price_from_micros

_ROUNDS = 30
_MICROS_PER_GBPS = 1_000_000
_KBPS_PER_GBPS = 1_000_000


def nic_mends(
    fleet: Fleet,
    hosts: Sequence[str],
    ports: Sequence[NicPorts],
    wiring: Wiring,
    leaf_of: IntArray,
    loads: Loads,
    threshold: AlertThreshold,
) -> tuple[Mend, ...]:
    """Return which hosts need which NIC so that no port is above the warning level, but for those that no NIC helps."""
    capacity = np.array([[nic.service_kbps for nic in ports], [nic.database_kbps for nic in ports]], np.int64)
    above = [is_above(load, capacity, threshold.warning) for load in (loads.sent, loads.received)]
    groups: dict[tuple[str, str], list[int]] = {}
    for host in np.flatnonzero((above[0] | above[1]).any(axis=0)).tolist():
        worst = np.maximum(loads.sent[:, host], loads.received[:, host])
        better = _better(fleet, ports[host], worst, threshold, same_ports=wiring.is_derived)
        if better is not None and ports[host].name:
            groups.setdefault((ports[host].name, better.name), []).append(host)
    mends = []
    for (name, better_name), members in sorted(groups.items()):
        nics = fleet.model.nics
        price = (nics[better_name].price_micros_per_hour - nics[name].price_micros_per_hour) * len(members)
        lifts = []
        for host in members:
            for port in (0, 1):
                network = "database" if port else "service"
                end = f"{hosts[host]}@database" if port else hosts[host]
                leaf = leaf_name(*wiring.leaves[int(leaf_of[host])], network)  # type: ignore[arg-type]
                lifts += [f"{end}>{leaf}"] if above[0][port, host] else []
                lifts += [f"{leaf}>{end}"] if above[1][port, host] else []
        mends.append(
            Mend(
                what="nic",
                where=tuple(sorted(hosts[host] for host in members)),
                number=len(members),
                from_=name,
                to=better_name,
                price_per_hour=price_from_micros(max(0, price)),
                lifts=tuple(sorted(lifts)),
            )
        )
    return tuple(mends)


def _better(
    fleet: Fleet, nic: NicPorts, worst: IntArray, threshold: AlertThreshold, *, same_ports: bool
) -> NicPorts | None:
    """Return the cheapest NIC whose ports stay below the warning level under the larger load of each direction.

    Parameters
    ----------
    worst
        int64[2], kbit/s: of the service and of the database port.
    same_ports
        Whether it must have a database port if this one has: a derived database network hangs on it.
    """
    share = exact(threshold.warning)
    fitting = []
    for order, other in enumerate(fleet.model.nics.values()):
        if bool(other.database_kbps) != bool(nic.database_kbps) and (same_ports or not nic.database_kbps):
            continue
        used = [(int(worst[0]), other.service_kbps), (int(worst[1]), other.database_kbps)]
        if not other.database_kbps:
            used = [(int(worst.sum()), other.capacity_kbps)]
        if other.capacity_kbps > nic.capacity_kbps and all(load <= share * most for load, most in used):
            fitting.append((other.price_micros_per_hour, order, other))
    return min(fitting, key=lambda found: found[:2])[2] if fitting else None


def link_mends(fleet: Fleet, loads: Loads, threshold: AlertThreshold) -> tuple[Mend, ...]:
    """Return how many links to add to which bundles so that none is above the warning level, all of them together."""
    mends: list[Mend] = []
    for number, router in enumerate(loads.routers):
        links = _enough(router, loads, number, threshold)
        if links is not None:
            mends += _added(fleet, router.layer, loads.bundles[number], links, threshold)
    return tuple(sorted(mends, key=lambda mend: mend.where))


def _enough(router: Router, loads: Loads, number: int, threshold: AlertThreshold) -> IntArray | None:
    """Return int64[num_bundles]: as many links as it takes; None where adding on and on does not get there."""
    layer = router.layer
    links = layer.links.copy()
    load = loads.bundles[number]
    share = exact(threshold.warning)
    demand: FloatArray | None = None
    for _ in range(_ROUNDS):
        worst = load.max(axis=1, initial=0)
        over = is_above(worst, links * layer.capacity_kbps, threshold.warning)
        if not over.any():
            return links
        if demand is None:
            demand = router.demand(loads.sums.between[number])
        # more links draw more traffic to them, hence round after round
        per_link = layer.capacity_kbps * share.numerator
        needed = -(-worst * share.denominator // np.maximum(per_link, 1))
        links = np.where(over, np.maximum(needed, links + 1), links)
        load = whole_kbps(router.routed(demand, links).load)
    return None


def _added(fleet: Fleet, layer: Layer, before: IntArray, links: IntArray, threshold: AlertThreshold) -> list[Mend]:
    above = is_above(before, (layer.links * layer.capacity_kbps)[:, None], threshold.warning)
    names = [
        (f"{layer.nodes[one]}>{layer.nodes[other]}", f"{layer.nodes[other]}>{layer.nodes[one]}")
        for one, other in layer.ends.tolist()
    ]
    per_gbps = exact(fleet.model.network.link_price_per_hour_per_gbps.typical)
    mends = []
    for bundle in np.flatnonzero(links > layer.links).tolist():
        added = int(links[bundle] - layer.links[bundle])
        # a bundle that only more links elsewhere would fill up helps those that it has an end in common with
        near = np.isin(layer.ends, layer.ends[bundle]).any(axis=1)
        for rows in (np.array([bundle]), np.flatnonzero(near), np.arange(len(names))):
            lifts = [names[row][way] for row in rows.tolist() for way in (0, 1) if above[row, way]]
            if lifts:
                break
        price = round(added * int(layer.capacity_kbps[bundle]) * per_gbps * _MICROS_PER_GBPS / _KBPS_PER_GBPS)
        mends.append(
            Mend(
                what="uplink",
                where=(layer.nodes[int(layer.ends[bundle, 0])], layer.nodes[int(layer.ends[bundle, 1])]),
                number=added,
                from_=str(int(layer.links[bundle])),
                to=str(int(links[bundle])),
                price_per_hour=price_from_micros(price),
                lifts=tuple(sorted(lifts)),
            )
        )
    return mends
