"""nodes.csv: every node of every workload, on a host for its pool, with the demand, role and shard it must have."""

from __future__ import annotations

import numpy as np
import polars as pl

from placement.fleet.types import POOLS
from placement.plan.findings import Finding
from placement.units import RESOURCES, IntArray
from placement.verify.collector import Collector
from placement.verify.facts import FleetFacts
from placement.verify.rows import Column, Rows
from placement.verify.rules import crowded, place_name
from placement.verify.view import PlanView, row_numbers
from placement.verify.words import count

_FILE = "nodes.csv"
_SAME = tuple(Column(name, f"right_{name}") for name in ("pool", "kind", "region", "tier"))
_DEMANDS = tuple(
    Column(resource.column, f"right_{resource.internal_column}", resource.factor) for resource in RESOURCES
)


def check_nodes(plan: PlanView, workloads: pl.DataFrame, facts: FleetFacts, found: Collector) -> None:
    """Report nodes that are missing or too many, stand wrongly, need something else, or have a wrong role or shard.

    Parameters
    ----------
    plan, facts
        Plan and fleet.
    workloads
        What must run (`tier_workloads.tier_workloads`).
    found
        Takes the findings.
    """
    nodes = plan.plan.nodes
    if not nodes.height and not workloads.height:
        return
    right = workloads.rename({name: f"right_{name}" for name in workloads.columns if name != "workload"})
    frame = nodes.join(right, on="workload", how="left", maintain_order="left").with_columns(
        counted=pl.len().over("workload")
    )
    rows = Rows(frame, _FILE, "node", found)
    check_node_hosts(plan, rows)
    known = frame["right_pool"].is_not_null().to_numpy()
    unplanned = ~nodes["pool"].is_in(pl.Series(facts.pools).implode()).to_numpy()
    rows.report("pool-not-planned", unplanned, "the policy does not plan pool {pool}")
    rows.report("unknown-workload", ~known & ~unplanned, "nothing called {workload} must run")
    rows.compare("node-differs", _SAME, known)
    needs = frame[f"right_{RESOURCES[0].internal_column}"].is_not_null().to_numpy()
    rows.compare("node-demand-wrong", _DEMANDS, needs)
    _report_names(rows, known)
    _report_counts(frame, workloads, found)
    code = row_numbers(nodes["workload"], workloads["workload"])
    standing = np.flatnonzero(known & (plan.node_host_idx >= 0))
    _report_crowds(plan, workloads, facts, (code[standing], plan.node_host_idx[standing]), found)
    _report_roles(rows, found)
    _report_shards(plan, frame, facts, found)


def check_node_hosts(plan: PlanView, rows: Rows) -> None:
    """Report nodes that are listed twice, on no host of the plan, or on one of another pool or region."""
    rows.twice("node-twice", "is listed more than once")
    is_placed = plan.node_host_idx >= 0
    rows.report("unknown-host", ~is_placed, "the plan has no host {host}")
    pool = row_numbers(rows.frame["pool"], pl.Series(POOLS))
    if not plan.num_hosts:
        return
    there = plan.host_pool[plan.node_host_idx]
    rows.report("wrong-pool", is_placed & (there >= 0) & (there != pool), "{host} is not for pool {pool}")
    regions = plan.plan.hosts["region"].to_numpy()[plan.node_host_idx]
    elsewhere = is_placed & (regions != rows.frame["region"].to_numpy())
    rows.report("wrong-region", elsewhere, "belongs to region {region} but stands on {host} in another")


def _report_names(rows: Rows, known: np.ndarray) -> None:
    """Report nodes that are not called by their workload and a number from 1 up."""
    frame = rows.frame
    number = frame["node"].str.extract(r"-([1-9][0-9]*)$").cast(pl.Int64, strict=False)
    built = frame.select(pl.col("workload") + "-" + number.cast(pl.String))["workload"]
    most = frame.select(pl.max_horizontal("right_instances", pl.col("counted").cast(pl.Int64)))["right_instances"]
    right = (built == frame["node"]) & (number <= most)
    rows.report("node-name-wrong", known & ~right.fill_null(False).to_numpy(), "must be {workload} and a number")


def _report_counts(frame: pl.DataFrame, workloads: pl.DataFrame, found: Collector) -> None:
    """Report workloads that have fewer nodes than they need, or more."""
    there = frame.group_by("workload").agg(there=pl.len().cast(pl.Int64))
    both = workloads.join(there, on="workload", how="left", maintain_order="left").with_columns(
        pl.col("there").fill_null(0)
    )
    for kind, off in (("node-missing", pl.col("there") < pl.col("instances")),
                      ("node-surplus", pl.col("there") > pl.col("instances"))):  # fmt: skip
        for name, needed, number in both.filter(off).select("workload", "instances", "there").iter_rows():
            message = f"{name} must have {count(needed, 'node')}, the plan has {number:,}"
            found.add(kind, message, value=float(number), limit=float(needed), file=_FILE)


