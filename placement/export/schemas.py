"""JSON Schemas of exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from placement.export.folder import EXPORT_FORMAT
from placement.export.registry import REGISTRY_FORMAT
from placement.export.targets import TARGETS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]+$"}
_NAME = {"type": "string", "minLength": 1}
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
_POSITIVE = {"type": "integer", "minimum": 1}


def _record(description: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _registry() -> dict[str, Any]:
    plan = _record(
        "The first line: the plan that all others are of.",
        {
            "kind": {"const": "plan"},
            "format": {"const": REGISTRY_FORMAT},
            "digest": _DIGEST,
            "fleet": _TEXT,
            "fleet_digest": _DIGEST,
            "instances": _COUNT,
            "nodes": _COUNT,
        },
    )
    endpoint = _record(
        "A name under which a database or a cache is reached, and the hosts that answer to it.",
        {
            "kind": {"const": "endpoint"},
            "type": {"enum": ["postgres", "pgbouncer", "valkey"]},
            "cluster": _NAME,
            "host_name": _NAME,
            "port": _PORT,
            "hosts": {"type": "array", "items": _NAME},
        },
    )
    node = _record(
        "A node of a database, a cache or the platform.",
        {
            "kind": {"const": "node"},
            "type": _NAME,
            "node": _NAME,
            "workload": _NAME,
            "role": {"enum": ["primary", "replica", "member"]},
            "shard": _COUNT,
            "tier": _TEXT,
            "region": _NAME,
            "host": _NAME,
        },
    )
    instance = _record(
        "An instance of a service: where it listens, and the settings that it is given when it registers.",
        {
            "kind": {"const": "instance"},
            "service": _NAME,
            "instance": _POSITIVE,
            "host": _NAME,
            "region": _NAME,
            "zone": _TEXT,
            "segment": _TEXT,
            "port": _PORT,
            "assignments": {"type": "object", "additionalProperties": _TEXT},
        },
    )
    return {
        "$schema": _DIALECT,
        "title": "One line of registry.jsonl",
        "type": "object",
        "oneOf": [plan, endpoint, node, instance],
    }


def _terraform() -> dict[str, Any]:
    place = dict.fromkeys(("region", "pool", "size"), _NAME) | {"zone": _TEXT, "segment": _TEXT}
    numbers = {"hosts": _POSITIVE, "spares": _COUNT, "standing": _COUNT, "to_create": _COUNT}
    hosts = _record("Hosts of one size and pool in one place.", place | numbers)
    values = {"placement_hosts": {"type": "object", "additionalProperties": hosts}, "placement_plan_digest": _DIGEST}
    return {"$schema": _DIALECT, "title": "placement.auto.tfvars.json", **_record("Variables.", values)}


def _manifest() -> dict[str, Any]:
    properties = {
        "format": {"const": EXPORT_FORMAT},
        "target": {"enum": list(TARGETS)},
        "plan_digest": _DIGEST,
        "fleet": _TEXT,
        "fleet_digest": _DIGEST,
        "files": _COUNT,
    }
    return {"$schema": _DIALECT, "title": "export.json", **_record("What an export is of.", properties)}


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "export": _manifest,
    "registry-export": _registry,
    "terraform-export": _terraform,
}
"""Name of an export's file → function that makes its JSON Schema."""
