"""Exports: a plan as files that deployment tooling takes.

One module per target (`ansible`, `systemd`, `env`, `pgbouncer`, `registry`, `terraform`, `prometheus`) turns a
`Source` into pairs of file name and content; `run` checks the plan and writes them, whole or not at all.

Names are loaded on first use, as in `placement.plan`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.export.run import ExportResult, export_plan
    from placement.export.schemas import SCHEMAS
    from placement.export.targets import NEEDS_FLEET, TARGETS, Target

_HOMES = {
    "ExportResult": "run",
    "NEEDS_FLEET": "targets",
    "SCHEMAS": "schemas",
    "TARGETS": "targets",
    "Target": "targets",
    "export_plan": "run",
}

__all__ = ["NEEDS_FLEET", "SCHEMAS", "TARGETS", "ExportResult", "Target", "export_plan"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
