"""Cuts: nodes that want to send more to the rest than all links between them can take, found by maximum flow.

A set X of nodes with demand d(X, rest) above the capacity of all links from X to the rest proves that no routing fits,
whatever its paths (the easy direction of the max-flow min-cut theorem). Candidates for X come from minimum cuts between
a leaf, a zone or a region and everything else.

References
----------
L. R. Ford, D. R. Fulkerson, "Maximal flow through a network", Canad. J. Math. 8 (1956), doi:10.4153/CJM-1956-045-5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import networkx as nx
import numpy as np

from placement.network.loads import Loads, Router
from placement.network.wiring import Layer, Wiring, names_of
from placement.plan.types import Cut
from placement.units import BoolArray, FloatArray, IntArray

_SOURCE, _SINK = "source", "sink"
_MOST_CUTS = 20
_DIRECTIONS: tuple[Literal["out", "in"], ...] = ("out", "in")


def find_cuts(wiring: Wiring, loads: Loads) -> tuple[Cut, ...]:
    """Return proofs that links cannot take the traffic, for the parts of the network with a link above capacity."""
    found: dict[tuple[str, tuple[str, ...], str, str], Cut] = {}
    for number, router in enumerate(loads.routers):
        layer = router.layer
        over = loads.bundles[number].max(axis=1, initial=0) > layer.links * layer.capacity_kbps
        if not over.any():
            continue
        demand = router.demand(loads.sums.between[number])
        for cut in _layer_cuts(wiring, router, demand, over):
            found.setdefault((cut.network, cut.nodes, cut.direction, cut.holds_for), cut)
    ordered = sorted(found.values(), key=lambda cut: (cut.holds_for, -cut.demand_mbps / cut.capacity_mbps, cut.nodes))
    return tuple(ordered[:_MOST_CUTS])


def _layer_cuts(wiring: Wiring, router: Router, demand: FloatArray, over: BoolArray) -> Iterator[Cut]:
    graph = _directed(router.layer)
    for group in _groups(wiring, router, over):
        inside = np.isin(np.arange(len(router.targets)), group)
        for direction in _DIRECTIONS:
            wanted = demand if direction == "out" else demand.T
            sent = np.where(inside, wanted[:, ~inside].sum(axis=1), 0.0)
            taken = np.where(inside, 0.0, wanted[inside, :].sum(axis=0))
            side = _short_side(graph, router, sent, taken)
            if side is not None:
                cut = cut_of(router, demand, side, direction)
                if cut is not None:
                    yield cut
    if any(router.layer.edge_nodes):
        yield from _placement_cuts(wiring, router, demand, graph)


def _placement_cuts(wiring: Wiring, router: Router, demand: FloatArray, graph: nx.DiGraph) -> Iterator[Cut]:
    """Yield cuts between all leaves of a region and its edge: what they exchange is the same in every placement."""
    nodes = router.targets.tolist()
    leaves = [
        [t for t, row in enumerate(router.row.tolist()) if _is_leaf_in(wiring, row, region)]
        for region in range(len(wiring.regions))
    ]
    edges = [[t for t, node in enumerate(nodes) if node in edge] for edge in router.layer.edge_nodes]
    for own, edge in zip(leaves, edges, strict=True):
        for direction in _DIRECTIONS:
            wanted = demand if direction == "out" else demand.T
            total = float(wanted[np.ix_(own, edge)].sum())
            sent, taken = np.zeros(len(demand)), np.zeros(len(demand))
            # leaves may send as much as they like: this is about every placement
            sent[own] = total
            taken[edge] = wanted[np.ix_(own, edge)].sum(axis=0)
            side = _short_side(graph, router, sent, taken, total=total)
            if side is None:
                continue
            # of regions with all leaves on this side and all edges on the other
            crossing = sum(
                float(wanted[np.ix_(inner, outer)].sum())
                for inner, outer in zip(leaves, edges, strict=True)
                if all(nodes[t] in side for t in inner) and not any(nodes[t] in side for t in outer)
            )
            capacity = crossing_kbps(router.layer, side)
            if side and crossing > capacity:
                yield _cut(router.layer, side, direction, crossing, capacity, "placement")


def _is_leaf_in(wiring: Wiring, row: int, region: int) -> bool:
    return row < len(wiring.leaves) and int(wiring.leaf_region[row]) == region


def _groups(wiring: Wiring, router: Router, over: BoolArray) -> list[list[int]]:
    """Return targets that belong together and may be short: leaves with a full uplink, then zones and regions."""
    layer = router.layer
    hot = set(layer.ends[over].ravel().tolist())
    leaves = [t for t, row in enumerate(router.row.tolist()) if row < len(wiring.leaves)]
    groups = [[t] for t in leaves if int(router.targets[t]) in hot]
    by_place: dict[tuple[str, ...], list[int]] = {}
    for t in leaves:
        region, zone, _ = wiring.leaves[int(router.row[t])]
        by_place.setdefault((region, zone), []).append(t)
        by_place.setdefault((region,), []).append(t)
    groups += [members for _, members in sorted(by_place.items()) if members not in groups]
    return groups


def _directed(layer: Layer) -> nx.DiGraph:
    return nx.DiGraph(
        (one, other, {"capacity": data["capacity_kbps"]})
        for one, other, data in layer.graph.to_directed().edges(data=True)
    )


def _short_side(
    graph: nx.DiGraph, router: Router, sent: FloatArray, taken: FloatArray, *, total: float | None = None
) -> set[int] | None:
    """Return the source's side of a minimum cut where the maximum flow is short of the demand, else None."""
    wanted = float(sent.sum()) if total is None else total
    if wanted <= 0.0:
        return None
    network = graph.copy()
    for target, node in enumerate(router.targets.tolist()):
        if sent[target] > 0:
            network.add_edge(_SOURCE, node, capacity=float(sent[target]))
        if taken[target] > 0:
            network.add_edge(node, _SINK, capacity=float(taken[target]))
    if _SINK not in network or _SOURCE not in network:
        return None
    value, (side, _) = nx.minimum_cut(network, _SOURCE, _SINK)
    return None if value >= wanted * (1 - 1e-9) else {int(node) for node in side if node != _SOURCE}


def crossing_kbps(layer: Layer, side: set[int]) -> int:
    """Return the capacity of all links between these nodes and the rest, in one direction."""
    crosses = [(one in side) != (other in side) for one, other in layer.ends.tolist()]
    capacity: IntArray = (layer.links * layer.capacity_kbps)[np.array(crosses, bool)]
    return int(capacity.sum())


def cut_of(router: Router, demand: FloatArray, side: set[int], direction: Literal["out", "in"]) -> Cut | None:
    """Return the cut around some nodes, or None where it proves nothing."""
    inside = np.isin(router.targets, np.array(sorted(side), np.int64))
    wanted = demand if direction == "out" else demand.T
    crossing = float(wanted[np.ix_(inside, ~inside)].sum())
    capacity = crossing_kbps(router.layer, side)
    if crossing <= capacity or not side:
        return None
    return _cut(router.layer, side, direction, crossing, capacity, "routing")


def _cut(
    layer: Layer,
    side: set[int],
    direction: Literal["out", "in"],
    demand_kbps: float,
    capacity_kbps: int,
    holds_for: Literal["routing", "placement"],
) -> Cut:
    return Cut(
        network=layer.network,
        nodes=names_of(side, layer),
        direction=direction,
        demand_mbps=round(demand_kbps / 1000, 3),
        capacity_mbps=capacity_kbps / 1000,
        holds_for=holds_for,
    )
