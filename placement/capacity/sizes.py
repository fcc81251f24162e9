"""Host sizes: what one host of a size has, in internal units."""

from __future__ import annotations

from dataclasses import dataclass


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
