"""Fixtures of the engine's tests."""

from __future__ import annotations

import dataclasses

import pytest

from placement.fleet import Fleet, generate_fleet, read_fleet, write_generated


@pytest.fixture(scope="session")
def three_regions(tmp_path_factory) -> Fleet:
    folder = tmp_path_factory.mktemp("three") / "fleet"
    made = generate_fleet(60, 1, regions=3)
    write_generated(dataclasses.replace(made, document={**made.document, "policy": {"pools": ["services"]}}), folder)
    return read_fleet(folder)
