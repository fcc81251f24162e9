"""Small fleets for the planner's tests."""

from __future__ import annotations

from typing import Any

from placement.fleet import Fleet, fleet_from_frames

SIZES = {
    "size": ["small", "large"],
    "cpu_cores": ["4", "8"],
    "memory_mb": ["16000", "32000"],
    "os_reserved_mb": ["2000", "2000"],
    "max_open_files": ["1000000", "1000000"],
    "max_threads": ["30000", "30000"],
    "disk_gb": ["200", "400"],
    "nic_mbps": ["10000", "10000"],
    "price_per_hour": ["1", "2"],
}


def make_fleet(services: dict[str, list[Any]], **others: Any) -> Fleet:
    """A fleet whose blanks are all filled, so that a test's arithmetic needs no model."""
    number = len(services["service"])
    filled = {
        "cpu_cores": ["1"] * number,
        "memory_mb": ["100"] * number,
        "disk_gb": ["1"] * number,
        "network_mbps": ["1"] * number,
        "open_files": ["10"] * number,
        "threads": ["10"] * number,
    } | services
    others.setdefault("sizes", SIZES)
    policy = others.pop("policy", {"headroom": 1.0, "cpu_overcommit": 1.0, "spare": 0.0})
    others["policy"] = {"pools": ["services"], **policy}
    return fleet_from_frames(name="test", services=filled, model="rithmxo-1.0", **others)
