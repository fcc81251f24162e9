"""The network of a plan without its fleet: links.csv held against itself, hosts.csv and plan.json."""

from __future__ import annotations

import numpy as np
import polars as pl

from placement.plan.types import NetworkSummary
from placement.units import BoolArray
from placement.verify.collector import Collector
from placement.verify.network_links import FILE, LEVELS, check_shares, report_overloads
from placement.verify.network_summary import NetworkFigures, check_link_figures, check_violations, link_table
from placement.verify.rows import Rows
from placement.verify.view import UNREADABLE, PlanView, whole

_PORTS = ("nic", "nic-database")
_KINDS = (*_PORTS, "uplink", "trunk", "backbone")
_KBPS = 1000


def check_network_alone(plan: PlanView, found: Collector) -> None:
    """Report what links.csv alone betrays: directions, utilizations, levels, hosts, and what plan.json says of it."""
    stated = plan.plan.links
    rows = Rows(stated, FILE, "link", found)
    rows.twice("link-unknown", "is listed more than once")
    called = stated.select(pl.concat_str("from", pl.lit(">"), "to"))["from"] if stated.height else stated["link"]
    rows.report("link-wrong", stated["link"] != called, "leads from {from} to {to}")
    rows.report("link-wrong", ~stated["kind"].is_in(list(_KINDS)), "there are no links of kind {kind}")
    _check_directions(rows)
    _check_ports(plan, rows)
    _check_figures(rows, found)
    links = link_table(stated)
    report_overloads(links, found)
    summary = plan.plan.summary
    check_violations(summary, links, found)
    if not isinstance(summary.network, NetworkSummary):
        if stated.height or plan.num_hosts:
            NetworkFigures(found).add("network is missing")
        return
    check_link_figures(summary.network, links, found)
    bundles = stated.filter(~pl.col("kind").is_in(list(_PORTS))).height
    NetworkFigures(found).equal("links", summary.network.links, bundles // 2)


def _check_directions(rows: Rows) -> None:
    """Report links without a way back, or with another one."""
    same = ["kind", "network", "links", "capacity_mbps"]
    back = rows.frame.select("from", "to", *same).unique(["from", "to"], keep="first")
    back = back.rename({"from": "to", "to": "from"} | {name: f"back_{name}" for name in same})
    both = Rows(rows.frame.join(back, on=["from", "to"], how="left", maintain_order="left"), FILE, "link", rows.found)
    has_back = both.frame["back_kind"].is_not_null()
    both.report("link-missing", ~has_back, "the way back from {to} to {from} is not listed")
    for name in same:
        differs = has_back & (both.frame[name] != both.frame[f"back_{name}"])
        both.report("link-wrong", differs, f"{name} is {{{name}}}, that of the way back is {{back_{name}}}")


def _check_ports(plan: PlanView, rows: Rows) -> None:
    """Report hosts without a row, and ports of hosts that are not in the plan or lead elsewhere than to their leaf."""
    frame = rows.frame
    is_port = frame["kind"].is_in(list(_PORTS)).to_numpy()
    leaves = {
        host: "/".join(part for part in place if part)
        for host, *place in plan.plan.hosts.select("host", "region", "zone", "segment").iter_rows()
    }
    is_stranger = np.zeros(frame.height, dtype=np.bool_)
    leads_astray = np.zeros(frame.height, dtype=np.bool_)
    seen = set()
    ends = frame.select("kind", "from", "to").rows()
    for row in np.flatnonzero(is_port).tolist():
        kind, one, other = ends[row]
        one, other = one.removesuffix("@database"), other.removesuffix("@database")
        host, leaf = (one, other) if one in leaves else (other, one)
        is_stranger[row] = host not in leaves
        leads_astray[row] = leaves.get(host, leaf) != leaf
        if kind == "nic":
            seen.add((host, host == one))
    rows.report("link-unknown", is_stranger, "neither end is a host of the plan")
    rows.report("link-wrong", leads_astray, "the host does not stand in that segment")
    for host in sorted(leaves):
        for outward in (True, False):
            if (host, outward) not in seen:
                message = f"{host}: what it {'sends' if outward else 'receives'} is not listed"
                rows.found.add("link-missing", message, host=host, file=FILE)


def _check_figures(rows: Rows, found: Collector) -> None:
    frame = rows.frame
    load, capacity = whole(frame["load_mbps"], _KBPS), whole(frame["capacity_mbps"], _KBPS)
    is_whole = (load != UNREADABLE) & (capacity != UNREADABLE)
    rows.report("link-wrong", ~is_whole, "load or capacity is no whole number of kbit/s")
    check_shares(frame.with_row_index("row"), load, capacity, is_whole, found)
    rows.report("link-wrong", ~frame["level"].is_in(list(LEVELS)), "there is no level {level}")
    rows.report(
        "link-wrong", _too_mild(frame), "the level is {level}, a link with a lower utilization has a higher one"
    )


def _too_mild(frame: pl.DataFrame) -> BoolArray:
    """Return which links have a lower level than one that is less used: where the levels begin, only the fleet says."""
    level = frame["level"].replace_strict(list(LEVELS), list(range(len(LEVELS))), default=0, return_dtype=pl.Int64)
    order = np.argsort(frame["utilization"].to_numpy(), kind="stable")
    highest = np.maximum.accumulate(level.to_numpy()[order]) if len(order) else order
    used = frame["utilization"].to_numpy()[order]
    # of equally used links, only those before count
    first = np.searchsorted(used, used * (1 - 1e-9), side="left")
    before = np.where(first > 0, highest[np.maximum(first - 1, 0)], 0) if len(order) else order
    mild = np.zeros(frame.height, dtype=np.bool_)
    mild[order] = level.to_numpy()[order] < before
    return mild
