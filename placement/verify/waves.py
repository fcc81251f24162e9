"""Replay of the steps from one state to another: nothing here is shared with what planned them.

Within a step, what moves stands in both places. The replay adds what arrives, holds every host and every rule against
what then stands, and takes away what has left. A limit or a rule that is broken already may stay broken, but no host
on which it is may get more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.fleet.types import Fleet
from placement.plan.findings import Finding
from placement.plan.state import State
from placement.plan.types import Plan
from placement.units import RESOURCES
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts, fleet_facts, host_limits
from placement.verify.words import amount, count

_FILE = "waves.csv"
_Key = tuple[str, str]
"""Pool and service, or workload."""


@dataclass(frozen=True)
class _Limits:
    demand: Mapping[_Key, np.ndarray]
    host: Mapping[str, np.ndarray]
    most_per_host: Mapping[_Key, int]
    pairs: Mapping[_Key, Mapping[_Key, int]]
    spread: Mapping[_Key, tuple[int, int]]
    place: Mapping[str, tuple[str, ...]]
    closed: frozenset[str]
    failed: frozenset[str]


def check_waves(
    waves: pl.DataFrame,
    fleet: Fleet,
    states: tuple[State, State],
    plans: tuple[Plan | None, Plan],
    *,
    size: int,
    max_unavailable: int,
) -> tuple[Finding, ...]:
    """Replay the steps and return what is wrong with them.

    Parameters
    ----------
    waves
        Columns of waves.csv.
    fleet
        The fleet that the plan is made for.
    states, plans
        Start and end; the start has no plan where it is what runs today.
    size
        Most moves in one step.
    max_unavailable
        Most instances of one service, or nodes of one cluster, that may move or stop in one step.
    """
    found = Collector()
    facts = fleet_facts(fleet)
    replay = _Replay(states[0], _limits(facts, states, plans), found)
    numbers = waves["wave"].unique().sort().to_list()
    if numbers != list(range(1, len(numbers) + 1)):
        found.add("wave-invalid", "the steps are not numbered 1, 2, …", file=_FILE)
    for wave, rows in waves.group_by("wave", maintain_order=True):
        if len(rows) > size:
            found.add(
                "wave-size", f"step {wave[0]} has {count(len(rows), 'move')}, at most {size:,} were asked for",
                value=len(rows), limit=size, file=_FILE,
            )  # fmt: skip
        replay.step(int(str(wave[0])), list(rows.select("pool", "service", "from", "to").iter_rows()), max_unavailable)
    pools = set(states[0].runs["pool"]) & set(states[1].runs["pool"]) | set(waves["pool"])
    replay.compare(states[1], pools)
    return found.findings()


class _Replay:
    def __init__(self, start: State, limits: _Limits, found: Collector) -> None:
        self.limits = limits
        self.found = found
        self.on: dict[str, Counter[_Key]] = defaultdict(Counter)
        self.total: Counter[_Key] = Counter()
        self.load = {host: np.zeros(len(RESOURCES), np.int64) for host in limits.host}
        for pool, service, host in start.runs.select("pool", "service", "host").iter_rows():
            self.total[pool, service] += 1
            self.add((pool, service), host, 1)

    def add(self, key: _Key, host: str, sign: int) -> None:
        self.on[host][key] += sign
        if self.on[host][key] == 0:
            del self.on[host][key]
        # what has failed carries nothing
        if host in self.load and host not in self.limits.failed:
            self.load[host] = self.load[host] + sign * self.limits.demand.get(key, np.zeros(len(RESOURCES), np.int64))

    def step(self, wave: int, rows: list[tuple[str, str, str, str]], max_unavailable: int) -> None:
        """Replay one step."""
        leaves: Counter[tuple[_Key, str]] = Counter()
        gone: Counter[_Key] = Counter()
        arrivals: list[tuple[_Key, str, str]] = []
        for pool, service, source, target in rows:
            key = (pool, service)
            text = f"step {wave}: {service} from {source or 'nowhere'} to {target or 'nowhere'}"
            if source:
                leaves[key, source] += 1
                if leaves[key, source] > self.on[source][key]:
                    self.found.add("wave-invalid", f"{text}: none is left there to move", service=service, file=_FILE)
                    continue
                gone[key] += source not in self.limits.failed
            if target and target not in self.limits.host:
                self.found.add("wave-invalid", f"{text}: there is no such host", host=target, file=_FILE)
                continue
            if target in self.limits.closed:
                self.found.add("wave-host-closed", f"{text}: the host takes nothing any more", host=target, file=_FILE)
            if target:
                arrivals.append((key, source, target))
        self._availability(wave, gone, max_unavailable)
        crowds = self._crowds([key for key, _, _ in arrivals])
        for key, _, target in arrivals:
            self.add(key, target, 1)
        self._hosts(wave, arrivals)
        self._spreads(wave, arrivals, crowds)
        for (key, source), number in leaves.items():
            for _ in range(min(number, self.on[source][key])):
                self.add(key, source, -1)

    def _availability(self, wave: int, gone: Counter[_Key], max_unavailable: int) -> None:
        for (pool, service), number in gone.items():
            most = max_unavailable
            if pool != "services":
                most = max(1, min(most, (self.total[pool, service] - 1) // 2))
            if number > most:
                message = f"step {wave} moves {number} of {service} at once, at most {most} may"
                self.found.add(
                    "wave-unavailable", message, service=service, value=number, limit=most, file=_FILE
                )  # fmt: skip

    def _hosts(self, wave: int, arrivals: list[tuple[_Key, str, str]]) -> None:
        """Check the hosts to which something comes."""
        coming: dict[str, Counter[_Key]] = defaultdict(Counter)
        for key, _, target in arrivals:
            coming[target][key] += 1
        for host, keys in coming.items():
            asked = sum(self.limits.demand.get(key, 0) * number for key, number in keys.items())
            over = (self.load[host] > self.limits.host[host]) & (np.asarray(asked) > 0)
            for r in np.flatnonzero(over).tolist():
                limit, load = int(self.limits.host[host][r]), int(self.load[host][r])
                message = f"step {wave} asks {host} for {amount(load, r)}, its limit is {amount(limit, r)}"
                self.found.add("wave-over-limit", message, host=host, resource=RESOURCES[r].name, file=_FILE)
            here = self.on[host]
            for key in keys:
                if here[key] > self.limits.most_per_host.get(key, here[key]):
                    message = (
                        f"step {wave}: {here[key]} of {key[1]} on {host}, at most {self.limits.most_per_host[key]}"
                    )
                    self.found.add("wave-rule", message, service=key[1], host=host, file=_FILE)
                for one, other in [(key, there) for there in here] + [(there, key) for there in here]:
                    most = self.limits.pairs.get(one, {}).get(other)
                    if most is not None and here[other] > most:
                        message = f"step {wave}: {here[other]} of {other[1]} beside {one[1]} on {host}, at most {most}"
                        self.found.add("wave-rule", message, service=one[1], host=host, file=_FILE)

    def _crowds(self, keys: Iterable[_Key]) -> dict[_Key, Counter[str]]:
        """Count the instances of services with a spread by zone or segment."""
        wanted = {key: self.limits.spread[key] for key in keys if key in self.limits.spread}
        crowds: dict[_Key, Counter[str]] = {key: Counter() for key in wanted}
        if wanted:
            for host, here in self.on.items():
                for key in wanted.keys() & here.keys():
                    crowds[key][self.limits.place[host][wanted[key][0]]] += here[key]
        return crowds

    def _spreads(self, wave: int, arrivals: list[tuple[_Key, str, str]], before: dict[_Key, Counter[str]]) -> None:
        """Check zones and segments to which something comes; one that moves within a place counts there once."""
        new_there: dict[_Key, Counter[str]] = defaultdict(Counter)
        for key, source, target in arrivals:
            if key not in self.limits.spread:
                continue
            level, _ = self.limits.spread[key]
            place = self.limits.place[target][level]
            if not source or self.limits.place[source][level] != place:
                new_there[key][place] += 1
        for key, places in new_there.items():
            most = self.limits.spread[key][1]
            for place, number in places.items():
                there = before[key][place] + number
                if there > most:
                    message = f"step {wave}: {there} of {key[1]} in {place}, at most {most} may"
                    self.found.add("wave-rule", message, service=key[1], value=there, limit=most, file=_FILE)

    def compare(self, end: State, pools: set[str]) -> None:
        """Report where the steps end otherwise than in the plan."""
        wanted: Counter[tuple[str, _Key]] = Counter(
            (host, (pool, service))
            for pool, service, host in end.runs.select("pool", "service", "host").iter_rows()
            if pool in pools
        )
        reached = Counter(
            {(host, key): number for host, here in self.on.items() for key, number in here.items() if key[0] in pools}
        )
        for host, key in sorted(set(wanted) | set(reached)):
            if wanted[host, key] != reached[host, key]:
                message = (
                    f"{count(reached[host, key], 'instance')} of {key[1]} on {host} after the last step, "
                    f"the plan has {wanted[host, key]}"
                )
                self.found.add("wave-end", message, service=key[1], host=host, file=_FILE)


def _limits(facts: FleetFacts, states: tuple[State, State], plans: tuple[Plan | None, Plan]) -> _Limits:
    fleet = facts.fleet
    names = fleet.services["service"].to_list()
    demand: dict[_Key, np.ndarray] = {("services", name): facts.demand[row] for row, name in enumerate(names)}
    most: dict[_Key, int] = {("services", name): int(facts.most_per_host[row]) for row, name in enumerate(names)}
    for plan in plans:
        if plan is not None:
            for node in plan.nodes.unique("workload", keep="any").iter_rows(named=True):
                needs = [round(node[resource.column] * resource.factor) for resource in RESOURCES]
                demand[node["pool"], node["workload"]] = np.array(needs, np.int64)
    for state in states:
        for pool, workload, _, number in state.runs.group_by("pool", "service", "host").len().iter_rows():
            if pool != "services":
                most[pool, workload] = max(number, most.get((pool, workload), 0))
    pairs: dict[_Key, dict[_Key, int]] = defaultdict(dict)
    moving = _differing(states)
    rows = pl.Series([row for row, name in enumerate(names) if name in moving], dtype=pl.Int32).implode()
    concerned = fleet.interference.filter(pl.col("service").is_in(rows) | pl.col("other").is_in(rows))
    for one, other, limit in concerned.iter_rows():
        if one != other:
            pairs["services", names[one]]["services", names[other]] = limit
    spread: dict[_Key, tuple[int, int]] = {}
    for level, column in ((0, "zone"), (1, "segment")):
        for row in np.flatnonzero((fleet.services["spread"] == column).to_numpy()).tolist():
            num_places = facts.num_places("services", facts.regions[int(facts.region_idx[row])], column)
            if num_places:
                spread["services", names[row]] = (level, -(-int(facts.instances[row]) // num_places))
    states_of = dict(fleet.hosts.select("host", "state").iter_rows())
    return _Limits(
        demand=demand,
        host=_host_limits(facts, states, plans),
        most_per_host=most,
        pairs=pairs,
        spread=spread,
        place={
            host: (f"{region}/{zone}", f"{region}/{zone}/{segment}")
            for state in states
            for host, region, zone, segment in state.hosts.select("host", "region", "zone", "segment").iter_rows()
        },
        closed=frozenset(host for host, state in states_of.items() if state != "active"),
        failed=frozenset(host for host, state in states_of.items() if state == "failed"),
    )


def _differing(states: tuple[State, State]) -> set[str]:
    """Return the services that stand differently in both states."""
    old, new = (
        Counter(state.runs.filter(pl.col("pool") == "services").select("service", "host").iter_rows())
        for state in states
    )
    return {service for service, _ in ((old - new) + (new - old))}


def _host_limits(
    facts: FleetFacts, states: tuple[State, State], plans: tuple[Plan | None, Plan]
) -> dict[str, np.ndarray]:
    """Return what each host may carry: by the fleet where it knows the host or its size, else as its plan states."""
    fleet = facts.fleet
    found: dict[str, np.ndarray] = {}
    nic_of: dict[str, str] = {}
    for plan in plans:
        if plan is None:
            continue
        for row in plan.hosts.iter_rows(named=True):
            stated = [round(row[f"{resource.column}_limit"] * resource.factor) for resource in RESOURCES]
            found[row["host"]] = np.array(stated, np.int64)
            nic_of[row["host"]] = row.get("nic") or ""
    for state in states:
        for host, size in state.hosts.select("host", "size").iter_rows():
            if host in facts.host_idx:
                found[host] = facts.host_limits[facts.host_idx[host]]
            elif size in fleet.sizes:
                nic = fleet.model.nic_tiers.get(nic_of.get(host, ""))
                kbps = fleet.sizes[size].nic_kbps if nic is None else nic
                found[host] = np.array(host_limits(fleet.sizes[size], kbps, fleet.policy), np.int64)
    return found
