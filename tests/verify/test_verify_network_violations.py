"""Plans with a network: naive plans are clean, and every injected violation is named, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from harbour import set_cells
from naive_network import with_links, with_segments
from naive_tier_plan import naive_tier_plan
from pier import FLEETS, derived, pier, topology
from town import set_host, set_summary, straighten

from placement.plan.types import Cut, Mend, Plan
from placement.verify import check_plan
from placement.verify.network import UNSETTLED

Edit = Callable[[Plan], Plan]

ALERT = "Network utilization"
A1_UP, A1_DOWN = "east/za/a1>spine-1", "spine-1>east/za/a1"
IDLE = "west/wa/w1>gate-w"


def planned(name: str) -> Plan:
    plan = naive_tier_plan(FLEETS[name])
    assert plan is not None
    return plan


PLANS = {name: planned(name) for name in FLEETS}
OVERLOADED = {"wide": set(), "tight": {"link-overloaded"}, "derived": set(), "some pools": set(), "no databases": set()}


@pytest.mark.parametrize("name", FLEETS)
def test_naive_plans_are_clean_but_for_links_that_carry_too_much(name: str) -> None:
    # the naive loads are exact fractions of flows taken one by one: two implementations agree
    result = check_plan(PLANS[name], FLEETS[name])
    assert set(result.counts) == OVERLOADED[name], [str(finding) for finding in result.findings]
    assert result.counts == check_plan(PLANS[name], None).counts
    declared = PLANS[name].summary.violations
    assert [row["link"] for row in declared] == sorted(row["link"] for row in declared)
    assert result.counts.get("link-overloaded", 0) == len(declared)
    assert UNSETTLED not in result.notes


def test_the_fleets_have_every_kind_of_link_and_level() -> None:
    links = pl.concat([plan.links for plan in PLANS.values()])
    assert set(links["kind"]) == {"nic", "nic-database", "uplink", "trunk", "backbone"}
    assert set(links["level"]) == {"ok", "warning", "critical"}
    types = set().union(*(plan.summary.network.traffic_mbps for plan in PLANS.values() if plan.summary.network))
    assert types == {
        "client", "postgres", "valkey", "mtls", "heartbeat", "telemetry", "replication", "calls",
    }  # fmt: skip


# --- edits --------------------------------------------------------------------------------------------------------


def set_link(link: str, /, **cells: Any) -> Edit:
    return lambda p: set_cells(p, "links", link, **cells)


def drop_link(link: str) -> Edit:
    return lambda p: replace(p, links=p.links.filter(pl.col("link") != link))


def copy_link(link: str, /, **cells: Any) -> Edit:
    def edit(plan: Plan) -> Plan:
        row = plan.links.filter(link=link).with_columns(
            pl.lit(value, dtype=plan.links.schema[name]).alias(name) for name, value in cells.items()
        )
        return replace(plan, links=pl.concat([plan.links, row]))

    return edit


def more_load(link: str, mbps: float) -> Edit:
    """Write another load, and the utilization that follows from it."""

    def edit(plan: Plan) -> Plan:
        row = plan.links.filter(link=link).row(0, named=True)
        load = round(row["load_mbps"] + mbps, 4)
        return set_cells(plan, "links", link, load_mbps=load, utilization=round(load / row["capacity_mbps"], 6))

    return edit


def more_capacity(link: str, mbps: float) -> Edit:
    return lambda p: set_cells(p, "links", link, capacity_mbps=p.links.filter(link=link)["capacity_mbps"].item() + mbps)


def set_network(path: str, value: Any) -> Edit:
    return lambda p: set_summary(p, f"network.{path}", value)


def first_host(plan: Plan, **where: Any) -> str:
    return str(plan.hosts.filter(**where)["host"][0])


def nic_of(nic: str, **where: Any) -> Edit:
    return lambda p: set_host(p, first_host(p, **where), nic=nic)


def on_alerts(change: Callable[[dict[str, Any]], dict[str, Any] | None], metric: str = ALERT) -> Edit:
    """Change the first alert of a metric; None takes it out."""

    def edit(plan: Plan) -> Plan:
        alerts = [alert.model_dump() for alert in plan.summary.alerts]
        at = next(row for row, alert in enumerate(alerts) if alert["metric"] == metric)
        changed = change(alerts[at])
        alerts[at : at + 1] = [] if changed is None else [changed]
        return set_summary(plan, "alerts", alerts)

    return edit


def add_alert(**fields: Any) -> Edit:
    alert = {"level": "warning", "metric": ALERT, "where": IDLE, "value": 0.7, "limit": 0.6, "advice": ""} | fields
    return lambda p: set_summary(p, "alerts", [*(a.model_dump() for a in p.summary.alerts), alert])


def on_violations(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Edit:
    return lambda p: set_summary(p, "violations", change([dict(row) for row in p.summary.violations]))


def swap_primary(plan: Plan) -> Plan:
    """Let a replica lead: everything else is as before, but for where queries go."""
    nodes = plan.nodes.filter(workload="pg-east-shop-01")
    leader = nodes.filter(role="primary")["node"].item()
    follower = nodes.filter(role="replica")["node"][0]
    return set_cells(set_cells(plan, "nodes", leader, role="replica"), "nodes", follower, role="primary")


def crowd_segment(plan: Plan) -> Plan:
    """Put all hosts of a place that the plan made segments for into the first of them, links and all."""
    full = plan.hosts.with_columns(
        segment=pl.when((pl.col("region") == "east") & (pl.col("zone") == "za"))
        .then(pl.lit("s0001"))
        .otherwise("segment")
    )
    return replace(plan, hosts=full)


def underpaid(plan: Plan) -> Plan:
    """Let a host for databases cost what its size costs with the size's own NIC."""
    row = plan.hosts.filter(pool="databases", spare=False).row(0, named=True)
    price = FLEETS["wide"].sizes[row["size"]].price_micros_per_hour / 1e6
    assert price < row["price_per_hour"]
    return straighten(set_host(plan, row["host"], price_per_hour=price), FLEETS["wide"])


