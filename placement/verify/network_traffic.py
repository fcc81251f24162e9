"""Who talks to whom in a plan: the flows of every type of traffic, from assignments, nodes, databases and caches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.plan.types import Plan
from placement.units import FloatArray, IntArray, exact
from placement.verify import names
from placement.verify.facts import FleetFacts
from placement.verify.network_flows import Flows, Streams, at_edge_is_service, equal_shares, rows
from placement.verify.view import PlanView, row_numbers

_OWN = ("client", "postgres", "valkey", "mtls", "heartbeat", "telemetry")
_NEEDED_BY = {"postgres": "needs_postgres", "valkey": "needs_valkey"}


@dataclass(frozen=True)
class _Speakers:
    """Instances as ends: a row per instance that stands somewhere, or per service where services are not planned.

    Parameters
    ----------
    service_idx, end
        int64[num_rows].
    number
        float64[num_rows]: instances that the row stands for.
    """

    service_idx: IntArray
    end: IntArray
    number: FloatArray


@dataclass(frozen=True)
class _Nodes:
    """Nodes as ends: workload and shard as text, kind, role, and int64[num_nodes] ends (-1: on no host)."""

    frame: pl.DataFrame

    def of(self, kind: str, role: str | None = None) -> pl.DataFrame:
        """Return the nodes of a kind, and of a role, that stand somewhere."""
        chosen = self.frame.filter((pl.col("kind") == kind) & (pl.col("end") >= 0))
        return chosen if role is None else chosen.filter(role=role)


class _Traffic:
    """Adds up the flows of one plan."""

    def __init__(self, plan: PlanView, facts: FleetFacts, regions: Sequence[str]) -> None:
        self.facts = facts
        self.tables: Plan = plan.plan
        self.streams = Streams()
        self.num_regions = len(regions)
        self.edge = plan.num_hosts + np.arange(self.num_regions)
        codes = {region: at for at, region in enumerate(regions)}
        self.codes = codes
        names_of_regions = facts.fleet.services["region"].to_list()
        self.region_idx = np.array([codes[name] for name in names_of_regions], dtype=np.int64)
        self.share = _type_shares(facts)
        self.speakers = self._speakers(plan)
        nodes = plan.plan.nodes
        self.nodes = _Nodes(
            nodes.select("workload", "kind", "role", "shard", "region").with_columns(end=pl.Series(plan.node_host_idx))
        )

    def _speakers(self, plan: PlanView) -> _Speakers:
        if "services" in self.facts.pools:
            known = np.flatnonzero((plan.service_idx >= 0) & (plan.host_idx >= 0))
            return _Speakers(plan.service_idx[known], plan.host_idx[known], np.ones(len(known)))
        every = np.arange(len(self.facts.instances))
        return _Speakers(every, self.edge[self.region_idx], self.facts.instances.astype(np.float64))

    def back(self, kind: str) -> float:
        """Return what flows back of a type."""
        end = self.facts.fleet.policy.demand
        return float(exact(self.facts.fleet.model.network.traffic[kind].reverse_share.at(end)))

    def said(self, kind: str) -> FloatArray:
        """Return what each row of speakers sends of a type, kbit/s."""
        return self.share[kind][self.speakers.service_idx] * self.speakers.number

    def by_region(self) -> IntArray:
        """Return the region of each row of speakers."""
        return self.region_idx[self.speakers.service_idx]

    def add_regional(self) -> None:
        """Add what goes to the region: clients, other services, registry and collectors."""
        regions, ends = self.by_region(), self.speakers.end
        sent = self.said("client")
        total = np.bincount(regions, weights=sent, minlength=self.num_regions)
        clients = rows(np.arange(self.num_regions), self.edge, total)
        part = sent / np.maximum(total, 1e-300)[regions]
        self.streams.add("client", clients, rows(regions, ends, part), self.edge, back=self.back("client"))
        numbers = rows(regions, ends, self.speakers.number)
        everyone = numbers.with_columns(pl.col("value") / pl.col("value").sum().over("group"))
        self.streams.add("mtls", rows(regions, ends, self.said("mtls")), everyone, self.edge, back=self.back("mtls"))
        for kind, node in (("heartbeat", "registry"), ("telemetry", "collector")):
            there = self.nodes.of(node)
            region = np.array([self.codes.get(name, -1) for name in there["region"].to_list()], dtype=np.int64)
            sinks = equal_shares(region, there["end"].to_numpy())
            self.streams.add(kind, rows(regions, ends, self.said(kind)), sinks, self.edge, back=self.back(kind))

    def _clients_of(self, table: pl.DataFrame, kind: str) -> tuple[pl.DataFrame, pl.Series, IntArray]:
        """Return what goes to the clusters of a table: sources, names of clusters, and the edges beyond them.

        Services without a cluster get one of no name in each region.
        """
        clusters = table["cluster"].unique().sort()
        of_service = row_numbers(self.facts.fleet.services["service"], table["service"])
        cluster = of_service
        if table.height:
            cluster = np.where(of_service >= 0, row_numbers(table["cluster"], clusters)[of_service], -1)
        group = np.where(cluster >= 0, cluster, len(clusters) + self.region_idx)
        beyond = np.concatenate([np.full(len(clusters), self.edge[0]), self.edge])
        beyond[group] = self.edge[self.region_idx]
        sources = rows(group[self.speakers.service_idx], self.speakers.end, self.said(kind))
        return sources.filter(pl.col("value") > 0), clusters, beyond

    def add_postgres(self) -> None:
        """Add what goes to databases, through PgBouncers where a cluster has some, and on to replicas."""
        sources, clusters, beyond = self._clients_of(self.tables.databases, "postgres")
        back = self.back("postgres")
        primaries = self._sinks(self.nodes.of("postgres", "primary"), clusters)
        by_pgbouncer = pl.Series([names.workload("pgbouncer", name) for name in clusters], dtype=pl.String)
        pgbouncers = self._sinks(self.nodes.of("pgbouncer"), by_pgbouncer)
        pooled = pgbouncers.select("group").unique()
        through = sources.join(pooled, on="group", how="semi")
        self.streams.add(
            "postgres", sources.join(pooled, on="group", how="anti"), primaries, beyond, back=back, is_database=True
        )
        self.streams.add("postgres", through, pgbouncers, beyond, back=back, is_database=True)
        onward = self._onward(through, pgbouncers)
        self.streams.add("postgres", onward, primaries, beyond, back=back, is_database=True, is_relay=True)
        self._add_replication("postgres", sources, clusters, beyond, is_database=True)

    @staticmethod
    def _onward(through: pl.DataFrame, pgbouncers: pl.DataFrame) -> pl.DataFrame:
        """Return what PgBouncers send on of what they get: sources."""
        total = through.group_by("group").agg(total=pl.col("value").sum())
        hop = total.join(pgbouncers, on="group")
        return rows(hop["group"].to_numpy(), hop["end"].to_numpy(), (hop["value"] * hop["total"]).to_numpy())

    def add_valkey(self) -> None:
        """Add what goes to caches, and on to replicas."""
        sources, clusters, beyond = self._clients_of(self.tables.caches, "valkey")
        primaries = self._sinks(self.nodes.of("valkey", "primary"), clusters)
        self.streams.add("valkey", sources, primaries, beyond, back=self.back("valkey"))
        self._add_replication("valkey", sources, clusters, beyond, is_database=False)

    @staticmethod
    def _sinks(nodes: pl.DataFrame, clusters: pl.Series) -> pl.DataFrame:
        return equal_shares(row_numbers(nodes["workload"], clusters), nodes["end"].to_numpy())

    def _add_replication(
        self, kind: str, sources: pl.DataFrame, clusters: pl.Series, beyond: IntArray, is_database: bool
    ) -> None:
        """Add what primaries send to the replicas of their shard: a group per cluster and shard."""
        end = self.facts.fleet.policy.demand
        share = float(exact(self.facts.fleet.model.network.replication.share.at(end)))
        arriving = np.bincount(sources["group"].to_numpy(), weights=sources["value"].to_numpy(), minlength=len(beyond))
        leaders, followers = self.nodes.of(kind, "primary"), self.nodes.of(kind, "replica")
        leaders, followers = (
            nodes.with_columns(group=pl.Series(row_numbers(nodes["workload"], clusters))).filter(pl.col("group") >= 0)
            for nodes in (leaders, followers)
        )
        leaders = leaders.with_columns(primaries=pl.len().over("group"))
        copies = followers.group_by("group", "shard").agg(copies=pl.len()).sort("group", "shard").with_row_index("at")
        if not copies.height:
            return
        led = leaders.join(copies, on=["group", "shard"], how="inner")
        kbps = share * arriving[led["group"].to_numpy()] / led["primaries"].to_numpy() * led["copies"].to_numpy()
        at = followers.join(copies, on=["group", "shard"], how="inner", maintain_order="left")
        self.streams.add(
            "replication",
            rows(led["at"].cast(pl.Int64).to_numpy(), led["end"].to_numpy(), kbps),
            equal_shares(at["at"].cast(pl.Int64).to_numpy(), at["end"].to_numpy()),
            beyond[copies["group"].to_numpy()],
            is_database=is_database,
        )

    def add_calls(self) -> None:
        """Add what services send to each other beside."""
        calls = self.facts.fleet.calls
        if not calls.height:
            return
        if "services" not in self.facts.pools:
            self._add_calls_beyond(calls)
            return
        instances = pl.DataFrame({"service": self.speakers.service_idx, "end": self.speakers.end})
        counted = instances.group_by("service", "end").agg(n=pl.len())
        counted = counted.with_columns(share=pl.col("n") / pl.col("n").sum().over("service"))
        rows_of = calls.select(
            group=pl.int_range(pl.len(), dtype=pl.Int64), here=pl.col("from").cast(pl.Int64),
            there=pl.col("to").cast(pl.Int64), kbps="kbps",
        )  # fmt: skip
        sources = rows_of.join(counted, left_on="here", right_on="service")
        sinks = rows_of.join(counted, left_on="there", right_on="service")
        beyond = self.edge[self.region_idx[rows_of["there"].to_numpy()]]
        self.streams.add(
            "calls",
            rows(
                sources["group"].to_numpy(), sources["end"].to_numpy(), (sources["kbps"] * sources["share"]).to_numpy()
            ),
            rows(sinks["group"].to_numpy(), sinks["end"].to_numpy(), sinks["share"].to_numpy()),
            beyond,
        )

    def _add_calls_beyond(self, calls: pl.DataFrame) -> None:
        """Add calls between services that are both beyond the edge: they count, and use no link of any region."""
        groups = np.arange(calls.height)
        ends = self.edge[self.region_idx[calls["from"].to_numpy()]]
        self.streams.add("calls", rows(groups, ends, calls["kbps"].to_numpy()), equal_shares(groups, ends), ends)


def plan_flows(plan: PlanView, facts: FleetFacts, regions: Sequence[str]) -> Flows:
    """Return all traffic of a plan.

    Parameters
    ----------
    plan, facts
        Plan and fleet.
    regions
        Names of all regions; the edge of the r-th is the end `plan.num_hosts` + r.
    """
    traffic = _Traffic(plan, facts, regions)
    traffic.add_regional()
    traffic.add_postgres()
    traffic.add_valkey()
    traffic.add_calls()
    return at_edge_is_service(traffic.streams.flows(), plan.num_hosts)


def _type_shares(facts: FleetFacts) -> dict[str, FloatArray]:
    """Return what one instance of each service sends of each type, kbit/s: float64[num_services] by type.

    It is the service's share of its network demand, by the guide's bandwidths of the types that it uses.
    """
    services, end = facts.fleet.services, facts.fleet.policy.demand
    model = facts.fleet.model.network.traffic
    weight = {}
    for kind in _OWN:
        uses = services[_NEEDED_BY[kind]].to_numpy() if kind in _NEEDED_BY else np.ones(services.height, dtype=np.bool_)
        weight[kind] = float(exact(model[kind].bandwidth_mbps.at(end))) * uses
    total = np.sum(list(weight.values()), axis=0)
    own = facts.own_network_kbps.astype(np.float64)
    shares = {kind: own * weight[kind] / np.where(total > 0, total, 1.0) for kind in _OWN}
    shares["client"] = np.where(total > 0, shares["client"], own)
    return shares
