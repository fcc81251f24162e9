"""A real PostgreSQL, alone and behind real PgBouncers, keeps to the connections that the plan has for it."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from planned import Planned
from servers import LOOPBACK, Servers, free_port, wait_until

pytestmark = pytest.mark.system

SUPERUSER = "postgres"
RESERVED = 3  # superuser_reserved_connections, as PostgreSQL has it by default


@dataclass(frozen=True)
class Running:
    """A cluster that runs: its row of the plan, those of its databases, ports of the server and of its PgBouncers."""

    cluster: dict[str, Any]
    databases: list[dict[str, Any]]
    port: int
    pgbouncers: tuple[int, ...] = ()

    def planned_clients(self) -> list[tuple[str, int]]:
        """Return database and PgBouncer's port of each planned client: a service's instances use them in turn."""
        return [
            (row["database"], self.pgbouncers[client % len(self.pgbouncers)])
            for row in self.databases
            for client in range(row["clients"])
        ]

    def connections(self) -> Counter[str]:
        """Return how many connections the server has for each database, its superuser's apart."""
        with closing(connect(SUPERUSER, self.port, autocommit=True)) as watch:
            rows = watch.execute(
                "SELECT datname, count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND usename <> %s GROUP BY datname",
                [SUPERUSER],
            )
            return Counter(dict(rows.fetchall()))


def settings(database: str, port: int) -> dict[str, Any]:
    """Return how a client connects: each database has a user of its own, of the same name."""
    # no prepared statements: PgBouncer before 1.21 has none in the pool mode transaction
    where = {"host": LOOPBACK, "port": port, "dbname": database, "user": database}
    return {**where, "sslmode": "disable", "prepare_threshold": None}


def connect(database: str, port: int, autocommit: bool = False) -> psycopg.Connection:
    return psycopg.connect(**settings(database, port), autocommit=autocommit)


async def connect_all(clients: list[tuple[str, int]]) -> list[psycopg.AsyncConnection]:
    return list(await asyncio.gather(*(psycopg.AsyncConnection.connect(**settings(*client)) for client in clients)))


def answers(database: str, port: int) -> bool:
    try:
        connect(database, port, autocommit=True).close()
    except psycopg.OperationalError:
        return False
    return True


def start_postgres(
    servers: Servers, tool: Callable[[str], Path], cluster: dict[str, Any], databases: list[dict[str, Any]]
) -> int:
    """Start a server with the planned limits, of all its connections and of each database's; return its port."""
    port, data = free_port(), servers.make_folder(cluster["cluster"])
    servers.run([tool("initdb"), "-D", data, "-U", SUPERUSER, "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8"])
    options = {
        "listen_addresses": LOOPBACK,
        "port": port,
        "unix_socket_directories": "",
        "max_connections": cluster["max_connections"],
        "superuser_reserved_connections": RESERVED,
        "fsync": "off",
    }
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = [tool("postgres"), "-D", data, *flags]
    servers.start(cluster["cluster"], command, partial(answers, SUPERUSER, port), signal.SIGQUIT)
    with closing(connect(SUPERUSER, port, autocommit=True)) as admin:
        for row in databases:
            admin.execute(f"CREATE USER {row['database']}")
            admin.execute(
                f"CREATE DATABASE {row['database']} OWNER {row['database']} CONNECTION LIMIT {row['connections']}"
            )
    return port


def start_pgbouncer(
    servers: Servers, program: Path, name: str, planned: Planned, databases: list[dict[str, Any]], server: int
) -> int:
    """Start one of a cluster's PgBouncers with the planned pools; return its port."""
    port, folder = free_port(), servers.make_folder(name)
    model = planned.model.postgres.pgbouncer
    (reserve,) = {row["reserve_pool_size"] for row in databases}
    where = f"host={LOOPBACK} port={server}"
    (folder / "users.txt").write_text("".join(f'"{row["database"]}" ""\n' for row in databases) + f'"{SUPERUSER}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        "[databases]\n"
        + "".join(f"{row['database']} = {where} pool_size={row['pool_size']}\n" for row in databases)
        + f"""[pgbouncer]
listen_addr = {LOOPBACK}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder / "users.txt"}
admin_users = {SUPERUSER}
pool_mode = {model.pool_mode}
max_client_conn = {model.max_client_conn.typical}
default_pool_size = {model.default_pool_size.typical}
reserve_pool_size = {reserve}
reserve_pool_timeout = {model.reserve_pool_timeout.typical}
server_idle_timeout = {model.server_idle_timeout.typical}
"""
    )
    servers.start(name, [program, folder / "pgbouncer.ini"], partial(console, port, "SHOW VERSION"))
    return port


