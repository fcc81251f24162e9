"""Whole arrangements of databases: tiers at their edges, who shares, nodes, tables, reasons."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from postgres_fleets import databases_of, plan
from valkey_fleets import host_size

from placement.datatier.postgres_clusters import mixtures, nodes_of
from placement.fleet.types import PostgresChoice
from placement.plan.types import DATABASES_SCHEMA, POSTGRES_CLUSTERS_SCHEMA
from placement.workloads import WORKLOADS_SCHEMA


def tier_of(row, postgres="dedicated", **others):
    found = plan(databases_of([row], postgres, **others))
    assert not found.reasons
    return found.databases["tier"][0]


# --- dedicated --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "tier"),
    [
        ({"db_connections": 70}, "s"),  # 100 × 0.7
        ({"db_connections": 71}, "m"),
        ({"db_storage_gb": 10.769}, "s"),  # × 1.3 = 13.9997 GB, of 20 × 0.7 = 14
        ({"db_storage_gb": 10.77}, "m"),  # 14.001
        ({"instances": 12, "db_connections": 1}, "s"),  # 12 × 12.5 = 150 Mbps, of 250 × 0.6
        ({"instances": 13, "db_connections": 1}, "m"),
        ({"db_storage_gb": 10, "db_connections": 70}, "s"),  # 700 + 100 MB of 1,400
        ({"db_storage_gb": 538.461}, "xl"),  # 699,999.3 MB, of 1,000 × 0.7
        ({"instances": 28, "db_connections": 20}, "xl"),  # 560 = 800 × 0.7
    ],
)
def test_a_dedicated_server_is_the_smallest_that_holds_the_service(row, tier):
    assert tier_of(row) == tier


def test_memory_decides_too():
    # 200 GB: 2,000 MB cached; 140 connections: 1,400; together more than m's 2,800 MB, and storage wants l anyway;
    # 50 GB and 140 connections: 500 + 1,400 = 1,900 of 2,800, more than s's 1,400
    assert tier_of({"db_storage_gb": 50, "db_connections": 140}) == "m"


def test_too_many_clients_for_every_tier_go_through_pgbouncers():
    found = plan(databases_of([{"db_connections": 561}], "dedicated"))
    row = found.databases.row(0, named=True)
    # 2 × (10 + 3) connections, 260 + 5.5 MB: the smallest tier does
    assert (row["tier"], row["clients"], row["connections"], row["pool_size"]) == ("s", 561, 26, 10)
    assert found.clusters["pgbouncers"].to_list() == [2]
    assert found.summary.pgbouncers == 2
    # one connection fewer is served directly
    assert plan(databases_of([{"db_connections": 560}], "dedicated")).clusters["pgbouncers"].to_list() == [0]


def test_a_database_beyond_the_largest_tier_is_a_reason():
    found = plan(databases_of([{"db_storage_gb": 538.462}, {}], "dedicated"))
    (reason,) = found.reasons
    assert (reason.kind, reason.service, reason.resource) == ("database-too-large", "s0000", "storage")
    assert (reason.value, reason.limit) == (700.001, 700)  # 538,462 × 1.3 = 700,000.6
    assert "xl" in reason.message
    # the PgBouncers of a cluster take 2 × 7,000 clients
    assert not plan(databases_of([{"db_connections": 14_000}], "dedicated")).reasons
    assert plan(databases_of([{"db_connections": 14_001}], "dedicated")).reasons


def test_tables_of_a_dedicated_server():
    found = plan(
        databases_of(
            [{"instances": 2, "load_profile": "read-heavy", "domain": "a;b", "db_storage_gb": 10}], "dedicated"
        )
    )
    assert found.databases.to_dicts() == [
        {
            "service": "s0000", "cluster": "postgresql-s0000", "arrangement": "dedicated", "database": "s0000_db",
            "host_name": "postgresql-s0000.rithmxo.internal", "port": 5432, "tier": "s", "storage_class": "medium",
            "clients": 40, "connections_per_instance": 20, "pool_size": 0, "reserve_pool_size": 0, "connections": 40,
            "storage_gb": 13.0,
        }
    ]  # fmt: skip
    (cluster,) = found.clusters.to_dicts()
    expected = {
        "cluster": "postgresql-s0000", "region": "main", "domains": "a;b", "load_profile": "read-heavy", "nodes": 3,
        "sensitivity": "internal", "connections_used": 40, "connections_limit": 70, "max_connections": 100,
        "storage_gb_used": 13.0, "storage_gb_limit": 14.0, "cpu_cores_used": 0.06, "cpu_cores_limit": 0.7,
        "memory_mb_used": 500, "memory_mb_limit": 1400, "network_mbps_used": 25.0, "network_mbps_limit": 150.0,
        "node_price_per_hour": 2.0, "services": 1, "clients": 40, "pgbouncers": 0,
    }  # fmt: skip
    assert {key: cluster[key] for key in expected} == expected
    (node,) = found.workloads.to_dicts()
    assert node == {
        "workload": "postgresql-s0000", "pool": "databases", "kind": "postgres", "region": "main", "tier": "s",
        "instances": 3, "primaries": 1, "max_per_host": 1, "spread": "zone", "cpu_millicores": 1000,
        "memory_mb": 2000, "open_files": 20_000, "threads": 150, "disk_mb": 20_000, "network_kbps": 250_000,
    }  # fmt: skip
    assert found.summary.services == {"dedicated": 1}
    assert (found.summary.nodes, found.summary.storage_gb, found.summary.domain_spread) == (3, 39.0, 0)
    assert found.summary.choice is None


# --- one server -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("num", "tier"), [(14, "shared-s"), (15, "shared-m"), (28, "shared-m"), (29, "shared-l")])
def test_a_single_server_is_the_smallest_that_holds_all(num, tier):
    # 20 connections each, of 280 and 560; 12.5 Mbps each, of 600; 206 MB each, of 5,600
    found = plan(databases_of([{}] * num))
    assert found.clusters.select("tier", "nodes", "arrangement", "pgbouncers").rows() == [(tier, 1, "single", 0)]
    assert found.clusters["cluster"][0] == "pg-main-shared-01"


def test_isolation_groups_and_regions_have_servers_of_their_own():
    rows = [{"sensitivity": word} for word in ("public", "internal", "pii", "restricted", "confidential")]
    rows += [{"sensitivity": "pii", "region": "eu"}, {"load_profile": "read-heavy"}, {"load_profile": "write-heavy"}]
    rows = [{"region": "us"} | row for row in rows]
    found = plan(databases_of(rows))
    assert sorted(found.clusters.select("region", "sensitivity").rows()) == [
        ("eu", "pii"), ("us", "confidential"), ("us", "internal;public"), ("us", "pii"), ("us", "restricted"),
    ]  # fmt: skip


def test_what_is_too_much_for_one_server_goes_to_clusters_or_is_a_reason():
    rows = [{"db_storage_gb": 400}, {"db_storage_gb": 200}]  # 780 GB of 700
    found = plan(databases_of(rows))
    assert found.clusters["arrangement"].to_list() == ["clusters", "clusters"]
    (alert,) = found.alerts
    assert (alert.value, alert.limit) == (780.0, 700.0)
    assert found.databases["connections_per_instance"].to_list() == [10, 10]
    (reason,) = plan(databases_of(rows, "single")).reasons
    assert (reason.kind, reason.value, reason.limit) == ("server-too-small", 780, 700)
    # those that the policy wants on it stay
    found = plan(databases_of(rows, {"services": {"s0000": "single"}}))
    assert found.databases["arrangement"].to_list() == ["single", "clusters"]


# --- clusters ---------------------------------------------------------------------------------------------------


def test_load_profiles_keep_apart_and_balanced_joins_either():
    rows = [{"load_profile": word} for word in ("read-heavy", "write-heavy", "balanced")]
    found = plan(databases_of(rows, "clusters", idle=60))
    nodes = dict(found.clusters.select("load_profile", "nodes").rows())
    assert nodes == {"read-heavy": 3, "write-heavy": 2}
    # (3 + 2) nodes at 8 % of a host of 100
    assert found.summary.choice.per_hour == 40.0
    assert found.clusters["node_price_per_hour"].to_list() == [8.0, 8.0]
    assert found.clusters["pgbouncers"].to_list() == [2, 2]


def test_a_balanced_cluster_has_the_nodes_of_its_own():
    found = plan(databases_of([{}, {}], "clusters", idle=60))
    assert found.clusters.select("load_profile", "nodes", "services").rows() == [("balanced", 2, 2)]


def test_a_small_fleet_connects_to_clusters_directly():
    found = plan(databases_of([{"instances": 3}], "clusters"))
    assert found.databases.select("connections", "clients", "pool_size").rows() == [(30, 30, 0)]
    assert found.clusters["pgbouncers"].to_list() == [0]


def with_profiles(fleet, **profiles):
    grouping = fleet.model.grouping
    rows = dict(grouping.load_profiles)
    for name, (replicas, apart) in profiles.items():
        base = rows.get(name, rows["balanced"])
        figure = base.read_replicas.model_copy(update=dict.fromkeys(("low", "typical", "high"), replicas))
        rows[name] = base.model_copy(update={"read_replicas": figure, "apart_from": tuple(apart)})
    model = fleet.model.model_copy(update={"grouping": grouping.model_copy(update={"load_profiles": rows})})
    return dataclasses.replace(fleet, model=model)


def found_mixtures(**profiles):
    fleet = with_profiles(databases_of([{}]), **profiles)
    return {mixture.name: (sorted(mixture.profiles), mixture.num_nodes) for mixture in mixtures(fleet.model, "typical")}


def test_kinds_of_clusters_by_load_profile():
    assert found_mixtures() == {
        "read-heavy": (["balanced", "read-heavy"], 3),
        "write-heavy": (["balanced", "write-heavy"], 2),
    }
    # balanced with more replicas than write-heavy: without it a cluster is cheaper
    assert found_mixtures(balanced=(2, ())) == {
        "balanced+read-heavy": (["balanced", "read-heavy"], 3),
        "balanced+write-heavy": (["balanced", "write-heavy"], 3),
        "write-heavy": (["write-heavy"], 2),
    }
    # write-heavy with more than balanced: a cluster of balanced alone is cheaper
    assert set(found_mixtures(**{"write-heavy": (2, ["read-heavy"])})) == {"read-heavy", "write-heavy", "balanced"}
    assert found_mixtures(**{"read-heavy": (1, ()), "write-heavy": (1, ())}) == {
        "balanced": (["balanced", "read-heavy", "write-heavy"], 2)
    }


def test_profiles_that_keep_apart_only_from_some():
    # a–b and c–d: a and c may be together, a and b may not
    found = found_mixtures(
        a=(1, ["b"]), b=(1, ["a"]), c=(1, ["d"]), d=(1, ["c"]), **{"read-heavy": (1, ()), "write-heavy": (1, ())}
    )
    assert sorted(found) == ["a+c", "a+d", "b+c", "b+d"]


@pytest.mark.parametrize(("replicas", "nodes"), [(0, 2), (1, 2), (2, 3), (4, 5)])
def test_nodes_follow_the_replication_factor_and_read_replicas(replicas, nodes):
    fleet = with_profiles(databases_of([{}]), balanced=(replicas, ()))
    assert nodes_of(fleet.model, "balanced", "typical") == nodes


def test_a_service_that_no_cluster_holds_is_a_reason():
    found = plan(databases_of([{"db_storage_gb": 540}, {}], "clusters", idle=60))
    (reason,) = found.reasons
    assert (reason.kind, reason.service, reason.value, reason.limit) == ("database-too-large", "s0000", 702, 700)
    assert found.databases["service"].to_list() == ["s0001"]
    # 2 × 7,000 clients
    assert not plan(databases_of([{"db_connections": 14_000}], "clusters", idle=60)).reasons
    (reason,) = plan(databases_of([{"db_connections": 14_001}], "clusters", idle=60)).reasons
    assert (reason.resource, reason.value, reason.limit) == ("clients", 14_001, 14_000)


@pytest.mark.parametrize("arrangement", ["single", "clusters", "dedicated"])
def test_where_no_host_holds_a_node_of_any_tier(arrangement):
    (reason,) = plan(databases_of([{}, {}], arrangement, idle=60, sizes=host_size(1_000, 1))).reasons
    assert reason.kind == "no-tier"
    assert "region main" in reason.message


def test_a_tier_that_no_host_holds_is_not_to_be_had():
    # hosts of 20,000 MB hold dedicated xl (16,000) and shared-m, not shared-l (32,000): 28 GB × 0.7 ... 700 of 1,500
    sizes = host_size(20_000, 20)
    found = plan(databases_of([{"db_connections": 20}] * 40, "single", sizes=sizes))
    (reason,) = found.reasons  # 800 connections: shared-l would do, shared-m may give 560
    assert (reason.kind, reason.limit) == ("server-too-small", 560)
    (reason,) = plan(databases_of([{"db_storage_gb": 200}], "clusters", idle=60, sizes=sizes)).reasons
    assert reason.kind == "no-tier"
    assert "shared-l" in reason.message


def test_words_by_domain_and_service():
    rows = [{"domain": "a"}, {"domain": "a"}, {"domain": "b"}, {"domain": "c"}]
    choice = {"default": "single", "domains": {"a": "dedicated", "b": "clusters"}, "services": {"s0001": "clusters"}}
    found = plan(databases_of(rows, choice))
    assert found.databases["arrangement"].to_list() == ["dedicated", "clusters", "clusters", "single"]
    assert found.summary.services == {"single": 1, "clusters": 2, "dedicated": 1}
    assert found.clusters["cluster"].to_list() == ["pg-main-a-01", "pg-main-c-01", "postgresql-s0000"]


def test_services_without_a_database_have_none():
    found = plan(databases_of([], idle=3))
    assert found.databases.is_empty()
    assert (found.databases.schema, found.clusters.schema) == (
        pl.Schema(DATABASES_SCHEMA),
        pl.Schema(POSTGRES_CLUSTERS_SCHEMA),
    )
    assert found.workloads.schema == pl.Schema(WORKLOADS_SCHEMA)
    assert found.summary.clusters == 0


def test_connections_beyond_the_models_thresholds_alert():
    fleet = databases_of([{"db_connections": 90}], "dedicated")
    postgres = fleet.model.postgres
    share = postgres.limits.connections.model_copy(update=dict.fromkeys(("low", "typical", "high"), 0.9))
    limits = postgres.limits.model_copy(update={"connections": share})
    model = fleet.model.model_copy(update={"postgres": postgres.model_copy(update={"limits": limits})})
    fleet = dataclasses.replace(fleet, model=model)
    alerts = plan(fleet).alerts
    assert [(alert.level, alert.value, alert.limit) for alert in alerts] == [
        ("critical", 0.9, 0.85),
        ("warning", 0.9, 0.7),
    ]
    assert not plan(databases_of([{"db_connections": 70}], "dedicated")).alerts


def test_an_alternative_is_planned_by_another_policy():
    fleet = databases_of([{}] * 3, "dedicated", idle=60)
    other = dataclasses.replace(
        fleet, policy=fleet.policy.model_copy(update={"postgres": PostgresChoice(default="clusters")})
    )
    assert plan(fleet).summary.services == {"dedicated": 3}
    assert plan(other).summary.services == {"clusters": 3}


def test_tables_are_sorted_and_agree():
    rows = [{"domain": f"d{n % 4}", "db_storage_gb": 1 + 20 * (n % 7), "instances": 1 + n % 3} for n in range(60)]
    found = plan(databases_of(rows, {"default": "clusters", "domains": {"d0": "dedicated"}}))
    assert found.databases["service"].is_sorted()
    assert found.clusters["cluster"].is_sorted()
    assert found.workloads["workload"].to_list() == found.clusters["cluster"].to_list()
    assert found.workloads["instances"].to_list() == found.clusters["nodes"].to_list()
    by_cluster = found.databases.group_by("cluster").agg(
        pl.len().cast(pl.Int64), pl.col("connections", "clients").sum()
    )
    joined = found.clusters.join(by_cluster, on="cluster", validate="1:1")
    assert joined["services"].to_list() == joined["len"].to_list()
    assert joined["connections_used"].to_list() == joined["connections"].to_list()
    assert joined["clients"].to_list() == joined["clients_right"].to_list()
    assert found.summary.nodes == int(found.clusters["nodes"].sum())
    assert all(before <= after for before, after in pairwise(found.databases["service"]))
    assert np.isclose(found.summary.choice.gap, found.summary.choice.per_hour / found.summary.choice.bound_per_hour - 1)
