"""Target ``prometheus``: rules of alerts for every threshold of the model, and of planned values.

::

    alerts.yaml            what is measured, and alerts on it: the model's thresholds, and the plan's own limits
    planned/{host}.yaml    what the plan puts on a host, what it may take, and limits of the clusters led from there
    plan.yaml              the plan's digest

Series of hosts need a label `host`, those of databases and caches a label `cluster`, with the plan's names: relabelling
adds them. Names of series are those of node_exporter, postgres_exporter and redis_exporter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from placement.capacity.planning_tables import ThresholdRow
from placement.export.hosts import Host, hosts_of
from placement.export.measures import MEASURES, Measure
from placement.export.source import Source
from placement.units import RESOURCES, to_outer

_LEVELS = ("warning", "critical")
_SUSTAINED = "15m"
_BYTES_PER_MB = 1_000_000


def files(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the target."""
    planned = _Planned(source)
    for host in hosts_of(source.plan):
        yield f"planned/{host.name}.yaml", _rule_file(f"placement-planned-{host.name}", planned.rules(host))
    info = _record("placement:plan:info", 1, {"digest": source.digest, "fleet": source.plan.summary.fleet.name})
    yield "plan.yaml", _rule_file("placement-plan", [info])
    yield "alerts.yaml", _rule_file("placement-alerts", _alerts(source))


def _rule_file(group: str, rules: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a file of rules: YAML whose values are all JSON, so that nothing in a text is taken for YAML."""
    lines = ["groups:", f"  - name: {yaml_text(group)}", "    rules:"]
    for rule in rules:
        lead = "      - "
        for key, value in rule.items():
            lines.append(f"{lead}{key}: {yaml_text(value)}")
            lead = "        "
    return ("\n".join(lines) + "\n").encode()


def yaml_text(value: Any) -> str:
    """Return a value as JSON that YAML reads the same.

    JSON leaves characters as they are that YAML does not take (delete, the C1 controls, line separators …), and pairs
    those beyond the basic plane; they are written as YAML's own escapes.
    """
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    # a lone surrogate is no character; YAML has no escape for it either
    code = 0xFFFD if "\ud800" <= letter <= "\udfff" else ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def template_text(text: str) -> str:
    """Return text for a label or annotation of an alert, in which Prometheus finds no template."""
    return text.replace("{{", '{{ "{{" }}')


# --- planned values ---------------------------------------------------------------------------------------------


class _Planned:
    """Rules that record what the plan has for a host and for the clusters whose first primary stands there."""

    def __init__(self, source: Source) -> None:
        plan, fleet = source.plan, source.known_fleet
        self._hosts = {row["host"]: row for row in plan.hosts.iter_rows(named=True)}
        self._sizes = fleet.sizes
        self._nic_kbps = dict(fleet.hosts.select("host", "nic_kbps").iter_rows())
        self._postgres = {row["cluster"]: row for row in plan.postgres_clusters.iter_rows(named=True)}
        self._valkey = {row["cluster"]: row for row in plan.valkey_clusters.iter_rows(named=True)}
        self._max_memory_mb = {
            name: tier.max_memory_mb.typical for name, tier in source.model.valkey.node_tiers.items()
        }
        led = plan.nodes.filter(role="primary").sort("node").unique("workload", keep="first", maintain_order=True)
        self._leader = dict(led.select("workload", "node").iter_rows())

    def rules(self, host: Host) -> Iterator[dict[str, Any]]:
        """Yield the rules of one host."""
        row = self._hosts[host.name]
        labels = {"host": host.name, "size": host.size, "pool": host.pool, "region": host.region}
        labels |= {key: value for key, value in (("zone", host.zone), ("segment", host.segment)) if value}
        for resource in RESOURCES:
            for end in ("used", "limit"):
                yield _record(
                    f"placement:host_{resource.column}:planned_{end}", row[f"{resource.column}_{end}"], labels
                )
        size = self._sizes[host.size]
        nic_kbps = self._nic_kbps.get(host.name, size.nic_kbps)
        yield _record("placement:host_memory_mb:os_reserved", size.os_reserved_mb, labels)
        yield _record("placement:host_network_mbps:capacity", float(to_outer(nic_kbps, 1000)), labels)
        for node in host.nodes:
            if self._leader.get(node["workload"]) == node["node"]:
                yield from self._cluster(node["workload"])

    def _cluster(self, cluster: str) -> Iterator[dict[str, Any]]:
        labels = {"cluster": cluster}
        if cluster in self._postgres:
            row = self._postgres[cluster]
            for column in ("max_connections", "connections_used", "connections_limit"):
                yield _record(f"placement:postgres_{column}:planned", row[column], labels)
        if cluster in self._valkey:
            row = self._valkey[cluster]
            per_node_mb = {
                "max_memory": self._max_memory_mb[row["tier"]],
                "memory_used": row["memory_mb_used"] / row["primaries"],
                "memory_limit": row["memory_mb_limit"] / row["primaries"],
            }
            for name, memory_mb in per_node_mb.items():
                yield _record(f"placement:valkey_{name}_bytes:planned", round(memory_mb * _BYTES_PER_MB), labels)


def _record(name: str, value: float, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"record": name, "expr": f"vector({value!r})", "labels": labels}


# --- alerts -----------------------------------------------------------------------------------------------------


def _alerts(source: Source) -> Iterator[dict[str, Any]]:
    thresholds = source.model.alerts.thresholds
    for name in thresholds:
        yield from _measure(name).records
    for name, threshold in thresholds.items():
        for level in _LEVELS:
            yield _threshold_alert(name, threshold, level)
    for name in thresholds:
        measure = _measure(name)
        if measure.above_plan:
            yield {
                "alert": f"Placement{_camel(name)}AbovePlan",
                "expr": measure.above_plan,
                "for": _SUSTAINED,
                "labels": {"severity": "warning", "threshold": name},
                "annotations": {
                    "summary": f"{measure.what} uses more than the plan has for it",
                    "description": "{{ $value }} " + measure.unit + " are used; the plan was made for less.",
                },
            }


def _threshold_alert(name: str, threshold: ThresholdRow, level: str) -> dict[str, Any]:
    measure = _measure(name)
    figure = threshold.critical if level == "critical" else threshold.warning
    guide = threshold.guide_critical if level == "critical" else threshold.guide_warning
    operator = ">=" if threshold.comparison == "at-least" else ">"
    expression = measure.value
    window_s = threshold.critical_window
    if measure.windowed:
        expression = measure.value.replace("WINDOW", f"{window_s.typical:.0f}s" if window_s is not None else "1h")
    rule: dict[str, Any] = {
        "alert": f"Placement{_camel(name)}{level.title()}",
        "expr": f"{expression} {operator} {figure.typical:g}",
    }
    if threshold.sustained:
        rule["for"] = _SUSTAINED
    rule["labels"] = {"severity": level, "threshold": name}
    rule["annotations"] = {
        "summary": f"{template_text(threshold.metric)}: {measure.what}",
        "description": f"{{{{ $value }}}} {template_text(threshold.unit)}; the threshold is {template_text(guide)}.",
    }
    return rule


def _measure(name: str) -> Measure:
    """Return how a threshold is measured; one that the guide does not have is a series called like it."""
    return MEASURES.get(name) or Measure(value=name.replace("-", "_"), what="{{ $labels.instance }}")


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("-"))
