"""The plan's hosts: those that exist are as the inventory says, the others can be bought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from placement.fleet.types import POOLS, Location
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.view import UNREADABLE, PlanView
from placement.verify.words import count, money

_FILE = "hosts.csv"


def check_hosts(plan: PlanView, facts: FleetFacts | None, found: Collector) -> None:
    """Report hosts that are listed twice, unused, not as the inventory says, or not to be had."""
    for name, times in Counter(plan.hosts).items():
        if times > 1:
            found.add("host-twice", f"{name} is listed {times} times", host=name, file=_FILE)
    for row in np.flatnonzero(plan.is_used & (plan.num_instances == 0)).tolist():
        message = f"{plan.hosts[row]} runs nothing and is no spare"
        found.add("host-unused", message, host=plan.hosts[row], file=_FILE, row=row + 1)
    for row, pool in enumerate(plan.plan.hosts["pool"].to_list()):
        where = {"host": plan.hosts[row], "file": _FILE, "row": row + 1}
        if pool not in POOLS:
            found.add("unknown-pool", f"{plan.hosts[row]} belongs to pool {pool}; known: {', '.join(POOLS)}", **where)
        elif facts is not None and pool not in facts.pools:
            message = f"{plan.hosts[row]} belongs to pool {pool}; the policy plans {', '.join(facts.pools)}"
            found.add("pool-not-planned", message, **where)
    for row in np.flatnonzero(plan.price == UNREADABLE).tolist():
        message = f"{plan.hosts[row]}: the price is no whole number of millionths"
        found.add("price-wrong", message, host=plan.hosts[row], file=_FILE, row=row + 1)
    if facts is None:
        return
    bought: Counter[str] = Counter()
    places = {_place(location) for location in facts.fleet.topology.locations}
    for row, host in enumerate(plan.plan.hosts.iter_rows(named=True)):
        where = {"host": host["host"], "file": _FILE, "row": row + 1}
        existing = int(plan.existing_idx[row])
        if existing >= 0:
            problems = _existing_problems(host, existing, int(plan.price[row]), facts)
        else:
            bought[host["size"]] += 1
            problems = _bought_problems(host, int(plan.price[row]), places, facts)
        for kind, message in problems:
            found.add(kind, message, **where)
    _check_stock(bought, facts, found)
    _check_locations(plan, facts, found)


def _existing_problems(
    host: dict[str, object], existing: int, price: int, facts: FleetFacts
) -> Iterator[tuple[str, str]]:
    name = host["host"]
    known = facts.fleet.hosts.row(existing, named=True)
    if known["state"] != "active":
        yield "host-not-active", f"{name} is {known['state']} and must not be used"
    for column in ("size", "pool", "region", "zone", "segment"):
        if host[column] != known[column]:
            said, right = host[column] or "none", known[column] or "none"
            yield "host-differs", f"{name} exists; its {column} is {right}, the plan says {said}"
    if price != known["price_micros_per_hour"]:
        right_price = money(known["price_micros_per_hour"])
        yield "host-differs", f"{name} exists and costs {right_price}, the plan says {host['price_per_hour']}"


def _bought_problems(
    host: dict[str, object], price: int, places: set[tuple[str, str, str]], facts: FleetFacts
) -> Iterator[tuple[str, str]]:
    name, size_name = host["host"], str(host["size"])
    size = facts.fleet.sizes.get(size_name)
    if size is None:
        yield "unknown-size", f"{name} has size {size_name}, which the fleet does not know"
    elif host["pool"] in POOLS and size_name not in facts.buyable(str(host["pool"])):
        yield "size-not-buyable", f"{name} would be bought in size {size_name}, which pool {host['pool']} may not have"
    elif host["pool"] in POOLS and price != (bought := facts.bought[str(host["pool"]), size_name]).price:
        right = money(bought.price)
        nic = f" with NIC {bought.nic}" if bought.nic != size.nic else ""
        yield (
            "price-wrong",
            f"{name}: a {size_name} host{nic} costs {right}, the plan says {host['price_per_hour']}",
        )
    place = (host["region"], host["zone"], host["segment"])
    if place not in places:
        shown = "/".join(str(part) for part in place if part)
        yield "unknown-location", f"{name} would stand in {shown}, where the topology has no place for hosts"


def _place(location: Location) -> tuple[str, str, str]:
    return location.region, location.zone, location.segment


def _check_stock(bought: Counter[str], facts: FleetFacts, found: Collector) -> None:
    for name in sorted(bought):
        size = facts.fleet.sizes.get(name)
        if size is not None and size.stock is not None and bought[name] > size.stock:
            found.add(
                "stock-exceeded",
                f"{count(bought[name], 'host')} of size {name} would be bought, {size.stock:,} can be had",
                value=float(bought[name]),
                limit=float(size.stock),
                file=_FILE,
            )


def _check_locations(plan: PlanView, facts: FleetFacts, found: Collector) -> None:
    """Report locations with more hosts than they have room for, counting what stands there unused."""
    columns = ["region", "zone", "segment"]
    planned = Counter(plan.plan.hosts.select(columns).iter_rows())
    is_bought = plan.existing_idx < 0
    bought = Counter(plan.plan.hosts.filter(is_bought).select(columns).iter_rows())
    inventory = Counter(facts.fleet.hosts.select(columns).iter_rows())
    for location in facts.fleet.topology.locations:
        place = _place(location)
        standing = bought[place] + inventory[place]
        # an inventory that is over the line already is not the plan's doing
        if location.max_hosts is not None and bought[place] and standing > location.max_hosts:
            shown = "/".join(part for part in place if part)
            found.add(
                "location-full",
                f"{shown} has room for {count(location.max_hosts, 'host')}, {standing:,} would stand there "
                f"({inventory[place]:,} stand already, {planned[place]:,} are in the plan)",
                value=float(standing),
                limit=float(location.max_hosts),
                file=_FILE,
            )
