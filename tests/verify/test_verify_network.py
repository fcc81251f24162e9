"""Loads of links worked out by hand: the checker's own graph code, its products of flows, derived networks."""

from __future__ import annotations

from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_network import route

from placement.fleet import fleet_from_frames
from placement.verify.network_fabric import DATABASE, SERVICE, DerivedSizes, derived_fabric, file_fabric
from placement.verify.network_flows import Streams, at_edge_is_service, end_loads, equal_shares, place_matrix, rows
from placement.verify.network_links import link_levels
from placement.verify.network_routes import loads_of, roads


def network(*bundles: tuple[str, str, int, int]) -> nx.Graph:
    graph = nx.Graph()
    for one, other, links, capacity_kbps in bundles:
        graph.add_edge(one, other, links=links, capacity_kbps=capacity_kbps)
    return graph


def routed(graph: nx.Graph, *flows: tuple[str, str, float]) -> dict[str, float]:
    """Loads by direction, those of 0 left out."""
    net = roads(graph)
    ends = sorted({end for one, other, _ in flows for end in (one, other)})
    traffic = np.zeros((len(ends), len(ends)))
    for one, other, kbps in flows:
        traffic[ends.index(one), ends.index(other)] += kbps
    loads = loads_of(traffic, np.array([net.names.index(end) for end in ends]), net)
    assert loads.stranded_kbps == 0
    return {
        f"{net.names[tail]}>{net.names[head]}": round(float(load), 9)
        for tail, head, load in zip(net.tail, net.head, loads.load_kbps, strict=True)
        if load
    }


def test_a_tree_has_one_way() -> None:
    # a - s - c - t - b, and d beside a: what goes from a to b takes all four links, what goes to d turns round at s
    tree = network(("a", "s", 1, 10), ("d", "s", 1, 10), ("s", "c", 1, 10), ("c", "t", 1, 10), ("t", "b", 1, 10))
    assert routed(tree, ("a", "b", 5), ("a", "d", 2), ("b", "d", 1)) == {
        "a>s": 7,  # 5 + 2
        "s>c": 5, "c>t": 5, "t>b": 5,
        "b>t": 1, "t>c": 1, "c>s": 1,
        "s>d": 3,  # 2 from a, 1 from b
    }  # fmt: skip


def test_parallel_links_take_their_part_of_equal_ways() -> None:
    # two leaves, two spines; x has three links up to s1 and one to s2, y one to each.
    # From x: 3/4 over s1, 1/4 over s2; from y: half and half.
    graph = network(("x", "s1", 3, 10), ("x", "s2", 1, 10), ("y", "s1", 1, 10), ("y", "s2", 1, 10))
    assert routed(graph, ("x", "y", 8), ("y", "x", 4)) == {
        "x>s1": 6, "s1>y": 6, "x>s2": 2, "s2>y": 2, "y>s1": 2, "s1>x": 2, "y>s2": 2, "s2>x": 2,
    }  # fmt: skip
    assert dict(zip(roads(graph).names, np.diff(roads(graph).first), strict=True)) == {"s1": 2, "s2": 2, "x": 2, "y": 2}
    assert sorted(roads(graph).capacity_kbps.tolist()) == [10] * 6 + [30] * 2


def test_only_the_shortest_ways_count_and_shares_multiply() -> None:
    # x to y: over p or q (2 hops) and not over r-t (3 hops); p has 1 link from x, q has 2: 1/3 and 2/3 of 9
    graph = network(
        ("x", "p", 1, 1), ("x", "q", 2, 1), ("p", "y", 1, 1), ("q", "y", 1, 1), ("x", "r", 9, 1), ("r", "t", 9, 1),
        ("t", "y", 9, 1),
    )  # fmt: skip
    assert routed(graph, ("x", "y", 9)) == {"x>p": 3, "p>y": 3, "x>q": 6, "q>y": 6}
    # from x to z behind y: the links from p and q to y do not matter for what x does
    graph.add_edge("y", "z", links=4, capacity_kbps=1)
    assert routed(graph, ("x", "z", 9)) == {"x>p": 3, "p>y": 3, "x>q": 6, "q>y": 6, "y>z": 9}


def test_traffic_without_a_way_is_told() -> None:
    graph = network(("a", "s", 1, 1), ("b", "t", 1, 1))
    net = roads(graph)
    traffic = np.array([[0.0, 7.0], [0.0, 0.0]])
    loads = loads_of(traffic, np.array([net.names.index("a"), net.names.index("b")]), net)
    assert loads.stranded_kbps == 7
    assert not loads.load_kbps.any()


