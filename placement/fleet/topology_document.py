"""topology.yaml: regions, zones, segments and the links between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from placement.fleet.documents import DnsLabel, Strict
from placement.fleet.types import Bundle, Location, Plane, Topology, leaf_name
from placement.units import scale_down

TOPOLOGY_FORMAT = "placement/topology/1"

_MAX_HOSTS = 10_000_000
_MAX_LINKS = 10_000
_MAX_MBPS = 1_000_000_000
_MIN_MBPS = 0.001
"""One kbit/s, the unit inside."""


class UplinkDocument(Strict):
    """Parallel links from a segment to a switch."""

    to: DnsLabel = Field(description="Name of the switch.")
    capacity_mbps: float = Field(ge=_MIN_MBPS, le=_MAX_MBPS, description="Of one link, per direction.")
    links: int = Field(1, ge=1, le=_MAX_LINKS, description="How many parallel links.")
    network: Plane = Field("service", description="service, or database for a dedicated database network.")


class LinkDocument(Strict):
    """Parallel links between two switches."""

    from_: DnsLabel = Field(alias="from", description="Name of a switch.")
    to: DnsLabel = Field(description="Name of another switch.")
    capacity_mbps: float = Field(ge=_MIN_MBPS, le=_MAX_MBPS, description="Of one link, per direction.")
    links: int = Field(1, ge=1, le=_MAX_LINKS, description="How many parallel links.")
    network: Plane = Field("service", description="service, or database for a dedicated database network.")


class SegmentDocument(Strict):
    """A network segment of a zone."""

    segment: DnsLabel = Field(description="Name, unique in its zone.")
    max_hosts: int | None = Field(None, ge=0, le=_MAX_HOSTS, description="Most hosts it has room for.")
    uplinks: list[UplinkDocument] = Field(default_factory=list, description="Its links to switches.")


class ZoneDocument(Strict):
    """A zone of a region."""

    zone: DnsLabel = Field(description="Name, unique in its region.")
    max_hosts: int | None = Field(
        None, ge=0, le=_MAX_HOSTS, description="Most hosts it has room for; only where it names no segments."
    )
    segments: list[SegmentDocument] = Field(default_factory=list, description="Its segments, if any.")


class RegionDocument(Strict):
    """A region."""

    region: DnsLabel = Field(description="Name, unique.")
    max_hosts: int | None = Field(
        None, ge=0, le=_MAX_HOSTS, description="Most hosts it has room for; only where it names no zones."
    )
    edge: list[DnsLabel] = Field(default_factory=list, description="Switches where clients come in.")
    zones: list[ZoneDocument] = Field(default_factory=list, description="Its zones, if any.")


class TopologyDocument(Strict):
    """topology.yaml: where hosts stand, and what joins them."""

    format: Literal["placement/topology/1"]
    shape: Literal["mesh", "tree"] = Field("mesh", description="tree: a promise that there is no cycle.")
    regions: list[RegionDocument] = Field(min_length=1, description="Regions.")
    links: list[LinkDocument] = Field(default_factory=list, description="Links between switches.")


def document_topology(document: TopologyDocument) -> Topology:
    """Return what a document without faults says."""
    locations = []
    for region in document.regions:
        if not region.zones:
            locations.append(Location(region.region, max_hosts=region.max_hosts))
        for zone in region.zones:
            if not zone.segments:
                locations.append(Location(region.region, zone.zone, max_hosts=zone.max_hosts))
            locations += [
                Location(region.region, zone.zone, segment.segment, segment.max_hosts) for segment in zone.segments
            ]
    bundles = [bundle for _, bundle in named_bundles(document)]
    return Topology(
        locations=tuple(sorted(locations, key=lambda place: (place.region, place.zone, place.segment))),
        bundles=tuple(sorted(bundles, key=lambda bundle: (bundle.network, bundle.ends))),
        edges={
            region.region: tuple(sorted(set(region.edge)))
            for region in sorted(document.regions, key=lambda region: region.region)
            if region.edge
        },
        is_tree=document.shape == "tree",
    )


def named_bundles(document: TopologyDocument) -> Iterator[tuple[str, Bundle]]:
    """Yield every bundle with the place of its entry in the file; a link's ends in the order of their names."""
    for at, region in enumerate(document.regions, start=1):
        for zone_at, zone in enumerate(region.zones, start=1):
            for segment_at, segment in enumerate(zone.segments, start=1):
                here = f"regions[{at}].zones[{zone_at}].segments[{segment_at}]"
                for uplink_at, uplink in enumerate(segment.uplinks, start=1):
                    leaf = leaf_name(region.region, zone.zone, segment.segment, uplink.network)
                    yield f"{here}.uplinks[{uplink_at}]", _bundle((leaf, uplink.to), uplink)
    for at, link in enumerate(document.links, start=1):
        first, second = sorted((link.from_, link.to))
        yield f"links[{at}]", _bundle((first, second), link)


def _bundle(ends: tuple[str, str], entry: UplinkDocument | LinkDocument) -> Bundle:
    return Bundle(ends, entry.links, int(scale_down(entry.capacity_mbps, 1000)), entry.network)


def topology_content(topology: Topology) -> dict[str, Any]:
    """Return a topology as the content of a topology.yaml that says the same."""
    regions: dict[str, dict[str, Any]] = {}
    segment_of: dict[str, dict[str, Any]] = {}
    for location in topology.locations:
        owner = regions.setdefault(location.region, {"region": location.region})
        if location.region in topology.edges:
            owner["edge"] = list(topology.edges[location.region])
        if location.zone:
            zones = owner.setdefault("zones", [])
            if not zones or zones[-1]["zone"] != location.zone:
                zones.append({"zone": location.zone})
            owner = zones[-1]
        if location.segment:
            owner.setdefault("segments", []).append({"segment": location.segment})
            owner = owner["segments"][-1]
            segment_of[leaf_name(location.region, location.zone, location.segment)] = owner
        if location.max_hosts is not None:
            owner["max_hosts"] = location.max_hosts
    content: dict[str, Any] = {"format": TOPOLOGY_FORMAT}
    if topology.is_tree:
        content["shape"] = "tree"
    content["regions"] = list(regions.values())
    for bundle in topology.bundles:
        entry: dict[str, Any] = {"to": bundle.ends[1], "capacity_mbps": bundle.capacity_kbps / 1000}
        entry["links"] = bundle.links
        if bundle.network == "database":
            entry["network"] = "database"
        if bundle.is_uplink:
            segment = segment_of[bundle.ends[0].removesuffix("@database")]
            segment.setdefault("uplinks", []).append(entry)
        else:
            content.setdefault("links", []).append({"from": bundle.ends[0], **entry})
    return content
