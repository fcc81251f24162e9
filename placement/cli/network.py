"""``placement network``: a plan's traffic over its links, who talks most, and what a failure does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from placement.cli import output
from placement.errors import InputError, Problem, nearest_name

if TYPE_CHECKING:
    from placement.network.rehearsals import Loss
    from placement.network.state import State
    from placement.plan.types import Plan

_SHOWN = 10
_TALKERS = 5


def network(
    plan_folder: Annotated[Path, typer.Argument(help="Folder of the plan.", metavar="PLAN")],
    fleet: Annotated[Path, typer.Option(help="The fleet it was made for.", metavar="FLEET")],
    link: Annotated[
        list[str] | None, typer.Option(help="Show this link and its largest talkers; may be repeated.", metavar="NAME")
    ] = None,
    rehearse: Annotated[bool, typer.Option(help="Try every single failure of a link, a switch or a segment.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
) -> None:
    """Show the loads of a plan's links, their largest talkers, and what single failures do."""
    from placement.fleet import read_fleet
    from placement.network.rehearsals import rehearse as rehearsals
    from placement.network.state import state_of
    from placement.plan.reader import read_plan

    plan = read_plan(plan_folder)
    read = read_fleet(fleet)
    if plan.summary.fleet.digest != read.digest:
        message = "the plan was made for another fleet, or for another state of it"
        raise InputError(Problem(str(plan_folder), message, column="fleet.digest", value=plan.summary.fleet.digest))
    if plan.summary.network is None or plan.links.is_empty():
        message = "the plan says nothing about its network"
        raise InputError(Problem(str(plan_folder), message, allowed="a plan made by this version"))
    wanted = _wanted(plan, link or [])
    state = state_of(plan, read)
    losses = list(rehearsals(state)) if rehearse else None
    data = _data(state, wanted, losses)
    if as_json:
        output.print_json(data)
    else:
        _print(data)
    if plan.summary.violations:
        raise typer.Exit(1)


