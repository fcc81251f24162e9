"""Plans: their types, how they are written and read.

Names are loaded on first use: the types bring Polars and pydantic, which a command that only prints its help
should not wait for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.plan.digest import plan_digest
    from placement.plan.findings import FINDING_KINDS, Finding
    from placement.plan.reader import read_plan
    from placement.plan.schemas import SCHEMAS
    from placement.plan.types import Bounds, Certificate, Plan, PlanSummary
    from placement.plan.writer import write_plan

_HOMES = {
    "Bounds": "types",
    "Certificate": "types",
    "FINDING_KINDS": "findings",
    "Finding": "findings",
    "Plan": "types",
    "PlanSummary": "types",
    "SCHEMAS": "schemas",
    "plan_digest": "digest",
    "read_plan": "reader",
    "write_plan": "writer",
}

__all__ = [
    "FINDING_KINDS",
    "SCHEMAS",
    "Bounds",
    "Certificate",
    "Finding",
    "Plan",
    "PlanSummary",
    "plan_digest",
    "read_plan",
    "write_plan",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