EDITED: list[tuple[str, str, Edit, set[str]]] = [
    # links.csv
    ("load 1 Mbps too low", "wide", more_load(A1_UP, -1), {"link-wrong"}),
    ("load 1 Mbps too high", "wide", more_load(IDLE, 1), {"link-wrong"}),
    ("load off by rounding", "wide", more_load(IDLE, 0.001), set()),
    ("load of no whole kbit/s", "wide", more_load(IDLE, 0.0005), {"link-wrong"}),
    ("load of a port too low", "derived", lambda p: more_load(str(p.links.filter((pl.col("kind") == "nic-database")
        & (pl.col("load_mbps") > 1)).sort("load_mbps")["link"][0]), -1)(p), {"link-wrong"}),
    ("level too mild", "tight", set_link("gate-1>gate-w", level="warning"), {"link-wrong"}),
    ("level too harsh", "wide", set_link(IDLE, level="warning"), {"link-wrong"}),
    ("utilization too low", "wide", set_link(A1_UP, utilization=0.01), {"link-wrong"}),
    ("capacity 1 Mbps higher", "wide", more_capacity(A1_UP, 1), {"link-wrong"}),
    ("links that are not there", "wide", set_link(A1_UP, links=3), {"link-wrong"}),
    ("kind of another link", "wide", set_link(A1_UP, kind="trunk"), {"link-wrong"}),
    ("network of another link", "wide", set_link(A1_UP, network="database"), {"link-wrong"}),
    ("link that leads elsewhere", "wide", set_link(A1_UP, to="spine-2"), {"link-wrong"}),
    ("host without its NIC", "wide", lambda p: drop_link(f"{first_host(p)}>{leaf(p)}")(p), {"link-missing"}),
    ("one direction alone", "wide", drop_link(IDLE), {"link-missing"}),
    ("link of nobody", "wide", copy_link(IDLE, link="west/wa/w2>gate-w"), {"link-unknown"}),
    ("link twice", "wide", copy_link(IDLE), {"link-unknown"}),
    ("another primary", "wide", swap_primary, {"link-wrong", "network-summary-wrong"}),
    # hosts.csv
    ("segment nobody made", "derived", lambda p: set_host(p, first_host(p), segment="s0099"), {"segment-unknown"}),
    ("no segment", "derived", lambda p: set_host(p, first_host(p), segment=""), {"segment-unknown"}),
    ("segment over its room", "derived", lambda p: with_links(crowd_segment(p), FLEETS["derived"]), {"segment-full"}),
    ("NIC that there is not", "wide", nic_of("40gbe"), {"nic-unknown"}),
    ("NIC better than paid for", "wide", nic_of("100gbe", pool="databases"), {"nic-wrong"}),
    ("NIC left blank", "wide", nic_of(""), {"nic-wrong"}),
    ("NIC not paid for", "wide", underpaid, {"price-wrong"}),
    # alerts
    ("alert left out", "tight", on_alerts(lambda alert: None), {"network-alert-wrong"}),
    ("alert too mild", "tight", on_alerts(lambda alert: alert | {"level": "warning"}), {"network-alert-wrong"}),
    ("alert with another value", "tight", on_alerts(lambda alert: alert | {"value": 0.9}), {"network-alert-wrong"}),
    ("alert with another limit", "tight", on_alerts(lambda alert: alert | {"limit": 0.9}), {"network-alert-wrong"}),
    ("alert on an idle link", "wide", add_alert(), {"network-alert-wrong"}),
    ("alert on no link", "tight", on_alerts(lambda alert: alert | {"where": "x>gate-1"}), {"network-alert-wrong"}),
    ("more links than there are", "tight", add_alert(where="7 more links"), {"network-alert-wrong"}),
    ("warning about NICs for nothing", "wide", add_alert(metric="NIC tier", where="1 host"), {"network-alert-wrong"}),
    # violations
    ("violation hidden", "tight", on_violations(lambda rows: rows[1:]), {"link-overloaded", "network-summary-wrong"}),
    ("violation told twice", "tight", on_violations(lambda rows: [*rows, rows[0]]),
        {"link-overloaded", "network-summary-wrong"}),
    ("violation of its own kind", "tight", on_violations(lambda rows: [*rows, {"kind": "over-limit"}]),
        {"link-overloaded", "network-summary-wrong"}),
    ("violation with a smaller load", "tight",
        on_violations(lambda rows: [rows[0] | {"load_mbps": 20.1}, *rows[1:]]),
        {"link-overloaded", "network-summary-wrong"}),
    ("violation made up", "wide", on_violations(lambda rows: [{"kind": "link-overloaded", "link": IDLE,
        "load_mbps": 2.0, "capacity_mbps": 1.0}]), {"network-summary-wrong"}),
    # plan.json: network
    ("no summary", "wide", lambda p: set_summary(p, "network", None), {"network-summary-wrong"}),
    *[(f"summary's {path}", "wide", set_network(path, value), {"network-summary-wrong"}) for path, value in {
        "topology": "derived", "segments": 5, "links": 13, "traffic_mbps.client": 60.0, "traffic_mbps.postgres": 0.0,
        "levels.nic": {"ok": 3}, "busiest": []}.items()],
    ("busiest link misstated", "wide", lambda p: set_network("busiest", [row | {"utilization": 0.9} for row in
        p.summary.model_dump()["network"]["busiest"]])(p), {"network-summary-wrong"}),
]  # fmt: skip


