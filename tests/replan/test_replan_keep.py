"""Replanning by hand: what stays, what must go, what pays."""

from __future__ import annotations

import pytest
from planner_fleets import make_fleet
from replan_fleets import policy, running

from placement.engine import Options, place

THREE = {"a": (1, "1"), "b": (1, "1"), "c": (1, "1")}
APART = [("a", 1, "h1"), ("b", 1, "h2"), ("c", 1, "h3")]
ACTIVE = {"h1": "active", "h2": "active", "h3": "active"}


def figures(plan):
    moves = plan.summary.moves
    return plan.summary.cost.per_hour, moves.moved, moves.forced, moves.started


def test_what_stands_well_stays():
    # 4 cores on a host of 4: nothing is cheaper, nothing moves
    fleet = running({"a": (2, "1"), "b": (1, "2")}, {"h1": "active"}, [("a", 1, "h1"), ("a", 2, "h1"), ("b", 1, "h1")])
    plan = place(fleet)
    assert figures(plan) == (1.0, 0, 0, 0)
    assert plan.hosts["host"].to_list() == ["h1"]


def test_a_draining_host_is_emptied_into_the_room_there_is():
    # h2 has 3 cores left, 2 come from h1
    fleet = running(
        {"a": (3, "1")}, {"h1": "draining", "h2": "active"}, [("a", 1, "h1"), ("a", 2, "h1"), ("a", 3, "h2")]
    )
    plan = place(fleet)
    assert figures(plan) == (1.0, 2, 2, 0)
    assert plan.assignments.rows() == [("a", 1, "h2"), ("a", 2, "h2"), ("a", 3, "h2")]


@pytest.mark.parametrize(("most", "cost", "moved"), [(0, 3.0, 0), (1, 2.0, 1), (2, 1.0, 2), (None, 1.0, 2)])
def test_hosts_are_emptied_as_far_as_moves_are_left(most, cost, moved):
    # three hosts hold a core each; every move saves a host until one is left
    plan = place(running(THREE, ACTIVE, APART, policy=policy(max=most)))
    assert figures(plan) == (cost, moved, 0, 0)


def test_a_limit_on_the_command_counts_before_the_policy():
    plan = place(running(THREE, ACTIVE, APART, policy=policy(max=2)), Options(max_moves=1))
    assert figures(plan) == (2.0, 1, 0, 0)
    assert plan.summary.moves.max_moves == 1


def test_a_move_is_made_only_where_it_saves_its_price_in_time():
    # a host saves 1 an hour: 720 in the 720 hours within which a move must pay
    assert figures(place(running(THREE, ACTIVE, APART, policy=policy(price=721))))[:2] == (3.0, 0)
    assert figures(place(running(THREE, ACTIVE, APART, policy=policy(price=719, price_per_gb=0))))[:2] == (1.0, 2)
    # c alone is cheap to move, so it goes to one of the others, which stay apart
    some = policy(price=721, services={"c": 1})
    plan = place(running(THREE, ACTIVE, APART, policy=some))
    assert figures(plan)[:2] == (2.0, 1)
    assert plan.assignments.filter(plan.assignments["service"] != "c").rows() == [("a", 1, "h1"), ("b", 1, "h2")]


def test_the_state_of_a_service_has_its_price():
    # 1 GB of disk each: 721 a GB does not pay
    plan = place(running(THREE, ACTIVE, APART, policy=policy(price=0, price_per_gb=721)))
    assert figures(plan)[:2] == (3.0, 0)


def test_the_curve_says_what_each_number_of_moves_costs():
    plan = place(running(THREE, ACTIVE, APART, policy=policy(max=0)), Options(move_curve=(0, 1, None)))
    points = [(point.max_moves, point.moves, point.per_hour) for point in plan.summary.moves.curve]
    assert points == [(0, 0, 3.0), (1, 1, 2.0), (None, 2, 1.0)]
    assert plan.summary.cost.per_hour == 3.0
    assert plan.summary.cost.bound_per_hour == 1.0  # the bound is that of all plans, few moves or many


def test_what_has_outgrown_its_host_is_repaired_with_one_move():
    # 3 + 3 cores on a host of 4: one leaves; two small hosts cost as much as one large
    fleet = running({"a": (1, "3"), "b": (1, "3")}, {"h1": "active"}, [("a", 1, "h1"), ("b", 1, "h1")])
    plan = place(fleet, Options(max_moves=0))
    assert figures(plan) == (2.0, 1, 1, 0)
    assert "h1" in plan.assignments["host"]


