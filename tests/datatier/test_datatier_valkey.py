"""Caches: memory, arrangements, what may share, sizes, names."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from valkey_fleets import cache_fleet, caches_of, host_size, plan

from placement.datatier.cache_kinds import model_memory_mb

# --- memory ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "memory_mb"),
    [
        ("low", 24),  # (5 + 1 + 0 + 10) × 1.5
        ("typical", 133),  # (27.5 + 5.5 + 0.5 + 55) × 1.5 = 132.75
        ("high", 242),  # (50 + 10 + 1 + 100) × 1.5 = 241.5
    ],
)
def test_blank_memory_is_the_sum_of_the_terms_times_the_overhead(end, memory_mb):
    fleet = cache_fleet({"service": ["a", "b"], "valkey_mb": ["", "57"]}, policy={"demand": end})
    assert model_memory_mb(fleet.model, end) == memory_mb
    assert plan(fleet).caches.select("service", "memory_mb").rows() == [("a", memory_mb), ("b", 57)]


def test_a_service_without_a_cache_has_none():
    fleet = cache_fleet({"service": ["a", "b"], "needs_valkey": ["false", "true"]})
    assert plan(fleet).caches["service"].to_list() == ["b"]


def test_a_fleet_without_caches_has_no_clusters():
    planned = plan(cache_fleet({"service": ["a"], "needs_valkey": ["false"]}))
    assert planned.caches.is_empty()
    assert planned.workloads.is_empty()
    assert planned.certificates == ()
    assert planned.reasons == ()


# --- arrangement ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num_services", "mode", "nodes", "arrangement"),
    [
        (49, "single", 1, "single"),
        (50, "replicated", 2, "replicated"),
        (499, "replicated", 2, "replicated"),
        (500, "cluster", 6, "cluster"),
        (4_999, "cluster", 6, "cluster"),
        (5_000, "cluster", 6, "federated"),
    ],
)
def test_the_number_of_all_services_decides(num_services, mode, nodes, arrangement):
    planned = plan(caches_of([100], idle=num_services - 1))
    assert planned.clusters["mode"].to_list() == [mode]
    assert planned.workloads["instances"].to_list() == [nodes]
    assert planned.summary.services == {arrangement: 1}


def test_from_5000_services_on_there_may_be_several_clusters():
    # 70 × 9,600 MB = 672,000 fit the largest cluster exactly; one MB more does not
    caches = [9_600] * 69 + [9_601]
    planned = plan(caches_of(caches, idle=4_930))
    assert planned.alerts == ()
    assert len(planned.clusters) >= 2
    # 481 × 1,400 = 673,400 MB: as many primaries and replicas at 2.50, or larger ones at the same price by the MB
    assert planned.summary.choice.per_hour == planned.summary.choice.bound_per_hour == 2 * 481 * 2.5
    assert len(plan(caches_of(caches, idle=4_929)).alerts) == 1  # one cluster was asked for


def test_the_most_specific_word_counts():
    columns = {"service": ["a", "b", "c", "d"], "domain": ["x", "x", "y", ""]}
    valkey = {"default": "cluster", "domains": {"x": "replicated"}, "services": {"b": "single", "d": "auto"}}
    planned = plan(cache_fleet(columns, valkey))
    mode = dict(planned.clusters.select("cluster", "mode").iter_rows())
    arranged = {service: mode[cluster] for service, cluster in planned.caches.select("service", "cluster").iter_rows()}
    # four services: auto is single, so that d stands beside b
    assert arranged == {"a": "replicated", "b": "single", "c": "cluster", "d": "single"}
    assert len(planned.clusters) == 3


@pytest.mark.parametrize("arrangement", ["single", "replicated", "cluster", "federated"])
def test_region_isolation_group_and_function_keep_apart(arrangement):
    columns = {
        "service": ["a", "b", "c", "d", "e", "f", "g"],
        "sensitivity": ["public", "internal", "pii", "confidential", "restricted", "internal", "internal"],
        "valkey_function": ["", "cache", "cache", "cache", "cache", "locks", "cache"],
        "region": ["eu", "eu", "eu", "eu", "eu", "eu", "us"],
    }
    planned = plan(cache_fleet(columns, arrangement))
    cluster = dict(planned.caches.select("service", "cluster").iter_rows())
    assert cluster["a"] == cluster["b"]  # public and internal share, and a blank function is cache
    for one, other in combinations("acdefg", 2):
        assert cluster[one] != cluster[other]
    # numbered in the order of their first services
    assert [cluster[service] for service in "acdefg"] == [
        "valkey-eu-cache-01", "valkey-eu-cache-02", "valkey-eu-cache-03", "valkey-eu-cache-04", "valkey-eu-locks-01",
        "valkey-us-cache-01",
    ]  # fmt: skip
    first = planned.clusters.row(0, named=True)
    assert (first["function"], first["sensitivity"], first["services"]) == ("cache", "internal;public", 2)
    assert (first["host_name"], first["port"]) == ("valkey-eu-cache-01.rithmxo.internal", 6379)


# --- sizes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("memory_mb", "tier", "limit"),
    [
        ([1_400], "v-2", 1_400),  # 2,000 × 0.7, exactly full
        ([1_400, 1], "v-4", 2_800),
        ([22_400], "v-32", 22_400),
        ([0], "v-2", 1_400),
    ],
)
@pytest.mark.parametrize(("arrangement", "nodes"), [("single", 1), ("replicated", 2)])
def test_one_server_is_the_smallest_that_holds_all(memory_mb, tier, limit, arrangement, nodes):
    planned = plan(caches_of(memory_mb, arrangement))
    (row,) = planned.clusters.iter_rows(named=True)
    assert (row["tier"], row["primaries"], row["replicas"]) == (tier, 1, nodes - 1)
    assert (row["memory_mb_used"], row["memory_mb_limit"]) == (sum(memory_mb), limit)
    assert planned.summary.choice.gap == 0
    shape = planned.workloads.select("instances", "primaries", "max_per_host", "spread").rows()
    assert shape == [(nodes, 1, 1, "zone")]


@pytest.mark.parametrize("arrangement", ["cluster", "federated"])
@pytest.mark.parametrize(
    ("memory_mb", "tier", "primaries", "price"),
    [
        (0, "v-2", 3, 15.0),
        (1, "v-2", 3, 15.0),  # 3 primaries + 3 replicas at 2.50
        (4_200, "v-2", 3, 15.0),  # 3 × 1,400, exactly full
        (4_201, "v-2", 4, 20.0),  # one MB more
        (7_000, "v-2", 5, 25.0),
        (7_001, "v-4", 3, 30.0),  # as dear as six of v-2, and fewer nodes
        (672_000, "v-32", 30, 2_400.0),  # 30 × 22,400
    ],
)
def test_primaries_follow_from_memory(memory_mb, tier, primaries, price, arrangement):
    planned = plan(caches_of([memory_mb], arrangement))
    (row,) = planned.clusters.iter_rows(named=True)
    assert (row["mode"], row["tier"], row["primaries"], row["replicas"]) == ("cluster", tier, primaries, primaries)
    assert row["node_price_per_hour"] * 2 * primaries == price
    assert planned.summary.choice.gap == 0
    (workload,) = planned.workloads.iter_rows(named=True)
    assert (workload["instances"], workload["primaries"], workload["max_per_host"]) == (2 * primaries, primaries, 2)


@pytest.mark.parametrize("arrangement", ["single", "replicated"])
def test_a_forced_server_that_is_too_small_is_a_reason(arrangement):
    (reason,) = plan(caches_of([22_400, 1], arrangement)).reasons
    assert (reason.kind, reason.value, reason.limit) == ("cache-too-small", 22_401, 22_400)
    assert "22,401 MB" in reason.message
    assert "22,400 MB" in reason.message
    assert "policy.valkey" in reason.repair


def test_what_is_too_much_for_one_server_goes_on_to_a_cluster():
    planned = plan(caches_of([22_400, 1]))  # two services: auto is single
    assert planned.reasons == ()
    assert planned.clusters.select("mode", "services").rows() == [("cluster", 2)]
    (alert,) = planned.alerts
    assert (alert.value, alert.limit) == (22_401, 22_400)


def test_forced_services_stay_when_the_others_go_on():
    planned = plan(caches_of([20_000, 3_000], {"default": "auto", "services": {"s00000": "single"}}))
    assert sorted(planned.clusters.select("mode", "memory_mb_used").rows()) == [("cluster", 3_000), ("single", 20_000)]


def test_what_is_too_much_for_one_cluster_goes_on_to_several():
    planned = plan(caches_of([10_000] * 68, "cluster"))  # 680,000 > 672,000
    assert planned.reasons == ()
    assert len(planned.alerts) == 1
    assert set(planned.clusters["mode"]) == {"cluster"}
    assert len(planned.clusters) >= 2
    assert planned.clusters["memory_mb_used"].sum() == 680_000


def test_a_cache_that_no_cluster_holds_is_a_reason():
    (reason,) = plan(caches_of([672_001, 5], "federated")).reasons
    assert (reason.kind, reason.service) == ("cache-too-large", "s00000")
    assert (reason.value, reason.limit) == (672_001, 672_000)


def test_a_tier_that_no_host_holds_is_not_to_be_had():
    planned = plan(caches_of([1_401], "single", sizes=host_size(2_500, 1)))  # room for v-2 only
    assert [reason.kind for reason in planned.reasons] == ["cache-too-small"]
    planned = plan(caches_of([1], "single", sizes=host_size(2_499, 1)))
    assert [reason.kind for reason in planned.reasons] == ["too-large"]


# --- names ----------------------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,4}[a-z0-9])?", fullmatch=True)


@settings(max_examples=30, deadline=None)
@given(st.sets(NAMES, min_size=1, max_size=12))
def test_no_key_prefix_is_the_beginning_of_another(names):
    prefixes = sorted(plan(cache_fleet({"service": sorted(names)})).caches["key_prefix"])
    assert len(set(prefixes)) == len(names)
    # sorted, a beginning would come right before what it begins
    assert not any(other.startswith(one) for one, other in pairwise(prefixes))


def test_names_are_labels_whatever_functions_are_called():
    columns = {"service": ["a", "b"], "valkey_function": ["Rate Limits / EU", "x" * 60], "region": ["eu", "eu"]}
    names = plan(cache_fleet(columns)).clusters["cluster"].to_list()
    assert names[0] == "valkey-eu-rate-limits---eu-01"
    assert len(names[1]) == 52
    assert names[1].startswith("valkey-eu-xxx")
