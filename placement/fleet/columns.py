"""The columns of every input table, declared once: reading, JSON Schemas and documentation follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from placement.fleet.types import POOLS
from placement.units import LARGEST, MICROS

Kind = Literal["name", "reference", "text", "integer", "number", "boolean"]

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""A DNS label (RFC 1123)."""

NAME_ALLOWED = "1 to 63 lower-case letters, digits and hyphens, no hyphen first or last"

MAX_TEXT_LENGTH = 253
TEXT_PATTERN = r"^[^\p{C}\p{Zl}\p{Zp}]*$"
"""Printable text: no control, format, private or unassigned characters, no line or paragraph separators."""

TEXT_ALLOWED = f"printable text of at most {MAX_TEXT_LENGTH} characters"

MAX_INSTANCES = 1_000_000
"""Most replicas a service can have; more is taken for a mistake."""

MAX_TOTAL_INSTANCES = 100_000_000
"""Most instances a fleet can have."""

MAX_LINUX_THREADS = 4_194_304
"""The kernel's own limit on tasks (PID_MAX_LIMIT on 64-bit systems): that of a size that states none."""

SPREADS = ("host", "zone", "segment")
STATES = ("active", "draining", "failed")
LOAD_PROFILES = ("balanced", "read-heavy", "write-heavy")

TRUE_WORDS = ("true", "yes", "1")
FALSE_WORDS = ("false", "no", "0")


