"""Fleets from files and from frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import polars as pl

from placement.capacity import CapacityModel, load_model
from placement.errors import InputError, Problem
from placement.fleet.build import FleetParts, build_fleet
from placement.fleet.documents import (
    FLEET_FILE,
    FLEET_FORMAT,
    FleetDocument,
    load_yaml,
    parse_fleet,
    parse_policy,
)
from placement.fleet.faults import cell_text, file_label, shorten
from placement.fleet.tables import TABLE_ENDINGS, Columns, RawTable, columns_table, read_table
from placement.fleet.topology_document import TopologyDocument
from placement.fleet.topology_faults import parse_topology
from placement.fleet.types import Fleet, Policy

DEFAULT_MODEL = "rithmxo-1.0"

_Read = TypeVar("_Read")


class _Gathering:
    """Problems of several files, so that one unreadable file does not hide what is wrong with the others."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self.problems: list[Problem] = list(problems)
        self.unreadable: set[str] = set()

    def attempt(self, key: str, read: Callable[[], _Read]) -> _Read | None:
        """Return what `read` returns, or None after noting what is wrong with the file named by `key`."""
        try:
            return read()
        except InputError as error:
            self.problems += error.problems
            self.unreadable.add(key)
            return None


def read_fleet(path: str | Path, *, override: Mapping[str, Any] | None = None) -> Fleet:
    """Read a fleet from its folder.

    Parameters
    ----------
    path
        The folder that holds fleet.yaml, or that file.
    override
        Changes to the capacity model, on top of those that fleet.yaml makes.

    Returns
    -------
    Fleet
        In internal units, sorted, every reference resolved.

    Raises
    ------
    InputError
        With every problem of all of its files.
    """
    path = Path(path)
    file = _fleet_file(path)
    name = file.name
    document, problems = parse_fleet(load_yaml(file, name), name)
    if document is None:
        raise InputError(problems)
    folder = file.parent
    gathering = _Gathering(problems)
    files = {"fleet": name}

    def table(key: str, given: str | None) -> RawTable | None:
        if given is None:
            return None
        files[key] = given
        return gathering.attempt(key, lambda: read_table(folder / given, file_label(given)))

    model = gathering.attempt("model", lambda: _load_model(document, folder, name, override))
    services = table("services", document.services)
    hosts, current = table("hosts", document.hosts), table("current", document.current)
    interference, calls = table("interference", document.interference), table("calls", document.calls)
    topology = _read_topology(document, folder, gathering, files)
    sizes = table("sizes", document.sizes) if isinstance(document.sizes, str) else document.sizes
    # a price list of the model has no ending; what has one is a file, there or not
    is_price_file = document.prices is not None and Path(document.prices).suffix in TABLE_ENDINGS
    prices = table("prices", document.prices) if is_price_file else document.prices
    parts = FleetParts(
        name=document.name,
        file=name,
        model=model,
        services=services,
        policy=document.policy,
        currency=document.currency,
        hosts=hosts,
        current=current,
        interference=interference,
        calls=calls,
        topology=topology,
        sizes=sizes,
        prices=prices,
        unreadable=frozenset(gathering.unreadable),
        problems=tuple(gathering.problems),
    )
    return build_fleet(parts, file, files)


