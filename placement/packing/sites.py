"""Which standing host is used, and where a bought host stands: zones and segments filled evenly."""

from __future__ import annotations

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
    in_zone = np.bincount(packing.domain[0], minlength=len(problem.zones) + 1)
    host_class: list[int] = []
    zone: list[int] = []
    segment: list[int] = []
    site: list[int] = []
    added = []
    for s in np.argsort(-classes.price, kind="stable"):
        number = int(counts[s])
        if not number:
            continue
        added.append((int(s), len(packing.host_class) + len(host_class), number))
        host_class += [int(s)] * number
        of_class = packing.domain[0][packing.host_class == s]
        class_in_zone = np.bincount(of_class, minlength=len(problem.zones) + 1)
        if classes.hosts[s]:
            taken = set(packing.site[packing.host_class == s].tolist())
            free = [j for j in range(len(classes.hosts[s])) if j not in taken]
            where = {j: problem.host_location[classes.hosts[s][j]] for j in free}
            for _ in range(number):
                chosen = min(free, key=lambda j: (class_in_zone[where[j][0]], j))
                free.remove(chosen)
                site.append(chosen)
                zone.append(where[chosen][0])
                segment.append(where[chosen][1])
                class_in_zone[where[chosen][0]] += 1
                in_zone[where[chosen][0]] += 1
            continue
        place_zone = np.array([z for z, _ in places], np.int64)
        for _ in range(number):
            open_ = np.flatnonzero(room > 0)
            order = np.lexsort((in_place[open_], in_zone[place_zone[open_]], class_in_zone[place_zone[open_]]))
            chosen = int(open_[order[0]])
            room[chosen] -= 1
            in_place[chosen] += 1
            class_in_zone[places[chosen][0]] += 1
            in_zone[places[chosen][0]] += 1
            site.append(chosen)
            zone.append(places[chosen][0])
            segment.append(places[chosen][1])
    packing.host_class = np.append(packing.host_class, np.array(host_class, np.int64))
    packing.site = np.append(packing.site, np.array(site, np.int64))
    packing.domain = np.concatenate((packing.domain, np.array([zone, segment], np.int64).reshape(2, -1)), axis=1)
    return added


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
    return np.where(stock < 0, -1, stock - used)
