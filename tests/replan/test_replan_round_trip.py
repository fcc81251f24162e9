"""A plan that has been carried out is planned again, and nothing changes; whatever runs today, moves keep to limits."""

from __future__ import annotations

import dataclasses
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_fleets import SIZES, make_fleet

from placement.engine import Options, place
from placement.errors import InfeasibleError
from placement.fleet import fleet_from_frames, generate_fleet
from placement.plan.diff import diff_states
from placement.plan.moves import MOVES_SCHEMA
from placement.plan.state import state_of_fleet, state_of_plan
from placement.replan.adopt import adopted
from placement.replan.crossing import crossing
from placement.replan.waves import WAVES_SCHEMA, WaveOptions, plan_waves
from placement.units import RESOURCES
from placement.verify import check_plan
from placement.verify.waves import check_waves


@pytest.fixture(scope="module")
def whole():
    """Return a fleet with databases, caches and platform services, its plan, and the fleet once that is carried out."""
    fleet = generate_fleet(6, 3).build()
    plan = place(fleet)
    return fleet, plan, adopted(fleet, plan)


@pytest.fixture(scope="module")
def again(whole):
    """Return the fleet once its plan is carried out, and the plan of that."""
    fleet = whole[2].build()
    return fleet, place(fleet)


def test_a_plan_carried_out_is_planned_as_it_is(whole, again):
    _, plan, _ = whole
    fleet, again = again
    difference = diff_states(state_of_plan(plan), state_of_plan(again))
    assert difference.is_empty, difference.summary()
    assert again.assignments.equals(plan.assignments)
    assert again.nodes.equals(plan.nodes)
    assert again.summary.moves.moved == again.summary.moves.started == again.summary.moves.stopped == 0
    assert diff_states(state_of_fleet(fleet), state_of_plan(again)).is_empty


def test_nodes_leave_a_host_that_drains_and_no_others(whole):
    fleet, plan, _ = whole
    host = plan.nodes.filter(plan.nodes["kind"] == "postgres")["host"][0]
    stood = plan.nodes.filter(plan.nodes["host"] == host).height
    again = place(adopted(fleet, plan, (host,)).build(), Options(max_moves=0))
    assert again.summary.moves.forced == again.summary.moves.moved == stood
    assert host not in again.hosts["host"].to_list()