def console(port: int, command: str) -> list[dict[str, Any]]:
    """Return the rows that a PgBouncer's console answers; none if it does not."""
    try:
        # it takes simple queries only, which psycopg sends by a cursor that puts in values itself
        with closing(psycopg.connect(**settings("pgbouncer", port) | {"user": SUPERUSER}, autocommit=True)) as admin:
            cursor = psycopg.ClientCursor(admin, row_factory=psycopg.rows.dict_row)
            return cursor.execute(command).fetchall()
    except psycopg.OperationalError:
        return []


@pytest.fixture(scope="module")
def pooled(servers, tool, planned) -> Running:
    """The cluster that services reach through PgBouncers."""
    cluster, databases = planned.postgres_cluster(pgbouncers=True)
    program = tool("pgbouncer")
    port = start_postgres(servers, tool, cluster, databases)
    names = [f"pgbouncer-{cluster['cluster']}-{n}" for n in range(1, cluster["pgbouncers"] + 1)]
    ports = [start_pgbouncer(servers, program, name, planned, databases, port) for name in names]
    return Running(cluster, databases, port, tuple(ports))


@pytest.fixture(scope="module")
def direct(servers, tool, planned) -> Running:
    """The server that a service has to itself and connects to directly."""
    cluster, databases = planned.postgres_cluster(pgbouncers=False)
    return Running(cluster, databases, start_postgres(servers, tool, cluster, databases))


@pytest.fixture
def opened() -> Iterator[Callable[..., psycopg.Connection]]:
    """Return `connect`; what it opened is closed after the test."""
    with ExitStack() as stack:
        yield lambda *where: stack.enter_context(closing(connect(*where)))


def test_all_planned_clients_are_served_within_the_planned_connections(pooled):
    seen: list[Counter[str]] = []

    async def use(client: psycopg.AsyncConnection) -> int:
        for _ in range(5):
            async with client.transaction():
                await client.execute("SELECT pg_sleep(0.02)")
        return 1

    async def watch() -> None:
        while True:
            seen.append(await asyncio.to_thread(pooled.connections))
            await asyncio.sleep(0.02)

    async def all_at_once() -> int:
        clients = await connect_all(pooled.planned_clients())
        watching = asyncio.create_task(watch())
        try:
            served = sum(await asyncio.gather(*map(use, clients)))
            per_pgbouncer = [len(console(port, "SHOW CLIENTS")) - 1 for port in pooled.pgbouncers]  # less the console
            assert sum(per_pgbouncer) == len(clients)
        finally:
            watching.cancel()
            await asyncio.gather(*(client.close() for client in clients))
        return served

    assert asyncio.run(all_at_once()) == pooled.cluster["clients"] == sum(row["clients"] for row in pooled.databases)
    most = {row["database"]: max(count[row["database"]] for count in seen) for row in pooled.databases}
    for row in pooled.databases:
        assert 0 < most[row["database"]] <= row["connections"]
    assert max(map(Counter.total, seen)) <= pooled.cluster["connections_used"] <= pooled.cluster["connections_limit"]


