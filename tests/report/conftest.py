"""Fixtures of the report's tests: one plan with databases and caches, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from placement.engine import place
from placement.fleet import Fleet, read_fleet
from placement.plan.types import Plan

SMALL_FLEET = Path(__file__).parents[1] / "system" / "small-fleet"


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    return read_fleet(SMALL_FLEET)


@pytest.fixture(scope="session")
def plan(fleet: Fleet) -> Plan:
    return place(fleet)
