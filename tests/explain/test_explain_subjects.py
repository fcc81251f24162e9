"""Explanations of services, hosts, clusters, domains and the plan; each reason why a host cannot take a service."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import polars as pl
import pytest

from placement.engine import place
from placement.errors import InputError
from placement.explain import explain_plan, explanation_schema
from placement.explain.types import (
    REASON_TEXTS,
    ClusterExplanation,
    DomainExplanation,
    Explanation,
    HostExplanation,
    PlanExplanation,
    ServiceExplanation,
    WhyNot,
)
from placement.fleet import Fleet, read_fleet
from placement.plan.types import Plan

FIXTURES = Path(__file__).parents[2] / "fixtures"


def why_not(plan: Plan, fleet: Fleet | None, service: str, host: str) -> tuple[WhyNot, ...]:
    subject = explain_plan(plan, f"service:{service}", fleet, why_not=host).subject
    assert isinstance(subject, ServiceExplanation)
    assert subject.why_not is not None
    return subject.why_not.reasons


def host_of(plan: Plan, service: str, instance: int = 1) -> str:
    return str(plan.assignments.filter(service=service, instance=instance)["host"][0])


@pytest.fixture(scope="module")
def apart() -> tuple[Plan, Fleet]:
    fleet = read_fleet(FIXTURES / "tiny-interference")
    return place(fleet), fleet


@pytest.fixture(scope="module")
def zones() -> tuple[Plan, Fleet]:
    fleet = read_fleet(FIXTURES / "tiny-zones")
    return place(fleet), fleet


def test_rules_and_room_keep_a_service_away(apart: tuple[Plan, Fleet]) -> None:
    # a stands with d and one e: 4,500 + 4,500 + 100 of 9,800 MB; b with c and two e. b asks 4,500 MB, 700 are left, and
    # a tolerates no b
    plan, fleet = apart
    reasons = why_not(plan, fleet, "b", host_of(plan, "a"))
    assert [(reason.kind, reason.resource or reason.other) for reason in reasons] == [
        ("resource-short", "memory"),
        ("interference", "a"),
    ]
    assert (reasons[0].value, reasons[0].limit) == (4500.0, 700.0)
    assert (reasons[1].value, reasons[1].limit) == (1.0, 0.0)
    # a does not stand where b is either: its own rule says so, and a second e is one too many beside it
    assert [reason.other for reason in why_not(plan, fleet, "a", host_of(plan, "b"))] == ["", "b", "c", "e"]


def test_a_third_e_has_no_room_beside_a_but_none_is_short(apart: tuple[Plan, Fleet]) -> None:
    plan, fleet = apart
    subject = explain_plan(plan, "e", fleet).subject
    assert isinstance(subject, ServiceExplanation)
    assert subject.excluded == {"interference": 2}  # at most one beside a, at most two beside b: both are there
    assert subject.num_could_take == 0
    assert not subject.short_of


def test_spread_and_replicas(zones: tuple[Plan, Fleet]) -> None:
    plan, fleet = zones
    spare = str(plan.hosts.filter(spare=True)["host"][0])
    assert [reason.kind for reason in why_not(plan, fleet, "api", spare)] == ["spare"]
    # api is in each zone: one more on any host is the second of its kind there; the zone's own instance could come
    reasons = why_not(plan, fleet, "api", host_of(plan, "api"))
    assert [(reason.kind, reason.value, reason.limit) for reason in reasons] == [
        ("max-per-host", 2.0, 1.0),
        ("spread", 2.0, 1.0),
    ]
    # of proxy two may share a host, but each of its two zones has one; the third zone has a host that takes one
    assert [reason.kind for reason in why_not(plan, fleet, "proxy", host_of(plan, "proxy"))] == ["spread"]
    subject = explain_plan(plan, "proxy", fleet).subject
    assert isinstance(subject, ServiceExplanation)
    taken = {host_of(plan, "proxy", instance) for instance in (1, 2)}
    free = set(plan.hosts.filter(~pl.col("spare"))["host"]) - taken
    assert (set(subject.could_take), len(free)) == (free, 1)


def test_another_pool_and_another_region(plan: Plan, fleet: Fleet) -> None:
    database = str(plan.hosts.filter(pool="databases")["host"][0])
    assert [reason.kind for reason in why_not(plan, fleet, "orders-api", database)] == ["other-pool"]
    far = plan.hosts.filter(pool="services").head(1).with_columns(host=pl.lit("far"), region=pl.lit("mars"))
    wide = dataclasses.replace(plan, hosts=pl.concat([plan.hosts, far]))
    assert [reason.kind for reason in why_not(wide, fleet, "orders-api", "far")] == ["other-region"]
    assert [reason.kind for reason in why_not(wide, None, "orders-api", "far")] == ["other-region"]


def test_the_reasons_are_a_closed_set_with_words() -> None:
    assert len(REASON_TEXTS) == 7
    assert set(REASON_TEXTS) == set(explanation_schema()["$defs"]["WhyNot"]["properties"]["kind"]["enum"])


def test_a_service(plan: Plan, fleet: Fleet) -> None:
    subject = explain_plan(plan, "orders-api", fleet).subject
    assert isinstance(subject, ServiceExplanation)
    assert (subject.domain, len(subject.instances)) == ("orders", 3)
    assert subject.cost is not None
    assert set(subject.cost) == {"services", "databases", "caches", "platform"}
    assert subject.total_per_hour == pytest.approx(sum(cost.total for cost in subject.cost.values()))
    hosts = plan.hosts.height
    there = len({placed.host for placed in subject.instances})
    told = (subject.num_could_take or 0) + sum(subject.excluded.values())
    assert hosts - there <= told <= hosts
    assert subject.why


def test_without_the_fleet_it_says_what_is_missing(plan: Plan) -> None:
    told = explain_plan(plan, "orders-api")
    assert isinstance(told.subject, ServiceExplanation)
    assert told.subject.cost is None
    assert told.notes == ("with --fleet: demand, cost, and which hosts could take the service",)


def test_a_host(apart: tuple[Plan, Fleet]) -> None:
    plan, fleet = apart
    subject = explain_plan(plan, host_of(plan, "a"), fleet).subject
    assert isinstance(subject, HostExplanation)
    assert subject.services == {"a": 1, "d": 1, "e": 1}
    assert subject.binds == "memory"
    assert subject.use["memory"].share == pytest.approx(9100 / 9800)
    # a and d are single, of e two are elsewhere; no spare
    assert subject.loss.services_down == ("a", "d")
    assert (subject.loss.num_services_reduced, subject.loss.replaced_by) == (1, 0)


def test_a_host_of_databases(plan: Plan, fleet: Fleet) -> None:
    node = plan.nodes.filter(workload=plan.postgres_clusters["cluster"][0], role="primary").row(0, named=True)
    subject = explain_plan(plan, node["host"], fleet).subject
    assert isinstance(subject, HostExplanation)
    assert node["workload"] in subject.loss.primaries
    assert subject.loss.num_services_of_primaries >= 1
    assert node["node"] in {placed.name for placed in subject.nodes}


def test_a_cluster(plan: Plan, fleet: Fleet) -> None:
    for cluster in (*plan.postgres_clusters["cluster"], *plan.valkey_clusters["cluster"]):
        subject = explain_plan(plan, cluster, fleet).subject
        assert isinstance(subject, ClusterExplanation)
        assert subject.services
        assert subject.cost is not None
        assert subject.cost.total > 0
        assert subject.use[subject.binds].share == max(use.share for use in subject.use.values())


def test_a_domain(plan: Plan, fleet: Fleet) -> None:
    totals = []
    for domain in ("orders", "catalog", "ledger"):
        subject = explain_plan(plan, domain, fleet).subject
        assert isinstance(subject, DomainExplanation)
        assert subject.total_per_hour is not None
        totals.append(subject.total_per_hour)
        assert sum(subject.dearest.values()) == pytest.approx(subject.total_per_hour)
    assert sum(totals) == pytest.approx(plan.summary.cost.total_per_hour)
    orders = explain_plan(plan, "domain:orders", fleet).subject
    assert isinstance(orders, DomainExplanation)
    # cart-session 1, orders-api 3, orders-mail 2
    assert (orders.services, orders.instances, orders.single_instance) == (3, 6, 1)


def test_what_to_relax(plan: Plan, fleet: Fleet) -> None:
    subject = explain_plan(plan, "plan", fleet).subject
    assert isinstance(subject, PlanExplanation)
    saves = [item.saves_per_hour for item in subject.relaxations]
    assert saves == sorted(saves, reverse=True)
    assert all(value > 0 for value in saves)
    tier = subject.cost["databases"]
    (tenth,) = [item for item in subject.relaxations if item.what == "databases: 10 % less disk asked"] or [None]
    assert (tenth.saves_per_hour if tenth else 0.0) == pytest.approx(0.1 * tier.resources["disk"], abs=1e-6)


def test_names(plan: Plan, fleet: Fleet) -> None:
    with pytest.raises(InputError, match="did you mean 'orders-api'"):
        explain_plan(plan, "orders-apy", fleet)
    with pytest.raises(InputError, match="no host of the plan"):
        explain_plan(plan, "host:orders-api", fleet)
    with pytest.raises(InputError, match=r"--why-not.*no such host"):
        explain_plan(plan, "orders-api", fleet, why_not="nowhere")
    with pytest.raises(InputError, match="is about a service, and this is a domain"):
        explain_plan(plan, "orders", fleet, why_not="nowhere")
    both = dataclasses.replace(plan, hosts=plan.hosts.with_columns(host=pl.lit("orders-api")).head(1))
    with pytest.raises(InputError, match="service:orders-api, host:orders-api"):
        explain_plan(both, "orders-api")
    with pytest.raises(InputError, match="not the fleet that the plan was made for"):
        explain_plan(plan, "plan", read_fleet(FIXTURES / "tiny-mix"))


def test_what_is_said_fits_the_schema(plan: Plan, fleet: Fleet) -> None:
    schema = explanation_schema()
    kinds: set[str] = set()
    names = ("orders-api", str(plan.hosts["host"][0]), str(plan.valkey_clusters["cluster"][0]), "orders", "plan")
    for name in names:
        told = explain_plan(plan, name, fleet)
        text = json.dumps(told.to_dict())
        assert Explanation.model_validate_json(text) == told
        kinds.add(told.subject.kind)
    assert kinds == set(schema["properties"]["subject"]["discriminator"]["mapping"])
