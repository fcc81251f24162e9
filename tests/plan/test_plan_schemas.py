"""Public names, findings and the JSON Schemas of the outputs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from small_plan import small_plan

import placement.plan
from placement.plan import FINDING_KINDS, SCHEMAS, Finding
from placement.plan.digest import plan_files
from placement.plan.tables import TABLES


def test_public_names_are_few_sorted_and_there() -> None:
    assert set(placement.plan.__all__) == {
        "FINDING_KINDS", "SCHEMAS", "Bounds", "Certificate", "Finding", "Plan", "PlanSummary", "plan_digest",
        "read_plan", "write_plan",
    }  # fmt: skip
    assert all(getattr(placement.plan, name) is not None for name in placement.plan.__all__)
    assert set(placement.plan.__all__) <= set(dir(placement.plan))
    with pytest.raises(AttributeError, match="no attribute 'write_plans'"):
        _ = placement.plan.write_plans


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, placement.plan\n"
        "heavy = sorted({'polars', 'numpy', 'pydantic'} & set(sys.modules))\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_there_is_a_schema_for_every_output() -> None:
    assert set(SCHEMAS) == {"bounds", "findings", "plan", *(table.name for table in TABLES)}
    for make in SCHEMAS.values():
        schema = make()
        assert schema["$schema"].startswith("https://json-schema.org/")
        json.dumps(schema)


def test_schemas_name_what_the_files_hold() -> None:
    files = plan_files(small_plan())
    for table in TABLES:
        header = list(table.schema)
        if not table.optional:
            assert files[f"{table.name}.csv"].decode().splitlines()[0].split(",") == header
        schema = SCHEMAS[table.name]()
        assert list(schema["properties"]) == schema["required"] == header
        assert all(column["description"] for column in schema["properties"].values())
    for name in ("plan", "bounds"):
        assert list(json.loads(files[f"{name}.json"])) == list(SCHEMAS[name]()["properties"])
    properties = SCHEMAS["findings"]()["items"]["properties"]
    full = Finding("spread", "m", "s", "h", "cpu", 1.0, 2.0, "hosts.csv", 3).to_dict()
    assert list(properties) == list(full)
    assert [kind["const"] for kind in properties["kind"]["oneOf"]] == list(FINDING_KINDS)


def test_findings_leave_out_what_is_empty_and_keep_zeros() -> None:
    assert Finding("spread", "too near").to_dict() == {"kind": "spread", "message": "too near"}
    assert Finding("spread", "too near", value=0.0).to_dict()["value"] == 0.0
    assert str(Finding("spread", "too near", file="a.csv", row=2)) == "a.csv, row 2: too near [spread]"
    with pytest.raises(ValueError, match="no such kind"):
        Finding("spraed", "too near")
