"""Steps by hand: who waits for whom, who steps aside, and what the replay finds if a step is tampered with."""

from __future__ import annotations

from collections import Counter
from random import Random

import polars as pl
import pytest
from planner_fleets import make_fleet
from replan_fleets import policy, running

from placement.engine import Options, place
from placement.errors import InfeasibleError, InputError
from placement.plan.diff import diff_states
from placement.plan.moves import MOVES_SCHEMA
from placement.plan.state import State, state_of_fleet, state_of_plan
from placement.replan.adopt import adopted
from placement.replan.crossing import Crossing, Rules, crossing
from placement.replan.waves import WaveOptions, plan_waves
from placement.replan.waves_writer import write_waves
from placement.units import NUM_RESOURCES
from placement.verify.waves import check_waves

NO_RULES = Rules({}, {}, {}, {})


def crossed(cores: dict[str, int], hosts: dict[str, int], stands: dict[str, str], rules: Rules = NO_RULES, **states):
    """Return a start in which only CPU counts: cores of services and hosts, and who stands where."""

    def amounts(cpu: int) -> tuple[int, ...]:
        return (cpu, *(0 for _ in range(NUM_RESOURCES - 1)))

    state = Crossing(
        {("services", name): amounts(cpu) for name, cpu in cores.items()},
        {host: amounts(cpu) for host, cpu in hosts.items()},
        {host: {"zone": f"main/{host[0]}", "segment": f"main/{host[0]}/"} for host in hosts},
        rules,
        frozenset(states.get("closed", ())),
        frozenset(states.get("failed", ())),
    )
    for name, host in stands.items():
        if host not in state.failed:
            state.put(("services", name.partition("/")[0]), host)
    return state


def steps(state: Crossing, moves: list[tuple[str, int, str, str]], **options) -> list[tuple[int, str, str, str]]:
    """Return (step, service, from, to)."""
    frame = pl.DataFrame([("services", *move) for move in moves], schema=MOVES_SCHEMA, orient="row")
    runs = pl.DataFrame(
        [("services", name, n, source) for name, n, source, _ in moves],
        schema=["pool", "service", "instance", "host"],
        orient="row",
    )
    start = State("start", pl.DataFrame(), runs, pl.DataFrame(), None, None, "USD", is_live=True)
    found = plan_waves(state, frame, start, WaveOptions(**options))
    return found.select("wave", "service", "from", "to").rows()


def test_both_hosts_hold_what_moves():
    # b (3 of 4 cores) can come to x only after a (3) has left it
    state = crossed({"a": 3, "b": 3}, {"x": 4, "y": 4, "z": 4}, {"a": "x", "b": "y"})
    moves = [("a", 1, "x", "z"), ("b", 1, "y", "x")]
    assert steps(state, moves) == [(1, "a", "x", "z"), (2, "b", "y", "x")]


def test_two_that_change_places_need_a_third_host():
    state = crossed({"a": 3, "b": 3}, {"x": 4, "y": 4, "z": 4}, {"a": "x", "b": "y"})
    found = steps(state, [("a", 1, "x", "y"), ("b", 1, "y", "x")])
    assert len(found) == 3
    assert [step for step, *_ in found] == [1, 2, 3]
    first = found[0]
    assert first[3] == "z"  # one steps aside
    assert {(name, to) for _, name, _, to in found[1:]} == {("a", "y"), ("b", "x")}


def test_a_deadlock_is_told_with_its_numbers():
    state = crossed({"a": 3000, "b": 3000}, {"x": 4000, "y": 4000, "z": 2000}, {"a": "x", "b": "y"})
    with pytest.raises(InfeasibleError) as caught:
        steps(state, [("a", 1, "x", "y"), ("b", 1, "y", "x")])
    (reason,) = caught.value.reasons
    assert reason.kind == "waves-stuck"
    assert reason.value == 2
    assert "a 1 from x to y, which lacks 2 cores of cpu" in reason.message
    assert reason.repair


