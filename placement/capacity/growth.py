"""Growth: how many services there will be, by phase, by domain where rates are given, as scenarios and samples.

The guide's ``projected_services(year) = current_services * (1 + annual_growth_rate)`` is continued within the year:
*s(t) = s(0) (1 + r)^(t/12)* after *t* months. The rate is that of the phase that the number of all services has
reached, and it changes at the very moment at which the next phase begins. Domains with rates of their own keep them.

References
----------
Capacity Planning Guide 1.0, Growth Planning Formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from placement.capacity.figures import ENDS, End
from placement.capacity.model import CapacityModel
from placement.capacity.planning_tables import Growth
from placement.errors import InputError, Problem, nearest_name
from placement.units import RESOURCES, BoolArray, FloatArray, IntArray, scale_up

MAX_MONTHS = 600
MAX_SAMPLES = 100_000
MAX_ANNUAL_PERCENT = 10_000
LARGEST_FLEET = 1e12
"""No projection goes beyond: rates hold for some years, and a number of services must stay a whole number."""

_HALVINGS = 60
"""Halvings that find the moment within a month at which a phase begins: to the last digit of a double."""

_SNAP = 1e-9
"""Numbers of services this near (relatively) to a threshold have reached it: 2,000 after exactly a year, say."""


@dataclass(frozen=True)
class Rate:
    """Growth a year in percent, ``0 <= low <= typical <= high``."""

    low: float
    typical: float
    high: float


@dataclass(frozen=True, eq=False)
class Projection:
    """Numbers of services over months; month 0 is now.

    Parameters
    ----------
    domains
        Names; one, "", where the fleet is not divided.
    phases
        Names of the model's growth phases, the first reached first.
    scenarios
        float64[3, num_months + 1, num_domains], services. Axis 0: all rates low, typical, high.
    samples
        float64[num_samples, num_months + 1, num_domains], services. Each sample has one rate per phase, and one per
        domain with rates, drawn from the triangular distribution of its low, typical and high.
    scenario_phase, sample_phase
        int64[3, num_months + 1] and int64[num_samples, num_months + 1], index into `phases`.
    """

    domains: tuple[str, ...]
    phases: tuple[str, ...]
    scenarios: FloatArray
    samples: FloatArray
    scenario_phase: IntArray
    sample_phase: IntArray

    @property
    def num_months(self) -> int:
        """Months from now to the horizon."""
        return int(self.scenarios.shape[1]) - 1

    @property
    def scenario_totals(self) -> FloatArray:
        """Services of all domains: float64[3, num_months + 1]."""
        totals: FloatArray = self.scenarios.sum(axis=2)
        return totals

    @property
    def sample_totals(self) -> FloatArray:
        """Services of all domains: float64[num_samples, num_months + 1]."""
        totals: FloatArray = self.samples.sum(axis=2)
        return totals

    def whole(self, month: int, scenario: int = 1) -> dict[str, int]:
        """Return the services of each domain in a month, rounded up; scenario 0, 1, 2: low, typical, high."""
        counts = scale_up(self.scenarios[scenario, month], 1)
        return dict(zip(self.domains, counts.tolist(), strict=True))

    def quantiles(self, shares: Sequence[float]) -> FloatArray:
        """Return quantiles of the samples' totals: float64[len(shares), num_months + 1].

        Raises
        ------
        ValueError
            Without samples.
        """
        if not len(self.samples):
            raise ValueError("the projection has no samples")
        made: FloatArray = np.quantile(self.sample_totals, shares, axis=0)
        return made


def project(
    growth: Growth,
    services: Mapping[str, int],
    months: int,
    *,
    rates: Mapping[str, Rate] | None = None,
    num_samples: int = 0,
    seed: int = 1,
) -> Projection:
    """Project the number of services.

    Parameters
    ----------
    growth
        The model's growth phases.
    services
        Services now, by domain; ``{"": n}`` where the fleet is not divided.
    months
        Horizon, at least 1.
    rates
        Rates of domains that do not grow by the phases.
    num_samples, seed
        Samples, and the seed of their generator (PCG64): the same seed, the same samples.

    Raises
    ------
    InputError
        With everything that is wrong with the parameters.
    """
    rates = dict(rates or {})
    problems = [*_problems(services, months, rates, num_samples, seed)]
    if problems:
        raise InputError(problems)
    ordered = sorted(growth.phases.items(), key=lambda item: item[1].services_from.typical)
    limits = np.array([row.services_from.typical for _, row in ordered[1:]] + [np.inf], np.float64)
    bands = np.array([[row.annual_growth_percent.at(end) for end in ENDS] for _, row in ordered], np.float64)
    domains = tuple(services)
    own = np.array([(rates[name].low, rates[name].typical, rates[name].high) for name in domains if name in rates])
    own = own.reshape(-1, len(ENDS))
    fixed = np.array([name in rates for name in domains])
    start = np.array([services[name] for name in domains], np.float64)

    def run(phase_percent: FloatArray, own_percent: FloatArray) -> tuple[FloatArray, IntArray]:
        steady = np.zeros((len(phase_percent), len(domains)))
        steady[:, fixed] = _monthly(own_percent)
        return _grow(start, months, _monthly(phase_percent), limits, steady, fixed)

    scenarios, scenario_phase = run(bands.T, own.T)
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = _draw(generator, np.concatenate([bands, own]), num_samples)
    samples, sample_phase = run(drawn[:, : len(bands)], drawn[:, len(bands) :])
    return Projection(
        domains=domains,
        phases=tuple(name for name, _ in ordered),
        scenarios=scenarios,
        samples=samples,
        scenario_phase=scenario_phase,
        sample_phase=sample_phase,
    )


def projected_resources(model: CapacityModel, services: FloatArray, profile: str, end: End) -> dict[str, FloatArray]:
    """Return the guide's projected resources: services × what each needs × the overhead factor.

    Parameters
    ----------
    services
        Numbers of services, any shape.
    profile, end
        Profile of each service, and the end of its ranges; the overhead factor is taken at the same end.

    Returns
    -------
    dict
        By name of `units.RESOURCES`, in its outer unit (cores, MB, GB, Mbps …), of the shape of `services`.

    Raises
    ------
    InputError
        For an unknown profile.
    """
    demand, factor = model.profile_demand(profile, end), model.growth.overhead_factor.at(end)
    return {
        resource.name: services * (demand[resource.internal_column] / resource.factor * factor)
        for resource in RESOURCES
    }


def reached(totals: FloatArray | np.float64, threshold: float) -> BoolArray:
    """Return whether numbers of services have reached a threshold, elementwise."""
    met: BoolArray = np.greater_equal(totals, threshold * (1 - _SNAP))
    return met


def _monthly(percent: FloatArray) -> FloatArray:
    """Return the exponents of growth a month: (1 + r)^(t/12) = exp(exponent * t)."""
    exponents: FloatArray = np.log1p(percent / 100) / 12
    return exponents


def _draw(generator: np.random.Generator, bands: FloatArray, num_samples: int) -> FloatArray:
    """Return float64[num_samples, num_bands]: triangular draws by inversion, which also takes bands without width."""
    low, mode, high = bands.T
    width = high - low
    split = np.divide(mode - low, width, out=np.zeros_like(width), where=width > 0)
    u = generator.random((num_samples, len(bands)))
    rising = low + np.sqrt(u * width * (mode - low))
    falling = high - np.sqrt((1 - u) * width * (high - mode))
    drawn: FloatArray = np.where(u < split, rising, falling)
    return drawn


def _grow(
    start: FloatArray,
    months: int,
    phase_exponent: FloatArray,
    limits: FloatArray,
    steady: FloatArray,
    fixed: BoolArray,
) -> tuple[FloatArray, IntArray]:
    """Let services grow month by month, changing phase at the moment at which its end is reached.

    Parameters
    ----------
    start
        float64[num_domains].
    phase_exponent
        float64[num_runs, num_phases], growth a month by phase.
    limits
        float64[num_phases], services at which each phase ends.
    steady
        float64[num_runs, num_domains], growth a month of domains with rates; `fixed` says which.

    Returns
    -------
    tuple
        Services float64[num_runs, months + 1, num_domains], phase int64[num_runs, months + 1].
    """
    num_runs = len(phase_exponent)
    every = np.arange(num_runs)
    services = np.empty((num_runs, months + 1, len(start)))
    phases = np.empty((num_runs, months + 1), np.int64)
    now = np.tile(start, (num_runs, 1))
    phase = np.searchsorted(limits * (1 - _SNAP), now.sum(axis=1), side="right")
    services[:, 0], phases[:, 0] = now, phase
    for month in range(1, months + 1):
        left = np.ones(num_runs)
        going = every
        while len(going):
            exponent = np.where(fixed, steady[going], phase_exponent[going, phase[going], None])
            then = now[going] * np.exp(exponent * left[going, None])
            ends = then.sum(axis=1) >= limits[phase[going]] * (1 - _SNAP)
            now[going[~ends]] = then[~ends]
            going = going[ends]
            if not len(going):
                break
            exponent = exponent[ends]
            limit = limits[phase[going]]
            until = _moment(now[going], exponent, left[going], limit)
            now[going] *= np.exp(exponent * until[:, None])
            left[going] -= until
            phase[going] += 1
        np.minimum(now, LARGEST_FLEET, out=now)
        services[:, month], phases[:, month] = now, phase
    return services, phases


def _moment(now: FloatArray, exponent: FloatArray, left: FloatArray, limit: FloatArray) -> FloatArray:
    """Return when in what is left of the month each run's services reach its limit: float64[num_runs]."""
    early, late = np.zeros_like(left), left.copy()
    for _ in range(_HALVINGS):
        middle = (early + late) / 2
        beyond = (now * np.exp(exponent * middle[:, None])).sum(axis=1) >= limit
        late = np.where(beyond, middle, late)
        early = np.where(beyond, early, middle)
    return late


