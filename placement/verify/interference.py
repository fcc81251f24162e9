"""Interference: on a host that runs one service, at most so many instances of another.

Fleets have up to tens of millions of rules, hosts run tens of services: neither all rules nor all pairs of
services on a host may be gone through in Python. Of two ways to join the two, the one with fewer steps is
taken: every ordered pair of services on a host looked up among the rules of the first (binary search), or
every rule with every host of its first service, looked up among what that host runs.
"""

from __future__ import annotations

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

Int32Array = npt.NDArray[np.int32]


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
    rules = _sorted_rules(facts.fleet.interference)
    if not rules.height or not len(pairs[0]):
        return
    first = rules["service"].to_numpy()
    num_services = len(plan.services)
    starts = np.searchsorted(first, np.arange(num_services + 1, dtype=first.dtype)).astype(np.int64)
    host, service, number = pairs
    bounds = np.flatnonzero(np.diff(host, prepend=-1, append=host[-1] + 1))
    per_host = np.diff(bounds)
    hosts_of = np.bincount(service, minlength=num_services)
    num_pairs = int((per_host**2).sum())
    num_rule_hosts = int((hosts_of * np.diff(starts)).sum())
    search = _by_hosts if num_pairs <= num_rule_hosts else _by_rules
    for where, rule in search(pairs, starts, rules["other"].to_numpy()):
        most = rules["max_instances"].to_numpy()[rule]
        broken = np.flatnonzero(number[where] > most)

        def make(index: int, where: IntArray = where, rule: IntArray = rule, most: Int32Array = most) -> Finding:
            pair = int(where[index])
            one = plan.services[first[rule[index]]]
            other, name = plan.services[service[pair]], plan.hosts[host[pair]]
            there, limit = int(number[pair]), int(most[index])
            message = (
                f"{name} runs {one} and {count(there, 'instance')} of {other}; at most {limit:,} may stand beside it"
            )
            return Finding("interference", message, service=one, host=name, value=there, limit=limit, file=_FILE)

        found.add_rows("interference", broken, make)


def _sorted_rules(rules: pl.DataFrame) -> pl.DataFrame:
    """Return the rules sorted by both services, the strictest of several for the same two."""
    first, other = rules["service"].to_numpy(), rules["other"].to_numpy()
    later = first[1:] > first[:-1]
    later |= (first[1:] == first[:-1]) & (other[1:] > other[:-1])
    if later.all():
        return rules
    return rules.group_by("service", "other").agg(pl.col("max_instances").min()).sort("service", "other")


def _by_hosts(
    pairs: tuple[IntArray, IntArray, IntArray], starts: IntArray, others: Int32Array
) -> list[tuple[IntArray, IntArray]]:
    """Look up every ordered pair of services on a host; return (pair of the other, rule) that meet."""
    host, service, _ = pairs
    bounds = np.flatnonzero(np.diff(host, prepend=-1, append=host[-1] + 1))
    begin = np.repeat(bounds[:-1], np.diff(bounds))  # per pair: where its host's pairs begin
    size = np.repeat(np.diff(bounds), np.diff(bounds))  # and how many there are
    active = np.flatnonzero(starts[service + 1] > starts[service])  # services that have rules at all
    met = []
    for part in _chunks(active, size[active]):
        origin = np.repeat(part, size[part])
        target = _ranges(begin[part], size[part])
        rule = _find(others, starts[service[origin]], starts[service[origin] + 1], service[target])
        hit = rule >= 0
        met.append((target[hit], rule[hit]))
    return met


def _by_rules(
    pairs: tuple[IntArray, IntArray, IntArray], starts: IntArray, others: Int32Array
) -> list[tuple[IntArray, IntArray]]:
    """Look up every rule on every host of its first service; return as `_by_hosts`."""
    host, service, _ = pairs
    width = len(starts)
    keys = host * width + service
    degree = starts[service + 1] - starts[service]
    active = np.flatnonzero(degree)
    met = []
    for part in _chunks(active, degree[active]):
        origin = np.repeat(part, degree[part])
        rule = _ranges(starts[service[part]], degree[part])
        wanted = host[origin] * width + others[rule]
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
