"""Interference: both ways of joining rules and hosts give what a plain loop gives, whatever the sizes."""

from __future__ import annotations

from collections import Counter, defaultdict
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from placement.fleet.types import INTERFERENCE_SCHEMA
from placement.verify import interference
from placement.verify.collector import Collector
from placement.verify.interference import check_interference
from placement.verify.rules import count_pairs


def make_plan(rng: np.random.Generator, num_services: int, num_hosts: int, num_instances: int) -> SimpleNamespace:
    return SimpleNamespace(
        services=[f"s{i}" for i in range(num_services)],
        hosts=[f"h{i}" for i in range(num_hosts)],
        service_idx=rng.integers(-1, num_services, num_instances),  # -1: a service nobody knows
        host_idx=rng.integers(-1, num_hosts, num_instances),
    )


def make_rules(rows: list[tuple[int, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=INTERFERENCE_SCHEMA, orient="row")


def run(plan: SimpleNamespace, rules: pl.DataFrame) -> Counter[tuple[str, str, float, float]]:
    found = Collector()
    facts = SimpleNamespace(fleet=SimpleNamespace(interference=rules))
    check_interference(plan, facts, count_pairs(plan), found)  # type: ignore[arg-type]
    assert found.counts.get("interference", 0) == len(found.findings())
    return Counter((f.host, f.service, f.value, f.limit) for f in found.findings())


def plain_loop(plan: SimpleNamespace, rules: pl.DataFrame) -> Counter[tuple[str, str, float, float]]:
    running: dict[int, Counter[int]] = defaultdict(Counter)
    for service, host in zip(plan.service_idx.tolist(), plan.host_idx.tolist(), strict=True):
        if service >= 0 and host >= 0:
            running[host][service] += 1
    return Counter(
        (plan.hosts[host], plan.services[a], float(services[b]), float(most))
        for host, services in running.items()
        for a, b, most in rules.iter_rows()
        if a in services and services.get(b, 0) > most
    )


@pytest.mark.parametrize("way", ["_by_hosts", "_by_rules"])
@pytest.mark.parametrize(("chunk", "cells"), [(3, 1), (3, 30), (4_000_000, 8_000_000)])
def test_agrees_with_a_plain_loop(way: str, chunk: int, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    search = getattr(interference, way)
    monkeypatch.setattr(interference, "_by_hosts", search)
    monkeypatch.setattr(interference, "_by_rules", search)
    monkeypatch.setattr(interference, "_CHUNK", chunk)
    monkeypatch.setattr(interference, "_CELLS", cells)
    rng = np.random.default_rng(11)
    broken = 0
    for _ in range(40):
        plan = make_plan(rng, 12, 6, 40)
        pairs = {(int(a), int(b)) for a, b in rng.integers(0, 12, (14, 2))}
        rules = make_rules([(a, b, int(rng.integers(0, 3))) for a, b in sorted(pairs)])
        expected = plain_loop(plan, rules)
        assert run(plan, rules) == expected
        broken += sum(expected.values())
    assert broken > 100


def test_a_rule_binds_in_its_own_direction() -> None:
    plan = SimpleNamespace(
        services=["a", "b"], hosts=["h"], service_idx=np.array([0, 1, 1]), host_idx=np.array([0, 0, 0])
    )
    assert run(plan, make_rules([(0, 1, 1)])) == {("h", "a", 2.0, 1.0): 1}
    assert not run(plan, make_rules([(0, 1, 2)]))
    assert not run(plan, make_rules([(1, 0, 1)]))
    assert run(plan, make_rules([(1, 0, 0)])) == {("h", "b", 1.0, 0.0): 1}
    assert run(plan, make_rules([(1, 1, 1)])) == {("h", "b", 2.0, 1.0): 1}


def test_unsorted_and_repeated_rules_are_taken_at_their_strictest() -> None:
    plan = SimpleNamespace(
        services=["a", "b"], hosts=["h"], service_idx=np.array([0, 1, 1]), host_idx=np.array([0, 0, 0])
    )
    assert run(plan, make_rules([(1, 1, 2), (0, 1, 5), (0, 1, 1)])) == {("h", "a", 2.0, 1.0): 1}


def test_nothing_to_check() -> None:
    plan = SimpleNamespace(services=[], hosts=[], service_idx=np.array([], int), host_idx=np.array([], int))
    assert not run(plan, make_rules([(0, 1, 0)]))
    assert not run(make_plan(np.random.default_rng(1), 3, 3, 9), make_rules([]))
