"""A plan's traffic as flows of rank one: in each group every source sends to every target by the target's share.

An end is a host of the plan or, after those, the edge of a region. Nothing here is an object per instance: a flow is
arrays of ends and amounts, whatever the number of services.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from placement.capacity.invariants import TRAFFIC_TYPES
from placement.datatier.names import MAX_WORKLOAD, cut_all
from placement.fleet.types import Fleet
from placement.instance import called_kbps, resolved_demands
from placement.plan.types import Plan
from placement.units import FloatArray, IntArray, exact

NETWORK = 5
"""Number of the network among `units.RESOURCES`."""


@dataclass(frozen=True)
class Flow:
    """Flows of one type.

    Parameters
    ----------
    type
        ``client``, ``postgres``, …, ``replication`` or ``calls``.
    is_database
        Whether it may use the database network.
    forward, reverse
        Factors of what the sources send and of what comes back to them.
    source_start, target_start
        int64[num_groups + 1]: each group's sources and targets.
    source_host, target_host
        int64: ends.
    source_service
        int64[num_sources]: row of the service that sends, −1: none does (a node sends).
    source_kbps
        float64[num_sources].
    target_share
        float64[num_targets]: part of what the group sends; they add up to 1 in each group.
    """

    type: str
    is_database: bool
    forward: float
    reverse: float
    source_start: IntArray
    source_host: IntArray
    source_service: IntArray
    source_kbps: FloatArray
    target_start: IntArray
    target_host: IntArray
    target_share: FloatArray

    @property
    def total_kbps(self) -> float:
        """All that the sources send."""
        return float(self.source_kbps.sum())


@dataclass(frozen=True)
class Traffic:
    """All flows of a plan.

    Parameters
    ----------
    forward_kbps
        What flows forward by type, wherever it goes; legs from PgBouncers to primaries do not count again.
    """

    num_hosts: int
    num_regions: int
    flows: tuple[Flow, ...]
    forward_kbps: dict[str, float]


@dataclass(frozen=True)
class _Senders:
    """Instances (or services beyond an edge): what each is of, where it stands, for how many it stands."""

    service: IntArray
    end: IntArray
    number: FloatArray


def plan_traffic(plan: Plan, fleet: Fleet, regions: tuple[str, ...]) -> Traffic:
    """Return the traffic of a plan.

    Parameters
    ----------
    regions
        Names of the regions, sorted; their edges are the ends after the hosts.
    """
    return _Maker(plan, fleet, regions).traffic()


class _Maker:
    """Makes the flows of a plan, one type after the other."""

    def __init__(self, plan: Plan, fleet: Fleet, regions: tuple[str, ...]) -> None:
        self.plan = plan
        self.fleet = fleet
        self.num_hosts = len(plan.hosts)
        self.regions = regions
        self.host_row = pl.DataFrame({"host": plan.hosts["host"], "end": np.arange(self.num_hosts, dtype=np.int64)})
        region_number = {region: n for n, region in enumerate(regions)}
        self.service_region = (
            fleet.services["region"].replace_strict(region_number, default=0, return_dtype=pl.Int64).to_numpy()
        )
        self.senders = self._senders()
        self.nodes = plan.nodes.join(self.host_row, on="host", how="left", maintain_order="left")
        self.kbps = self._by_type()
        self.share = float(exact(fleet.model.network.replication.share.typical))
        self.flows: list[Flow] = []
        self.forward = dict.fromkeys((*TRAFFIC_TYPES, "replication", "calls"), 0.0)

    def traffic(self) -> Traffic:
        """Return all flows."""
        self._clients()
        self._databases()
        self._caches()
        self._each_other()
        self._platform("heartbeat", "registry")
        self._platform("telemetry", "collector")
        self._calls()
        return Traffic(self.num_hosts, len(self.regions), tuple(self.flows), self.forward)

    def _senders(self) -> _Senders:
        services = self.fleet.services
        if "services" not in self.fleet.policy.pools:
            rows = np.arange(len(services), dtype=np.int64)
            ends = self.num_hosts + self.service_region
            return _Senders(rows, ends, services["instances"].to_numpy().astype(np.float64))
        numbers = pl.DataFrame({"service": services["service"], "number": np.arange(len(services), dtype=np.int64)})
        placed = self.plan.assignments.join(numbers, on="service", how="left", maintain_order="left").join(
            self.host_row, on="host", how="left", maintain_order="left"
        )
        service = placed["number"].to_numpy().astype(np.int64)
        return _Senders(service, placed["end"].to_numpy().astype(np.int64), np.ones(len(service)))

    def _by_type(self) -> dict[str, FloatArray]:
        """Return what one instance of each service sends forward of each type: float64[num_services], kbit/s."""
        fleet = self.fleet
        services = fleet.services
        own = (resolved_demands(fleet)[:, NETWORK] - called_kbps(fleet)).astype(np.float64)
        uses = {"postgres": services["needs_postgres"].to_numpy(), "valkey": services["needs_valkey"].to_numpy()}
        width = {
            name: exact(fleet.model.network.traffic[name].bandwidth_mbps.at(fleet.policy.demand))
            for name in TRAFFIC_TYPES
        }
        always = sum(width[name] for name in TRAFFIC_TYPES if name not in uses)
        parts: dict[str, FloatArray] = {name: np.zeros(len(services)) for name in TRAFFIC_TYPES}
        for with_postgres in (False, True):
            for with_valkey in (False, True):
                here = (uses["postgres"] == with_postgres) & (uses["valkey"] == with_valkey)
                total = always + with_postgres * width["postgres"] + with_valkey * width["valkey"]
                for name in TRAFFIC_TYPES:
                    if (name == "postgres" and not with_postgres) or (name == "valkey" and not with_valkey):
                        continue
                    share = float(width[name] / total) if total else float(name == "client")
                    parts[name][here] = own[here] * share
        return parts

    def _reverse(self, name: str) -> float:
        return float(exact(self.fleet.model.network.traffic[name].reverse_share.at(self.fleet.policy.demand)))

    def _sent(self, name: str) -> FloatArray:
        """Return what each sender sends forward of a type: float64[num_senders]."""
        return self.kbps[name][self.senders.service] * self.senders.number

    def _edge(self, rows: IntArray) -> IntArray:
        return self.num_hosts + self.service_region[self.senders.service[rows]]

    def _add(
        self,
        name: str,
        factors: tuple[float, float],
        sources: tuple[IntArray, IntArray, IntArray, FloatArray],
        targets: tuple[IntArray, IntArray, FloatArray],
        *,
        is_database: bool = False,
    ) -> None:
        """Add flows: sources (group, end, service, kbps), targets (group, end, share), groups numbered from 0."""
        source_group, source_end, service, kbps = sources
        target_group, target_end, share = targets
        if not len(source_group) or not kbps.any():
            return
        # only groups that send take up space
        used = np.unique(source_group)
        number = np.full(int(max(used.max(), target_group.max(initial=0))) + 1, -1, np.int64)
        number[used] = np.arange(len(used))
        kept = number[target_group] >= 0
        target_group, target_end, share = number[target_group[kept]], target_end[kept], share[kept]
        source_group = number[source_group]
        by_source = np.argsort(source_group, kind="stable")
        by_target = np.argsort(target_group, kind="stable")
        self.flows.append(
            Flow(
                name,
                is_database,
                *factors,
                _starts(source_group, len(used)),
                source_end[by_source],
                service[by_source],
                kbps[by_source],
                _starts(target_group, len(used)),
                target_end[by_target],
                share[by_target],
            )
        )

    def _to_edge(self, name: str, rows: IntArray, factors: tuple[float, float]) -> None:
        """Add what these senders exchange with what stands beyond the edge of their region."""
        region = self.service_region[self.senders.service[rows]]
        groups = np.unique(region)
        targets = (groups, self.num_hosts + groups, np.ones(len(groups)))
        sent = self._sent(name)[rows]
        self._add(name, factors, (region, self.senders.end[rows], self.senders.service[rows], sent), targets)

    def _clients(self) -> None:
        rows = np.arange(len(self.senders.service))
        # clients send, instances answer: seen from the instances it is the other way round
        self._to_edge("client", rows, (self._reverse("client"), 1.0))
        self.forward["client"] = float(self._sent("client").sum())

    def _databases(self) -> None:
        name, reverse = "postgres", self._reverse("postgres")
        sent = self._sent(name)
        self.forward[name] = float(sent.sum())
        clusters = self.plan.databases["cluster"].unique().sort()
        group = self._groups(self.plan.databases, clusters)
        self._to_edge(name, np.flatnonzero((group < 0) & (sent > 0)), (1.0, reverse))
        rows = np.flatnonzero(group >= 0)
        nodes = _with_number(self.nodes.filter(pl.col("kind") == "postgres"), clusters, "workload")
        primary = nodes.filter(pl.col("role") == "primary")
        primary_of = np.full(len(clusters), -1, np.int64)
        primary_of[primary["number"].to_numpy()] = primary["end"].to_numpy()
        arriving: FloatArray = np.bincount(group[rows], sent[rows], minlength=len(clusters)).astype(np.float64)
        # PgBouncers carry the name of their cluster in the name of their workload
        bouncers = self.nodes.filter(pl.col("kind") == "pgbouncer")
        behind = pl.DataFrame({"workload": _bouncer_names(clusters), "cluster": clusters})
        bouncers = _with_number(
            bouncers.join(behind, on="workload", how="inner", maintain_order="left"), clusters, "cluster"
        )
        bouncer_group = bouncers["number"].to_numpy().astype(np.int64)
        num_bouncers = np.bincount(bouncer_group, minlength=len(clusters))
        pooled = num_bouncers[group[rows]] > 0
        service = self.senders.service
        is_database = "services" in self.fleet.policy.pools
        for here, target_group, target_end in (
            (rows[~pooled], np.arange(len(clusters)), primary_of),
            (rows[pooled], bouncer_group, bouncers["end"].to_numpy().astype(np.int64)),
        ):
            share = 1.0 / np.maximum(np.bincount(target_group, minlength=len(clusters)), 1)[target_group]
            sources = (group[here], self.senders.end[here], service[here], sent[here])
            self._add(name, (1.0, reverse), sources, (target_group, target_end, share), is_database=is_database)
        passed_on = arriving[bouncer_group] / np.maximum(num_bouncers, 1)[bouncer_group]
        none = np.full(len(bouncer_group), -1, np.int64)
        sources = (bouncer_group, bouncers["end"].to_numpy().astype(np.int64), none, passed_on)
        targets = (np.arange(len(clusters)), primary_of, np.ones(len(clusters)))
        self._add(name, (1.0, reverse), sources, targets, is_database=True)
        self._replicate(nodes.filter(pl.col("role") == "replica"), primary_of, arriving, is_database=True)

    def _caches(self) -> None:
        name = "valkey"
        sent = self._sent(name)
        self.forward[name] = float(sent.sum())
        clusters = self.plan.caches["cluster"].unique().sort()
        group = self._groups(self.plan.caches, clusters)
        factors = (1.0, self._reverse(name))
        self._to_edge(name, np.flatnonzero((group < 0) & (sent > 0)), factors)
        rows = np.flatnonzero(group >= 0)
        nodes = _with_number(self.nodes.filter(pl.col("kind") == "valkey"), clusters, "workload")
        primary = nodes.filter(pl.col("role") == "primary")
        target = primary["number"].to_numpy().astype(np.int64)
        num_primaries = np.bincount(target, minlength=len(clusters))
        share = 1.0 / np.maximum(num_primaries, 1)[target]
        ends = primary["end"].to_numpy().astype(np.int64)
        sources = (group[rows], self.senders.end[rows], self.senders.service[rows], sent[rows])
        self._add(name, factors, sources, (target, ends, share))
        arriving: FloatArray = np.bincount(group[rows], sent[rows], minlength=len(clusters)).astype(np.float64)
        shards = primary.select("workload", "shard").with_row_index("shard_number").cast({"shard_number": pl.Int64})
        replicas = nodes.filter(pl.col("role") == "replica").drop("number")
        replicas = replicas.join(shards, on=("workload", "shard"), how="inner", maintain_order="left")
        replicas = replicas.rename({"shard_number": "number"})
        self._replicate(replicas, ends, arriving[target] * share, is_database=False)

    def _replicate(self, replicas: pl.DataFrame, primary: IntArray, arriving: FloatArray, *, is_database: bool) -> None:
        """Add what primaries send to their replicas.

        Parameters
        ----------
        replicas
            Columns `end`, and `number` into `primary` and `arriving`.
        """
        group = replicas["number"].to_numpy().astype(np.int64)
        number = np.bincount(group, minlength=len(primary))
        sends = arriving * number * self.share
        senders = np.flatnonzero(number)
        none = np.full(len(senders), -1, np.int64)
        targets = (group, replicas["end"].to_numpy().astype(np.int64), 1.0 / np.maximum(number, 1)[group])
        sources = (senders, primary[senders], none, sends[senders])
        self._add("replication", (1.0, 0.0), sources, targets, is_database=is_database)
        self.forward["replication"] += float(sends.sum())

    def _each_other(self) -> None:
        senders, sent = self.senders, self._sent("mtls")
        self.forward["mtls"] = float(sent.sum())
        region = self.service_region[senders.service]
        share = senders.number / np.bincount(region, senders.number)[region]
        sources = (region, senders.end, senders.service, sent)
        self._add("mtls", (1.0, self._reverse("mtls")), sources, (region, senders.end, share))

    def _platform(self, name: str, kind: str) -> None:
        sent = self._sent(name)
        self.forward[name] = float(sent.sum())
        number = {region: n for n, region in enumerate(self.regions)}
        nodes = self.nodes.filter(pl.col("kind") == kind)
        group = nodes["region"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
        per_region = np.bincount(group, minlength=len(self.regions))
        region = self.service_region[self.senders.service]
        here = per_region[region] > 0
        factors = (1.0, self._reverse(name))
        self._to_edge(name, np.flatnonzero(~here), factors)
        rows = np.flatnonzero(here)
        sources = (region[rows], self.senders.end[rows], self.senders.service[rows], sent[rows])
        ends = nodes["end"].to_numpy().astype(np.int64)
        self._add(name, factors, sources, (group, ends, 1.0 / np.maximum(per_region, 1)[group]))

    def _calls(self) -> None:
        calls = self.fleet.calls
        self.forward["calls"] = float(calls["kbps"].sum())
        if not calls.height or "services" not in self.fleet.policy.pools:
            return
        order = np.argsort(self.senders.service, kind="stable")
        instances = self.fleet.services["instances"].to_numpy()
        first = np.searchsorted(self.senders.service[order], np.arange(len(instances) + 1))
        members = {}
        for end in ("from", "to"):
            service = calls[end].to_numpy()
            number = np.diff(first)[service]
            group = np.repeat(np.arange(len(service)), number)
            at = np.arange(len(group)) - np.repeat(np.cumsum(number) - number, number)
            members[end] = (group, order[np.repeat(first[service], number) + at], 1.0 / number[group])
        kbps = calls["kbps"].to_numpy().astype(np.float64)
        group, rows, part = members["from"]
        sources = (group, self.senders.end[rows], self.senders.service[rows], kbps[group] * part)
        group, rows, part = members["to"]
        self._add("calls", (1.0, 0.0), sources, (group, self.senders.end[rows], part))

    def _groups(self, table: pl.DataFrame, clusters: pl.Series) -> IntArray:
        """Return the cluster of each sender by databases.csv or caches.csv: int64[num_senders], −1: none."""
        numbers = pl.DataFrame({"cluster": clusters, "number": np.arange(len(clusters), dtype=np.int64)})
        used = table.select("service", "cluster").join(numbers, on="cluster", how="left")
        of_service = self.fleet.services.select("service").join(used, on="service", how="left", maintain_order="left")
        number = of_service["number"].fill_null(-1).to_numpy().astype(np.int64)
        return number[self.senders.service]


def _bouncer_names(clusters: pl.Series) -> pl.Series:
    return cut_all("pgbouncer-" + clusters, MAX_WORKLOAD, "-")


def _with_number(nodes: pl.DataFrame, clusters: pl.Series, column: str) -> pl.DataFrame:
    numbers = pl.DataFrame({column: clusters, "number": np.arange(len(clusters), dtype=np.int64)})
    return nodes.join(numbers, on=column, how="inner", maintain_order="left")


def _starts(group: IntArray, num_groups: int) -> IntArray:
    return np.concatenate(([0], np.cumsum(np.bincount(group, minlength=num_groups)))).astype(np.int64)


def flows_of(traffic: Traffic, *, is_database: bool) -> Iterator[Flow]:
    """Yield the flows that may use the database network, or those that may not."""
    yield from (flow for flow in traffic.flows if flow.is_database == is_database)
