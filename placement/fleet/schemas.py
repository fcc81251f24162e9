"""JSON Schemas of the input: documents from their types, rows of tables from their columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from placement.fleet.columns import MAX_TEXT_LENGTH, NAME_PATTERN, TABLES, Column, Table
from placement.fleet.documents import HEADROOM_RESOURCES, FleetDocument
from placement.fleet.topology_document import TopologyDocument
from placement.fleet.types import Policy

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def fleet_schema() -> dict[str, Any]:
    """Return the JSON Schema of fleet.yaml."""
    schema = FleetDocument.model_json_schema()
    _bound_headroom(schema["$defs"]["Policy"])
    return {"$schema": _DIALECT, **schema, "title": "fleet.yaml"}


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of the policy."""
    schema = Policy.model_json_schema()
    _bound_headroom(schema)
    return {"$schema": _DIALECT, **schema, "title": "policy"}


def topology_schema() -> dict[str, Any]:
    """Return the JSON Schema of topology.yaml."""
    return {"$schema": _DIALECT, **TopologyDocument.model_json_schema(), "title": "topology.yaml"}


def row_schema(table: Table) -> dict[str, Any]:
    """Return the JSON Schema of a row of a table, as a line of JSONL has it."""
    return {
        "$schema": _DIALECT,
        "title": f"a row of {table.name}",
        "description": f"{table.description} Rows are told apart by {', '.join(table.key)}.",
        "type": "object",
        "properties": {column.name: _cell_schema(column) for column in table.columns},
        "required": [column.name for column in table.columns if column.required],
        "additionalProperties": False,
    }


def services_schema() -> dict[str, Any]:
    """Return the JSON Schema of a row of the table of services."""
    return row_schema(TABLES["services"])


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "fleet": fleet_schema,
    "topology": topology_schema,
    "policy": policy_schema,
    **{name: partial(row_schema, table) for name, table in TABLES.items()},
}
"""JSON Schemas of everything that is read, by name."""


def _cell_schema(column: Column) -> dict[str, Any]:
    kinds = {"integer": "integer", "number": "number", "boolean": "boolean"}
    kind = kinds.get(column.kind, "string")
    description = f"{column.description} Unit: {column.unit}." if column.unit else column.description
    schema: dict[str, Any] = {"description": description, "type": kind if column.required else [kind, "null"]}
    if column.is_numeric:
        schema["exclusiveMinimum" if column.positive else "minimum"] = 0 if column.positive else column.minimum
        schema["maximum"] = column.largest
    if column.kind == "name":
        schema["pattern"] = NAME_PATTERN if column.required else rf"{NAME_PATTERN}|^$"
    if column.kind == "text":
        schema["maxLength"] = MAX_TEXT_LENGTH
    if column.choices:
        schema["enum"] = [*column.choices] if column.required else [*column.choices, "", None]
    if column.default is not None:
        schema["default"] = column.default
    return schema


def _bound_headroom(policy: dict[str, Any]) -> None:
    """Say what the type cannot: shares above 0 and up to 1, of known resources."""
    share = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
    per_resource = {
        "type": "object",
        "properties": dict.fromkeys(HEADROOM_RESOURCES, share),
        "additionalProperties": False,
    }
    headroom = policy["properties"]["headroom"]
    headroom["anyOf"] = [share, per_resource]
