"""A fleet from its parts: tables cast, references resolved, every problem of all of them raised at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from placement.capacity import CapacityModel
from placement.errors import InputError, Problem
from placement.fleet.casting import CastTable, cast_table
from placement.fleet.choices import choice_problems, cut_off_calls, nic_problems
from placement.fleet.columns import HOSTS, MAX_TOTAL_INSTANCES, PRICES, SERVICES, SIZES
from placement.fleet.digest import fleet_digest
from placement.fleet.places import resolve_places
from placement.fleet.rules import cast_current_alone, resolve_calls, resolve_current, resolve_rules
from placement.fleet.stock import resolve_hosts, resolve_stock
from placement.fleet.tables import RawTable
from placement.fleet.topology_document import TopologyDocument
from placement.fleet.types import (
    CALLS_SCHEMA,
    CURRENT_SCHEMA,
    INTERFERENCE_SCHEMA,
    SERVICES_SCHEMA,
    Fleet,
    Policy,
)


@dataclass(frozen=True)
class FleetParts:
    """What a fleet is built from: tables as found, documents as parsed.

    Parameters
    ----------
    name, policy, currency
        As in fleet.yaml.
    file
        Name of fleet.yaml, for messages.
    model
        The capacity model; None: it could not be read.
    services, hosts, current, interference, calls
        Tables; None: the fleet has none, or it could not be read.
    topology
        topology.yaml, if any.
    sizes
        Names of the model's sizes, or a table; None: all of the model.
    prices
        A table, or the name of a price list; None: the model's default.
    unreadable
        Keys of fleet.yaml whose files could not be read: what refers to them is not judged.
    numbered_rules
        Whether interference and calls may hold row numbers of the services as given, instead of names.
    problems
        What is already known to be wrong.
    """

    name: str
    file: str
    model: CapacityModel | None
    services: RawTable | None
    policy: Policy = field(default_factory=Policy)
    currency: str | None = None
    hosts: RawTable | None = None
    current: RawTable | None = None
    interference: RawTable | None = None
    calls: RawTable | None = None
    topology: TopologyDocument | None = None
    sizes: RawTable | list[str] | None = None
    prices: RawTable | str | None = None
    unreadable: frozenset[str] = frozenset()
    numbered_rules: bool = False
    problems: tuple[Problem, ...] = ()


def build_fleet(parts: FleetParts, path: Path | None = None, files: Mapping[str, str] | None = None) -> Fleet:
    """Return the fleet.

    Raises
    ------
    InputError
        With every problem of every part.
    """
    model = parts.model
    problems = list(parts.problems)
    services = _cast_services(parts)
    hosts = _cast_hosts(parts)
    problems += [*services.problems, *hosts.problems]
    if services.frame.height and "instances" not in services.faulty:
        total = int(services.frame["instances"].sum())
        if total > MAX_TOTAL_INSTANCES:
            problems.append(
                Problem(
                    services.file,
                    "too many instances in all",
                    column="instances",
                    value=f"{total:,}",
                    allowed=f"at most {MAX_TOTAL_INSTANCES:,}",
                )
            )
    if "topology" in parts.unreadable:
        services_frame, hosts_frame, topology = services.frame, hosts.frame, None
    else:
        places = resolve_places(parts.topology, services, hosts)
        problems += places.problems
        services_frame, hosts_frame, topology = places.services, places.hosts, places.topology
    stock = None
    if model is not None:
        stock = resolve_stock(model, parts.sizes, parts.prices, parts.currency, parts.file)
        problems += stock.problems
        if {"sizes", "prices"}.isdisjoint(parts.unreadable):
            hosts_frame, found = resolve_hosts(hosts_frame, hosts, stock, model.nic_tiers)
            problems += found
    else:
        problems += _alone(parts)
    # a stable sort, so that row numbers given for the services can be followed
    ordered = services_frame.with_row_index("given_row").sort("service", maintain_order=True, nulls_last=True)
    ordered_services = ordered.select(list(SERVICES_SCHEMA))
    rules, found = _numbered(parts, parts.interference, INTERFERENCE_SCHEMA, resolve_rules, services, ordered)
    problems += found
    calls, found = _numbered(parts, parts.calls, CALLS_SCHEMA, resolve_calls, services, ordered)
    problems += found
    if model is not None:
        problems += nic_problems(parts.policy, tuple(model.nics), parts.file)
    if parts.calls is not None and topology is not None and not services.faulty:
        problems += cut_off_calls(calls, ordered_services, topology, parts.calls.file)
    if stock is not None and stock.is_complete and not services.faulty:
        problems += choice_problems(parts.policy, ordered_services, stock.buyable, parts.file)
    current, found = _current(parts, services, hosts)
    problems += found
    if problems or model is None or stock is None or topology is None:
        raise InputError(_in_order(problems))
    digest = fleet_digest(
        name=parts.name,
        model_digest=model.digest,
        services=ordered_services,
        hosts=hosts_frame,
        current=current,
        interference=rules,
        calls=calls,
        topology=topology,
        sizes=stock.sizes,
        buyable=stock.buyable,
        policy=parts.policy,
        currency=stock.currency,
    )
    return Fleet(
        name=parts.name,
        model=model,
        services=ordered_services,
        hosts=hosts_frame,
        current=current,
        interference=rules,
        calls=calls,
        topology=topology,
        sizes=stock.sizes,
        buyable=stock.buyable,
        policy=parts.policy,
        currency=stock.currency,
        digest=digest,
        path=path,
        files=dict(files or {}),
    )


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Keep a file's problems together, in the order in which they were found, and say nothing twice."""
    files = list(dict.fromkeys(problem.file for problem in problems))
    return sorted(dict.fromkeys(problems), key=lambda problem: files.index(problem.file))


