"""JSON Schemas of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl

from placement.plan.findings import FINDING_KINDS
from placement.plan.tables import TABLES, Table
from placement.plan.types import Bounds, PlanSummary
from placement.units import RESOURCES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_COLUMN_MEANINGS = {
    "host": "Name of the host.",
    "size": "Host size.",
    "pool": "What the host or node serves: services, databases, caches or platform.",
    "region": "Region.",
    "zone": "Zone; empty where the topology names none.",
    "segment": "Network segment; empty where the topology names none.",
    "nic": "Network interface: a NIC of the model; empty: that of a size of the fleet's own.",
    "spare": "Stands by for a host that fails.",
    "price_per_hour": "Price per hour.",
    "instances": "Number of instances and nodes on the host.",
    "service": "Name of the service.",
    "instance": "Number of the instance: 1, 2, …",
    "node": "Name of the node, unique.",
    "kind": "What a node runs: postgres, pgbouncer, valkey, registry, sia, collector or store; "
    "what a link is: nic, nic-database, uplink, trunk or backbone.",
    "workload": "What it is a node of: a cluster, or a platform service of a region.",
    "role": "primary, replica, or member where all nodes are alike.",
    "shard": "Shard of a sharded Valkey, from 1; 0: none.",
    "tier": "Tier of the capacity model; empty where there are none.",
    "cluster": "Name of the cluster; a dedicated instance is a cluster of one service.",
    "arrangement": "single: one server for all of a group; clusters: shared servers; dedicated: one of its own.",
    "database": "Name of the database.",
    "host_name": "Name under which the primary is reached.",
    "port": "TCP port.",
    "storage_class": "Storage class of the capacity model.",
    "clients": "Connections that the service's instances (the cluster's services) may open.",
    "connections_per_instance": "Connections that one instance may open.",
    "pool_size": "Connections of one PgBouncer to the server for this pair of user and database; 0: no PgBouncer.",
    "reserve_pool_size": "Further connections of one PgBouncer under load.",
    "connections": "Connections to the server, at most.",
    "storage_gb": "GB on each node, growth included.",
    "domains": "Domains of its services, sorted, joined by semicolons.",
    "load_profile": "Load profile by which its read replicas are counted.",
    "sensitivity": "Sensitivity classes of its services, sorted, joined by semicolons.",
    "nodes": "Nodes, the primary among them.",
    "pgbouncers": "PgBouncers in front of it.",
    "services": "Services that use it.",
    "max_connections": "max_connections of the server.",
    "connections_used": "Connections of all its services, at most.",
    "connections_limit": "Connections that may be planned.",
    "storage_gb_used": "GB of all its services, growth included.",
    "storage_gb_limit": "GB that may be planned.",
    "node_price_per_hour": "What one node takes of the cheapest host that holds it, per hour.",
    "key_prefix": "Beginning of all keys of the service.",
    "memory_mb": "MB.",
    "function": "What the cache is for.",
    "mode": "single, replicated or cluster (sharded).",
    "primaries": "Primaries: shards of a cluster, or one.",
    "replicas": "Replicas of all primaries together.",
    "link": "Name of the link in this direction, unique: FROM>TO.",
    "network": "service, or database where there is a network for databases alone.",
    "from": "A host (its database port HOST@database), a leaf or a switch.",
    "to": "A host (its database port HOST@database), a leaf or a switch.",
    "links": "Parallel links.",
    "capacity_mbps": "Mbps of all parallel links together, in this direction.",
    "load_mbps": "Mbps that flow in this direction.",
    "utilization": "Load over capacity.",
    "level": "ok, warning (above 60 % by the guide) or critical (above 80 %).",
}
for _resource in RESOURCES:
    _COLUMN_MEANINGS.setdefault(_resource.column, f"{_resource.unit} that the node asks for.")
    _COLUMN_MEANINGS[f"{_resource.column}_used"] = f"{_resource.unit} that what runs there asks for."
    _COLUMN_MEANINGS[f"{_resource.column}_limit"] = f"{_resource.unit} that may be planned under policy and model."


def _row_schema(table: Table) -> dict[str, Any]:
    """Return the schema of one row of a table."""
    properties: dict[str, dict[str, Any]] = {}
    for name, kind in table.schema.items():
        column: dict[str, Any] = {"description": _COLUMN_MEANINGS[name]}
        if kind == pl.String():
            column |= {"type": "string"} if name in table.blank else {"type": "string", "minLength": 1}
        elif kind == pl.Boolean():
            column |= {"type": "boolean"}
        else:
            column |= {"type": "integer" if kind == pl.Int64() else "number"}
            column |= {"minimum": 1 if name == "instance" else 0}
        properties[name] = column
    return {
        "$schema": _DIALECT,
        "title": f"One row of {table.name}.csv",
        "description": f"Rows are sorted by {', '.join(table.key)}.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _findings_schema() -> dict[str, Any]:
    text, number = {"type": "string"}, {"type": "number"}
    properties: dict[str, Any] = {
        "kind": {"oneOf": [{"const": kind, "description": text} for kind, text in FINDING_KINDS.items()]},
        "message": text,
        "service": text,
        "host": text,
        "resource": text,
        "value": number,
        "limit": number,
        "file": text,
        "row": {"type": "integer", "minimum": 1},
    }
    return {
        "$schema": _DIALECT,
        "title": "Findings of a check",
        "type": "array",
        "items": {
            "type": "object",
            "properties": properties,
            "required": ["kind", "message"],
            "additionalProperties": False,
        },
    }


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "bounds": lambda: {"$schema": _DIALECT} | Bounds.model_json_schema(),
    "findings": _findings_schema,
    "plan": lambda: {"$schema": _DIALECT} | PlanSummary.model_json_schema(),
    **{table.name: partial(_row_schema, table) for table in TABLES},
}
"""Name of an output → function that makes its JSON Schema."""