def _wanted(plan: Plan, names: list[str]) -> list[str]:
    """Return the links to show: those asked for, else the busiest."""
    known = set(plan.links["link"].to_list())
    problems = [
        Problem(
            "command line",
            "no such link in the plan's links.csv",
            column="--link",
            value=name,
            allowed="names of the column link, as host>segment",
            suggestion=nearest_name(name, sorted(known)[:1000]),
        )
        for name in names
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    if names:
        return names
    from placement.network.links import busiest_first

    return busiest_first(plan.links)["link"].head(_SHOWN).to_list()


def _data(state: State, wanted: list[str], losses: list[Loss] | None) -> dict[str, Any]:
    from placement.network.talkers import largest_talkers

    plan = state.plan
    assert plan.summary.network is not None
    rows = {row["link"]: row for row in plan.links.iter_rows(named=True)}
    links = []
    for name in wanted:
        talkers = largest_talkers(state, name, _TALKERS)
        links.append(
            rows[name]
            | {"talkers": [{"service": talker.service, "mbps": round(talker.kbps / 1000, 3)} for talker in talkers]}
        )
    data: dict[str, Any] = {
        "network": plan.summary.network.model_dump(mode="json"),
        "violations": list(plan.summary.violations),
        "segments": _segments(state),
        "links": links,
    }
    if losses is not None:
        data["rehearsals"] = {
            "failures": len(losses),
            "harmless": sum(loss.is_harmless for loss in losses),
            "harmful": [loss.to_dict() for loss in losses if not loss.is_harmless],
        }
    return data


def _segments(state: State) -> list[dict[str, Any]]:
    """Return the fullest uplink of every segment, and its hosts."""
    import polars as pl

    hosts = state.plan.hosts.select(
        pl.concat_str([pl.when(pl.col(name) != "").then(name) for name in ("region", "zone", "segment")],
                      separator="/", ignore_nulls=True).alias("segment")
    )  # fmt: skip
    counts = dict(hosts.group_by("segment").len().iter_rows())
    ups = state.plan.links.filter((pl.col("kind") == "uplink") & (pl.col("network") == "service"))
    both = pl.concat(
        [
            ups.select(
                pl.col("from").alias("segment"), pl.lit("out").alias("way"), "load_mbps", "capacity_mbps", "utilization"
            ),
            ups.select(
                pl.col("to").alias("segment"), pl.lit("in").alias("way"), "load_mbps", "capacity_mbps", "utilization"
            ),
        ]
    )
    from placement.fleet.types import leaf_name

    leaves = pl.DataFrame({"segment": [leaf_name(*place) for place in state.wiring.leaves]})
    summed = (
        both.join(leaves, on="segment", how="semi")
        .group_by("segment")
        .agg(
            pl.col("load_mbps").filter(pl.col("way") == "out").sum().round(3).alias("out_mbps"),
            pl.col("load_mbps").filter(pl.col("way") == "in").sum().round(3).alias("in_mbps"),
            pl.col("capacity_mbps").filter(pl.col("way") == "out").sum().alias("uplinks_mbps"),
            pl.col("utilization").max().alias("fullest"),
        )
        .sort("segment")
    )
    return [row | {"hosts": counts.get(row["segment"], 0)} for row in summed.iter_rows(named=True)]


def _print(data: dict[str, Any]) -> None:
    net = data["network"]
    typer.echo(f"network   {net['topology']}: {net['segments']:,} segments, {net['links']:,} bundles of links")
    traffic = ", ".join(f"{name} {mbps:,.0f}" for name, mbps in net["traffic_mbps"].items() if mbps)
    typer.echo(f"traffic   {traffic} Mbps")
    for kind, counts in net["levels"].items():
        typer.echo(f"{kind:<13} {counts['ok']:,} ok, {counts['warning']:,} warning, {counts['critical']:,} critical")
    typer.echo("\nsegments with the fullest uplinks")
    for row in sorted(data["segments"], key=lambda row: (-row["fullest"], row["segment"]))[:_SHOWN]:
        typer.echo(
            f"  {row['segment']}: {row['hosts']:,} hosts, {row['out_mbps']:,.1f} out, {row['in_mbps']:,.1f} in, "
            f"of {row['uplinks_mbps']:,.0f} Mbps; fullest {row['fullest']:.1%}"
        )
    typer.echo("\nlinks and who talks most")
    for row in data["links"]:
        typer.echo(
            f"  {row['link']}: {row['load_mbps']:,.3f} of {row['capacity_mbps']:,.0f} Mbps, "
            f"{row['utilization']:.1%} {row['level']}"
        )
        for talker in row["talkers"]:
            typer.echo(f"    {talker['service'] or '(between nodes)'} {talker['mbps']:,.3f} Mbps")
    for cut in net["cuts"]:
        typer.echo(
            f"\nno {cut['holds_for']} fits: {len(cut['nodes'])} nodes ({cut['nodes'][0]} …) {cut['direction']}: "
            f"{cut['demand_mbps']:,.1f} Mbps over {cut['capacity_mbps']:,.1f}"
        )
    for mend in net["mends"]:
        what = f"{mend['number']:,} hosts" if mend["what"] == "nic" else " - ".join(mend["where"])
        typer.echo(f"mend: {what} from {mend['from']} to {mend['to']}, {mend['price_per_hour']:,.4f} per hour")
    if "rehearsals" in data:
        _print_rehearsals(data["rehearsals"])


def _print_rehearsals(found: dict[str, Any]) -> None:
    typer.echo(f"\n{found['failures']:,} single failures, {found['harmless']:,} of them harmless")
    for loss in found["harmful"][: 2 * _SHOWN]:
        parts = []
        if loss["num_saturated"]:
            link, load, capacity = loss["saturated"][0]
            parts.append(f"{loss['num_saturated']} links above capacity ({link}: {load:,.0f} of {capacity:,.0f} Mbps)")
        if loss["cut_off"]:
            parts.append(f"{len(loss['cut_off'])} segments cut off")
        if loss["services_lost"]:
            parts.append(f"{loss['services_lost']:,} services without an instance")
        if loss["databases_lost"]:
            parts.append(f"{loss['databases_lost']:,} services without their database's primary")
        typer.echo(f"  {loss['what']} {loss['name']}: {'; '.join(parts)}")
    if len(found["harmful"]) > 2 * _SHOWN:
        typer.echo(f"  and {len(found['harmful']) - 2 * _SHOWN:,} more (--json has all)")
