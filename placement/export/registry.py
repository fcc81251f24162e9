"""Target ``registry``: JSON Lines for the service registry, which hands assignments out when services register.

::

    registry.jsonl

The first line is the plan's, with its digest. Then come the names under which databases and caches are reached, with
the hosts behind them, then every node, then every instance with its address and its settings. The lines' schema is
``placement schema registry-export``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from placement.export.hosts import Host, hosts_of
from placement.export.settings import Connections, pgbouncer_workload
from placement.export.source import Source

REGISTRY_FORMAT = "placement/registry/1"


def files(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the target."""
    yield "registry.jsonl", b"".join(_line(row) for row in records(source))


def records(source: Source) -> Iterator[dict[str, Any]]:
    """Yield the lines as data."""
    plan = source.plan
    hosts = list(hosts_of(plan))
    connections = Connections(source)
    yield {
        "kind": "plan",
        "format": REGISTRY_FORMAT,
        "digest": source.digest,
        "fleet": plan.summary.fleet.name,
        "fleet_digest": plan.summary.fleet.digest,
        "instances": plan.assignments.height,
        "nodes": plan.nodes.height,
    }
    yield from _endpoints(source, connections, hosts)
    for host in hosts:
        for node in host.nodes:
            columns = ("node", "workload", "role", "shard", "tier", "region")
            yield {"kind": "node", "type": node["kind"], **{name: node[name] for name in columns}, "host": host.name}
    instances = [(instance, host) for host in hosts for instance in host.instances]
    settings: dict[str, dict[str, str]] = {}
    for instance, host in sorted(instances, key=lambda pair: (pair[0].service, pair[0].number)):
        if instance.service not in settings:
            settings[instance.service] = dict(connections.settings(instance.service))
        yield {
            "kind": "instance",
            "service": instance.service,
            "instance": instance.number,
            "host": host.name,
            "region": host.region,
            "zone": host.zone,
            "segment": host.segment,
            "port": instance.port,
            "assignments": settings[instance.service],
        }


def _endpoints(source: Source, connections: Connections, hosts: Iterable[Host]) -> Iterator[dict[str, Any]]:
    """Yield each name with the hosts that answer to it: of the primaries, or of all PgBouncers."""
    stands_on: dict[str, set[str]] = defaultdict(set)
    for host in hosts:
        for node in host.nodes:
            if node["role"] != "replica":
                stands_on[node["workload"]].add(host.name)
    for row in source.plan.postgres_clusters.sort("cluster").iter_rows(named=True):
        cluster = row["cluster"]
        yield _endpoint("postgres", cluster, row["host_name"], row["port"], stands_on[cluster])
        if row["pgbouncers"]:
            address = connections.pgbouncer_address(cluster)
            behind = stands_on[pgbouncer_workload(cluster)]
            yield _endpoint("pgbouncer", cluster, address.host_name, address.port, behind)
    for row in source.plan.valkey_clusters.sort("cluster").iter_rows(named=True):
        yield _endpoint("valkey", row["cluster"], row["host_name"], row["port"], stands_on[row["cluster"]])


def _endpoint(kind: str, cluster: str, host_name: str, port: int, hosts: set[str]) -> dict[str, Any]:
    return {
        "kind": "endpoint", "type": kind, "cluster": cluster, "host_name": host_name, "port": port,
        "hosts": sorted(hosts),
    }  # fmt: skip


_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _line(row: dict[str, Any]) -> bytes:
    return _compact(row).encode() + b"\n"
