"""Growth, what is needed over time, thresholds, orders: the straight line of a forecast."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from placement.capacity.crossings import Crossing, crossings, guide_thresholds
from placement.capacity.figures import End, Figure
from placement.capacity.growth import MAX_MONTHS, MAX_SAMPLES, Projection, Rate, project
from placement.capacity.planning_tables import Growth
from placement.capacity.purchasing import date_at
from placement.errors import InputError, Problem
from placement.executor import check_executor
from placement.fleet.types import Fleet
from placement.forecast.checkpoints import PLANNED_AT_MOST, between, plan_checkpoints, sizes_to_plan
from placement.forecast.purchases import needs_of, orders_of
from placement.forecast.rates import ALL
from placement.forecast.types import QUANTITIES, Checkpoint, CrossingRow, Ends, Forecast, Month
from placement.packing.options import Options
from placement.units import FloatArray

SCENARIOS: tuple[End, ...] = ("low", "typical", "high")
_QUANTILES = (0.1, 0.5, 0.9)
_LARGEST = 10_000_000


def forecast_fleet(
    fleet: Fleet,
    years: float,
    *,
    rates: Mapping[str, Rate] | None = None,
    samples: int = 0,
    start: datetime.date | None = None,
    orders_for: str = "typical",
    options: Options | None = None,
    report: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Forecast:
    """Forecast what a fleet will need.

    Parameters
    ----------
    fleet
        What runs now.
    years
        Horizon, above 0 and up to 50; rounded to whole months.
    rates
        Growth that is not by the model's phases: by domain, and under ``*`` that of all other services.
    samples
        Samples of growth, for quantiles and the share that crosses a threshold.
    start
        The first day; default: today.
    orders_for
        Scenario that orders are planned for: ``low``, ``typical`` or ``high``.
    options
        Of the checkpoints' plans; `seed` also of the samples and of the services that are drawn.

    Raises
    ------
    InputError
        With everything that is wrong with the parameters.
    InfeasibleError
        If the fleet cannot be planned at one of the checkpoints.
    """
    options = options or Options(workers=None)
    check_executor(options.executor)
    rates = dict(rates or {})
    months = _checked(years, samples, orders_for)
    start = start or datetime.datetime.now(tz=datetime.UTC).date()
    general = rates.pop(ALL, None)
    growth = fleet.model.growth if general is None else _steady(fleet.model.growth, general)
    counts = dict(sorted(fleet.services["domain"].value_counts().iter_rows())) if rates else {"": len(fleet.services)}
    projection = project(growth, counts, months, rates=rates, num_samples=samples, seed=options.seed)
    everything = np.concatenate([projection.scenario_totals, projection.sample_totals])
    largest = int(np.ceil(everything.max() - 1e-6))
    if largest > _LARGEST:
        message = f"growth beyond {_LARGEST:,} services is not planned; shorten the horizon or lower the growth"
        raise InputError(Problem("command line", message, column="--years", value=f"{largest:,} services"))
    sizes = sizes_to_plan(fleet, len(fleet.services), largest)
    compositions = [_composition(projection, size) for size in sizes]
    checkpoints = plan_checkpoints(fleet, compositions, options, report, stop)
    hosts = _by_size(checkpoints)
    wanted = [str(end) for end in SCENARIOS].index(orders_for)
    totals = projection.scenario_totals[wanted]
    needs = needs_of(
        fleet,
        {size: between(checkpoints, values, totals) for size, values in hosts.items()},
        between(checkpoints, [point.quantities["hosts"] for point in checkpoints], totals),
        between(checkpoints, [point.quantities["database_storage_gb"] for point in checkpoints], totals),
    )
    found = crossings(projection, guide_thresholds(fleet.model))
    return Forecast(
        fleet=fleet.name,
        services=len(fleet.services),
        currency=fleet.currency,
        start=start.isoformat(),
        months=months,
        samples=samples,
        seed=options.seed,
        growth=_rates_in_force(growth, general, rates, counts),
        method=_method(checkpoints),
        checkpoints=checkpoints,
        timeline=_timeline(projection, checkpoints, hosts, start),
        services_by_domain=projection.whole(months) if rates else {},
        crossings=tuple(_crossing(crossing, start) for crossing in found),
        orders_for=SCENARIOS[wanted],
        in_place={need.item: round(need.in_place, 6) for need in needs},
        orders=orders_of(fleet, needs, start),
    )


def _checked(years: float, samples: int, orders_for: str) -> int:
    """Return the horizon in months."""
    problems = []
    if not 0 < years <= MAX_MONTHS / 12:
        problems.append(_problem("--years", "not a horizon", years, f"above 0 and up to {MAX_MONTHS // 12}"))
    if not 0 <= samples <= MAX_SAMPLES:
        problems.append(_problem("--samples", "not a number of samples", samples, f"0 to {MAX_SAMPLES:,}"))
    if orders_for not in SCENARIOS:
        problems.append(_problem("--orders-for", "unknown value", orders_for, ", ".join(SCENARIOS)))
    if problems:
        raise InputError(problems)
    return max(1, round(years * 12))


def _composition(projection: Projection, size: int) -> dict[str, int]:
    """Return the services of each domain when there are so many in all, as the typical scenario has them.

    Beyond its end the shares are those of the end.
    """
    totals = projection.scenario_totals[1]
    months = np.arange(len(totals))
    month = float(np.interp(size, totals, months)) if totals[-1] > totals[0] else 0.0
    by_domain = projection.scenarios[1]
    parts = np.array([np.interp(month, months, by_domain[:, d]) for d in range(by_domain.shape[1])])
    exact = parts / parts.sum() * size
    # largest remainders: whole numbers that add up to the size
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: size - int(whole.sum())]] += 1
    return dict(zip(projection.domains, whole.tolist(), strict=True))


def _by_size(checkpoints: Sequence[Checkpoint]) -> dict[str, list[float]]:
    """Return the hosts of each size at every checkpoint."""
    sizes = sorted({size for checkpoint in checkpoints for size in checkpoint.hosts_by_size})
    return {size: [checkpoint.hosts_by_size.get(size, 0.0) for checkpoint in checkpoints] for size in sizes}


def _timeline(
    projection: Projection,
    checkpoints: Sequence[Checkpoint],
    hosts: Mapping[str, Sequence[float]],
    start: datetime.date,
) -> tuple[Month, ...]:
    scenarios, samples = projection.scenario_totals, projection.sample_totals
    services = _ends(scenarios, samples)
    quantities = {
        name: _read_off(checkpoints, [point.quantities[name] for point in checkpoints], scenarios, samples)
        for name in QUANTITIES
    }
    by_size = {size: _read_off(checkpoints, values, scenarios, samples) for size, values in hosts.items()}
    return tuple(
        Month(
            month=month,
            date=date_at(start, month).isoformat(),
            services=services[month],
            quantities={name: ends[month] for name, ends in quantities.items()},
            hosts_by_size={size: ends[month] for size, ends in by_size.items()},
        )
        for month in range(projection.num_months + 1)
    )


def _read_off(
    checkpoints: Sequence[Checkpoint], values: Sequence[float], scenarios: FloatArray, samples: FloatArray
) -> list[Ends]:
    return _ends(between(checkpoints, values, scenarios), between(checkpoints, values, samples))


def _ends(scenarios: FloatArray, samples: FloatArray) -> list[Ends]:
    """Return scenarios, float64[3, num_months + 1], and quantiles of the samples, by month."""
    rows = np.round(scenarios, 6).T.tolist()
    if not len(samples):
        return [Ends(low=low, typical=typical, high=high) for low, typical, high in rows]
    quantiles = np.round(np.quantile(samples, _QUANTILES, axis=0), 6).T.tolist()
    return [
        Ends(low=low, typical=typical, high=high, p10=p10, p50=p50, p90=p90)
        for (low, typical, high), (p10, p50, p90) in zip(rows, quantiles, strict=True)
    ]


def _crossing(crossing: Crossing, start: datetime.date) -> CrossingRow:
    threshold = crossing.threshold
    return CrossingRow(
        services=threshold.services,
        kind=threshold.kind,
        title=threshold.title,
        change=threshold.change,
        path=threshold.path,
        low=crossing.low,
        typical=crossing.typical,
        high=crossing.high,
        date=None if crossing.typical is None else date_at(start, crossing.typical).isoformat(),
        share=crossing.share,
    )


def _steady(growth: Growth, rate: Rate) -> Growth:
    """Return the model's phases, all of them growing at one rate: it is the same for all services of a sample."""
    percent = Figure(low=rate.low, typical=rate.typical, high=rate.high)
    phases = {
        name: phase.model_copy(update={"annual_growth_percent": percent}) for name, phase in growth.phases.items()
    }
    return growth.model_copy(update={"phases": phases})


