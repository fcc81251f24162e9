"""Hosts of each size for a number of services: by the guide's formula, by a plan's rule, and the worked example.

With *n* instances, the guide's density *d*, headroom *h* and spare share *s*::

    guide:  ceil(n / d / h) + ceil(s * ceil(n / d / h))
    plan:   m + ceil(s * m),  m = max(ceil(n / p), replicas),  p = min over resources of floor(limit / demand)

Replicas of a service stand on hosts of their own. The limits in *p* keep the headroom. The guide's densities keep it,
too, and its formula then divides by it again: that is why it asks for more hosts than a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal

from pydantic.dataclasses import dataclass

from placement.capacity.derived import RESULT, Derived, Ledger, ceiling
from placement.capacity.figures import ENDS, End
from placement.capacity.sizes import host_limits
from placement.units import MICROS, RESOURCES

HOURS_PER_YEAR = 8760

_SIZE_KEYS = ("cpu_cores", "memory_mb", "os_reserved_mb", "max_open_files", "max_threads", "disk_gb")
_HEADROOM = "hosts.formula.headroom"
_OVERCOMMIT = "hosts.formula.cpu_overcommit"
_SPARE = "hosts.formula.spare_share"
_NETWORK = "alerts.thresholds.network.warning"


@dataclass(frozen=True, kw_only=True, config=RESULT)
class HostCount:
    """Hosts of one size, and what they cost at the model's price list."""

    services_per_host: Derived
    """Instances on one host. The most hosts are needed where it is lowest."""
    hosts_before_spares: Derived
    spare_hosts: Derived
    total_hosts: Derived
    cost_per_hour: Derived
    """Spare hosts included."""
    cost_per_year: Derived


@dataclass(frozen=True, kw_only=True, config=RESULT)
class HostSizing:
    """Hosts of one size, if all are of this size."""

    size: str
    title: str
    remark: str
    """The guide's remark on this size."""
    price_per_hour: Derived
    formula_maximum: Derived
    """The guide's `max_services_per_host` for the profile, rounded down."""
    recommended: Derived
    """That maximum times the headroom, rounded down: "operate at 70% of max"."""
    density_from: Literal["table", "formula"]
    """Where the guide's density comes from: its table, or, for a profile that has none, the formula's maximum."""
    by_guide: HostCount | None
    """By the guide's formula; null: an instance does not fit."""
    by_plan: HostCount | None
    """By a plan's rule, headroom once; null: an instance does not fit."""


@dataclass(frozen=True, kw_only=True, config=RESULT)
class ExampleHosts:
    """Hosts of the guide's worked example, in one of three ways."""

    services_per_host: Derived
    hosts_before_spares: Derived
    spare_hosts: Derived
    total_hosts: Derived


@dataclass(frozen=True, kw_only=True, config=RESULT)
class WorkedExampleCheck:
    """The guide's worked example of its host-count formula."""

    services: int
    size: str
    printed: ExampleHosts
    """What the guide prints."""
    by_formula: ExampleHosts
    """What its formula gives."""
    by_plan: ExampleHosts
    """What a plan's rule gives."""


@dataclass(frozen=True, kw_only=True, config=RESULT)
class HostsSection:
    """Hosts of each size, the worked example, and what is to be said of both."""

    profile: str
    profile_cpu: Derived
    """Demand of one instance."""
    profile_memory: Derived
    price_list: str
    currency: str
    sizes: tuple[HostSizing, ...]
    worked_example: WorkedExampleCheck
    notes: tuple[str, ...]


def size_hosts(ledger: Ledger, instances: int, replicas: int, profile: str, sizes: Sequence[str]) -> HostsSection:
    """Return the hosts that `instances` instances of a profile need, for each size alone.

    Parameters
    ----------
    replicas
        Most instances of one service: a plan has that many hosts at least.
    sizes
        Names of the model's sizes, in the order to report them.

    Raises
    ------
    InputError
        For a size without a price in the model's price list.
    """
    model = ledger.model
    rows = tuple(_size(ledger, name, instances, replicas, profile) for name in sizes)
    example = _worked_example(ledger)
    return HostsSection(
        profile=profile,
        profile_cpu=_demand(ledger, profile, "cpu_millicores", "cores", 1000),
        profile_memory=_demand(ledger, profile, "memory_mb", "MB", 1),
        price_list=model.default_price_list,
        currency=model.currency(),
        sizes=rows,
        worked_example=example,
        notes=(*_density_notes(ledger, instances, rows), *_example_notes(example)),
    )


def _demand(ledger: Ledger, profile: str, column: str, unit: str, divisor: int) -> Derived:
    path, _ = ledger.model.profile_figures(profile)[column]
    demand = {end: ledger.model.profile_demand(profile, end)[column] for end in ENDS}
    return ledger.of_ends(unit, lambda end: Fraction(demand[end], divisor), {path})


