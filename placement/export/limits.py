"""What systemd may let an instance use: the profile's limits, and never less than what is planned for it.

For each unit, with the model's limit L (200 % of a core, 2 GB …), its memory at peak load P and the planned demand D:

===================  ==========================================================================
CPU quota            max(L, D), in percent of one core
CPU weight           100 per planned core, from 1 to 10,000: under contention the plan decides
memory, high         max(P, D): beyond it an instance is slowed down and its memory reclaimed
memory, max          max(L, D, high): beyond it it is killed
tasks, open files    max(L, D)
===================  ==========================================================================

The guide limits a front end in CPU and memory only; it gets the back end's limits of tasks and open files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from placement.capacity.figures import Figure
from placement.fleet.types import Fleet
from placement.instance import resolved_demands
from placement.units import RESOURCES, scale_up

_MILLICORES_PER_PERCENT = 10
_WEIGHT_PER_CORE = 100
_MOST_WEIGHT = 10_000


@dataclass(frozen=True, slots=True)
class UnitLimits:
    """Limits of one systemd unit.

    Parameters
    ----------
    cpu_quota_percent
        Of one core.
    cpu_weight
        Share of the CPU under contention, relative to other units.
    memory_high_mb, memory_max_mb
        1 MB = 1,000,000 bytes.
    tasks_max, open_files
        Threads and processes; file descriptors.
    """

    cpu_quota_percent: int
    cpu_weight: int
    memory_high_mb: int
    memory_max_mb: int
    tasks_max: int
    open_files: int

    def to_dict(self) -> dict[str, int]:
        """Return the limits as JSON-ready data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class InstanceLimits:
    """Limits of one instance: its back end, and its front end where it has one."""

    backend: UnitLimits
    frontend: UnitLimits | None = None


def service_limits(fleet: Fleet) -> dict[str, InstanceLimits]:
    """Return the limits of one instance of every service."""
    profiles = fleet.services["profile"].unique().to_list()
    front = {profile: fleet.model.frontend_demand(profile, fleet.policy.demand) for profile in profiles}
    columns = [resource.internal_column for resource in RESOURCES]
    demands = resolved_demands(fleet).tolist()
    known: dict[tuple[object, ...], InstanceLimits] = {}
    limits = {}
    rows = fleet.services.select("service", "profile", "frontend").iter_rows()
    for (service, profile, has_frontend), demand in zip(rows, demands, strict=True):
        key = (*demand, has_frontend and profile)
        if key not in known:
            whole = dict(zip(columns, demand, strict=True))
            known[key] = _instance_limits(fleet, whole, front[profile] if has_frontend else None)
        limits[service] = known[key]
    return limits


def node_limits(node: Mapping[str, Any]) -> UnitLimits:
    """Return the limits of a node of a database, a cache or the platform: what its tier is made of.

    Parameters
    ----------
    node
        A row of nodes.csv.
    """
    return _node_limits(node["cpu_cores"], node["memory_mb"], node["threads"], node["open_files"])


@cache
def _node_limits(cpu_cores: float, memory_mb: int, threads: int, open_files: int) -> UnitLimits:
    # nodes are many, their tiers few
    cpu_millicores = int(scale_up(cpu_cores, 1000))
    return UnitLimits(
        _percent(cpu_millicores), _weight(cpu_millicores), memory_mb, memory_mb, max(1, threads), open_files
    )


def _instance_limits(fleet: Fleet, demand: dict[str, int], front: dict[str, int] | None) -> InstanceLimits:
    services = fleet.model.services
    limit = services.backend.limit
    own = demand if front is None else {column: demand[column] - front[column] for column in demand}
    tasks, files = _whole(limit.threads), _whole(limit.open_files)
    return InstanceLimits(
        _unit(own, limit.cpu_percent, services.backend.peak.memory_mb, limit.memory_mb, tasks, files),
        None if front is None else _frontend(fleet, front, tasks, files),
    )


def _frontend(fleet: Fleet, demand: dict[str, int], tasks: int, files: int) -> UnitLimits:
    services = fleet.model.services.frontend
    return _unit(demand, services.limit.cpu_percent, services.peak.memory_mb, services.limit.memory_mb, tasks, files)


def _unit(
    demand: dict[str, int], cpu_percent: Figure, peak_mb: Figure, most_mb: Figure, tasks: int, files: int
) -> UnitLimits:
    memory_mb = demand["memory_mb"]
    high_mb = max(_whole(peak_mb), memory_mb)
    return UnitLimits(
        cpu_quota_percent=max(_whole(cpu_percent), _percent(demand["cpu_millicores"])),
        cpu_weight=_weight(demand["cpu_millicores"]),
        memory_high_mb=high_mb,
        memory_max_mb=max(_whole(most_mb), high_mb),
        tasks_max=max(tasks, demand["threads"]),
        open_files=max(files, demand["open_files"]),
    )


def _percent(cpu_millicores: int) -> int:
    return max(1, -(-cpu_millicores // _MILLICORES_PER_PERCENT))


def _weight(cpu_millicores: int) -> int:
    return min(_MOST_WEIGHT, max(1, cpu_millicores * _WEIGHT_PER_CORE // 1000))


def _whole(figure: Figure) -> int:
    return int(scale_up(figure.at("high"), 1))