@dataclass(frozen=True)
class Column:
    """A column of an input table.

    Parameters
    ----------
    name
        Name in the input.
    kind
        ``name``: DNS label; ``reference``: one of a set of known names; ``text``; ``integer``; ``number``;
        ``boolean``.
    description
        What it means, for people.
    unit
        Unit of a number, "" for counts and text.
    internal
        Name of the column inside, the input's name where empty.
    factor
        Internal units in one unit of the input.
    rounding
        ``up`` for demand, ``down`` for capacity, ``nearest`` for prices.
    required
        Whether the column must be there and no cell may be blank.
    default
        What a blank cell means; None: it stays null inside (numbers) or is resolved later (references).
    choices
        Known names of a reference that do not depend on model or fleet.
    minimum, maximum
        Least and largest value in the unit of the input. Zero excluded where `positive`.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    internal: str = ""
    factor: int = 1
    rounding: Literal["up", "down", "nearest"] = "up"
    required: bool = False
    default: int | str | bool | None = None
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0
    positive: bool = False

    @property
    def inside(self) -> str:
        """Name of the column inside."""
        return self.internal or self.name

    @property
    def largest(self) -> int:
        """Largest value accepted, in the unit of the input."""
        return self.maximum or LARGEST // self.factor

    @property
    def is_numeric(self) -> bool:
        """Whether cells are numbers."""
        return self.kind in ("integer", "number")

    def allowed(self) -> str:
        """What a cell may hold, in words."""
        if self.is_numeric:
            noun = "whole number" if self.kind == "integer" else "number"
            low = "above 0 and up" if self.positive else f"from {self.minimum}"
            words = f"a {noun} {low} to {self.largest:,}" + (f" {self.unit}" if self.unit else "")
        elif self.kind == "boolean":
            words = f"{', '.join(TRUE_WORDS)}, {', '.join(FALSE_WORDS)}"
        elif self.kind == "name":
            words = NAME_ALLOWED
        elif self.kind == "reference":
            words = ", ".join(self.choices) or "a known name"
        else:
            words = TEXT_ALLOWED
        return words if self.required else f"{words}; or blank"


@dataclass(frozen=True)
class Table:
    """An input table.

    Parameters
    ----------
    name
        Its key in fleet.yaml.
    description
        What it holds, one row per what.
    columns
        Its columns, in the order in which they are written.
    key
        Columns that identify a row.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in the input."""
        return tuple(column.name for column in self.columns)


def _demand(name: str, kind: Kind, what: str, unit: str = "", *, internal: str = "", factor: int = 1) -> Column:
    description = f"{what} of one instance. Blank: its profile's."
    return Column(name, kind, description, unit=unit, internal=internal, factor=factor)


def _price(description: str, *, required: bool = False) -> Column:
    return Column(
        "price_per_hour",
        "number",
        description,
        unit="per hour",
        internal="price_micros_per_hour",
        factor=MICROS,
        rounding="nearest",
        required=required,
    )


def _capacity(
    name: str, kind: Kind, description: str, unit: str = "", *, internal: str = "", factor: int = 1
) -> Column:
    return Column(
        name,
        kind,
        description,
        unit=unit,
        internal=internal,
        factor=factor,
        rounding="down",
        required=True,
        positive=True,
    )


SERVICES = Table(
    "services",
    "What must run, one row per service.",
    (
        Column("service", "name", "Name of the service, unique.", required=True),
        Column(
            "instances",
            "integer",
            "Replicas.",
            default=1,
            minimum=1,
            maximum=MAX_INSTANCES,
        ),
        Column(
            "max_per_host",
            "integer",
            "Most instances of the service on one host.",
            default=1,
            minimum=1,
            maximum=MAX_INSTANCES,
        ),
        Column(
            "profile",
            "reference",
            "Profile of the model that blank demands come from. Blank: the model's default.",
        ),
        _demand("cpu_cores", "number", "CPU", "cores", internal="cpu_millicores", factor=1000),
        _demand("memory_mb", "number", "Memory", "MB"),
        _demand("disk_gb", "number", "Local disk", "GB", internal="disk_mb", factor=1000),
        _demand("network_mbps", "number", "Network traffic", "Mbps", internal="network_kbps", factor=1000),
        _demand("open_files", "integer", "Open files"),
        _demand("threads", "integer", "Threads"),
        Column("domain", "text", "Business domain.", default=""),
        Column(
            "load_profile",
            "reference",
            "Load on the database. Blank: the model's default.",
            choices=LOAD_PROFILES,
        ),
        Column("sensitivity", "reference", "Sensitivity class of the data. Blank: the model's default."),
        Column("region", "name", "Region. Blank: the only one."),
        Column(
            "spread",
            "reference",
            "How far apart the instances must stand: on different hosts, in different zones, or in different segments.",
            default="host",
            choices=SPREADS,
        ),
        Column("db_storage_gb", "number", "Size of the database.", "GB", "db_storage_mb", 1000),
        Column("db_rows", "number", "Rows in the database."),
        Column("db_connections", "integer", "Database connections of one instance. Blank: by the model's phase."),
        Column("valkey_mb", "number", "Cache memory. Blank: the model's.", "MB"),
        Column("valkey_function", "text", "What the cache is for, e.g. cache, locks.", default=""),
        Column("needs_postgres", "boolean", "Whether it has a database.", default=True),
        Column("needs_valkey", "boolean", "Whether it has a cache.", default=True),
        Column("frontend", "boolean", "Whether it has a front end beside the back end.", default=False),
    ),
    ("service",),
)

SIZES = Table(
    "sizes",
    "Host sizes that may be bought, one row per size.",
    (
        Column(
            "size",
            "name",
            "Name of the size, unique. A name of the model replaces the model's size.",
            required=True,
        ),
        _capacity("cpu_cores", "number", "Cores.", "cores", internal="cpu_millicores", factor=1000),
        _capacity("memory_mb", "number", "Memory.", "MB"),
        Column(
            "os_reserved_mb",
            "number",
            "Memory kept for the operating system and monitoring.",
            "MB",
            required=True,
        ),
        _capacity("max_open_files", "integer", "Most open files."),
        Column(
            "max_threads",
            "integer",
            f"Most threads. Blank: Linux's own limit, {MAX_LINUX_THREADS:,}.",
            default=MAX_LINUX_THREADS,
            rounding="down",
            minimum=1,
        ),
        _capacity("disk_gb", "number", "Disk.", "GB", internal="disk_mb", factor=1000),
        _capacity("nic_mbps", "number", "Network interface.", "Mbps", internal="nic_kbps", factor=1000),
        _price("Price of one host. Blank: from `prices`, or the price list's for a name of the model."),
        Column("stock", "integer", "How many can be bought. Blank: any number; 0: none."),
    ),
    ("size",),
)

HOSTS = Table(
    "hosts",
    "What already stands, one row per host.",
    (
        Column("host", "name", "Name of the host, unique.", required=True),
        Column("size", "reference", "Its size: a name of the model or of the table of sizes.", required=True),
        Column("region", "name", "Region. Blank: the only one."),
        Column("zone", "name", "Zone within the region.", default=""),
        Column("segment", "name", "Network segment within the zone.", default=""),
        Column(
            "pool",
            "reference",
            "What the host is for.",
            default="services",
            choices=POOLS,
        ),
        Column(
            "state",
            "reference",
            "Draining and failed hosts are not used.",
            default="active",
            choices=STATES,
        ),
        Column("nic", "reference", "Network interface: a NIC of the model. Blank: that of its size.", default=""),
        _price("What the host costs; an owned one may cost 0. Blank: the price of its size."),
    ),
    ("host",),
)

CURRENT = Table(
    "current",
    "Where instances run today, one row per instance.",
    (
        Column(
            "service",
            "reference",
            "A service of the fleet; in another pool, what the node is a node of.",
            required=True,
        ),
        Column(
            "instance",
            "integer",
            "Number of the instance, from 1.",
            required=True,
            minimum=1,
            maximum=MAX_INSTANCES,
        ),
        Column("host", "reference", "A host of the table of hosts.", required=True),
        Column("pool", "reference", "The pool it runs in.", default="services", choices=POOLS),
    ),
    ("pool", "service", "instance"),
)

INTERFERENCE = Table(
    "interference",
    "Which services must not share a host, or only within limits, one row per pair.",
    (
        Column("service", "reference", "A service of the fleet.", required=True),
        Column("other", "reference", "A service of the fleet; may be the same.", required=True),
        Column(
            "max_instances",
            "integer",
            "Most instances of `other` on a host that runs `service`; 0: never together.",
            required=True,
            maximum=MAX_INSTANCES,
        ),
    ),
    ("service", "other"),
)

PRICES = Table(
    "prices",
    "Prices of host sizes, one row per size.",
    (
        Column("size", "reference", "A name of the model or of the table of sizes.", required=True),
        _price("Price of one host.", required=True),
    ),
    ("size",),
)

CALLS = Table(
    "calls",
    "What services send to services, on top of their own traffic, one row per pair.",
    (
        Column("from", "reference", "A service of the fleet.", required=True),
        Column("to", "reference", "A service of the fleet; may be the same.", required=True),
        Column(
            "mbps",
            "number",
            "From all instances of the one to all of the other together, in this direction only.",
            unit="Mbps",
            internal="kbps",
            factor=1000,
            required=True,
        ),
    ),
    ("from", "to"),
)

TABLES: dict[str, Table] = {
    table.name: table for table in (SERVICES, SIZES, HOSTS, CURRENT, INTERFERENCE, CALLS, PRICES)
}
"""Every input table by its key in fleet.yaml."""
