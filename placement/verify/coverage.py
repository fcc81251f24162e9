"""Every instance of every service stands exactly once, on a host of the plan for services, in its region."""

from __future__ import annotations

from itertools import islice

import numpy as np

from placement.fleet.types import POOLS
from placement.plan.findings import Finding
from placement.units import IntArray
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.view import BoolArray, PlanView
from placement.verify.words import count

_FILE = "assignments.csv"
_MISSING_SHOWN = 5


def check_coverage(plan: PlanView, facts: FleetFacts | None, found: Collector) -> None:
    """Report instances that are unknown, placed twice or not at all, on no host, or in a wrong region or pool.

    Without a fleet, a service has as many instances as its highest number says.
    """
    names = plan.plan.assignments

    def report(kind: str, is_bad: BoolArray, text: str) -> None:
        def make(row: int) -> Finding:
            service, instance, host = names.row(row)
            message = f"{service} {instance} on {host}: {text}"
            return Finding(kind, message, service=service, host=host, file=_FILE, row=row + 1)

        found.add_rows(kind, np.flatnonzero(is_bad), make)

    known = plan.service_idx >= 0
    report("unknown-service", ~known, "the fleet has no such service")
    report("unknown-host", plan.host_idx < 0, "the plan has no such host")
    pool = np.where(plan.host_idx >= 0, plan.host_pool[plan.host_idx], -1) if plan.num_hosts else plan.host_idx
    report("wrong-pool", pool > POOLS.index("services"), "the host is for another pool than services")
    if facts is not None and "services" not in facts.pools:
        report("pool-not-planned", known, "the policy does not plan the services")
        return
    num_services = len(plan.services)
    if facts is None:
        expected = np.zeros(num_services, dtype=np.int64)
        np.maximum.at(expected, plan.service_idx, plan.instance)
    else:
        expected = facts.instances
    in_range = known & (plan.instance >= 1)
    in_range[known] &= plan.instance[known] <= expected[plan.service_idx[known]]
    report("unknown-instance", known & ~in_range, "the service has no such instance")
    rows = np.flatnonzero(in_range)
    order = np.lexsort((plan.instance[rows], plan.service_idx[rows]))
    rows = rows[order]
    service, instance = plan.service_idx[rows], plan.instance[rows]
    is_repeat = np.zeros(len(rows), dtype=np.bool_)
    is_repeat[1:] = (service[1:] == service[:-1]) & (instance[1:] == instance[:-1])
    twice = np.zeros(len(plan.instance), dtype=np.bool_)
    twice[rows[is_repeat]] = True
    report("instance-twice", twice, "the instance is placed more than once")
    placed = np.bincount(service[~is_repeat], minlength=num_services).astype(np.int64)
    _report_missing(plan, expected, placed, (service, instance), found)
    if facts is not None:
        _report_regions(plan, facts, found)


def _report_missing(
    plan: PlanView,
    expected: IntArray,
    placed: IntArray,
    pairs: tuple[IntArray, IntArray],
    found: Collector,
) -> None:
    service, instance = pairs  # sorted by service

    def make(row: int) -> Finding:
        low, high = np.searchsorted(service, [row, row + 1])
        there = set(instance[low:high].tolist())
        num_missing = int(expected[row] - placed[row])
        # lazily: a plan may number an instance in the billions
        missing = (str(number) for number in range(1, int(expected[row]) + 1) if number not in there)
        shown = ", ".join(islice(missing, _MISSING_SHOWN))
        more = f" and {num_missing - _MISSING_SHOWN:,} more" if num_missing > _MISSING_SHOWN else ""
        return Finding(
            "instance-missing",
            f"{plan.services[row]} has {count(int(expected[row]), 'instance')}, "
            f"{num_missing:,} of them not placed: {shown}{more}",
            service=plan.services[row],
            value=float(placed[row]),
            limit=float(expected[row]),
            file=_FILE,
        )

    found.add_rows("instance-missing", np.flatnonzero(placed < expected), make)


def _report_regions(plan: PlanView, facts: FleetFacts, found: Collector) -> None:
    region_code = {name: code for code, name in enumerate(facts.regions)}
    regions = plan.plan.hosts["region"].to_list()
    host_region = np.array([region_code.get(region, -1) for region in regions], dtype=np.int64)
    known = np.flatnonzero((plan.service_idx >= 0) & (plan.host_idx >= 0))
    wanted = facts.region_idx[plan.service_idx[known]]
    wrong = known[wanted != host_region[plan.host_idx[known]]] if plan.num_hosts else known[:0]

    def make(row: int) -> Finding:
        service, instance, host = plan.plan.assignments.row(row)
        region = facts.regions[facts.region_idx[plan.service_idx[row]]]
        there = regions[plan.host_idx[row]]
        message = f"{service} {instance} belongs to region {region} but stands on {host} in region {there}"
        return Finding("wrong-region", message, service=service, host=host, file=_FILE, row=row + 1)

    found.add_rows("wrong-region", wrong, make)
