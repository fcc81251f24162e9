"""Loads of links: traffic between nodes, sent hop by hop over all shortest paths."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np

from placement.units import FloatArray, IntArray


@dataclass(frozen=True)
class Roads:
    """A network as arrays. Every bundle is there twice, once in each direction, sorted by the node it leaves.

    Parameters
    ----------
    names
        Names of the nodes.
    tail, head
        int64[num_directions]: nodes that a direction leads from and to.
    links
        int64[num_directions]: parallel links.
    capacity_kbps
        int64[num_directions]: of all parallel links together, kbit/s.
    first
        int64[num_nodes + 1]: the first direction that leaves each node, and the number of directions.
    """

    names: tuple[str, ...]
    tail: IntArray
    head: IntArray
    links: IntArray
    capacity_kbps: IntArray
    first: IntArray


def roads(graph: nx.Graph) -> Roads:
    """Return a network as arrays, its nodes sorted by name."""
    names = tuple(sorted(graph))
    number = {name: at for at, name in enumerate(names)}
    rows = sorted(
        (number[here], number[there], data["links"], data["links"] * data["capacity_kbps"])
        for one, other, data in graph.edges(data=True)
        for here, there in ((one, other), (other, one))
    )
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    first = np.searchsorted(table[:, 0], np.arange(len(names) + 1))
    return Roads(names, table[:, 0], table[:, 1], table[:, 2], table[:, 3], first.astype(np.int64))


def hops_to(target: int, network: Roads) -> IntArray:
    """Return the hops from each node to one: int64[num_nodes], -1 where there is no way."""
    hops = np.full(len(network.names), -1, dtype=np.int64)
    hops[target] = 0
    reached = np.array([target], dtype=np.int64)
    while len(reached):
        starts, sizes = network.first[reached], network.first[reached + 1] - network.first[reached]
        before = np.cumsum(sizes) - sizes
        rows = np.repeat(starts - before, sizes) + np.arange(int(sizes.sum()))
        near = network.head[rows]
        fresh = np.unique(near[hops[near] < 0])
        hops[fresh] = hops[reached[0]] + 1
        reached = fresh
    return hops


@dataclass(frozen=True)
class Loads:
    """What links carry.

    Parameters
    ----------
    load_kbps
        float64[num_directions], kbit/s.
    stranded_kbps
        Traffic between nodes that no way joins, kbit/s.
    """

    load_kbps: FloatArray
    stranded_kbps: float


def loads_of(traffic_kbps: FloatArray, ends: IntArray, network: Roads) -> Loads:
    """Send traffic over a network: each node over all next hops nearer to the target, by their parallel links.

    Parameters
    ----------
    traffic_kbps
        float64[num_ends, num_ends], kbit/s: from (row) and to (column).
    ends
        int64[num_ends]: nodes that rows and columns stand for.
    """
    load = np.zeros(len(network.tail))
    stranded = 0.0
    for column in np.flatnonzero(traffic_kbps.any(axis=0)).tolist():
        hops = hops_to(int(ends[column]), network)
        waiting = np.zeros(len(network.names))
        np.add.at(waiting, ends, traffic_kbps[:, column])
        stranded += float(waiting[hops < 0].sum())
        waiting[hops < 0] = 0.0
        _send(waiting, hops, network, load)
    return Loads(load, stranded)


def _send(waiting_kbps: FloatArray, hops: IntArray, network: Roads, load_kbps: FloatArray) -> None:
    """Bring what waits at the nodes to the target, from the farthest on; adds to the loads."""
    rows = np.flatnonzero((hops[network.tail] == hops[network.head] + 1) & (hops[network.head] >= 0))
    tail, head, links = network.tail[rows], network.head[rows], network.links[rows].astype(np.float64)
    share = links / np.bincount(tail, weights=links, minlength=len(hops))[tail]
    far = hops[tail]
    for distance in range(int(hops.max()), 0, -1):
        here = np.flatnonzero(far == distance)
        sent = waiting_kbps[tail[here]] * share[here]
        load_kbps[rows[here]] += sent
        waiting_kbps += np.bincount(head[here], weights=sent, minlength=len(hops))
