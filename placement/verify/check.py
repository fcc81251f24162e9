"""The check of a plan, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from placement.fleet.types import Fleet
from placement.plan.findings import Finding
from placement.plan.types import Plan
from placement.verify.certificates import check_certificates, claimed_bounds
from placement.verify.choices import CHOICES
from placement.verify.collector import Collector
from placement.verify.coverage import check_coverage
from placement.verify.facts import fleet_facts
from placement.verify.interference import check_interference
from placement.verify.inventory import check_hosts
from placement.verify.limits import check_limits
from placement.verify.moves import check_moves
from placement.verify.network import UNSETTLED, check_network
from placement.verify.network_alone import check_network_alone
from placement.verify.network_hosts import without_own_segments
from placement.verify.nodes import check_nodes
from placement.verify.problems import pool_problems
from placement.verify.rules import check_max_per_host, check_spread, count_pairs
from placement.verify.spares import check_spares
from placement.verify.summary import check_figures, check_fleet
from placement.verify.tier import check_tier
from placement.verify.tier_alone import check_tier_alone
from placement.verify.tier_facts import tier_facts
from placement.verify.view import plan_view, tables_are_sound

_CHECKED_ALONE = (
    "every assignment names a host of the plan and no instance stands twice",
    "every node names a host of the plan for its pool and region, clusters have their nodes, each shard one primary",
    "databases and caches name clusters of the plan, whose sums are theirs and within the limits that the plan states",
    "loads within the limits that the plan states",
    "spare hosts are empty and large enough",
    "links: both directions, hosts, utilization, levels that rise with it, none beyond its capacity",
    "costs, counts, gaps and status follow from the tables and the claimed bounds",
)
_CHECKED_WITH_FLEET = (
    "the plan is of this fleet",
    "every instance stands once, on a host of its region",
    "hosts are those of the inventory or can be bought there, within stock and room",
    "loads and limits recomputed from demands, sizes and policy",
    "max_per_host, spread and interference rules",
    "databases and caches recomputed: arrangement, connections, storage, memory, names, keys",
    "clusters: region, sensitivity, load profile and function, tiers, limits, sums, number of nodes and PgBouncers",
    "nodes: demand, hosts of their pool, replicas and shards apart, one primary each; numbers of platform services",
    "spare hosts: enough, empty, large enough",
    "NICs and segments: of the model, of inventory or policy, with room; a warning where NICs are below the scale's",
    "links: traffic, loads and levels recomputed, none beyond its capacity; alerts, violations, cuts and mends",
    "costs, counts, gaps and status follow from the tables and the claimed bounds",
    "moves, starts and stops against where things run today",
    "the bound is proven by its certificates, and so are those of choices of clusters",
)
_NOT_CHECKED_EVER = (
    "alerts but those on the network, estimates, settings, seconds and the alternative arrangement of databases in "
    "plan.json are taken as they are"
)
_NOT_CHECKED_ALONE = (
    "without the fleet, not checked: demands and limits, that all services are there, rules, inventory, stock and "
    "prices, what the data tier needs and who may share a cluster, the number of spare hosts, NICs, loads of links and "
    "what follows from them, and the certificates of the bound"
)


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Parameters
    ----------
    findings
        What is wrong, at most a hundred of each kind told one by one; empty: the plan is clean.
    counts
        How many findings of each kind there are in all.
    checked
        What was checked, in words.
    notes
        What was not checked, in words.
    """

    findings: tuple[Finding, ...]
    counts: dict[str, int] = field(default_factory=dict)
    checked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def check_plan(plan: Plan, fleet: Fleet | None) -> CheckResult:
    """Re-verify a plan from its files and the fleet alone.

    Parameters
    ----------
    plan
        The plan.
    fleet
        The fleet it was made for; None: its own files are held against each other, as far as that goes.
    """
    found = Collector()
    notes = [_NOT_CHECKED_EVER] if fleet is not None else [_NOT_CHECKED_ALONE, _NOT_CHECKED_EVER]
    if tables_are_sound(plan, found) and not _check(plan, fleet, found):
        notes.insert(0, UNSETTLED)
    return CheckResult(
        findings=found.findings(),
        counts=found.counts,
        checked=_CHECKED_ALONE if fleet is None else _CHECKED_WITH_FLEET,
        notes=tuple(notes),
    )


def _check(plan: Plan, fleet: Fleet | None, found: Collector) -> bool:
    """Check everything; return whether the loads of links could be checked."""
    given = plan
    facts = None if fleet is None else fleet_facts(fleet)
    if facts is not None:
        plan = without_own_segments(plan, facts)
    tier = None if facts is None else check_tier(plan, tier_facts(facts), found)
    view = plan_view(plan, facts, None if tier is None else tier.workloads)
    check_fleet(view, facts, found)
    check_coverage(view, facts, found)
    check_hosts(view, facts, found)
    check_limits(view, found)
    if facts is not None and tier is not None:
        pairs = count_pairs(view)
        check_max_per_host(view, facts, pairs, found)
        check_spread(view, facts, found)
        check_interference(view, facts, pairs, found)
        check_nodes(view, tier.workloads, facts, found)
    else:
        check_tier_alone(view, found)
    check_spares(view, facts, found)
    if facts is not None:
        are_links_checked = check_network(replace(view, plan=given), facts, found)
    else:
        check_network_alone(view, found)
        are_links_checked = True
    claimed = claimed_bounds(plan.bounds)
    check_figures(view, {pool: bound for pool, bound in claimed.items() if pool not in CHOICES}, found)
    if fleet is not None:
        check_moves(plan, fleet, found)
    if facts is not None and tier is not None:
        check_certificates(plan.bounds, pool_problems(facts, tier.workloads) | tier.choices, found)
    return are_links_checked
