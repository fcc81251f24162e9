"""Why something is where it is, what binds, and what it costs.

::

    plan (fleet) ─▶ facts ─▶ prices (dual values of bounds.json) ─▶ service | host | cluster | domain | plan
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.explain.subject import explain_plan
    from placement.explain.types import Explanation, explanation_schema

_HOMES = {"Explanation": "types", "explain_plan": "subject", "explanation_schema": "types"}

__all__ = ["Explanation", "explain_plan", "explanation_schema"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