def test_who_must_not_be_together_is_parted():
    rules = {"service": ["a"], "other": ["b"], "max_instances": ["0"]}
    fleet = running(
        {"a": (1, "1"), "b": (1, "1")}, {"h1": "active"}, [("a", 1, "h1"), ("b", 1, "h1")], interference=rules
    )
    assert figures(place(fleet, Options(max_moves=0))) == (2.0, 1, 1, 0)


def test_what_is_new_starts_where_there_is_room():
    fleet = running({"a": (1, "1"), "new": (3, "1")}, {"h1": "active"}, [("a", 1, "h1")])
    plan = place(fleet)
    assert figures(plan) == (1.0, 0, 0, 3)


def test_a_host_too_large_for_what_it_holds_is_replaced_by_a_smaller_one():
    # a large host at 2 holds one core; a small one at 1 does
    fleet = running({"a": (1, "1")}, {"h1": "large:active"}, [("a", 1, "h1")])
    assert figures(place(fleet))[:2] == (1.0, 1)
    assert figures(place(fleet, Options(max_moves=0)))[:2] == (2.0, 0)


def test_who_stays_keeps_its_number():
    # max_per_host 1: each on a host of its own; the one on h1 goes, and only it is numbered anew
    hosts = {"h1": "failed", "h2": "active", "h3": "active"}
    current = [("a", 1, "h3"), ("a", 2, "h1"), ("a", 3, "h2")]
    plan = place(running({"a": (3, "1")}, hosts, current, columns={"max_per_host": ["1"]}))
    stands = {instance: host for _, instance, host in plan.assignments.rows()}
    assert (stands[1], stands[3]) == ("h3", "h2")
    assert stands[2] not in hosts
    assert figures(plan) == (3.0, 1, 1, 0)


def test_a_limit_on_moves_is_dealt_out_to_regions():
    # two regions, each with three hosts that hold a core: of two moves each gets one, and each saves a host
    services = {"a": (3, "1"), "b": (3, "1")}
    hosts = [f"{region}{number}" for region in ("east", "west") for number in (1, 2, 3)]
    current = [(name, n, f"{region}{n}") for name, region in (("a", "east"), ("b", "west")) for n in (1, 2, 3)]
    fleet = make_fleet(
        {"service": list(services), "instances": ["3", "3"], "max_per_host": ["3", "3"], "region": ["east", "west"]},
        hosts={"host": hosts, "size": ["small"] * 6, "region": [host[:4] for host in hosts]},
        current={
            "service": [name for name, _, _ in current],
            "instance": [str(number) for _, number, _ in current],
            "host": [host for _, _, host in current],
        },
        policy=policy(max=2),
    )
    plan = place(fleet)
    assert figures(plan) == (4.0, 2, 0, 0)
    regions = plan.hosts.group_by("region").len().sort("region").rows()
    assert regions == [("east", 2), ("west", 2)]


def test_a_host_that_must_stand_by_is_emptied():
    # nothing can be bought and all three hosts are in use: the policy asks for a spare one. h3 holds least.
    current = [("a", 1, "h1"), ("a", 2, "h1"), ("b", 1, "h2"), ("b", 2, "h2"), ("c", 1, "h3")]
    services = {"a": (2, "1"), "b": (2, "1"), "c": (1, "1")}
    plan = place(running(services, ACTIVE, current, sizes=[], policy={**policy(max=0), "spare": 0.05}))
    assert figures(plan)[1:] == (1, 1, 0)
    assert plan.hosts.filter(plan.hosts["spare"])["host"].to_list() == ["h3"]


def test_what_must_move_in_one_region_is_not_dealt_to_another():
    # east: 3 + 3 cores on a host of 4, so one must leave; west: two hosts with a core each could become one. With one
    # move allowed it is east's.
    fleet = make_fleet(
        {
            "service": ["a", "b", "c"],
            "instances": ["1", "1", "2"],
            "max_per_host": ["1", "1", "2"],
            "cpu_cores": ["3", "3", "1"],
            "region": ["east", "east", "west"],
        },
        hosts={"host": ["e", "w1", "w2"], "size": ["small"] * 3, "region": ["east", "west", "west"]},
        current={"service": ["a", "b", "c", "c"], "instance": ["1", "1", "1", "2"], "host": ["e", "e", "w1", "w2"]},
        policy=policy(max=1),
    )
    assert figures(place(fleet)) == (4.0, 1, 1, 0)
    assert figures(place(fleet, Options(max_moves=2))) == (3.0, 2, 1, 0)
