"""Roles and shards of placed nodes: nothing that one host or one zone can take away twice."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.datatier.roles import assign_roles
from placement.errors import InternalError
from placement.plan.types import NODES_SCHEMA
from placement.workloads import WORKLOADS_SCHEMA

PLACED = {"workload": pl.String(), "instance": pl.Int64(), "host": pl.String(), "zone": pl.String()}


def workloads_of(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    """Workloads by name, kind, instances and primaries."""
    pool = {"postgres": "databases", "valkey": "caches"}
    filled = [
        (
            name,
            pool.get(kind, "platform"),
            kind,
            "eu",
            "s",
            instances,
            primaries,
            2,
            "zone",
            1_500,
            2_000,
            10,
            20,
            30,
            40,
        )
        for name, kind, instances, primaries in rows
    ]
    return pl.DataFrame(filled, schema=WORKLOADS_SCHEMA, orient="row")


def placed_of(places: dict[str, list[tuple[str, str]]]) -> pl.DataFrame:
    """Hosts and zones of the instances 1, 2, … of each workload."""
    rows = [
        (workload, number, host, zone)
        for workload, at in places.items()
        for number, (host, zone) in enumerate(at, start=1)
    ]
    return pl.DataFrame(rows, schema=PLACED, orient="row")


def test_members_are_all_alike():
    nodes = assign_roles(
        workloads_of(("registry-eu", "registry", 2, 0)), placed_of({"registry-eu": [("h2", ""), ("h1", "")]})
    )
    assert dict(nodes.schema) == NODES_SCHEMA
    assert nodes.select("node", "pool", "kind", "workload", "role", "shard", "host").rows() == [
        ("registry-eu-1", "platform", "registry", "registry-eu", "member", 0, "h2"),
        ("registry-eu-2", "platform", "registry", "registry-eu", "member", 0, "h1"),
    ]
    outer = nodes.select("cpu_cores", "memory_mb", "open_files", "threads", "disk_gb", "network_mbps").row(0)
    assert outer == (1.5, 2_000, 10, 20, 0.03, 0.04)


def test_a_single_node_is_the_primary():
    nodes = assign_roles(workloads_of(("pg", "postgres", 1, 1)), placed_of({"pg": [("h", "")]}))
    assert nodes.select("node", "role", "shard").rows() == [("pg-1", "primary", 0)]


def test_no_workloads_no_nodes():
    nodes = assign_roles(workloads_of(), placed_of({}))
    assert nodes.is_empty()
    assert dict(nodes.schema) == NODES_SCHEMA


def test_primaries_are_spread_evenly_over_hosts():
    # 40 databases of two nodes on four hosts in a ring: 20 nodes a host, of which 10 should be primaries
    names = [f"postgresql-{n:02d}" for n in range(40)]
    places = {name: [(f"h{n % 4}", ""), (f"h{(n + 1) % 4}", "")] for n, name in enumerate(names)}
    nodes = assign_roles(workloads_of(*((name, "postgres", 2, 1) for name in names)), placed_of(places))
    primaries = nodes.filter(role="primary")
    assert primaries["workload"].sort().to_list() == names
    assert Counter(primaries["host"]) == {"h0": 10, "h1": 10, "h2": 10, "h3": 10}
    assert nodes["node"].to_list() == sorted(nodes["node"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True), min_size=1, max_size=30))
def test_every_database_has_one_primary_and_the_rest_replicas(hosts):
    places = {f"pg-{n:02d}": [(f"h{host}", "") for host in at] for n, at in enumerate(hosts)}
    workloads = workloads_of(*((name, "postgres", len(at), 1) for name, at in places.items()))
    nodes = assign_roles(workloads, placed_of(places))
    roles = nodes.group_by("workload").agg("role").rows()
    assert all(sorted(found) == ["primary"] + ["replica"] * (len(found) - 1) for _, found in roles)
    assert set(nodes["shard"]) == {0}
    # the order of the rows says nothing
    assert nodes.equals(assign_roles(workloads.reverse(), placed_of(places).reverse()))


@st.composite
def placements(draw) -> tuple[int, int, list[tuple[str, str]]]:
    """P, R and places of P × (1 + R) nodes: on a host at most 1 + R and at most P, in a zone its share at most."""
    P, R = draw(st.integers(2, 9)), draw(st.integers(0, 3))
    num_zones = draw(st.integers(1, 4))
    num_nodes = P * (1 + R)
    in_zone = Counter(number % num_zones for number in range(num_nodes))  # no zone more than ⌈nodes / zones⌉
    places: list[tuple[str, str]] = []
    for zone, left in sorted(in_zone.items()):
        while in_zone[zone]:
            here = draw(st.integers(1, min(in_zone[zone], 1 + R, P)))
            places += [(f"h{zone}{left - in_zone[zone]:02d}", f"z{zone}")] * here
            in_zone[zone] -= here
    return P, R, draw(st.permutations(places))


@settings(max_examples=200, deadline=None)
@given(placements())
def test_shards_and_primaries_keep_apart(placement):
    P, R, places = placement
    nodes = assign_roles(workloads_of(("v", "valkey", P * (1 + R), P)), placed_of({"v": places}))
    primaries = nodes.filter(role="primary")
    assert sorted(primaries["shard"]) == list(range(1, P + 1))
    assert primaries["host"].n_unique() == P  # no host with two primaries
    zone_of = dict(places)
    num_zones = len(set(zone_of.values()))
    for (_,), shard in nodes.group_by("shard"):
        assert len(shard) == 1 + R
        assert shard["host"].n_unique() == 1 + R
        zones = Counter(zone_of[host] for host in shard["host"])
        if num_zones > R:
            assert max(zones.values()) == 1  # a zone for each node of a shard
        else:
            assert max(zones.values()) <= -(-(1 + R) // num_zones)


def test_primaries_come_from_all_zones():
    places = [(f"h{n}", f"z{n // 4}") for n in range(12)]  # six shards of two in three zones, a host for each
    nodes = assign_roles(workloads_of(("v", "valkey", 12, 6)), placed_of({"v": places}))
    zone_of = dict(places)
    assert Counter(zone_of[host] for host in nodes.filter(role="primary")["host"]) == {"z0": 2, "z1": 2, "z2": 2}


@pytest.mark.parametrize("places", [[("a", "")] * 4, [("a", "")] * 3 + [("b", "")], [("a", ""), ("b", ""), ("c", "")]])
def test_nodes_that_cannot_keep_apart_are_a_fault(places):
    with pytest.raises(InternalError):
        assign_roles(workloads_of(("v", "valkey", 4, 2)), placed_of({"v": places}))
