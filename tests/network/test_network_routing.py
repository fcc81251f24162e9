"""Routing over equal-cost paths: by hand, conserved, and the same whatever nodes are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.fleet.types import Bundle
from placement.network.loads import Router, router
from placement.network.wiring import Layer, _layer

LEAVES = (("eu", "a", "1"), ("eu", "a", "2"), ("eu", "a", "3"))


def layer_of(bundles: list[tuple[str, str, int]], edges: tuple[str, ...] = (), leaves: int = 3) -> Layer:
    """Return a layer; leaves are called 1 to 3, links carry 10 Mbps each."""
    names = {str(n + 1): "/".join(place) for n, place in enumerate(LEAVES)}
    made = [Bundle((names.get(one, one), other), links, 10_000) for one, other, links in bundles]
    return _layer("service", made, LEAVES[:leaves], ("eu",), {"eu": edges})


def routed(way: Router, wanted: dict[tuple[int, int], float]) -> dict[str, float]:
    """Return the loads of links by the names of their ends; what is wanted is between rows of the matrix."""
    size = len(way.layer.leaf_node) + 1
    between = np.zeros((size, size))
    for (one, other), kbps in wanted.items():
        between[one, other] = kbps
    load = way.routed(way.demand(between)).load
    nodes = [name.rsplit("/", 1)[-1] for name in way.layer.nodes]
    found = {}
    for (one, other), (there, back) in zip(way.layer.ends.tolist(), load.tolist(), strict=True):
        found[f"{nodes[one]}>{nodes[other]}"], found[f"{nodes[other]}>{nodes[one]}"] = there, back
    return {link: value for link, value in found.items() if value}


def test_parallel_links_take_their_part() -> None:
    # leaf 1 has two links to spine s and one to t: of 3,000 kbit/s to leaf 2 it gives s 2,000 and t 1,000
    way = router(layer_of([("1", "s", 2), ("1", "t", 1), ("2", "s", 1), ("2", "t", 1)], leaves=2), 2)
    assert routed(way, {(0, 1): 3000.0}) == {"1>s": 2000, "s>2": 2000, "1>t": 1000, "t>2": 1000}
    # back, leaf 2 has one link to each: half and half
    assert routed(way, {(1, 0): 3000.0}) == {"2>s": 1500, "s>1": 1500, "2>t": 1500, "t>1": 1500}


def test_a_tree_has_one_way() -> None:
    # 1 and 2 below s, 3 below t, both below the core k, which is the edge
    way = router(layer_of([("1", "s", 1), ("2", "s", 1), ("3", "t", 1), ("k", "s", 1), ("k", "t", 1)], ("k",)), 3)
    assert routed(way, {(0, 1): 10.0}) == {"1>s": 10, "s>2": 10}
    assert routed(way, {(0, 2): 10.0}) == {"1>s": 10, "s>k": 10, "k>t": 10, "t>3": 10}
    # the edge's row comes after the leaves: 7 in, 4 out
    assert routed(way, {(3, 0): 7.0, (0, 3): 4.0}) == {"k>s": 7, "s>1": 7, "1>s": 4, "s>k": 4}


def test_clients_come_in_equally_at_every_edge_switch() -> None:
    # k has two links to s and m one, but of 10 from the edge each sends 5
    way = router(layer_of([("1", "s", 1), ("k", "s", 2), ("m", "s", 1)], ("k", "m"), leaves=1), 1)
    assert routed(way, {(1, 0): 10.0}) == {"k>s": 5, "m>s": 5, "s>1": 10}


def test_shorter_ways_are_taken_and_longer_ones_when_they_are_lost() -> None:
    # 1 - s - 2 has two hops, 1 - t - u - 2 has three
    layer = layer_of([("1", "s", 1), ("2", "s", 1), ("1", "t", 1), ("t", "u", 1), ("2", "u", 1)], leaves=2)
    way = router(layer, 2)
    assert routed(way, {(0, 1): 6.0}) == {"1>s": 6, "s>2": 6}
    between = np.zeros((3, 3))
    between[0, 1] = 6.0
    names = ["/".join((layer.nodes[one], layer.nodes[other])) for one, other in layer.ends.tolist()]
    lost = np.where([name == "eu/a/1/s" for name in names], 0, layer.links)
    after = way.routed(way.demand(between), lost)
    assert after.lost_kbps == 0
    assert {name: load for name, load in zip(names, after.load.max(axis=1).tolist(), strict=True) if load} == {
        "eu/a/1/t": 6,
        "t/u": 6,
        "eu/a/2/u": 6,
    }
    cut = np.where([name.startswith("eu/a/1/") for name in names], 0, layer.links)
    assert way.routed(way.demand(between), cut).lost_kbps == 6


@st.composite
def networks(draw: st.DrawFn) -> tuple[Layer, np.ndarray]:
    spines = draw(st.integers(1, 4))
    bundles = [(str(leaf), f"s{n}", draw(st.integers(1, 3))) for leaf in (1, 2, 3) for n in range(spines)]
    dropped = [bundle for bundle in bundles if bundle[1] == "s0" or draw(st.booleans())]
    dropped += [("k", f"s{n}", draw(st.integers(1, 2))) for n in range(spines)]
    numbers = draw(st.lists(st.integers(0, 1000), min_size=16, max_size=16))
    return layer_of(dropped, ("k",)), np.array(numbers, float).reshape(4, 4)


@settings(max_examples=40, deadline=None)
@given(networks())
def test_what_enters_a_node_leaves_it(case: tuple[Layer, np.ndarray]) -> None:
    layer, between = case
    np.fill_diagonal(between, 0.0)
    way = router(layer, 3)
    demand = way.demand(between)
    load = way.routed(demand).load
    balance = np.zeros(len(layer.nodes))
    for (one, other), (there, back) in zip(layer.ends.tolist(), load.tolist(), strict=True):
        balance[one] += there - back
        balance[other] += back - there
    wanted = np.zeros(len(layer.nodes))
    np.add.at(wanted, way.targets, demand.sum(axis=1) - demand.sum(axis=0))
    assert balance == pytest.approx(wanted, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(networks(), st.permutations(range(3)))
def test_other_names_change_nothing(case: tuple[Layer, np.ndarray], order: list[int]) -> None:
    layer, between = case
    np.fill_diagonal(between, 0.0)
    new = {f"eu/a/{n + 1}": f"eu/a/{order[n] + 1}" for n in range(3)}
    bundles = [
        Bundle((new.get(layer.nodes[one], layer.nodes[one]), layer.nodes[other]), int(layer.links[b]), 10_000)
        for b, (one, other) in enumerate(layer.ends.tolist())
    ]
    turned = _layer("service", bundles, LEAVES, ("eu",), {"eu": ("k",)})
    moved = np.zeros((4, 4))
    at = [*order, 3]
    for one in range(4):
        for other in range(4):
            moved[at[one], at[other]] = between[one, other]
    ways = [router(layer, 3), router(turned, 3)]
    loads = [way.routed(way.demand(matrix)).load for way, matrix in zip(ways, (between, moved), strict=True)]
    assert loads[1] == pytest.approx(loads[0], abs=1e-6)
