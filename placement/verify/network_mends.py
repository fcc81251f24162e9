"""Mends in plan.json: other NICs and more links, that they exist, what they cost, and that they lift what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import polars as pl

from placement.capacity import CapacityModel
from placement.plan.types import Mend
from placement.units import MICROS, FloatArray, exact
from placement.verify.collector import Collector
from placement.verify.network_fabric import PLANES, Fabric
from placement.verify.network_hosts import Ports
from placement.verify.network_links import Carried
from placement.verify.network_routes import loads_of, roads
from placement.verify.network_summary import FILE, above
from placement.verify.words import money

_KBPS_PER_GBPS = 1_000_000
_SLACK_KBPS = 1.0
_SLACK_SHARE = 1e-9


@dataclass(frozen=True)
class Mendable:
    """What mends are about.

    Parameters
    ----------
    hosts
        Rows of hosts by name.
    ports
        Their NICs.
    classes_kbps
        float64[num_hosts, 2, 2], kbit/s: what each host sends (0) and receives (1) of other traffic (0) and of that
        of databases (1).
    """

    fabric: Fabric
    carries: Carried
    links: pl.DataFrame
    hosts: dict[str, int]
    ports: Ports
    classes_kbps: FloatArray
    model: CapacityModel


def check_mends(mends: Sequence[Mend], there: Mendable, found: Collector) -> None:
    """Report mends of what there is not, with another price, or that do not lift what they say."""
    high = above(there.links, there.model)
    sound: list[tuple[int, Mend]] = []
    for number, mend in enumerate(mends, start=1):
        messages = list(_nic_problems(mend, there) if mend.what == "nic" else _uplink_problems(mend, there))
        messages += [f"{link} is not above the warning level" for link in mend.lifts if link not in high]
        if not mend.lifts:
            messages.append("it lifts nothing")
        for message in messages:
            found.add("network-mend-wrong", f"mend {number}: {message}", file=FILE)
        if not messages:
            sound.append((number, mend))
    after = _after([mend for _, mend in sound if mend.what == "uplink"], there)
    for number, mend in sound:
        lifted = _lifted_by_nic(mend, there) if mend.what == "nic" else after
        for link in mend.lifts:
            if link not in lifted:
                message = f"mend {number}: {link} is above the warning level with it, too, or is none of its links"
                found.add("network-mend-wrong", message, file=FILE)


def _price_problem(mend: Mend, micros: int) -> Iterator[str]:
    if abs(round(exact(mend.price_per_hour) * MICROS) - micros) > 1:
        yield f"its price is said to be {mend.price_per_hour!r}, it is {money(micros)}"


def _nic_problems(mend: Mend, there: Mendable) -> Iterator[str]:
    nics = there.model.nics
    unknown = sorted(host for host in mend.where if host not in there.hosts)
    if unknown or len(set(mend.where)) != len(mend.where) or mend.number != len(mend.where):
        yield f"it is for {mend.number} hosts and names {len(set(mend.where))}, {len(unknown)} of them not in the plan"
        return
    if mend.to not in nics:
        yield f"the model has no NIC {mend.to}"
        return
    others = sorted(host for host in mend.where if there.ports.nic[there.hosts[host]] != mend.from_)
    if others:
        yield f"{others[0]} has NIC {there.ports.nic[there.hosts[others[0]]]}, not {mend.from_}"
        return
    old = nics[mend.from_].price_micros_per_hour if mend.from_ else 0
    yield from _price_problem(mend, mend.number * max(0, nics[mend.to].price_micros_per_hour - old))


def _lifted_by_nic(mend: Mend, there: Mendable) -> set[str]:
    """Return the ports of the mend's hosts that are not above the warning level with the new NIC."""
    new = there.model.nics[mend.to]
    warning = float(exact(there.model.alert_thresholds["network"].warning))
    links = there.links.filter(pl.col("kind").is_in(["nic", "nic-database"])).select("link", "kind", "from", "to")
    found = set()
    for link, kind, one, other in links.filter(pl.col("link").is_in(list(mend.lifts))).iter_rows():
        host, way = (one, 0) if one.removesuffix("@database") in there.hosts else (other, 1)
        host = host.removesuffix("@database")
        if host not in mend.where:
            continue
        other_kbps, database_kbps = there.classes_kbps[there.hosts[host], way].tolist()
        if new.database_kbps:
            load, port = (
                (database_kbps, new.database_kbps) if kind == "nic-database" else (other_kbps, new.service_kbps)
            )
            if kind == "nic" and not there.ports.database_kbps[there.hosts[host]]:
                # what both networks share is parted: each part must fit its port
                load = max(other_kbps, database_kbps * new.service_kbps / new.database_kbps)
        else:
            load, port = other_kbps + database_kbps, new.capacity_kbps
        if load <= warning * port + _SLACK_KBPS:
            found.add(link)
    return found


def _bundle_of(mend: Mend, there: Mendable) -> tuple[nx.Graph, tuple[str, str]] | None:
    if len(mend.where) != 2:
        return None
    one, other = mend.where
    for plane in PLANES:
        graph = there.fabric.planes[plane]
        if graph.has_edge(one, other):
            return graph, (one, other)
    return None


def _uplink_problems(mend: Mend, there: Mendable) -> Iterator[str]:
    bundle = _bundle_of(mend, there)
    if bundle is None:
        yield f"there is no bundle between {' and '.join(mend.where)}"
        return
    graph, ends = bundle
    data = graph.edges[ends]
    if mend.from_ != str(data["links"]) or mend.to != str(data["links"] + mend.number):
        yield f"it takes {mend.from_} links to {mend.to} by {mend.number}, there are {data['links']}"
        return
    price = exact(there.model.network.link_price_per_hour_per_gbps.typical)
    yield from _price_problem(mend, round(mend.number * data["capacity_kbps"] * price * MICROS / _KBPS_PER_GBPS))


def _after(mends: Sequence[Mend], there: Mendable) -> set[str]:
    """Return the links that are not above the warning level when all more links are there: traffic follows them."""
    found: set[str] = set()
    if not mends:
        return found
    warning = float(exact(there.model.alert_thresholds["network"].warning))
    for plane in PLANES:
        graph = there.fabric.planes[plane].copy()
        own = [mend for mend in mends if graph.has_edge(*mend.where)]
        if not own:
            continue
        for mend in own:
            graph.edges[mend.where]["links"] += mend.number
        network = roads(graph)
        number = {name: at for at, name in enumerate(network.names)}
        ends = np.array([number[name] for name in there.carries.ends[plane]], dtype=np.int64)
        load = loads_of(there.carries.traffic_kbps[plane], ends, network).load_kbps
        fits = load <= warning * network.capacity_kbps * (1 + _SLACK_SHARE) + _SLACK_KBPS
        for at in np.flatnonzero(fits).tolist():
            found.add(f"{network.names[network.tail[at]]}>{network.names[network.head[at]]}")
    return found
