"""Platform services: how many nodes each region needs of which, and the measures that ask for them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from placement.capacity.platform_tables import RegistryTier, SiaTier
from placement.verify import names
from placement.verify.tier_facts import TierFacts

_SECONDS = 24 * 60 * 60
"""Of a day."""


@dataclass(frozen=True)
class PlatformFacts:
    """A platform service in a region.

    Parameters
    ----------
    name, kind, region
        Its workload, what it is, and where.
    num_nodes
        How many nodes it has.
    max_per_host
        How many of them may stand on a host.
    measures
        What it must take, by name with unit.
    """

    name: str
    kind: str
    region: str
    num_nodes: int
    max_per_host: int
    measures: dict[str, Fraction]


def platform_facts(tier: TierFacts) -> list[PlatformFacts]:
    """Return the platform services of all regions with services, PgBouncers apart."""
    facts = tier.facts
    regions = np.unique(facts.region_idx).tolist()
    services = []
    for code in regions:
        here = facts.region_idx == code
        num_services, num_instances = int(here.sum()), int(facts.instances[here].sum())
        region = facts.regions[code]
        services += [
            _registry(tier, region, len(regions), num_instances),
            _sia(tier, region, len(regions), num_instances),
            *_observability(tier, region, num_services),
        ]
    return services


def _registry(tier: TierFacts, region: str, num_regions: int, num_instances: int) -> PlatformFacts:
    registry = tier.model.registry
    row = next(row for row in registry.tiers.values() if row.covers(tier.num_services))
    backup = 0 if row.backup_instances is None else math.ceil(tier.at(row.backup_instances))
    number = _share(tier, row, backup, math.ceil(tier.at(registry.regional_instances)), num_regions)
    beats = num_instances / tier.at(row.heartbeat_interval_seconds)
    return _service("registry", region, number, 1, {"heartbeats_per_second": beats})


def _sia(tier: TierFacts, region: str, num_regions: int, num_instances: int) -> PlatformFacts:
    sia = tier.model.sia
    row = next(row for row in sia.tiers.values() if row.covers(tier.num_services))
    number = _share(tier, row, 0, math.ceil(tier.at(sia.regional_instances)), num_regions)
    requests = num_instances / tier.at(sia.certificate_rotation_days)
    return _service("sia", region, number, 1, {"certificate_requests_per_day": requests})


def _share(tier: TierFacts, row: RegistryTier | SiaTier, more: int, regional: int, num_regions: int) -> int:
    """Return a region's share of the fleet's number; the regional one where the tier gives none."""
    if row.instances is None:
        return regional
    return -(-(math.ceil(tier.at(row.instances)) + more) // num_regions)


def _observability(tier: TierFacts, region: str, num_services: int) -> list[PlatformFacts]:
    model, at = tier.model.observability, tier.at
    sampling = at(model.traces.sampling_share)
    kept = at(model.traces.production_sampling_share) / sampling if sampling else Fraction(0)
    spans = num_services * at(model.traces.spans_per_second) * kept
    datapoints = num_services * at(model.metrics.datapoints_per_minute) / 60
    logs_mb = num_services * at(model.logs.mb_per_day)
    rows = model.collectors
    collectors = max(
        math.ceil(spans / at(rows.spans_per_second)),
        math.ceil(datapoints / at(rows.datapoints_per_second)),
        math.ceil(logs_mb / _SECONDS / at(rows.log_mb_per_second)),
        math.ceil(at(rows.min_instances)),
    )
    stores = model.stores
    days = {
        "hot_logs_gb": logs_mb * at(model.logs.retention_hot_days),
        "metrics_gb": datapoints
        * _SECONDS
        * at(stores.bytes_per_datapoint)
        * at(stores.metrics_retention_days)
        / 10**6,
        "traces_gb": spans * _SECONDS * at(stores.bytes_per_span) * at(stores.traces_retention_days) / 10**6,
    }
    disk_mb = math.floor(at(stores.node.disk_gb) * 1000 * at(stores.usable_disk_share))
    number = max(math.ceil(sum(days.values()) / disk_mb), math.ceil(at(stores.min_instances)))
    # a day's logs are hot, then warm, then cold, until the retention of each ends
    until_hot, until_warm, until_cold = (
        at(model.logs.retention_hot_days),
        at(model.logs.retention_warm_days),
        at(model.logs.retention_cold_days),
    )
    elsewhere = {
        "warm_logs_gb": logs_mb * (until_warm - until_hot),
        "cold_logs_gb": logs_mb * (until_cold - until_warm),
    }
    taken = {
        "spans_per_second": spans,
        "datapoints_per_second": datapoints,
        "log_mb_per_second": logs_mb / _SECONDS,
    }
    kept_gb = {name: volume / 1000 for name, volume in (days | elsewhere).items()}
    return [_service("collector", region, collectors, 2, taken), _service("store", region, number, 2, kept_gb)]


def _service(kind: str, region: str, number: int, most: int, measures: dict[str, Fraction]) -> PlatformFacts:
    return PlatformFacts(names.workload(kind, region), kind, region, number, most, measures)
