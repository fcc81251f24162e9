"""Mixes: what is asked for, what plans of them come to, how they are ranked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.compare import Asked, Comparison, compare_mixes
from placement.compare.estimates import model_with
from placement.compare.evaluation import fractional_bound
from placement.compare.measures import network_findings
from placement.compare.mixes import resolve
from placement.compare.ranking import front, ranked
from placement.compare.rules import rules_in_force, without_rule
from placement.compare.runs import MixTask, Packed, plan_mix, side_by_side
from placement.compare.shadow import shadow_prices, workloads_of
from placement.compare.types import MixPlan
from placement.compare.variation import sizes_under
from placement.engine import Options, place
from placement.errors import InputError
from placement.fleet import Fleet, generate_fleet, read_fleet
from placement.instance import build_problems
from placement.network.links import NIC_METRIC
from placement.plan.types import LINKS_SCHEMA, Alert, Cost
from placement.verify import check_plan


def test_mixes_of_the_tiny_fleet_cost_what_its_author_worked_out(of_tiny_mix: Comparison) -> None:
    # fixtures/tiny-mix/fleet.yaml: one of each 0.70, only compute 3 × 0.30, only memory 3 × 0.40
    assert [(mix.name, mix.cost.total_per_hour) for mix in of_tiny_mix.mixes] == [
        ("all", 0.7),
        ("compute", pytest.approx(0.9)),
        ("memory", pytest.approx(1.2)),
    ]
    assert of_tiny_mix.best == "all"
    # 0.70 × 8,760 = 6,132; 0.20 × 8,760 = 1,752 more
    assert of_tiny_mix.mixes[0].total_per_year == pytest.approx(6132)
    assert of_tiny_mix.mixes[1].above_best_per_year == pytest.approx(1752)
    assert [mix.num_sizes for mix in of_tiny_mix.mixes] == [2, 1, 1]


def test_use_and_blast_radius_of_the_tiny_fleet(of_tiny_mix: Comparison) -> None:
    of = {mix.name: mix for mix in of_tiny_mix.mixes}
    # three compute hosts: 12 of 24 cores, 48,000 of 48,000 MB
    assert of["compute"].use["cpu"].share == pytest.approx(0.5)
    assert of["compute"].use["memory"].share == pytest.approx(1.0)
    assert of["compute"].binds == "memory"
    # compute host of `all`: the 8 of crunch, memory host: the 4 of store; no domains, so the fleet of 12 is one
    radius = of["all"].blast_radius
    assert radius.domain_share_worst == pytest.approx(8 / 12)
    assert radius.domain_share_mean == pytest.approx((8 / 12 + 4 / 12) / 2)
    assert (radius.services_per_host, radius.most_services) == (1.0, 1)


def test_prices_at_the_margin_are_those_of_the_fixtures_proof(of_tiny_mix: Comparison) -> None:
    # fleet.yaml: 1/60 per core, 1/96,000 per MB; 12 cores are 0.20 of 0.70, 48,000 MB the rest
    prices = {price.resource: price for price in of_tiny_mix.mixes[0].shadow_prices.resources}
    assert prices["cpu"].per_unit_hour == pytest.approx(1 / 60, rel=1e-3)
    assert prices["memory"].per_unit_hour == pytest.approx(1 / 96_000, rel=1e-3)
    assert prices["cpu"].cost_share == pytest.approx(0.2 / 0.7, rel=1e-3)
    assert prices["disk"].per_unit_hour == 0
    # headroom is 1: a point more of everything that is paid for saves a hundredth of the cost
    headroom = {price.resource: price.saves_per_hour for price in of_tiny_mix.mixes[0].shadow_prices.headroom}
    assert headroom["all"] == pytest.approx(0.007, rel=1e-3)
    assert headroom["cpu"] + headroom["memory"] == pytest.approx(headroom["all"])


def _fractional(fleet: Fleet, headroom: float) -> float:
    policy = fleet.policy.model_copy(update={"headroom": headroom})
    return sum(fractional_bound(problem) for problem in build_problems(dataclasses.replace(fleet, policy=policy)))


def test_a_point_of_headroom_saves_what_the_bound_falls_by(forty: Fleet) -> None:
    """The price at the margin against the bound proven anew with the headroom a point higher."""
    # without services of more than two replicas: hosts are needed for what is asked, not for keeping apart
    few = dataclasses.replace(forty, services=forty.services.with_columns(pl.col("instances").clip(0, 2)))
    saves = shadow_prices(few, place(few, Options())).headroom[0].saves_per_hour
    # the bound is of fractions of hosts, the plan's hosts are whole: as much as its gap to that may lie between
    assert saves == pytest.approx(_fractional(few, 0.70) - _fractional(few, 0.71), rel=0.35)
    assert saves > 0


def test_where_replicas_that_keep_apart_decide_headroom_saves_nothing(forty: Fleet) -> None:
    # eight replicas on eight small hosts, 8 × 0.192 = 1.536, where demand alone would ask for 1.396
    assert forty.services["instances"].max() == 8
    assert _fractional(forty, 0.70) == _fractional(forty, 0.71) == pytest.approx(8 * 0.192)
    prices = shadow_prices(forty, place(forty, Options()))
    assert {price.saves_per_hour for price in prices.headroom} == {0}


def test_network_findings_are_links_above_the_warning_level_and_nics() -> None:
    plan = place(read_fleet("fixtures/tiny-mix"), Options())
    assert network_findings(plan) == 0
    # of four directions two are above: one warning, one beyond its capacity; a NIC below the tier's is a third finding
    rows = [
        (f"{one}>{other}", "uplink", "service", one, other, 1, 10.0, 10 * share, share, level)
        for one, other, share, level in (
            ("a", "s", 0.7, "warning"), ("s", "a", 0.1, "ok"), ("b", "s", 1.2, "critical"), ("s", "b", 0.6, "ok"),
        )
    ]  # fmt: skip
    alerts = tuple(
        Alert(level="warning", metric=metric, where="1 hosts", value=1, limit=10, advice="")
        for metric in (NIC_METRIC, "Host CPU utilization")
    )
    busy = dataclasses.replace(
        plan,
        summary=plan.summary.model_copy(update={"alerts": alerts}),
        links=pl.DataFrame(rows, schema=LINKS_SCHEMA, orient="row"),
    )
    assert network_findings(busy) == 3


def test_a_mix_that_cannot_hold_the_fleet_says_why() -> None:
    # tiny-infeasible-large: services that fit no host
    found = compare_mixes(read_fleet("fixtures/tiny-infeasible-large"), Asked(mixes=["all"]))
    assert found.best == ""
    assert found.mixes[0].status == "infeasible"
    assert {reason["kind"] for reason in found.mixes[0].reasons} == {"too-large"}
    assert found.to_frame()["total_per_hour"].to_list() == [None]


def test_what_is_asked_for_becomes_mixes(forty: Fleet) -> None:
    asked = Asked(mixes=["pairs", "large,small", "all"], headroom=[0.7, 0.8])
    names = [variation.name for variation in resolve(forty, asked)]
    # six pairs and all, each twice; the pair asked for by name is one of them
    assert len(names) == len(set(names)) == 14
    assert "small+large headroom=0.8" in names
    assert "all headroom=0.7" in names


def test_a_mix_for_one_pool_leaves_the_others_their_sizes() -> None:
    fleet = read_fleet("fixtures/fifty")
    (variation,) = resolve(fleet, Asked(mixes=["small"], pools=["services"]))
    assert variation.mix == ("small",)
    assert variation.policy.pool_sizes["services"] == ["small"]
    assert variation.policy.pool_sizes["databases"] == list(fleet.buyable)


def test_a_price_list_and_a_table_of_prices(forty: Fleet, tmp_path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("size,price_per_hour\nsmall,1\nmedium,2\nlarge,3\nxlarge,4\n")
    fleets = [variation.of(forty) for variation in resolve(forty, Asked(("all",), (str(table), "aws-us-east-1-m7i")))]
    assert [fleet.sizes["small"].price_micros_per_hour for fleet in fleets] == [1_000_000, 201_600]
    assert len({fleet.digest for fleet in fleets} | {forty.digest}) == 3


def test_a_size_of_a_mix_needs_a_price(forty: Fleet, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("size,price_per_hour\nsmall,1\n")
    assert len(resolve(forty, Asked(["small"], [str(table)]))) == 1
    with pytest.raises(InputError, match="no price in USD for a size of a mix: 'medium'"):
        resolve(forty, Asked(["small", "medium"], [str(table)]))
    # what a fleet with prices in euros may not buy has the model's price, in dollars
    euros = dataclasses.replace(forty, currency="EUR", buyable=("small",))
    assert len(resolve(euros, Asked(["small"]))) == 1
    with pytest.raises(InputError, match="no price in EUR"):
        resolve(euros, Asked(["medium"]))


def test_a_plan_of_a_changed_fleet_is_one_of_that_fleet(forty: Fleet) -> None:
    (variation,) = resolve(forty, Asked(mixes=["medium"], headroom=[0.8]))
    changed = variation.of(forty)
    plan = place(changed, Options())
    assert check_plan(plan, changed).is_clean
    assert set(plan.hosts["size"]) == {"medium"}
    assert not check_plan(plan, forty).is_clean


def test_everything_wrong_is_said_at_once(forty: Fleet) -> None:
    asked = Asked(["smal", "all,"], ["nix"], [0.0, 1.5], ["cluster"], ["rithm"], ["database"])
    with pytest.raises(InputError) as caught:
        resolve(forty, asked)
    said = "\n".join(str(problem) for problem in caught.value.problems)
    for text in ("did you mean 'small'", "'nix'", "'0.0'", "'1.5'", "did you mean 'clusters'", "'rithm'", "'database'"):
        assert text in said


def test_side_by_side_gives_what_one_after_another_gives(tiny_mix: Fleet) -> None:
    variations = resolve(tiny_mix, Asked(mixes=["singles"]))
    tasks = [MixTask(Packed.of(tiny_mix), variation, Options()) for variation in variations]
    names = [variation.name for variation in variations]

    def run(workers: int) -> list[MixPlan]:
        return side_by_side(plan_mix, tasks, names, 12, Options(workers=workers), lambda *_: None, lambda: False)

    assert run(1) == run(2)


def test_the_rules_that_say_something() -> None:
    fleet = read_fleet("fixtures/tiny-interference")
    assert "interference" in rules_in_force(fleet)
    assert without_rule(fleet, "interference").interference.is_empty()
    found = compare_mixes(fleet, Asked(mixes=["all"]))
    # with rules 2 small, 0.384; without them demand alone decides, so the rule costs what is between
    (rule,) = [rule for rule in found.rules if rule.rule == "interference"]
    alone = place(without_rule(fleet, "interference"), Options()).summary.cost.per_hour
    assert rule.costs_per_hour == pytest.approx(0.384 - alone)


def test_nodes_of_a_plan_are_workloads_again() -> None:
    plan = place(generate_fleet(8, 2).build(), Options())
    workloads = workloads_of(plan)
    assert workloads["instances"].sum() == plan.nodes.height
    of_plan = int((plan.nodes["memory_mb"]).sum())
    assert int((workloads["memory_mb"] * workloads["instances"]).sum()) == of_plan
    assert set(workloads["pool"]) == {"databases", "caches", "platform"}


def _mix(name: str, total: float, num_sizes: int) -> MixPlan:
    cost = Cost(currency="USD", per_hour=total, bound_per_hour=total, gap=0, spare_per_hour=0, total_per_hour=total)
    return MixPlan(
        name=name, sizes=(), prices="", headroom=0.7, databases="auto", model="m", status="optimal", cost=cost,
        num_sizes=num_sizes,
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=8))
def test_a_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    mixes = [_mix(str(number), float(total), sizes) for number, (total, sizes) in enumerate(points)]
    found = front(mixes, lambda mix: float(mix.num_sizes or 0))
    chosen = [points[int(name)] for name in found]
    for total, sizes in points:
        # every mix is matched or beaten by one of the front
        assert any(a <= total and b <= sizes for a, b in chosen)
    for one in chosen:
        assert not any(a <= one[0] and b <= one[1] and (a, b) != one for a, b in points)
    assert chosen == sorted(chosen)


def test_ranking_puts_the_cheapest_first_and_those_without_a_plan_last() -> None:
    without = _mix("none", 0.0, 1).model_copy(update={"cost": None, "status": "infeasible"})
    names = [mix.name for mix in ranked([without, _mix("b", 2.0, 1), _mix("a", 1.0, 2)])]
    assert names == ["a", "b", "none"]


def test_frames_and_json_agree(of_tiny_mix: Comparison) -> None:
    frame = of_tiny_mix.to_frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame["mix"].to_list() == [mix["name"] for mix in of_tiny_mix.to_dict()["mixes"]]
    assert np.isclose(frame["memory_share"][0], 1.0)
    assert Comparison.model_validate(of_tiny_mix.to_dict()) == of_tiny_mix


def test_pictures_are_the_same_bytes_for_the_same_figures(of_tiny_mix: Comparison, tmp_path: Path) -> None:
    from placement.compare.pictures import use_by_mix
    from placement.pictures import save_pictures

    drawn = [save_pictures({"use": lambda: use_by_mix(of_tiny_mix)}, tmp_path / part) for part in ("a", "b")]
    assert [file.name for file in drawn[0]] == ["use.svg", "use.png"]
    assert [file.read_bytes() for file in drawn[0]] == [file.read_bytes() for file in drawn[1]]


def test_another_model_brings_its_sizes_and_leaves_the_fleets_own(forty: Fleet, tiny_mix: Fleet) -> None:
    model = model_with(forty.model, {"hosts.sizes.small.cpu_cores": 8})
    sizes = sizes_under(forty, model)
    assert sizes["small"].cpu_millicores == 8_000
    assert sizes["medium"] == forty.sizes["medium"]
    dearer = dataclasses.replace(forty.sizes["small"], price_micros_per_hour=1)
    own_price = dataclasses.replace(forty, sizes=forty.sizes | {"small": dearer})
    assert sizes_under(own_price, model)["small"].price_micros_per_hour == 1
    assert sizes_under(tiny_mix, model)["compute"] == tiny_mix.sizes["compute"]


def test_standing_hosts_of_a_size_get_its_new_price() -> None:
    fleet = read_fleet("fixtures/tiny-inventory")
    (variation,) = resolve(fleet, Asked(mixes=["all"], prices=["aws-us-east-1-m7i"]))
    before, after = fleet.hosts["price_micros_per_hour"], variation.of(fleet).hosts["price_micros_per_hour"]
    # hosts that are owned cost 0 at any list
    assert after.filter(before == 0).to_list() == before.filter(before == 0).to_list()
