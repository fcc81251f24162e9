"""How Prometheus measures what the model's thresholds are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """How a threshold is measured.

    Parameters
    ----------
    value
        Expression of the value that is compared with the threshold.
    what
        What an alert is about, a template of Prometheus.
    records
        Rules that record what `value` and `above_plan` read.
    above_plan
        Expression that has values where more is used than the plan has; "": the plan says nothing about it.
    unit
        Unit of those values.
    windowed
        Whether `value` has ``WINDOW`` in it: the time within which events count.
    """

    value: str
    what: str
    records: tuple[dict[str, Any], ...] = ()
    above_plan: str = ""
    unit: str = ""
    windowed: bool = False


def _record(name: str, expression: str) -> dict[str, Any]:
    return {"record": name, "expr": expression}


_DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs"'
_RATE = 'sum by (host) (rate(node_network_{}_bytes_total{{device!~"lo|veth.*"}}[5m]))'
# of both directions the busier one: a link is full in each for itself
_BUSIER = f"({_RATE.format('receive')} > {_RATE.format('transmit')} or {_RATE.format('transmit')}) * 8 / 1e6"
_HOST = "host {{ $labels.host }}"
_CLUSTER = "cluster {{ $labels.cluster }}"

MEASURES: dict[str, Measure] = {
    "host-cpu": Measure(
        "placement:host_cpu:ratio",
        _HOST,
        (
            _record("placement:host_cpu:ratio", '1 - avg by (host) (rate(node_cpu_seconds_total{mode="idle"}[5m]))'),
            _record(
                "placement:host_cpu_cores:measured",
                'sum by (host) (rate(node_cpu_seconds_total{mode!~"idle|iowait"}[5m]))',
            ),
        ),
        "placement:host_cpu_cores:measured > on (host) placement:host_cpu_cores:planned_limit",
        "cores",
    ),
    "host-memory": Measure(
        "placement:host_memory:ratio",
        _HOST,
        (
            _record(
                "placement:host_memory:ratio",
                "max by (host) (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
            ),
            _record(
                "placement:host_memory_mb:measured",
                "max by (host) (node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes) / 1e6",
            ),
        ),
        "placement:host_memory_mb:measured > on (host) "
        "(placement:host_memory_mb:planned_limit + placement:host_memory_mb:os_reserved)",
        "MB",
    ),
    "postgres-connections": Measure(
        "placement:postgres_connections:ratio",
        _CLUSTER,
        (
            _record(
                "placement:postgres_connections:measured",
                "max by (cluster) (sum by (cluster, instance) (pg_stat_activity_count))",
            ),
            _record(
                "placement:postgres_connections:ratio",
                "placement:postgres_connections:measured / on (cluster) placement:postgres_max_connections:planned",
            ),
        ),
        "placement:postgres_connections:measured > on (cluster) placement:postgres_connections_limit:planned",
        "connections",
    ),
    "valkey-memory": Measure(
        "placement:valkey_memory:ratio",
        _CLUSTER,
        (
            _record("placement:valkey_memory_bytes:measured", "max by (cluster) (redis_memory_used_bytes)"),
            _record(
                "placement:valkey_memory:ratio",
                "placement:valkey_memory_bytes:measured / on (cluster) placement:valkey_max_memory_bytes:planned",
            ),
        ),
        "placement:valkey_memory_bytes:measured > on (cluster) placement:valkey_memory_limit_bytes:planned",
        "bytes",
    ),
    "disk": Measure(
        "placement:host_disk:ratio",
        _HOST,
        (
            _record(
                "placement:host_disk:ratio",
                f"max by (host) (1 - node_filesystem_avail_bytes{{{_DISKS}}} / node_filesystem_size_bytes{{{_DISKS}}})",
            ),
            _record(
                "placement:host_disk_gb:measured",
                f"sum by (host) (node_filesystem_size_bytes{{{_DISKS}}} - node_filesystem_avail_bytes{{{_DISKS}}}) "
                "/ 1e9",
            ),
        ),
        "placement:host_disk_gb:measured > on (host) placement:host_disk_gb:planned_limit",
        "GB",
    ),
    "network": Measure(
        "placement:host_network:ratio",
        _HOST,
        (
            _record("placement:host_network_mbps:measured", _BUSIER),
            _record(
                "placement:host_network:ratio",
                "placement:host_network_mbps:measured / on (host) placement:host_network_mbps:capacity",
            ),
        ),
        "placement:host_network_mbps:measured > on (host) placement:host_network_mbps:planned_limit",
        "Mbps",
    ),
    "heartbeat-latency": Measure(
        "max by (instance) (infrasot_heartbeat_latency_seconds)", "registry {{ $labels.instance }}"
    ),
    "certificate-renewal-failures": Measure(
        "sum by (instance) (increase(sia_certificate_renewal_failures_total[WINDOW]))",
        "authority {{ $labels.instance }}",
        windowed=True,
    ),
}
"""By name of the threshold in the model's alerts.yaml."""
