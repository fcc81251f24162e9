"""Data tiers: naive plans are clean, and every injected violation is named, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from harbour import FLEETS, copy_row, drop_row, set_cells
from naive_datatier import Decisions, Server
from naive_tier_plan import naive_tier_plan
from town import set_host, set_summary, straighten

from placement.plan.types import Plan
from placement.verify import check_plan

Tamper = Callable[[Decisions], None]
Edit = Callable[[Plan], Plan]


def planned(name: str, tamper: Tamper = lambda _: None) -> Plan:
    plan = naive_tier_plan(FLEETS[name], tamper)
    assert plan is not None
    return plan


PLANS = {name: planned(name) for name in FLEETS}
SHARDED = "valkey-east-cache-01"
SHOP = "pg-east-shop-01"


@pytest.mark.parametrize("name", FLEETS)
def test_naive_plans_are_clean_with_their_fleet_and_alone(name: str) -> None:
    assert [str(finding) for finding in check_plan(PLANS[name], FLEETS[name]).findings] == []
    assert [str(finding) for finding in check_plan(PLANS[name], None).findings] == []
    assert straighten(PLANS[name], FLEETS[name]).summary == PLANS[name].summary


def test_the_fleets_have_every_arrangement() -> None:
    arrangements = {a for plan in PLANS.values() for a in plan.postgres_clusters["arrangement"].to_list()}
    modes = {mode for plan in PLANS.values() for mode in plan.valkey_clusters["mode"].to_list()}
    kinds = {kind for plan in PLANS.values() for kind in plan.nodes["kind"].to_list()}
    assert arrangements == {"single", "clusters", "dedicated"}
    assert modes == {"single", "replicated", "cluster"}
    assert kinds == {"postgres", "pgbouncer", "valkey", "registry", "sia", "collector", "store"}
    assert {c.pool for plan in PLANS.values() for c in plan.bounds.certificates} >= {"postgres", "valkey"}


# --- decisions that break a rule, written down with all that follows from them -----------------------------------


def server_of(decisions: Decisions, service: str) -> Server:
    return next(server for server in decisions.servers if service in server.services)


def move_database(service: str, beside: str, tier: str = "shared-m") -> Tamper:
    def tamper(decisions: Decisions) -> None:
        source, target = server_of(decisions, service), server_of(decisions, beside)
        source.services.remove(service)
        target.services.append(service)
        target.tier = tier
        if not source.services:
            decisions.servers.remove(source)

    return tamper


def move_cache(service: str, beside: str, tier: str | None = None) -> Tamper:
    def tamper(decisions: Decisions) -> None:
        source = next(valkey for valkey in decisions.valkeys if service in valkey.services)
        target = next(valkey for valkey in decisions.valkeys if beside in valkey.services)
        source.services.remove(service)
        target.services.append(service)
        target.tier = tier or target.tier
        if not source.services:
            decisions.valkeys.remove(source)

    return tamper


def set_server(service: str, **fields: Any) -> Tamper:
    def tamper(decisions: Decisions) -> None:
        for name, value in fields.items():
            setattr(server_of(decisions, service), name, value)

    return tamper


def set_valkey(service: str, **fields: Any) -> Tamper:
    def tamper(decisions: Decisions) -> None:
        valkey = next(valkey for valkey in decisions.valkeys if service in valkey.services)
        for name, value in fields.items():
            setattr(valkey, name, value)

    return tamper


def split_server(service: str, tier: str) -> Tamper:
    """Give a service a server apart from the others'."""

    def tamper(decisions: Decisions) -> None:
        server = server_of(decisions, service)
        server.services.remove(service)
        decisions.servers.append(replace(server, services=[service], tier=tier))

    return tamper