def _report_crowds(
    plan: PlanView,
    workloads: pl.DataFrame,
    facts: FleetFacts,
    standing: tuple[IntArray, IntArray],
    found: Collector,
) -> None:
    """Report hosts and zones with more nodes of a workload than may stand there."""
    code, host = standing
    names = workloads["workload"].to_list()
    width = max(1, workloads.height)
    keys, numbers = np.unique(host * width + code, return_counts=True)
    most = workloads["max_per_host"].to_numpy()

    def tell_host(pair: int) -> Finding:
        at, where, there = int(keys[pair] % width), plan.hosts[keys[pair] // width], int(numbers[pair])
        message = f"{count(there, 'node')} of {names[at]} stand on {where}, at most {int(most[at])} may"
        return Finding("max-per-host", message, host=where, value=there, limit=int(most[at]), file=_FILE)

    found.add_rows("max-per-host", np.flatnonzero(numbers > most[keys % width]) if len(keys) else [], tell_host)
    zones = {
        (pool, region): facts.num_places(pool, region, "zone")
        for pool, region in workloads.select("pool", "region").unique().iter_rows()
    }
    num_zones = np.array([zones[place] for place in workloads.select("pool", "region").iter_rows()], dtype=np.int64)
    instances = workloads["instances"].to_numpy()
    limit = np.where(num_zones > 0, -(-instances // np.maximum(num_zones, 1)), instances)
    has_zones = num_zones[code] > 0
    what, place, there = crowded(plan, "zone", (code[has_zones], host[has_zones]), limit)

    def tell_zone(pair: int) -> Finding:
        at, number, may = int(what[pair]), int(there[pair]), int(limit[what[pair]])
        message = (
            f"{number:,} of {count(int(instances[at]), 'node')} of {names[at]} stand in zone "
            f"{place_name(plan, 'zone', int(place[pair]))}, at most {may:,} may"
        )
        return Finding("spread", message, value=number, limit=may, file=_FILE)

    found.add_rows("spread", np.arange(len(what)), tell_zone)


def _report_roles(rows: Rows, found: Collector) -> None:
    """Report nodes with a role or shard that their workload does not have, and shards without exactly one primary."""
    frame = rows.frame
    roles = pl.when(pl.col("right_shards") > 0).then(pl.col("role").is_in(["primary", "replica"]))
    right = frame.select(roles.otherwise(pl.col("role") == "member").alias("right"))["right"]
    known = frame["right_shards"].is_not_null()
    rows.report("role-wrong", known & ~right, "has role {role}, which {kind} has not")
    most = frame.select(pl.when("right_is_sharded").then("right_shards").otherwise(0).alias("most"))["most"]
    least = most.clip(upper_bound=1)
    shard_fits = (frame["shard"] >= least) & (frame["shard"] <= most)
    rows.report("shard-wrong", known & ~shard_fits, "stands in shard {shard}; {workload} has no such")
    # every node of the right shards, by workload and shard
    shards = (
        frame.filter(known & shard_fits & (frame["right_shards"] > 0))
        .group_by("workload", "shard", maintain_order=True)
        .agg(
            num_primaries=(pl.col("role") == "primary").sum(),
            num_nodes=pl.len().cast(pl.Int64),
            wanted=(pl.col("right_instances") // pl.col("right_shards")).first(),
            counted=pl.col("counted").first(),
            instances=pl.col("right_instances").first(),
        )
    )
    for name, shard, number in (
        shards.filter(pl.col("num_primaries") != 1).select("workload", "shard", "num_primaries").iter_rows()
    ):
        part = f"shard {shard} of {name}" if shard else name
        found.add("role-wrong", f"{part} has {number} primaries, it must have one", value=number, limit=1, file=_FILE)
    uneven = shards.filter((pl.col("num_nodes") != pl.col("wanted")) & (pl.col("counted") == pl.col("instances")))
    for name, shard, number, wanted in uneven.select("workload", "shard", "num_nodes", "wanted").iter_rows():
        message = f"shard {shard} of {name} has {count(number, 'node')}, it must have {wanted}"
        found.add("shard-wrong", message, value=float(number), limit=float(wanted), file=_FILE)


def _report_shards(plan: PlanView, frame: pl.DataFrame, facts: FleetFacts, found: Collector) -> None:
    """Report nodes of a shard on one host or crowded in a zone, and hosts with two primaries of a sharded cluster."""
    hosts = plan.plan.hosts.select("host", "zone").unique("host", keep="first")
    sharded = frame.filter(pl.col("right_is_sharded").fill_null(False)).join(
        hosts, on="host", how="inner", maintain_order="left"
    )
    together = sharded.group_by("workload", "shard", "host", maintain_order=True).len().filter(pl.col("len") > 1)
    for name, shard, host, number in together.iter_rows():
        message = f"{number} nodes of shard {shard} of {name} stand on {host}"
        found.add("shard-together", message, host=host, value=number, limit=1, file=_FILE)
    two = (
        sharded.filter(pl.col("role") == "primary")
        .group_by("workload", "host", maintain_order=True)
        .len()
        .filter(pl.col("len") > 1)
    )
    for name, host, number in two.iter_rows():
        message = f"{number} primaries of {name} stand on {host}"
        found.add("primaries-together", message, host=host, value=number, limit=1, file=_FILE)
    zones = {
        region: facts.num_places("caches", region, "zone") for region in sharded["right_region"].unique().to_list()
    }
    crowds = (
        sharded.with_columns(
            num_zones=pl.col("right_region").replace_strict(zones, default=0, return_dtype=pl.Int64),
            copies=pl.col("right_instances") // pl.col("right_shards"),
        )
        .filter(pl.col("num_zones") > 0)
        .group_by("workload", "shard", "zone", maintain_order=True)
        .agg(pl.len(), most=((pl.col("copies") + pl.col("num_zones") - 1) // pl.col("num_zones")).first())
        .filter(pl.col("len") > pl.col("most"))
    )
    for name, shard, zone, number, most in crowds.iter_rows():
        message = (
            f"{number} nodes of shard {shard} of {name} stand in zone {zone or '(none named)'}, at most {most} may"
        )
        found.add("shard-together", message, value=number, limit=most, file=_FILE)
