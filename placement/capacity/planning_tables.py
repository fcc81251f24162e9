"""Tables on planning ahead: growth, procurement, bottlenecks, alert thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from placement.capacity.datatier_tables import ScaleRow
from placement.capacity.figures import (
    Factor,
    Figure,
    Months,
    Name,
    Percent,
    Seconds,
    ServiceCount,
    Share,
    Table,
    UnitOfTable,
    Weeks,
    Years,
)

AlertLevel = Literal["ok", "warning", "critical"]


class GrowthPhase(ScaleRow):
    """Growth of the ecosystem by phase, and how often capacity is reviewed."""

    year_from: Years
    year_to: Years | None = None
    annual_growth_percent: Percent
    review_interval_months: Months


class Growth(Table):
    """growth.yaml."""

    projected_services: str
    projected_resources: str
    overhead_factor: Factor
    phases: dict[Name, GrowthPhase]


class ProcurementRow(Table):
    """How long one kind of resource takes to get, and at what use it must be ordered."""

    title: str
    lead_time_weeks: Weeks
    order_at_share: Share | None = Field(None, description="Null: nothing is ordered ahead.")


class Procurement(Table):
    """procurement.yaml."""

    resources: dict[Name, ProcurementRow]


class Bottleneck(Table):
    """What is likely to bind first from a number of services on."""

    services_from: ServiceCount
    component: str
    indicator: str
    solution: str


class Bottlenecks(Table):
    """bottlenecks.yaml."""

    points: dict[Name, Bottleneck]


class ThresholdRow(Table):
    """From where on a metric calls for attention, in `unit`."""

    metric: str
    unit: str
    comparison: Literal["above", "at-least"]
    warning: UnitOfTable
    critical: UnitOfTable
    sustained: bool = False
    critical_window: Seconds | None = Field(
        None, description="Time within which the critical number must occur; null: at any moment."
    )
    resource: Literal["cpu", "memory", "disk", "network"] | None = Field(
        None, description="The host resource whose used share it is, if any."
    )
    guide_warning: str
    guide_critical: str

    def unit_of(self, figure: Figure) -> str:
        """Return the row's unit for the thresholds, the figure's own for the window."""
        return figure.unit or self.unit


class Alerts(Table):
    """alerts.yaml."""

    thresholds: dict[Name, ThresholdRow]


@dataclass(frozen=True)
class AlertThreshold:
    """An alert threshold of the model in force.

    Parameters
    ----------
    name, metric, unit
        Short name, what is watched, and the unit of the two levels (shares, not percent, for utilisations).
    warning, critical
        The levels.
    comparison
        ``above``: a value beyond the level alerts; ``at-least``: the level itself does too.
    resource
        The packed resource whose used share of a host it is, or "".
    guide
        What the guide says, in its words.
    """

    name: str
    metric: str
    unit: str
    warning: float
    critical: float
    comparison: Literal["above", "at-least"]
    resource: str
    guide: str

    def level(self, value: float) -> AlertLevel:
        """Return the alert level of a value in `unit`."""
        for level, limit in (("critical", self.critical), ("warning", self.warning)):
            if value > limit or (self.comparison == "at-least" and value >= limit):
                return "critical" if level == "critical" else "warning"
        return "ok"