def leaf(plan: Plan) -> str:
    row = plan.hosts.row(0, named=True)
    return "/".join(part for part in (row["region"], row["zone"], row["segment"]) if part)


@pytest.mark.parametrize(("name", "edit", "kinds"), [row[1:] for row in EDITED], ids=[row[0] for row in EDITED])
def test_a_violation_is_named_and_nothing_else(name: str, edit: Edit, kinds: set[str]) -> None:
    result = check_plan(edit(PLANS[name]), FLEETS[name])
    assert set(result.counts) - OVERLOADED[name] == kinds - OVERLOADED[name], [str(f) for f in result.findings]
    assert kinds <= set(result.counts)


def test_a_link_is_overloaded_by_one_mbps_or_not_at_all() -> None:
    # gate-1>gate-w carries the call of 25 Mbps from gate to export and nothing else
    load = PLANS["tight"].links.filter(link="gate-1>gate-w").row(0, named=True)
    assert (load["load_mbps"], load["capacity_mbps"], load["level"]) == (25.0, 26.0, "critical")
    for between_mbps, overloads in ((25, 0), (24, 1)):
        fleet = pier(topology=topology(between_mbps=between_mbps))
        plan = with_links(replace(PLANS["wide"], summary=PLANS["wide"].summary), fleet)
        plan = set_summary(plan, "fleet.digest", fleet.digest)
        result = check_plan(plan, fleet)
        assert result.counts == ({"link-overloaded": 1} if overloads else {})