def test_a_transaction_more_than_pool_and_reserve_queues_until_one_ends(pooled, planned):
    # orders-api has 15 clients at each of two PgBouncers, pools of 10 and reserves of 3: 13 of them are in a
    # transaction, 2 wait, and the server has the planned 2 × 13 = 26 connections; the other services have no more
    # clients than their pools have connections
    clients = pooled.planned_clients()
    per_process = {row["database"]: row["pool_size"] + row["reserve_pool_size"] for row in pooled.databases}
    dealt = Counter(clients)
    at_once = Counter({where: min(number, per_process[where[0]]) for where, number in dealt.items()})
    assert at_once != dealt, "the plan has no pool that is smaller than its clients"

    def waiting() -> Counter[tuple[str, int]]:
        pools = [(row, port) for port in pooled.pgbouncers for row in console(port, "SHOW POOLS")]
        return Counter({(row["database"], port): row["cl_waiting"] for row, port in pools if row["cl_waiting"]})

    async def all_in_transactions() -> None:
        connections = await connect_all(clients)
        begun = [asyncio.create_task(connection.execute("SELECT 1")) for connection in connections]

        def served() -> Counter[tuple[str, int]]:
            return Counter(where for where, task in zip(clients, begun, strict=True) if task.done())

        try:
            await reached(lambda: served() == at_once)
            # more than the reserve's delay later it is still so: the rest waits
            await asyncio.sleep(planned.model.postgres.pgbouncer.reserve_pool_timeout.typical + 0.5)
            assert served() == at_once
            assert waiting() == dealt - at_once
            in_use = pooled.connections()
            assert all(in_use[row["database"]] <= row["connections"] for row in pooled.databases)
            assert any(in_use[row["database"]] == row["connections"] for row in pooled.databases)

            full = next(iter(dealt - at_once))
            first = next(n for n, where in enumerate(clients) if where == full and begun[n].done())
            await connections[first].commit()
            await reached(lambda: served() == at_once + Counter([full]))
            assert waiting() == dealt - at_once - Counter([full])
            assert pooled.connections() == in_use

            for connection in connections:  # in the order of their beginnings: each end serves one that waits
                await asyncio.wait_for(connection.commit(), 30)
            assert served() == dealt
        finally:
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
            await asyncio.gather(*(connection.close() for connection in connections))

    asyncio.run(all_in_transactions())


async def reached(condition: Callable[[], bool]) -> None:
    """Wait for a condition of the running event loop."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.05)


def test_a_client_more_than_a_pgbouncer_takes_is_refused(pooled, planned, opened):
    most, port = int(planned.model.postgres.pgbouncer.max_client_conn.typical), pooled.pgbouncers[0]
    databases = [row["database"] for row in pooled.databases]
    clients = [opened(databases[n % len(databases)], port) for n in range(most)]
    with pytest.raises(psycopg.OperationalError, match="no more connections allowed"):
        connect(databases[0], port)
    clients[0].close()
    wait_until(lambda: answers(databases[0], port), "a client is taken in place of one that left")
    share = planned.model.postgres.pgbouncer.client_share.typical
    assert sum(where == port for _, where in pooled.planned_clients()) <= most * share  # the plan stays below


def test_planned_clients_connect_directly_and_one_more_is_refused(direct, opened):
    (row,) = direct.databases
    clients = [opened(row["database"], direct.port) for _ in range(row["clients"])]
    for client in clients:
        client.execute("SELECT 1")  # each is in a transaction now
    assert direct.connections() == {row["database"]: row["connections"]}
    with pytest.raises(psycopg.OperationalError, match="too many connections for database"):
        connect(row["database"], direct.port)


def test_a_server_has_its_planned_most_less_those_kept_for_its_superuser(direct, opened):
    # without the limit of the database, the server's own: 100 - 3 connections, of which the plan uses 60 ≤ 70
    (row,) = direct.databases
    with closing(connect(SUPERUSER, direct.port, autocommit=True)) as admin:
        admin.execute(f"ALTER DATABASE {row['database']} CONNECTION LIMIT -1")
    wait_until(lambda: not direct.connections(), "clients of the test before are gone")
    most = direct.cluster["max_connections"] - RESERVED
    for _ in range(most):
        opened(row["database"], direct.port)
    with pytest.raises(psycopg.OperationalError, match="remaining connection slots are reserved"):
        connect(row["database"], direct.port)
    assert direct.connections() == {row["database"]: most}  # the superuser still gets in
    assert direct.cluster["connections_used"] <= direct.cluster["connections_limit"] < most
