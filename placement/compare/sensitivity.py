"""Which estimates move cost most, and which mix regrets least whatever they turn out to be.

Tornado: each estimate of the cheapest mix at its low and at its high end, the others typical. Regret: over samples of
all estimates at once, what a mix costs more than the cheapest of that sample; all mixes see the same samples.

References
----------
Savage (1951), The theory of statistical decision, doi:10.1080/01621459.1951.10500768 (minimax regret).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from placement.compare.estimates import Estimate, drawn, estimates_of, model_with, pool_of
from placement.compare.evaluation import THINNED_TO, pool_bounds, thinned
from placement.compare.runs import Packed, side_by_side
from placement.compare.types import MixPlan, Regret, Sensitivity, Swing
from placement.compare.variation import Variation
from placement.fleet.types import Fleet
from placement.packing.options import Options
from placement.units import FloatArray

_METHOD = (
    "each pool's planned cost, spares in proportion, x proven bound with the figures in question / bound with typical "
    "figures; bounds of {services:,} services{thinned}"
)
_SAME = 1e-6


@dataclass(frozen=True)
class Doubt:
    """What a sensitivity is asked for: samples, their seed, and the share by which unstated ranges are off."""

    samples: int = 100
    seed: int = 1
    spread: float = 0.2


@dataclass(frozen=True)
class SwingTask:
    """Estimates of a mix to take to their ends."""

    fleet: Packed
    variation: Variation
    estimates: tuple[Estimate, ...]
    planned: dict[str, float]


@dataclass(frozen=True)
class SampleTask:
    """Samples of a mix's estimates: `values` is float64[num_samples, num_estimates]."""

    fleet: Packed
    variation: Variation
    estimates: tuple[Estimate, ...]
    planned: dict[str, float]
    values: FloatArray


def sensitivity(
    fleet: Fleet,
    variations: Sequence[Variation],
    mixes: Sequence[MixPlan],
    doubt: Doubt,
    options: Options,
    report: Callable[[str], None],
    stop: Callable[[], bool],
) -> Sensitivity | None:
    """Return what the estimates may do to cost; None where no mix has a plan.

    Parameters
    ----------
    mixes
        As ranked.
    """
    by_name = {variation.name: variation for variation in variations}
    planned = [mix for mix in mixes if mix.cost is not None]
    if not planned:
        return None
    packed = Packed.of(fleet)
    best = planned[0]
    changed = by_name[best.name].of(fleet)
    estimates = estimates_of(changed, doubt.spread)
    report(f"sensitivity: {len(estimates)} estimates of {best.name}")
    swings = _tornado(packed, by_name[best.name], best, estimates, fleet, options, stop)
    moved = sorted(
        (swing for swing in swings if swing.swing_per_hour > _SAME),
        key=lambda swing: (-swing.swing_per_hour, swing.path),
    )
    regrets: tuple[Regret, ...] = ()
    if doubt.samples and len(planned) > 0:
        report(f"sensitivity: {doubt.samples} samples of {len(planned)} mixes")
        costs = _sampled(packed, by_name, planned, doubt, fleet, options, stop)
        regrets = regrets_of([mix.name for mix in planned], costs)
    num = min(len(fleet.services), THINNED_TO)
    drawn_from = f", drawn evenly from {len(fleet.services):,}" if num < len(fleet.services) else ""
    return Sensitivity(
        of=best.name,
        method=_METHOD.format(services=num, thinned=drawn_from),
        spread=doubt.spread,
        samples=doubt.samples,
        seed=doubt.seed,
        services_planned=num,
        tornado=tuple(moved),
        unmoved=len(swings) - len(moved),
        regrets=regrets,
        least_max_regret=min(regrets, key=lambda row: row.max_per_hour).name if regrets else "",
        least_mean_regret=min(regrets, key=lambda row: row.mean_per_hour).name if regrets else "",
    )


def regrets_of(names: Sequence[str], costs: FloatArray) -> tuple[Regret, ...]:
    """Return the regret of each mix, the least mean regret first.

    Parameters
    ----------
    costs
        float64[num_mixes, num_samples]; infinite where a mix cannot hold the fleet.
    """
    fits = np.isfinite(costs)
    known = costs[:, fits.any(axis=0)]
    if not known.shape[1]:
        return ()
    # a mix that cannot hold the fleet costs at least what the dearest one does that can
    dearest = np.where(np.isfinite(known), known, -np.inf).max(axis=0)
    filled = np.where(np.isfinite(known), known, dearest)
    least = filled.min(axis=0)
    regret = filled - least
    rows = []
    for row, name in enumerate(names):
        low, middle, high = np.quantile(filled[row], (0.1, 0.5, 0.9)).tolist()
        rows.append(
            Regret(
                name=name,
                max_per_hour=float(regret[row].max()),
                mean_per_hour=float(regret[row].mean()),
                cost_per_hour=(low, middle, high),
                best_in=float((regret[row] <= _SAME * np.maximum(1.0, least)).mean()),
                infeasible=int((~fits[row]).sum()),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.mean_per_hour, row.max_per_hour)))


