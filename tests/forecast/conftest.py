"""A fleet and its forecast, which several tests look at."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from placement.fleet import Fleet, generate_fleet
from placement.forecast import Forecast, forecast_fleet


@pytest.fixture(scope="session")
def twelve() -> Fleet:
    made = generate_fleet(12, 3, demands="profile", rules_density=0.05)
    return dataclasses.replace(made, document={**made.document, "policy": {"pools": ["services"]}}).build()


@pytest.fixture(scope="session")
def of_twelve(twelve: Fleet) -> Forecast:
    return forecast_fleet(twelve, 1, samples=30, start=datetime.date(2026, 1, 1))
