"""Target ``ansible``: a lean inventory, and a file of variables per host.

::

    inventory/hosts.json              groups: size_…, pool_…, region_…, its zone_… and segment_…, spares
    inventory/group_vars/all.json     the plan's digest and fleet
    inventory/host_vars/{host}.json   what stands on the host: services, ports, limits, database, cache, nodes

Ansible reads thousands of hosts in seconds only if their variables are files of their own.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from placement.errors import InputError, Problem
from placement.export.hosts import Host, Instance, hosts_of
from placement.export.limits import InstanceLimits, node_limits, service_limits
from placement.export.settings import Connections
from placement.export.source import Source

_UNSAFE_KEY = "__ansible_unsafe"
_GROUP = re.compile(r"[a-z_][a-z0-9_]*")


def files(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the target."""
    alike = _services(source)
    groups = _Groups()
    for host in hosts_of(source.plan):
        groups.add(host)
        content = {
            "placement_host": _place(host),
            "placement_services": [_instance(instance, alike[instance.service]) for instance in host.instances],
            "placement_nodes": [_node(row) for row in host.nodes],
        }
        yield f"inventory/host_vars/{host.name}.json", variables_bytes(content)
    yield "inventory/hosts.json", (json.dumps(groups.inventory(), indent=1) + "\n").encode()
    everywhere = {
        "placement_plan_digest": source.digest,
        "placement_fleet": literal(source.plan.summary.fleet.name),
        "placement_fleet_digest": literal(source.plan.summary.fleet.digest),
    }
    yield "inventory/group_vars/all.json", variables_bytes(everywhere)


def literal(text: str) -> str | dict[str, str]:
    """Return text as Ansible takes it without looking for templates in it."""
    return {_UNSAFE_KEY: text} if "{" in text else text


def group_name(kind: str, *names: str) -> str:
    """Return the name of a group: ``kind_name`` with underscores for hyphens, which Ansible's groups cannot have.

    Raises
    ------
    InputError
        If that is no name of a group.
    """
    group = "_".join([kind, *names]).replace("-", "_")
    if not _GROUP.fullmatch(group):
        raise InputError(Problem("ansible", "is no name of a group", value=group[:60], allowed=_GROUP.pattern))
    return group


def variables_bytes(variables: dict[str, Any]) -> bytes:
    """Return variables as JSON whose versions compare well: a line for each, and for each row of a list."""
    parts = []
    for name, value in variables.items():
        if isinstance(value, list) and value:
            text = "[\n" + ",\n".join(map(_compact, value)) + "\n]"
        else:
            text = _compact(value)
        parts.append(f"{_compact(name)}: {text}")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _literal(value: Any) -> Any:
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, dict):
        return {key: _literal(inner) for key, inner in value.items()}
    return [_literal(inner) for inner in value] if isinstance(value, list) else value


class _Groups:
    """Groups of hosts. A host is listed in its finest place; regions have zones, zones have segments as children."""

    def __init__(self) -> None:
        self._hosts: dict[str, list[str]] = defaultdict(list)
        self._children: dict[str, set[str]] = defaultdict(set)
        self._stands_for: dict[str, tuple[str, ...]] = {}

    def add(self, host: Host) -> None:
        """Put a host into its groups."""
        self._hosts[self._name("size", host.size)].append(host.name)
        self._hosts[self._name("pool", host.pool)].append(host.name)
        if host.spare:
            self._hosts["spares"].append(host.name)
        place = self._name("region", host.region)
        for kind, names in (("zone", (host.region, host.zone)), ("segment", (host.region, host.zone, host.segment))):
            if names[-1]:
                inner = self._name(kind, *filter(None, names))
                self._children[place].add(inner)
                place = inner
        self._hosts[place].append(host.name)

    def _name(self, *names: str) -> str:
        group = group_name(*names)
        if self._stands_for.setdefault(group, names) != names:
            both = " and ".join("/".join(name) for name in (self._stands_for[group], names))
            raise InputError(Problem("ansible", f"{both} would be one group", value=group, allowed="another name"))
        return group

    def inventory(self) -> dict[str, Any]:
        """Return the inventory as data."""
        top = sorted({*self._hosts, *self._children} - {child for under in self._children.values() for child in under})
        return {"all": {"children": {group: self._group(group) for group in top}}}

    def _group(self, group: str) -> dict[str, Any]:
        content: dict[str, Any] = {}
        if group in self._hosts:
            content["hosts"] = dict.fromkeys(sorted(self._hosts[group]))
        if group in self._children:
            content["children"] = {child: self._group(child) for child in sorted(self._children[group])}
        return content


def _place(host: Host) -> dict[str, Any]:
    return {
        "name": host.name, "size": host.size, "pool": host.pool, "region": host.region, "zone": host.zone,
        "segment": host.segment, "nic": host.nic, "spare": host.spare,
    }  # fmt: skip


def _services(source: Source) -> dict[str, dict[str, Any]]:
    """Return what is the same for all instances of a service, by service."""
    fleet = source.known_fleet
    connections = Connections(source)
    limits = service_limits(fleet)
    return {
        service: _literal({"domain": domain, **_limits(limits[service]), **_uses(connections, service)})
        for service, domain in fleet.services.select("service", "domain").iter_rows()
    }


def _instance(instance: Instance, alike: dict[str, Any]) -> dict[str, Any]:
    row = {
        "service": instance.service,
        "instance": instance.number,
        "unit": f"{instance.service}@{instance.number}.service",
        "port": instance.port,
        **alike,
    }
    if "frontend" in alike:
        unit = f"{instance.service}.frontend@{instance.number}.service"
        row["frontend"] = {"unit": unit, "port": instance.port + 1, **alike["frontend"]}
    return row


def _limits(limits: InstanceLimits) -> dict[str, Any]:
    row: dict[str, Any] = {"limits": limits.backend.to_dict()}
    if limits.frontend is not None:
        row["frontend"] = {"limits": limits.frontend.to_dict()}
    return row


def _uses(connections: Connections, service: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    database = connections.databases.get(service)
    if database is not None:
        address = connections.postgres_address(database)
        row["database"] = {
            "cluster": database["cluster"],
            "host_name": address.host_name,
            "port": address.port,
            "name": database["database"],
            "pool_size": database["connections_per_instance"],
        }
    cache = connections.caches.get(service)
    if cache is not None:
        address = connections.valkey_address(cache["cluster"])
        row["cache"] = {
            "cluster": cache["cluster"],
            "host_name": address.host_name,
            "port": address.port,
            "key_prefix": cache["key_prefix"],
            "memory_mb": cache["memory_mb"],
        }
    row["settings"] = dict(connections.settings(service))
    return row


def _node(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "node": row["node"],
        "kind": row["kind"],
        "workload": row["workload"],
        "role": row["role"],
        "shard": row["shard"],
        "tier": row["tier"],
        "unit": f"node.{row['kind']}@{row['node']}.service",
        "limits": node_limits(row).to_dict(),
    }