def _rates_in_force(
    growth: Growth, general: Rate | None, rates: Mapping[str, Rate], counts: Mapping[str, int]
) -> dict[str, tuple[float, float, float]]:
    """Return the rates of domains, and those of the phases (or of all others) where some domain grows by them."""
    found = {f"domain:{name}": (rate.low, rate.typical, rate.high) for name, rate in sorted(rates.items())}
    if not set(counts) - set(rates):
        return found
    if general is not None:
        return found | {"all others" if found else "all": (general.low, general.typical, general.high)}
    for name, phase in growth.phases.items():
        percent = phase.annual_growth_percent
        found[name] = (float(percent.low), float(percent.typical), float(percent.high))
    return found


def _method(checkpoints: Sequence[Checkpoint]) -> str:
    sizes = ", ".join(f"{checkpoint.services:,}" for checkpoint in checkpoints)
    text = f"the fleet grown by copies of services drawn from it, planned at {sizes} services; straight lines between"
    if any(checkpoint.scaled_by > 1 for checkpoint in checkpoints):
        text += f"; above {PLANNED_AT_MOST:,} services an even part of so many is planned, times what it stands for"
    return text


def _problem(option: str, message: str, value: object, allowed: str) -> Problem:
    return Problem("command line", message, column=option, value=str(value), allowed=allowed)
