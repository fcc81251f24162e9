"""JSON Schemas follow from the same declarations that reading does, and the documentation says what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import placement.fleet
from placement.fleet import SCHEMAS, Policy
from placement.fleet.columns import TABLES, Column
from placement.fleet.documents import FleetDocument
from placement.fleet.types import CALLS_SCHEMA, HOSTS_SCHEMA, INTERFERENCE_SCHEMA, SERVICES_SCHEMA

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "fleet-format.md"


def test_every_input_has_a_schema() -> None:
    assert set(SCHEMAS) == {
        "fleet", "topology", "policy", "services", "sizes", "hosts", "current", "interference", "calls", "prices",
    }  # fmt: skip
    for make in SCHEMAS.values():
        schema = make()
        assert json.loads(json.dumps(schema, allow_nan=False)) == schema
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["additionalProperties"] is False
        for described in schema["properties"].values():
            assert described.get("description") or "$ref" in described or "const" in described


def test_rows_of_services() -> None:
    schema = SCHEMAS["services"]()
    assert schema["required"] == ["service"]
    assert schema["properties"]["cpu_cores"] == {
        "description": "CPU of one instance. Blank: its profile's. Unit: cores.",
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1_000_000_000,
    }
    assert schema["properties"]["spread"]["enum"] == ["host", "zone", "segment", "", None]
    assert schema["properties"]["instances"]["default"] == 1
    assert SCHEMAS["fleet"]()["$defs"]["Policy"]["properties"]["headroom"]["anyOf"][0]["maximum"] == 1


def test_columns_are_those_of_the_fleet() -> None:
    assert [column.inside for column in TABLES["services"].columns] != []
    assert {column.inside for column in TABLES["services"].columns} == set(SERVICES_SCHEMA)
    assert {column.inside for column in TABLES["hosts"].columns} | {"nic_kbps"} == set(HOSTS_SCHEMA)
    assert {column.inside for column in TABLES["interference"].columns} == set(INTERFERENCE_SCHEMA)
    assert {column.inside for column in TABLES["calls"].columns} == set(CALLS_SCHEMA)


def documented(column: Column) -> str:
    """Return a column's line in the documentation."""
    kinds = {"name": "name", "reference": "word", "text": "text", "integer": "whole number", "number": "number"}
    kind = kinds.get(column.kind, "true or false") + (f", {column.unit}" if column.unit else "")
    default = "required" if column.required else str(column.default if column.default is not None else "").lower()
    choices = f" One of {', '.join(f'`{choice}`' for choice in column.choices)}." if column.choices else ""
    return f"| `{column.name}` | {kind} | {default} | {column.description}{choices} |".replace("|  |", "| |")


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_documentation_lists_every_column(table: placement.fleet.columns.Table) -> None:  # type: ignore[name-defined]
    text = DOCUMENT.read_text(encoding="utf-8")
    missing = [line for line in map(documented, table.columns) if line not in text]
    assert not missing, "docs/fleet-format.md lacks:\n" + "\n".join(missing)


def test_the_documentation_names_every_key() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for key in (*FleetDocument.model_fields, *Policy.model_fields):
        assert f"`{key}`" in text, key


def test_public_names() -> None:
    assert sorted(placement.fleet.__all__) == sorted(placement.fleet._HOMES)
    for name in placement.fleet.__all__:
        assert getattr(placement.fleet, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = placement.fleet.no_such_name


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, placement.fleet; print(sorted({'polars', 'numpy', 'pydantic', 'yaml'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
