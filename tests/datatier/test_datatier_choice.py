"""Choosing clusters and bringing domains together in them: limits, cost, proofs, whatever things are called."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_fleets import databases_of, plan

from placement.datatier.choice import Kind, brought_together, canonical_order, choose_clusters, loads, tightened
from placement.datatier.cohesion import domain_pairs
from placement.datatier.cohesion_cpsat import fewer_pairs, lower_share
from placement.datatier.cohesion_kernels import level
from placement.datatier.cohesion_state import Seating
from placement.datatier.groups import isolation_groups
from placement.fleet import read_fleet
from placement.packing.options import Options
from placement.plan.types import Leaf, WeightsProof

FIXTURE = "fixtures/fifty"
EVEN = np.array([True, True])
KINDS = (Kind("small", (100, 50), 10), Kind("large", (400, 250), 38))


def items(num, seed, num_domains=5):
    """Many small items and a few that fill a large part of a cluster."""
    random = np.random.default_rng(seed)
    demand = np.stack([random.integers(1, 20, num), random.integers(1, 8, num)], axis=1)
    large = random.random(num) < 0.1
    demand[large, 0] = random.integers(60, 300, large.sum())
    domains = random.choice([f"d{n}" for n in range(num_domains)] + [""], num).tolist()
    order = canonical_order(demand, domains)
    return demand[order].astype(np.int64), [domains[n] for n in order]


def choose(demand, kinds=KINDS, **options):
    names = [f"s{n:05}" for n in range(len(demand))]
    return choose_clusters(
        "postgres", "eu", "pii", names, demand, kinds, Options(**options), lambda _: None, lambda: False
    )


def numbered(domains):
    names = sorted(set(domains) - {""})
    return np.array([names.index(name) if name else -1 for name in domains])


def obeys(chosen, demand, kinds=KINDS):
    limit = np.array([kind.limits for kind in kinds])[chosen.kind_of]
    load = loads(chosen.cluster_of, len(chosen.kind_of), demand)
    return bool((load <= limit).all() and (np.bincount(chosen.cluster_of, minlength=len(limit)) > 0).all())


@pytest.mark.parametrize(("num", "seed"), [(1, 0), (7, 1), (60, 2), (400, 3)])
def test_clusters_hold_what_is_in_them_and_cost_at_least_their_bound(num, seed):
    demand, _ = items(num, seed)
    chosen = choose(demand)
    assert obeys(chosen, demand)
    assert chosen.cost == sum(KINDS[kind].price for kind in chosen.kind_of)
    assert chosen.bound <= chosen.cost
    certificate = chosen.certificate
    assert (certificate.pool, certificate.region, certificate.group) == ("postgres", "eu", "pii")
    assert {kind.buyable for kind in certificate.classes} == {"small", "large"}
    assert certificate.bound_micros_per_hour == chosen.bound


def test_a_weights_certificate_proves_its_bound_by_hand():
    demand, _ = items(400, 3)
    leaf = choose(demand).certificate.tree
    assert isinstance(leaf, Leaf)
    assert isinstance(leaf.proof, WeightsProof)
    weights = np.array(leaf.proof.weights, dtype=object)
    for row, kind in zip(weights, KINDS, strict=True):
        assert sum(w * limit for w, limit in zip(row, kind.limits, strict=True)) <= kind.price * leaf.scale
    fits = np.array([[(item <= kind.limits).all() for kind in KINDS] for item in demand])
    worth = [
        min(w for w, fit in zip(item @ weights.T, holds, strict=True) if fit)
        for item, holds in zip(demand, fits, strict=True)
    ]
    bound = -(-sum(worth) // leaf.scale)
    assert bound + bound % 2 >= choose(demand).bound  # prices 10 and 38: every cost is even


def test_large_choices_are_near_their_bound():
    demand, _ = items(3_000, 4)
    chosen = choose(demand)
    assert (chosen.cost - chosen.bound) / chosen.bound <= 0.01


def test_clusters_get_the_cheapest_kind_that_holds_them():
    demand = np.array([[90, 10], [10, 10], [300, 10]])
    kinds = (*KINDS, Kind("same", (100, 50), 10))
    kind_of, cluster_of = tightened(np.array([1, 1, 1]), np.array([0, 0, 2]), demand, kinds)
    # the empty one goes; of equal price the first
    assert (kind_of.tolist(), cluster_of.tolist()) == ([0, 1], [0, 0, 1])


@pytest.mark.parametrize(("num", "seed"), [(1, 0), (30, 5), (60, 2), (400, 3), (2_000, 6)])
def test_domains_come_together_at_no_cost(num, seed):
    demand, domains = items(num, seed)
    chosen = choose(demand)
    together = brought_together(chosen, demand, KINDS, domains, EVEN, Options(), lambda: False)
    assert obeys(together, demand)
    assert together.cost <= chosen.cost
    assert (together.bound, together.certificate) == (chosen.bound, chosen.certificate)
    number = numbered(domains)
    before, after = domain_pairs(chosen.cluster_of, number), domain_pairs(together.cluster_of, number)
    assert after <= before
    if num >= 400:
        assert after <= 0.5 * before
    again = brought_together(chosen, demand, KINDS, domains, EVEN, Options(), lambda: False)
    assert (again.cluster_of == together.cluster_of).all()


def test_without_domains_only_the_fill_is_evened_out():
    demand = np.array([[50, 1], [40, 1], [10, 1], [10, 1]])
    kinds = (Kind("one", (100, 50), 10),)
    chosen = dataclasses.replace(choose(demand, kinds), kind_of=np.array([0, 0]), cluster_of=np.array([0, 0, 0, 1]))
    together = brought_together(chosen, demand, kinds, [""] * 4, EVEN, Options(), lambda: False)
    # 110 in two clusters of 100: 60 and 50 is the best
    assert sorted(loads(together.cluster_of, 2, demand)[:, 0].tolist()) == [50, 60]


def seating(demand, domain, limit, cluster_of):
    return Seating.of(np.array(demand), np.array(domain), np.array(limit), np.array(cluster_of))


def test_the_solver_finds_the_exchange_of_three_for_one():
    # cluster 0 has d0 30 and d1 3 × 10, cluster 1 has d1 30 and d0 3 × 10: only all at once keeps within 60
    demand = [[30]] + [[10]] * 3 + [[30]] + [[10]] * 3
    domain = [0, 1, 1, 1, 1, 0, 0, 0]
    found = seating(demand, domain, [[60], [60]], [0, 0, 0, 0, 1, 1, 1, 1])
    assert found.num_pairs == 4
    fewer_pairs(found, seed=1, over=lambda: False)
    assert found.num_pairs == 2
    assert (found.residual == 0).all()


def test_levelling_makes_no_pair_more():
    # d0 in cluster 0 and d1 in cluster 1; without domains 60 + 40 would go to 50 + 50
    demand, domain = [[10]] * 10, [0] * 6 + [1] * 4
    start = [0] * 6 + [1] * 4
    found = seating(demand, domain, [[100], [100]], start)
    even = np.array([True])
    level(*found.arrays, found.limit, even, 10_000, 1)
    lower_share(found, even, seed=1, over=lambda: False)
    assert found.cluster_of.tolist() == start
    free = seating(demand, [-1] * 10, [[100], [100]], start)
    level(*free.arrays, free.limit, even, 10_000, 1)
    assert free.shares(even).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("policy", ["clusters"])
def test_a_fleet_costs_the_same_whatever_its_services_are_called(policy):
    random = np.random.default_rng(8)
    rows = [
        {
            "domain": f"d{random.integers(4)}", "sensitivity": str(random.choice(["pii", "internal", "public"])),
            "load_profile": str(random.choice(["read-heavy", "write-heavy", "balanced"])),
            "db_storage_gb": float(random.choice([0.5, 3, 40, 250])) + int(random.integers(5)),
            "instances": int(random.integers(1, 4)),
        }
        for _ in range(120)
    ]  # fmt: skip
    order = random.permutation(len(rows))
    first = plan(databases_of(rows, policy))
    second = plan(databases_of([rows[n] for n in order], policy))
    assert first.summary == second.summary
    assert [c.bound_micros_per_hour for c in first.certificates] == [
        c.bound_micros_per_hour for c in second.certificates
    ]


CELLS = st.fixed_dictionaries(
    {
        "domain": st.sampled_from(["", "a", "b", "c"]),
        "sensitivity": st.sampled_from(["public", "internal", "pii", "restricted"]),
        "load_profile": st.sampled_from(["read-heavy", "write-heavy", "balanced"]),
        "db_storage_gb": st.sampled_from([0, 0.5, 2, 30, 90, 300, 530]),
        "db_connections": st.sampled_from(["", 0, 5, 40, 300]),
        "instances": st.integers(1, 4),
        "region": st.sampled_from(["eu", "us"]),
    }
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(CELLS, min_size=1, max_size=25),
    st.sampled_from(
        ["auto", "single", "clusters", "dedicated", {"default": "clusters", "domains": {"a": "dedicated"}}]
    ),
    st.sampled_from([0, 60]),
)
def test_every_arrangement_obeys_its_rules(rows, postgres, idle):
    if isinstance(postgres, dict) and not any(row["domain"] == "a" for row in rows):
        postgres = "clusters"
    fleet = databases_of([*rows, *[{"region": "eu"}] * idle], postgres)
    found = plan(fleet)
    assert all(reason.kind in {"database-too-large", "server-too-small"} for reason in found.reasons)
    joined = found.databases.join(fleet.services, on="service", validate="1:1")
    if not found.reasons:
        assert joined["service"].to_list() == fleet.services["service"].to_list()
    group_of = {name: group.name for group in isolation_groups(fleet.model.grouping) for name in group.classes}
    joined = joined.with_columns(group=pl.col("sensitivity").replace_strict(group_of))
    for cluster, members in joined.group_by("cluster"):
        assert members["group"].n_unique() == members["region"].n_unique() == 1, cluster
        profiles = set(members["load_profile"])
        if members["arrangement"][0] == "clusters":
            assert not {"read-heavy", "write-heavy"} <= profiles
        if members["arrangement"][0] == "dedicated":
            assert len(members) == 1
    for cluster in found.clusters.iter_rows(named=True):
        for name in ("connections", "storage_gb", "cpu_cores", "memory_mb", "network_mbps"):
            assert cluster[f"{name}_used"] <= cluster[f"{name}_limit"], cluster
    choice = found.summary.choice
    if choice is not None:
        chosen = found.clusters.filter(pl.col("arrangement") == "clusters")
        cost = float((chosen["nodes"] * chosen["node_price_per_hour"]).sum())
        assert choice.per_hour == pytest.approx(cost)
        assert 0 < choice.bound_per_hour <= choice.per_hour
        bounds = sum(certificate.bound_micros_per_hour for certificate in found.certificates)
        assert choice.bound_per_hour == pytest.approx(bounds / 10**6)


def test_a_plan_of_databases_is_the_same_again():
    fleet = read_fleet(FIXTURE)
    fleet = dataclasses.replace(
        fleet, policy=fleet.policy.model_copy(update={"postgres": databases_of([{}], "clusters").policy.postgres})
    )
    first, second = plan(fleet), plan(fleet)
    assert first.databases.equals(second.databases)
    assert first.clusters.equals(second.clusters)
    assert first.certificates == second.certificates
    assert first.summary == second.summary
