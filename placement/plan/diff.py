"""What changes from one state to another: hosts, instances, nodes, databases, caches, cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from placement.plan.moves import moves_between
from placement.plan.state import State

KINDS = ("hosts", "services", "databases", "caches", "platform", "clusters")
"""Parts of a difference that can be looked at alone."""

RISKS: dict[str, str] = {
    "primary": "a primary of a database or cache",
    "sole": "the only instance of a service",
    "all": "all instances of a service move",
    "usual": "others go on meanwhile",
}
"""How risky a move is, the riskiest first."""

_HOST_COLUMNS = ("size", "pool", "region", "zone", "segment", "nic", "spare", "price_per_hour")


@dataclass(frozen=True)
class Diff:
    """What changes.

    Parameters
    ----------
    hosts
        Columns host, change (``added``, ``removed``, ``changed``), what (words), old_size, new_size, pool.
    moves
        Columns of `placement.plan.moves.MOVES_SCHEMA`, and change (``move``, ``start``, ``stop``), kind, domain, risk,
        from_size, to_size.
    clusters
        Columns service, what (``database``, ``cache``), old, new: who uses another server.
    roles
        Columns service, kind, host, old, new: nodes that stay and become primary or replica.
    cost
        ``old`` and ``new``, each with per_hour (used hosts) and total_per_hour; empty where prices are not known.
    notes
        What could not be compared, in words.
    """

    hosts: pl.DataFrame
    moves: pl.DataFrame
    clusters: pl.DataFrame
    roles: pl.DataFrame
    cost: dict[str, dict[str, float]]
    currency: str
    notes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return all(frame.is_empty() for frame in (self.hosts, self.moves, self.clusters, self.roles))

    def only(self, kinds: tuple[str, ...]) -> Diff:
        """Return the difference in some of `KINDS` alone; cost is always that of everything."""
        none = pl.lit(False)
        pools = [kind for kind in kinds if kind in ("services", "databases", "caches", "platform")]
        return Diff(
            self.hosts if "hosts" in kinds else self.hosts.filter(none),
            self.moves.filter(pl.col("pool").is_in(pools)),
            self.clusters if "clusters" in kinds else self.clusters.filter(none),
            self.roles.filter(pl.lit(bool({"databases", "caches"} & set(kinds)))),
            self.cost,
            self.currency,
            self.notes,
        )

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON-ready data."""

        def counted(frame: pl.DataFrame, *columns: str) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for *names, number in frame.group_by(columns).len().sort(columns).iter_rows():
                here = found
                for name in names[:-1]:
                    here = here.setdefault(str(name), {})
                here[str(names[-1])] = number
            return found

        moved = self.moves.filter(pl.col("change") == "move")
        risks = counted(moved, "risk")
        sizes = moved.with_columns(pl.format("{} -> {}", "from_size", "to_size").alias("sizes"))
        return {
            "cost": self.cost | {"currency": self.currency},
            "hosts": counted(self.hosts, "change"),
            "hosts_by_size": {
                "added": counted(self.hosts.filter(pl.col("change") == "added"), "new_size"),
                "removed": counted(self.hosts.filter(pl.col("change") == "removed"), "old_size"),
            },
            "moves": counted(self.moves, "change"),
            "by_kind": counted(self.moves, "kind", "change"),
            "by_domain": counted(moved.filter(pl.col("domain") != ""), "domain"),
            "by_size": counted(sizes, "sizes"),
            "by_risk": {risk: risks[risk] for risk in RISKS if risk in risks},
            "clusters": counted(self.clusters, "what"),
            "roles": self.roles.height,
            "notes": list(self.notes),
        }