@st.composite
def meshes(draw: st.DrawFn) -> tuple[nx.Graph, dict[tuple[str, str], int]]:
    """Connected graphs of up to eight nodes, and traffic between some of them."""
    number = draw(st.integers(2, 8))
    names = [f"n{at}" for at in range(number)]
    graph = nx.Graph()
    for at in range(1, number):  # a tree, and some edges beside
        graph.add_edge(names[draw(st.integers(0, at - 1))], names[at])
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda pair: pair[0] != pair[1])
    graph.add_edges_from(draw(st.lists(pairs, max_size=8)))
    for _, _, data in graph.edges(data=True):
        data |= {"links": draw(st.integers(1, 4)), "capacity_kbps": 1000}
    return graph, draw(st.dictionaries(pairs, st.integers(1, 1000), min_size=1, max_size=6))


@settings(max_examples=60, deadline=None)
@given(meshes())
def test_loads_are_those_of_exact_fractions_and_nothing_is_lost(
    case: tuple[nx.Graph, dict[tuple[str, str], int]],
) -> None:
    graph, traffic = case
    near = {node: {other: graph.edges[node, other]["links"] for other in graph[node]} for node in graph}
    exact = route({pair: Fraction(kbps) for pair, kbps in traffic.items()}, near)
    got = routed(graph, *((one, other, kbps) for (one, other), kbps in traffic.items()))
    assert got == pytest.approx({f"{one}>{other}": float(kbps) for (one, other), kbps in exact.items() if kbps})
    for node in graph:
        out = sum(load for name, load in got.items() if name.startswith(f"{node}>"))
        into = sum(load for name, load in got.items() if name.endswith(f">{node}"))
        sent = sum(kbps for (one, _), kbps in traffic.items() if one == node)
        received = sum(kbps for (_, other), kbps in traffic.items() if other == node)
        assert out - sent == pytest.approx(into - received, abs=1e-6)


# --- flows --------------------------------------------------------------------------------------------------------


def test_a_group_is_a_product_and_what_stays_on_a_host_leaves_no_port() -> None:
    # hosts 0, 1 and 2; the edge is end 3. Two sources of 12 and 6 kbit/s, sinks on 1 (twice) and 2 (once): 2/3 and 1/3.
    # forth: 0>1: 8, 0>2: 4, 1>1: 4 (stays), 1>2: 2; back a quarter of each: 1>0: 2, 2>0: 1, 2>1: 0.5
    streams = Streams()
    sources = rows(np.array([0, 0]), np.array([0, 1]), np.array([12.0, 6.0]))
    sinks = equal_shares(np.array([0, 0, 0]), np.array([1, 2, 1]))
    streams.add("valkey", sources, sinks, np.array([3]), back=0.25)
    flows = streams.flows()
    out, into = end_loads(flows, 4, is_database=False)
    assert out.tolist() == pytest.approx([12, 2 + 2, 1.5, 0])
    assert into.tolist() == pytest.approx([3, 8 + 0.5, 6, 0])
    assert flows.by_type()["valkey"] == pytest.approx(18)
    # hosts 0 and 1 in place 0, host 2 in place 1: 4 + 2 go over, 1 + 0.5 come back; nothing is of the database class
    matrix = place_matrix(flows, np.array([0, 0, 1, 2]), 3, is_database=False)
    assert np.allclose(matrix, [[0, 6, 0], [1.5, 0, 0], [0, 0, 0]])
    assert not place_matrix(flows, np.array([0, 0, 1, 2]), 3, is_database=True).any()


def test_what_has_no_node_goes_to_the_edge_and_is_never_on_the_database_network() -> None:
    streams = Streams()
    sources = rows(np.array([0, 1]), np.array([0, 0]), np.array([5.0, 7.0]))
    sinks = equal_shares(np.array([1]), np.array([1]))
    streams.add("postgres", sources, sinks, np.array([2, 2]), back=1.0, is_database=True)
    flows = at_edge_is_service(streams.flows(), num_hosts=2)
    out, _ = end_loads(flows, 3, is_database=False)
    assert out.tolist() == pytest.approx([5, 0, 5])
    out, _ = end_loads(flows, 3, is_database=True)
    assert out.tolist() == pytest.approx([7, 7, 0])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_wide_groups_and_narrow_ones_are_added_up_alike(num_sources: int, num_sinks: int, seed: int) -> None:
    # from 2,000 pairs of places on, a group is an outer product: its parts, one by one, are joins
    random = np.random.default_rng(seed)
    places = random.integers(0, 70, 80)
    here, there = random.integers(0, 80, num_sources), random.integers(0, 80, num_sinks)
    sent = random.integers(1, 100, num_sources).astype(np.float64)
    together, apart = Streams(), Streams()
    sinks = equal_shares(np.zeros(num_sinks, dtype=np.int64), there)
    together.add("mtls", rows(np.zeros(num_sources, dtype=np.int64), here, sent), sinks, np.array([0]), back=0.5)
    for source, kbps in zip(here, sent, strict=True):
        apart.add("mtls", rows(np.array([0]), np.array([source]), np.array([kbps])), sinks, np.array([0]), back=0.5)
    one, other = (place_matrix(s.flows(), places, 70, is_database=False) for s in (together, apart))
    assert np.allclose(one, other)


