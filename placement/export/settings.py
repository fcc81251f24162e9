"""Settings by which a service reaches its database and its cache.

Connection strings are those of Npgsql and StackExchange.Redis, since settings are called ``ConnectionStrings__…``. No
secret is in any of them: they name the files that hold the secrets on a host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from placement.datatier.names import workload_name
from placement.export.source import Source

POSTGRES_SETTING = "ConnectionStrings__PostgresConnection"
"""Called like the guide's ``ConnectionStrings__ValkeyConnection``, whose name is in the model."""

SECRETS_FOLDER = "/etc/placement/secrets"
"""Where a host's secrets are: ``{service}/pgpass`` (a password file of PostgreSQL), ``{service}/valkey``."""

PGBOUNCER_PORT = 6432
"""PgBouncer's own default."""

_PLAIN = re.compile(r"[A-Za-z0-9_.:/@-]+")


@dataclass(frozen=True)
class Address:
    """A name under which something is reached, and its port."""

    host_name: str
    port: int


class Connections:
    """Databases and caches of all services of a plan."""

    def __init__(self, source: Source) -> None:
        plan = source.plan
        self._pattern = source.model.postgres.shared.host_name_pattern
        self._valkey_setting = source.model.valkey.keys.connection_setting
        self.databases: dict[str, dict[str, Any]] = {
            row["service"]: row for row in plan.databases.iter_rows(named=True)
        }
        self.caches: dict[str, dict[str, Any]] = {row["service"]: row for row in plan.caches.iter_rows(named=True)}
        self.valkeys: dict[str, dict[str, Any]] = {
            row["cluster"]: row for row in plan.valkey_clusters.iter_rows(named=True)
        }

    def services(self) -> list[str]:
        """Return the services that have a database or a cache, sorted."""
        return sorted({*self.databases, *self.caches})

    def postgres_address(self, database: dict[str, Any]) -> Address:
        """Return where a service reaches its database: its server, or the PgBouncers in front of it."""
        if not database["pool_size"]:
            return Address(database["host_name"], database["port"])
        return self.pgbouncer_address(database["cluster"])

    def pgbouncer_address(self, cluster: str) -> Address:
        """Return where the PgBouncers of a cluster are reached: their workload, called as clusters are."""
        return Address(self._pattern.replace("{cluster}", pgbouncer_workload(cluster)), PGBOUNCER_PORT)

    def valkey_address(self, cluster: str) -> Address:
        """Return where a Valkey is reached."""
        row = self.valkeys[cluster]
        return Address(row["host_name"], row["port"])

    def settings(self, service: str) -> Iterator[tuple[str, str]]:
        """Yield a service's settings and their values, in a fixed order."""
        database = self.databases.get(service)
        if database is not None:
            yield POSTGRES_SETTING, self._postgres(service, database)
            yield "Postgres__MaxPoolSize", str(database["connections_per_instance"])
            yield "Postgres__PasswordFile", f"{SECRETS_FOLDER}/{service}/pgpass"
        cache = self.caches.get(service)
        if cache is not None:
            address = self.valkey_address(cache["cluster"])
            yield self._valkey_setting, f"{address.host_name}:{address.port},abortConnect=false"
            yield "Valkey__KeyPrefix", cache["key_prefix"]
            yield "Valkey__PasswordFile", f"{SECRETS_FOLDER}/{service}/valkey"

    def _postgres(self, service: str, database: dict[str, Any]) -> str:
        address = self.postgres_address(database)
        parts = {
            "Host": address.host_name,
            "Port": str(address.port),
            "Database": database["database"],
            "Username": database["database"],
            "Passfile": f"{SECRETS_FOLDER}/{service}/pgpass",
            "Maximum Pool Size": str(database["connections_per_instance"]),
        }
        if database["pool_size"]:
            # a PgBouncer resets connections itself, and in the pool mode transaction a client must not
            parts["No Reset On Close"] = "true"
        return ";".join(f"{key}={connection_value(value)}" for key, value in parts.items())


def pgbouncer_workload(cluster: str) -> str:
    """Return the workload of a cluster's PgBouncers."""
    return workload_name(f"pgbouncer-{cluster}")


def connection_value(text: str) -> str:
    """Return a text as a value of an ADO.NET connection string: in double quotes where it needs them."""
    return text if _PLAIN.fullmatch(text) else '"' + text.replace('"', '""') + '"'
