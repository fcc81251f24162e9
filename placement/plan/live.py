"""What runs, read from the files that deployment tooling has: the service registry's lines, an Ansible inventory.

They say what runs where. The registry knows no sizes of hosts, nor hosts on which nothing runs; neither knows prices.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from placement.errors import InputError, Problem
from placement.plan.moves import RUNS_SCHEMA
from placement.plan.state import CLUSTERS_SCHEMA, HOSTS_SCHEMA, NODES_SCHEMA, State

_POOL_OF = {"postgres": "databases", "valkey": "caches"}
_NUMBER = re.compile(r"-(\d{1,9})$")
_MOST_PROBLEMS = 20


def is_registry(path: Path) -> bool:
    """Whether a path names a file of the registry."""
    return path.is_file() and path.suffix == ".jsonl"


def inventory_folder(path: Path) -> Path | None:
    """Return the folder of an inventory with a file of variables for each host; None: the path names none."""
    return next((folder for folder in (path, path / "inventory") if (folder / "host_vars").is_dir()), None)


def state_of_registry(path: Path) -> State:
    """Return what the registry's lines say: instances and nodes, each with its host.

    Raises
    ------
    InputError
        If a line is no object, or an instance or a node lacks something.
    """
    found = _Found()
    problems: list[Problem] = []
    for row, text in enumerate(_read(path).splitlines(), start=1):
        try:
            line = json.loads(text)
            if line["kind"] == "instance":
                found.instance(line, line["host"])
            elif line["kind"] == "node":
                found.node(line, line["type"], line["host"])
            else:
                continue
            found.host(line["host"], line)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            problems.append(_problem(path.name, error, row))
    return found.state(f"registry {path.name}", problems, lists_idle=False)


def state_of_inventory(folder: Path) -> State:
    """Return what an inventory's variables say: ``placement_host``, ``placement_services``, ``placement_nodes``.

    Raises
    ------
    InputError
        If a file cannot be read, or lacks something.
    """
    found = _Found()
    problems: list[Problem] = []
    for path in sorted((folder / "host_vars").glob("*.json")):
        try:
            content = json.loads(_read(path))
            place = content["placement_host"]
            found.host(place["name"], place)
            for line in content["placement_services"]:
                found.instance(line, place["name"])
                found.uses(line)
            for line in content["placement_nodes"]:
                found.node(line, line["kind"], place["name"], pool=place["pool"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            problems.append(_problem(f"host_vars/{path.name}", error))
    return found.state(f"inventory {folder.name}", problems)


class _Found:
    def __init__(self) -> None:
        self.hosts: dict[str, dict[str, Any]] = {}
        self.runs: list[tuple[str, str, int, str]] = []
        self.nodes: list[tuple[str, int, str, str, str]] = []
        self.clusters: dict[str, dict[str, str]] = {"database": {}, "cache": {}}

    def instance(self, line: dict[str, Any], host: str) -> None:
        self.runs.append(("services", str(line["service"]), int(line["instance"]), str(host)))

    def node(self, line: dict[str, Any], kind: str, host: str, pool: str = "") -> None:
        number = _NUMBER.search(line["node"])
        instance = int(number[1]) if number else 0
        self.runs.append((pool or _POOL_OF.get(kind, "platform"), str(line["workload"]), instance, str(host)))
        self.nodes.append((str(line["workload"]), instance, str(kind), str(line["role"]), str(host)))

    def uses(self, line: dict[str, Any]) -> None:
        for what, cluster_of in self.clusters.items():
            if line.get(what):
                cluster_of[str(line["service"])] = str(line[what]["cluster"])

    def host(self, name: str, line: dict[str, Any]) -> None:
        known = self.hosts.setdefault(str(name), {})
        for column in ("size", "pool", "region", "zone", "segment", "nic", "spare"):
            if line.get(column):
                known[column] = line[column]

    def state(self, name: str, problems: list[Problem], *, lists_idle: bool = True) -> State:
        if not self.runs and not problems:
            problems.append(Problem(name, "nothing runs there", allowed="instances or nodes with their hosts"))
        if problems:
            raise InputError(problems[:_MOST_PROBLEMS])
        pool_of = {host: pool for pool, _, _, host in self.runs}
        rows = [
            dict.fromkeys(("size", "pool", "region", "zone", "segment", "nic"), "")
            | {"host": host, "pool": pool_of.get(host, "services"), "spare": host not in pool_of}
            | known
            | {"state": "active", "price_per_hour": 0.0}
            for host, known in sorted(self.hosts.items())
        ]
        return State(
            name=name,
            hosts=pl.DataFrame(rows, schema=HOSTS_SCHEMA),
            runs=pl.DataFrame(self.runs, schema=RUNS_SCHEMA, orient="row").sort(list(RUNS_SCHEMA)),
            nodes=pl.DataFrame(self.nodes, schema=NODES_SCHEMA, orient="row"),
            databases=self.cluster_table("database"),
            caches=self.cluster_table("cache"),
            currency="",
            is_live=True,
            is_priced=False,
            lists_idle=lists_idle,
        )

    def cluster_table(self, what: str) -> pl.DataFrame | None:
        rows = sorted(self.clusters[what].items())
        return pl.DataFrame(rows, schema=CLUSTERS_SCHEMA, orient="row") if rows else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError(Problem(str(path), f"cannot be read: {reason}")) from error


def _problem(file: str, error: Exception, row: int = 0) -> Problem:
    what = f"lacks {error}" if isinstance(error, KeyError) else f"is not what it should be: {error}"
    return Problem(file, what[:200], rows=(row,) if row else (), num_rows=1 if row else 0)
