"""Which hosts could take one more instance of a service, and why the others cannot: a closed set of reasons.

One more instance is meant as a move: of the service's instances, one leaves its host and comes here. It may come from
the same zone or segment, which then counts it already.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from placement.explain.context import Context
from placement.explain.types import HostAnswer, WhyNot
from placement.fleet.types import Fleet
from placement.instance import PoolProblem, build_problems
from placement.units import RESOURCES, FloatArray, IntArray

_HOST_LEVEL = 0
_LEVEL_NAMES = {1: "zone", 2: "segment"}


@dataclass(frozen=True)
class _Rule:
    """At most `most` of `other` where `service` runs; one of the two is the service that is asked about."""

    service: str
    other: str
    most: int


class Rooms:
    """The hosts of a plan as one service sees them.

    Parameters
    ----------
    context
        Plan and fleet; the fleet must be given.
    service
        The service.
    """

    def __init__(self, context: Context, service: str) -> None:
        assert context.fleet is not None
        self._fleet: Fleet = context.fleet
        self._context = context
        self.service = service
        self.region = context.services.row(context.service_row[service], named=True)["region"]
        problem = _problem_of(self._fleet, self.region)
        row = problem.names.index(service)
        self.demand: IntArray = problem.demand[row]
        self._most = int(problem.max_per_host[row])
        self._level = int(problem.spread[row])
        self._spread_limit = int(problem.spread_limit[row])
        self._hosts = context.plan.hosts
        self._row_of = {host: n for n, host in enumerate(self._hosts["host"].to_list())}

    @cached_property
    def left(self) -> FloatArray:
        """float64[num_hosts, num_resources]: what each host has left, in internal units."""
        columns = [
            np.rint((self._hosts[f"{r.column}_limit"] - self._hosts[f"{r.column}_used"]).to_numpy() * r.factor)
            for r in RESOURCES
        ]
        return np.stack(columns, axis=1)

    @cached_property
    def _here(self) -> dict[str, int]:
        """The service's instances by host."""
        mine = self._context.plan.assignments.filter(pl.col("service") == self.service)
        return dict(mine.group_by("host").len().iter_rows())

    @cached_property
    def _places(self) -> Counter[tuple[str, str]]:
        """The service's instances by zone, or by zone and segment."""
        places: Counter[tuple[str, str]] = Counter()
        for host, number in self._here.items():
            places[self._place(self._row_of[host])] += number
        return places

    def _place(self, row: int) -> tuple[str, str]:
        zone, segment = self._hosts["zone"][row], self._hosts["segment"][row]
        return (zone, segment if self._level == 2 else "")

    @cached_property
    def _rules(self) -> list[_Rule]:
        names = self._fleet.services["service"]
        number = names.to_list().index(self.service)
        rules = self._fleet.interference.filter((pl.col("service") == number) | (pl.col("other") == number))
        return [
            _Rule(names[service], names[other], most) for service, other, most in rules.iter_rows() if service != other
        ]

    @cached_property
    def _companions(self) -> dict[str, dict[str, int]]:
        """Instances of the services in the rules, by host."""
        named = {name for rule in self._rules for name in (rule.service, rule.other)} - {self.service}
        counted: dict[str, dict[str, int]] = {}
        if named:
            theirs = self._context.plan.assignments.filter(pl.col("service").is_in(sorted(named)))
            for host, service, number in theirs.group_by("host", "service").len().iter_rows():
                counted.setdefault(host, {})[service] = number
        return counted

    def answer(self, host: str) -> HostAnswer:
        """Return whether a host can take one more instance, with every reason why not."""
        row = self._row_of[host]
        return HostAnswer(host=host, is_there=host in self._here, reasons=tuple(self._reasons(row)))

    def survey(self) -> tuple[list[str], Counter[str], Counter[str]]:
        """Return hosts that could take one more, hosts excluded by first reason, hosts short of each resource."""
        could, excluded, short = [], Counter[str](), Counter[str]()
        for host, row in sorted(self._row_of.items()):
            reasons = self._reasons(row)
            if not reasons:
                if host not in self._here:
                    could.append(host)
                continue
            excluded[reasons[0].kind] += 1
            short.update(reason.resource for reason in reasons if reason.kind == "resource-short")
        return could, excluded, short

    def _reasons(self, row: int) -> list[WhyNot]:
        host = self._columns["host"][row]
        pool, region = self._columns["pool"][row], self._columns["region"][row]
        if pool != "services":
            return [WhyNot(kind="other-pool", message=f"the host serves {pool}")]
        if region != self.region:
            message = f"the host stands in {region}, the service is of {self.region}"
            return [WhyNot(kind="other-region", message=message)]
        if self._columns["spare"][row]:
            return [WhyNot(kind="spare", message="the host stands by for one that fails")]
        return [*self._short(row), *self._apart(row, host), *self._clashes(host)]

    @cached_property
    def _columns(self) -> dict[str, list[object]]:
        return {name: self._hosts[name].to_list() for name in ("host", "pool", "region", "spare")}

    def _short(self, row: int) -> list[WhyNot]:
        found = []
        for r in np.flatnonzero(self.demand > self.left[row]).tolist():
            resource = RESOURCES[r]
            asked, left = self.demand[r] / resource.factor, self.left[row, r] / resource.factor
            found.append(
                WhyNot(
                    kind="resource-short",
                    message=f"{resource.name}: {asked:,g} {resource.unit} asked, {left:,g} left",
                    resource=resource.name,
                    value=float(asked),
                    limit=float(left),
                )
            )
        return found

    def _apart(self, row: int, host: object) -> list[WhyNot]:
        found = []
        here = self._here.get(str(host), 0)
        if here + 1 > self._most:
            message = f"{here} of its instances are there, at most {self._most} may be"
            found.append(WhyNot(kind="max-per-host", message=message, value=here + 1, limit=self._most))
        if self._level != _HOST_LEVEL:
            place = self._place(row)
            there = self._places[place]
            could_come_from_here = there > here
            if there + 1 > self._spread_limit and not could_come_from_here:
                name = _LEVEL_NAMES[self._level]
                message = f"{name} {place[self._level - 1]} holds {there}, at most {self._spread_limit} may be there"
                found.append(WhyNot(kind="spread", message=message, value=there + 1, limit=self._spread_limit))
        return found

    def _clashes(self, host: object) -> list[WhyNot]:
        found = []
        there = self._companions.get(str(host), {})
        for rule in self._rules:
            if rule.service == self.service:
                number, other, message = there.get(rule.other, 0), rule.other, "of them may be where it runs"
            elif there.get(rule.service):
                number, other, message = self._here.get(str(host), 0) + 1, rule.service, "of its instances may be there"
            else:
                continue
            if number > rule.most:
                text = f"{other} stands there; at most {rule.most} {message}"
                found.append(WhyNot(kind="interference", message=text, other=other, value=number, limit=rule.most))
        return found


def _problem_of(fleet: Fleet, region: str) -> PoolProblem:
    return next(problem for problem in build_problems(fleet) if problem.pool == "services" and problem.region == region)
