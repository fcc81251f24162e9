"""Platform services: how many nodes of each a region has, what they must take, and their nodes as workloads.

By the number of services of the whole fleet: registries (InfraSoT) and the identity authority (SIA). By the volumes of
a region's services: OpenTelemetry collectors and the stores of logs, metrics and traces. By the clusters that have
them: PgBouncers. Figures are exact fractions until a number of nodes or an internal unit is rounded up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from placement.capacity.datatier_tables import NodeFootprint
from placement.capacity.figures import Figure
from placement.datatier.arrangement import row_by_scale
from placement.datatier.names import workload_name
from placement.datatier.node_price import node_demand
from placement.fleet.types import Fleet
from placement.plan.types import PlatformService
from placement.units import exact
from placement.workloads import WORKLOADS_SCHEMA

_SECONDS_PER_DAY = 86_400
_MINUTES_PER_DAY = 1_440
_MB_PER_GB = 1_000
_BYTES_PER_MB = 1_000_000

PGBOUNCERS_SCHEMA: dict[str, pl.DataType] = {
    "cluster": pl.String(),
    "region": pl.String(),
    "pgbouncers": pl.Int64(),
    "network_mbps_used": pl.Float64(),
}
"""What the databases' plan says of PgBouncers: how many are in front of each cluster, and the traffic to it."""


@dataclass(frozen=True)
class PlatformTier:
    """The platform services of a fleet.

    Parameters
    ----------
    workloads
        Frame with `placement.workloads.WORKLOADS_SCHEMA`, sorted by workload.
    services
        By kind and region, in the order registry, sia, collector, store, pgbouncer. All PgBouncers of a region are one
        entry; the others are called as their workloads are.
    """

    workloads: pl.DataFrame
    services: tuple[PlatformService, ...]


@dataclass(frozen=True)
class _Service:
    kind: str
    num_nodes: int
    max_per_host: int
    node: NodeFootprint
    measures: Mapping[str, Fraction]


def plan_platform(fleet: Fleet, pgbouncers: pl.DataFrame) -> PlatformTier:
    """Return the platform services of every region that has services.

    Parameters
    ----------
    pgbouncers
        With `PGBOUNCERS_SCHEMA`; clusters without PgBouncers may be missing, or have 0.
    """
    by_region = fleet.services.group_by("region").agg(pl.len(), pl.col("instances").sum()).sort("region")
    rows: list[tuple[object, ...]] = []
    services = []
    for region, num_services, num_instances in by_region.iter_rows():
        for service in _of_region(fleet, len(by_region), num_services, num_instances):
            if service.num_nodes:
                name = workload_name(f"{service.kind}-{region}")
                rows.append(_workload(fleet, name, region, service))
                services.append(_summary(name, region, service))
    present = pgbouncers.filter(pl.col("pgbouncers") > 0).sort("region", "cluster")
    for (region,), clusters in present.group_by("region", maintain_order=True):
        measures = {"clusters": Fraction(len(clusters))}
        number = int(clusters["pgbouncers"].sum())
        together = _Service("pgbouncer", number, 1, fleet.model.postgres.pgbouncer.node, measures)
        services.append(_summary("pgbouncer", str(region), together))
    order = ("registry", "sia", "collector", "store", "pgbouncer")
    services.sort(key=lambda service: (order.index(service.kind), service.region))
    workloads = pl.concat([_frame(rows), pgbouncer_workloads(fleet, pgbouncers)]).sort("workload")
    return PlatformTier(workloads, tuple(services))


def pgbouncer_workloads(fleet: Fleet, pgbouncers: pl.DataFrame) -> pl.DataFrame:
    """Return the PgBouncers of every cluster as a workload.

    Parameters
    ----------
    pgbouncers
        With the columns of `PGBOUNCERS_SCHEMA` at least.
    """
    node = fleet.model.postgres.pgbouncer.node
    present = pgbouncers.filter(pl.col("pgbouncers") > 0).sort("cluster").select(PGBOUNCERS_SCHEMA.keys())
    made = _frame(
        [
            _workload(fleet, workload_name(f"pgbouncer-{cluster}"), region, _Service("pgbouncer", number, 1, node, {}))
            for cluster, region, number, _ in present.iter_rows()
        ]
    )
    passing = pl.DataFrame(
        {
            "workload": [workload_name(f"pgbouncer-{cluster}") for cluster in present["cluster"]],
            "passing": [_passing_kbps(fleet, used, number) for _, _, number, used in present.iter_rows()],
        },
        schema={"workload": pl.String, "passing": pl.Int64},
    )
    return (
        made.join(passing, on="workload", how="left", maintain_order="left")
        .with_columns(pl.max_horizontal("network_kbps", "passing").alias("network_kbps"))
        .drop("passing")
    )


