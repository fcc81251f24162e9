"""Violations injected into a valid plan: each is caught and named, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest
from naive_planner import naive_plan
from test_verify_datatier import KINDS as IN_DATA_TIERS
from test_verify_network_violations import KINDS as IN_NETWORKS
from town import (
    assign,
    copy_host,
    drop_host,
    first_host,
    host_of,
    move,
    set_certificate,
    set_host,
    set_summary,
    straighten,
    town,
    unassign,
)

from placement.plan.types import Plan
from placement.verify import FINDING_KINDS, check_plan

FLEET = town()
PLAN = naive_plan(FLEET)
assert PLAN is not None

# the plan that first fit makes, as the edits below rely on it
WEST_ONE, WEST_TWO = host_of(PLAN, "mail", 1), host_of(PLAN, "mail", 2)  # log 1 stands on the first
WEST_SPARE = first_host(PLAN, region="west", spare=True)
EAST_SPARE = first_host(PLAN, region="east", spare=True)  # a medium one, in za/sa2, which it fills
GIANT = host_of(PLAN, "giant", 1)  # in za/sa1
BATCH = host_of(PLAN, "batch", 3)  # alone there
WEB = host_of(PLAN, "web", 4)  # alone there, in zb


def test_the_plan_is_clean() -> None:
    result = check_plan(PLAN, FLEET)
    assert result.findings == ()
    assert result.is_clean
    assert check_plan(PLAN, None).findings == ()


def test_the_plan_is_the_one_the_edits_rely_on() -> None:
    assert straighten(PLAN, FLEET).summary == PLAN.summary
    assert host_of(PLAN, "log", 1) == WEST_ONE
    assert PLAN.hosts.filter(host=EAST_SPARE).select("size", "segment").row(0) == ("medium", "sa2")
    assert PLAN.hosts.filter(segment="sa2").height == 3
    assert PLAN.hosts.filter(host=GIANT)["segment"].item() == "sa1"
    assert PLAN.hosts.filter(host=WEB)["zone"].item() == "zb"
    assert PLAN.hosts.filter(pl.col("host").is_in([BATCH, WEB]))["instances"].to_list() == [1, 1]
    assert {host_of(PLAN, "api", n) for n in (1, 2, 3, 4)} == {"old-1", "old-2"}


def rename(plan: Plan, host: str, name: str) -> Plan:
    swap = pl.col("host").replace({host: name})
    return replace(plan, hosts=plan.hosts.with_columns(swap), assignments=plan.assignments.with_columns(swap))


def add_pool(plan: Plan) -> Plan:
    empty = {"per_hour": 0.0, "bound_per_hour": 0.0, "gap": 0.0, "hosts": 0}
    return set_summary(plan, "pools", {"services": plan.summary.pools["services"].model_dump(), "caches": empty})


def double_bound(plan: Plan) -> Plan:
    return set_certificate(plan, "east", lambda c: c.update(bound_micros_per_hour=10**7))


Edit = Callable[[Plan], Plan]

# what is broken, how, what the check must say: with every dependent figure straightened out …
STRAIGHTENED: list[tuple[str, Edit, set[str]]] = [
    ("service nobody knows", lambda p: assign(p, "ghost", 1, WEB), {"unknown-service"}),
    ("instance beyond the last", lambda p: assign(p, "api", 5, WEB), {"unknown-instance"}),
    ("instance number 0", lambda p: assign(p, "api", 0, WEB), {"unknown-instance"}),
    ("instance placed twice", lambda p: assign(p, "log", 1, WEST_TWO), {"instance-twice"}),
    ("instance not placed", lambda p: unassign(p, "log", 1), {"instance-missing"}),
    ("instance on no host of the plan", lambda p: move(p, "log", 1, "nowhere"), {"unknown-host"}),
    ("instance in a wrong region", lambda p: move(p, "log", 1, "old-2"), {"wrong-region"}),
    ("host listed twice", lambda p: copy_host(p, WEST_SPARE, WEST_SPARE), {"host-twice"}),
    ("host paid for nothing", lambda p: copy_host(p, WEST_TWO, "idle"), {"host-unused"}),
    ("existing host in another segment", lambda p: set_host(p, "old-2", segment=""), {"host-differs"}),
    ("existing host at another price", lambda p: set_host(p, "old-1", price_per_hour=0.06), {"host-differs"}),
    ("existing host of another size", lambda p: set_host(p, "old-1", size="medium"), {"host-differs", "limit-wrong"}),
    ("drained host in use", lambda p: rename(p, "old-1", "old-drained"), {"host-not-active"}),
    ("failed host in use", lambda p: rename(p, "old-2", "old-failed"), {"host-not-active"}),
    ("drained host as spare", lambda p: set_host(rename(p, EAST_SPARE, "old-drained"), "old-drained", segment="sa1",
        size="small", price_per_hour=0.05), {"host-not-active", "spare-too-small"}),
    ("pool nobody knows", lambda p: set_host(p, WEST_TWO, pool="lakes"), {"unknown-pool", "pool-wrong", "gap-wrong"}),
    ("size not on offer", lambda p: set_host(p, WEST_TWO, size="xlarge"), {"size-not-buyable"}),
    ("bought below its price", lambda p: set_host(p, WEST_TWO, price_per_hour=0.09), {"price-wrong"}),
    ("bought in no place", lambda p: set_host(p, WEST_TWO, zone="zz"), {"unknown-location"}),
    ("stock exceeded by spares", lambda p: copy_host(copy_host(p, EAST_SPARE, "x1", zone="zb", segment="sb1"),
        EAST_SPARE, "x2", zone="zb", segment="sb1"), {"stock-exceeded"}),
    ("segment over its room", lambda p: copy_host(p, EAST_SPARE, "x1"), {"location-full"}),
    ("memory over the limit", lambda p: drop_host(move(p, "giant", 1, "old-2"), GIANT),
        {"over-limit", "spare-too-small"}),
    ("replicas together", lambda p: move(move(p, "mail", 1, WEST_TWO), "log", 1, WEST_ONE), {"max-per-host"}),
    ("zone overcrowded", lambda p: drop_host(move(p, "web", 4, GIANT), WEB), {"spread"}),
    ("segment overcrowded", lambda p: move(p, "cache", 2, GIANT), {"spread"}),
    ("services that must not meet", lambda p: drop_host(move(p, "batch", 3, "old-2"), BATCH), {"interference"}),
    ("service beside itself", lambda p: drop_host(move(p, "batch", 3, host_of(p, "batch", 1)), BATCH),
        {"interference"}),
    ("no spare in a region", lambda p: drop_host(p, WEST_SPARE), {"spare-short"}),
    ("spare at work", lambda p: move(p, "log", 1, WEST_SPARE), {"spare-used"}),
    ("spare too small", lambda p: set_host(p, EAST_SPARE, size="small", price_per_hour=0.1), {"spare-too-small"}),
    ("spare that is none", lambda p: set_host(p, WEST_SPARE, spare=False), {"spare-short", "host-unused"}),
    ("certificate over the cost", double_bound, {"bound-too-high", "bound-above-cost"}),
]  # fmt: skip

# … and as it is
PLAIN: list[tuple[str, Edit, set[str]]] = [
    ("host of a size nobody knows", lambda p: set_host(p, WEST_TWO, size="huge"), {"unknown-size", "count-wrong"}),
    ("load understated", lambda p: set_host(p, "old-1", cpu_cores_used=3.4), {"used-wrong"}),
    ("load off by a fraction", lambda p: set_host(p, "old-1", cpu_cores_used=3.50001), {"used-wrong"}),
    ("load of a spare", lambda p: set_host(p, WEST_SPARE, threads_used=1), {"used-wrong"}),
    ("CPU limit overstated", lambda p: set_host(p, "old-1", cpu_cores_limit=6.0), {"limit-wrong"}),
    ("memory limit overstated", lambda p: set_host(p, WEB, memory_mb_limit=7000), {"limit-wrong"}),
    ("file limit overstated", lambda p: set_host(p, WEB, open_files_limit=100000), {"limit-wrong"}),
    ("thread limit overstated", lambda p: set_host(p, WEB, threads_limit=10**6), {"limit-wrong"}),
    ("disk limit overstated", lambda p: set_host(p, WEB, disk_gb_limit=100.0), {"limit-wrong"}),
    ("network limit overstated", lambda p: set_host(p, WEB, network_mbps_limit=700.0), {"limit-wrong"}),
    ("instances miscounted", lambda p: set_host(p, WEB, instances=2), {"instances-wrong"}),
    ("price of an existing host", lambda p: set_host(p, "old-1", price_per_hour=0.04),
        {"host-differs", "cost-wrong", "pool-wrong", "gap-wrong"}),
    ("cost a micro too low", lambda p: set_summary(p, "cost.per_hour", 0.789999), {"cost-wrong"}),
    ("spares too cheap", lambda p: set_summary(p, "cost.spare_per_hour", 0.28), {"cost-wrong"}),
    ("total off", lambda p: set_summary(p, "cost.total_per_hour", 1.07), {"cost-wrong"}),
    ("cost no number", lambda p: set_summary(p, "cost.per_hour", float("nan")), {"cost-wrong"}),
    ("cost beyond numbers", lambda p: set_summary(p, "cost.per_hour", float("inf")), {"cost-wrong"}),
    ("bound a micro too high", lambda p: set_summary(p, "cost.bound_per_hour", 0.380001), {"bound-wrong"}),
    ("gap too small", lambda p: set_summary(p, "cost.gap", 0.01), {"gap-wrong"}),
    ("gap no number", lambda p: set_summary(p, "cost.gap", float("nan")), {"gap-wrong"}),
    ("gap of the pool", lambda p: set_summary(p, "pools.services.gap", 0.01), {"gap-wrong"}),
    ("cost of the pool", lambda p: set_summary(p, "pools.services.per_hour", 0.7), {"pool-wrong"}),
    ("bound of the pool", lambda p: set_summary(p, "pools.services.bound_per_hour", 0.7), {"pool-wrong"}),
    ("hosts of the pool", lambda p: set_summary(p, "pools.services.hosts", 3), {"pool-wrong"}),
    ("pool left out", lambda p: set_summary(p, "pools", {}), {"pool-wrong"}),
    ("hosts miscounted", lambda p: set_summary(p, "hosts.total", 9), {"count-wrong"}),
    ("spares miscounted", lambda p: set_summary(p, "hosts.spare", 1), {"count-wrong"}),
    ("sizes miscounted", lambda p: set_summary(p, "hosts.by_size", {"small": 9, "medium": 1}), {"count-wrong"}),
    ("called optimal", lambda p: set_summary(p, "status", "optimal"), {"status-wrong"}),
    ("called infeasible", lambda p: set_summary(p, "status", "infeasible"), {"status-wrong"}),
    ("another currency", lambda p: set_summary(p, "cost.currency", "EUR"), {"currency-wrong"}),
    ("another fleet", lambda p: set_summary(p, "fleet.digest", "sha256:0"), {"fleet-differs"}),
    ("another fleet's name", lambda p: set_summary(p, "fleet.name", "village"), {"fleet-differs"}),
    ("services miscounted", lambda p: set_summary(p, "fleet.services", 8), {"fleet-differs"}),
    ("instances of the fleet miscounted", lambda p: set_summary(p, "fleet.instances", 17), {"fleet-differs"}),
    ("no certificate", lambda p: replace(p, bounds=p.bounds.model_copy(update={
        "certificates": p.bounds.certificates[:1]})), {"certificate-missing", "bound-wrong", "pool-wrong",
        "gap-wrong"}),
    ("column missing", lambda p: replace(p, hosts=p.hosts.drop("zone")), {"table-invalid"}),
    ("column too many", lambda p: replace(p, hosts=p.hosts.with_columns(rack=pl.lit(""))), {"table-invalid"}),
    ("column of another type", lambda p: replace(p, assignments=p.assignments.cast({"instance": pl.String})),
        {"table-invalid"}),
    ("cell without a value", lambda p: set_host(p, WEB, region=None), {"table-invalid"}),
    ("cell that is no number", lambda p: set_host(p, WEB, cpu_cores_used=float("nan")), {"table-invalid"}),
    ("cell below 0", lambda p: set_host(p, WEB, memory_mb_used=-1), {"table-invalid"}),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "kinds"), [row[1:] for row in STRAIGHTENED], ids=[row[0] for row in STRAIGHTENED])
def test_a_violation_is_named_and_nothing_else(edit: Edit, kinds: set[str]) -> None:
    assert set(check_plan(straighten(edit(PLAN), FLEET), FLEET).counts) == kinds


@pytest.mark.parametrize(("edit", "kinds"), [row[1:] for row in PLAIN], ids=[row[0] for row in PLAIN])
def test_a_false_figure_is_named_and_nothing_else(edit: Edit, kinds: set[str]) -> None:
    assert set(check_plan(edit(PLAN), FLEET).counts) == kinds


def test_extra_pools_without_hosts_are_harmless() -> None:
    assert check_plan(add_pool(PLAN), FLEET).is_clean


def test_a_plan_of_another_policy_is_refused() -> None:
    tighter = town(policy={"headroom": 0.5, "cpu_overcommit": 1.5, "spare": 0.05, "pools": ["services"]})
    kinds = set(check_plan(PLAN, tighter).counts)
    assert {"fleet-differs", "over-limit", "limit-wrong"} <= kinds


def test_findings_say_where_and_how_much() -> None:
    plan = straighten(move(move(PLAN, "mail", 1, WEST_TWO), "log", 1, WEST_ONE), FLEET)
    (finding,) = check_plan(plan, FLEET).findings
    assert finding.to_dict() == {
        "kind": "max-per-host",
        "message": f"2 instances of mail stand on {WEST_TWO}, at most 1 may",
        "service": "mail",
        "host": WEST_TWO,
        "value": 2,
        "limit": 1,
        "file": "assignments.csv",
    }
    (finding,) = check_plan(set_host(PLAN, "old-1", cpu_cores_used=3.4), FLEET).findings
    row = PLAN.hosts["host"].to_list().index("old-1") + 1
    assert str(finding) == (
        f"hosts.csv, row {row}: old-1: cpu_cores_used is 3.4, its instances ask for 3.5 cores [used-wrong]"
    )
    assert (finding.value, finding.limit, finding.resource) == (3.4, 3.5, "cpu")


def test_many_findings_of_one_kind_are_counted_and_cut_short() -> None:
    rows = [("ghost", number, WEB) for number in range(1, 251)]
    more = pl.DataFrame(rows, schema=PLAN.assignments.schema, orient="row")
    result = check_plan(replace(PLAN, assignments=pl.concat([PLAN.assignments, more])), FLEET)
    assert result.counts["unknown-service"] == 250
    told = [finding for finding in result.findings if finding.kind == "unknown-service"]
    assert len(told) == 101
    assert told[-1].message == "150 further findings of this kind"


def test_every_kind_is_injected_somewhere() -> None:
    injected = set().union(*(row[2] for row in STRAIGHTENED + PLAIN))
    elsewhere = IN_DATA_TIERS | {kind for kind in FINDING_KINDS if kind.startswith(("wave-", "moves-"))}
    # these two are injected beside the certificates
    elsewhere |= IN_NETWORKS
    assert set(FINDING_KINDS) - injected - elsewhere == {"certificate-invalid", "bound-unverified"} - elsewhere