def test_nodes_move_in_steps_that_leave_a_majority(whole):
    fleet, plan, _ = whole
    hosts = plan.nodes.filter(plan.nodes["kind"] == "postgres")["host"].unique().sort().to_list()[:2]
    today = adopted(fleet, plan, tuple(hosts)).build()
    goal = place(today)
    old, new = state_of_fleet(today), state_of_plan(goal)
    moves = diff_states(old, new).moves.select(list(MOVES_SCHEMA))
    assert set(moves["pool"]) >= {"databases"}
    # three at once are asked for, of a cluster of three nodes one may move
    waves = plan_waves(crossing(today, old, new, goal, None), moves, old, WaveOptions(50, 3))
    nodes = waves.filter(waves["pool"] == "databases").group_by("wave", "service").len()
    size = dict(old.runs.filter(old.runs["pool"] == "databases").group_by("service").len().iter_rows())
    assert all(number <= max(1, (size[name] - 1) // 2) for _, name, number in nodes.iter_rows())
    assert check_waves(waves, today, (old, new), (None, goal), size=50, max_unavailable=3) == ()


def test_a_host_keeps_the_nic_it_was_bought_with():
    # two of 600 Mbps never share a NIC of 1 Gbps: two hosts, although one of the size's own NIC would carry both
    services = {
        "service": ["a", "b"], "network_mbps": ["600", "600"], "cpu_cores": ["0.5", "0.5"], "memory_mb": ["500", "500"],
        "needs_postgres": ["false", "false"], "needs_valkey": ["false", "false"],
    }  # fmt: skip
    policy = {"pools": ["services"], "spare": 0.0}
    slow = fleet_from_frames(services=services, policy={**policy, "nic": {"services": "1gbe"}})
    plan = place(slow)
    assert plan.hosts["nic"].to_list() == ["1gbe", "1gbe"]
    assert plan.links.filter(pl.col("kind") == "nic").height == 4  # in and out of each
    # the policy is gone, the NICs are not: hosts stand as they are
    today = adopted(slow, plan)
    today = dataclasses.replace(today, document={**today.document, "policy": policy}).build()
    assert place(fleet_from_frames(services=services, policy=policy)).hosts.height == 1
    assert today.hosts["nic"].to_list() == ["1gbe", "1gbe"]
    again = place(today, Options(max_moves=0))
    assert again.hosts.select("host", "nic").equals(plan.hosts.select("host", "nic"))
    assert again.links.equals(plan.links)
    # a step counts with them: 1 Gbps less the headroom, from the fleet as from the plan
    old, new = state_of_fleet(today), state_of_plan(again)
    network = [resource.name for resource in RESOURCES].index("network")
    limits = {
        host: round(1000 * mbps)
        for host, mbps in again.hosts.select("host", f"{RESOURCES[network].column}_limit").iter_rows()
    }
    state = crossing(today, old, new, again, None)
    assert {host: limit[network] for host, limit in state.limit.items()} == limits
    assert max(limits.values()) <= 1_000_000
    onto = pl.DataFrame(
        [(1, "a", 1, old.runs["host"][0], old.runs["host"][1], "services")], schema=list(WAVES_SCHEMA), orient="row"
    )
    kinds = {found.kind for found in check_waves(onto, today, (old, new), (None, again), size=9, max_unavailable=1)}
    assert "wave-over-limit" in kinds


@pytest.mark.parametrize(
    "wrong",
    [{"moved": 1}, {"started": 1}, {"stopped": 1}, {"forced": 1}, None],
    ids=lambda wrong: "none" if wrong is None else next(iter(wrong)),
)
def test_moves_that_are_counted_wrongly_are_found(again, wrong):
    fleet, plan = again
    moves = None if wrong is None else plan.summary.moves.model_copy(update=wrong)
    tampered = dataclasses.replace(plan, summary=plan.summary.model_copy(update={"moves": moves}))
    assert {finding.kind for finding in check_plan(tampered, fleet).findings} == {"moves-wrong"}


@st.composite
def placements(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of a fleet that runs anywhere, rules broken or not."""
    number = draw(st.integers(1, 6))
    names = [f"s{i}" for i in range(number)]
    instances = draw(st.lists(st.integers(1, 4), min_size=number, max_size=number))
    hosts = [f"h{i}" for i in range(draw(st.integers(1, 5)))]
    runs = [(name, i + 1) for name, most in zip(names, instances, strict=True) for i in range(most)]
    known = draw(st.lists(st.sampled_from(runs), min_size=1, unique=True))
    rules = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=3, unique=True))
    arguments: dict[str, Any] = {
        "services": {
            "service": names,
            "instances": [str(most) for most in instances],
            "max_per_host": [str(draw(st.integers(1, 3))) for _ in names],
            "cpu_cores": [draw(st.sampled_from(["0.5", "1", "3"])) for _ in names],
            "spread": [draw(st.sampled_from(["host", "zone"])) for _ in names],
        },
        "hosts": {
            "host": hosts,
            "size": [draw(st.sampled_from(["small", "large"])) for _ in hosts],
            "zone": [draw(st.sampled_from(["a", "b"])) for _ in hosts],
            "state": [draw(st.sampled_from(["active", "active", "draining", "failed"])) for _ in hosts],
        },
        "current": {
            "service": [name for name, _ in known],
            "instance": [str(i) for _, i in known],
            "host": [draw(st.sampled_from(hosts)) for _ in known],
        },
    }
    if rules:
        arguments["interference"] = {
            "service": [a for a, _ in rules],
            "other": [b for _, b in rules],
            "max_instances": [str(int(a == b)) for a, b in rules],
        }
    arguments["sizes"] = SIZES
    arguments["policy"] = {"headroom": 1.0, "cpu_overcommit": 1.0, "spare": draw(st.sampled_from([0.0, 0.2]))}
    return arguments


@settings(max_examples=6, deadline=None, derandomize=True)
@given(arguments=placements(), most=st.sampled_from([None, 0, 1, 3]))
def test_moves_keep_to_their_limit_and_a_second_plan_moves_nothing(arguments, most):
    # `place` has the checker count the moves anew: more than the limit, beside those that must, and it raises
    fleet = make_fleet(**arguments)
    try:
        plan = place(fleet, Options(max_moves=most))
    except InfeasibleError:
        return  # too large for any host, say
    moves = plan.summary.moves
    assert moves.moved <= max(moves.forced, moves.moved if most is None else most)
    frames = adopted(fleet, plan)
    again = place(frames.build(), Options(max_moves=0))
    assert again.summary.moves.moved == 0
    assert again.assignments.equals(plan.assignments)