DECIDED: list[tuple[str, str, Tamper, set[str]]] = [
    ("restricted beside internal", "pooled", move_database("doctor", "basket"), {"isolation"}),
    ("readers beside writers", "pooled", move_database("freight", "basket"), {"load-profiles-together"}),
    ("cluster of another region", "pooled", move_database("gate", "export"), {"cluster-region"}),
    ("too many connections", "clusters", set_server("catalog", tier="shared-s"), {"cluster-over-limit"}),
    ("dedicated and too small", "dedicated", set_server("catalog", tier="m"), {"cluster-over-limit"}),
    ("dedicated and too large", "dedicated", set_server("doctor", tier="m"), {"tier-wrong"}),
    ("single and too large", "single", set_server("doctor", tier="shared-m"), {"tier-wrong"}),
    ("a server of its own for two", "dedicated", move_database("gate", "account", "xl"),
        {"arrangement-wrong", "tier-wrong"}),
    ("one cluster more than need be", "clusters", split_server("gate", "shared-s"), set()),
    ("two single servers of a group", "single", split_server("gate", "shared-s"), {"arrangement-wrong"}),
    ("clusters where one server was asked for", "single", set_server("doctor", arrangement="clusters"),
        {"arrangement-wrong"}),
    ("locks beside a cache", "caches and platform", move_cache("freight", "account", "v-16"),
        {"functions-together"}),
    ("restricted locks beside internal ones", "pooled", move_cache("doctor", "freight"), {"isolation"}),
    ("cache of another region", "single", move_cache("export", "gate"), {"cluster-region"}),
    ("cache over its memory", "clusters", set_valkey("gate", tier="v-8"), {"cluster-over-limit"}),
    ("cache larger than need be", "clusters", set_valkey("doctor", tier="v-4"), {"tier-wrong"}),
    ("shards that cost too much", "pooled", set_valkey("freight", primaries=4), {"tier-wrong"}),
    ("too few shards", "pooled", set_valkey("freight", primaries=2, tier="v-4"), {"primaries-wrong"}),
    ("replicas not asked for", "single", set_valkey("doctor", arrangement="replicated"), {"arrangement-wrong"}),
    ("federation over its memory", "federated", move_cache("bee", "ant"),
        {"cluster-over-limit", "bound-above-cost"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "tamper", "kinds"), [row[1:] for row in DECIDED], ids=[row[0] for row in DECIDED])
def test_a_forbidden_decision_is_named_and_nothing_else(name: str, tamper: Tamper, kinds: set[str]) -> None:
    found = check_plan(planned(name, tamper), FLEETS[name])
    assert set(found.counts) == kinds, [str(finding) for finding in found.findings]


# --- tables that say something false -----------------------------------------------------------------------------


def host_of(plan: Plan, node: str) -> str:
    return str(plan.nodes.filter(node=node)["host"].item())


def host_like(plan: Plan, node: str, **where: Any) -> str:
    """The used host of the node's pool, without any node of its workload, that has most room."""
    row = plan.nodes.filter(node=node).row(0, named=True)
    taken = plan.nodes.filter(workload=row["workload"])["host"]
    hosts = plan.hosts.filter(pool=row["pool"], spare=False, **where).filter(~pl.col("host").is_in(taken.implode()))
    return str(hosts.sort(pl.col("memory_mb_limit") - pl.col("memory_mb_used"))["host"][-1])


def set_node(node: str, /, **cells: Any) -> Edit:
    return lambda p: set_cells(p, "nodes", node, **cells)


def set_tier(path: str, value: Any) -> Edit:
    return lambda p: set_summary(p, f"data_tier.{path}", value)


def swap_nodes(one: str, other: str) -> Edit:
    """Exchange two nodes' hosts."""
    return lambda p: set_cells(set_cells(p, "nodes", one, host=host_of(p, other)), "nodes", other, host=host_of(p, one))


def swap_roles(one: str, other: str) -> Edit:
    def edit(plan: Plan) -> Plan:
        roles = [plan.nodes.filter(node=name)["role"].item() for name in (one, other)]
        return set_cells(set_cells(plan, "nodes", one, role=roles[1]), "nodes", other, role=roles[0])

    return edit


def both_pgbouncers_on_a_host(plan: Plan) -> Plan:
    first, second = (f"pgbouncer-{SHOP}-{number}" for number in (1, 2))
    host = host_like(plan, first, region="east")
    return set_cells(set_cells(plan, "nodes", first, host=host), "nodes", second, host=host)


def instance_to_database_host(plan: Plan) -> Plan:
    host = plan.nodes.filter(kind="postgres", region="east")["host"][0]
    moved = pl.when((pl.col("service") == "gate") & (pl.col("instance") == 1)).then(pl.lit(host)).otherwise("host")
    return replace(plan, assignments=plan.assignments.with_columns(host=moved))


def rename_cluster(plan: Plan) -> Plan:
    """Call a cluster otherwise, in every table."""
    names = {"pg-west-data---co-01": "pg-west-trade-01", "pgbouncer-pg-west-data---co-01": "pgbouncer-pg-west-trade-01"}
    host_names = {f"{old}.rithmxo.internal": f"{new}.rithmxo.internal" for old, new in names.items()}
    nodes = plan.nodes.with_columns(
        pl.col("workload").replace(names),
        node=pl.when(pl.col("workload").is_in(list(names)))
        .then(pl.col("workload").replace(names) + "-" + pl.col("node").str.extract(r"(\d+)$"))
        .otherwise("node"),
    )
    changed = [pl.col("cluster").replace(names), pl.col("host_name").replace(host_names)]
    databases, clusters = plan.databases.with_columns(changed), plan.postgres_clusters.with_columns(changed)
    return replace(plan, nodes=nodes, databases=databases, postgres_clusters=clusters)


def unknown_tier(plan: Plan) -> Plan:
    """Give a cluster a tier that the model does not have, in every table."""
    is_there = pl.col("tier") == "shared-m"
    tier = pl.when(is_there).then(pl.lit("shared-xxl")).otherwise("tier").alias("tier")
    tables = {name: getattr(plan, name).with_columns(tier) for name in ("databases", "postgres_clusters", "nodes")}
    return replace(plan, **tables)


def without_certificate(pool: str) -> Edit:
    def edit(plan: Plan) -> Plan:
        kept = tuple(certificate for certificate in plan.bounds.certificates if certificate.pool != pool)
        return replace(plan, bounds=plan.bounds.model_copy(update={"certificates": kept}))

    return edit


def on_certificate(pool: str, edit_one: Callable[[dict[str, Any]], None]) -> Edit:
    def edit(plan: Plan) -> Plan:
        data = plan.bounds.model_dump()
        edit_one(next(certificate for certificate in data["certificates"] if certificate["pool"] == pool))
        return replace(plan, bounds=type(plan.bounds).model_validate(data))

    return edit


def drop_class(certificate: dict[str, Any]) -> None:
    certificate["classes"] = certificate["classes"][1:]
    certificate["tree"]["proof"]["weights"] = certificate["tree"]["proof"]["weights"][1:]


EDITED: list[tuple[str, str, Edit, set[str]]] = [
    # databases.csv
    ("database left out", "pooled", lambda p: drop_row(p, "databases", "gate"),
        {"database-missing", "cluster-wrong", "data-tier-wrong"}),
    ("database of nobody", "pooled", lambda p: copy_row(p, "databases", "gate", service="ghost"),
        {"unknown-service"}),
    ("database for nothing", "pooled", lambda p: copy_row(p, "databases", "gate", service="yard", database="yard_db"),
        {"database-unneeded"}),
    ("database twice", "pooled", lambda p: copy_row(p, "databases", "gate"), {"database-twice"}),
    ("cluster nobody knows", "dedicated", lambda p: set_cells(p, "databases", "gate", cluster="postgresql-gatehouse"),
        {"unknown-cluster", "cluster-unused", "data-tier-wrong", "unknown-workload", "bound-too-high"}),
    ("arrangement misstated", "pooled", lambda p: set_cells(p, "databases", "gate", arrangement="dedicated"),
        {"arrangement-wrong", "data-tier-wrong"}),
    ("clients misstated", "pooled", lambda p: set_cells(p, "databases", "gate", clients=21), {"database-wrong"}),
    ("pool of an instance", "pooled", lambda p: set_cells(p, "databases", "gate", connections_per_instance=5),
        {"database-wrong"}),
    ("pool too large", "pooled", lambda p: set_cells(p, "databases", "gate", pool_size=11), {"database-wrong"}),
    ("reserve too large", "pooled", lambda p: set_cells(p, "databases", "gate", reserve_pool_size=5),
        {"database-wrong"}),
    ("connections misstated", "pooled", lambda p: set_cells(p, "databases", "gate", connections=25),
        {"database-wrong"}),
    ("storage without growth", "pooled", lambda p: set_cells(p, "databases", "account", storage_gb=3.1),
        {"database-wrong"}),
    ("storage class", "pooled", lambda p: set_cells(p, "databases", "account", storage_class="small"),
        {"database-wrong"}),
    ("tier not the cluster's", "pooled", lambda p: set_cells(p, "databases", "account", tier="shared-xl"),
        {"database-wrong"}),
    ("database name", "pooled", lambda p: set_cells(p, "databases", "gate", database="gate"),
        {"database-name-wrong"}),
    ("database name of another", "dedicated", lambda p: set_cells(p, "databases", "gate", database="hold_db"),
        {"database-name-wrong"}),
    ("host name of a database", "pooled", lambda p: set_cells(p, "databases", "gate", host_name="db.example"),
        {"address-wrong"}),
    ("port of a database", "pooled", lambda p: set_cells(p, "databases", "gate", port=6432), {"address-wrong"}),
    # postgres_clusters.csv
    ("cluster twice", "pooled", lambda p: copy_row(p, "postgres_clusters", SHOP), {"cluster-twice"}),
    ("cluster of nobody", "pooled", lambda p: copy_row(p, "postgres_clusters", SHOP, cluster="pg-east-shop-02"),
        {"cluster-unused", "data-tier-wrong"}),
    *[(f"cluster's {column}", "pooled", lambda p, c=column, v=value: set_cells(p, "postgres_clusters", SHOP, **{c: v}),
        {"cluster-wrong"}) for column, value in {
            "domains": "people;shop", "load_profile": "balanced", "sensitivity": "internal", "services": 3,
            "clients": 61, "nodes": 2, "pgbouncers": 1, "max_connections": 900, "connections_used": 25,
            "connections_limit": 800, "storage_gb_used": 1.0, "storage_gb_limit": 250.0, "cpu_cores_used": 0.1,
            "cpu_cores_limit": 4.0, "memory_mb_used": 1, "memory_mb_limit": 16000, "network_mbps_used": 1.0,
            "network_mbps_limit": 2000.0, "node_price_per_hour": 0.01}.items()],
    ("tier nobody knows", "pooled", unknown_tier, {"tier-wrong", "bound-too-high"}),
    ("host name of a cluster", "pooled", lambda p: set_cells(p, "postgres_clusters", SHOP, host_name="db.example"),
        {"address-wrong"}),
    ("name of a cluster", "pooled", rename_cluster, {"cluster-name-wrong"}),
    # caches.csv and valkey_clusters.csv
    ("cache left out", "clusters", lambda p: drop_row(p, "caches", "gate"),
        {"cache-missing", "cluster-wrong", "data-tier-wrong"}),
    ("cache of nobody", "clusters", lambda p: copy_row(p, "caches", "gate", service="ghost", key_prefix="ghost:"),
        {"unknown-service"}),
    ("cache for nothing", "clusters", lambda p: copy_row(p, "caches", "gate", service="yard", key_prefix="yard:"),
        {"cache-unneeded"}),
    ("cache twice", "clusters", lambda p: copy_row(p, "caches", "gate"), {"cache-twice"}),
    ("memory of a cache", "clusters", lambda p: set_cells(p, "caches", "gate", memory_mb=1000), {"cache-wrong"}),
    ("key prefix", "clusters", lambda p: set_cells(p, "caches", "gate", key_prefix="gate/"), {"key-prefix-wrong"}),
    ("key prefix that begins others", "clusters", lambda p: set_cells(p, "caches", "gate", key_prefix="h"),
        {"key-prefix-clash"}),
    ("key prefix of another", "clusters", lambda p: set_cells(p, "caches", "gate", key_prefix="hold:"),
        {"key-prefix-clash"}),
    *[(f"Valkey's {column}", "pooled", lambda p, c=column, v=value: set_cells(p, "valkey_clusters", SHARDED, **{c: v}),
        {"cluster-wrong"}) for column, value in {
            "function": "locks", "domains": "", "sensitivity": "internal", "replicas": 6, "services": 5,
            "memory_mb_used": 1, "memory_mb_limit": 14000, "node_price_per_hour": 0.01}.items()
            if column not in ("function", "replicas")],
    ("port of a Valkey", "pooled", lambda p: set_cells(p, "valkey_clusters", SHARDED, port=6380), {"address-wrong"}),
    # nodes.csv
    ("node twice", "pooled", lambda p: set_cells(p, "nodes", f"{SHOP}-3", node=f"{SHOP}-2"), {"node-twice"}),
    ("node's name", "pooled", set_node(f"{SHOP}-3", node=f"{SHOP}-03"), {"node-name-wrong"}),
    ("node of another kind", "single", set_node("store-east-1", kind="lake"), {"node-differs"}),
    ("node of another tier", "pooled", set_node(f"{SHOP}-3", tier="shared-l"), {"node-differs"}),
    ("node's memory", "single", set_node("store-east-1", memory_mb=8000), {"node-demand-wrong"}),
    ("node's CPU by a hair", "single", set_node("store-east-1", cpu_cores=4.0001), {"node-demand-wrong"}),
    ("two primaries", "pooled", set_node(f"{SHOP}-3", role="primary"), {"role-wrong"}),
    ("no primary", "pooled", set_node(f"{SHOP}-1", role="replica"), {"role-wrong"}),
    ("role nobody knows", "single", set_node("store-east-1", role="primary"), {"role-wrong"}),
    ("shard nobody knows", "pooled", set_node(f"{SHARDED}-1", shard=9), {"shard-wrong", "role-wrong"}),
    ("shard of a server", "pooled", set_node(f"{SHOP}-3", shard=1), {"shard-wrong"}),
]  # fmt: skip

# … and with loads of hosts, sums and counts that follow from where nodes and instances stand
MOVED: list[tuple[str, str, Edit, set[str]]] = [
    ("node left out", "pooled", lambda p: drop_row(p, "nodes", f"{SHOP}-3"), {"node-missing"}),
    ("registry left out", "single", lambda p: drop_row(p, "nodes", "registry-west-1"), {"node-missing"}),
    ("PgBouncer left out", "pooled", lambda p: drop_row(p, "nodes", f"pgbouncer-{SHOP}-2"), {"node-missing"}),
    ("node too many", "single", lambda p: copy_row(p, "nodes", "sia-west-1", node="sia-west-2",
        host=host_like(p, "sia-west-1", region="west")), {"node-surplus"}),
    ("node of nothing", "single", lambda p: copy_row(p, "nodes", "sia-west-1", node="lake-1", workload="lake"),
        {"unknown-workload"}),
    ("node on no host", "pooled", set_node(f"{SHOP}-3", host="nowhere"), {"unknown-host"}),
    ("node on a host for services", "single", lambda p: set_cells(p, "nodes", "sia-west-1",
        host=p.assignments.filter(service="hold")["host"][0]), {"wrong-pool"}),
    ("instance on a host for databases", "single", instance_to_database_host, {"wrong-pool"}),
    ("node in another region", "single", lambda p: set_cells(p, "nodes", "sia-west-1",
        host=host_like(p, "sia-west-1", region="east")), {"wrong-region"}),
    ("PgBouncers together", "pooled", both_pgbouncers_on_a_host, {"max-per-host", "spread"}),
    ("a shard's nodes in one zone", "pooled", swap_nodes(f"{SHARDED}-2", f"{SHARDED}-8"), {"shard-together"}),
    ("a shard's nodes on one host", "pooled", swap_nodes("valkey-west-cache-01-2", "valkey-west-cache-01-4"),
        {"shard-together"}),
    ("two primaries on a host", "pooled", swap_roles(f"{SHARDED}-1", f"{SHARDED}-8"), {"primaries-together"}),
    ("shards of unequal size", "pooled", set_node("valkey-west-cache-01-4", shard=2), {"shard-wrong"}),
    ("spare of a pool left out", "pooled", lambda p: drop_row(p, "hosts",
        p.hosts.filter(pool="caches", region="west", spare=True)["host"].item()), {"spare-short"}),
    ("host changes its pool", "pooled", lambda p: set_host(p, p.hosts.filter(
        pool="caches", region="west", spare=True)["host"].item(), pool="platform"), {"spare-short", "spare-too-small"}),
]  # fmt: skip

# plan.json and bounds.json
SAID: list[tuple[str, str, Edit, set[str]]] = [
    *[(f"summary: postgres.{path}", "mixed", set_tier(f"postgres.{path}", value), {"data-tier-wrong"})
        for path, value in {"services": {"clusters": 8}, "clusters": 5, "nodes": 1, "pgbouncers": 0,
            "storage_gb": 1.0, "domain_spread": 1, "choice.per_hour": 0.1, "choice.bound_per_hour": 0.1,
            "choice.gap": 0.0, "choice": None}.items()],
    *[(f"summary: valkey.{path}", "federated", set_tier(f"valkey.{path}", value), {"data-tier-wrong"})
        for path, value in {"services": {"cluster": 3}, "clusters": 1, "primaries": 5, "replicas": 5,
            "memory_mb_used": 70_000, "memory_mb_limit": 1, "domain_spread": 1, "choice.per_hour": 0.1,
            "choice.bound_per_hour": 0.1, "choice.gap": 0.0}.items()],
    ("summary: no data tier", "single", lambda p: set_summary(p, "data_tier", None), {"data-tier-wrong"}),
    ("summary: no platform", "single", set_tier("platform", ()), {"data-tier-wrong"}),
    ("summary: nodes of a platform service", "single", lambda p: set_tier("platform",
        [row.model_dump() | {"nodes": 9} for row in p.summary.data_tier.platform])(p), {"data-tier-wrong"}),
    ("summary: a measure", "single", lambda p: set_tier("platform",
        [row.model_dump() | {"measures": dict.fromkeys(row.measures, 1.5)} for row in p.summary.data_tier.platform])(p),
        {"data-tier-wrong"}),
    ("called optimal", "caches and platform", lambda p: set_summary(p, "status", "optimal"), {"status-wrong"}),
    ("no proof of a choice", "pooled", without_certificate("postgres"), {"certificate-missing", "data-tier-wrong"}),
    ("no proof of a Valkey choice", "federated", without_certificate("valkey"),
        {"certificate-missing", "data-tier-wrong"}),
    ("a choice proven too well", "pooled", on_certificate("postgres", lambda c: c.update(
        bound_micros_per_hour=c["bound_micros_per_hour"] * 2)), {"bound-too-high", "data-tier-wrong"}),
    ("a choice of another group", "pooled", on_certificate("postgres", lambda c: c.update(group="pii")),
        {"certificate-invalid", "certificate-missing"}),
    ("a kind of cluster left out", "pooled", on_certificate("postgres", drop_class), {"certificate-invalid"}),
    ("a kind of cluster nobody knows", "pooled", on_certificate("postgres", lambda c: c["classes"][0].update(
        buyable="shared-s/idle")), {"certificate-invalid"}),
    ("a kind of cluster twice", "pooled", on_certificate("postgres", lambda c: c["classes"][0].update(
        buyable=c["classes"][1]["buyable"])), {"certificate-invalid"}),
    ("weights of too few resources", "pooled", on_certificate("postgres", lambda c: c["tree"]["proof"].update(
        weights=[row[:6] for row in c["tree"]["proof"]["weights"]])), {"certificate-invalid"}),
    ("a pool's proof claims too much", "pooled", lambda p: straighten(on_certificate("caches", lambda c: c.update(
        bound_micros_per_hour=c["bound_micros_per_hour"] + 10**4))(p), FLEETS["pooled"]), {"bound-too-high"}),
]  # fmt: skip


def judge(name: str, plan: Plan, kinds: set[str]) -> None:
    found = check_plan(plan, FLEETS[name])
    assert set(found.counts) == kinds, [str(finding) for finding in found.findings]


def straightened(name: str, edit: Edit) -> Plan:
    """Edit a plan; loads of hosts follow the nodes, and a host that is left without any is none any more."""
    plan = straighten(edit(PLANS[name]), FLEETS[name])
    kept = (pl.col("instances") > 0) | pl.col("spare")
    return straighten(replace(plan, hosts=plan.hosts.filter(kept)), FLEETS[name])


@pytest.mark.parametrize(("name", "edit", "kinds"), [row[1:] for row in EDITED], ids=[row[0] for row in EDITED])
def test_a_false_cell_is_named_and_nothing_else(name: str, edit: Edit, kinds: set[str]) -> None:
    judge(name, edit(PLANS[name]), kinds)


@pytest.mark.parametrize(("name", "edit", "kinds"), [row[1:] for row in MOVED], ids=[row[0] for row in MOVED])
def test_a_misplaced_node_is_named_and_nothing_else(name: str, edit: Edit, kinds: set[str]) -> None:
    judge(name, straightened(name, edit), kinds)


@pytest.mark.parametrize(("name", "edit", "kinds"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_a_false_summary_or_proof_is_named_and_nothing_else(name: str, edit: Edit, kinds: set[str]) -> None:
    judge(name, edit(PLANS[name]), kinds)


def test_rows_of_a_pool_that_is_not_planned() -> None:
    whole, part = PLANS["single"], FLEETS["caches and platform"]
    counts = check_plan(whole, part).counts
    assert counts["pool-not-planned"] > 10  # instances, hosts, databases, clusters, nodes


KINDS = {
    kind for table in (DECIDED, EDITED, MOVED, SAID) for row in table for kind in row[3]
} | {"pool-not-planned"}  # fmt: skip
"""Kinds of findings that are injected here."""


def test_at_least_fifteen_more_kinds_are_injected() -> None:
    # what the violations of plans without a data tier have in test_verify_violations
    assert len(KINDS - {"certificate-missing", "unknown-host", "unknown-service", "wrong-region", "spread"}) >= 40
