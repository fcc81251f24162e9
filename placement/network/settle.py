"""The plan with its network: segments for its hosts, loads of its links, what is wrong and what would help."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from placement.fleet.types import Fleet
from placement.network.cuts import find_cuts
from placement.network.exchanges import exchanges
from placement.network.links import THRESHOLD, busiest, levels, link_alerts, link_table, overloaded, tier_alert
from placement.network.mends import link_mends, nic_mends
from placement.network.primaries import with_quieter_primaries
from placement.network.state import State, state_of
from placement.network.wiring import network_tier, spread_evenly
from placement.plan.types import Alert, NetworkSummary, Plan

_WORK = 4_000_000
"""Hosts and instances looked at, all trials of the improvement together: it ends by work, not by the clock."""

_MOST_TRIALS = 200
_CANDIDATES = 6


def settle(plan: Plan, fleet: Fleet) -> Plan:
    """Return the plan with its network: hosts in segments, links.csv, alerts, violations and the summary.

    Hosts without a segment get a derived one. While links are above the warning level, hosts change segments and
    replicas become primaries, as long as that helps.

    Parameters
    ----------
    plan
        Hosts, assignments and the data tier; nothing of the network yet.
    """
    if plan.hosts.is_empty():
        return plan
    start = dataclasses.replace(plan, hosts=spread_evenly(fleet, plan.hosts))
    return _described(_improved(state_of(start, fleet)))


def _improved(state: State) -> State:
    """Return the plan's network after the steps that make it better, each of them tried and measured."""
    share = state.fleet.model.alert_thresholds[THRESHOLD].warning
    size = len(state.plan.hosts) + len(state.plan.assignments) + len(state.plan.nodes)
    trials = min(_MOST_TRIALS, max(4, _WORK // max(size, 1)))
    best = state.excess(share)
    while best[1] > 0 and trials > 0:
        for plan in _steps(state, share):
            trials -= 1
            other = state_of(plan, state.fleet)
            excess = other.excess(share)
            if excess < best:
                state, best = other, excess
                break
            if trials <= 0:
                return state
        else:
            return state
    return state


def _steps(state: State, share: float) -> Iterator[Plan]:
    quieter = with_quieter_primaries(state, share)
    if quieter is not None:
        yield quieter
    yield from exchanges(state, _CANDIDATES)


def _described(state: State) -> Plan:
    """Return the plan of a state, with everything that is said of its network."""
    plan, fleet = state.plan, state.fleet
    threshold = fleet.model.alert_thresholds[THRESHOLD]
    hosts = plan.hosts["host"].to_list()
    links = link_table(hosts, state.leaf_of, state.ports, state.wiring, state.loads, threshold)
    is_busy = bool((links["level"] != "ok").any())
    violations = overloaded(links)
    mends = (
        *nic_mends(fleet, hosts, state.ports, state.wiring, state.leaf_of, state.loads, threshold),
        *link_mends(fleet, state.loads, threshold),
    )
    summary = NetworkSummary(
        topology="derived" if state.wiring.is_derived else "file",
        segments=len(state.wiring.leaves),
        links=state.wiring.num_bundles,
        traffic_mbps={name: round(kbps / 1000, 3) for name, kbps in state.traffic.forward_kbps.items()},
        levels=levels(links),
        busiest=busiest(links),
        cuts=find_cuts(state.wiring, state.loads) if violations else (),
        mends=mends if is_busy else (),
    )
    alerts = (*plan.summary.alerts, *_tier_alerts(state), *link_alerts(links, threshold))
    changes = {"network": summary, "alerts": alerts, "violations": (*plan.summary.violations, *violations)}
    return dataclasses.replace(plan, summary=plan.summary.model_copy(update=changes), links=links)


def _tier_alerts(state: State) -> tuple[Alert, ...]:
    tier, nics = network_tier(state.fleet), state.fleet.model.nics
    above = [row for row in state.fleet.model.network.tiers.values() if not nics[row.nic].database_kbps]
    from_here = [row for row in above if row.services_from.typical >= tier.services_from.typical]
    alert = tier_alert(
        state.ports,
        nics[tier.nic],
        (tier.requirement, tier.recommendation),
        dedicated=tier.dedicated_database_network,
        shared_kbps=nics[from_here[0].nic].capacity_kbps if from_here else 0,
    )
    return () if alert is None else (alert,)