def test_a_step_has_no_more_moves_than_asked_for():
    stands = {f"s{n}": "x" for n in range(5)}
    state = crossed(dict.fromkeys(stands, 1), {"x": 9, "y": 9}, stands)
    found = steps(state, [(name, 1, "x", "y") for name in stands], size=2)
    assert [step for step, *_ in found] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(("most", "expected"), [(1, [1, 2, 3]), (2, [1, 1, 2]), (3, [1, 1, 1])])
def test_so_many_of_a_service_move_at_once(most, expected):
    state = crossed({"a": 1}, {"x": 9, "y": 9}, {"a/1": "x", "a/2": "x", "a/3": "x"})
    found = steps(state, [("a", n, "x", "y") for n in (1, 2, 3)], max_unavailable=most)
    assert [step for step, *_ in found] == expected


def test_what_has_failed_comes_first_and_all_at_once():
    state = crossed({"a": 1, "b": 1}, {"x": 9, "y": 9}, {"a/1": "x", "a/2": "x", "b": "y"}, failed=["x"], closed=["x"])
    moves = [("b", 1, "y", "y"), ("a", 1, "x", "y"), ("a", 2, "x", "y")]
    found = steps(state, moves, size=2)
    assert [name for step, name, *_ in found if step == 1] == ["a", "a"]


def test_two_that_must_not_meet_do_not_meet_on_the_way():
    # a leaves x before b comes, although both would fit
    rules = Rules({}, {}, {("services", "a"): {("services", "b"): 0}}, {("services", "b"): {("services", "a"): 0}})
    state = crossed({"a": 1, "b": 1}, {"x": 9, "y": 9, "z": 9}, {"a": "x", "b": "y"}, rules)
    assert steps(state, [("b", 1, "y", "x"), ("a", 1, "x", "z")]) == [(1, "a", "x", "z"), (2, "b", "y", "x")]


def test_two_that_change_places_and_must_not_meet_step_aside():
    rules = Rules({}, {}, {("services", "a"): {("services", "b"): 0}}, {("services", "b"): {("services", "a"): 0}})
    state = crossed({"a": 1, "b": 1}, {"x": 9, "y": 9, "z": 9}, {"a": "x", "b": "y"}, rules)
    found = steps(state, [("b", 1, "y", "x"), ("a", 1, "x", "y")])
    assert len(found) == 3


def test_a_host_beyond_its_limit_gets_nothing_until_it_is_mended():
    # x holds 3 + 2 of 4 cores; c (1) may come only once b has left, although it could be moved first
    state = crossed({"a": 3, "b": 2, "c": 1}, {"x": 4, "y": 4, "z": 4}, {"a": "x", "b": "x", "c": "y"})
    assert steps(state, [("c", 1, "y", "x"), ("b", 1, "x", "z")]) == [(1, "b", "x", "z"), (2, "c", "y", "x")]


def test_what_breaks_a_rule_gets_no_more_of_it():
    # a and b must not meet but do on x; another b may come there only once a has left
    rules = Rules({}, {}, {("services", "a"): {("services", "b"): 0}}, {("services", "b"): {("services", "a"): 0}})
    state = crossed({"a": 1, "b": 1}, {"x": 9, "y": 9, "z": 9}, {"a": "x", "b/1": "x", "b/2": "y"}, rules)
    assert steps(state, [("b", 2, "y", "x"), ("a", 1, "x", "z")]) == [(1, "a", "x", "z"), (2, "b", "y", "x")]


def test_an_instance_that_moves_within_its_zone_counts_there_once():
    # at most one of a in a zone; a moves from x1 to x2, both in zone x
    rules = Rules({}, {("services", "a"): ("zone", 1)}, {}, {})
    state = crossed({"a": 1}, {"x1": 9, "x2": 9, "y1": 9}, {"a/1": "x1", "a/2": "y1"}, rules)
    assert steps(state, [("a", 1, "x1", "x2")]) == [(1, "a", "x1", "x2")]
    assert state.in_place["services", "a"] == {"main/x": 1, "main/y": 1}


