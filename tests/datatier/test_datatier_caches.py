"""The choice of sharded clusters: cheapest mixes with their proof, filling, whole plans."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from valkey_fleets import caches_of, host_size, plan, proven

from placement.datatier.cache_cut import cut_up
from placement.datatier.cache_fill import fill_clusters, subset_near
from placement.datatier.cache_kinds import CacheKind, cache_kinds
from placement.datatier.cache_mix import cheapest_mix
from placement.datatier.node_price import NodePrices
from placement.fleet import Fleet, read_fleet
from placement.plan.types import CACHES_SCHEMA, VALKEY_CLUSTERS_SCHEMA
from placement.workloads import WORKLOADS_SCHEMA


def kinds_of(fleet: Fleet) -> tuple[CacheKind, ...]:
    return cache_kinds(fleet, NodePrices(fleet, "caches"), fleet.services["region"][0])["cluster"]


# --- mixes ----------------------------------------------------------------------------------------------------


def test_tiers_are_mixed_where_that_is_cheapest():
    prices = {"v-2": 44_240, "v-4": 88_480, "v-8": 176_959, "v-16": 353_918, "v-32": 696_599}
    kinds = [dataclasses.replace(kind, price=kind.nodes * prices[kind.tier]) for kind in kinds_of(caches_of([1]))]
    mix = cheapest_mix("eu", "g/f", 169_254, kinds)
    # by the MB v-32 is the cheapest: 7 × 22,400 = 156,800 MB; the other 12,454 take 9 × 1,400 = 12,600 MB
    assert mix.price == 14 * 696_599 + 18 * 44_240
    bound = mix.certificate.bound_micros_per_hour
    assert proven(mix.certificate, kinds, [1] * 169_254) >= bound >= mix.price * (1 - 1e-4)
    # of the mixes of this price that of fewest nodes: 3 of v-4 and 3 of v-2 for the 9 of v-2
    cut = cut_up(169_254, mix.price, mix.primaries, kinds, seed=1)
    assert [kinds[kind].as_choice.name for kind in cut] == ["v-32/7", "v-4/3", "v-2/3"]


@st.composite
def small_markets(draw) -> tuple[list[CacheKind], int]:
    least = draw(st.integers(1, 4))
    most = least + draw(st.integers(0, 5))
    replicas = draw(st.integers(0, 2))
    kinds = []
    for tier in range(draw(st.integers(1, 3))):
        limit, price = draw(st.integers(1, 12)) * 5, draw(st.integers(1, 60))
        kinds += [
            CacheKind("cluster", f"t{tier}", P, P * (1 + replicas), P * limit, P * (1 + replicas) * price)
            for P in range(least, most + 1)
        ]
    return kinds, draw(st.integers(1, 700))


@settings(max_examples=150, deadline=None)
@given(small_markets())
def test_the_mix_is_the_cheapest_and_its_certificate_proves_it(market):
    kinds, total = market
    mix = cheapest_mix("eu", "g/f", total, kinds)
    best = [0]
    for need in range(1, total + 1):
        best.append(min(kind.price + best[max(0, need - kind.limit_mb)] for kind in kinds))
    assert best[total] >= mix.certificate.bound_micros_per_hour
    assert mix.price - best[total] <= mix.price / 20_000
    assert mix.price - mix.certificate.bound_micros_per_hour <= mix.price / 20_000
    assert proven(mix.certificate, kinds, [1] * total) >= mix.certificate.bound_micros_per_hour


@settings(max_examples=20, deadline=None)
@given(small_markets())
def test_a_mix_is_cut_up_into_clusters_at_its_price(market):
    kinds, total = market
    mix = cheapest_mix("eu", "g/f", total, kinds)
    cut = cut_up(total, mix.price, mix.primaries, kinds, seed=1)
    assert sum(kinds[kind].limit_mb for kind in cut) >= total
    assert sum(kinds[kind].price for kind in cut) <= mix.price
    assert sum(kinds[kind].primaries for kind in cut) <= sum(mix.primaries.values())


def test_large_caches_are_left_to_the_engine():
    # clusters of v-2 only, with 3 primaries: 4,200 MB hold one cache of 3,000, so that five caches need five of them
    fleet = caches_of([3_000] * 5, "federated", sizes=host_size(2_500, 1), override=_AT_MOST_THREE)
    planned = plan(fleet)
    assert planned.clusters["primaries"].to_list() == [3] * 5
    assert planned.summary.choice.gap == 0


_AT_MOST_THREE = {"valkey": {"clusters": {"max_primaries": 3}}}


# --- filling --------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=12), st.integers(0, 120))
def test_subsets_fit_and_come_as_near_as_can_be(sizes, limit):
    ordered = np.array(sorted(sizes, reverse=True), np.int64)
    chosen = subset_near(ordered, limit)
    sums = {0}
    for size in sizes:
        sums |= {total + size for total in sums}
    assert len(set(chosen.tolist())) == len(chosen)
    assert ordered[chosen].sum() == max(total for total in sums if total <= limit)


def test_clusters_are_filled_to_the_last_megabyte_with_domains_together():
    random = np.random.default_rng(1)
    memory = random.integers(20, 160, 5_000)
    domain = random.integers(0, 24, 5_000)
    limit = -(-int(memory.sum()) // 8)
    cluster_of = fill_clusters(memory, domain, [limit] * 8)
    assert cluster_of is not None
    assert (np.bincount(cluster_of, memory, 8) <= limit).all()
    assert len(set(zip(domain.tolist(), cluster_of.tolist(), strict=True))) <= 24 + 8 - 1


def test_what_does_not_fit_is_told():
    assert fill_clusters(np.array([3, 3, 3]), np.zeros(3, np.int64), [5, 5]) is None


# --- whole plans ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fleet():
    return read_fleet("fixtures/fleet-5000")


@pytest.fixture(scope="module")
def planned(fleet):
    return plan(fleet)


def test_certificates_of_a_plan_prove_their_bounds(fleet, planned):
    served = planned.caches.join(planned.clusters.select("cluster", "function"), on="cluster").join(
        fleet.services.select("service", "sensitivity"), on="service"
    )
    groups = {certificate.group: certificate for certificate in planned.certificates}
    assert len(groups) == len(planned.certificates) == 16  # 4 isolation groups, 4 functions
    for name, certificate in groups.items():
        group, function = name.split("/")
        here = served.filter(pl.col("sensitivity").is_in(group.split("+")), function=function)
        memory = here["memory_mb"].to_list()
        assert memory
        assert proven(certificate, kinds_of(fleet), memory) >= certificate.bound_micros_per_hour > 0
    assert 0 <= planned.summary.choice.gap < 1e-4
    assert planned.summary.choice.bound_per_hour <= planned.summary.choice.per_hour


def test_the_tables_of_a_plan_agree(fleet, planned):
    assert dict(planned.caches.schema) == CACHES_SCHEMA
    assert dict(planned.clusters.schema) == VALKEY_CLUSTERS_SCHEMA
    assert dict(planned.workloads.schema) == WORKLOADS_SCHEMA
    assert planned.caches["service"].to_list() == fleet.services.filter("needs_valkey")["service"].to_list()
    assert planned.workloads["workload"].to_list() == planned.clusters["cluster"].to_list()
    used = planned.caches.group_by("cluster").agg(pl.col("memory_mb").sum(), pl.len()).sort("cluster")
    assert used["memory_mb"].to_list() == planned.clusters["memory_mb_used"].to_list()
    assert used["len"].cast(pl.Int64).to_list() == planned.clusters["services"].to_list()
    assert (planned.clusters["memory_mb_used"] <= planned.clusters["memory_mb_limit"]).all()
    assert planned.clusters["primaries"].is_between(3, 30).all()
    assert planned.clusters["replicas"].to_list() == planned.clusters["primaries"].to_list()
    assert planned.workloads["instances"].to_list() == (2 * planned.clusters["primaries"]).to_list()
    # laid out one after the other, domains make fewer pairs than domains and clusters together, in each of 16 sets
    pairs = planned.caches.join(fleet.services.select("service", "domain"), on="service").filter(pl.col("domain") != "")
    assert planned.summary.domain_spread == pairs.select("domain", "cluster").n_unique()
    assert planned.summary.domain_spread <= 16 * fleet.services["domain"].n_unique() + len(planned.clusters)


def test_a_plan_is_the_same_again(fleet, planned):
    again = plan(fleet)
    assert planned.caches.equals(again.caches)
    assert planned.clusters.equals(again.clusters)
    assert planned.certificates == again.certificates
