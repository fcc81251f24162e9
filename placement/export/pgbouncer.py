"""Target ``pgbouncer``: an ini per PgBouncer, with the pools that the plan has for its databases.

::

    {node}.ini

What the machine decides (which users there are) is not in it: ``auth_file`` names PgBouncer's own. To change a setting
on one machine, include the file in another one and set it anew below, without a section of its own: the last value
counts, and a second ``[pgbouncer]`` would take every setting back to its default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from placement.errors import InputError, Problem
from placement.export.names import refuse_control_characters
from placement.export.settings import PGBOUNCER_PORT, pgbouncer_workload
from placement.export.source import Source

AUTH_FILE = "/etc/pgbouncer/userlist.txt"

_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.:/-]+")


def files(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the target."""
    nodes = source.plan.nodes.filter(kind="pgbouncer").sort("node")
    clusters = {pgbouncer_workload(row["cluster"]): row for row in source.plan.postgres_clusters.iter_rows(named=True)}
    of_cluster = {
        str(cluster): rows.sort("database").to_dicts()
        for (cluster,), rows in source.plan.databases.group_by("cluster", maintain_order=True)
    }
    for node, workload in nodes.select("node", "workload").iter_rows():
        cluster = clusters[workload]
        databases = of_cluster.get(cluster["cluster"], [])
        yield f"{node}.ini", _ini(source, cluster, databases).encode()


def _ini(source: Source, cluster: dict[str, Any], databases: list[dict[str, Any]]) -> str:
    model = source.model.postgres.pgbouncer
    # PgBouncer has one reserve for all databases, which single ones may exceed
    reserve = min((row["reserve_pool_size"] for row in databases), default=0)
    rows = [_database(cluster, row, reserve) for row in databases]
    settings = {
        "listen_addr": "*",
        "listen_port": PGBOUNCER_PORT,
        "auth_type": "scram-sha-256",
        "auth_file": AUTH_FILE,
        "pool_mode": model.pool_mode,
        "max_client_conn": f"{model.max_client_conn.typical:g}",
        "default_pool_size": f"{model.default_pool_size.typical:g}",
        "reserve_pool_size": reserve,
        "reserve_pool_timeout": f"{model.reserve_pool_timeout.typical:g}",
        "server_idle_timeout": f"{model.server_idle_timeout.typical:g}",
        # Npgsql and others send it when they connect
        "ignore_startup_parameters": "extra_float_digits",
    }
    lines = ["[databases]", *rows, "", "[pgbouncer]", *(f"{key} = {value}" for key, value in settings.items())]
    return "\n".join(lines) + "\n"


def _database(cluster: dict[str, Any], row: dict[str, Any], reserve: int) -> str:
    settings: dict[str, object] = {
        "host": cluster["host_name"],
        "port": cluster["port"],
        "dbname": row["database"],
        "pool_size": row["pool_size"],
    }
    if row["reserve_pool_size"] != reserve:
        settings["reserve_pool"] = row["reserve_pool_size"]
    connection = " ".join(f"{key}={connect_value(str(value))}" for key, value in settings.items())
    return f"{database_key(row['database'])} = {connection}"


def database_key(name: str) -> str:
    """Return a database's name as a key of ``[databases]``.

    PgBouncer's documentation has a way to quote other names there, which not every version reads.

    Raises
    ------
    InputError
        If PgBouncer takes it for no name, or it is PgBouncer's own: its console.
    """
    if name == "pgbouncer":
        raise InputError(Problem("databases", "is the name of PgBouncer's console", column="database", value=name))
    if not _KEY.fullmatch(name):
        raise InputError(
            Problem("databases", "is no name for PgBouncer", column="database", value=name[:60], allowed=_KEY.pattern)
        )
    return name


def connect_value(text: str) -> str:
    """Return a value of a connection string: in single quotes where it needs them.

    Raises
    ------
    InputError
        If it has control characters.
    """
    refuse_control_characters(text, "databases")
    return text if _PLAIN_VALUE.fullmatch(text) else "'" + text.replace("'", "''") + "'"
