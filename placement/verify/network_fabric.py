"""The network of a plan: leaves, switches and the bundles of links between them, from the fleet's file or derived."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, islice

import networkx as nx

from placement.capacity import CapacityModel
from placement.capacity.platform_tables import NetworkTier
from placement.fleet.types import Topology
from placement.units import exact

Place = tuple[str, str, str]
"""Region, zone and segment, "" where there is none."""

SERVICE, DATABASE = "service", "database"
PLANES = (SERVICE, DATABASE)

_MARK = "@database"


@dataclass(frozen=True)
class Fabric:
    """Leaves, switches and links.

    Parameters
    ----------
    source
        ``file`` or ``derived``.
    planes
        The network of each plane. Edges have `links` and the `capacity_kbps` of one link; a plane that there is not
        has no nodes.
    leaves
        Name of the leaf by place, without the mark of a plane.
    room
        Most hosts by place, for the segments that the plan made itself.
    edges
        Switches where clients come in, by region.
    """

    source: str
    planes: Mapping[str, nx.Graph]
    leaves: Mapping[Place, str]
    room: Mapping[Place, int]
    edges: Mapping[str, tuple[str, ...]]

    def node(self, place: Place, plane: str) -> str | None:
        """Return the node of a place's leaf in a plane, None where it has none there."""
        name = self.leaves.get(place)
        if name is None:
            return None
        node = in_plane(name, plane)
        return node if node in self.planes[plane] else None

    @property
    def num_bundles(self) -> int:
        """Bundles of both planes."""
        return sum(graph.number_of_edges() for graph in self.planes.values())

    def kind(self, one: str, other: str, plane: str) -> str:
        """Return what the link between two nodes of a plane is: uplink, trunk or backbone."""
        data = self.planes[plane].nodes
        if data[one]["is_leaf"] or data[other]["is_leaf"]:
            return "uplink"
        return "trunk" if data[one]["region"] == data[other]["region"] else "backbone"


def in_plane(name: str, plane: str) -> str:
    """Return the name that something has in a plane."""
    return f"{name}{_MARK}" if plane == DATABASE else name


def leaf_name(place: Place) -> str:
    """Return the name of a place's leaf."""
    return "/".join(part for part in place if part)


def file_fabric(topology: Topology) -> Fabric:
    """Return the network that the fleet's topology describes."""
    leaves = {
        (location.region, location.zone, location.segment): leaf_name(
            (location.region, location.zone, location.segment)
        )
        for location in topology.locations
    }
    graphs = {plane: nx.Graph() for plane in PLANES}
    regions = {in_plane(name, plane): place[0] for place, name in leaves.items() for plane in PLANES}
    for bundle in topology.bundles:
        for end in bundle.ends:
            graphs[bundle.network].add_node(end, is_leaf=end in regions, region=regions.get(end, ""))
        graphs[bundle.network].add_edge(*bundle.ends, links=bundle.links, capacity_kbps=bundle.capacity_kbps)
    edges = {region: tuple(names) for region, names in topology.edges.items()}
    for names in edges.values():
        graphs[SERVICE].add_nodes_from([name for name in names if name not in graphs[SERVICE]], is_leaf=False)
        for name in names:
            graphs[SERVICE].nodes[name].setdefault("region", "")
    for graph in graphs.values():
        _name_regions(graph, edges)
    return Fabric("file", graphs, leaves, {}, edges)


def _name_regions(graph: nx.Graph, edges: Mapping[str, tuple[str, ...]]) -> None:
    """Give every switch its region: of the segments below it, of the edge it is part of, or of its neighbours."""
    nodes = graph.nodes
    at_edge = {name: region for region, names in sorted(edges.items(), reverse=True) for name in names}
    switches = sorted(name for name in nodes if not nodes[name]["is_leaf"])
    for name in switches:
        below = [nodes[other]["region"] for other in graph[name] if nodes[other]["is_leaf"]]
        nodes[name]["region"] = min(below) if below else at_edge.get(name, "")
    left = [name for name in switches if not nodes[name]["region"]]
    while left:
        found = {name: min(near) for name in left if (near := _regions_near(graph, name))}
        if not found:
            return
        for name, region in found.items():
            nodes[name]["region"] = region
        left = [name for name in left if name not in found]


def _regions_near(graph: nx.Graph, name: str) -> list[str]:
    return [graph.nodes[other]["region"] for other in graph[name] if graph.nodes[other]["region"]]


@dataclass(frozen=True)
class DerivedSizes:
    """How large a derived network is.

    Parameters
    ----------
    num_links
        Links from a segment to each spine, by plane; 0: there is no such plane.
    """

    hosts_per_segment: int
    num_spines: int
    num_cores: int
    num_links: Mapping[str, int]
    uplink_mbps: Fraction
    core_mbps: Fraction
    backbone_links: int
    backbone_mbps: Fraction
    spine_oversubscription: Fraction


def tier_of(model: CapacityModel, num_services: int) -> NetworkTier:
    """Return the tier of the network for so many services."""
    tiers = list(model.network.tiers.values())
    return next((tier for tier in tiers if tier.covers(num_services)), tiers[-1])