def _problems(
    services: Mapping[str, int], months: int, rates: Mapping[str, Rate], num_samples: int, seed: int
) -> Iterator[Problem]:
    def problem(column: str, message: str, value: object, allowed: str, suggestion: str = "") -> Problem:
        return Problem("growth", message, column=column, value=str(value), allowed=allowed, suggestion=suggestion)

    if not services or sum(services.values()) < 1:
        yield problem("services", "no services to begin with", sum(services.values()), "at least one")
    for name, number in services.items():
        if not 0 <= number <= LARGEST_FLEET:
            yield problem(f"services.{name}", "not a number of services", number, "0 or more")
    if not 1 <= months <= MAX_MONTHS:
        yield problem("months", "not a horizon", months, f"1 to {MAX_MONTHS} months")
    if not 0 <= num_samples <= MAX_SAMPLES:
        yield problem("samples", "not a number of samples", num_samples, f"0 to {MAX_SAMPLES:,}")
    if seed < 0:
        yield problem("seed", "negative", seed, "0 or more")
    for name, rate in rates.items():
        where = f"rates.{name}"
        if name not in services:
            yield problem(where, "no such domain", name, ", ".join(services), nearest_name(name, services))
        ends = (rate.low, rate.typical, rate.high)
        if not all(0 <= percent <= MAX_ANNUAL_PERCENT for percent in ends):
            yield problem(where, "not a growth rate", ends, f"0 to {MAX_ANNUAL_PERCENT:,} % a year")
        elif not rate.low <= rate.typical <= rate.high:
            yield problem(where, "contradictory range", ends, "low <= typical <= high")
