"""What changes between two states: counted host by host, told by kind, domain, size and risk."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replan_fleets import policy, running

from placement.cli.app import run
from placement.engine import Options, place
from placement.errors import InputError
from placement.fleet import write_fleet
from placement.plan import write_plan
from placement.plan.diff import diff_states
from placement.plan.live import inventory_folder, state_of_inventory, state_of_registry
from placement.plan.moves import RUNS_SCHEMA, moves_between
from placement.plan.state import state_of_fleet, state_of_plan
from placement.replan.numbers import keep_numbers

PLACES = pl.DataFrame({"host": ["a1", "a2", "b1"], "zone": ["a", "a", "b"], "segment": ["", "", ""]})


def runs(*rows: tuple[str, int, str]) -> pl.DataFrame:
    return pl.DataFrame([("services", *row) for row in rows], schema=RUNS_SCHEMA, orient="row")


def test_instances_of_a_service_are_interchangeable():
    # one on each of two hosts, numbered the other way round
    assert moves_between(runs(("s", 1, "a1"), ("s", 2, "b1")), runs(("s", 1, "b1"), ("s", 2, "a1")), PLACES).is_empty()


def test_who_leaves_is_paired_with_who_comes_in_the_same_zone():
    old, new = runs(("s", 1, "a1"), ("s", 2, "b1")), runs(("s", 1, "a2"), ("s", 2, "b1"), ("s", 3, "b1"))
    # a1 -> a2 in zone a; the third one starts
    assert moves_between(old, new, PLACES).rows() == [
        ("services", "s", 1, "a1", "a2"),
        ("services", "s", 3, "", "b1"),
    ]


@st.composite
def states(draw: st.DrawFn) -> pl.DataFrame:
    rows = draw(st.lists(st.tuples(st.sampled_from("st"), st.sampled_from(["a1", "a2", "b1"])), min_size=1, max_size=8))
    return runs(*((name, number, host) for number, (name, host) in enumerate(rows, start=1)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(old=states(), new=states())
def test_the_moves_lead_from_one_state_to_the_other(old, new):
    moves = moves_between(old, new, PLACES)
    hosts = sorted(old.select("service", "host").rows())
    for service, source, to in moves.select("service", "from", "to").iter_rows():
        if source:
            hosts.remove((service, source))
        if to:
            hosts.append((service, to))
        assert source != to
    assert sorted(hosts) == sorted(new.select("service", "host").rows())
    # nobody starts while another of the service stops
    both = moves.group_by("service").agg((pl.col("from") == "").any() & (pl.col("to") == "").any())
    assert not both["from"].any()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(old=states(), new=states())
def test_who_stays_keeps_its_number_and_numbers_stay_whole(old, new):
    numbered = (
        new.sort("service")
        .with_columns((pl.int_range(pl.len()).over("service") + 1).cast(pl.Int64).alias("instance"))
        .select("service", "instance", "host")
    )
    today = old.with_columns((pl.int_range(pl.len()).over("service") + 1).cast(pl.Int64).alias("instance"))
    kept = keep_numbers(numbered, today)
    assert (
        kept.select("service", "instance").rows()
        == numbered.sort("service", "instance").select("service", "instance").rows()
    )
    assert sorted(kept.select("service", "host").rows()) == sorted(numbered.select("service", "host").rows())
    most = dict(numbered.group_by("service").len().iter_rows())
    same = kept.join(today, on=["service", "instance", "host"])
    usable = today.filter(pl.col("instance") <= pl.col("service").replace_strict(most, default=0))
    per_host = (
        usable.group_by("service", "host").len().join(kept.group_by("service", "host").len(), on=["service", "host"])
    )
    assert same.height == per_host.select(pl.min_horizontal("len", "len_right").sum()).item()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a fleet of which a host drains, and its plan, written; cost before: 3 small hosts."""
    fleet = running(
        {"a": (2, "2"), "b": (1, "2"), "c": (1, "1")},
        {"h1": "draining", "h2": "active", "h3": "active"},
        [("a", 1, "h1"), ("a", 2, "h2"), ("b", 1, "h1"), ("c", 1, "h3")],
        columns={"domain": ["shop", "shop", ""], "max_per_host": ["1", "1", "1"]},
        policy=policy(max=0),
    )
    folder = tmp_path_factory.mktemp("diff")
    plan = place(fleet, Options(max_moves=0))
    # h1 holds 2 + 2 cores: one core is left on h2 beside a's 2, three on h3 beside c's 1
    write_fleet(fleet, folder / "fleet")
    write_plan(plan, folder / "plan")
    return folder, fleet, plan


