"""Leaves, switches and the bundles of links between them: as topology.yaml names them, or derived from the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
import polars as pl

from placement.capacity.platform_tables import NetworkTier
from placement.capacity.sizes import NicPorts
from placement.datatier.arrangement import row_by_scale
from placement.fleet.types import Bundle, Fleet, Plane, leaf_name
from placement.units import BoolArray, IntArray, exact

Place = tuple[str, str, str]
"""Region, zone and segment."""


@dataclass(frozen=True)
class Layer:
    """One network: its nodes and bundles.

    Parameters
    ----------
    network
        Which one.
    nodes
        Names.
    leaf_node
        int64[num_leaves]: node of each leaf of the wiring, −1: it is not on this network.
    edge_nodes
        By region of the wiring, the nodes of its edge switches; none in the database network.
    ends
        int64[num_bundles, 2]: nodes, the leaf first where there is one.
    links
        int64[num_bundles]: parallel links.
    capacity_kbps
        int64[num_bundles]: of one link, per direction.
    kinds
        ``uplink``, ``trunk`` or ``backbone`` of each bundle.
    """

    network: Plane
    nodes: tuple[str, ...]
    leaf_node: IntArray
    edge_nodes: tuple[tuple[int, ...], ...]
    ends: IntArray
    links: IntArray
    capacity_kbps: IntArray
    kinds: tuple[str, ...]

    @cached_property
    def is_leaf(self) -> BoolArray:
        """bool[num_nodes]."""
        flags = np.zeros(len(self.nodes), bool)
        flags[self.leaf_node[self.leaf_node >= 0]] = True
        return flags

    @cached_property
    def graph(self) -> nx.Graph:
        """The same as a NetworkX graph: nodes by number; edges with `bundle`, `links`, `capacity_kbps` of all links."""
        graph: nx.Graph = nx.Graph()
        graph.add_nodes_from((number, {"name": name}) for number, name in enumerate(self.nodes))
        for bundle, (one, other) in enumerate(self.ends.tolist()):
            links = int(self.links[bundle])
            capacity = links * int(self.capacity_kbps[bundle])
            graph.add_edge(one, other, bundle=bundle, links=links, capacity_kbps=capacity)
        return graph


@dataclass(frozen=True)
class Wiring:
    """All networks of a plan.

    Parameters
    ----------
    is_derived
        Whether the bundles follow from the model.
    regions
        Names, sorted.
    leaves
        Places, sorted; a leaf's node in a network is called as `leaf_name` says.
    layers
        The service network, and the database network where there is one.
    """

    is_derived: bool
    regions: tuple[str, ...]
    leaves: tuple[Place, ...]
    layers: tuple[Layer, ...]

    @cached_property
    def leaf_region(self) -> IntArray:
        """int64[num_leaves]: region of each leaf."""
        number = {region: n for n, region in enumerate(self.regions)}
        return np.array([number[region] for region, _, _ in self.leaves], np.int64)

    @property
    def num_bundles(self) -> int:
        """Bundles of all networks."""
        return sum(len(layer.links) for layer in self.layers)

    def leaf_of(self, hosts: pl.DataFrame) -> IntArray:
        """Return the leaf of each host: int64[num_hosts]."""
        number = {place: n for n, place in enumerate(self.leaves)}
        places = hosts.select("region", "zone", "segment").iter_rows()
        return np.array([number[place] for place in places], np.int64)


def network_tier(fleet: Fleet) -> NetworkTier:
    """Return the row of the model's network by scale for the fleet's number of services."""
    return row_by_scale(fleet.model.network.tiers.values(), len(fleet.services))


def host_ports(fleet: Fleet, hosts: pl.DataFrame) -> list[NicPorts]:
    """Return the NIC of every planned host, in the order of the rows."""
    nics = fleet.model.nics
    known: dict[tuple[str, str], NicPorts] = {}
    for nic, size in hosts.select("nic", "size").unique().iter_rows():
        known[nic, size] = nics[nic] if nic else NicPorts("", fleet.sizes[size].nic_kbps)
    return [known[key] for key in hosts.select("nic", "size").iter_rows()]


def wiring(fleet: Fleet, hosts: pl.DataFrame, ports: Sequence[NicPorts]) -> Wiring:
    """Return the networks of a plan.

    Parameters
    ----------
    hosts
        The plan's, each with a segment.
    ports
        The hosts' NICs.
    """
    if fleet.topology.has_network:
        return _named(fleet)
    return _derived(fleet, hosts, ports)


def _named(fleet: Fleet) -> Wiring:
    topology = fleet.topology
    regions = topology.regions
    leaves = tuple(sorted((place.region, place.zone, place.segment) for place in topology.locations))
    layers = []
    for network in ("service", "database"):
        bundles = [bundle for bundle in topology.bundles if bundle.network == network]
        if bundles or network == "service":
            edges = topology.edges if network == "service" else {}
            layers.append(_layer(network, bundles, leaves, regions, edges))
    return Wiring(False, regions, leaves, tuple(layers))


def _derived(fleet: Fleet, hosts: pl.DataFrame, ports: Sequence[NicPorts]) -> Wiring:
    leaves = tuple(sorted(set(hosts.select("region", "zone", "segment").iter_rows())))
    regions = tuple(sorted({region for region, _, _ in leaves}))
    tier = network_tier(fleet)
    nic = fleet.model.nics[tier.nic]
    service = list(_fabric(tier, nic.service_kbps, leaves, regions, "service"))
    cores = {region: tuple(_core(region, n, "service") for n in range(_whole(tier.fabric.cores))) for region in regions}
    layers = [_layer("service", service, leaves, regions, cores)]
    smallest = min((port.database_kbps for port in ports), default=0)
    if smallest:
        database = list(_fabric(tier, nic.database_kbps or smallest, leaves, regions, "database"))
        layers.append(_layer("database", database, leaves, regions, {}))
    return Wiring(True, regions, leaves, tuple(layers))


def _whole(figure: Any) -> int:
    return int(figure.typical)


def _core(region: str, number: int, network: Plane) -> str:
    return leaf_name(region, "", f"core-{number + 1}", network)


def _fabric(
    tier: NetworkTier, port_kbps: int, leaves: Sequence[Place], regions: Sequence[str], network: Plane
) -> Iterator[Bundle]:
    """Yield the bundles of a leaf-spine fabric in every location, its cores in every region, the backbone between."""
    fabric = tier.fabric
    spines, cores = _whole(fabric.spines), _whole(fabric.cores)
    uplink, core, backbone = (
        int(exact(figure.typical) * 1000) for figure in (fabric.uplink_mbps, fabric.core_mbps, fabric.backbone_mbps)
    )
    segment_kbps = _whole(fabric.hosts_per_segment) * port_kbps / exact(fabric.oversubscription.typical)
    links = max(1, math.ceil(segment_kbps / spines / uplink))
    num_leaves: dict[tuple[str, str], int] = {}
    for region, zone, segment in leaves:
        num_leaves[region, zone] = num_leaves.get((region, zone), 0) + 1
        for n in range(spines):
            spine = leaf_name(region, zone, f"spine-{n + 1}", network)
            yield Bundle((leaf_name(region, zone, segment, network), spine), links, uplink, network)
    for (region, zone), number in num_leaves.items():
        spine_kbps = number * links * uplink / exact(fabric.spine_oversubscription.typical)
        to_core = max(1, math.ceil(spine_kbps / cores / core))
        for n in range(spines):
            spine = leaf_name(region, zone, f"spine-{n + 1}", network)
            for c in range(cores):
                yield Bundle((_core(region, c, network), spine), to_core, core, network)
    for at, region in enumerate(regions):
        for other in regions[at + 1 :]:
            for c in range(cores):
                ends = (_core(region, c, network), _core(other, c, network))
                yield Bundle(ends, _whole(fabric.backbone_links), backbone, network)


def _layer(
    network: Plane,
    bundles: Sequence[Bundle],
    leaves: Sequence[Place],
    regions: Sequence[str],
    edges: dict[str, tuple[str, ...]],
) -> Layer:
    ends = sorted({end for bundle in bundles for end in bundle.ends})
    nodes = tuple(ends)
    number = {name: n for n, name in enumerate(nodes)}
    leaf_node = np.array([number.get(leaf_name(*place, network), -1) for place in leaves], np.int64)
    pairs = np.array([[number[end] for end in bundle.ends] for bundle in bundles], np.int64).reshape(-1, 2)
    is_leaf = set(leaf_node.tolist())
    region_of = _regions_of(pairs, leaf_node, leaves, edges, number)

    def kind(one: int, other: int) -> str:
        if one in is_leaf or other in is_leaf:
            return "uplink"
        return "trunk" if region_of.get(one) == region_of.get(other) else "backbone"

    return Layer(
        network=network,
        nodes=nodes,
        leaf_node=leaf_node,
        edge_nodes=tuple(tuple(number[name] for name in edges.get(region, ())) for region in regions),
        ends=pairs,
        links=np.array([bundle.links for bundle in bundles], np.int64),
        capacity_kbps=np.array([bundle.capacity_kbps for bundle in bundles], np.int64),
        kinds=tuple(kind(one, other) for one, other in pairs.tolist()),
    )


def _regions_of(
    pairs: IntArray,
    leaf_node: IntArray,
    leaves: Sequence[Place],
    edges: dict[str, tuple[str, ...]],
    number: dict[str, int],
) -> dict[int, str]:
    """Return the region of each node: its own, that of leaves below, of the edge, then in rounds of neighbours."""
    region_of = {int(node): place[0] for node, place in zip(leaf_node, leaves, strict=True) if node >= 0}
    is_leaf = set(region_of)
    neighbours: dict[int, set[int]] = {}
    for one, other in pairs.tolist():
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    below: dict[int, str] = {}
    for leaf in is_leaf:
        for switch in neighbours.get(leaf, ()):
            below[switch] = min(region_of[leaf], below.get(switch, region_of[leaf]))
    region_of |= {switch: region for switch, region in below.items() if switch not in is_leaf}
    of_edge: dict[int, str] = {}
    for region, names in sorted(edges.items()):
        for name in names:
            of_edge.setdefault(number[name], region)
    region_of |= {switch: region for switch, region in of_edge.items() if switch not in region_of}
    while True:
        found = {
            node: min(known)
            for node, others in neighbours.items()
            if node not in region_of
            and (known := [region_of[other] for other in others if other in region_of and other not in is_leaf])
        }
        if not found:
            return region_of
        region_of |= found


def spread_evenly(fleet: Fleet, hosts: pl.DataFrame) -> pl.DataFrame:
    """Return the hosts with a segment each: those without one are dealt to as few derived segments as hold them.

    In every region and zone, in the order of pool and name, so that each segment gets some of every pool.
    """
    if fleet.topology.has_network or not (hosts["segment"] == "").any():
        return hosts
    most = _whole(network_tier(fleet).fabric.hosts_per_segment)
    segment = hosts["segment"].to_list()
    rows: dict[tuple[str, str], list[int]] = {}
    taken: dict[tuple[str, str], set[str]] = {}
    order = hosts.with_row_index("row").sort("pool", "host").select("row", "region", "zone", "segment")
    for row, region, zone, name in order.iter_rows():
        (taken.setdefault((region, zone), set()).add(name) if name else rows.setdefault((region, zone), []).append(row))
    for place, members in rows.items():
        names = _free_names(-(-len(members) // most), taken.get(place, set()))
        for n, row in enumerate(members):
            segment[row] = names[n % len(names)]
    return hosts.with_columns(pl.Series("segment", segment, dtype=pl.String))


def _free_names(number: int, taken: set[str]) -> list[str]:
    names: list[str] = []
    at = 0
    while len(names) < number:
        at += 1
        if (name := f"s{at:04d}") not in taken:
            names.append(name)
    return names


def names_of(nodes: Iterable[int], layer: Layer) -> tuple[str, ...]:
    """Return the names of nodes, sorted."""
    return tuple(sorted(layer.nodes[node] for node in nodes))


def leaf_nodes(layer: Layer, size: int) -> BoolArray:
    """Return which rows of a matrix of so many rows are leaves with a node in a layer: bool[size]."""
    on_layer = np.zeros(size, bool)
    on_layer[: len(layer.leaf_node)] = layer.leaf_node >= 0
    return on_layer
