"""A fleet on its way from one state to another: what each host holds, and whether something more may come there.

While something moves it stands in both places, and both hosts hold its load. Rules are those of the fleet. What a start
breaks already may stay broken, but nothing is added where a limit or a rule is broken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.fleet.types import Fleet
from placement.instance import resolved_demands, size_limits
from placement.plan.state import State
from placement.plan.types import Plan
from placement.units import RESOURCES

Who = tuple[str, str]
"""Pool and service (in other pools the workload)."""

_SERVICES = "services"


@dataclass(frozen=True)
class Rules:
    """What must hold between instances.

    Parameters
    ----------
    max_per_host
        Most instances on one host.
    spread
        Level (``zone``, ``segment``) and most instances in one such place, where there is such a rule.
    beside
        By service: others of which at most so many may stand where it runs.
    wanted_by
        The same rules by the other service: who allows at most so many of it beside itself.
    """

    max_per_host: dict[Who, int]
    spread: dict[Who, tuple[str, int]]
    beside: dict[Who, dict[Who, int]]
    wanted_by: dict[Who, dict[Who, int]]


class Crossing:
    """Hosts, what stands on them, and what they have room for; changes as moves begin and end.

    Parameters
    ----------
    demand
        Demand of one instance, internal units, in the order of `RESOURCES`.
    limit
        The same of each host.
    place
        Zone, and zone with segment, of each host.
    closed
        Hosts that may take nothing: they drain or have failed.
    failed
        Hosts on which nothing runs any more.
    """

    def __init__(
        self,
        demand: dict[Who, tuple[int, ...]],
        limit: dict[str, tuple[int, ...]],
        place: dict[str, dict[str, str]],
        rules: Rules,
        closed: frozenset[str],
        failed: frozenset[str],
    ) -> None:
        self.demand = demand
        self.limit = limit
        self.place = place
        self.rules = rules
        self.closed = closed
        self.failed = failed
        self.room = {host: list(limits) for host, limits in limit.items()}
        self.on: dict[str, Counter[Who]] = defaultdict(Counter)
        self.in_place: dict[Who, Counter[str]] = defaultdict(Counter)

    def put(self, who: Who, host: str) -> None:
        """Let one more stand on a host."""
        self._load(who, host, 1)

    def take(self, who: Who, host: str) -> None:
        """Let one less stand on a host."""
        self._load(who, host, -1)

    def _load(self, who: Who, host: str, sign: int) -> None:
        room = self.room[host]
        for r, amount in enumerate(self.demand[who]):
            room[r] -= sign * amount
        here = self.on[host]
        here[who] += sign
        if not here[who]:
            del here[who]
        if who in self.rules.spread:
            self.in_place[who][self.place_of(who, host)] += sign

    def place_of(self, who: Who, host: str) -> str:
        """Return the zone or segment in which a host counts for the spread of a service."""
        return self.place[host][self.rules.spread[who][0]]

    def lacks(self, who: Who, host: str) -> dict[int, int]:
        """Return how much of which resource a host lacks for one more."""
        pairs = zip(self.demand[who], self.room[host], strict=True)
        return {r: amount - room for r, (amount, room) in enumerate(pairs) if amount > room}

    def obstacle(self, who: Who, host: str, source: str) -> str:
        """Return why one more cannot come to a host from another ("": from nowhere); empty: it can."""
        if host in self.closed:
            return "the host takes nothing any more"
        room = self.room[host]
        for r, amount in enumerate(self.demand[who]):
            # what asks for nothing of a resource may come where that is over its limit already
            if amount and amount > room[r]:
                return f"{RESOURCES[r].name} is short"
        return self.broken_rule(who, host, source)

    def broken_rule(self, who: Who, host: str, source: str) -> str:
        """Return the rule that one more on a host would break; empty: none."""
        here = self.on[host]
        if here[who] + 1 > self.rules.max_per_host.get(who, 1 << 40):
            return f"another instance of {who[1]} stands there"
        beside = self.rules.beside.get(who)
        wanted_by = self.rules.wanted_by.get(who)
        if beside or wanted_by:
            for other, number in here.items():
                if beside and number > beside.get(other, number):
                    return f"{other[1]} stands there"
                if wanted_by and here[who] + 1 > wanted_by.get(other, 1 << 40):
                    return f"{other[1]} stands there"
        if who in self.rules.spread:
            place = self.place_of(who, host)
            is_new_there = not source or self.place_of(who, source) != place
            if is_new_there and self.in_place[who][place] + 1 > self.rules.spread[who][1]:
                return f"too many instances of {who[1]} in {place}"
        return ""


def crossing(fleet: Fleet, old: State, new: State, plan: Plan, old_plan: Plan | None) -> Crossing:
    """Return the start: everything stands as in `old`.

    Parameters
    ----------
    fleet
        The fleet of the new state: demands, rules and policy are its.
    plan, old_plan
        The plans behind the states; `old_plan` is None where `old` is what runs today.
    """
    hosts = pl.concat([new.hosts, old.hosts]).unique("host", keep="first", maintain_order=True)
    place = {
        host: {"zone": f"{region}/{zone}", "segment": f"{region}/{zone}/{segment}"}
        for host, region, zone, segment in hosts.select("host", "region", "zone", "segment").iter_rows()
    }
    states = {state: fleet.hosts.filter(pl.col("state") == state)["host"] for state in ("draining", "failed")}
    made = Crossing(
        demand=_demands(fleet, plan, old_plan),
        limit=_limits(fleet, hosts, plan, old_plan),
        place=place,
        rules=_rules(fleet, old, new),
        closed=frozenset(states["draining"]) | frozenset(states["failed"]),
        failed=frozenset(states["failed"]),
    )
    for pool, service, host in old.runs.select("pool", "service", "host").iter_rows():
        # what the fleet does not know any more stops; nobody can say what it takes
        made.demand.setdefault((pool, service), (0,) * len(RESOURCES))
        if host not in made.failed:
            made.put((pool, service), host)
    return made


def _demands(fleet: Fleet, plan: Plan, old_plan: Plan | None) -> dict[Who, tuple[int, ...]]:
    names = fleet.services["service"].to_list()
    found: dict[Who, tuple[int, ...]] = {
        (_SERVICES, name): tuple(row) for name, row in zip(names, resolved_demands(fleet).tolist(), strict=True)
    }
    columns = [resource.column for resource in RESOURCES]
    for stated in (old_plan, plan):
        if stated is None:
            continue
        nodes = stated.nodes
        for pool, workload, *needs in nodes.unique("workload", maintain_order=True).select(
            "pool", "workload", *columns
        ).iter_rows():  # fmt: skip
            found[pool, workload] = _inner(needs)
    return found


def _inner(amounts: list[float]) -> tuple[int, ...]:
    return tuple(round(amount * resource.factor) for amount, resource in zip(amounts, RESOURCES, strict=True))


def _limits(fleet: Fleet, hosts: pl.DataFrame, plan: Plan, old_plan: Plan | None) -> dict[str, tuple[int, ...]]:
    columns = [f"{resource.column}_limit" for resource in RESOURCES]
    nic = dict(fleet.hosts.select("host", "nic_kbps").iter_rows())
    found = {
        host: size_limits(fleet.sizes[size], fleet.policy, nic.get(host))
        for host, size in hosts.select("host", "size").iter_rows()
        if size in fleet.sizes
    }
    for stated in (old_plan, plan):
        if stated is None:
            continue
        for host, *amounts in stated.hosts.select("host", *columns).iter_rows():
            found[host] = _inner(amounts)
    return found


def _rules(fleet: Fleet, old: State, new: State) -> Rules:
    services = fleet.services
    max_per_host = {(_SERVICES, name): most for name, most in services.select("service", "max_per_host").iter_rows()}
    # nodes keep as far apart as they stand in either state
    for state in (old, new):
        crowd = state.runs.filter(pl.col("pool") != _SERVICES).group_by("pool", "service", "host").len()
        for pool, service, number in crowd.select("pool", "service", "len").iter_rows():
            max_per_host[pool, service] = max(number, max_per_host.get((pool, service), 0))
    names = services["service"].to_list()
    beside: dict[Who, dict[Who, int]] = defaultdict(dict)
    wanted_by: dict[Who, dict[Who, int]] = defaultdict(dict)
    moving = _moving(fleet, old, new)
    rules = fleet.interference
    rules = rules.filter(pl.col("service").is_in(moving.implode()) | pl.col("other").is_in(moving.implode()))
    for one, other, most in rules.iter_rows():
        who, whom = (_SERVICES, names[one]), (_SERVICES, names[other])
        if one == other:
            max_per_host[who] = min(max_per_host[who], max(most, 1))
        else:
            beside[who][whom] = most
            wanted_by[whom][who] = most
    return Rules(max_per_host, _spreads(fleet), dict(beside), dict(wanted_by))


def _moving(fleet: Fleet, old: State, new: State) -> pl.Series:
    """Return the rows of the services that do not stand alike in both states."""
    stands = [state.runs.filter(pl.col("pool") == _SERVICES).group_by("service", "host").len() for state in (old, new)]
    differ = pl.concat(
        [one.join(other, on=["service", "host", "len"], how="anti") for one, other in (stands, stands[::-1])]
    )
    is_moving = fleet.services["service"].is_in(differ["service"].unique().implode())
    return pl.Series(np.flatnonzero(is_moving.to_numpy()), dtype=pl.Int32)


def _spreads(fleet: Fleet) -> dict[Who, tuple[str, int]]:
    """Return level and limit of each service that is to stand in different zones or segments."""
    found: dict[Who, tuple[str, int]] = {}
    wanted = fleet.services.filter(pl.col("spread") != "host")
    serving = fleet.hosts.filter((pl.col("pool") == _SERVICES) & (pl.col("state") == "active"))
    places = {(place.region, place.zone, place.segment) for place in fleet.topology.locations}
    places |= set(serving.select("region", "zone", "segment").iter_rows())
    number = {
        "zone": Counter(region for region, zone in {place[:2] for place in places} if zone),
        "segment": Counter(region for region, _, segment in places if segment),
    }
    for name, region, level, instances in wanted.select("service", "region", "spread", "instances").iter_rows():
        if number[level][region]:
            found[_SERVICES, name] = (level, -(-instances // number[level][region]))
    return found
