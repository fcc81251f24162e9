"""The capacity model in force: typed tables, and what the rest of the package asks of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal, TypeVar

from pydantic import Field

from placement.capacity.datatier_tables import Grouping, Postgres, Valkey
from placement.capacity.figures import End, Figure, Name, Table
from placement.capacity.host_tables import Hosts, PriceList
from placement.capacity.listing import Entry, list_entries
from placement.capacity.planning_tables import Alerts, AlertThreshold, Bottlenecks, Growth, Procurement
from placement.capacity.platform_tables import Network, Observability, Registry, Scaling, Sia
from placement.capacity.service_tables import Profile, Services
from placement.capacity.sizes import HostSize, NicPorts
from placement.errors import InputError, Problem, nearest_name
from placement.units import RESOURCES, price_to_micros, scale_down, scale_up

_MILLICORES_PER_PERCENT = 10

_Row = TypeVar("_Row")


class Defaults(Table):
    """What holds where a fleet says nothing."""

    profile: str
    load_profile: str
    sensitivity: str
    price_list: str


class CapacityModel(Table):
    """A capacity model: model.yaml, a field per further file, and `prices` from the folder of that name.

    Figures are read as ``model.postgres.tiers["s"].memory_mb.typical``; every one of them has a unit, a
    range and a provenance (`entries`). Instances are frozen.
    """

    format: Literal["placement/model/1"]
    name: str
    version: str
    title: str = ""
    defaults: Defaults
    services: Services
    scaling: Scaling
    postgres: Postgres
    grouping: Grouping
    valkey: Valkey
    registry: Registry
    sia: Sia
    hosts: Hosts
    network: Network
    observability: Observability
    growth: Growth
    procurement: Procurement
    bottlenecks: Bottlenecks
    alerts: Alerts
    prices: dict[Name, PriceList] = Field(description="By name of the file in the folder prices.")

    # --- identity ------------------------------------------------------------------------------------------

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` over the content in force, provenance included; order and spelling do not matter."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(content.encode()).hexdigest()

    # --- names ---------------------------------------------------------------------------------------------

    @property
    def default_profile(self) -> str:
        """Profile of a service that names none."""
        return self.defaults.profile

    @property
    def profiles(self) -> dict[str, Profile]:
        """Profiles by name."""
        return dict(self.services.profiles)

    @property
    def default_load_profile(self) -> str:
        """Load profile of a service that names none."""
        return self.defaults.load_profile

    @property
    def load_profiles(self) -> tuple[str, ...]:
        """Names of the load profiles."""
        return tuple(self.grouping.load_profiles)

    @property
    def default_sensitivity(self) -> str:
        """Sensitivity of a service that names none."""
        return self.defaults.sensitivity

    @property
    def sensitivity_classes(self) -> tuple[str, ...]:
        """Names of the sensitivity classes."""
        return tuple(self.grouping.sensitivity_classes)

    @property
    def default_price_list(self) -> str:
        """Price list of a fleet that names none."""
        return self.defaults.price_list

    @property
    def price_lists(self) -> tuple[str, ...]:
        """Names of the price lists."""
        return tuple(self.prices)

    @property
    def nic_tiers(self) -> dict[str, int]:
        """Capacity in kbit/s by name of NIC."""
        return {name: int(scale_down(nic.capacity_mbps.typical, 1000)) for name, nic in self.network.nics.items()}

    @cached_property
    def nics(self) -> dict[str, NicPorts]:
        """NICs by name, in the order in which a host is upgraded; capacities are rounded down."""
        found = {}
        for name, nic in self.network.nics.items():
            capacity = int(scale_down(nic.capacity_mbps.typical, 1000))
            database = int(scale_down(nic.database_mbps.typical, 1000)) if nic.database_mbps else 0
            price = price_to_micros(nic.price_per_hour.typical) if nic.price_per_hour else 0
            found[name] = NicPorts(name, capacity, min(database, capacity), price)
        return found

    @property
    def alert_thresholds(self) -> dict[str, AlertThreshold]:
        """Alert thresholds by short name."""
        return {
            name: AlertThreshold(
                name=name,
                metric=row.metric,
                unit=row.unit,
                warning=row.warning.typical,
                critical=row.critical.typical,
                comparison=row.comparison,
                resource=row.resource or "",
                guide=f"warning: {row.guide_warning}; critical: {row.guide_critical}",
            )
            for name, row in self.alerts.thresholds.items()
        }

    # --- demand --------------------------------------------------------------------------------------------

    def profile_demand(self, profile: str, end: End) -> dict[str, int]:
        """Return what one instance of a profile needs.

        Parameters
        ----------
        profile
            Name of a profile.
        end
            End of the model's ranges.

        Returns
        -------
        dict
            Demand in internal units, rounded up, by internal column of `units.RESOURCES`.

        Raises
        ------
        InputError
            For an unknown profile.
        """
        return {column: _scale(figure, end) for column, (_, figure) in self.profile_figures(profile).items()}

    def frontend_demand(self, profile: str, end: End) -> dict[str, int]:
        """Return what a front end adds at the load level of a profile; as `profile_demand`."""
        return {column: _scale(figure, end) for column, (_, figure) in self._frontend_figures(profile).items()}

    def _profile(self, profile: str) -> Profile:
        return _named(self.services.profiles, profile, "profile", self.name)

    def profile_figures(self, profile: str) -> dict[str, tuple[str, Figure]]:
        """Return a profile's figures with their paths, by internal column of `units.RESOURCES`.

        Raises
        ------
        InputError
            For an unknown profile.
        """
        row = self._profile(profile)
        level = getattr(self.services.backend, row.level)
        figures: dict[str, tuple[str, Figure]] = {}
        for resource in RESOURCES:
            own = getattr(row, resource.column)
            if own is not None:
                found = (f"services.profiles.{profile}.{resource.column}", own)
            else:
                key = _level_key(resource.column)
                found = (f"services.backend.{row.level}.{key}", getattr(level, key))
            figures[resource.internal_column] = found
        return figures

    def _frontend_figures(self, profile: str) -> dict[str, tuple[str, Figure]]:
        level_name = self._profile(profile).level
        level = getattr(self.services.frontend, level_name)
        keys = {resource.internal_column: _level_key(resource.column) for resource in RESOURCES}
        return {column: (f"services.frontend.{level_name}.{key}", getattr(level, key)) for column, key in keys.items()}

    # --- hosts ---------------------------------------------------------------------------------------------

    def host_sizes(self, price_list: str | None = None) -> dict[str, HostSize]:
        """Return the model's host sizes by name, in internal units, at the prices of a list.

        Capacities are rounded down, the reserve up. The stock is unlimited.

        Raises
        ------
        InputError
            For an unknown list, and for every size that has no price in it.
        """
        list_name = price_list or self.default_price_list
        prices = _named(self.prices, list_name, "price_list", self.name).price_per_hour
        missing = [size for size in self.hosts.sizes if size not in prices]
        if missing:
            raise InputError(unpriced_size(f"prices/{list_name}.yaml", list_name, size) for size in missing)
        nics = self.nic_tiers
        return {
            name: HostSize(
                name=name,
                cpu_millicores=int(scale_down(row.cpu_cores.typical, 1000)),
                memory_mb=int(scale_down(row.memory_mb.typical, 1)),
                os_reserved_mb=int(scale_up(row.os_reserved_mb.typical, 1)),
                max_open_files=int(scale_down(row.max_open_files.typical, 1)),
                max_threads=int(scale_down(row.max_threads.typical, 1)),
                disk_mb=int(scale_down(row.disk_gb.typical, 1000)),
                nic_kbps=nics[row.nic],
                price_micros_per_hour=price_to_micros(prices[name].typical),
                nic=row.nic,
            )
            for name, row in self.hosts.sizes.items()
        }

    def currency(self, price_list: str | None = None) -> str:
        """Return the currency of a price list.

        Raises
        ------
        InputError
            For an unknown list.
        """
        return _named(self.prices, price_list or self.default_price_list, "price_list", self.name).currency

    # --- provenance ----------------------------------------------------------------------------------------

    def entries(self) -> tuple[Entry, ...]:
        """Return every figure of the model, in the order of the files."""
        return tuple(self._entries_by_path.values())

    def entry(self, path: str) -> Entry:
        """Return one figure by its dotted path.

        Raises
        ------
        KeyError
            Where there is no figure at `path`.
        """
        return self._entries_by_path[path]

    @cached_property
    def _entries_by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in list_entries(self)}

    def estimates_for(
        self,
        profiles: Iterable[str],
        sizes: Iterable[str],
        frontend: bool,
        price_list: str | None = None,
        tables: Iterable[str] = (),
    ) -> tuple[Entry, ...]:
        """Return the estimates that a plan rests on, sorted by path.

        Parameters
        ----------
        profiles
            Profiles whose figures fill blanks of the fleet.
        sizes
            Sizes of the model that the plan may use. Other names are passed over: what a fleet's own table
            says of a size is no figure of the model.
        frontend
            Whether any service has a front end.
        price_list
            The price list in use; None: the default. "": prices do not come from the model.
        tables
            Paths of tables all of whose figures count, ``valkey.clusters``, say.

        Raises
        ------
        InputError
            For an unknown profile or price list.
        """
        list_name = self.default_price_list if price_list is None else price_list
        prices = _named(self.prices, list_name, "price_list", self.name).price_per_hour if list_name else {}
        paths = {f"hosts.formula.{key}" for key in ("headroom", "cpu_overcommit", "spare_share")}
        for profile in profiles:
            paths.update(path for path, _ in self.profile_figures(profile).values())
            if frontend:
                paths.update(path for path, _ in self._frontend_figures(profile).values())
        for size in sizes:
            if size not in self.hosts.sizes:
                continue
            paths.update(f"hosts.sizes.{size}.{key}" for key in _SIZE_FIGURES)
            paths.add(f"network.nics.{self.hosts.sizes[size].nic}.capacity_mbps")
            if size in prices:
                paths.add(f"prices.{list_name}.price_per_hour.{size}")
        for name, row in self.alerts.thresholds.items():
            if row.resource:
                paths.update(f"alerts.thresholds.{name}.{level}" for level in ("warning", "critical"))
        within = tuple(f"{table}." for table in tables)
        paths.update(path for path in self._entries_by_path if path.startswith(within))
        found = (self._entries_by_path[path] for path in sorted(paths))
        return tuple(entry for entry in found if entry.status == "estimate")


_SIZE_FIGURES = ("cpu_cores", "memory_mb", "os_reserved_mb", "max_open_files", "max_threads", "disk_gb")


def unpriced_size(file: str, price_list: str, size: str) -> Problem:
    """Return the problem of a size without a price."""
    return Problem(
        file=file,
        column=f"prices.{price_list}.price_per_hour",
        message=f"size {size!r} has no price in the list {price_list!r}",
        allowed="a price for every size in hosts.sizes",
    )


def _level_key(column: str) -> str:
    """Return the key of a load level that states the resource of an input column."""
    return "cpu_percent" if column == "cpu_cores" else column


def _scale(figure: Figure, end: End) -> int:
    return int(scale_up(figure.at(end), _FACTORS[figure.unit]))


_FACTORS = {"% of one core": _MILLICORES_PER_PERCENT} | {resource.unit: resource.factor for resource in RESOURCES}
"""Internal units in one unit of a figure."""


def _named(rows: Mapping[str, _Row], name: str, column: str, model: str) -> _Row:
    if name not in rows:
        raise InputError(
            Problem(
                file=model,
                column=column,
                message=f"no such {column.replace('_', ' ')} in the capacity model",
                value=name,
                allowed=", ".join(rows),
                suggestion=nearest_name(name, rows),
            )
        )
    return rows[name]
