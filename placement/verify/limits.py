"""What hosts carry and can carry: recomputed, compared with what the plan states, and with each other."""

from __future__ import annotations

import numpy as np

from placement.plan.findings import Finding
from placement.units import RESOURCES
from placement.verify.collector import Collector
from placement.verify.view import UNREADABLE, PlanView
from placement.verify.words import amount, outer

_FILE = "hosts.csv"


def check_limits(plan: PlanView, found: Collector) -> None:
    """Report hosts beyond a limit, and loads, limits and counts that are stated wrongly."""
    for index, resource in enumerate(RESOURCES):
        over = (plan.used[:, index] > plan.limit[:, index]) & (plan.limit[:, index] != UNREADABLE)
        used_wrong = plan.stated_used[:, index] != plan.used[:, index]
        limit_wrong = plan.stated_limit[:, index] != plan.limit[:, index]
        # without a fleet, figures are their own measure, and only those that are none can be told
        used_wrong |= plan.stated_used[:, index] == UNREADABLE
        limit_wrong |= plan.stated_limit[:, index] == UNREADABLE
        column = resource.column

        def tell_over(row: int, i: int = index) -> Finding:
            used, limit = int(plan.used[row, i]), int(plan.limit[row, i])
            message = f"{plan.hosts[row]} is asked for {amount(used, i)}, its limit is {amount(limit, i)}"
            return _finding("over-limit", plan, row, message, (i, used, limit))

        def tell_used(row: int, i: int = index, column: str = column) -> Finding:
            right = int(plan.used[row, i])
            said = plan.plan.hosts[f"{column}_used"][row]
            message = f"{plan.hosts[row]}: {column}_used is {said}, its instances ask for {amount(right, i)}"
            return _finding("used-wrong", plan, row, message, (i, int(plan.stated_used[row, i]), right))

        def tell_limit(row: int, i: int = index, column: str = column) -> Finding:
            right = int(plan.limit[row, i])
            said = plan.plan.hosts[f"{column}_limit"][row]
            message = f"{plan.hosts[row]}: {column}_limit is {said}, it can take {amount(right, i)}"
            return _finding("limit-wrong", plan, row, message, (i, int(plan.stated_limit[row, i]), right))

        found.add_rows("over-limit", np.flatnonzero(over), tell_over)
        found.add_rows("used-wrong", np.flatnonzero(used_wrong), tell_used)
        found.add_rows("limit-wrong", np.flatnonzero(limit_wrong), tell_limit)

    def tell_instances(row: int) -> Finding:
        said, right = int(plan.stated_instances[row]), int(plan.num_instances[row])
        message = f"{plan.hosts[row]}: instances is {said:,}, {right:,} are assigned to it"
        name = plan.hosts[row]
        return Finding("instances-wrong", message, host=name, value=said, limit=right, file=_FILE, row=row + 1)

    found.add_rows("instances-wrong", np.flatnonzero(plan.stated_instances != plan.num_instances), tell_instances)


def _finding(kind: str, plan: PlanView, row: int, message: str, figures: tuple[int, int, int]) -> Finding:
    index, value, limit = figures
    return Finding(
        kind,
        message,
        host=plan.hosts[row],
        resource=RESOURCES[index].name,
        value=outer(value, index),
        limit=outer(limit, index),
        file=_FILE,
        row=row + 1,
    )
