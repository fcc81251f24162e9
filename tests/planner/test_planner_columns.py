"""Column generation, diving and seating, against figures worked out by hand and against the rules."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from planner_fleets import make_fleet

from placement.bounds import prove, raised_by_patterns
from placement.columns import ColumnGeneration, Shapes, Slots, shapes_of
from placement.engine import Options, place
from placement.instance import NO_LIMIT, HostClasses, build_problems
from placement.master import Master
from placement.packing.diving import dive
from placement.packing.patterns import pack_slots
from placement.packing.state import Workspace

SIZES = {
    "size": ["box"],
    "cpu_cores": ["100"],
    "memory_mb": ["10000"],
    "os_reserved_mb": ["0"],
    "max_open_files": ["1000000"],
    "max_threads": ["30000"],
    "disk_gb": ["200"],
    "nic_mbps": ["10000"],
    "price_per_hour": ["1"],
}


def never() -> bool:
    return False


def classes_of(limit, price, stock):
    return HostClasses(
        limit=np.array(limit, np.int64),
        price=np.array(price, np.int64),
        stock=np.array(stock, np.int64),
        size=tuple(f"s{i}" for i in range(len(price))),
        hosts=((),) * len(price),
    )


def test_master_by_hand():
    # 10 of one shape, patterns of 3 at 6 and of 2 at 5: all by threes, 10/3 hosts, an instance is worth 2
    master = Master(np.array([10]), classes_of([[9], [9]], [6_000_000, 5_000_000], [-1, -1]))
    assert master.add(0, np.array([3]))
    assert master.add(1, np.array([2]))
    assert not master.add(0, np.array([3])), "known already"
    assert not master.add(1, np.array([0])), "empty"
    solution = master.solve()
    assert solution is not None
    assert solution.objective == pytest.approx(20_000_000, rel=1e-5)
    assert solution.dual[0] == pytest.approx(2_000_000, rel=1e-5)
    assert solution.times.tolist() == pytest.approx([10 / 3, 0])
    # four instances less, and only one host of the first class: one of three, one and a half of two
    master.set_left(np.array([6]), np.array([1, -1]))
    solution = master.solve()
    assert solution is not None
    assert solution.times.tolist() == pytest.approx([2, 0]), "without a stock row the stock given does not count"


def test_master_keeps_to_the_stock():
    master = Master(np.array([10]), classes_of([[9], [9]], [6_000_000, 5_000_000], [1, -1]))
    master.add(0, np.array([3]))
    master.add(1, np.array([2]))
    solution = master.solve()
    assert solution is not None
    assert solution.times.tolist() == pytest.approx([1, 3.5])
    # one more host of the first class saves 1.5 of the second, 7.5, and costs 6
    assert solution.stock_dual[0] == pytest.approx(1_500_000, rel=1e-4)
    assert solution.missing == pytest.approx(0)


def test_pattern_bound_sees_that_instances_are_whole():
    # three of 2,600 MB in 10,000, so 10 instances need 10/3 hosts, that is 4; by weight 26,000 / 10,000, that is 3
    fleet = make_fleet(
        services={
            "service": ["a"],
            "instances": ["10"],
            "max_per_host": ["10"],
            "cpu_cores": ["0.1"],
            "memory_mb": ["2600"],
        },
        sizes=SIZES,
    )
    problem = build_problems(fleet)[0]
    bound = prove(problem)
    shapes = shapes_of(problem)
    columns = ColumnGeneration(shapes, problem.classes, bound.value)
    columns.run(10**9, lambda _bound, _linear: False)
    assert columns.has_converged
    assert columns.bound is not None
    assert bound.micros_per_hour == 3_000_000
    assert raised_by_patterns(bound, problem, shapes, columns.bound).micros_per_hour == 4_000_000


@pytest.mark.parametrize("seed", range(4))
def test_dives_cover_everything_and_keep_to_the_limits(seed):
    random = np.random.default_rng(seed)
    demand = random.integers(1, 60, (25, 3))
    count = random.integers(1, 6, 25)
    classes = classes_of([[100] * 3, [70] * 3], [10, 8], [-1, 12])
    most = np.stack([np.minimum((limit // demand).min(axis=1), count) for limit in classes.limit], axis=1)
    shapes = Shapes(demand, np.arange(25), count, most)
    columns = ColumnGeneration(shapes, classes, demand.max(axis=1) / 10.0)
    columns.run(10**9, lambda _bound, _linear: False)
    assert columns.bound is not None
    slots = dive(columns, 0, 10**12, jitter=0.0, random=random, is_stopped=never)
    assert slots is not None
    assert (slots.patterns.sum(axis=0) >= count).all()
    assert (slots.patterns @ demand <= classes.limit[slots.class_of]).all()
    assert (slots.class_of == 1).sum() <= 12
    assert slots.price(classes) >= columns.bound.micros
    if columns.cover is not None:
        assert (columns.cover.patterns.sum(axis=0) >= count).all()
        assert (columns.cover.patterns @ demand <= classes.limit[columns.cover.class_of]).all()


def test_seating_obeys_every_rule():
    # 60 services of one shape, 4 replicas apart, ten to a host, a third of all pairs never together
    random = np.random.default_rng(7)
    names = [f"s{i:02}" for i in range(60)]
    pairs = [(a, b) for a in range(60) for b in range(60) if a < b and random.random() < 0.3]
    fleet = make_fleet(
        services={
            "service": names,
            "instances": ["4"] * 60,
            "max_per_host": ["1"] * 60,
            "cpu_cores": ["1"] * 60,
            "memory_mb": ["100"] * 60,
        },
        sizes=SIZES,
        interference={
            "service": [names[a] for a, _ in pairs],
            "other": [names[b] for _, b in pairs],
            "max_instances": ["0"] * len(pairs),
        },
    )
    problem = build_problems(fleet)[0]
    shapes = shapes_of(problem)
    assert len(shapes) == 1
    workspace = Workspace(problem)
    slots = Slots(np.full((60, 1), 5, np.int64), np.zeros(60, np.int64))  # 300 slots for 240 instances
    packing = pack_slots(problem, shapes, slots, workspace, seed=1)
    assert packing is not None
    assert packing.num_waiting == 0
    forbidden = {frozenset(pair) for pair in pairs}
    for h in range(60):
        here = Counter(workspace.service_of[packing.host_of == h].tolist())
        assert max(here.values(), default=0) <= 1
        assert sum(here.values()) <= 5
        assert not any(frozenset((a, b)) in forbidden for a in here for b in here if a < b)


def test_dealing_keeps_replicas_apart():
    # without rules between services: 12 of 5 replicas on 20 hosts of 3 slots each, dealt in rounds
    fleet = make_fleet(
        services={
            "service": [f"s{i:02}" for i in range(12)],
            "instances": ["5"] * 12,
            "cpu_cores": ["1"] * 12,
            "memory_mb": ["100"] * 12,
        },
        sizes=SIZES,
    )
    problem = build_problems(fleet)[0]
    assert (problem.spread_limit == NO_LIMIT).all()
    workspace = Workspace(problem)
    slots = Slots(np.full((20, 1), 3, np.int64), np.zeros(20, np.int64))
    packing = pack_slots(problem, shapes_of(problem), slots, workspace, seed=1)
    assert packing is not None
    assert packing.num_waiting == 0
    pairs = Counter(zip(workspace.service_of.tolist(), packing.host_of.tolist(), strict=True))
    assert max(pairs.values()) == 1
    assert (workspace.residual(packing) >= 0).all()


def test_plans_by_patterns_pass_the_checker_with_their_bound():
    # two of 3,500 or 3,400 MB fit 10,000 in any way, three in none: 60 instances need 30 hosts; by weight 21
    fleet = make_fleet(
        services={
            "service": ["a", "b"],
            "instances": ["30", "30"],
            "max_per_host": ["30", "30"],
            "cpu_cores": ["1", "1"],
            "memory_mb": ["3500", "3400"],
        },
        sizes=SIZES,
    )
    plan = place(fleet, Options())
    assert plan.summary.status == "optimal"
    assert plan.summary.cost.bound_per_hour == 30.0