def test_where_tables_contradict_each_other_links_are_left_and_a_note_says_so() -> None:
    result = check_plan(set_host(PLANS["wide"], first_host(PLANS["wide"]), nic="100gbe"), FLEETS["wide"])
    assert set(result.counts) == {"nic-wrong"}
    assert UNSETTLED in result.notes


def test_more_than_twenty_links_have_one_alert_for_the_rest() -> None:
    fleet = derived(
        override={
            "postgres": {"pgbouncer": {"services_from": 0}},
            "network": {
                "tiers": {"standard": {"fabric": {
                    "hosts_per_segment": 2, "uplink_mbps": 2, "core_mbps": 2, "oversubscription": 20000}}}
            },
        }
    )  # fmt: skip
    plan = naive_tier_plan(fleet)
    assert plan is not None
    high = plan.links.filter(pl.col("level") != "ok").height
    listed = [alert.where for alert in plan.summary.alerts if alert.metric == ALERT]
    assert high > 25
    assert (len(listed), listed[-1]) == (21, f"{high - 20} more links")
    assert set(check_plan(plan, fleet).counts) == {"link-overloaded"}
    for wrong in (f"{high - 21} more links", f"{high} more links"):
        alerts = [a.model_dump() for a in plan.summary.alerts]
        at = next(row for row, alert in enumerate(alerts) if alert["where"] == listed[-1])
        alerts[at]["where"] = wrong
        told = check_plan(set_summary(plan, "alerts", alerts), fleet)
        assert set(told.counts) == {"link-overloaded", "network-alert-wrong"}


def test_hosts_below_the_tier_of_the_scale_have_one_warning() -> None:
    # in a model whose smallest tier asks for 25 GbE, sizes have 10 GbE and databases 20
    standard = {"nic": "25gbe", "dedicated_database_network": False}
    override = {"postgres": {"pgbouncer": {"services_from": 0}}, "network": {"tiers": {"standard": standard}}}
    fleet = derived(override=override, policy={"nic": {"databases": "25gbe"}})
    plan = naive_tier_plan(fleet)
    assert plan is not None
    below = plan.hosts.filter(pl.col("pool") != "databases").height
    (alert,) = [alert for alert in plan.summary.alerts if alert.metric == "NIC tier"]
    assert (alert.where, alert.value, alert.limit) == (f"{below} hosts", 10000, 25000)
    assert check_plan(plan, fleet).is_clean
    for change in (None, {"where": f"{below - 1} hosts"}, {"value": 1000}, {"limit": 10000}, {"level": "critical"}):
        edit = on_alerts(lambda alert, change=change: None if change is None else alert | change, "NIC tier")
        assert set(check_plan(edit(plan), fleet).counts) == {"network-alert-wrong"}


# --- cuts and mends -----------------------------------------------------------------------------------------------

# the uplinks of a1 in the tight network: two of 20 Mbps to spine-1, one to spine-2
CUT = {
    "network": "service",
    "nodes": ("east/za/a1",),
    "direction": "out",
    "capacity_mbps": 60.0,
    "holds_for": "routing",
}


def demand(plan: Plan, direction: str) -> float:
    end = "from" if direction == "out" else "to"
    rows = plan.links.filter((pl.col(end) == "east/za/a1") & (pl.col("kind") == "uplink"))
    return float(rows["load_mbps"].sum())


