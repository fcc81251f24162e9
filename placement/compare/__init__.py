"""Comparing host-size mixes of one fleet; names are loaded on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.compare.compare import compare_mixes
    from placement.compare.mixes import Asked
    from placement.compare.pictures import draw_comparison
    from placement.compare.sensitivity import Doubt
    from placement.compare.types import Comparison, MixPlan, comparison_schema

_HOMES = {
    "Asked": "mixes",
    "Comparison": "types",
    "Doubt": "sensitivity",
    "MixPlan": "types",
    "compare_mixes": "compare",
    "comparison_schema": "types",
    "draw_comparison": "pictures",
}

__all__ = ["Asked", "Comparison", "Doubt", "MixPlan", "compare_mixes", "comparison_schema", "draw_comparison"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