def fleet_from_frames(
    *,
    services: Columns,
    name: str = "fleet",
    model: str | Path | CapacityModel = DEFAULT_MODEL,
    override: Mapping[str, Any] | None = None,
    interference: Columns | None = None,
    hosts: Columns | None = None,
    current: Columns | None = None,
    calls: Columns | None = None,
    topology: Mapping[str, Any] | None = None,
    sizes: Sequence[str] | Columns | None = None,
    prices: str | Columns | None = None,
    currency: str | None = None,
    policy: Policy | Mapping[str, Any] | None = None,
) -> Fleet:
    """Make a fleet from tables in memory, checked as files are.

    Tables have the columns of the input format, in its units: Polars frames, or columns (lists, arrays) by
    name.

    Parameters
    ----------
    services, hosts, current
        Tables.
    interference, calls
        Tables. `service` and `other`, or `from` and `to`, may also be integers: 0-based row numbers in `services` as
        given here, which is how millions of rows stay cheap (Int32 columns, 12 bytes a rule).
    name, currency
        As in fleet.yaml.
    model, override
        A capacity model by name or path, with changes; or one already loaded.
    topology
        The content of a topology.yaml.
    sizes
        Names of the model's sizes, or a table; None: all of the model.
    prices
        Name of a price list, or a table; None: the model's default list.
    policy
        A policy, or its keys.

    Raises
    ------
    InputError
        With every problem of all parts. In it tables are called by the names of these parameters.
    """

    def table(key: str, columns: Columns | None) -> RawTable | None:
        return None if columns is None else gathering.attempt(key, lambda: columns_table(columns, key))

    checked_policy, problems = parse_policy({} if policy is None else policy, "policy", "policy")
    gathering = _Gathering(problems)
    is_size_table = isinstance(sizes, pl.DataFrame | Mapping)
    size_names = None if sizes is None or is_size_table else list(cast("Sequence[str]", sizes))
    header: dict[str, Any] = {"format": FLEET_FORMAT, "name": name, "model": "-", "services": "-"}
    header |= {"currency": currency, "sizes": size_names}
    gathering.problems += parse_fleet(header, "fleet")[1]
    loaded = model if isinstance(model, CapacityModel) else None
    if not isinstance(model, CapacityModel):
        loaded = gathering.attempt("model", lambda: load_model(model, override))
    elif override:
        message = "changes beside a model already loaded"
        gathering.problems.append(Problem("fleet", message, column="override", allowed="one of them"))
    raw = {
        key: table(key, columns)
        for key, columns in (
            ("services", services),
            ("hosts", hosts),
            ("current", current),
            ("interference", interference),
            ("calls", calls),
            ("sizes", cast("Columns", sizes) if is_size_table else None),
            ("prices", None if isinstance(prices, str) else prices),
        )
    }
    raw_topology = None
    if topology is not None:
        raw_topology = gathering.attempt("topology", lambda: _parsed_topology(topology, "topology"))
    parts = FleetParts(
        name=name,
        file="fleet",
        model=loaded,
        services=raw["services"],
        policy=checked_policy,
        currency=currency,
        hosts=raw["hosts"],
        current=raw["current"],
        interference=raw["interference"],
        calls=raw["calls"],
        topology=raw_topology,
        sizes=raw["sizes"] if is_size_table else size_names,
        prices=prices if isinstance(prices, str) else raw["prices"],
        unreadable=frozenset(gathering.unreadable),
        numbered_rules=True,
        problems=tuple(gathering.problems),
    )
    return build_fleet(parts)


def _fleet_file(path: Path) -> Path:
    try:
        if path.is_dir():
            file = path / FLEET_FILE
            if file.exists():
                return file
            raise InputError(Problem(shorten(str(path)), f"the folder has no {FLEET_FILE}"))
        if path.exists():
            return path
    except (OSError, ValueError):
        pass
    raise InputError(
        Problem(
            shorten(str(path)),
            "there is no such file or folder",
            allowed=f"a folder with {FLEET_FILE}, or that file",
        )
    )


def _load_model(document: FleetDocument, folder: Path, file: str, override: Mapping[str, Any] | None) -> CapacityModel:
    name: str | Path = document.model
    if "/" in document.model or (folder / document.model).is_dir():
        name = folder / document.model
    changes = _laid_over(document.override or {}, override or {})
    try:
        return load_model(name, changes or None, f"{file} (override)")
    except InputError as error:
        # a model that is not there is a fault of the key that names it
        raise InputError(
            replace(problem, file=file, column="model", value=document.model) if problem.file == str(name) else problem
            for problem in error.problems
        ) from error


def _laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two sets of changes; those of `over` come last, because the model applies them in order."""
    merged = dict(under)
    for key, value in over.items():
        old = merged.pop(key, None)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _laid_over(old, value) if both else value
    return merged


def _read_topology(
    document: FleetDocument, folder: Path, gathering: _Gathering, files: dict[str, str]
) -> TopologyDocument | None:
    given = document.topology
    if given is None:
        return None
    files["topology"] = given
    label = file_label(given)
    return gathering.attempt("topology", lambda: _parsed_topology(load_yaml(folder / given, label), label))


def _parsed_topology(data: object, file: str) -> TopologyDocument:
    if not isinstance(data, Mapping):
        raise InputError(Problem(file, "not a mapping", value=cell_text(data), allowed="keys and values"))
    document, problems = parse_topology(data, file)
    if document is None:
        raise InputError(problems)
    return document
