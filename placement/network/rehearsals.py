"""Rehearsals: what happens to a plan's links and services when one link, switch or segment is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import networkx as nx
import numpy as np
import polars as pl

from placement.fleet.types import leaf_name
from placement.network.loads import whole_kbps
from placement.network.state import State
from placement.network.wiring import Layer
from placement.units import BoolArray, FloatArray, IntArray

_SHOWN = 5


@dataclass(frozen=True)
class Loss:
    """What one failure does.

    Parameters
    ----------
    what, name
        ``link``: one link of the bundle of this name; ``switch``; ``segment``.
    saturated
        Links then above their capacity, the worst first: name, load and capacity left in Mbps.
    num_saturated
        How many there are.
    cut_off
        Leaves that lose their way to the rest.
    services_lost, databases_lost
        Services without an instance left that can be reached; services whose database's primary is lost or cut off.
    """

    what: Literal["link", "switch", "segment"]
    name: str
    saturated: tuple[tuple[str, float, float], ...]
    num_saturated: int
    cut_off: tuple[str, ...]
    services_lost: int
    databases_lost: int

    @property
    def is_harmless(self) -> bool:
        """Whether nothing is saturated, cut off or lost."""
        return not (self.num_saturated or self.cut_off or self.services_lost or self.databases_lost)

    def to_dict(self) -> dict[str, Any]:
        """Return the loss as JSON-ready data."""
        return asdict(self)


def rehearse(state: State) -> Iterator[Loss]:
    """Yield every single failure: one link of each bundle, each switch, each segment."""
    stands = _Standing(state)
    demands = [
        router.demand(between) for router, between in zip(state.loads.routers, state.loads.sums.between, strict=True)
    ]
    for number, router in enumerate(state.loads.routers):
        layer = router.layer
        for bundle in range(len(layer.links)):
            links = layer.links.copy()
            links[bundle] -= 1
            one, other = (layer.nodes[node] for node in layer.ends[bundle])
            yield _lost(state, stands, number, demands[number], links, "link", f"{one}>{other}")
        for node in np.flatnonzero(~layer.is_leaf).tolist():
            links = np.where((layer.ends == node).any(axis=1), 0, layer.links)
            yield _lost(state, stands, number, demands[number], links, "switch", layer.nodes[node], frozenset({node}))
    for leaf, place in enumerate(state.wiring.leaves):
        saturated: list[tuple[str, float, float]] = []
        for router, demand in zip(state.loads.routers, demands, strict=True):
            here = router.row == leaf
            left = np.where(here[:, None] | here[None, :], 0.0, demand)
            saturated += _saturated(router.layer.links, whole_kbps(router.routed(left).load), router.layer)
        gone = np.zeros(len(state.wiring.leaves), bool)
        gone[leaf] = True
        yield _loss("segment", leaf_name(*place), saturated, (), stands, gone)


def _lost(
    state: State,
    stands: _Standing,
    number: int,
    demand: FloatArray,
    links: IntArray,
    what: Literal["link", "switch"],
    name: str,
    dead: frozenset[int] = frozenset(),
) -> Loss:
    router = state.loads.routers[number]
    routed = router.routed(demand, links)
    saturated = _saturated(links, whole_kbps(routed.load), router.layer)
    gone = np.zeros(len(state.wiring.leaves), bool)
    cut_off: tuple[str, ...] = ()
    if routed.lost_kbps > 0:
        gone = _unreached(state, number, links, dead)
        cut_off = tuple(leaf_name(*state.wiring.leaves[leaf], router.layer.network) for leaf in np.flatnonzero(gone))
        if number:  # only databases talk there; hosts are still there for everyone else
            gone = np.zeros(len(gone), bool)
    return _loss(what, name, saturated, cut_off, stands, gone)


def _loss(
    what: Literal["link", "switch", "segment"],
    name: str,
    saturated: list[tuple[str, float, float]],
    cut_off: tuple[str, ...],
    stands: _Standing,
    gone: BoolArray,
) -> Loss:
    saturated.sort(key=lambda row: (-row[1] / row[2], row[0]))
    services, databases = stands.lost(gone)
    return Loss(what, name, tuple(saturated[:_SHOWN]), len(saturated), cut_off, services, databases)


def _saturated(links: IntArray, load: IntArray, layer: Layer) -> list[tuple[str, float, float]]:
    capacity = links * layer.capacity_kbps
    rows, ways = np.nonzero((load > capacity[:, None]) & (links > 0)[:, None])
    found = []
    for bundle, way in zip(rows.tolist(), ways.tolist(), strict=True):
        tail, head = (layer.nodes[node] for node in layer.ends[bundle][:: -1 if way else 1])
        found.append((f"{tail}>{head}", int(load[bundle, way]) / 1000, int(capacity[bundle]) / 1000))
    return found


def _unreached(state: State, number: int, links: IntArray, dead: frozenset[int]) -> BoolArray:
    """Return the leaves without a way to the edge of their region (in the database network: to most other leaves)."""
    layer = state.wiring.layers[number]
    graph = nx.Graph()
    graph.add_nodes_from(n for n in range(len(layer.nodes)) if n not in dead)
    graph.add_edges_from(layer.ends[links > 0].tolist())
    gone = np.zeros(len(layer.leaf_node), bool)
    parts = list(nx.connected_components(graph))
    part_of = {node: n for n, part in enumerate(parts) for node in part}
    for region in range(len(state.wiring.regions)):
        here = np.flatnonzero((state.wiring.leaf_region == region) & (layer.leaf_node >= 0))
        edge = [node for node in layer.edge_nodes[region] if node not in dead]
        if edge:
            right = {part_of[node] for node in edge}
        else:
            counts = np.bincount([part_of[int(node)] for node in layer.leaf_node[here]], minlength=len(parts))
            right = {int(counts.argmax())} if not layer.edge_nodes[region] else set()
        gone[[leaf for leaf in here.tolist() if part_of[int(layer.leaf_node[leaf])] not in right]] = True
    return gone


class _Standing:
    """Which services have all their instances, or the primary of their database, in given leaves."""

    def __init__(self, state: State) -> None:
        plan, services = state.plan, state.fleet.services
        leaves = pl.DataFrame({"host": plan.hosts["host"], "leaf": state.leaf_of})
        placed = plan.assignments.select("service", "host").join(leaves, on="host", how="left")
        pairs = placed.group_by("service", "leaf").len().sort("service", "leaf")
        self.service = pairs["service"].rank("dense").to_numpy().astype(np.int64) - 1
        self.leaf = pairs["leaf"].to_numpy().astype(np.int64)
        self.num_services = int(self.service.max(initial=-1)) + 1
        primary = plan.nodes.filter((pl.col("kind") == "postgres") & (pl.col("role") == "primary"))
        primary_leaf = primary.select("workload", "host").join(leaves, on="host", how="left")
        used = plan.databases.select("cluster").join(
            primary_leaf.rename({"workload": "cluster"}).select("cluster", "leaf"), on="cluster", how="inner"
        )
        self.databases = np.bincount(used["leaf"].to_numpy(), minlength=len(state.wiring.leaves))
        self.total = len(services)

    def lost(self, gone: BoolArray) -> tuple[int, int]:
        """Return how many services lose all instances, and how many their database's primary."""
        if not gone.any():
            return 0, 0
        left = np.bincount(self.service[~gone[self.leaf]], minlength=self.num_services)
        return int((left == 0).sum()), int(self.databases[gone].sum())