def guide_density(ledger: Ledger, size: str, profile: str) -> tuple[Literal["table", "formula"], Derived]:
    """Return the services on a host that the guide's host-count formula takes, and where it has them from."""
    row = ledger.model.hosts.sizes[size]
    if profile == ledger.model.hosts.density_profile and row.services_per_host is not None:
        return "table", ledger.figure(f"hosts.sizes.{size}.services_per_host")
    return "formula", _formula_maximum(ledger, size, profile, Fraction(1))


def plan_density(ledger: Ledger, size: str, profile: str) -> Derived:
    """Return the instances of a profile that a plan puts on a host: headroom once, on every resource."""
    model = ledger.model
    host = model.host_sizes()[size]
    network, rest = ledger.value(_NETWORK), ledger.value(_HEADROOM)
    share = {resource.name: network if resource.name == "network" else rest for resource in RESOURCES}
    limits = host_limits(host, share, ledger.value(_OVERCOMMIT))

    def at(end: End) -> int:
        demand = model.profile_demand(profile, _AGAINST[end])
        asked = (demand[resource.internal_column] for resource in RESOURCES)
        return min((limit // need for limit, need in zip(limits, asked, strict=True) if need), default=0)

    paths = {path for path, _ in model.profile_figures(profile).values()}
    paths |= {f"hosts.sizes.{size}.{key}" for key in _SIZE_KEYS}
    paths |= {f"network.nics.{model.hosts.sizes[size].nic}.capacity_mbps", _HEADROOM, _OVERCOMMIT, _NETWORK}
    return ledger.of_ends("services/host", at, paths)


_AGAINST: dict[End, End] = {"low": "high", "typical": "typical", "high": "low"}


def _formula_maximum(ledger: Ledger, size: str, profile: str, share: Fraction) -> Derived:
    """Return the guide's max_services_per_host times a share, rounded down."""
    figures = ledger.model.profile_figures(profile)
    own = {key: f"hosts.sizes.{size}.{key}" for key in _SIZE_KEYS}
    paths = {path for column, (path, _) in figures.items() if column in ("cpu_millicores", "memory_mb", "open_files")}
    paths |= {own[key] for key in ("cpu_cores", "memory_mb", "os_reserved_mb", "max_open_files")} | {_OVERCOMMIT}
    if share != 1:
        paths.add(_HEADROOM)

    def at(end: End) -> int:
        demand = ledger.model.profile_demand(profile, _AGAINST[end])
        memory = ledger.value(own["memory_mb"]) - ledger.value(own["os_reserved_mb"])
        supply = {
            "cpu_millicores": ledger.value(own["cpu_cores"]) * 1000 * ledger.value(_OVERCOMMIT),
            "memory_mb": memory,
            "open_files": ledger.value(own["max_open_files"]),
        }
        most = min(
            (amount / demand[column] for column, amount in supply.items() if demand[column]), default=Fraction(0)
        )
        return int(most * share // 1)

    return ledger.of_ends("services/host", at, paths)


def _size(ledger: Ledger, name: str, instances: int, replicas: int, profile: str) -> HostSizing:
    row = ledger.model.hosts.sizes[name]
    source, density = guide_density(ledger, name, profile)
    once = plan_density(ledger, name, profile)
    return HostSizing(
        size=name,
        title=row.title,
        remark=row.remark,
        price_per_hour=ledger.figure(_price(ledger, name)),
        formula_maximum=_formula_maximum(ledger, name, profile, Fraction(1)),
        recommended=_formula_maximum(ledger, name, profile, ledger.value(_HEADROOM)),
        density_from=source,
        by_guide=_count(ledger, name, instances, density, ledger.value(_HEADROOM)),
        by_plan=_count(ledger, name, instances, once, Fraction(1), replicas),
    )


def _count(
    ledger: Ledger, size: str, instances: int, density: Derived, share: Fraction, least: int = 1
) -> HostCount | None:
    if not density.low:
        return None
    hosts, spare, paths = _formula(ledger, instances, density, share, least)
    price = _price(ledger, size)
    micros = round(ledger.value(price) * MICROS)

    def cost(end: End) -> Fraction:
        return Fraction((hosts[end] + spare[end]) * micros, MICROS)

    currency = ledger.model.currency()
    return HostCount(
        services_per_host=density,
        **_ends(ledger, hosts, spare, paths),
        cost_per_hour=ledger.of_ends(f"{currency}/h", cost, {*paths, price}),
        cost_per_year=ledger.of_ends(f"{currency}/year", lambda end: cost(end) * HOURS_PER_YEAR, {*paths, price}),
    )


def _formula(
    ledger: Ledger, instances: int, density: Derived, share: Fraction, least: int = 1
) -> tuple[dict[End, int], dict[End, int], set[str]]:
    """Return hosts before spares and spare hosts by end, and what they rest on."""
    spare_share = ledger.value(_SPARE)
    hosts: dict[End, int] = {}
    for end in ENDS:
        per_host = Fraction(str({"low": density.high, "typical": density.typical, "high": density.low}[end]))
        hosts[end] = max(least, ceiling(instances / per_host / share))
    spare = {end: ceiling(num * spare_share) for end, num in hosts.items()}
    paths = {*density.rests_on, _SPARE}
    return hosts, spare, paths | ({_HEADROOM} if share != 1 else set())


def _ends(
    ledger: Ledger, hosts: dict[End, int], spare: dict[End, int], paths: set[str]
) -> dict[Literal["hosts_before_spares", "spare_hosts", "total_hosts"], Derived]:
    return {
        "hosts_before_spares": ledger.of_ends("hosts", hosts.__getitem__, paths),
        "spare_hosts": ledger.of_ends("hosts", spare.__getitem__, paths),
        "total_hosts": ledger.of_ends("hosts", lambda end: hosts[end] + spare[end], paths),
    }


def _price(ledger: Ledger, size: str) -> str:
    return f"prices.{ledger.model.default_price_list}.price_per_hour.{size}"


def _worked_example(ledger: Ledger) -> WorkedExampleCheck:
    model, path = ledger.model, "hosts.worked_example"
    services, size = int(ledger.value(f"{path}.services")), model.hosts.worked_example.size
    density = ledger.figure(f"{path}.services_per_host")
    once = plan_density(ledger, size, model.hosts.density_profile)

    def computed(per_host: Derived, share: Fraction) -> ExampleHosts:
        hosts, spare, paths = _formula(ledger, services, per_host, share)
        return ExampleHosts(services_per_host=per_host, **_ends(ledger, hosts, spare, {*paths, f"{path}.services"}))

    return WorkedExampleCheck(
        services=services,
        size=size,
        printed=ExampleHosts(
            services_per_host=density,
            hosts_before_spares=ledger.figure(f"{path}.printed_hosts_before_spares"),
            spare_hosts=ledger.figure(f"{path}.printed_spare_hosts"),
            total_hosts=ledger.figure(f"{path}.printed_total_hosts"),
        ),
        by_formula=computed(density, ledger.value(_HEADROOM)),
        by_plan=computed(once, Fraction(1)),
    )


def _density_notes(ledger: Ledger, instances: int, rows: Sequence[HostSizing]) -> list[str]:
    percent = f"{float(100 * (1 - ledger.value(_HEADROOM))):g} %"
    notes = []
    if any(row.density_from == "table" for row in rows):
        free = "; ".join(
            f"{row.size} {row.recommended.typical:,} of {row.formula_maximum.typical:,}, table "
            f"{_span(row.by_guide.services_per_host)}"
            for row in rows
            if row.by_guide is not None and row.density_from == "table"
        )
        notes.append(
            f"The guide's densities keep {percent} of a host free already (its formula: {free}), and its host count "
            f"divides by {float(ledger.value(_HEADROOM)):g} once more. A plan keeps {percent} free once, on every "
            f"resource: for {instances:,} instances {_compared(rows)}."
        )
    notes.extend(
        f"The guide's table has {_span(row.by_guide.services_per_host)} services on a host of size {row.size}, its "
        f"formula at most {row.formula_maximum.typical:,} with the demand of this profile."
        for row in rows
        if row.density_from == "table"
        and row.by_guide is not None
        and row.by_guide.services_per_host.high > row.formula_maximum.typical
    )
    untabled = [row.size for row in rows if row.density_from == "formula"]
    if untabled:
        notes.append(
            f"The guide has no density for {', '.join(untabled)} with this profile: its formula's maximum is taken, "
            f"so that {percent} is kept free once."
        )
    notes.extend(
        f"One instance does not fit on a host of size {row.size}."
        for row in rows
        if row.by_guide is None or row.by_plan is None
    )
    return notes


def _compared(rows: Sequence[HostSizing]) -> str:
    """Return what a plan takes of each size, and what the guide does."""
    pairs = ((row.size, row.by_plan, row.by_guide) for row in rows)
    return "; ".join(
        f"{plan.total_hosts.typical:,} {size} where the guide has {guide.total_hosts.typical:,}"
        for size, plan, guide in pairs
        if plan is not None and guide is not None
    )


def _span(amount: Derived) -> str:
    return f"{amount.low:,}-{amount.high:,}" if amount.is_range else f"{amount.typical:,}"


def _example_notes(example: WorkedExampleCheck) -> list[str]:
    names: tuple[tuple[str, Callable[[ExampleHosts], Derived]], ...] = (
        ("hosts before spares", lambda hosts: hosts.hosts_before_spares),
        ("spare hosts", lambda hosts: hosts.spare_hosts),
        ("hosts in all", lambda hosts: hosts.total_hosts),
    )
    wrong = [
        f"{of(example.printed).typical:,} {name} instead of {of(example.by_formula).typical:,}"
        for name, of in names
        if of(example.printed).typical != of(example.by_formula).typical
    ]
    if not wrong:
        return []
    return [f"The guide's worked example ({example.services:,} on {example.size}) prints {', '.join(wrong)}."]
