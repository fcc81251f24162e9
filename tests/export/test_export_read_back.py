"""A plan is exported, read back as what runs, and planned again: nothing changes."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from placement.cli.app import run
from placement.engine import place
from placement.errors import InputError
from placement.export import export_plan
from placement.fleet import Fleet, write_fleet
from placement.plan import write_plan
from placement.plan.diff import diff_states
from placement.plan.live import state_of_inventory, state_of_registry
from placement.plan.state import state_of_fleet, state_of_plan
from placement.plan.types import Plan
from placement.replan.adopt import adopted


@pytest.fixture(scope="module")
def goal(told: Fleet) -> Plan:
    return place(told)


@pytest.fixture(scope="module")
def written(told: Fleet, goal: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the fleet, its plan, and both exports that say what runs."""
    folder = tmp_path_factory.mktemp("told")
    write_fleet(told, folder / "fleet")
    write_plan(goal, folder / "plan")
    for target in ("registry", "ansible"):
        export_plan(goal, target, folder / target, fleet=told)
    return folder


def done(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return what a command prints that exits with 0."""
    with pytest.raises(SystemExit) as end:
        run([*map(str, arguments)])
    printed = capsys.readouterr()
    assert end.value.code == 0, printed
    return printed.out


@pytest.mark.parametrize("export", ["registry/registry.jsonl", "ansible"])
def test_what_was_exported_differs_in_nothing_from_its_plan(written, export, capsys):
    assert "no changes" in done(capsys, "diff", "--exit-code", written / export, written / "plan")
    assert "no changes" in done(capsys, "diff", "--exit-code", written / "plan", written / export)


def test_an_inventory_is_adopted_and_planned_as_it_is(written, goal, capsys):
    arguments = (written / "ansible", "--fleet", written / "fleet", "-o", written / "today", "--json")
    # 1 + 3 + 2 + 2
    assert json.loads(done(capsys, "adopt", *arguments))["instances"] == 8
    done(capsys, "plan", written / "today", "-o", written / "next", "-q")
    moves = json.loads((written / "next" / "plan.json").read_text())["moves"]
    assert (moves["moved"], moves["started"], moves["stopped"]) == (0, 0, 0)
    for table in ("assignments.csv", "nodes.csv", "databases.csv", "caches.csv"):
        assert (written / "next" / table).read_bytes() == (written / "plan" / table).read_bytes()
    done(capsys, "diff", "--exit-code", written / "plan", written / "next")
    done(capsys, "diff", "--exit-code", written / "ansible", written / "next")


def test_a_registry_is_adopted_where_the_fleet_says_which_hosts_there_are(told, goal, written):
    registry = state_of_registry(written / "registry" / "registry.jsonl")
    with pytest.raises(InputError, match="hosts whose sizes neither it nor the fleet says: eu-1-"):
        adopted(told, registry)
    stands = adopted(told, goal)
    current = stands.current
    assert adopted(stands.build(), registry).current.equals(current)
    host = goal.assignments["host"][0]
    drained = adopted(stands.build(), registry, (host,)).hosts
    assert drained.filter(state="draining")["host"].to_list() == [host]
    assert drained["host"].to_list() == goal.hosts["host"].to_list()  # also those on which nothing runs


def test_another_nic_is_a_change_of_the_host(told, goal):
    today = adopted(told, goal)
    planned = goal.hosts.filter(pool="services")
    assert set(planned["nic"]) == {"1gbe"}
    assert today.hosts.select("host", "nic").equals(goal.hosts.select("host", "nic"))
    faster = dataclasses.replace(today, hosts=today.hosts.with_columns(nic=pl.lit("10gbe"))).build()
    found = diff_states(state_of_fleet(faster), state_of_plan(goal)).hosts
    assert set(found["what"]) == {"nic 10gbe -> 1gbe"}
    assert found["host"].to_list() == planned["host"].sort().to_list()


def test_who_uses_another_cluster_is_seen_in_an_inventory(goal, written, tmp_path):
    shutil.copytree(written / "ansible", tmp_path / "ansible")
    for path in (tmp_path / "ansible" / "inventory" / "host_vars").glob("*.json"):
        content = json.loads(path.read_text())
        for row in content["placement_services"]:
            if row["service"] == "shop":
                row["cache"]["cluster"] = "another"
        path.write_text(json.dumps(content))
    found = diff_states(state_of_inventory(tmp_path / "ansible" / "inventory"), state_of_plan(goal))
    new = goal.caches.filter(service="shop")["cluster"].item()
    assert found.clusters.rows() == [("shop", "cache", "another", new)]


def test_steps_name_hosts_that_the_two_inventories_have(told, goal, written, capsys):
    # a host of each pool drains; what is emptied is in today's inventory, what is bought in the plan's
    drained = tuple(goal.hosts.filter(~pl.col("spare")).group_by("pool").agg(pl.col("host").min())["host"].sort())
    write_fleet(adopted(told, goal, drained), written / "drained")
    done(capsys, "plan", written / "drained", "-o", written / "moved", "-q")
    done(capsys, "export", written / "moved", "--to", "ansible", "--fleet", written / "drained",
         "-o", written / "ansible-moved")  # fmt: skip
    done(capsys, "waves", written / "plan", written / "moved", "--fleet", written / "drained", "-o", written / "waves")
    today, then = (
        {path.stem for path in (written / name / "inventory" / "host_vars").iterdir()}
        for name in ("ansible", "ansible-moved")
    )
    waves = pl.read_csv(written / "waves" / "waves.csv")
    assert set(waves["from"]) >= set(drained)
    assert set(drained).isdisjoint(then)
    assert set(waves["from"]) <= today
    assert set(waves["to"]) <= then
    for path in (written / "waves").glob("*.limit"):
        hosts = path.read_text().split()
        assert hosts != []
        assert set(hosts) <= today | then
    assert set(pl.read_csv(written / "moved" / "hosts.csv").filter(pool="services")["nic"]) == {"1gbe"}