# --- networks -----------------------------------------------------------------------------------------------------

SIZES = DerivedSizes(
    hosts_per_segment=4,
    num_spines=2,
    num_cores=2,
    num_links={SERVICE: 3, DATABASE: 1},
    uplink_mbps=Fraction(100),
    core_mbps=Fraction(250),
    backbone_links=2,
    backbone_mbps=Fraction(40),
    spine_oversubscription=Fraction(2),
)


def test_a_derived_network_has_the_links_of_the_note() -> None:
    # zone a: 9 hosts make 3 segments, one of the name s0002 is there already, so they are s0001, s0003 and s0004
    named = {("eu", "a", "s0002")}
    fabric = derived_fabric(named, {("eu", "a"): 9, ("us", ""): 1}, named, SIZES)
    assert sorted(fabric.leaves.values()) == ["eu/a/s0001", "eu/a/s0002", "eu/a/s0003", "eu/a/s0004", "us/s0001"]
    assert fabric.room == {("eu", "a", f"s000{n}"): 4 for n in (1, 3, 4)} | {("us", "", "s0001"): 4}
    service = fabric.planes[SERVICE]
    assert service.edges["eu/a/s0003", "eu/a/spine-2"] == {"links": 3, "capacity_kbps": 100_000}
    # 4 leaves x 3 links x 100 / 2 / 2 cores / 250 = 1.2: two links; us: 300 / 2 / 2 / 250 = 0.3: one
    assert service.edges["eu/a/spine-1", "eu/core-2"] == {"links": 2, "capacity_kbps": 250_000}
    assert service.edges["us/spine-1", "us/core-2"]["links"] == 1
    assert service.edges["eu/core-1", "us/core-1"] == {"links": 2, "capacity_kbps": 40_000}
    assert not service.has_edge("eu/core-1", "us/core-2")
    # per plane: 5 leaves x 2 spines, 4 spines x 2 cores, 2 pairs of cores
    assert fabric.num_bundles == 2 * (10 + 8 + 2)
    # the database plane has a third of the uplinks: 400 / 2 / 2 / 250 = 0.4
    assert fabric.planes[DATABASE].edges["eu/a/spine-1@database", "eu/core-2@database"]["links"] == 1
    assert fabric.edges == {"eu": ("eu/core-1", "eu/core-2"), "us": ("us/core-1", "us/core-2")}
    kinds = [("eu/a/s0001", "eu/a/spine-1"), ("eu/a/spine-1", "eu/core-1"), ("eu/core-1", "us/core-1")]
    assert [fabric.kind(*ends, SERVICE) for ends in kinds] == ["uplink", "trunk", "backbone"]


def test_switches_of_a_file_have_the_region_of_what_is_below_or_beside_them() -> None:
    # far-1 has no segment: it is beside far-2, beside spine-b; core is the edge of a; spine-b is above b's leaf
    def region(name: str, spine: str, edge: str) -> dict[str, object]:
        segments = [{"segment": "s", "uplinks": [{"to": spine, "capacity_mbps": 1}]}]
        return {"region": name, "edge": [edge], "zones": [{"zone": "z", "segments": segments}]}

    def link(one: str, other: str) -> dict[str, object]:
        return {"from": one, "to": other, "capacity_mbps": 1}

    fleet = fleet_from_frames(
        services={"service": ["x"], "region": ["a"]},
        topology={
            "format": "placement/topology/1",
            "regions": [region("b", "spine-b", "spine-b"), region("a", "spine-a", "core")],
            "links": [
                link("spine-a", "core"),
                link("core", "spine-b"),
                link("spine-b", "far-2"),
                link("far-2", "far-1"),
            ],
        },
    )
    fabric = file_fabric(fleet.topology)
    nodes = fabric.planes[SERVICE].nodes
    assert {name: nodes[name]["region"] for name in nodes} == {
        "a/z/s": "a", "b/z/s": "b", "spine-a": "a", "core": "a", "spine-b": "b", "far-2": "b", "far-1": "b",
    }  # fmt: skip
    assert fabric.kind("core", "spine-b", SERVICE) == "backbone"
    assert fabric.kind("spine-b", "far-2", SERVICE) == "trunk"
    assert fabric.node(("a", "z", "s"), DATABASE) is None


def test_levels_begin_above_their_shares() -> None:
    # of 1,000 kbit/s: 600 is still ok, 601 a warning, 800 still a warning, 801 critical
    model = fleet_from_frames(services={"service": ["x"]}).model
    load = np.array([0, 600, 601, 800, 801, 1200])
    levels = link_levels(load, np.full(6, 1000), model).to_list()
    assert levels == ["ok", "ok", "warning", "warning", "critical", "critical"]
