"""Tables on hosts: sizes, the host-count formula, price lists."""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import Field

from placement.capacity.figures import (
    Cores,
    Factor,
    Figure,
    Gigabytes,
    HostCount,
    In,
    Megabytes,
    Name,
    OpenFiles,
    ServiceCount,
    Share,
    Table,
    Threads,
    UnitOfTable,
)


class HostSizeRow(Table):
    """What a host of one size has, in the units of the model; `HostSize` is the same in internal units."""

    title: str
    family: str = Field(
        "",
        description="Sizes of a family, in their order here, grow in every figure and in price; blank: none.",
    )
    cpu_cores: Cores
    memory_mb: Megabytes
    os_reserved_mb: Megabytes
    max_open_files: OpenFiles
    max_threads: Threads
    disk_gb: Gigabytes
    nic: str = Field(description="Name of a NIC in network.nics.")
    services_per_host: Annotated[Figure, In("services/host")] | None = Field(
        None, description="The guide's density at the density profile; a check, no input of a plan."
    )
    remark: str = ""


class HostFormula(Table):
    """Constants of the guide's density and host-count formulas."""

    max_services_per_host: str
    total_hosts: str
    headroom: Share
    cpu_overcommit: Factor
    spare_share: Share


class WorkedExample(Table):
    """The guide's example of its host-count formula: as printed, and as the formula gives it."""

    services: ServiceCount
    size: str
    services_per_host: Annotated[Figure, In("services/host")]
    printed_hosts_before_spares: HostCount
    printed_spare_hosts: HostCount
    printed_total_hosts: HostCount
    hosts_before_spares: HostCount
    spare_hosts: HostCount
    total_hosts: HostCount


class Hosts(Table):
    """hosts.yaml: sizes, densities, host-count formula."""

    density_profile: str = Field(description="Profile that the densities are based on.")
    sizes: dict[Name, HostSizeRow]
    formula: HostFormula
    worked_example: WorkedExample


class PriceList(Table):
    """prices/NAME.yaml: what a host of each size costs per hour."""

    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code.")
    as_of: datetime.date = Field(description="Date of the source.")
    terms: str = Field(description="Which price it is: list price or contract, what it covers.")
    instance_types: dict[Name, str] = Field(default_factory=dict, description="What the vendor calls each size.")
    price_per_hour: dict[Name, UnitOfTable]

    def unit_of(self, figure: Figure) -> str:
        """Return the list's currency per hour."""
        del figure
        return f"{self.currency}/h"
