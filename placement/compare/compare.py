"""Host-size mixes of one fleet, planned side by side and ranked by cost: the straight line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from placement.compare.mixes import Asked, resolve
from placement.compare.ranking import fronts, ranked
from placement.compare.rules import RuleTask, plan_without, rule_prices, rules_in_force
from placement.compare.runs import MixTask, Packed, plan_mix, side_by_side
from placement.compare.sensitivity import Doubt, sensitivity
from placement.compare.types import Comparison, MixPlan, RulePrice
from placement.compare.variation import Variation
from placement.errors import InputError, Problem
from placement.executor import check_executor
from placement.fleet.types import Fleet
from placement.packing.options import Options

MAX_SAMPLES = 10_000

Report = Callable[[str, int], None]
"""Takes what is being done, in words, and how many mixes have been planned."""
Stop = Callable[[], bool]


def compare_mixes(
    fleet: Fleet,
    asked: Asked | None = None,
    options: Options | None = None,
    *,
    with_rules: bool = True,
    doubt: Doubt | None = None,
    report: Report = lambda *_: None,
    stop: Stop = lambda: False,
) -> Comparison:
    """Plan a fleet with each of several mixes of host sizes and rank them.

    Parameters
    ----------
    fleet
        What must run.
    asked
        The mixes, prices, headroom, arrangements of databases and models to compare; default: each size that may be
        bought alone, and all of them.
    options
        Of each plan; `workers` is how many plans are made at a time, `executor` where.
    with_rules
        Whether the cheapest mix is planned once more without each rule, to say what it costs.
    doubt
        How far the model's estimates may be off; None: no sensitivity is computed.
    report
        Told what is being done, in words, and how many mixes have been planned.
    stop
        Asked often; True ends each search with its best plan so far.

    Raises
    ------
    InputError
        With everything that is wrong with what is asked.
    """
    options = options or Options(workers=None)
    check_executor(options.executor)
    if doubt is not None:
        check_doubt(doubt)
    variations = resolve(fleet, asked or Asked())
    packed = Packed.of(fleet)
    mixes = ranked(_planned(fleet, packed, variations, options, report, stop))
    best = next((mix for mix in mixes if mix.cost is not None), None)
    variation_of = {variation.name: variation for variation in variations}
    rules: tuple[RulePrice, ...] = ()
    if with_rules and best is not None and not stop():
        rules = _priced_rules(fleet, packed, variation_of[best.name], best, options, report, stop)
    return Comparison(
        fleet=fleet.name,
        services=len(fleet.services),
        instances=fleet.num_instances,
        currency=variations[0].currency,
        best="" if best is None else best.name,
        mixes=mixes,
        fronts=fronts(mixes),
        rules=rules,
        sensitivity=None
        if doubt is None or stop()
        else sensitivity(fleet, variations, mixes, doubt, options, lambda text: report(text, 1), stop),
        settings={
            "seed": options.seed,
            "mode": options.mode,
            "target_gap": options.target_gap,
            **({} if options.time_limit_s is None else {"time_limit_s": options.time_limit_s}),
        },
    )


def _planned(
    fleet: Fleet, packed: Packed, variations: tuple[Variation, ...], options: Options, report: Report, stop: Stop
) -> list[MixPlan]:
    single = dataclasses.replace(options, workers=1, executor="local")
    names = [variation.name for variation in variations]
    done: set[int] = set()

    def told(number: int, phase: str) -> None:
        if phase == "done":
            done.add(number)
        verb = "planning" if phase == "began" else "planned"
        report(f"{verb} {names[number]} ({number + 1} of {len(names)})", len(done))

    return side_by_side(
        plan_mix,
        [MixTask(packed, variation, single) for variation in variations],
        names,
        fleet.num_instances,
        options,
        told,
        stop,
    )


def _priced_rules(
    fleet: Fleet, packed: Packed, variation: Variation, best: MixPlan, options: Options, report: Report, stop: Stop
) -> tuple[RulePrice, ...]:
    changed = variation.of(fleet)
    rules = rules_in_force(changed)
    single = dataclasses.replace(options, workers=1, executor="local")
    costs = side_by_side(
        plan_without,
        [RuleTask(packed, variation, rule, single) for rule in rules],
        rules,
        fleet.num_instances,
        options,
        lambda number, _: report(f"planning {best.name} without {rules[number]}", 1),
        stop,
    )
    return tuple(rule_prices(best, dict(zip(rules, costs, strict=True)), best.saved_by_sharing_per_hour))


def check_doubt(doubt: Doubt) -> None:
    """Raise an InputError unless a sensitivity can be computed so."""
    problems = []
    if not 0 <= doubt.samples <= MAX_SAMPLES:
        problems.append(_problem("--samples", doubt.samples, f"0 to {MAX_SAMPLES:,}"))
    if doubt.seed < 0:
        problems.append(_problem("--seed", doubt.seed, "0 or more"))
    if not 0 <= doubt.spread < 1:
        problems.append(_problem("--spread", doubt.spread, "a share from 0 to below 1"))
    if problems:
        raise InputError(problems)


def _problem(option: str, value: object, allowed: str) -> Problem:
    return Problem("command line", "out of range", column=option, value=str(value), allowed=allowed)
