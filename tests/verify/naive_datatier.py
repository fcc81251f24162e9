"""A deliberately naive planner of data tiers, written from the design note alone: first fit, service by service.

It decides who shares what, in which tier; `naive_tier_plan` then writes everything down. Between the two a test may
tamper with the decisions: every dependent figure then follows, and only the rule is broken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from naive_network import bought_nic_kbps, nic_surcharge
from naive_planner import NaivePlanner, limits_of

from placement.fleet.types import Fleet

SERVER = ("connections", "clients", "storage", "cpu", "memory", "network")
ENDLESS = 10**15


@dataclass
class Server:
    arrangement: str
    region: str
    services: list[str]
    tier: str | None  # None: too large for all


@dataclass
class Valkey:
    arrangement: str
    region: str
    services: list[str]
    tier: str | None  # None: too large for all
    primaries: int = 1


@dataclass
class Decisions:
    servers: list[Server] = field(default_factory=list)
    valkeys: list[Valkey] = field(default_factory=list)


class NaiveTier:
    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.model, self.end = fleet, fleet.model, fleet.policy.demand
        self.rows = {row["service"]: row for row in fleet.services.to_dicts()}
        self.number = len(self.rows)
        self.processes = math.ceil(self.at(self.model.postgres.pgbouncer.min_processes))
        self.shared_are_pooled = self.number >= self.model.postgres.pgbouncer.services_from.typical

    def at(self, figure) -> Fraction:
        return Fraction(str(figure.at(self.end)))

    # --- groups, names, prices ------------------------------------------------------------------------------

    def group(self, service: str) -> str:
        classes = self.model.grouping.sensitivity_classes

        def mutual(a: str, b: str) -> bool:
            return b in classes[a].shares_with and a in classes[b].shares_with

        own = self.rows[service]["sensitivity"]
        together = {own}
        while True:
            more = {b for a in together for b in classes if mutual(a, b)} | together
            if more == together:
                break
            together = more
        if all(mutual(a, b) for a in together for b in together if a != b):
            return "+".join(sorted(together))
        return own

    def function(self, service: str) -> str:
        return self.rows[service]["valkey_function"] or self.model.valkey.clusters.default_function

    def needs(self, row) -> tuple[int, ...]:
        disk = row.storage_gb if hasattr(row, "storage_gb") else row.disk_gb
        return (
            math.ceil(self.at(row.cpu_cores) * 1000), math.ceil(self.at(row.memory_mb)),
            math.ceil(self.at(row.open_files)), math.ceil(self.at(row.threads)),
            math.ceil(self.at(disk) * 1000), math.ceil(self.at(row.network_mbps) * 1000),
        )  # fmt: skip

    def node_price(self, pool: str, region: str, row) -> int | None:
        naive = NaivePlanner(self.fleet)
        hosts = [
            (
                limits_of(self.fleet, name, bought_nic_kbps(self.fleet, name, pool)),
                self.fleet.sizes[name].price_micros_per_hour + nic_surcharge(self.fleet, name, pool),
            )
            for name in naive.buyable(pool)
        ]
        hosts += [(host.limit, host.price) for host in naive.idle if (host.pool, host.region) == (pool, region)]
        needs = self.needs(row)
        prices = [
            max(1, math.ceil(price * max(Fraction(d, limit) for d, limit in zip(needs, limits, strict=True))))
            for limits, price in hosts
            if all(d <= limit for d, limit in zip(needs, limits, strict=True))
        ]
        return min(prices, default=None)

    # --- PostgreSQL -----------------------------------------------------------------------------------------

    def asked(self, service: str) -> tuple[str, bool]:
        """The arrangement before anything turns out not to fit, and whether it is automatic."""
        asked = self.fleet.policy.postgres.of(service, self.rows[service]["domain"])
        if asked != "auto":
            return asked, False
        (phase,) = [row for row in self.model.postgres.phases.values() if row.covers(self.number)]
        return {"shared": "single"}.get(phase.arrangement, phase.arrangement), True

    def figures(self, service: str, arrangement: str, pooled: bool) -> dict[str, int | str]:
        row, postgres = self.rows[service], self.model.postgres
        pools = [pool for pool in postgres.pools.values() if pool.arrangement == arrangement]
        covering = [pool for pool in pools if pool.covers(self.number)]
        below = [pool for pool in pools if pool.services_below and pool.services_below.typical <= self.number]
        pool = (covering or below[-1:] or pools)[0]
        per_instance = row["db_connections"]
        if per_instance is None:
            per_instance = math.ceil(self.at(pool.max_connections_per_instance))
        clients = row["instances"] * per_instance
        size = reserve = 0
        if pooled:
            most = math.ceil(self.at(postgres.pgbouncer.default_pool_size))
            size = math.ceil(Fraction(min(most, clients), self.processes))
            reserve = math.ceil(Fraction(math.ceil(self.at(postgres.pgbouncer.reserve_pool_size)), self.processes))
        connections = self.processes * (size + reserve) if pooled else clients
        formula = postgres.storage_formula
        if row["db_storage_mb"] is not None:
            stored = Fraction(row["db_storage_mb"])
        elif row["db_rows"] is not None:
            per_row = self.at(formula.row_bytes) * (1 + self.at(formula.index_share)) / 10**6
            stored = self.at(formula.base_mb) + row["db_rows"] * per_row
        else:
            stored = self.at(postgres.storage_classes[formula.default_class].storage_gb) * 1000
        if row["db_rows"] is not None:
            (kind,) = [
                name for name, c in postgres.storage_classes.items()
                if c.rows_from.typical <= row["db_rows"] and (not c.rows_below or row["db_rows"] < c.rows_below.typical)
            ]  # fmt: skip
        else:
            reaching = [
                n for n, c in postgres.storage_classes.items() if stored <= Fraction(str(c.storage_gb.high)) * 1000
            ]
            kind = [*reaching, list(postgres.storage_classes)[-1]][0]
        load = postgres.load
        return {
            "per_instance": per_instance, "clients": clients, "pool": size, "reserve": reserve, "class": kind,
            "connections": connections,
            "storage": math.ceil(stored * self.at(formula.growth_factor)),
            "cpu": math.ceil(row["instances"] * self.at(load.cpu_cores_per_instance) * 1000),
            "memory": math.ceil(
                connections * self.at(load.memory_mb_per_connection) + self.at(load.cached_share) * stored
            ),
            "network": math.ceil(
                row["instances"] * self.at(self.model.network.traffic["postgres"].bandwidth_mbps) * 1000
            ),
        }  # fmt: skip

    def server_limits(self, row, pooled: bool) -> dict[str, int]:
        share, pgbouncer = self.model.postgres.limits, self.model.postgres.pgbouncer
        clients = self.processes * math.floor(self.at(pgbouncer.max_client_conn) * self.at(pgbouncer.client_share))
        return {
            "connections": math.floor(self.at(row.max_connections) * self.at(share.connections)),
            "clients": clients if pooled else ENDLESS,
            "storage": math.floor(self.at(row.storage_gb) * 1000 * self.at(share.storage)),
            "cpu": math.floor(self.at(row.cpu_cores) * 1000 * self.at(share.cpu)),
            "memory": math.floor(self.at(row.memory_mb) * self.at(share.memory)),
            "network": math.floor(self.at(row.network_mbps) * 1000 * self.at(share.network)),
        }

    def smallest(self, services: list[str], region: str, arrangement: str, pooled: bool) -> str | None:
        tiers = self.model.postgres.tiers if arrangement == "dedicated" else self.model.postgres.cluster_tiers
        figures = [self.figures(service, arrangement, pooled) for service in services]
        for name, row in tiers.items():
            limits = self.server_limits(row, pooled)
            held = all(sum(f[r] for f in figures) <= limits[r] for r in SERVER)
            if held and self.node_price("databases", region, row) is not None:
                return name
        return None

    def pooled(self, server: Server) -> bool:
        if server.arrangement == "clusters":
            return self.shared_are_pooled
        if server.arrangement == "single":
            return False
        return self.smallest(server.services[:1], server.region, "dedicated", False) is None

    def apart(self, one: str, other: str) -> bool:
        profiles = self.model.grouping.load_profiles
        return self.rows[other]["load_profile"] in profiles[self.rows[one]["load_profile"]].apart_from

    def decide_servers(self) -> list[Server]:
        users = [name for name, row in self.rows.items() if row["needs_postgres"]]
        servers, shared = [], []
        for region, group in sorted({(self.rows[name]["region"], self.group(name)) for name in users}):
            here = [name for name in users if (self.rows[name]["region"], self.group(name)) == (region, group)]
            single = [name for name in here if self.asked(name)[0] == "single"]
            if single and self.smallest(single, region, "single", False) is None:
                shared += [name for name in single if self.asked(name)[1]]
                single = [name for name in single if not self.asked(name)[1]]
            if single:
                servers.append(Server("single", region, single, self.smallest(single, region, "single", False)))
            shared += [name for name in here if self.asked(name)[0] == "clusters"]
            for name in here:
                if self.asked(name)[0] == "dedicated":
                    tier = self.smallest([name], region, "dedicated", False) or self.smallest(
                        [name], region, "dedicated", True
                    )
                    servers.append(Server("dedicated", region, [name], tier))
        for name in sorted(shared):
            region = self.rows[name]["region"]
            for server in servers:
                fits = self.smallest([*server.services, name], region, "clusters", self.shared_are_pooled)
                if (
                    server.arrangement == "clusters" and server.region == region and fits
                    and self.group(server.services[0]) == self.group(name)
                    and not any(self.apart(name, other) for other in server.services)
                ):  # fmt: skip
                    server.services.append(name)
                    server.tier = fits
                    break
            else:
                tier = self.smallest([name], region, "clusters", self.shared_are_pooled)
                servers.append(Server("clusters", region, [name], tier))
        return servers

    def server_nodes(self, server: Server) -> tuple[int, str]:
        """Number of nodes and load profile."""
        profiles = self.model.grouping.load_profiles
        there = {self.rows[name]["load_profile"] for name in server.services}
        profile = min(there, key=lambda p: (-self.at(profiles[p].read_replicas), p == "balanced", p))
        if server.arrangement == "single":
            return math.ceil(self.at(self.model.postgres.shared.single_nodes)), profile
        return self.profile_nodes(profile), profile

    def profile_nodes(self, profile: str) -> int:
        replicas = math.ceil(self.at(self.model.grouping.load_profiles[profile].read_replicas))
        return max(math.ceil(self.at(self.model.postgres.storage_formula.replication_factor)), 1 + replicas)

    # --- Valkey ---------------------------------------------------------------------------------------------

    def memory(self, service: str) -> int:
        row, memory = self.rows[service], self.model.valkey.memory_per_service
        if row["valkey_mb"] is not None:
            return row["valkey_mb"]
        return math.ceil(sum(self.at(t.memory_mb) for t in memory.terms.values()) * self.at(memory.overhead_factor))

    @property
    def replicas(self) -> int:
        return math.ceil(self.at(self.model.valkey.clusters.replicas_per_primary))

    def valkey_sizes(self, region: str, shards) -> list[tuple[int, int, int, str, int]]:
        """Sizes as (price of all nodes, shards, rank of the tier, tier, MB), sharded ones with their replicas."""
        clusters, found = self.model.valkey.clusters, []
        for rank, (name, row) in enumerate(self.model.valkey.node_tiers.items()):
            price = self.node_price("caches", region, row)
            room = math.floor(self.at(row.max_memory_mb) * self.at(clusters.memory_share))
            if price is not None:
                found += [(n * (1 + self.replicas) * price, n, rank, name, n * room) for n in shards]
        return found

    @property
    def shards(self) -> range:
        clusters = self.model.valkey.clusters
        return range(math.ceil(self.at(clusters.min_primaries)), math.floor(self.at(clusters.max_primaries)) + 1)

    def asked_cache(self, service: str) -> tuple[str, bool]:
        asked = self.fleet.policy.valkey.of(service, self.rows[service]["domain"])
        if asked != "auto":
            return asked, False
        (row,) = [row for row in self.model.valkey.tiers.values() if row.covers(self.number)]
        return row.arrangement, True

    def decide_valkeys(self) -> list[Valkey]:
        users = [name for name, row in self.rows.items() if row["needs_valkey"]]

        def key(name: str) -> tuple[str, str, str]:
            return self.rows[name]["region"], self.group(name), self.function(name)

        valkeys = []
        for where in sorted({key(name) for name in users}):
            region = where[0]
            here = {
                kind: [name for name in users if key(name) == where and self.asked_cache(name)[0] == kind]
                for kind in ("single", "replicated", "cluster", "federated")
            }
            for kind in ("single", "replicated"):
                sizes = sorted(self.valkey_sizes(region, [1]), key=lambda size: size[2])

                def smallest(names: list[str], sizes=sizes) -> str | None:
                    return next((s[3] for s in sizes if s[4] >= sum(map(self.memory, names))), None)

                if smallest(here[kind]) is None:
                    here["cluster"] += [name for name in here[kind] if self.asked_cache(name)[1]]
                    here[kind] = [name for name in here[kind] if not self.asked_cache(name)[1]]
                if here[kind]:
                    valkeys.append(Valkey(kind, region, here[kind], smallest(here[kind])))
            sizes = self.valkey_sizes(region, self.shards)
            if here["cluster"]:
                holding = [s for s in sizes if s[4] >= sum(map(self.memory, here["cluster"]))]
                if holding:
                    _, shards, _, tier, _ = min(holding)
                    valkeys.append(Valkey("cluster", region, sorted(here["cluster"]), tier, shards))
                else:
                    here["federated"] += here["cluster"]
            bins: list[list[str]] = []
            largest = max(size[4] for size in sizes)
            for name in sorted(here["federated"]):
                for names in bins:
                    if sum(map(self.memory, names)) + self.memory(name) <= largest:
                        names.append(name)
                        break
                else:
                    bins.append([name])
            for names in bins:
                _, shards, _, tier, _ = min(s for s in sizes if s[4] >= sum(map(self.memory, names)))
                valkeys.append(Valkey("federated", region, names, tier, shards))
        return valkeys

    def valkey_nodes(self, valkey: Valkey) -> int:
        return valkey.primaries * (1 if valkey.arrangement == "single" else 1 + self.replicas)


def decide(fleet: Fleet) -> Decisions:
    tier = NaiveTier(fleet)
    pools = fleet.policy.pools
    return Decisions(
        tier.decide_servers() if "databases" in pools else [], tier.decide_valkeys() if "caches" in pools else []
    )
