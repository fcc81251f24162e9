"""A plan's JSON files as bytes, and the digest of a plan."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from placement.errors import InternalError
from placement.plan.tables import BOUNDS_FILE, SUMMARY_FILE, TABLES, TableFormat, table_bytes
from placement.plan.types import Plan


def plan_files(plan: Plan, table_format: TableFormat = "csv") -> dict[str, bytes]:
    """Return the content of every file of the plan folder by name: the same bytes for the same plan.

    Raises
    ------
    InternalError
        If the plan holds what its format cannot: a wrong column, NaN, a value JSON does not know.
    """
    # not mode="json", which would write NaN as null
    summary = plan.summary.model_dump()
    for key in ("settings", "versions", "pools"):
        summary[key] = _sorted(summary[key])
    summary["hosts"]["by_size"] = _sorted(summary["hosts"]["by_size"])
    for key in ("violations", "estimates_used"):
        summary[key] = [_sorted(row) for row in summary[key]]
    return {
        SUMMARY_FILE: _json_bytes(summary, SUMMARY_FILE),
        BOUNDS_FILE: _json_bytes(plan.bounds.model_dump(), BOUNDS_FILE),
        **{
            f"{table.name}.{table_format}": table_bytes(frame, table, table_format)
            for table, frame in ((table, getattr(plan, table.name)) for table in TABLES)
            if frame.height or not table.optional
        },
    }


def plan_digest(plan: Plan) -> str:
    """Return ``sha256:…`` over the plan's content, the same whatever format its tables are stored in."""
    digest = hashlib.sha256()
    for name, content in sorted(plan_files(plan, "csv").items()):
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _sorted(value: Any) -> Any:
    """Sort the keys of free-form mappings, whose order has no meaning (fields of a type keep theirs)."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(element) for element in value]
    return value


def _json_bytes(value: Any, name: str) -> bytes:
    try:
        return (_json_text(value, "") + "\n").encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InternalError(f"{name} cannot be written as JSON: {error}") from error


def _json_text(value: Any, indent: str) -> str:
    """Return JSON, indented by two, lists of plain values on one line.

    A certificate has a row of numbers per shape; `json.dumps` would give every number a line of its own.
    """
    inner = indent + "  "
    if isinstance(value, dict) and value:
        rows = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_json_text(value[key], inner)}" for key in value]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list | tuple) and any(isinstance(element, dict | list | tuple) for element in value):
        return "[\n" + ",\n".join(inner + _json_text(element, inner) for element in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
