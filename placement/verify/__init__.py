"""The independent checker: re-verifies a plan from its files and the fleet, sharing no code with the planner.

It computes demands, limits, rules, costs and bounds anew from the contract, in exact integers; it needs no
solver.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.plan.findings import FINDING_KINDS, Finding
    from placement.verify.check import CheckResult, check_plan

_HOMES = {
    "FINDING_KINDS": "placement.plan.findings",
    "CheckResult": "placement.verify.check",
    "Finding": "placement.plan.findings",
    "check_plan": "placement.verify.check",
}

__all__ = ["FINDING_KINDS", "CheckResult", "Finding", "check_plan"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