def test_a_summary_by_kind_domain_size_and_risk(folders):
    _, fleet, plan = folders
    found = diff_states(state_of_fleet(fleet), state_of_plan(plan), fleet.services.select("service", "domain"))
    summary = found.summary()
    assert summary["moves"] == {"move": 2}
    assert summary["by_kind"] == {"service": {"move": 2}}
    assert summary["by_domain"] == {"shop": 2}
    assert summary["by_size"] == {"small -> small": 2}
    assert summary["by_risk"] == {"sole": 1, "usual": 1}  # b is alone, of a another one goes on
    assert summary["cost"]["old"]["per_hour"] == 3.0
    assert summary["cost"]["new"]["per_hour"] == plan.summary.cost.per_hour
    assert summary["hosts"]["removed"] == 1
    assert found.only(("hosts",)).moves.is_empty()
    assert not found.only(("hosts",)).is_empty
    assert found.only(("databases",)).is_empty


def done(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[object, str, str]:
    """Return the exit code of a command and what it prints."""
    with pytest.raises(SystemExit) as end:
        run([*map(str, arguments)])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def test_the_command_says_it_in_words_in_json_and_by_its_exit_code(folders, capsys):
    fleet, plan, moves = (folders[0] / name for name in ("fleet", "plan", "moves.csv"))
    code, out, err = done(capsys, "diff", fleet, plan, "--exit-code", "-o", moves, "--limit", "1")
    assert code == 4, err
    assert "moves  2 move" in out
    assert "… and 1 more moves" in out
    assert len(pl.read_csv(moves)) == 2
    code, out, err = done(capsys, "diff", plan, plan, "--exit-code", "--json")
    assert code == 0, err
    assert json.loads(out)["changed"] is False


def test_wrong_use_is_told_all_at_once(folders, capsys):
    folder, _, _ = folders
    code, _, err = done(capsys, "diff", folder / "nothing", folder / "plan", "--only", "host")
    assert code == 2
    assert "did you mean 'hosts'?" in err
    assert "there is no such folder" in err


def lines(plan) -> list[dict[str, object]]:
    """Return a plan as the lines that a service registry holds."""
    place = {host: (region, zone) for host, region, zone in plan.hosts.select("host", "region", "zone").iter_rows()}
    return [{"kind": "plan", "digest": "sha256:0"}] + [
        {"kind": "instance", "service": service, "instance": number, "host": host, "region": place[host][0],
         "zone": place[host][1], "segment": "", "port": 20000, "assignments": {}}
        for service, number, host in plan.assignments.iter_rows()
    ]  # fmt: skip


def test_a_registry_is_a_state(folders, tmp_path):
    _, _, plan = folders
    rows = lines(plan)
    registry = tmp_path / "registry.jsonl"
    registry.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert diff_states(state_of_registry(registry), state_of_plan(plan)).is_empty
    rows[1]["host"] = rows[2]["host"]
    registry.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = diff_states(state_of_registry(registry), state_of_plan(plan))
    assert found.moves.height == 1
    assert found.cost["old"] == {}
    assert found.notes == (
        "registry registry.jsonl knows no prices of hosts",
        "registry registry.jsonl knows no hosts without anything on them",
    )
    registry.write_text('{"kind": "instance", "service": "a"}\n[]\n')
    with pytest.raises(InputError) as caught:
        state_of_registry(registry)
    assert [problem.rows for problem in caught.value.problems] == [(1,), (2,)]


def test_an_inventory_is_a_state(folders, tmp_path):
    _, _, plan = folders
    (tmp_path / "inventory" / "host_vars").mkdir(parents=True)
    columns = ("size", "pool", "region", "zone", "segment", "spare")
    for row in plan.hosts.iter_rows(named=True):
        here = plan.assignments.filter(pl.col("host") == row["host"])
        content = {
            "placement_host": {"name": row["host"], **{column: row[column] for column in columns}},
            "placement_services": here.select("service", "instance").to_dicts(),
            "placement_nodes": [],
        }
        (tmp_path / "inventory" / "host_vars" / f"{row['host']}.json").write_text(json.dumps(content))
    folder = inventory_folder(tmp_path)
    assert folder == tmp_path / "inventory"
    assert diff_states(state_of_inventory(folder), state_of_plan(plan)).is_empty
