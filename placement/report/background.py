"""Last part: alerts, violations, and what the plan rests on: policy, settings, unvalidated estimates."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from placement.plan.types import Plan
from placement.report.markup import Child, Html, count, h, table

_MOST_VIOLATIONS = 200


def alerts_section(plan: Plan) -> Html:
    """Return violations and alerts, or that there are none."""
    summary = plan.summary
    parts: list[Html] = []
    if summary.violations:
        rows: list[list[Child]] = [
            [str(item.get("kind", "")), str(item.get("message", json.dumps(item, sort_keys=True)))]
            for item in summary.violations[:_MOST_VIOLATIONS]
        ]
        parts.append(table(f"Violations: {count(len(summary.violations))}", ["Kind", "What"], rows))
    if summary.alerts:
        alerts: list[list[Child]] = [
            [
                h(f"span.level.{alert.level}", alert.level),
                alert.metric,
                alert.where,
                _value(alert.value),
                _value(alert.limit),
                alert.advice,
            ]
            for alert in sorted(summary.alerts, key=lambda alert: alert.level != "critical")
        ]
        heads = ["Level", "Metric", "Where", "Value", "Threshold", "Advice"]
        parts.append(table("Planned values beyond the model's thresholds", heads, alerts, numbers=(3, 4)))
    if not parts:
        parts.append(h("p", "None: every planned figure is within the model's thresholds, and no rule is broken."))
    return h("section", h("h2", "Alerts"), parts, id="alerts")


def _value(value: float) -> str:
    return f"{value:.1%}".replace("%", " %") if 0 <= value <= 2 and value != int(value) else f"{value:,g}"


def basis_section(plan: Plan) -> Html:
    """Return policy, settings, versions, and the estimates that the plan rests on."""
    summary = plan.summary
    settings = dict(summary.settings)
    policy = settings.pop("policy", {})
    rows = [*_flat(policy if isinstance(policy, dict) else {"policy": policy}, "policy."), *_flat(settings, "")]
    rows += [(f"version of {name}", version) for name, version in sorted(summary.versions.items())]
    rows.append(("fleet", summary.fleet.digest))
    estimates = summary.estimates_used
    owners = Counter(str(item.get("owner", "")) or "nobody named" for item in estimates)
    asked = ", ".join(
        f"{owner} {count(number)}" for owner, number in sorted(owners.items(), key=lambda item: (-item[1], item[0]))
    )
    listed: list[list[Child]] = [
        [
            str(item.get("path", "")),
            _number(item.get("value")),
            str(item.get("unit", "")),
            str(item.get("owner", "")),
            str(item.get("source", "")),
        ]
        for item in estimates
    ]
    return h(
        "section",
        h("h2", "What the plan rests on"),
        h(
            "p",
            f"{count(len(estimates))} figures of the capacity model are estimates that nobody has validated yet. "
            + (f"To be validated by: {asked}." if estimates else ""),
        ),
        h(
            "details",
            h("summary", f"The {count(len(estimates))} estimates"),
            table(
                "Unvalidated estimates",
                ["Figure", "Value", "Unit", "Owner", "Source"],
                listed,
                numbers=(1,),
                css="small",
            ),
        )
        if estimates
        else None,
        h(
            "details",
            h("summary", "Policy, settings and versions"),
            table("Policy, settings and versions", ["Setting", "Value"], rows, css="small"),
        ),
        id="basis",
    )


def _flat(data: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        if isinstance(value, dict) and value:
            found += _flat(value, f"{prefix}{key}.")
        elif value not in ({}, []):
            shown = ", ".join(str(item) for item in value) if isinstance(value, list) else value
            found.append((f"{prefix}{key}", str(shown)))
    return found


def _number(value: object) -> str:
    return f"{value:,g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