@pytest.mark.parametrize(
    ("change", "is_right"),
    [
        ({}, True),
        ({"direction": "in"}, True),
        ({"demand_mbps": 200.0}, False),
        ({"capacity_mbps": 40.0}, False),
        ({"nodes": ("east/za/a9",)}, False),
        ({"nodes": ()}, False),
        ({"holds_for": "placement"}, False),
        ({"network": "database", "nodes": ("east/za/a1@database",), "capacity_mbps": 20.0}, False),
    ],
)
def test_a_cut_proves_what_it_says(change: dict[str, Any], is_right: bool) -> None:
    plan = PLANS["tight"]
    fields: dict[str, Any] = CUT | change
    fields.setdefault("demand_mbps", demand(plan, fields["direction"]))
    cut = Cut(**fields)
    assert cut.demand_mbps > 60
    found = check_plan(set_network("cuts", [cut.model_dump()])(plan), FLEETS["tight"])
    assert set(found.counts) == {"link-overloaded"} | (set() if is_right else {"network-cut-wrong"})


def test_a_cut_that_fits_proves_nothing() -> None:
    plan = PLANS["wide"]
    cut = Cut(**CUT | {"demand_mbps": demand(plan, "out"), "capacity_mbps": 3000.0})
    (finding,) = check_plan(set_network("cuts", [cut.model_dump()])(plan), FLEETS["wide"]).findings
    assert finding.kind == "network-cut-wrong"
    assert "fits 3,000" in finding.message


def test_what_must_go_to_the_edge_is_a_cut_for_every_placement() -> None:
    # 14 instances in east: clients send each 10 Mbps x 5.5 / Σ of the bandwidths that it uses, the same in any place
    fleet = pier(topology=topology(core_mbps=5))
    plan = with_links(set_summary(PLANS["wide"], "fleet.digest", fleet.digest), fleet)
    network = plan.summary.network
    assert network is not None
    east = [row for row in fleet.services.to_dicts() if row["region"] == "east"]
    # Σ of all six: 5.5 + 12.5 + 3 + 0.5 + 0.05 + 1.25 = 22.8 Mbps
    clients = sum(row["instances"] for row in east) * 10 * 5.5 / 22.8
    nodes = ("east/za/a1", "east/za/a2", "east/zb/b1", "spine-1", "spine-2")
    cut = Cut(
        network="service", nodes=nodes, direction="in", demand_mbps=clients, capacity_mbps=20.0, holds_for="placement"
    )
    assert clients > 20
    assert set(check_plan(set_network("cuts", [cut.model_dump()])(plan), fleet).counts) == {"link-overloaded"}
    one_leaf = cut.model_copy(update={"nodes": nodes[1:]})
    found = check_plan(set_network("cuts", [one_leaf.model_dump()])(plan), fleet)
    assert set(found.counts) == {"link-overloaded", "network-cut-wrong"}


# gate-1>gate-w carries 25 of 26 Mbps: with one more link 25 of 52, which is below 60 %.
# A link of 0.026 Gbps costs 0.026 x 0.0005 = 0.000013 an hour.
UPLINK = {
    "what": "uplink", "where": ("gate-1", "gate-w"), "number": 1, "from": "1", "to": "2", "price_per_hour": 0.000013,
    "lifts": ("gate-1>gate-w",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "is_right"),
    [
        ({}, True),
        ({"price_per_hour": 0.00001}, False),
        ({"to": "3"}, False),
        ({"from": "2", "to": "3"}, False),
        ({"where": ("gate-2", "gate-w")}, False),
        ({"lifts": ()}, False),
        ({"lifts": ("gate-1>gate-w", IDLE)}, False),
        ({"lifts": ("gate-1>gate-w", A1_DOWN)}, False),
    ],
)
def test_more_links_lift_what_they_say(change: dict[str, Any], is_right: bool) -> None:
    mend = Mend.model_validate(UPLINK | change)
    plan = set_network("mends", [mend.model_dump(by_alias=True)])(PLANS["tight"])
    assert set(check_plan(plan, FLEETS["tight"]).counts) == {"link-overloaded"} | (
        set() if is_right else {"network-mend-wrong"}
    )


