"""Ranking of mixes, money against the best of them, and Pareto fronts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from placement.compare.types import HOURS_PER_YEAR, Fronts, MixPlan


def ranked(mixes: Sequence[MixPlan]) -> tuple[MixPlan, ...]:
    """Return the mixes by total cost, the cheapest first; those without a plan last, in the order given."""
    with_plan = sorted((mix for mix in mixes if mix.cost is not None), key=_total)
    best = _total(with_plan[0]) if with_plan else 0.0
    more = [
        mix.model_copy(
            update={
                "above_best_per_hour": round(_total(mix) - best, 6),
                "above_best_per_year": round((_total(mix) - best) * HOURS_PER_YEAR, 2),
            }
        )
        for mix in with_plan
    ]
    return (*more, *(mix for mix in mixes if mix.cost is None))


def fronts(mixes: Sequence[MixPlan]) -> Fronts:
    """Return the fronts of ranked mixes."""
    planned = [mix for mix in mixes if mix.cost is not None]
    return Fronts(
        cost_and_blast_radius=front(
            [mix for mix in planned if mix.blast_radius is not None],
            lambda mix: 0.0 if mix.blast_radius is None else mix.blast_radius.domain_share_mean,
        ),
        cost_and_sizes=front(planned, lambda mix: float(mix.num_sizes or 0)),
    )


def front(mixes: Sequence[MixPlan], other: Callable[[MixPlan], float]) -> tuple[str, ...]:
    """Return the names of the mixes that no other one beats in cost and in something else, the cheapest first.

    Of mixes that are equal in both, the first stands for all.
    """
    found: list[str] = []
    least = float("inf")
    for mix in sorted(mixes, key=lambda mix: (_total(mix), other(mix))):
        if other(mix) < least:
            found.append(mix.name)
            least = other(mix)
    return tuple(found)


def _total(mix: MixPlan) -> float:
    return float("inf") if mix.cost is None else mix.cost.total_per_hour
