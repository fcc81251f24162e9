"""Fleets: what must run; the input format, its readers and writers, a generator.

Names are loaded on first use, as in `placement.plan`: Polars and the capacity model take longer to load than
``placement --help`` may.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.fleet.frames import FleetFrames, GeneratedFleet, fleet_to_frames
    from placement.fleet.generate import generate_fleet
    from placement.fleet.reader import fleet_from_frames, read_fleet
    from placement.fleet.review import fleet_warnings
    from placement.fleet.schemas import SCHEMAS
    from placement.fleet.types import Fleet, Location, Policy, Topology
    from placement.fleet.writer import write_fleet, write_generated

_HOMES = {
    "Fleet": "types",
    "FleetFrames": "frames",
    "GeneratedFleet": "frames",
    "Location": "types",
    "Policy": "types",
    "SCHEMAS": "schemas",
    "Topology": "types",
    "fleet_from_frames": "reader",
    "fleet_to_frames": "frames",
    "fleet_warnings": "review",
    "generate_fleet": "generate",
    "read_fleet": "reader",
    "write_fleet": "writer",
    "write_generated": "writer",
}

__all__ = [
    "SCHEMAS",
    "Fleet",
    "FleetFrames",
    "GeneratedFleet",
    "Location",
    "Policy",
    "Topology",
    "fleet_from_frames",
    "fleet_to_frames",
    "fleet_warnings",
    "generate_fleet",
    "read_fleet",
    "write_fleet",
    "write_generated",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