def diff_states(old: State, new: State, domains: pl.DataFrame | None = None) -> Diff:
    """Return what changes from `old` to `new`.

    Parameters
    ----------
    domains
        Columns service and domain, where they are known.
    """
    notes: list[str] = []
    known = _pools_in_both(old, new, notes)
    old_runs, new_runs = (state.runs.filter(pl.col("pool").is_in(known)) for state in (old, new))
    places = pl.concat([state.hosts.select("host", "zone", "segment") for state in (old, new)])
    moves = _described(moves_between(old_runs, new_runs, places), old, new, old_runs, domains)
    notes += [f"{state.name} knows no prices of hosts" for state in (old, new) if not state.is_priced]
    notes += [f"{state.name} knows no hosts without anything on them" for state in (old, new) if not state.lists_idle]
    clusters = [
        _cluster_changes(what, before, after)
        for what, before, after in (
            ("database", old.databases, new.databases),
            ("cache", old.caches, new.caches),
        )
        if before is not None and after is not None
    ]
    return Diff(
        hosts=_host_changes(old, new, known),
        moves=moves,
        clusters=pl.concat([pl.DataFrame(schema=_CLUSTERS), *clusters]),
        roles=_role_changes(old, new),
        cost={
            name: {"per_hour": state.cost_per_hour, "total_per_hour": state.total_per_hour} if state.is_priced else {}
            for name, state in (("old", old), ("new", new))
        },
        currency=new.currency or old.currency,
        notes=tuple(notes),
    )


_CLUSTERS: dict[str, pl.DataType] = dict.fromkeys(("service", "what", "old", "new"), pl.String())


def _pools_in_both(old: State, new: State, notes: list[str]) -> list[str]:
    """Return the pools to compare: what one state does not know at all is no change."""
    pools = [set(state.runs["pool"].unique()) for state in (old, new)]
    known = pools[0] & pools[1]
    for pool in sorted(pools[0] ^ pools[1]):
        state = old if pool in pools[1] else new
        if pool == "services" or not (old.is_live or new.is_live):
            known.add(pool)
        else:
            notes.append(f"{state.name} says nothing of pool {pool}: not compared")
    return sorted(known)


def _host_changes(old: State, new: State, pools: list[str]) -> pl.DataFrame:
    columns = ["host", *_HOST_COLUMNS]
    here = pl.col("pool").is_in(pools)
    before, after = (state.hosts.select(columns) for state in (old, new))
    added = after.filter(here).join(before, on="host", how="anti")
    removed = before.filter(here).join(after, on="host", how="anti")
    if not old.lists_idle:
        added = added.filter(~pl.col("spare"))
    if not new.lists_idle:
        removed = removed.filter(~pl.col("spare"))
    both = before.join(after, on="host", suffix="_new").filter(here)
    # nobody says of a running fleet which hosts stand by: those on which nothing runs do
    compared = [name for name in _HOST_COLUMNS if name != "spare" or not (old.is_live or new.is_live)]
    if not (old.is_priced and new.is_priced):
        compared.remove("price_per_hour")
    # nor does a fleet say a host's segment or NIC where it names none: a plan assumes one
    is_said = {name: (pl.col(name) != "") & (pl.col(f"{name}_new") != "") for name in ("segment", "nic")}
    words = [
        pl.when(
            (pl.col(name) != pl.col(f"{name}_new"))
            & is_said.get(name, pl.lit(True))
            & (pl.lit(old.is_priced) | (pl.col(name).cast(pl.String) != ""))
            & (pl.lit(new.is_priced) | (pl.col(f"{name}_new").cast(pl.String) != ""))
        ).then(pl.format(f"{name} {{}} -> {{}}", pl.col(name).cast(pl.String), pl.col(f"{name}_new").cast(pl.String)))
        for name in compared
    ]
    changed = both.with_columns(pl.concat_str(words, separator=", ", ignore_nulls=True).alias("what")).filter(
        pl.col("what") != ""
    )
    nothing = pl.lit("").alias
    return pl.concat(
        [
            added.select("host", pl.lit("added").alias("change"), nothing("what"), nothing("old_size"),
                         pl.col("size").alias("new_size"), "pool"),
            removed.select("host", pl.lit("removed").alias("change"), nothing("what"),
                           pl.col("size").alias("old_size"), nothing("new_size"), "pool"),
            changed.select("host", pl.lit("changed").alias("change"), "what", pl.col("size").alias("old_size"),
                           pl.col("size_new").alias("new_size"), pl.col("pool_new").alias("pool")),
        ]
    ).sort("change", "host")  # fmt: skip


