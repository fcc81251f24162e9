"""Host sizes: what one host of a size has, in internal units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class HostSize:
    """What a host of one size has, and what it costs. Capacities are rounded down, the reserve up.

    Parameters
    ----------
    name
        Name of the size, e.g. ``medium``.
    cpu_millicores, memory_mb, max_open_files, max_threads, disk_mb, nic_kbps
        Full capacity of the host, before any reserve, overcommit or headroom.
    os_reserved_mb
        Memory kept for the operating system and monitoring.
    price_micros_per_hour
        Price in millionths of the price list's currency.
    stock
        How many can be bought; None: any number.
    nic
        Name of the model's NIC that it has; "": one of the fleet's own, of which only the capacity is known.
    """

    name: str
    cpu_millicores: int
    memory_mb: int
    os_reserved_mb: int
    max_open_files: int
    max_threads: int
    disk_mb: int
    nic_kbps: int
    price_micros_per_hour: int
    stock: int | None = None
    nic: str = ""


@dataclass(frozen=True)
class NicPorts:
    """What a NIC has, per direction, and what it costs.

    Parameters
    ----------
    name
        Its name in the model; "": that of a size of the fleet's own.
    capacity_kbps
        All ports together.
    database_kbps
        A port for the database network alone; 0: it has none.
    price_micros_per_hour
        Price in millionths of the fleet's currency.
    """

    name: str
    capacity_kbps: int
    database_kbps: int = 0
    price_micros_per_hour: int = 0

    @property
    def service_kbps(self) -> int:
        """What is not the database network's."""
        return self.capacity_kbps - self.database_kbps


def host_limits(
    size: HostSize, share: Mapping[str, Fraction], cpu_overcommit: Fraction, nic_kbps: int | None = None
) -> tuple[int, ...]:
    """Return what may be used of a host, int per resource in the order of `units.RESOURCES`, rounded down.

    Parameters
    ----------
    share
        Share of each resource that may be used, by its name.
    cpu_overcommit
        Planned CPU per physical core.
    nic_kbps
        NIC of this very host, where it differs from its size's.
    """
    limits = (
        size.cpu_millicores * cpu_overcommit * share["cpu"],
        (size.memory_mb - size.os_reserved_mb) * share["memory"],
        size.max_open_files * share["open_files"],
        size.max_threads * share["threads"],
        size.disk_mb * share["disk"],
        (size.nic_kbps if nic_kbps is None else nic_kbps) * share["network"],
    )
    return tuple(max(0, int(limit // 1)) for limit in limits)