def derived_sizes(model: CapacityModel, num_services: int, least_database_kbps: int) -> DerivedSizes:
    """Return how large the network of a fleet of so many services is made.

    Parameters
    ----------
    least_database_kbps
        The smallest port for the database network of all hosts, kbit/s; 0: some host has none.
    """
    tier = tier_of(model, num_services)
    fabric, nic = tier.fabric, model.network.nics[tier.nic]
    database_mbps = exact(nic.database_mbps.typical) if nic.database_mbps is not None else Fraction(0)
    ports = {SERVICE: exact(nic.capacity_mbps.typical) - database_mbps}
    if least_database_kbps:
        ports[DATABASE] = database_mbps or Fraction(least_database_kbps, 1000)
    hosts, spines = exact(fabric.hosts_per_segment.typical), exact(fabric.spines.typical)
    uplink_mbps = exact(fabric.uplink_mbps.typical)
    below = exact(fabric.oversubscription.typical) * spines * uplink_mbps
    return DerivedSizes(
        hosts_per_segment=int(hosts),
        num_spines=int(spines),
        num_cores=int(fabric.cores.typical),
        num_links={plane: math.ceil(hosts * port / below) for plane, port in ports.items()},
        uplink_mbps=uplink_mbps,
        core_mbps=exact(fabric.core_mbps.typical),
        backbone_links=int(fabric.backbone_links.typical),
        backbone_mbps=exact(fabric.backbone_mbps.typical),
        spine_oversubscription=exact(fabric.spine_oversubscription.typical),
    )


def derived_fabric(
    named: Iterable[Place], unnamed: Mapping[tuple[str, str], int], taken: Iterable[Place], sizes: DerivedSizes
) -> Fabric:
    """Return the network that follows from the number of hosts.

    Parameters
    ----------
    named
        Segments with hosts that have a name of their own.
    unnamed
        Hosts by region and zone whose segment the plan may choose.
    taken
        Segments that topology and inventory name, with hosts or without: the plan's own are not called so.
    sizes
        How large the network is made.
    """
    own = sorted(set(named))
    made = {
        place: sizes.hosts_per_segment
        for where, hosts in sorted(unnamed.items())
        for place in _made_places(where, -(-hosts // sizes.hosts_per_segment), frozenset(taken))
    }
    leaves = {place: leaf_name(place) for place in (*own, *made)}
    regions = sorted({place[0] for place in leaves})
    graphs = {plane: nx.Graph() for plane in PLANES}
    for plane, num_links in sizes.num_links.items():
        if num_links:
            _build(graphs[plane], plane, leaves, regions, sizes)
    cores = {region: tuple(_cores(region, sizes)) for region in regions}
    return Fabric("derived", graphs, leaves, made, cores)


def _made_places(where: tuple[str, str], number: int, taken: frozenset[Place]) -> Iterator[Place]:
    """Yield so many segments of a region and zone; names that are taken are passed over."""
    places = ((*where, f"s{at:04d}") for at in range(1, number + len(taken) + 1))
    return islice((place for place in places if place not in taken), number)


def _cores(region: str, sizes: DerivedSizes) -> Iterator[str]:
    return (f"{region}/core-{number}" for number in range(1, sizes.num_cores + 1))


def _build(graph: nx.Graph, plane: str, leaves: Mapping[Place, str], regions: list[str], sizes: DerivedSizes) -> None:
    num_links = sizes.num_links[plane]
    uplink_kbps = math.floor(sizes.uplink_mbps * 1000)
    segments: Counter[tuple[str, str]] = Counter()
    spines: dict[tuple[str, str], list[str]] = defaultdict(list)
    for region in regions:
        names = [in_plane(name, plane) for name in _cores(region, sizes)]
        graph.add_nodes_from(names, is_leaf=False, region=region)
    for place, name in leaves.items():
        where = place[:2]
        if where not in spines:
            prefix = leaf_name((*where, ""))
            spines[where] = [in_plane(f"{prefix}/spine-{n}", plane) for n in range(1, sizes.num_spines + 1)]
            graph.add_nodes_from(spines[where], is_leaf=False, region=where[0])
        segments[where] += 1
        leaf = in_plane(name, plane)
        graph.add_node(leaf, is_leaf=True, region=where[0])
        for spine in spines[where]:
            graph.add_edge(leaf, spine, links=num_links, capacity_kbps=uplink_kbps)
    core_kbps = math.floor(sizes.core_mbps * 1000)
    for where, number in segments.items():
        up_mbps = number * num_links * sizes.uplink_mbps
        to_core = math.ceil(up_mbps / sizes.spine_oversubscription / sizes.num_cores / sizes.core_mbps)
        for spine in spines[where]:
            for core in _cores(where[0], sizes):
                graph.add_edge(spine, in_plane(core, plane), links=to_core, capacity_kbps=core_kbps)
    backbone_kbps = math.floor(sizes.backbone_mbps * 1000)
    for one, other in combinations(regions, 2):
        for here, there in zip(_cores(one, sizes), _cores(other, sizes), strict=True):
            ends = in_plane(here, plane), in_plane(there, plane)
            graph.add_edge(*ends, links=sizes.backbone_links, capacity_kbps=backbone_kbps)