SLOW = derived(
    override={
        "postgres": {"pgbouncer": {"services_from": 0}},
        "network": {
            "nics": {
                "10gbe": {"capacity_mbps": 40},
                "dual-10gbe": {"capacity_mbps": 42, "database_mbps": 2},
                "25gbe": {"capacity_mbps": 400},
            }
        },
    },
    policy={"pools": ["services"], "network_limit": 1.0, "nic": {}},
    calls=None,
)


@pytest.mark.parametrize(
    ("change", "is_right"),
    [
        ({}, True),
        ({"price_per_hour": 0.01}, False),
        ({"to": "40gbe"}, False),
        ({"to": "dual-10gbe", "price_per_hour": 0.01}, False),
        ({"from": "dual-10gbe"}, False),
        ({"number": 2}, False),
        ({"where": ("nowhere",)}, False),
    ],
)
def test_another_nic_lifts_what_it_says(change: dict[str, Any], is_right: bool) -> None:
    plan = naive_tier_plan(SLOW)
    assert plan is not None
    busy = plan.links.filter((pl.col("kind") == "nic") & (pl.col("level") != "ok"))
    host = sorted(set(busy["from"]) & set(plan.hosts["host"]))[0]
    lifts = tuple(busy.filter((pl.col("from") == host) | (pl.col("to") == host))["link"])
    # 25 GbE at 0.03 instead of 10 GbE at 0.01
    mend = {"what": "nic", "where": (host,), "number": 1, "from": "10gbe", "to": "25gbe", "price_per_hour": 0.02,
            "lifts": lifts} | change  # fmt: skip
    edited = set_network("mends", [mend])(plan)
    counts = dict(check_plan(edited, SLOW).counts)
    counts.pop("link-overloaded", None)
    assert set(counts) == (set() if is_right else {"network-mend-wrong"})


# --- without the fleet --------------------------------------------------------------------------------------------

ALONE: list[tuple[str, Edit, set[str]]] = [
    ("utilization", set_link(A1_UP, utilization=0.01), {"link-wrong"}),
    ("capacity of one direction", more_capacity("spine-2>gate-1", 1), {"link-wrong"}),
    ("one direction alone", drop_link(IDLE), {"link-missing", "network-summary-wrong"}),
    ("load over the capacity", set_link(IDLE, load_mbps=10001.0, utilization=1.0001),
        {"link-overloaded", "network-summary-wrong"}),
    ("level below a less used link's", set_link(IDLE, level="critical"), {"link-wrong", "network-summary-wrong"}),
    ("no such level", set_link(IDLE, level="fine"), {"link-wrong", "network-summary-wrong"}),
    ("no such kind", set_link(IDLE, kind="road"), {"link-wrong", "network-summary-wrong"}),
    ("name of another link", set_link(IDLE, to="gate-2"), {"link-wrong", "link-missing"}),
    ("host in another segment", lambda p: set_host(p, first_host(p, zone="za"), segment="a9"), {"link-wrong"}),
    ("host without its NIC", lambda p: drop_link(f"{first_host(p)}>{leaf(p)}")(p),
        {"link-missing", "network-summary-wrong"}),
    ("busiest", set_network("busiest", []), {"network-summary-wrong"}),
    ("number of links", set_network("links", 3), {"network-summary-wrong"}),
    ("no summary", lambda p: set_summary(p, "network", None), {"network-summary-wrong"}),
    ("violation made up", on_violations(lambda rows: [{"kind": "link-overloaded", "link": IDLE, "load_mbps": 2.0,
        "capacity_mbps": 1.0}]), {"network-summary-wrong"}),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "kinds"), [row[1:] for row in ALONE], ids=[row[0] for row in ALONE])
def test_what_links_alone_betray(edit: Edit, kinds: set[str]) -> None:
    result = check_plan(edit(PLANS["wide"]), None)
    assert set(result.counts) == kinds, [str(finding) for finding in result.findings]


def test_segments_are_filled_evenly_by_the_naive_plan() -> None:
    plan = with_segments(PLANS["derived"], FLEETS["derived"])
    assert plan.hosts["segment"].to_list() == PLANS["derived"].hosts["segment"].to_list()


KINDS = set().union(*(row[3] for row in EDITED)) | {"network-cut-wrong", "network-mend-wrong"}
"""Every kind that is injected here."""
