"""Forecasting what a growing fleet needs; names are loaded on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement.forecast.forecast import forecast_fleet
    from placement.forecast.pictures import draw_forecast
    from placement.forecast.rates import rates_of
    from placement.forecast.types import Forecast, forecast_schema

_HOMES = {
    "Forecast": "types",
    "draw_forecast": "pictures",
    "forecast_fleet": "forecast",
    "forecast_schema": "types",
    "rates_of": "rates",
}

__all__ = ["Forecast", "draw_forecast", "forecast_fleet", "forecast_schema", "rates_of"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
