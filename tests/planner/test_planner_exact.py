"""Small fleets: trees of bounds, assignment by CP-SAT, neighbourhoods; by hand, and checked by the checker."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_fleets import SIZES, make_fleet

from benchmarks.fleets import make_fleet as make_case
from placement.bounds import prove
from placement.branching import raised_by_branching
from placement.engine import Options, place
from placement.instance import build_problems
from placement.packing.exact import seat_exactly
from placement.packing.neighbourhoods import repack
from placement.packing.sites import add_hosts
from placement.packing.state import Workspace, no_hosts
from placement.plan import plan_digest
from placement.plan.types import Branch
from placement.verify import check_plan

# 4 cores for 3, 8 cores for 5
UNEVEN = SIZES | {"price_per_hour": ["3", "5"]}


def large_hosts(problem, number):
    packing = no_hosts(problem)
    counts = np.array([number if size == "large" else 0 for size in problem.classes.size], np.int64)
    assert add_hosts(problem, packing, counts) is not None
    return packing


def test_a_tree_sees_that_hosts_are_whole():
    # 9 cores: at 5/8 a core 5.625, so 6 at least; whole hosts cost 8 (3 + 5; two large ones 10, three small ones 9)
    fleet = make_fleet({"service": ["a"], "instances": ["9"], "max_per_host": ["9"]}, sizes=UNEVEN)
    (problem,) = build_problems(fleet)
    bound = prove(problem)
    assert bound.micros_per_hour == 6_000_000
    raised = raised_by_branching(bound, problem)
    assert raised.micros_per_hour == 8_000_000
    assert isinstance(raised.certificate.tree, Branch)


def test_the_checker_verifies_a_tree_and_no_more_than_it_proves():
    fleet = make_fleet({"service": ["a"], "instances": ["9"], "max_per_host": ["9"]}, sizes=UNEVEN)
    plan = place(fleet)
    assert plan.summary.status == "optimal"
    assert isinstance(plan.bounds.certificates[0].tree, Branch)
    assert not check_plan(plan, fleet).findings
    (certificate,) = plan.bounds.certificates
    claimed = certificate.model_copy(update={"bound_micros_per_hour": 9_000_000})
    forged = dataclasses.replace(plan, bounds=plan.bounds.model_copy(update={"certificates": (claimed,)}))
    assert "bound-too-high" in {finding.kind for finding in check_plan(forged, fleet).findings}


def test_one_size_needs_no_tree():
    fleet = make_fleet({"service": ["a"], "instances": ["9"], "max_per_host": ["9"]})
    (problem,) = build_problems(fleet)
    one = dataclasses.replace(
        problem,
        classes=dataclasses.replace(
            problem.classes,
            limit=problem.classes.limit[:1],
            price=problem.classes.price[:1],
            stock=problem.classes.stock[:1],
            size=problem.classes.size[:1],
            hosts=problem.classes.hosts[:1],
        ),
    )
    bound = prove(one)
    assert raised_by_branching(bound, one) is bound


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    cores=st.lists(st.integers(1, 8), min_size=1, max_size=5),
    prices=st.tuples(st.integers(1, 7), st.integers(1, 11)),
    standing=st.integers(0, 2),
)
def test_a_tree_is_never_above_the_optimum_and_holds_for_the_checker(cores, prices, standing):
    fleet = make_fleet(
        {"service": [f"s{i}" for i in range(len(cores))], "cpu_cores": [str(cpu) for cpu in cores]},
        sizes=SIZES | {"price_per_hour": [str(price) for price in prices]},
        hosts={
            "host": [f"h{j}" for j in range(standing)],
            "size": ["large"] * standing,
            "price_per_hour": ["1"] * standing,
        },
    )
    best = math.inf
    for hosts in itertools.product(range(len(cores)), repeat=len(cores)):
        loads = [sum(c for c, h in zip(cores, hosts, strict=True) if h == used) for used in set(hosts)]
        if max(loads) > 8:
            continue
        # every host is bought as cheaply as it can be; standing ones, 1 each, go where they save most
        bought = [min(prices) if load <= 4 else prices[1] for load in loads]
        saved = sorted((max(0, price - 1) for price in bought), reverse=True)[:standing]
        best = min(best, sum(bought) - sum(saved))
    plan = place(fleet, Options(target_gap=100.0))  # refuses a certificate that the checker does not verify
    (certificate,) = plan.bounds.certificates
    assert certificate.bound_micros_per_hour <= best * 1_000_000
    assert plan.summary.cost.per_hour >= best - 1e-9


def test_seating_finds_the_only_way():
    # two hosts of 8 cores: 5 + 3 and 4 + 4, nothing else fits
    fleet = make_fleet({"service": list("abcd"), "cpu_cores": ["5", "3", "4", "4"]})
    (problem,) = build_problems(fleet)
    packing = large_hosts(problem, 2)
    assert seat_exactly(problem, packing, np.array([0, 1]), seed=1, deterministic_time=1.0)
    a, b, c, d = packing.host_of.tolist()
    assert a == b != c == d


def test_seating_obeys_interference():
    # the same, but a and b must not meet: no way
    fleet = make_fleet(
        {"service": list("abcd"), "cpu_cores": ["5", "3", "4", "4"]},
        interference={"service": ["a"], "other": ["b"], "max_instances": ["0"]},
    )
    (problem,) = build_problems(fleet)
    packing = large_hosts(problem, 2)
    assert not seat_exactly(problem, packing, np.array([0, 1]), seed=1, deterministic_time=1.0)
    assert (packing.host_of < 0).all()


def test_seating_counts_what_stands_in_a_zone_already():
    # two of three instances may stand in one of two zones; one stands in the first: one of the others may join it
    fleet = make_fleet(
        {"service": ["a"], "instances": ["3"], "max_per_host": ["3"], "spread": ["zone"]},
        topology={
            "format": "placement/topology/1",
            "regions": [{"region": "eu", "zones": [{"zone": "a"}, {"zone": "b"}]}],
        },
    )
    (problem,) = build_problems(fleet)
    packing = large_hosts(problem, 4)
    zone = packing.domain[0]
    in_first, in_second = np.flatnonzero(zone == zone[0]), np.flatnonzero(zone != zone[0])
    packing.host_of[0] = in_first[0]
    free = np.array([in_first[1], in_second[0]])
    assert seat_exactly(problem, packing, free, seed=1, deterministic_time=1.0)
    assert int((zone[packing.host_of] == zone[0]).sum()) <= 2
    packing.host_of[1:] = -1
    assert not seat_exactly(problem, packing, in_first[1:2], seed=1, deterministic_time=1.0)


def test_two_half_full_hosts_become_one():
    # 4 + 4 cores on two hosts of 8 at 2 each: one will do, and 2 is the bound
    fleet = make_fleet({"service": ["a", "b"], "cpu_cores": ["4", "4"]})
    (problem,) = build_problems(fleet)
    packing = large_hosts(problem, 2)
    packing.host_of[:] = [0, 1]
    workspace = Workspace(problem)
    found = repack(
        problem, packing, workspace, 2_000_000,
        random=np.random.default_rng(1), is_enough=lambda best: workspace.cost(best) <= 2_000_000,
    )  # fmt: skip
    assert workspace.cost(found) == 2_000_000
    assert (found.host_of >= 0).all()


def test_300_measured_services_are_planned_at_the_bound_and_reproducibly():
    # 65 instances a host: exchanges end one small host over the bound, a repacked neighbourhood does not
    fleet = make_case("measured", 300).build()
    plan = place(fleet)
    assert plan.summary.status == "optimal"
    assert plan.summary.cost.per_hour == pytest.approx(7.68)
    assert plan_digest(plan) == plan_digest(place(fleet, Options(seed=1)))
