"""Loads of NICs and bundles: a plan's flows summed up by host and leaf, and routed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from placement.capacity.sizes import NicPorts
from placement.network.kernels import route, sum_up
from placement.network.traffic import Traffic
from placement.network.wiring import Layer, Wiring
from placement.units import BoolArray, FloatArray, IntArray, exact


@dataclass(frozen=True)
class Sums:
    """Traffic summed up, in kbit/s.

    Parameters
    ----------
    sent, received
        float64[2, num_hosts]: by port (service, database) what leaves and enters each host.
    between
        By layer of the wiring, float64[n, n]: from leaf to leaf, the edges of the regions after the leaves.
    """

    sent: FloatArray
    received: FloatArray
    between: tuple[FloatArray, ...]


@dataclass(frozen=True)
class Routed:
    """Loads of the bundles of a layer.

    Parameters
    ----------
    load
        float64[num_bundles, 2], kbit/s: from the first end to the second, and back.
    lost_kbps
        Demand between nodes that have no way to each other.
    """

    load: FloatArray
    lost_kbps: float


def sums(traffic: Traffic, wiring: Wiring, leaf_of: IntArray, ports: Sequence[NicPorts]) -> Sums:
    """Return what hosts send and receive, and what leaves and edges send to each other.

    Parameters
    ----------
    leaf_of
        int64[num_hosts]: leaf of each host.
    """
    num_leaves, num_regions = len(wiring.leaves), len(wiring.regions)
    size = num_leaves + num_regions
    end_leaf = np.concatenate((leaf_of, num_leaves + np.arange(num_regions)))
    on_port = np.zeros((2, traffic.num_hosts))
    into_port = np.zeros((2, traffic.num_hosts))
    matrices = {False: np.zeros((size, size)), True: np.zeros((size, size))}
    has_port = np.array([port.database_kbps > 0 for port in ports], bool)
    hosts = np.arange(traffic.num_hosts)
    for flow in traffic.flows:
        sent, received, matrix = np.zeros(len(end_leaf)), np.zeros(len(end_leaf)), np.zeros((size, size))
        sum_up(
            flow.source_start, flow.source_host, flow.source_kbps,
            flow.target_start, flow.target_host, flow.target_share, end_leaf, sent, received, matrix,
        )  # fmt: skip
        port = has_port.astype(np.int64) if flow.is_database else np.zeros(traffic.num_hosts, np.int64)
        on_port[port, hosts] += flow.forward * sent[hosts] + flow.reverse * received[hosts]
        into_port[port, hosts] += flow.forward * received[hosts] + flow.reverse * sent[hosts]
        matrices[flow.is_database] += flow.forward * matrix + flow.reverse * matrix.T
    for matrix in matrices.values():
        np.fill_diagonal(matrix, 0.0)
    service = matrices[False]
    if len(wiring.layers) == 1:
        return Sums(on_port, into_port, (service + matrices[True],))
    on_database = np.zeros(size, bool)
    on_database[:num_leaves] = wiring.layers[1].leaf_node >= 0
    both = on_database[:, None] & on_database[None, :]
    database = np.where(both, matrices[True], 0.0)
    return Sums(on_port, into_port, (service + matrices[True] - database, database))


@dataclass(frozen=True)
class Router:
    """Routes demands over a layer.

    Parameters
    ----------
    start, neighbour, edge
        Adjacency for `kernels.route`; directed edges 2·b and 2·b + 1 are bundle b from its first end and back.
    targets
        int64[num_targets]: nodes of leaves and edge switches that are on the layer.
    row
        int64[num_targets]: row of each target in the matrix of demands.
    part
        float64[num_targets]: its part of that row: an edge's is shared by its switches.
    """

    layer: Layer
    start: IntArray
    neighbour: IntArray
    edge: IntArray
    targets: IntArray
    row: IntArray
    part: FloatArray

    def demand(self, between: FloatArray) -> FloatArray:
        """Return the demand from target to target."""
        expanded = between[np.ix_(self.row, self.row)] * self.part[:, None] * self.part[None, :]
        # the switches of one edge send each other nothing
        expanded[self.row[:, None] == self.row[None, :]] = 0.0
        return np.ascontiguousarray(expanded)

    def routed(self, demand: FloatArray, links: IntArray | None = None) -> Routed:
        """Return the loads of the bundles.

        Parameters
        ----------
        demand
            As `demand` returns it.
        links
            int64[num_bundles]: parallel links, where some are lost.
        """
        each = np.repeat(self.layer.links if links is None else links, 2)
        load = np.zeros(len(each))
        lost = route(self.start, self.neighbour, self.edge, each, self.targets, demand, load)
        return Routed(load.reshape(-1, 2), float(lost))


def router(layer: Layer, num_leaves: int) -> Router:
    """Return a router of a layer."""
    num_nodes, num_bundles = len(layer.nodes), len(layer.links)
    tail = np.concatenate((layer.ends[:, 0], layer.ends[:, 1]))
    head = np.concatenate((layer.ends[:, 1], layer.ends[:, 0]))
    edge = np.concatenate((2 * np.arange(num_bundles), 2 * np.arange(num_bundles) + 1))
    order = np.lexsort((head, tail))
    start = np.concatenate(([0], np.cumsum(np.bincount(tail, minlength=num_nodes)))).astype(np.int64)
    leaves = np.flatnonzero(layer.leaf_node >= 0)
    targets, row, part = layer.leaf_node[leaves].tolist(), leaves.tolist(), [1.0] * len(leaves)
    for region, nodes in enumerate(layer.edge_nodes):
        targets += nodes
        row += [num_leaves + region] * len(nodes)
        part += [1.0 / max(1, len(nodes))] * len(nodes)
    return Router(
        layer,
        start,
        head[order],
        edge[order],
        np.array(targets, np.int64),
        np.array(row, np.int64),
        np.array(part),
    )


@dataclass(frozen=True)
class Loads:
    """Loads of everything, as links.csv has them: int64 kbit/s, rounded up.

    Parameters
    ----------
    sent, received
        int64[2, num_hosts]: by port.
    bundles
        By layer, int64[num_bundles, 2].
    """

    sums: Sums
    sent: IntArray
    received: IntArray
    bundles: tuple[IntArray, ...]
    routers: tuple[Router, ...]


def loads(traffic: Traffic, wiring: Wiring, leaf_of: IntArray, ports: Sequence[NicPorts]) -> Loads:
    """Return all loads of a plan; parameters as for `sums`."""
    summed = sums(traffic, wiring, leaf_of, ports)
    routers = tuple(router(layer, len(wiring.leaves)) for layer in wiring.layers)
    routed = [way.routed(way.demand(between)) for way, between in zip(routers, summed.between, strict=True)]
    return Loads(
        summed,
        whole_kbps(summed.sent),
        whole_kbps(summed.received),
        tuple(whole_kbps(result.load) for result in routed),
        routers,
    )


def whole_kbps(load: npt.NDArray[np.float64]) -> IntArray:
    """Round loads up to whole kbit/s, less the slack for rounding that the design note gives."""
    return np.maximum(np.ceil(load - 1e-6), 0.0).astype(np.int64)


def is_above(load: IntArray, capacity: IntArray, share: float) -> BoolArray:
    """Whether loads are above a share of capacities, exactly."""
    limit = exact(share)
    return load * limit.denominator > capacity * limit.numerator
