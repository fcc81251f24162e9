"""JSON Schemas of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from placement.plan.findings import FINDING_KINDS
from placement.plan.tables import ASSIGNMENTS, HOSTS, Table
from placement.plan.types import Bounds, PlanSummary
from placement.units import RESOURCES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_COLUMN_MEANINGS = {
    "host": "Name of the host.",
    "size": "Host size.",
    "pool": "What the host serves; `services`: hosts that run services.",
    "region": "Region.",
    "zone": "Zone; empty where the topology names none.",
    "segment": "Network segment; empty where the topology names none.",
    "spare": "Stands by for a host that fails.",
    "price_per_hour": "Price per hour.",
    "instances": "Number of instances on the host.",
    "service": "Name of the service.",
    "instance": "Number of the instance: 1, 2, …",
}
for _resource in RESOURCES:
    _COLUMN_MEANINGS[f"{_resource.column}_used"] = f"{_resource.unit} that the host's instances ask for."
    _COLUMN_MEANINGS[f"{_resource.column}_limit"] = f"{_resource.unit} that the host can take under the policy."


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
    "assignments": lambda: _row_schema(ASSIGNMENTS),
    "bounds": lambda: {"$schema": _DIALECT} | Bounds.model_json_schema(),
    "findings": _findings_schema,
    "hosts": lambda: _row_schema(HOSTS),
    "plan": lambda: {"$schema": _DIALECT} | PlanSummary.model_json_schema(),
}
"""Name of an output → function that makes its JSON Schema."""