def packed(random: Random, sizes: dict[str, int], num_hosts: int) -> dict[str, str]:
    """Put items on hosts of 10 in a random order, each on a random host that has room."""
    room = {f"h{n}": 10 for n in range(num_hosts)}
    stands = {}
    for name in random.sample(sorted(sizes), len(sizes)):
        free = [host for host, left in room.items() if left >= sizes[name]]
        stands[name] = random.choice(free)
        room[stands[name]] -= sizes[name]
    return stands


@pytest.mark.parametrize("seed", range(30))
def test_any_start_leads_to_any_end(seed):
    # hosts filled to about three quarters: most have to wait, some to step aside
    random = Random(seed)
    num_hosts = random.randint(3, 6)
    sizes: dict[str, int] = {}
    while sum(sizes.values()) < 7.5 * num_hosts - 5:
        sizes[f"s{len(sizes)}"] = random.randint(1, 4)
    start, end = packed(random, sizes, num_hosts), packed(random, sizes, num_hosts)
    state = crossed(sizes, {f"h{n}": 10 for n in range(num_hosts)}, start)
    moves = [(name, 1, start[name], end[name]) for name in sorted(sizes) if start[name] != end[name]]
    found = steps(state, moves, size=random.randint(1, 4))
    for wave in sorted({step for step, *_ in found}):
        now = [(name, source, to) for step, name, source, to in found if step == wave]
        load = Counter(dict.fromkeys(state.limit, 0))
        for name, host in start.items():
            load[host] += sizes[name]
        for name, source, to in now:
            assert start[name] == source
            load[to] += sizes[name]
        assert max(load.values()) <= 10
        start |= {name: to for name, _, to in now}
    assert start == end


# --- with plans, replayed by the checker ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def journey():
    """Return a fleet of which two hosts drain, what runs, the plan without them, and the steps in between."""
    names = [f"s{n:02d}" for n in range(24)]
    services = {
        "service": names,
        "instances": ["2"] * 24,
        "cpu_cores": [("0.9", "1.3", "1.7")[n % 3] for n in range(24)],
        "spread": ["zone" if n % 4 == 0 else "host" for n in range(24)],
    }
    zones = [{"zone": zone} for zone in "abc"]
    topology = {"format": "placement/topology/1", "regions": [{"region": "main", "zones": zones}]}
    rules = {"service": names[:5], "other": names[5:10], "max_instances": ["0"] * 5}
    fleet = make_fleet(services, topology=topology, interference=rules, policy={**policy(), "spare": 0.1})
    before = place(fleet, Options(seed=1))
    used = before.hosts.filter(~before.hosts["spare"])["host"].to_list()
    today = adopted(fleet, before, tuple(used[:2])).build()
    plan = place(today)
    old, new = state_of_fleet(today), state_of_plan(plan)
    moves = diff_states(old, new).moves.select(list(MOVES_SCHEMA))
    found = plan_waves(crossing(today, old, new, plan, None), moves, old, WaveOptions(3, 1))
    return today, (old, new), plan, found


def kinds(journey, waves, size=3, max_unavailable=1):
    today, states, plan, _ = journey
    found = check_waves(waves, today, states, (None, plan), size=size, max_unavailable=max_unavailable)
    return {finding.kind for finding in found}


def test_the_steps_are_clean(journey):
    waves = journey[3]
    assert waves.height >= journey[2].summary.moves.moved > 4
    assert kinds(journey, waves) == set()


def test_faults_in_the_steps_are_found(journey):
    today, (old, _), plan, waves = journey
    first, last = pl.col("wave") == 1, pl.col("wave") == waves["wave"].max()
    drained = today.hosts.filter(today.hosts["state"] == "draining")["host"][0]
    assert kinds(journey, waves.filter(~last)) == {"wave-end"}
    assert "wave-size" in kinds(journey, waves, size=1)
    assert "wave-invalid" in kinds(journey, pl.concat([waves, waves.filter(first)]).sort("wave"))
    assert "wave-invalid" in kinds(journey, waves.with_columns(pl.lit("nowhere").alias("to")))
    assert "wave-invalid" in kinds(journey, waves.with_columns(pl.col("wave") + 1))
    assert "wave-host-closed" in kinds(journey, waves.with_columns(pl.lit(drained).alias("to")))
    # all onto one host: too many of a service, too much of a resource, some that must not meet
    host = plan.hosts["host"][0]
    everything = old.runs.filter(pl.col("host") != host).select(
        pl.lit(1, pl.Int64).alias("wave"), "service", "instance", pl.col("host").alias("from"),
        pl.lit(host).alias("to"), "pool",
    )  # fmt: skip
    assert {"wave-over-limit", "wave-rule", "wave-unavailable", "wave-size", "wave-end"} <= kinds(journey, everything)


