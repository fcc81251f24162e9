"""A real PgBouncer starts on the exported file, as it is, and serves a real PostgreSQL with the planned pools."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from planned import Planned
from servers import LOOPBACK, free_port
from test_system_postgres import SUPERUSER, start_postgres

from placement.export import TARGETS
from placement.export.pgbouncer import connect_value, database_key
from placement.export.source import source_of

pytestmark = pytest.mark.system

PASSWORD = "only for a test"
ODD_KEY, ODD_USER, ODD_DATABASE = "9-b_c.d", "a user", "a \"quoted\" 'name' % $x"


def connect(database: str, user: str, port: int, password: str = PASSWORD) -> psycopg.Connection:
    return psycopg.connect(
        host=LOOPBACK, port=port, dbname=database, user=user, password=password, sslmode="disable",
        prepare_threshold=None, autocommit=True,
    )  # fmt: skip


def answers(database: str, user: str, port: int) -> bool:
    try:
        connect(database, user, port).close()
    except psycopg.OperationalError:
        return False
    return True


def console(port: int, command: str) -> list[dict[str, Any]]:
    with closing(connect("pgbouncer", SUPERUSER, port)) as admin:
        return psycopg.ClientCursor(admin, row_factory=psycopg.rows.dict_row).execute(command).fetchall()


@dataclasses.dataclass(frozen=True)
class Pooled:
    """PgBouncers that run on their exported files, and the rows of the databases behind them."""

    databases: list[dict[str, Any]]
    ports: list[int]
    server: int


@pytest.fixture(scope="module")
def pooled(servers, tool, planned: Planned) -> Pooled:
    cluster, databases = planned.postgres_cluster(pgbouncers=True)
    server = start_postgres(servers, tool, cluster, databases)
    # the plan's names resolve where the plan is deployed; here the cluster is called as this machine is
    here = (pl.lit("localhost").alias("host_name"), pl.lit(server, pl.Int64).alias("port"))
    plan = dataclasses.replace(planned.plan, postgres_clusters=planned.plan.postgres_clusters.with_columns(here))
    files = dict(TARGETS["pgbouncer"](source_of(plan, planned.fleet)))
    assert len(files) == cluster["pgbouncers"]
    ports = [start(servers, tool("pgbouncer"), name, content, databases) for name, content in files.items()]
    return Pooled(databases, ports, server)


def start(servers, program: Path, name: str, content: bytes, databases: list[dict[str, Any]]) -> int:
    """Start a PgBouncer on a file; what the machine decides is set in another that includes it. Return its port."""
    port, folder = free_port(), servers.make_folder(name.removesuffix(".ini"))
    (folder / name).write_bytes(content)
    users = [row["database"] for row in databases] + [SUPERUSER, ODD_USER]
    (folder / "userlist.txt").write_text("".join(f'"{user}" "{PASSWORD}"\n' for user in users))
    (folder / "here.ini").write_text(
        f"%include {folder / name}\nlisten_addr = {LOOPBACK}\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_file = {folder / 'userlist.txt'}\nadmin_users = {SUPERUSER}\n"
    )
    servers.start(name, [program, folder / "here.ini"], partial(answers, "pgbouncer", SUPERUSER, port))
    return port


def test_every_database_is_served_through_every_pgbouncer(pooled):
    for port in pooled.ports:
        for row in pooled.databases:
            with closing(connect(row["database"], row["database"], port)) as client:
                served = client.execute("SELECT current_database(), current_user").fetchone()
            assert served == (row["database"], row["database"])


def test_it_has_the_planned_pools_and_settings(pooled, planned):
    model = planned.model.postgres.pgbouncer
    for port in pooled.ports:
        shown = {row["name"]: row for row in console(port, "SHOW DATABASES")}
        for row in pooled.databases:
            assert shown[row["database"]]["pool_size"] == row["pool_size"]
            assert shown[row["database"]]["port"] == pooled.server
            # not the pools of PgBouncers alone, but all of them together, are what the server has
            assert len(pooled.ports) * (row["pool_size"] + row["reserve_pool_size"]) == row["connections"]
        settings = {row["key"]: row["value"] for row in console(port, "SHOW CONFIG")}
        assert settings["pool_mode"] == model.pool_mode
        assert int(settings["max_client_conn"]) == model.max_client_conn.typical
        assert int(settings["reserve_pool_size"]) == pooled.databases[0]["reserve_pool_size"]
        assert settings["auth_type"] == "scram-sha-256"


def test_who_has_no_password_is_refused(pooled):
    row = pooled.databases[0]
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        connect(row["database"], row["database"], pooled.ports[0], password="wrong")


def test_odd_names_are_served(servers, tool, pooled):
    # names that no plan has, given to the functions that write them
    with closing(connect(SUPERUSER, SUPERUSER, pooled.server)) as admin:
        name = psycopg.sql.Identifier(ODD_DATABASE)
        admin.execute(psycopg.sql.SQL("CREATE USER {}").format(psycopg.sql.Identifier(ODD_USER)))
        admin.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(name))
    line = (
        f"{database_key(ODD_KEY)} = host=localhost port={pooled.server} dbname={connect_value(ODD_DATABASE)} "
        f"user={connect_value(ODD_USER)}\n"
    )
    content = f"[databases]\n{line}[pgbouncer]\nauth_type = scram-sha-256\n".encode()
    port = start(servers, tool("pgbouncer"), "odd.ini", content, [])
    with closing(connect(ODD_KEY, ODD_USER, port)) as client:
        assert client.execute("SELECT current_database(), current_user").fetchone() == (ODD_DATABASE, ODD_USER)