def _described(
    moves: pl.DataFrame,
    old: State,
    new: State,
    old_runs: pl.DataFrame,
    domains: pl.DataFrame | None,
) -> pl.DataFrame:
    """Add to each move what kind it is of, its domain, how risky it is and the sizes of its hosts."""
    kinds = pl.concat([new.nodes, old.nodes]).select("service", "kind").unique("service", keep="first")
    primary = (
        old.nodes.filter(pl.col("role") == "primary").select("service", pl.col("host").alias("from")).unique()
    ).with_columns(pl.lit(True).alias("is_primary"))
    counts = old_runs.group_by("pool", "service").agg(pl.len().alias("num_old"))
    leaving = moves.filter(pl.col("from") != "").group_by("pool", "service").agg(pl.len().alias("num_leaving"))
    sizes = [
        state.hosts.select(pl.col("host").alias(end), pl.col("size").alias(f"{end}_size"))
        for state, end in ((old, "from"), (new, "to"))
    ]
    named = domains if domains is not None else pl.DataFrame(schema={"service": pl.String(), "domain": pl.String()})
    table = (
        moves.join(kinds, on="service", how="left")
        .join(named.select("service", "domain"), on="service", how="left")
        .join(primary, on=["service", "from"], how="left")
        .join(counts, on=["pool", "service"], how="left")
        .join(leaving, on=["pool", "service"], how="left")
        .join(sizes[0], on="from", how="left")
        .join(sizes[1], on="to", how="left")
    )
    is_service = pl.col("pool") == "services"
    return table.select(
        *moves.columns,
        pl.when(pl.col("from") == "").then(pl.lit("start")).when(pl.col("to") == "").then(pl.lit("stop"))
        .otherwise(pl.lit("move")).alias("change"),
        pl.when(is_service).then(pl.lit("service")).otherwise(pl.col("kind").fill_null(pl.col("pool"))).alias("kind"),
        pl.when(is_service).then(pl.col("domain").fill_null("")).otherwise(pl.lit("")).alias("domain"),
        pl.when(pl.col("is_primary").fill_null(False)).then(pl.lit("primary"))
        .when(pl.col("num_old") == 1).then(pl.lit("sole"))
        .when(pl.col("num_leaving") >= pl.col("num_old")).then(pl.lit("all"))
        .otherwise(pl.lit("usual")).alias("risk"),
        pl.col("from_size", "to_size").fill_null(""),
    ).sort("pool", "service", "instance", "from", "to")  # fmt: skip


def _cluster_changes(what: str, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    both = old.join(new, on="service", how="full", suffix="_new", coalesce=True)
    return (
        both.with_columns(pl.col("cluster", "cluster_new").fill_null(""))
        .filter(pl.col("cluster") != pl.col("cluster_new"))
        .select(
            "service", pl.lit(what).alias("what"), pl.col("cluster").alias("old"), pl.col("cluster_new").alias("new")
        )
        .sort("service")
    )


def _role_changes(old: State, new: State) -> pl.DataFrame:
    """Return nodes of workloads on the same host in both whose role differs, where each has one node there."""

    def alone(nodes: pl.DataFrame) -> pl.DataFrame:
        return nodes.filter(pl.len().over("service", "host") == 1).select("service", "kind", "host", "role")

    both = alone(old.nodes).join(alone(new.nodes), on=["service", "host"], suffix="_new")
    return (
        both.filter(pl.col("role") != pl.col("role_new"))
        .select("service", "kind", "host", pl.col("role").alias("old"), pl.col("role_new").alias("new"))
        .sort("service", "host")
    )