def test_the_replay_takes_a_broken_start_and_finds_what_makes_it_worse():
    # h1 holds 3 + 2 of 4 cores: b leaves for h2, which has 3 left
    services = {"a": (1, "3"), "b": (1, "2"), "c": (1, "1")}
    fleet = running(
        services, {"h1": "active", "h2": "active"}, [("a", 1, "h1"), ("b", 1, "h1"), ("c", 1, "h2")],
        policy=policy(max=0),
    )  # fmt: skip
    plan = place(fleet)
    old, new = state_of_fleet(fleet), state_of_plan(plan)
    moves = diff_states(old, new).moves.select(list(MOVES_SCHEMA))
    waves = plan_waves(crossing(fleet, old, new, plan, None), moves, old, WaveOptions())
    assert waves.select("service", "from", "to").rows() == [("b", "h1", "h2")]
    journey = (fleet, (old, new), plan, waves)
    assert kinds(journey, waves) == set()
    # c comes to h1 while b is still there: 6 of 4 cores
    comes = pl.DataFrame([(1, "c", 1, "h2", "h1", "services")], schema=waves.schema, orient="row")
    worse = pl.concat([waves, comes])
    assert "wave-over-limit" in kinds(journey, worse)


def test_a_spread_broken_on_the_way_is_found(journey):
    _, (old, new), _, _ = journey
    places = {host: zone for state in (old, new) for host, zone in state.hosts.select("host", "zone").iter_rows()}
    standing = set(new.hosts["host"])
    (_, one), (_, other) = old.runs.filter(pl.col("service") == "s00").select("instance", "host").rows()
    beside = next(host for host in sorted(standing - {one, other}) if places[host] == places[other])
    waves = pl.DataFrame(
        [(1, "s00", 1, one, beside, "services")], schema=["wave", "service", "instance", "from", "to", "pool"],
        orient="row",
    )  # fmt: skip
    assert "wave-rule" in kinds(journey, waves)


def test_steps_are_written_whole_with_a_limit_file_each(journey, tmp_path):
    waves = journey[3]
    write_waves(waves, tmp_path / "waves")
    written = sorted(path.name for path in (tmp_path / "waves").iterdir())
    numbers = waves["wave"].unique().sort().to_list()
    assert written == [f"wave-{number:04d}.limit" for number in numbers] + ["waves.csv"]
    rows = waves.filter(pl.col("wave") == 1)
    hosts = (tmp_path / "waves" / "wave-0001.limit").read_text().split()
    assert hosts == sorted({*rows["from"], *rows["to"]} - {""})
    (tmp_path / "waves" / "mine.txt").write_text("x")
    with pytest.raises(InputError, match=r"mine\.txt"):
        write_waves(waves, tmp_path / "waves")


def test_no_limit_file_names_a_host_that_has_failed_nor_is_one_empty(tmp_path):
    # x has failed: a starts anew on y, b only ends. A file without a host would mean all of them.
    rows = [(1, "a", 1, "x", "y", "services"), (2, "b", 1, "x", "", "services")]
    waves = pl.DataFrame(rows, schema=["wave", "service", "instance", "from", "to", "pool"], orient="row")
    write_waves(waves, tmp_path / "waves", frozenset({"x"}))
    limits = [(tmp_path / "waves" / f"wave-000{wave}.limit").read_text() for wave in (1, 2)]
    assert limits == ["y\n", "x\n"]
