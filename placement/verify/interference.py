"""Interference: on a host that runs one service, at most so many instances of another.

Fleets have up to tens of millions of rules, hosts run tens of services: neither all rules nor all pairs of
services on a host may be gone through in Python. Of two ways to join the two, the one with fewer steps is taken:
every ordered pair of services on a host looked up among the rules, or every rule with every host of its first
service, looked up among what that host runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from placement.plan.findings import Finding
from placement.units import IntArray
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.view import PlanView
from placement.verify.words import count

_FILE = "assignments.csv"
_CHUNK = 4_000_000
"""Pairs looked up at a time: about 200 MB of temporary arrays."""

_CELLS = 8_000_000
"""Cells of the table in which rules are marked: small enough for a processor's cache."""

Int32Array = npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Rules:
    """Rules sorted by service and other, with where each service's rules start: starts[s] to starts[s + 1]."""

    starts: IntArray
    service: Int32Array
    other: Int32Array
    max_instances: Int32Array
    num_services: int

    def cells(self, low: int, high: int) -> IntArray:
        """Return (service - low) x num_services + other for the rules of the services from low to high."""
        part = slice(int(self.starts[low]), int(self.starts[high]))
        service = self.service[part].astype(np.int64) - low
        return np.asarray(service * self.num_services + self.other[part])


def check_interference(
    plan: PlanView, facts: FleetFacts, pairs: tuple[IntArray, IntArray, IntArray], found: Collector
) -> None:
    """Report hosts on which a rule between two services is broken.

    Parameters
    ----------
    plan, facts
        Plan and fleet.
    pairs
        Host, service and number of instances, sorted by host and service (`rules.count_pairs`).
    found
        Takes the findings.
    """
    rules = _sorted_rules(facts.fleet.interference, len(plan.services))
    if not len(rules.service) or not len(pairs[0]):
        return
    host, service, number = pairs
    per_host = np.bincount(host)
    hosts_of = np.bincount(service, minlength=rules.num_services)
    num_pairs = int((per_host**2).sum()) + len(rules.service)
    num_rule_hosts = int((hosts_of * np.diff(rules.starts)).sum())
    search = _by_hosts if num_pairs <= num_rule_hosts else _by_rules
    for where, rule in search(pairs, rules):
        most = rules.max_instances[rule]
        broken = np.flatnonzero(number[where] > most)

        def make(index: int, where: IntArray = where, rule: IntArray = rule, most: Int32Array = most) -> Finding:
            pair = int(where[index])
            one = plan.services[rules.service[rule[index]]]
            other, name = plan.services[service[pair]], plan.hosts[host[pair]]
            there, limit = int(number[pair]), int(most[index])
            message = (
                f"{name} runs {one} and {count(there, 'instance')} of {other}; at most {limit:,} may stand beside it"
            )
            return Finding("interference", message, service=one, host=name, value=there, limit=limit, file=_FILE)

        found.add_rows("interference", broken, make)


def _sorted_rules(rules: pl.DataFrame, num_services: int) -> _Rules:
    """Return the rules sorted by both services, the strictest of several for the same two."""
    service, other = rules["service"].to_numpy(), rules["other"].to_numpy()
    later = service[1:] > service[:-1]
    later |= (service[1:] == service[:-1]) & (other[1:] > other[:-1])
    if not later.all():
        rules = rules.group_by("service", "other").agg(pl.col("max_instances").min()).sort("service", "other")
        service, other = rules["service"].to_numpy(), rules["other"].to_numpy()
    starts = np.searchsorted(service, np.arange(num_services + 1, dtype=service.dtype)).astype(np.int64)
    return _Rules(starts, service, other, rules["max_instances"].to_numpy(), num_services)


def _by_hosts(pairs: tuple[IntArray, IntArray, IntArray], rules: _Rules) -> list[tuple[IntArray, IntArray]]:
    """Look up every ordered pair of services on a host; return (pair of the other, rule) that meet.

    Services are taken in blocks: their rules are marked in a table [services of the block, all services], in which
    looking up a pair is one step. Nearly all pairs have no rule and end there.
    """
    host, service, _ = pairs
    bounds = np.flatnonzero(np.diff(host, prepend=-1, append=host[-1] + 1))
    begin = np.repeat(bounds[:-1], np.diff(bounds))  # per pair: where its host's pairs begin
    size = np.repeat(np.diff(bounds), np.diff(bounds))  # and how many there are
    num_services = rules.num_services
    order = np.argsort(service, kind="stable")
    block = max(1, _CELLS // num_services)
    edges = np.arange(0, num_services + block, block)
    cuts = np.searchsorted(service[order], edges)
    marked = np.zeros(block * num_services, dtype=np.bool_)
    met = []
    for low, start, stop in zip(edges[:-1].tolist(), cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        cells = rules.cells(low, min(low + block, num_services))
        if start == stop or not len(cells):
            continue
        marked[cells] = True
        rows = order[start:stop]
        for part in _chunks(rows, size[rows]):
            origin = np.repeat(part, size[part])
            target = _ranges(begin[part], size[part])
            hit = marked[(service[origin] - low) * num_services + service[target]]
            origin, target = service[origin[hit]], target[hit]
            met.append((target, _find(rules.other, rules.starts[origin], rules.starts[origin + 1], service[target])))
        marked[cells] = False
    return met


def _by_rules(pairs: tuple[IntArray, IntArray, IntArray], rules: _Rules) -> list[tuple[IntArray, IntArray]]:
    """Look up every rule on every host of its first service; return as `_by_hosts`."""
    host, service, _ = pairs
    starts, width = rules.starts, rules.num_services
    keys = host * width + service
    degree = starts[service + 1] - starts[service]
    active = np.flatnonzero(degree)
    met = []
    for part in _chunks(active, degree[active]):
        origin = np.repeat(part, degree[part])
        rule = _ranges(starts[service[part]], degree[part])
        wanted = host[origin] * width + rules.other[rule]
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        hit = keys[place] == wanted
        met.append((place[hit], rule[hit]))
    return met


def _chunks(rows: IntArray, weights: IntArray) -> list[IntArray]:
    """Split rows into runs of about `_CHUNK` total weight."""
    ends = np.cumsum(weights)
    if not len(ends):
        return []
    cuts = np.searchsorted(ends, np.arange(_CHUNK, int(ends[-1]), _CHUNK))
    return [part for part in np.split(rows, np.unique(cuts)) if len(part)]


def _ranges(begin: IntArray, length: IntArray) -> IntArray:
    """Return begin, begin + 1, … (length of them) for each entry, one after another."""
    ends = np.cumsum(length)
    total = int(ends[-1]) if len(ends) else 0
    offset: IntArray = np.repeat(begin - (ends - length), length)
    return np.asarray(offset + np.arange(total, dtype=np.int64))


def _find(values: Int32Array, low: IntArray, high: IntArray, wanted: IntArray) -> IntArray:
    """Binary search of each `wanted` in values[low:high], which is sorted; -1 where it is not there."""
    stop = high
    low = low.copy()
    high = high.copy()
    widest = int((high - low).max()) if len(low) else 0
    for _ in range(widest.bit_length()):
        middle = (low + high) >> 1
        # an exhausted search (low = high) may point past the end; it no longer moves
        is_less = (low < high) & (values[np.minimum(middle, len(values) - 1)] < wanted)
        low = np.where(is_less, middle + 1, low)
        high = np.where(is_less, high, middle)
    at = np.minimum(low, len(values) - 1)
    return np.where((low < stop) & (values[at] == wanted), at, -1)
