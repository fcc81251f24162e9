"""Plans of the grown fleet at several sizes; between them what is needed is read off straight lines.

Numbers of services are spread geometrically from now to the largest that any scenario or sample reaches. Where another
arrangement of databases or caches begins, there is one before and one after: straight lines do not run across steps.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from placement.capacity import CapacityModel
from placement.compare.runs import Packed, side_by_side
from placement.datatier.arrangement import automatic_postgres
from placement.engine import place
from placement.errors import InfeasibleError, Reason
from placement.fleet.types import Fleet
from placement.forecast.grown import grown, part_of, platform_alone
from placement.forecast.types import HOURS_PER_MONTH, QUANTITIES, Checkpoint
from placement.packing.options import Options
from placement.plan.types import Plan
from placement.units import FloatArray

PLANNED_AT_MOST = 10_000
"""Services of a checkpoint's plan; a larger fleet is planned as an even part of it."""

NUM_SIZES = 5
_NO_ALTERNATIVE_S = 3_600.0
"""With a limit, however long, no other arrangement of databases is planned beside the one wanted."""


@dataclass(frozen=True)
class CheckpointTask:
    """A checkpoint to plan: services by domain."""

    fleet: Packed
    counts: tuple[tuple[str, int], ...]
    options: Options


def sizes_to_plan(fleet: Fleet, now: int, largest: int) -> tuple[int, ...]:
    """Return the numbers of services to plan, sorted: `now` and `largest` among them."""
    spread = np.geomspace(now, max(now, largest), NUM_SIZES if largest > now else 1)
    found = {now, max(now, largest), *(round(number) for number in spread.tolist())}
    for step in _steps(fleet):
        if now < step <= largest:
            found |= {step - 1, step} if step - 1 >= now else {step}
    # sizes next to each other tell the same, but for the two sides of a step
    kept: list[int] = []
    steps = _steps(fleet)
    for size in sorted(found):
        near = bool(kept) and size < kept[-1] * 1.05
        if near and size not in (largest, *steps, *(step - 1 for step in steps)):
            continue
        kept.append(size)
    return tuple(kept)


def plan_checkpoint(
    task: CheckpointTask, *, cores: int, report: Callable[[Any], None], stop: Callable[[], bool]
) -> Checkpoint | tuple[Reason, ...]:
    """Plan a grown fleet; return what it needs, or why there is no plan."""
    del cores
    report("began")
    fleet = grown(task.fleet.open(), dict(task.counts), task.options.seed)
    num = len(fleet.services)
    options = dataclasses.replace(task.options, time_limit_s=task.options.time_limit_s or _NO_ALTERNATIVE_S)
    try:
        if num <= PLANNED_AT_MOST:
            return _checkpoint(fleet, [(place(fleet, options, stop=stop), 1.0)], num)
        plans = []
        part = part_of(fleet, PLANNED_AT_MOST)
        if part.policy.pools:
            plans.append((place(part, options, stop=stop), num / PLANNED_AT_MOST))
        if "platform" in fleet.policy.pools:
            plans.append((place(platform_alone(fleet), options, stop=stop), 1.0))
    except InfeasibleError as error:
        return error.reasons
    return _checkpoint(fleet, plans, PLANNED_AT_MOST)


def plan_checkpoints(
    fleet: Fleet,
    compositions: Sequence[dict[str, int]],
    options: Options,
    report: Callable[[str], None],
    stop: Callable[[], bool],
) -> tuple[Checkpoint, ...]:
    """Plan each composition, side by side.

    Raises
    ------
    InfeasibleError
        If one of them cannot be planned: the reasons name the number of services.
    """
    packed = Packed.of(fleet)
    single = dataclasses.replace(options, workers=1, executor="local")
    sizes = [sum(counts.values()) for counts in compositions]
    # the largest first: the end is then short
    order = sorted(range(len(sizes)), key=lambda n: -sizes[n])
    done = side_by_side(
        plan_checkpoint,
        [CheckpointTask(packed, tuple(sorted(compositions[n].items())), single) for n in order],
        [f"{sizes[n]:,} services" for n in order],
        round(min(max(sizes), PLANNED_AT_MOST) * fleet.num_instances / len(fleet.services)),
        options,
        lambda n, _: report(f"planning {sizes[order[n]]:,} services"),
        stop,
    )
    reasons = [
        dataclasses.replace(reason, message=f"with {sizes[n]:,} services: {reason.message}")
        for n, result in sorted(zip(order, done, strict=True), key=lambda pair: sizes[pair[0]])
        if not isinstance(result, Checkpoint)
        for reason in result
    ]
    if reasons:
        raise InfeasibleError(reasons)
    return tuple(sorted(done, key=lambda checkpoint: checkpoint.services))


def between(checkpoints: Sequence[Checkpoint], values: Sequence[float], services: FloatArray) -> FloatArray:
    """Return what so many services need, any shape: straight lines between the checkpoints' values."""
    at = np.array([checkpoint.services for checkpoint in checkpoints], np.float64)
    found: FloatArray = np.interp(services, at, np.asarray(values, np.float64))
    return found


def _steps(fleet: Fleet) -> tuple[int, ...]:
    """Return the numbers of services at which `auto` takes another arrangement of databases or caches."""
    model: CapacityModel = fleet.model
    found: set[int] = set()
    rows: list[Any] = []
    if "databases" in fleet.policy.pools and fleet.policy.postgres.default == "auto":
        rows += model.postgres.phases.values()
    if "caches" in fleet.policy.pools and fleet.policy.valkey.default == "auto":
        rows += model.valkey.tiers.values()
    for row in rows:
        found.add(math.ceil(row.services_from.typical))
    return tuple(sorted(step for step in found if step > 1))


def _checkpoint(fleet: Fleet, plans: Sequence[tuple[Plan, float]], planned: int) -> Checkpoint:
    """Return what plans of parts of a fleet come to, each times its factor."""
    hosts: dict[str, float] = {}
    totals = dict.fromkeys(QUANTITIES, 0.0)
    cost = bound = 0.0
    for plan, factor in plans:
        summary = plan.summary
        for size, number in summary.hosts.by_size.items():
            hosts[size] = hosts.get(size, 0.0) + number * factor
        totals["hosts"] += summary.hosts.total * factor
        totals["cost_per_month"] += summary.cost.total_per_hour * HOURS_PER_MONTH * factor
        totals["bandwidth_mbps"] += float(plan.hosts["network_mbps_used"].sum()) * factor
        totals["databases"] += plan.postgres_clusters.height * factor
        tier = summary.data_tier
        if tier is not None and tier.postgres is not None:
            totals["database_storage_gb"] += tier.postgres.storage_gb * factor
        if tier is not None and tier.valkey is not None:
            totals["cache_memory_gb"] += tier.valkey.memory_mb_used / 1000 * factor
        cost += summary.cost.per_hour * factor
        bound += summary.cost.bound_per_hour * factor
    num = len(fleet.services)
    said = fleet.policy.postgres.default
    return Checkpoint(
        services=num,
        services_planned=planned,
        scaled_by=max((factor for _, factor in plans), default=1.0),
        gap=(cost - bound) / bound if bound else 0.0,
        databases_arrangement=automatic_postgres(fleet.model, num) if said == "auto" else said,
        hosts_by_size=dict(sorted(hosts.items())),
        quantities=totals,
    )
