"""Comparisons that several tests look at."""

from __future__ import annotations

import dataclasses

import pytest

from placement.compare import Asked, Comparison, Doubt, compare_mixes
from placement.fleet import Fleet, generate_fleet, read_fleet


@pytest.fixture(scope="session")
def tiny_mix() -> Fleet:
    return read_fleet("fixtures/tiny-mix")


@pytest.fixture(scope="session")
def of_tiny_mix(tiny_mix: Fleet) -> Comparison:
    return compare_mixes(tiny_mix, Asked(mixes=["all", "singles"]), doubt=Doubt(samples=2))


@pytest.fixture(scope="session")
def forty() -> Fleet:
    made = generate_fleet(40, 3, demands="profile")
    return dataclasses.replace(made, document={**made.document, "policy": {"pools": ["services"]}}).build()


@pytest.fixture(scope="session")
def of_forty(forty: Fleet) -> Comparison:
    return compare_mixes(forty, Asked(mixes=["small", "xlarge"]), doubt=Doubt(samples=4))
