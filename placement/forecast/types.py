"""What a forecast says: forecast.json, and data frames of it.

Months are counted from the first day; month 0 is now. A month is 730 hours. Money is in the fleet's currency.
"""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

FORECAST_FORMAT = "placement/forecast/1"
HOURS_PER_MONTH = 730

QUANTITIES: dict[str, str] = {
    "hosts": "hosts, spares among them",
    "cost_per_month": "currency a month, spares among it",
    "databases": "PostgreSQL servers",
    "database_storage_gb": "GB, of all nodes",
    "cache_memory_gb": "GB of data",
    "bandwidth_mbps": "Mbps of all hosts' NICs",
}
"""What is forecast beside services and hosts by size, with its unit."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Checkpoint(_Frozen):
    """A fleet of so many services, grown from the one there is, and its plan.

    Parameters
    ----------
    services_planned, scaled_by
        Services of the plan that was computed. A larger fleet is planned as a part of it, drawn evenly, whose figures
        are multiplied by `scaled_by`; platform services are always those of the whole.
    gap
        The plan's, proven.
    """

    services: int
    services_planned: int
    scaled_by: float
    gap: float
    databases_arrangement: str
    hosts_by_size: dict[str, float]
    quantities: dict[str, float]


class Ends(_Frozen):
    """A number in the scenarios with all growth low, typical, high, and its quantiles over the samples."""

    low: float
    typical: float
    high: float
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None


class Month(_Frozen):
    """What is needed at the end of a month."""

    month: int
    date: str
    services: Ends
    quantities: dict[str, Ends]
    hosts_by_size: dict[str, Ends]


class CrossingRow(_Frozen):
    """A threshold of the guide that is still ahead, and by which month it is reached; null: not within the horizon."""

    services: int
    kind: Literal["bottleneck", "tier"]
    title: str
    change: str
    path: str
    low: int | None
    typical: int | None
    high: int | None
    date: str | None = Field(description="Of the typical scenario.")
    share: float | None = Field(description="Share of the samples that reach it; null without samples.")


class SlipRow(_Frozen):
    """What it costs to place an order a month late or early (`placement.capacity.purchasing.Slip`)."""

    idle_cost: float
    unit_months_short: float
    most_units_short: float
    stopgap_cost: float | None
    costs: float = Field(description="idle_cost + stopgap_cost: what it costs in all; negative: saved.")


class OrderRow(_Frozen):
    """A line for purchasing (`placement.capacity.purchasing.Order`)."""

    order_by: str
    arrives_from: str
    arrives_by: str
    item: str
    resource: str
    quantity: int
    capacity_after: float
    reason: Literal["order-at", "lead-time"]
    is_late: bool
    use: float | None
    a_month_late: SlipRow
    a_month_early: SlipRow


class Forecast(_Frozen):
    """forecast.json."""

    format: Literal["placement/forecast/1"] = "placement/forecast/1"
    fleet: str
    services: int
    currency: str
    start: str
    months: int
    samples: int
    seed: int
    growth: dict[str, tuple[float, float, float]] = Field(
        description="Growth a year in percent, low, typical, high: by phase of the model, by domain (domain:NAME), or "
        "of all others."
    )
    method: str
    checkpoints: tuple[Checkpoint, ...]
    timeline: tuple[Month, ...]
    services_by_domain: dict[str, int] = Field(
        description="At the end, typical; where domains have rates of their own."
    )
    crossings: tuple[CrossingRow, ...]
    orders_for: Literal["low", "typical", "high"]
    in_place: dict[str, float] = Field(description="Units that stand now, by item.")
    orders: tuple[OrderRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast as JSON-ready data."""
        return self.model_dump(mode="json")

    def to_frame(self) -> pl.DataFrame:
        """Return a row per month: services, hosts by size and quantities, each low, typical, high and quantiles."""
        rows = []
        for month in self.timeline:
            row: dict[str, Any] = {"month": month.month, "date": month.date}
            parts = {"services": month.services} | month.quantities
            parts |= {f"hosts_{size}": ends for size, ends in month.hosts_by_size.items()}
            for name, ends in parts.items():
                row |= {f"{name}_{end}": value for end, value in ends.model_dump().items() if value is not None}
            rows.append(row)
        return pl.DataFrame(rows, infer_schema_length=None)

    def orders_frame(self) -> pl.DataFrame:
        """Return a row per order, the earliest first: what ``--orders`` writes as CSV."""
        rows = []
        for order in self.orders:
            row = order.model_dump(exclude={"a_month_late", "a_month_early"})
            for name, slip in (("late", order.a_month_late), ("early", order.a_month_early)):
                row |= {
                    f"a_month_{name}_costs": slip.costs,
                    f"a_month_{name}_unit_months_short": slip.unit_months_short,
                }
            rows.append(row)
        return pl.DataFrame(rows, schema=None if rows else ORDERS_SCHEMA, infer_schema_length=None)


ORDERS_SCHEMA: dict[str, pl.DataType] = {
    "order_by": pl.String(),
    "arrives_from": pl.String(),
    "arrives_by": pl.String(),
    "item": pl.String(),
    "resource": pl.String(),
    "quantity": pl.Int64(),
    "capacity_after": pl.Float64(),
    "reason": pl.String(),
    "is_late": pl.Boolean(),
    "use": pl.Float64(),
    "a_month_late_costs": pl.Float64(),
    "a_month_late_unit_months_short": pl.Float64(),
    "a_month_early_costs": pl.Float64(),
    "a_month_early_unit_months_short": pl.Float64(),
}
"""Columns of the orders, in the order of the file."""


def forecast_schema() -> dict[str, Any]:
    """Return the JSON Schema of forecast.json."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Forecast.model_json_schema()
