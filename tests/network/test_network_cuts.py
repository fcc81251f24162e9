"""Verdicts by maximum flow against a linear program, on random networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.linear_solver import pywraplp

from placement.fleet.types import Bundle
from placement.network.cuts import _directed, _short_side, crossing_kbps
from placement.network.loads import router
from placement.network.wiring import Layer, _layer

LEAVES = (("eu", "a", "1"), ("eu", "a", "2"), ("eu", "a", "3"))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Layer, list[int], list[int]]:
    bundles = [Bundle((f"eu/a/{leaf}", "s0"), 1, draw(st.integers(1, 20))) for leaf in (1, 2, 3)]
    bundles += [
        Bundle((f"eu/a/{leaf}", "s1"), draw(st.integers(1, 3)), draw(st.integers(1, 20)))
        for leaf in (1, 2, 3)
        if draw(st.booleans())
    ]
    bundles += [Bundle((core, "s0"), 1, draw(st.integers(1, 20))) for core in ("k", "m")]
    if any(bundle.ends[1] == "s1" for bundle in bundles):
        bundles.append(Bundle(("k", "s1"), 1, draw(st.integers(1, 20))))
    sent = draw(st.lists(st.integers(0, 30), min_size=3, max_size=3))
    taken = [draw(st.integers(0, sum(sent)))]
    return _layer("service", bundles, LEAVES, ("eu",), {"eu": ("k", "m")}), sent, [*taken, sum(sent) - taken[0]]


def most_by_linear_program(layer: Layer, ends: dict[int, tuple[int, int]]) -> float:
    """Return the maximum flow by a linear program: a variable per direction of each bundle, and balance at each node.

    Parameters
    ----------
    ends
        By node: how much may begin and end there.
    """
    solver = pywraplp.Solver.CreateSolver("GLOP")
    balance: dict[int, list[object]] = {node: [] for node in range(len(layer.nodes))}
    for (one, other), links, capacity in zip(
        layer.ends.tolist(), layer.links.tolist(), layer.capacity_kbps.tolist(), strict=True
    ):
        for tail, head in ((one, other), (other, one)):
            flow = solver.NumVar(0, links * capacity, "")
            balance[tail].append(-flow)
            balance[head].append(flow)
    begun = []
    for node, flows in balance.items():
        starts, stops = ends.get(node, (0, 0))
        begin, end = solver.NumVar(0, starts, ""), solver.NumVar(0, stops, "")
        begun.append(begin)
        solver.Add(solver.Sum(flows) + begin - end == 0)
    solver.Maximize(solver.Sum(begun))
    assert solver.Solve() == pywraplp.Solver.OPTIMAL
    return float(solver.Objective().Value())


@settings(max_examples=60, deadline=None)
@given(cases())
def test_a_cut_is_found_exactly_where_the_linear_program_falls_short(case: tuple[Layer, list[int], list[int]]) -> None:
    layer, sent, taken = case
    way = router(layer, 3)
    # targets are the three leaves, then the edge switches k and m
    wanted_out = np.array([*sent, 0, 0], float)
    wanted_in = np.array([0, 0, 0, *taken], float)
    side = _short_side(_directed(layer), way, wanted_out, wanted_in)
    nodes = way.targets.tolist()
    ends = {node: (int(out), int(into)) for node, out, into in zip(nodes, wanted_out, wanted_in, strict=True)}
    most = most_by_linear_program(layer, ends)
    if side is None:
        assert most == pytest.approx(sum(sent))
        return
    assert most < sum(sent)
    # a minimum cut is as wide as the maximum flow: links that cross, and what its ends may send and take at most
    outside = [t for t, node in enumerate(nodes) if node not in side]
    inside = [t for t, node in enumerate(nodes) if node in side]
    width = crossing_kbps(layer, side) + wanted_out[outside].sum() + wanted_in[inside].sum()
    assert width == pytest.approx(most)
