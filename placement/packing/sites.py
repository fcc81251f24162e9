"""Which standing host is used, and where a bought host stands: zones and segments filled evenly."""

from __future__ import annotations

import heapq
from collections import deque

import numpy as np

from placement.instance import PoolProblem
from placement.packing.state import Packing
from placement.units import IntArray

_ANY_NUMBER = 1 << 40


def add_hosts(problem: PoolProblem, packing: Packing, counts: IntArray) -> list[tuple[int, int, int]] | None:
    """Add empty hosts to a packing, in place.

    Parameters
    ----------
    counts
        int64[num_classes]: how many of each class.

    Returns
    -------
    (class, first new host, number) per class with new hosts, or None (nothing added) where the segments are full.
    """
    classes = problem.classes
    zone_of = {zone: number for number, zone in enumerate(problem.zones)} | {"": len(problem.zones)}
    segment_of = {pair: number for number, pair in enumerate(problem.segments)}
    places = [(zone_of[place.zone], segment_of[place.zone, place.segment]) for place in problem.locations]
    bought = np.array([not hosts for hosts in classes.hosts], bool)
    in_place = np.array(problem.occupied, np.int64) + _bought_per_location(problem, packing)
    room = _room(problem, in_place)
    if int(counts[bought].sum()) > int(room.sum()):
        return None
    in_zone = np.bincount(packing.domain[0], minlength=len(problem.zones) + 1).tolist()
    host_class: list[int] = []
    zone: list[int] = []
    segment: list[int] = []
    site: list[int] = []
    added = []
    for s in np.argsort(-classes.price, kind="stable").tolist():
        number = int(counts[s])
        if not number:
            continue
        added.append((s, len(packing.host_class) + len(host_class), number))
        host_class += [s] * number
        of_class = packing.domain[0][packing.host_class == s]
        class_in_zone = np.bincount(of_class, minlength=len(problem.zones) + 1).tolist()
        if classes.hosts[s]:
            taken = set(packing.site[packing.host_class == s].tolist())
            where = {j: problem.host_location[host] for j, host in enumerate(classes.hosts[s]) if j not in taken}
            chosen = _standing(where, class_in_zone, number)
            for j in chosen:
                in_zone[where[j][0]] += 1
        else:
            where = dict(enumerate(places))
            chosen = _buy(places, room, in_place, in_zone, class_in_zone, number)
        site += chosen
        zone += [where[j][0] for j in chosen]
        segment += [where[j][1] for j in chosen]
    packing.host_class = np.append(packing.host_class, np.array(host_class, np.int64))
    packing.site = np.append(packing.site, np.array(site, np.int64))
    packing.domain = np.concatenate((packing.domain, np.array([zone, segment], np.int64).reshape(2, -1)), axis=1)
    return added


def _standing(where: dict[int, tuple[int, int]], class_in_zone: list[int], number: int) -> list[int]:
    """Choose standing hosts, each in the zone with the fewest of their class; of these the first."""
    of_zone: dict[int, deque[int]] = {}
    for j, (z, _) in where.items():
        of_zone.setdefault(z, deque()).append(j)
    heap = [(class_in_zone[z], hosts[0], z) for z, hosts in of_zone.items()]
    heapq.heapify(heap)
    chosen = []
    for _ in range(number):
        count, j, z = heapq.heappop(heap)
        chosen.append(j)
        of_zone[z].popleft()
        if of_zone[z]:
            heapq.heappush(heap, (count + 1, of_zone[z][0], z))
    return chosen


def _buy(
    places: list[tuple[int, int]],
    room: IntArray,
    in_place: IntArray,
    in_zone: list[int],
    class_in_zone: list[int],
    number: int,
) -> list[int]:
    """Choose locations for bought hosts, and count them in `room`, `in_place`, `in_zone`.

    Each goes to the zone with the fewest of its class, then with the fewest hosts, there to the emptiest segment. Only
    the counts of the chosen zone and segment change, so two levels of heaps keep everything in order.
    """
    of_zone: dict[int, list[tuple[int, int]]] = {}
    for p, (z, _) in enumerate(places):
        if room[p] > 0:
            of_zone.setdefault(z, []).append((int(in_place[p]), p))
    for locations in of_zone.values():
        heapq.heapify(locations)
    heap = [(class_in_zone[z], in_zone[z], *locations[0], z) for z, locations in of_zone.items()]
    heapq.heapify(heap)
    chosen = []
    for _ in range(number):
        of_class, of_all, here, p, z = heapq.heappop(heap)
        chosen.append(p)
        room[p] -= 1
        in_place[p] += 1
        in_zone[z] += 1
        locations = of_zone[z]
        if room[p] > 0:
            heapq.heapreplace(locations, (here + 1, p))
        else:
            heapq.heappop(locations)
        if locations:
            heapq.heappush(heap, (of_class + 1, of_all + 1, *locations[0], z))
    return chosen


def bought_left(problem: PoolProblem, packing: Packing) -> int:
    """Return how many more hosts can be bought before every segment is full."""
    in_place = np.array(problem.occupied, np.int64) + _bought_per_location(problem, packing)
    return int(_room(problem, in_place).sum())


def _bought_per_location(problem: PoolProblem, packing: Packing) -> IntArray:
    bought = np.array([not hosts for hosts in problem.classes.hosts], bool)
    site = packing.site[bought[packing.host_class]]
    counts: IntArray = np.bincount(site, minlength=len(problem.locations)).astype(np.int64)
    return counts


def _room(problem: PoolProblem, in_place: IntArray) -> IntArray:
    most = [_ANY_NUMBER if place.max_hosts is None else place.max_hosts for place in problem.locations]
    room: IntArray = np.maximum(np.array(most, np.int64) - in_place, 0)
    return room


def stock_left(problem: PoolProblem, packing: Packing) -> IntArray:
    """Return how many hosts of each class may still be added; −1: any number."""
    used = np.bincount(packing.host_class, minlength=len(problem.classes))
    stock = problem.classes.stock
    return np.where(stock < 0, -1, np.maximum(stock - used, 0))
