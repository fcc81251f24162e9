"""Fixtures of the report's tests: one plan with databases and caches, a comparison and a forecast, each made once."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from placement.compare import Asked, Doubt, compare_mixes
from placement.engine import place
from placement.fleet import Fleet, read_fleet
from placement.forecast import forecast_fleet
from placement.plan.types import Plan

ROOT = Path(__file__).parents[2]
SMALL_FLEET = ROOT / "tests" / "system" / "small-fleet"


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    return read_fleet(SMALL_FLEET)


@pytest.fixture(scope="session")
def plan(fleet: Fleet) -> Plan:
    return place(fleet)


@pytest.fixture(scope="session")
def comparison() -> dict[str, Any]:
    """Return comparison.json of a fleet that costs 0.70 with both of its sizes, 0.90 and 1.20 with one of them."""
    found = compare_mixes(
        read_fleet(ROOT / "fixtures" / "tiny-mix"), Asked(mixes=["all", "singles"]), doubt=Doubt(samples=2)
    )
    return dict(json.loads(found.model_dump_json()))


@pytest.fixture(scope="session")
def forecast() -> dict[str, Any]:
    """Return forecast.json of a quarter of a year."""
    fleet = read_fleet(ROOT / "fixtures" / "tiny-replicas")
    found = forecast_fleet(fleet, 1 / 4, samples=5, start=datetime.date(2026, 1, 1))
    return dict(json.loads(found.model_dump_json()))
