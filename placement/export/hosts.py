"""What stands on each host, host by host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from placement.export.ports import ports_on_host
from placement.plan.types import Plan

_HOST_COLUMNS = ("host", "size", "pool", "region", "zone", "segment", "nic", "spare")


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a service: its number, and the port of its back end (the next one is its front end's)."""

    service: str
    number: int
    port: int


@dataclass(frozen=True)
class Host:
    """A host and what stands on it.

    Parameters
    ----------
    name, size, pool, region, zone, segment, nic, spare
        As in hosts.csv.
    instances
        Sorted by service and number.
    nodes
        Rows of nodes.csv, sorted by node.
    """

    name: str
    size: str
    pool: str
    region: str
    zone: str
    segment: str
    nic: str
    spare: bool
    instances: tuple[Instance, ...]
    nodes: tuple[dict[str, Any], ...]


def hosts_of(plan: Plan) -> Iterator[Host]:
    """Yield every host of a plan, sorted by name."""
    instances: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for service, number, host in plan.assignments.select("service", "instance", "host").iter_rows():
        instances[host].append((service, number))
    nodes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in plan.nodes.sort("node").iter_rows(named=True):
        nodes[row["host"]].append(row)
    for name, size, pool, region, zone, segment, nic, spare in (
        plan.hosts.select(_HOST_COLUMNS).sort("host").iter_rows()
    ):
        ports = ports_on_host(instances.get(name, ()))
        placed = tuple(Instance(service, number, port) for (service, number), port in sorted(ports.items()))
        yield Host(name, size, pool, region, zone, segment, nic, spare, placed, tuple(nodes.get(name, ())))