def _passing_kbps(fleet: Fleet, used_mbps: float, number: int) -> int:
    """Return what one of so many PgBouncers passes on in one direction: questions one way, answers the other way."""
    back = exact(fleet.model.network.traffic["postgres"].reverse_share.at(fleet.policy.demand))
    return _up(round(used_mbps * 1000) * (1 + back) / number)


def _frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=WORKLOADS_SCHEMA, orient="row").sort("workload")


def _of_region(fleet: Fleet, num_regions: int, num_services: int, num_instances: int) -> Iterator[_Service]:
    """Yield what a region has.

    Parameters
    ----------
    num_services, num_instances
        Services of the region, and their instances.
    """
    at = _Reader(fleet)
    model = fleet.model

    registry = row_by_scale(model.registry.tiers.values(), len(fleet.services))
    yield _Service(
        "registry",
        at.dealt(registry.instances, registry.backup_instances, num_regions, model.registry.regional_instances),
        1,
        model.registry.node,
        {"heartbeats_per_second": num_instances / at(registry.heartbeat_interval_seconds)},
    )
    sia = row_by_scale(model.sia.tiers.values(), len(fleet.services))
    yield _Service(
        "sia",
        at.dealt(sia.instances, None, num_regions, model.sia.regional_instances),
        1,
        model.sia.node,
        {"certificate_requests_per_day": num_instances / at(model.sia.certificate_rotation_days)},
    )

    logs, metrics, traces = model.observability.logs, model.observability.metrics, model.observability.traces
    log_mb_per_day = num_services * at(logs.mb_per_day)
    datapoints_per_minute = num_services * at(metrics.datapoints_per_minute)
    # the model's spans are at its own sampling share; production samples less
    sampled = at(traces.production_sampling_share) / at(traces.sampling_share)
    spans_per_second = num_services * at(traces.spans_per_second) * sampled

    collectors = model.observability.collectors
    taken_in = {
        "spans_per_second": spans_per_second,
        "datapoints_per_second": datapoints_per_minute / 60,
        "log_mb_per_second": log_mb_per_day / _SECONDS_PER_DAY,
    }
    by_volume = [_up(amount / at(getattr(collectors, key))) for key, amount in taken_in.items()]
    num_collectors = max(*by_volume, _up(at(collectors.min_instances)))
    yield _Service("collector", num_collectors, 2, collectors.node, taken_in)

    stores = model.observability.stores
    hot, warm, cold = (
        at(days) for days in (logs.retention_hot_days, logs.retention_warm_days, logs.retention_cold_days)
    )
    datapoints = datapoints_per_minute * _MINUTES_PER_DAY * at(stores.metrics_retention_days)
    spans = spans_per_second * _SECONDS_PER_DAY * at(stores.traces_retention_days)
    kept_mb = {
        "hot_logs_gb": log_mb_per_day * hot,
        "metrics_gb": datapoints * at(stores.bytes_per_datapoint) / _BYTES_PER_MB,
        "traces_gb": spans * at(stores.bytes_per_span) / _BYTES_PER_MB,
    }
    usable_mb = at(stores.node.disk_gb) * _MB_PER_GB * at(stores.usable_disk_share) // 1
    num_stores = max(_up(sum(kept_mb.values(), Fraction(0)) / usable_mb), _up(at(stores.min_instances)))
    # warm and cold logs lie elsewhere, each until its own retention ends
    elsewhere_mb = {"warm_logs_gb": log_mb_per_day * (warm - hot), "cold_logs_gb": log_mb_per_day * (cold - warm)}
    measures = {name: amount / _MB_PER_GB for name, amount in (kept_mb | elsewhere_mb).items()}
    yield _Service("store", num_stores, 2, stores.node, measures)


@dataclass(frozen=True)
class _Reader:
    """Reads figures at the policy's end of their ranges, exactly."""

    fleet: Fleet

    def __call__(self, figure: Figure) -> Fraction:
        return exact(figure.at(self.fleet.policy.demand))

    def dealt(self, instances: Figure | None, more: Figure | None, num_regions: int, regional: Figure) -> int:
        """Return a region's part of a number for the whole fleet, or its own where the tier gives none."""
        if instances is None:
            return _up(self(regional))
        return _up((self(instances) + (self(more) if more else 0)) / num_regions)


def _up(amount: Fraction) -> int:
    return -(-amount // 1)


def _summary(name: str, region: str, service: _Service) -> PlatformService:
    measures = {measure: float(amount) for measure, amount in service.measures.items()}
    return PlatformService(service=name, kind=service.kind, region=region, nodes=service.num_nodes, measures=measures)


def _workload(fleet: Fleet, name: str, region: str, service: _Service) -> tuple[object, ...]:
    demand = node_demand(service.node, fleet.policy.demand).tolist()
    return (name, "platform", service.kind, region, "", service.num_nodes, 0, service.max_per_host, "zone", *demand)
