"""The fleets of `harbour` in networks of their own, wide and tight, and one whose network is derived.

Region `east` has segments a1, a2 (zone za) and b1 (zone zb), `west` has w1. Services go over two spines, the first with
twice as many links; a1 and b1 are on a database network, too. Databases have hosts with a port for it.
"""

from __future__ import annotations

from typing import Any

from harbour import POOLED, SERVICES, harbour

from placement.fleet import Fleet

POLICY = {"postgres": "clusters", "valkey": "cluster", "nic": {"databases": "dual-10gbe"}}
CALLS = {"from": ["gate", "gate", "hold"], "to": ["export", "basket", "gate"], "mbps": [25, 4.5, 3]}


def topology(uplink_mbps: float = 1000, core_mbps: float = 10000, between_mbps: float = 1000) -> dict[str, Any]:
    """Return the topology; uplinks are those of a1, a2 and b1."""

    def segment(name: str, *, has_database: bool = True) -> dict[str, Any]:
        uplinks: list[dict[str, Any]] = [
            {"to": "spine-1", "capacity_mbps": uplink_mbps, "links": 2},
            {"to": "spine-2", "capacity_mbps": uplink_mbps},
        ]
        if has_database:
            uplinks.append({"to": "dbspine", "capacity_mbps": uplink_mbps, "network": "database"})
        return {"segment": name, "uplinks": uplinks}

    return {
        "format": "placement/topology/1",
        "regions": [
            {
                "region": "east",
                "edge": ["gate-1", "gate-2"],
                "zones": [
                    {"zone": "za", "segments": [segment("a1"), segment("a2", has_database=False)]},
                    {"zone": "zb", "segments": [segment("b1")]},
                ],
            },
            {
                "region": "west",
                "edge": ["gate-w"],
                "zones": [
                    {
                        "zone": "wa",
                        "segments": [{"segment": "w1", "uplinks": [{"to": "gate-w", "capacity_mbps": 10000}]}],
                    }
                ],
            },
        ],
        "links": [
            {"from": "spine-1", "to": "gate-1", "capacity_mbps": core_mbps},
            {"from": "spine-1", "to": "gate-2", "capacity_mbps": core_mbps},
            {"from": "spine-2", "to": "gate-1", "capacity_mbps": core_mbps},
            {"from": "spine-2", "to": "gate-2", "capacity_mbps": core_mbps},
            {"from": "gate-1", "to": "gate-w", "capacity_mbps": between_mbps},
        ],
    }


def pier(policy: dict[str, Any] | None = None, **changes: Any) -> Fleet:
    """Build a fleet with a network of its own; `policy` and keyword arguments replace parts of it."""
    parts: dict[str, Any] = {"topology": topology(), "override": POOLED, "calls": CALLS}
    return harbour(POLICY | (policy or {}), **(parts | changes))


def derived(hosts_per_segment: int = 4, policy: dict[str, Any] | None = None, **changes: Any) -> Fleet:
    """Build a fleet whose network is derived, of small segments; every host has a database port unless told so."""
    fabric = {"hosts_per_segment": hosts_per_segment, "uplink_mbps": 1000, "core_mbps": 3000}
    override = POOLED | {"network": {"tiers": {"standard": {"fabric": fabric}}}}
    return harbour(
        POLICY | {"nic": "dual-10gbe"} | (policy or {}), **({"override": override, "calls": CALLS} | changes)
    )


FLEETS: dict[str, Fleet] = {
    "wide": pier(),
    "tight": pier(topology=topology(uplink_mbps=20, core_mbps=40, between_mbps=26)),
    "derived": derived(),
    "some pools": pier({"pools": ["databases", "caches"], "nic": "25gbe"}),
    "no databases": pier({"pools": ["services", "platform"]}),
}

assert set(CALLS["from"]) | set(CALLS["to"]) <= set(SERVICES)
