"""plan.json about the network: figures, alerts and violations follow from links.csv and the fleet."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from placement.capacity import CapacityModel
from placement.plan.types import Alert, NetworkSummary, PlanSummary
from placement.units import exact
from placement.verify.collector import Collector
from placement.verify.network_fabric import SERVICE, Fabric, tier_of
from placement.verify.network_hosts import Ports
from placement.verify.network_links import overloaded

FILE = "plan.json"

_MOST_ALERTS, _MOST_BUSIEST = 20, 10
_TOLERANCE = 1e-6
"""Of a stated share or Mbps, relative and absolute: figures are rounded for people."""

_KBPS = 1000
_OVERLOADED = "link-overloaded"
_REST = re.compile(r"^([0-9][0-9,]*) more links?$")


def is_near(stated: float, right: float) -> bool:
    """Whether a stated figure is the right one but for rounding."""
    return math.isclose(stated, right, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


class NetworkFigures:
    """Compares stated figures of the network with recomputed ones."""

    def __init__(self, found: Collector) -> None:
        self._found = found

    def add(self, message: str, **figures: float) -> None:
        """Report something wrong in the summary of the network."""
        self._found.add("network-summary-wrong", message, file=FILE, **figures)

    def equal(self, name: str, stated: object, right: object) -> None:
        """Report a word, a count or a table of counts that is another."""
        if stated != right:
            self.add(f"network.{name} is {stated}, it must be {right}")

    def near(self, name: str, stated: float, right: float) -> None:
        """Report a number that is off by more than rounding."""
        if not is_near(stated, right):
            self.add(f"network.{name} is {stated!r}, it must be {right:,.12g}", value=stated, limit=right)


def check_topology_figures(
    summary: NetworkSummary, fabric: Fabric, traffic_kbps: Mapping[str, float], found: Collector
) -> None:
    """Report where the network is said to come from, its size and its traffic, where they are others."""
    figures = NetworkFigures(found)
    figures.equal("topology", summary.topology, fabric.source)
    figures.equal("segments", summary.segments, sum(fabric.node(p, SERVICE) is not None for p in fabric.leaves))
    figures.equal("links", summary.links, fabric.num_bundles)
    for kind in sorted(summary.traffic_mbps.keys() | traffic_kbps.keys()):
        stated, right = summary.traffic_mbps.get(kind, 0.0), traffic_kbps.get(kind, 0.0) / _KBPS
        # a thousandth of a Mbps is the unit of loads
        if abs(stated - right) > 1e-3 + _TOLERANCE * right:
            figures.near(f"traffic_mbps.{kind}", stated, right)


def check_link_figures(summary: NetworkSummary, links: pl.DataFrame, found: Collector) -> None:
    """Report counts of levels and the busiest links where they are not those of the links.

    Parameters
    ----------
    links
        `link`, `kind`, `level`, `load_kbps` and `capacity_kbps` of every row.
    """
    figures = NetworkFigures(found)
    right: dict[str, dict[str, int]] = defaultdict(dict)
    for (kind, level), number in sorted(Counter(links.select("kind", "level").iter_rows()).items()):
        right[kind][level] = number
    stated = {kind: {level: n for level, n in by.items() if n} for kind, by in summary.levels.items()}
    figures.equal("levels", {kind: by for kind, by in sorted(stated.items()) if by}, dict(right))
    share = _shares(links)
    most = np.sort(np.array(list(share.values())))[::-1][:_MOST_BUSIEST]
    if len(summary.busiest) != min(len(most), _MOST_BUSIEST) and not _all_idle_left_out(summary, most):
        figures.add(f"network.busiest names {len(summary.busiest)} links, it must name {len(most)}")
    for at, row in enumerate(summary.busiest):
        if row.link not in share:
            figures.add(f"network.busiest names {row.link}, which is no link of the network")
        elif at < len(most):
            figures.near(f"busiest, {row.link}", row.utilization, share[row.link])
            figures.near(f"busiest, number {at + 1}", row.utilization, float(most[at]))
    if len({row.link for row in summary.busiest}) != len(summary.busiest):
        figures.add("network.busiest names a link twice")


def _all_idle_left_out(summary: NetworkSummary, most: np.ndarray) -> bool:
    """Whether just those links are left out that carry nothing."""
    return len(summary.busiest) == int((most > 0).sum())


def _shares(links: pl.DataFrame) -> dict[str, float]:
    load, capacity = links["load_kbps"].to_numpy(), links["capacity_kbps"].to_numpy()
    return dict(zip(links["link"].to_list(), (load / np.maximum(capacity, 1)).tolist(), strict=True))


def check_violations(summary: PlanSummary, links: pl.DataFrame, found: Collector) -> None:
    """Report links that carry too much and are not said to, and violations that are none."""
    figures = NetworkFigures(found)
    over = {
        name: (load / _KBPS, capacity / _KBPS)
        for name, load, capacity in overloaded(links).select("link", "load_kbps", "capacity_kbps").iter_rows()
    }
    told: Counter[str] = Counter()
    for violation in summary.violations:
        if violation.get("kind") != _OVERLOADED:
            figures.add(f"violations: {violation.get('kind')!r} is nothing that a plan may have")
            continue
        name = str(violation.get("link"))
        if name not in over:
            figures.add(f"violations: {name} does not carry too much")
            continue
        told[name] += 1
        for key, right in zip(("load_mbps", "capacity_mbps"), over[name], strict=True):
            stated = violation.get(key)
            if not isinstance(stated, int | float) or abs(stated - right) > 2e-3:
                figures.add(f"violations: {key} of {name} is {stated}, it must be {right:,.12g}")
    for name in sorted(over):
        if told[name] != 1:
            figures.add(f"violations: {name} carries too much and is listed {told[name]} times, it must be once")


def check_alerts(summary: PlanSummary, links: pl.DataFrame, model: CapacityModel, found: Collector) -> None:
    """Report alerts on links that are missing, wrong or too many: the 20 busiest, and how many more there are."""
    threshold = model.alert_thresholds["network"]
    share = _shares(links)
    levels = dict(links.select("link", "level").iter_rows())
    high = sorted((name for name, level in levels.items() if level != "ok"), key=lambda name: -share[name])
    alerts = [alert for alert in summary.alerts if alert.metric == threshold.metric]
    rests = [alert for alert in alerts if _REST.match(alert.where)]
    listed = [alert for alert in alerts if not _REST.match(alert.where)]
    limits = {"warning": threshold.warning, "critical": threshold.critical}

    def add(message: str) -> None:
        found.add("network-alert-wrong", message, file=FILE)

    if len(listed) != min(len(high), _MOST_ALERTS):
        add(f"{len(listed)} links have alerts, {min(len(high), _MOST_ALERTS)} must have one")
    least = share[high[min(len(high), _MOST_ALERTS) - 1]] if high else 0.0
    seen: set[str] = set()
    for alert in listed:
        if alert.where not in share or levels[alert.where] == "ok" or alert.where in seen:
            add(f"{alert.where}: there is nothing to be alerted to, or an alert already")
            continue
        seen.add(alert.where)
        if share[alert.where] < least - _TOLERANCE:
            add(f"{alert.where}: has an alert, and busier links have none")
        _check_alert(alert, levels[alert.where], share[alert.where], limits, add)
    left = high[_MOST_ALERTS:]
    if [alert.where.split()[0].replace(",", "") for alert in rests] != ([str(len(left))] if left else []):
        add(f"alerts speak of {', '.join(alert.where for alert in rests) or 'no more links'}, there are {len(left):,}")
    elif left:
        _check_alert(rests[0], levels[left[0]], share[left[0]], limits, add)


def _check_alert(
    alert: Alert, level: str, share: float, limits: Mapping[str, float], add: Callable[[str], None]
) -> None:
    if alert.level != level:
        add(f"{alert.where}: the alert is {alert.level}, it must be {level}")
    elif not is_near(alert.value, share) or not is_near(alert.limit, limits[level]):
        add(f"{alert.where}: the alert has {alert.value} and {alert.limit}, it must have {share} and {limits[level]}")


def check_tier(summary: PlanSummary, ports: Ports, num_services: int, model: CapacityModel, found: Collector) -> None:
    """Report a warning about hosts' NICs below the scale's tier that is missing, wrong or too much."""
    tier = tier_of(model, num_services)
    wanted = model.nics[tier.nic].capacity_kbps
    below = ports.capacity_kbps < wanted
    if tier.dedicated_database_network:
        below |= (ports.database_kbps == 0) & (ports.capacity_kbps < _shared_from_kbps(tier.nic, model))
    alerts = [alert for alert in summary.alerts if alert.metric == "NIC tier"]
    number = int(below.sum())

    def add(message: str) -> None:
        found.add("network-alert-wrong", message, file=FILE)

    if len(alerts) != (1 if number else 0):
        add(f"{number:,} hosts have a NIC below the tier for the scale, and there are {len(alerts)} warnings of it")
        return
    for alert in alerts:
        match = re.match(r"^([0-9][0-9,]*) hosts?$", alert.where)
        if match is None or int(match.group(1).replace(",", "")) != number:
            add(f"the warning about NICs is on {alert.where}, it must be on {number:,} hosts")
        least = int(ports.capacity_kbps[below].min()) / _KBPS
        if alert.level != "warning" or not is_near(alert.value, least) or not is_near(alert.limit, wanted / _KBPS):
            add(
                f"the warning about NICs is {alert.level} and has {alert.value} and {alert.limit}, it must have "
                f"{least:,.12g} and {wanted / _KBPS:,.12g} Mbps"
            )


def _shared_from_kbps(nic: str, model: CapacityModel) -> float:
    """Return the capacity of the first tier's NIC, from the one given up, that is one for both networks."""
    names = [tier.nic for tier in model.network.tiers.values()]
    shared = (name for name in names[names.index(nic) :] if not model.nics[name].database_kbps)
    first = next(shared, None)
    return math.inf if first is None else float(model.nics[first].capacity_kbps)


def link_table(stated: pl.DataFrame) -> pl.DataFrame:
    """Return the stated links with loads and capacities in kbit/s, for checks without a fleet."""
    return stated.select(
        "link",
        "kind",
        "level",
        load_kbps=(pl.col("load_mbps") * _KBPS).round().cast(pl.Int64),
        capacity_kbps=(pl.col("capacity_mbps") * _KBPS).round().cast(pl.Int64),
    )


def above(links: pl.DataFrame, model: CapacityModel) -> set[str]:
    """Return the links above the warning level."""
    warning = exact(model.alert_thresholds["network"].warning)
    return {
        name
        for name, load, capacity in links.select("link", "load_kbps", "capacity_kbps").iter_rows()
        if load * warning.denominator > capacity * warning.numerator
    }
