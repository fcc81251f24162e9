"""Fixtures of the engine's tests."""

from __future__ import annotations

import pytest

from placement.fleet import Fleet, generate_fleet, read_fleet, write_generated


@pytest.fixture(scope="session")
def three_regions(tmp_path_factory) -> Fleet:
    folder = tmp_path_factory.mktemp("three") / "fleet"
    write_generated(generate_fleet(60, 1, regions=3), folder)
    return read_fleet(folder)
