"""Fixtures of the planner's tests."""

from __future__ import annotations

import pytest
from planner_fleets import make_fleet


@pytest.fixture
def fleet_of():
    """Build a fleet whose blanks are all filled."""
    return make_fleet
