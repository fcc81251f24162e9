"""A plan checked without its fleet: its own files against each other, and a note on what that leaves open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from naive_planner import naive_plan
from town import assign, copy_host, drop_host, first_host, host_of, move, set_host, set_summary, town, unassign

from placement.plan.types import Plan
from placement.verify import check_plan

FLEET = town()
PLAN = naive_plan(FLEET)
assert PLAN is not None
WEB = host_of(PLAN, "web", 4)
WEST_SPARE = first_host(PLAN, region="west", spare=True)


def test_a_valid_plan_is_clean_and_the_notes_say_what_was_not_checked() -> None:
    alone, beside = check_plan(PLAN, None), check_plan(PLAN, FLEET)
    assert alone.is_clean
    assert alone.counts == {}
    assert "without the fleet, not checked" in alone.notes[0]
    assert not any("without the fleet" in note for note in beside.notes)
    assert len(beside.checked) > len(alone.checked)


@pytest.mark.parametrize(
    ("edit", "kinds"),
    [
        (lambda p: set_host(p, WEB, memory_mb_used=7000), {"over-limit"}),
        (lambda p: set_host(p, WEB, cpu_cores_used=1.00001), {"used-wrong"}),
        (lambda p: set_host(p, WEB, cpu_cores_limit=4.20001), {"limit-wrong"}),
        (lambda p: set_host(p, WEB, instances=2), {"instances-wrong"}),
        (lambda p: move(p, "log", 1, "nowhere"), {"unknown-host", "instances-wrong"}),
        (lambda p: assign(p, "log", 1, WEB), {"instance-twice", "instances-wrong", "fleet-differs"}),
        (lambda p: unassign(p, "web", 2), {"instance-missing", "instances-wrong", "fleet-differs"}),
        (lambda p: assign(p, "web", 0, WEB), {"unknown-instance", "instances-wrong", "fleet-differs"}),
        (lambda p: drop_host(p, WEST_SPARE), {"cost-wrong", "count-wrong", "link-unknown"}),
        (lambda p: copy_host(p, WEST_SPARE, WEST_SPARE), {"host-twice", "cost-wrong", "count-wrong"}),
        (lambda p: set_host(p, WEST_SPARE, threads_limit=10), {"spare-too-small"}),
        (lambda p: set_host(p, WEST_SPARE, threads_used=10), {"spare-used"}),
        (lambda p: set_host(p, WEST_SPARE, instances=1), {"instances-wrong"}),
        (lambda p: set_host(p, WEST_SPARE, price_per_hour=0.2), {"cost-wrong"}),
        (lambda p: set_host(p, WEST_SPARE, price_per_hour=0.1000001), {"price-wrong", "cost-wrong"}),
        (lambda p: set_host(p, WEB, pool="lakes"), {"unknown-pool", "pool-wrong", "gap-wrong"}),
        (lambda p: set_summary(p, "status", "optimal"), {"status-wrong"}),
        (lambda p: set_summary(p, "cost.bound_per_hour", 0.39), {"bound-wrong"}),
    ],
)
def test_what_the_files_alone_betray(edit: Callable[[Plan], Plan], kinds: set[str]) -> None:
    assert set(check_plan(edit(PLAN), None).counts) == kinds


def test_an_absurd_instance_number_is_told_at_once() -> None:
    findings = check_plan(assign(PLAN, "log", 10**12, WEB), None).findings
    (message,) = (finding.message for finding in findings if finding.kind == "instance-missing")
    assert message.startswith("log has 1,000,000,000,000 instances, 999,999,999,998 of them not placed: 2, 3, 4,")
    assert message.endswith("6 and 999,999,999,993 more")
