"""What can be wrong with a topology.yaml: names, links, cycles, and who reaches whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from placement.errors import Problem
from placement.fleet.documents import validated
from placement.fleet.faults import listed, suggest
from placement.fleet.topology_document import TopologyDocument, named_bundles
from placement.fleet.types import PLANES, Bundle, Plane, leaf_name

_Entries = list[tuple[str, Bundle]]


def parse_topology(data: Mapping[str, Any], file: str) -> tuple[TopologyDocument | None, list[Problem]]:
    """Return topology.yaml as a value (None where it cannot be one) and everything that is wrong with it."""
    document, problems = validated(TopologyDocument, data, file)
    if document is not None:
        problems = [*_topology_problems(document, file)]
        if not problems:
            problems = list(_wiring_problems(document, file))
    return (None if problems else document), problems


def _topology_problems(document: TopologyDocument, file: str) -> Iterator[Problem]:
    yield from _repeated([region.region for region in document.regions], file, "regions", "region")
    for at, region in enumerate(document.regions, start=1):
        here = f"regions[{at}]"
        if region.zones and region.max_hosts is not None:
            yield Problem(
                file,
                "max_hosts stands beside zones",
                column=here,
                allowed="max_hosts at the finest level only",
            )
        yield from _repeated([zone.zone for zone in region.zones], file, f"{here}.zones", "zone")
        for zone_at, zone in enumerate(region.zones, start=1):
            zone_here = f"{here}.zones[{zone_at}]"
            if zone.segments and zone.max_hosts is not None:
                yield Problem(
                    file,
                    "max_hosts stands beside segments",
                    column=zone_here,
                    allowed="max_hosts at the finest level only",
                )
            names = [segment.segment for segment in zone.segments]
            yield from _repeated(names, file, f"{zone_here}.segments", "segment")


def _repeated(names: Sequence[str], file: str, column: str, noun: str) -> Iterator[Problem]:
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Problem(
                file,
                f"the same {noun} stands {names.count(name)} times",
                column=column,
                value=name,
                allowed="each once",
            )


class Joined:
    """Which nodes hang together; nodes are told apart by name."""

    def __init__(self, bundles: Iterable[Bundle]) -> None:
        self._parent: dict[str, str] = {}
        for bundle in bundles:
            self.join(*bundle.ends)

    def of(self, node: str) -> str:
        """Return the node that stands for all those that hang together with this one."""
        root = node
        while self._parent.get(root, root) != root:
            root = self._parent[root]
        while self._parent.get(node, node) != root:
            self._parent[node], node = root, self._parent[node]
        return root

    def join(self, first: str, second: str) -> bool:
        """Join two nodes; False if they hang together already."""
        first, second = self.of(first), self.of(second)
        self._parent[max(first, second)] = min(first, second)
        return first != second


def _wiring_problems(document: TopologyDocument, file: str) -> Iterator[Problem]:
    """Yield what is wrong with uplinks, links and edges; a file that names none of them says nothing to judge."""
    entries = list(named_bundles(document))
    edges = {region.region: region.edge for region in document.regions}
    if not entries and not any(edges.values()):
        return
    problems = [*_bad_ends(entries, file), *_repeated_edges(document, file)]
    problems += _without_uplinks(document, file)
    switches = {end: bundle.network for _, bundle in entries for end in bundle.ends if "/" not in end}
    problems += _bad_edges(document, switches, file)
    if document.shape == "tree":
        problems += _cycles(entries, file)
    yield from problems
    if not problems:
        yield from _unreached(document, entries, file)


def _bad_ends(entries: _Entries, file: str) -> Iterator[Problem]:
    """Yield links from a switch to itself, two entries for the same ends, and switches of two networks."""
    seen: dict[tuple[str, tuple[str, str]], str] = {}
    network_of: dict[str, tuple[Plane, str]] = {}
    for where, bundle in entries:
        if bundle.ends[0] == bundle.ends[1]:
            yield Problem(file, "a link from a switch to itself", column=where, value=bundle.ends[0])
            continue
        first = seen.setdefault((bundle.network, bundle.ends), where)
        if first != where:
            message = f"joins the same two ends as {first}"
            yield Problem(
                file, message, column=where, value=" - ".join(bundle.ends), allowed="one entry, with links: N"
            )
        for end in bundle.ends:
            if "/" in end:
                continue
            network, at = network_of.setdefault(end, (bundle.network, where))
            if network != bundle.network:
                message = f"a switch of two networks ({at} says {network})"
                yield Problem(file, message, column=where, value=end, allowed="a switch of its own for each network")


def _repeated_edges(document: TopologyDocument, file: str) -> Iterator[Problem]:
    for at, region in enumerate(document.regions, start=1):
        for name in dict.fromkeys(region.edge):
            if region.edge.count(name) > 1:
                message = f"the same switch stands {region.edge.count(name)} times"
                yield Problem(file, message, column=f"regions[{at}].edge", value=name, allowed="each once")


def _without_uplinks(document: TopologyDocument, file: str) -> Iterator[Problem]:
    """Yield places that nothing joins to the rest: a file that names links must name all."""
    segments = "a file that names links names those of every segment"
    for at, region in enumerate(document.regions, start=1):
        if not region.edge:
            message = "the region has no edge, where its clients come in"
            yield Problem(file, message, column=f"regions[{at}]", value=region.region, allowed="edge: [switch, …]")
        if not region.zones:
            yield Problem(
                file, "the region has no segments", column=f"regions[{at}]", value=region.region, allowed=segments
            )
        for zone_at, zone in enumerate(region.zones, start=1):
            here = f"regions[{at}].zones[{zone_at}]"
            if not zone.segments:
                yield Problem(file, "the zone has no segments", column=here, value=zone.zone, allowed=segments)
            for segment_at, segment in enumerate(zone.segments, start=1):
                if not any(uplink.network == "service" for uplink in segment.uplinks):
                    message = "the segment has no uplink in the service network"
                    where = f"{here}.segments[{segment_at}]"
                    yield Problem(file, message, column=where, value=segment.segment, allowed=segments)


def _bad_edges(document: TopologyDocument, switches: Mapping[str, Plane], file: str) -> Iterator[Problem]:
    known = sorted(name for name, network in switches.items() if network == "service")
    for at, region in enumerate(document.regions, start=1):
        for name in dict.fromkeys(region.edge):
            where = f"regions[{at}].edge"
            if name not in switches:
                message = "no uplink and no link goes to this switch"
                near = suggest(name, known)
                yield Problem(file, message, column=where, value=name, allowed=listed(known), suggestion=near)
            elif switches[name] == "database":
                message = "a switch of the database network, where no clients come in"
                yield Problem(file, message, column=where, value=name, allowed=listed(known))


def _cycles(entries: _Entries, file: str) -> Iterator[Problem]:
    joined = Joined(())
    for where, bundle in entries:
        if not joined.join(*bundle.ends):
            message = "closes a cycle, and the file promises a tree"
            allowed = "one way between any two nodes, or shape: mesh"
            yield Problem(file, message, column=where, value=" - ".join(bundle.ends), allowed=allowed)


def _unreached(document: TopologyDocument, entries: _Entries, file: str) -> Iterator[Problem]:
    """Yield segments and edges that have no way to each other."""
    joined = {plane: Joined(bundle for _, bundle in entries if bundle.network == plane) for plane in PLANES}
    known = {end for _, bundle in entries for end in bundle.ends}
    for at, region in enumerate(document.regions, start=1):
        leaves = {
            plane: [
                (name, f"regions[{at}].zones[{zone_at}].segments[{segment_at}]")
                for zone_at, zone in enumerate(region.zones, start=1)
                for segment_at, segment in enumerate(zone.segments, start=1)
                if (name := leaf_name(region.region, zone.zone, segment.segment, plane)) in known
            ]
            for plane in PLANES
        }
        for edge in region.edge:
            here = joined["service"].of(edge)
            for name, where in leaves["service"]:
                if joined["service"].of(name) != here:
                    message = f"the segment has no path to {edge}, an edge of its region"
                    yield Problem(file, message, column=where, value=name, allowed="links that lead there")
        for name, where in leaves["database"][1:]:
            other = leaves["database"][0][0]
            if joined["database"].of(name) != joined["database"].of(other):
                message = f"the segment has no path to {other} in the database network"
                yield Problem(file, message, column=where, value=name, allowed="links that lead there")
