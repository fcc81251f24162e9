"""Tables on what one service needs: load levels of back end and front end, and profiles made of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from placement.capacity.figures import (
    Cores,
    Figure,
    Gigabytes,
    In,
    Mbps,
    Megabytes,
    MegabytesPerSecond,
    Name,
    OpenFiles,
    PercentOfCore,
    Table,
    Threads,
)

Level = Literal["idle", "normal", "peak"]

LEVELS: tuple[Level, ...] = ("idle", "normal", "peak")


class BackendLevel(Table):
    """What one back end uses at one load level."""

    cpu_percent: PercentOfCore
    memory_mb: Megabytes
    disk_io_mb_per_second: MegabytesPerSecond
    network_mbps: Mbps
    open_files: OpenFiles
    threads: Threads
    disk_gb: Gigabytes


class BackendLimit(Table):
    """What systemd lets one back end use at most."""

    cpu_percent: PercentOfCore
    memory_mb: Megabytes
    open_files: OpenFiles
    threads: Threads


class Backend(Table):
    """The back end by load level."""

    idle: BackendLevel
    normal: BackendLevel
    peak: BackendLevel
    limit: BackendLimit


class FrontendLevel(Table):
    """What one front end uses at one load level, on top of its back end."""

    cpu_percent: PercentOfCore
    memory_mb: Megabytes
    network_mbps: Mbps
    open_files: OpenFiles
    threads: Threads
    disk_gb: Gigabytes


class FrontendLimit(Table):
    """What systemd lets one front end use at most."""

    cpu_percent: PercentOfCore
    memory_mb: Megabytes


class Frontend(Table):
    """The front end by load level."""

    idle: FrontendLevel
    normal: FrontendLevel
    peak: FrontendLevel
    limit: FrontendLimit


class Profile(Table):
    """A demand that a fleet can name: own figures, and for the rest those of the back end at `level`."""

    title: str
    level: Level = Field(description="Load level that figures not given here, and a front end's, come from.")
    includes_frontend: bool = Field(False, description="Whether the figures contain a front end already.")
    cpu_cores: Cores | None = None
    memory_mb: Megabytes | None = None
    open_files: OpenFiles | None = None
    threads: Threads | None = None
    disk_gb: Gigabytes | None = None
    network_mbps: Mbps | None = None


class Services(Table):
    """services.yaml: the single-service profile."""

    baseline_requests_per_second: Annotated[Figure, In("requests/s")]
    backend: Backend
    frontend: Frontend
    profiles: dict[Name, Profile]