def _cast_services(parts: FleetParts) -> CastTable:
    raw = parts.services
    if raw is None:
        blank = cast_table(RawTable("services", pl.DataFrame(schema={"service": pl.String})), SERVICES)
        return CastTable(blank.file, blank.frame, (), frozenset(SERVICES.names))
    model = parts.model
    known: dict[str, list[str]] = {}
    defaults = {}
    if model is not None:
        known = {
            "profile": sorted(model.profiles),
            "load_profile": sorted(model.load_profiles),
            "sensitivity": sorted(model.sensitivity_classes),
        }
        defaults = {
            "profile": model.default_profile,
            "load_profile": model.default_load_profile,
            "sensitivity": model.default_sensitivity,
        }
    table = cast_table(raw, SERVICES, known=known, defaults=defaults)
    if not raw.frame.height:
        nothing = Problem(raw.file, "the table has no rows", allowed="at least one service")
        table = CastTable(table.file, table.frame, (*table.problems, nothing), table.faulty)
    return table


def _cast_hosts(parts: FleetParts) -> CastTable:
    raw = parts.hosts
    known = {} if parts.model is None else {"nic": sorted(parts.model.nic_tiers)}
    if raw is None:
        columns = pl.DataFrame(schema={"host": pl.String, "size": pl.String})
        faulty = frozenset(HOSTS.names) if "hosts" in parts.unreadable else frozenset[str]()
        return CastTable("hosts", cast_table(RawTable("hosts", columns), HOSTS).frame, (), faulty)
    return cast_table(raw, HOSTS, known=known)


def _alone(parts: FleetParts) -> list[Problem]:
    """Judge tables of sizes and prices by themselves, where there is no model to hold them against."""
    problems: list[Problem] = []
    if isinstance(parts.sizes, RawTable):
        problems += cast_table(parts.sizes, SIZES).problems
    if isinstance(parts.prices, RawTable):
        problems += cast_table(parts.prices, PRICES).problems
    return problems


def _has_names(services: CastTable) -> bool:
    """Whether there are names that others can refer to, well-formed or not."""
    return services.frame["service"].null_count() < services.frame.height


def _numbered(
    parts: FleetParts,
    raw: RawTable | None,
    schema: Mapping[str, pl.DataType],
    resolve: Callable[[RawTable, pl.Series | None, pl.Series | None], tuple[pl.DataFrame, list[Problem]]],
    services: CastTable,
    ordered: pl.DataFrame,
) -> tuple[pl.DataFrame, list[Problem]]:
    """Return a table that names services as row numbers, and what is wrong with it."""
    if raw is None:
        return pl.DataFrame(schema=schema), []
    if not _has_names(services):
        return resolve(raw, None, None)
    if "service" in services.faulty:
        return resolve(raw, ordered["service"].drop_nulls().unique(maintain_order=True), None)
    ranks = None
    if parts.numbered_rules:
        rows = pl.Series("rank", range(ordered.height), dtype=pl.Int32)
        ranks = pl.DataFrame([ordered["given_row"], rows]).sort("given_row")["rank"]
    return resolve(raw, ordered["service"], ranks)


def _current(parts: FleetParts, services: CastTable, hosts: CastTable) -> tuple[pl.DataFrame, list[Problem]]:
    if parts.current is None:
        return pl.DataFrame(schema=CURRENT_SCHEMA), []
    if not _has_names(services):
        return pl.DataFrame(schema=CURRENT_SCHEMA), list(cast_current_alone(parts.current).problems)
    # a host's name with a fault is still a name that others refer to
    host_names = None if "hosts" in parts.unreadable or _nameless(hosts) else hosts.frame["host"].drop_nulls()
    faulty = services.faulty - {"service"}
    return resolve_current(parts.current, services.frame.unique("service", maintain_order=True), faulty, host_names)


def _nameless(hosts: CastTable) -> bool:
    return hosts.frame.height > 0 and hosts.frame["host"].null_count() == hosts.frame.height
