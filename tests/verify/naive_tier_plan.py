"""A naive plan written down from the decisions of `naive_datatier`: every table, name and node."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import polars as pl
from naive_datatier import SERVER, Decisions, NaiveTier, Server, Valkey, decide
from naive_network import with_network
from naive_planner import NaivePlanner
from naive_tier_summary import postgres_certificates, postgres_summary, valkey_certificates, valkey_summary

from placement.fleet.types import Fleet
from placement.plan.types import (
    CACHES_SCHEMA,
    DATABASES_SCHEMA,
    NODES_SCHEMA,
    POSTGRES_CLUSTERS_SCHEMA,
    VALKEY_CLUSTERS_SCHEMA,
    DataTierSummary,
    Plan,
    PlatformService,
)
from placement.units import RESOURCES

# --- names ------------------------------------------------------------------------------------------------------


def cut(name: str, most: int = 52, mark: str = "-") -> str:
    return name if len(name) <= most else name[: most - 9] + mark + hashlib.sha256(name.encode()).hexdigest()[:8]


def label(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "-", text.lower())


def server_names(tier: NaiveTier, servers: list[Server]) -> list[str]:
    names, counted = {}, Counter()
    for at, server in sorted(enumerate(servers), key=lambda pair: min(pair[1].services)):
        if server.arrangement == "dedicated":
            names[at] = cut(f"postgresql-{min(server.services)}")
            continue
        domains = Counter(tier.rows[name]["domain"] for name in server.services if tier.rows[name]["domain"])
        main = min(domains, key=lambda d: (-domains[d], d)) if domains else "shared"
        stem = f"pg-{server.region}-{label(main)}"
        counted[stem] += 1
        names[at] = cut(f"{stem}-{counted[stem]:02d}")
    return [names[at] for at in range(len(servers))]


def valkey_names(tier: NaiveTier, valkeys: list[Valkey]) -> list[str]:
    names, counted = {}, Counter()
    for at, valkey in sorted(enumerate(valkeys), key=lambda pair: min(pair[1].services)):
        stem = f"valkey-{valkey.region}-{label(tier.function(valkey.services[0]))}"
        counted[stem] += 1
        names[at] = cut(f"{stem}-{counted[stem]:02d}")
    return [names[at] for at in range(len(valkeys))]


def texts(values) -> str:
    return ";".join(sorted({value for value in values if value}))


# --- the plan ---------------------------------------------------------------------------------------------------


def naive_tier_plan(fleet: Fleet, tamper: Callable[[Decisions], None] = lambda _: None) -> Plan | None:
    """Plan a fleet with its data tier; None where something is too large for every tier, or finds no place."""
    decisions = decide(fleet)
    if any(cluster.tier is None for cluster in (*decisions.servers, *decisions.valkeys)):
        return None
    tamper(decisions)
    return write_down(fleet, decisions)


def write_down(fleet: Fleet, decisions: Decisions) -> Plan | None:
    tier = NaiveTier(fleet)
    tables, workloads, postgres = postgres_tables(tier, decisions.servers)
    cache_tables, more, valkey = valkey_tables(tier, decisions.valkeys)
    tables |= cache_tables
    workloads += more
    platform: list[PlatformService] = []
    if "platform" in fleet.policy.pools:
        services, more = platform_services(tier)
        platform += services
        workloads += more
    workloads = [row for row in workloads if row["pool"] in fleet.policy.pools]
    planner = NaivePlanner(fleet, workloads)
    placed = planner.place_all()
    if placed is None:
        return None
    # proofs are about what the fleet asks for, whatever a test made of it
    asked = decide(fleet)
    certificates = (*postgres_certificates(tier, asked), *valkey_certificates(tier, asked))
    plan = planner.assemble([row[1:] for row in placed if row[0] == "services"], certificates)
    zones = {host.name: host.zone for host in planner.hosts}
    nodes = [row for row in placed if row[0] != "services"]
    pools = fleet.policy.pools
    summary = DataTierSummary(
        postgres=postgres_summary(tier, decisions, certificates, postgres) if "databases" in pools else None,
        valkey=valkey_summary(tier, decisions, certificates, valkey) if "caches" in pools else None,
        platform=tuple(platform),
    )
    plan = replace(
        plan,
        summary=plan.summary.model_copy(update={"data_tier": summary if pools != ["services"] else None}),
        nodes=node_table(nodes, {row["name"]: row for row in workloads}, zones),
        **tables,
    )
    return with_network(plan, fleet)


def workload(
    name: str,
    pool: str,
    kind: str,
    region: str,
    tier: str,
    number: int,
    most: int,
    demand,
    shards: int = 0,
    sharded: bool = False,
) -> dict:
    return {
        "name": name, "pool": pool, "kind": kind, "region": region, "tier": tier, "instances": number,
        "max_per_host": most, "spread": "zone", "demand": demand, "shards": shards, "sharded": sharded,
    }  # fmt: skip


def postgres_tables(tier: NaiveTier, servers: list[Server]):
    postgres, databases, clusters, workloads = tier.model.postgres, [], [], []
    for server, name in zip(servers, server_names(tier, servers), strict=True):
        pooled = tier.pooled(server)
        rows = postgres.tiers if server.arrangement == "dedicated" else postgres.cluster_tiers
        row = rows[server.tier]
        number, profile = tier.server_nodes(server)
        if server.arrangement == "dedicated":
            pattern, port = postgres.dedicated.host_name_pattern, postgres.dedicated.port
            stem = name.removeprefix("postgresql-")
            host = pattern.format(service=stem, service_underscored=stem.replace("-", "_"))
        else:
            host, port = postgres.shared.host_name_pattern.format(cluster=name), postgres.shared.port
        totals: Counter[str] = Counter()
        for service in server.services:
            f = tier.figures(service, server.arrangement, pooled)
            totals.update({key: f[key] for key in SERVER})
            pattern = postgres.dedicated.database_name_pattern
            database = pattern.format(service=service, service_underscored=service.replace("-", "_"))
            databases.append({
                "service": service, "cluster": name, "arrangement": server.arrangement,
                "database": cut(database, 63, "_"), "host_name": host, "port": int(port.typical), "tier": server.tier,
                "storage_class": f["class"], "clients": f["clients"], "connections_per_instance": f["per_instance"],
                "pool_size": f["pool"], "reserve_pool_size": f["reserve"], "connections": f["connections"],
                "storage_gb": f["storage"] / 1000,
            })  # fmt: skip
        limits = tier.server_limits(row, pooled)
        there = [tier.rows[service] for service in server.services]
        clusters.append({
            "cluster": name, "region": server.region, "arrangement": server.arrangement,
            "domains": texts(r["domain"] for r in there), "load_profile": profile,
            "sensitivity": texts(r["sensitivity"] for r in there), "tier": server.tier, "host_name": host,
            "port": int(port.typical), "nodes": number, "pgbouncers": tier.processes if pooled else 0,
            "services": len(there), "clients": totals["clients"],
            "max_connections": math.floor(tier.at(row.max_connections)),
            "connections_used": totals["connections"], "connections_limit": limits["connections"],
            "storage_gb_used": totals["storage"] / 1000, "storage_gb_limit": limits["storage"] / 1000,
            "cpu_cores_used": totals["cpu"] / 1000, "cpu_cores_limit": limits["cpu"] / 1000,
            "memory_mb_used": totals["memory"], "memory_mb_limit": limits["memory"],
            "network_mbps_used": totals["network"] / 1000, "network_mbps_limit": limits["network"] / 1000,
            "node_price_per_hour": tier.node_price("databases", server.region, row) / 1e6,
        })  # fmt: skip
        workloads.append(
            workload(name, "databases", "postgres", server.region, server.tier, number, 1, tier.needs(row), 1)
        )
        if pooled:
            demand = tier.needs(postgres.pgbouncer.node)
            workloads.append(
                workload(
                    cut(f"pgbouncer-{name}"), "platform", "pgbouncer", server.region, "", tier.processes, 1, demand
                )
            )
    tables = {
        "databases": pl.DataFrame(databases, schema=DATABASES_SCHEMA).sort("service"),
        "postgres_clusters": pl.DataFrame(clusters, schema=POSTGRES_CLUSTERS_SCHEMA).sort("cluster"),
    }
    return tables, workloads, clusters


def valkey_tables(tier: NaiveTier, valkeys: list[Valkey]):
    model, caches, clusters, workloads = tier.model.valkey, [], [], []
    for valkey, name in zip(valkeys, valkey_names(tier, valkeys), strict=True):
        row = model.node_tiers[valkey.tier]
        there = [tier.rows[service] for service in valkey.services]
        room = math.floor(tier.at(row.max_memory_mb) * tier.at(model.clusters.memory_share))
        number = tier.valkey_nodes(valkey)
        sharded = valkey.arrangement in ("cluster", "federated")
        caches += [
            {"service": service, "cluster": name, "key_prefix": f"{service}:", "memory_mb": tier.memory(service)}
            for service in valkey.services
        ]
        clusters.append({
            "cluster": name, "region": valkey.region, "function": tier.function(valkey.services[0]),
            "domains": texts(r["domain"] for r in there), "sensitivity": texts(r["sensitivity"] for r in there),
            "mode": "cluster" if sharded else valkey.arrangement, "tier": valkey.tier,
            "host_name": model.clusters.host_name_pattern.format(cluster=name),
            "port": int(model.clusters.port.typical), "primaries": valkey.primaries,
            "replicas": number - valkey.primaries, "services": len(there),
            "memory_mb_used": sum(map(tier.memory, valkey.services)), "memory_mb_limit": valkey.primaries * room,
            "node_price_per_hour": tier.node_price("caches", valkey.region, row) / 1e6,
        })  # fmt: skip
        most = min(1 + tier.replicas, valkey.primaries) if sharded else 1
        workloads.append(
            workload(
                name,
                "caches",
                "valkey",
                valkey.region,
                valkey.tier,
                number,
                most,
                tier.needs(row),
                valkey.primaries,
                sharded,
            )
        )
    tables = {
        "caches": pl.DataFrame(caches, schema=CACHES_SCHEMA).sort("service"),
        "valkey_clusters": pl.DataFrame(clusters, schema=VALKEY_CLUSTERS_SCHEMA).sort("cluster"),
    }
    return tables, workloads, clusters


def platform_services(tier: NaiveTier):
    model, services, workloads = tier.model, [], []
    regions = sorted({row["region"] for row in tier.rows.values()})

    def add(kind: str, region: str, number: int, most: int, node, measures: dict[str, Fraction]) -> None:
        name = cut(f"{kind}-{region}")
        values = {key: float(value) for key, value in measures.items()}
        services.append(PlatformService(service=name, kind=kind, region=region, nodes=number, measures=values))
        workloads.append(workload(name, "platform", kind, region, "", number, most, tier.needs(node)))

    for region in regions:
        here = [row for row in tier.rows.values() if row["region"] == region]
        instances = sum(row["instances"] for row in here)
        for kind, section in (("registry", model.registry), ("sia", model.sia)):
            (row,) = [row for row in section.tiers.values() if row.covers(tier.number)]
            if row.instances is None:
                number = math.ceil(tier.at(section.regional_instances))
            else:
                backup = getattr(row, "backup_instances", None)
                whole = tier.at(row.instances) + (tier.at(backup) if backup else 0)
                number = math.ceil(math.ceil(whole) / Fraction(len(regions)))
            if kind == "registry":
                measures = {"heartbeats_per_second": instances / tier.at(row.heartbeat_interval_seconds)}
            else:
                measures = {"certificate_requests_per_day": instances / tier.at(section.certificate_rotation_days)}
            add(kind, region, number, 1, section.node, measures)
        seen, at = model.observability, tier.at
        spans = (
            len(here)
            * at(seen.traces.spans_per_second)
            * at(seen.traces.production_sampling_share)
            / at(seen.traces.sampling_share)
        )
        points = len(here) * at(seen.metrics.datapoints_per_minute) / 60
        logs = len(here) * at(seen.logs.mb_per_day) / 86400
        rows = seen.collectors
        number = max(
            math.ceil(spans / at(rows.spans_per_second)), math.ceil(points / at(rows.datapoints_per_second)),
            math.ceil(logs / at(rows.log_mb_per_second)), math.ceil(at(rows.min_instances)),
        )  # fmt: skip
        add(
            "collector",
            region,
            number,
            2,
            rows.node,
            {"spans_per_second": spans, "datapoints_per_second": points, "log_mb_per_second": logs},
        )
        rows, day = seen.stores, 86400
        kept = {
            "hot_logs_gb": logs * day * at(seen.logs.retention_hot_days) / 1000,
            "metrics_gb": points * day * at(rows.metrics_retention_days) * at(rows.bytes_per_datapoint) / 10**9,
            "traces_gb": spans * day * at(rows.traces_retention_days) * at(rows.bytes_per_span) / 10**9,
        }
        usable = math.floor(at(rows.node.disk_gb) * 1000 * at(rows.usable_disk_share))
        number = max(math.ceil(sum(kept.values()) * 1000 / usable), math.ceil(at(rows.min_instances)))
        kept["warm_logs_gb"] = (
            logs * day * (at(seen.logs.retention_warm_days) - at(seen.logs.retention_hot_days)) / 1000
        )
        kept["cold_logs_gb"] = (
            logs * day * (at(seen.logs.retention_cold_days) - at(seen.logs.retention_warm_days)) / 1000
        )
        add("store", region, number, 2, rows.node, kept)
    return services, workloads


# --- nodes ------------------------------------------------------------------------------------------------------


def node_table(
    placed: list[tuple[str, str, int, str]], workloads: dict[str, dict], zones: dict[str, str]
) -> pl.DataFrame:
    rows = []
    for name in sorted({row[1] for row in placed}):
        of = workloads[name]
        hosts = sorted((zones[host], host) for _, workload_name, _, host in placed if workload_name == name)
        shards = [at % of["shards"] + 1 if of["sharded"] else 0 for at in range(len(hosts))]
        primaries = chosen_primaries([host for _, host in hosts], shards) if of["shards"] else []
        for at, ((_, host), shard) in enumerate(zip(hosts, shards, strict=True)):
            role = "member" if not of["shards"] else "primary" if at in primaries else "replica"
            row = {
                "node": f"{name}-{at + 1}", "pool": of["pool"], "kind": of["kind"], "workload": name, "role": role,
                "shard": shard, "region": of["region"], "tier": of["tier"], "host": host,
            }  # fmt: skip
            for resource, d in zip(RESOURCES, of["demand"], strict=True):
                row[resource.column] = d if resource.factor == 1 else d / resource.factor
            rows.append(row)
    return pl.DataFrame(rows, schema=NODES_SCHEMA).sort("node")


def chosen_primaries(hosts: list[str], shards: list[int]) -> list[int]:
    """One node of each shard, no two on a host: the first combination of all there are."""
    by_shard = [[at for at, s in enumerate(shards) if s == shard] for shard in sorted(set(shards))]
    chosen: list[int] = []

    def extend(at: int) -> bool:
        if at == len(by_shard):
            return True
        for node in by_shard[at]:
            if hosts[node] not in {hosts[other] for other in chosen}:
                chosen.append(node)
                if extend(at + 1):
                    return True
                chosen.pop()
        return False

    assert extend(0)
    return chosen