def _tornado(
    packed: Packed,
    variation: Variation,
    best: MixPlan,
    estimates: tuple[Estimate, ...],
    fleet: Fleet,
    options: Options,
    stop: Callable[[], bool],
) -> list[Swing]:
    costs = _planned_costs(best)
    parts = [estimates[start::4] for start in range(4)]
    tasks = [SwingTask(packed, variation, part, costs) for part in parts if part]
    names = [variation.name] * len(tasks)
    # both ends of a task's estimates
    work = 2 * _work(fleet) * len(parts[0])
    done = side_by_side(swing_ends, tasks, names, work, options, lambda *_: None, stop)
    return [swing for part in done for swing in part]


def _sampled(
    packed: Packed,
    by_name: dict[str, Variation],
    planned: Sequence[MixPlan],
    doubt: Doubt,
    fleet: Fleet,
    options: Options,
    stop: Callable[[], bool],
) -> FloatArray:
    tasks = []
    for mix in planned:
        variation = by_name[mix.name]
        estimates = estimates_of(variation.of(fleet), doubt.spread)
        values = drawn(estimates, doubt.samples, doubt.seed)
        tasks.append(SampleTask(packed, variation, estimates, _planned_costs(mix), values))
    names = [mix.name for mix in planned]
    done = side_by_side(sample_costs, tasks, names, _work(fleet) * doubt.samples, options, lambda *_: None, stop)
    costs: FloatArray = np.array(done, np.float64).reshape(len(planned), doubt.samples)
    return costs


def swing_ends(task: SwingTask, *, cores: int, report: Callable[[Any], None], stop: Callable[[], bool]) -> list[Swing]:
    """Return the cost of a mix at both ends of each estimate."""
    del cores, report, stop
    base = _Base(task.fleet, task.variation, task.planned)
    found = []
    for estimate in task.estimates:
        pool = pool_of(estimate.entry.path)
        ends = [base.cost({estimate.entry.path: value}, (pool,)) for value in (estimate.low, estimate.high)]
        found.append(
            Swing(
                path=estimate.entry.path,
                unit=estimate.entry.unit,
                owner=estimate.entry.owner,
                low=estimate.low,
                typical=float(estimate.entry.typical),
                high=estimate.high,
                is_stated=estimate.is_stated,
                # where an end cannot be planned, the mix is as good as it is: what matters is that it stands out
                cost_low_per_hour=ends[0] if ends[0] is not None else base.total,
                cost_high_per_hour=ends[1] if ends[1] is not None else base.total,
                swing_per_hour=abs(ends[1] - ends[0]) if ends[0] is not None and ends[1] is not None else 0.0,
            )
        )
    return found


def sample_costs(
    task: SampleTask, *, cores: int, report: Callable[[Any], None], stop: Callable[[], bool]
) -> list[float]:
    """Return the cost of a mix in each sample; infinite: it cannot hold the fleet."""
    del cores, report, stop
    base = _Base(task.fleet, task.variation, task.planned)
    paths = [estimate.entry.path for estimate in task.estimates]
    pools = tuple(dict.fromkeys(pool_of(path) for path in paths))
    costs = []
    for row in task.values.tolist():
        cost = base.cost(dict(zip(paths, row, strict=True)), pools)
        costs.append(float("inf") if cost is None else cost)
    return costs


class _Base:
    """A mix's fleet, thinned, with the bounds of its pools at typical figures."""

    def __init__(self, fleet: Packed, variation: Variation, planned: dict[str, float]) -> None:
        self._whole = variation.of(fleet.open())
        self._thin = thinned(self._whole)
        self._planned = planned
        with threadpool_limits(1, user_api="blas"):
            typical = pool_bounds(self._whole, self._thin, self._whole.model, dict.fromkeys(planned))
        self._typical = typical or {}
        self.total = sum(planned.values())

    def cost(self, values: dict[str, float], pools: Sequence[str]) -> float | None:
        """Return the cost per hour with these figures, which move no other pools; None: it cannot be planned."""
        if not self._typical:
            return None
        model = model_with(self._whole.model, values)
        with threadpool_limits(1, user_api="blas"):
            found = pool_bounds(self._whole, self._thin, model, dict.fromkeys(pools))
        if found is None:
            return None
        ratio = {pool: found[pool] / self._typical[pool] if self._typical[pool] else 1.0 for pool in found}
        return sum(cost * ratio.get(pool, 1.0) for pool, cost in self._planned.items())


def _planned_costs(mix: MixPlan) -> dict[str, float]:
    """Return the cost of each pool, its part of the spares included: mixes are ranked with them."""
    cost = mix.cost
    with_spares = cost.total_per_hour / cost.per_hour if cost is not None and cost.per_hour else 1.0
    return {pool: of_pool.per_hour * with_spares for pool, of_pool in mix.pools.items()}


def _work(fleet: Fleet) -> int:
    """Return what to count a sensitivity's task as, in instances."""
    return min(len(fleet.services), THINNED_TO)
