"""Placement: where every service of a fleet goes, at the lowest cost, with a proof.

The public names, loaded on first use (solvers take longer to load than ``placement --help`` may)::

    fleet = placement.read_fleet("fixtures/fleet-5000")
    plan = placement.place(fleet)
    placement.write_plan(plan, "build/plan")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.compare import Asked, Comparison, Doubt, compare_mixes
    from placement.engine import Options, place
    from placement.errors import InfeasibleError, InputError, InternalError, PlacementError, RefusedError
    from placement.explain import Explanation, explain_plan
    from placement.export import export_plan
    from placement.fleet import Fleet, fleet_from_frames, generate_fleet, read_fleet
    from placement.forecast import Forecast, forecast_fleet
    from placement.plan import Plan, read_plan, write_plan
    from placement.report import draw_report, render_report, write_report
    from placement.verify import check_plan

_HOMES = {
    "Asked": "compare",
    "Comparison": "compare",
    "Doubt": "compare",
    "Explanation": "explain",
    "Fleet": "fleet",
    "Forecast": "forecast",
    "InfeasibleError": "errors",
    "InputError": "errors",
    "InternalError": "errors",
    "Options": "engine",
    "PlacementError": "errors",
    "Plan": "plan",
    "RefusedError": "errors",
    "check_plan": "verify",
    "compare_mixes": "compare",
    "draw_report": "report",
    "explain_plan": "explain",
    "export_plan": "export",
    "fleet_from_frames": "fleet",
    "forecast_fleet": "forecast",
    "generate_fleet": "fleet",
    "place": "engine",
    "read_fleet": "fleet",
    "read_plan": "plan",
    "render_report": "report",
    "write_plan": "plan",
    "write_report": "report",
}

__all__ = [
    "Asked",
    "Comparison",
    "Doubt",
    "Explanation",
    "Fleet",
    "Forecast",
    "InfeasibleError",
    "InputError",
    "InternalError",
    "Options",
    "PlacementError",
    "Plan",
    "RefusedError",
    "check_plan",
    "compare_mixes",
    "draw_report",
    "explain_plan",
    "export_plan",
    "fleet_from_frames",
    "forecast_fleet",
    "generate_fleet",
    "place",
    "read_fleet",
    "read_plan",
    "render_report",
    "write_plan",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
