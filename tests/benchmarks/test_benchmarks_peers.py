"""Peers: packings worked out by hand, and a check that finds every fault put into a valid packing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.peers import assignment_model, greedy
from benchmarks.peers.problem import Answer, Problem, cost_of, faults_of

PEERS = (greedy.first_fit, greedy.best_fit, greedy.alignment, lambda problem: assignment_model.solve(problem, 20.0))


def problem_of(sizes, instances=None, *, limit=((10, 10),), price=(1,), stock=(-1,), most=None, rules=()) -> Problem:
    """Build a problem; rules are (service, other, most), sorted by service."""
    instances = np.array(instances or [1] * len(sizes), np.int64)
    service = np.array([rule[0] for rule in rules], np.int64)
    return Problem(
        demand=np.array(sizes, np.int64),
        instances=instances,
        max_per_host=instances.copy() if most is None else np.array(most, np.int64),
        limit=np.array(limit, np.int64),
        price=np.array(price, np.int64),
        stock=np.array(stock, np.int64),
        rule_start=np.searchsorted(service, np.arange(len(sizes) + 1)).astype(np.int64),
        rule_other=np.array([rule[1] for rule in rules], np.int64),
        rule_most=np.array([rule[2] for rule in rules], np.int64),
    )


@pytest.mark.parametrize("pack", PEERS)
def test_four_that_fill_two_hosts(pack):
    # 7 + 3 and 6 + 4 fill both resources of two hosts of 10
    problem = problem_of([(7, 7), (6, 6), (4, 4), (3, 3)])
    answer = pack(problem)
    assert faults_of(problem, answer) == []
    assert cost_of(problem, answer) == 2


def test_first_fit_and_best_fit_differ_as_they_should():
    # decreasing: 6 and 5 open two hosts, free 4 and 5. The 4 then goes first to the first host (4 of 4: full) by both;
    # with 6, 5, 3 left free 4 and 5, best fit puts the 3 where 4 are free, and so does first fit: 6+3, 5
    problem = problem_of([(6, 0), (5, 0), (3, 0)])
    assert greedy.best_fit(problem).host_of.tolist() == [0, 1, 0]
    # 5 opens the first host (free 5), 7 opened it before: sorted 7, 5, 3 leave 3 and 5; both take the 3 to the first.
    # With sizes 4, 7 the order is 7, 4: 4 does not fit beside 7, so hosts have free 3 and 6; a 2 goes to the first by
    # both. Best fit differs where a later host is fuller: 6, 5, 5 leave 4 and 0; nothing fits the second.
    problem = problem_of([(6, 0), (8, 0), (2, 0), (1, 0)], limit=((10, 10),))
    # 8 and 6 leave 2 and 4; the 2 fills the first, the 1 goes to the second: two hosts, by both
    for pack in (greedy.first_fit, greedy.best_fit):
        assert pack(problem).host_of.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("pack", PEERS)
def test_replicas_keep_apart(pack):
    # three instances, one a host at most: three hosts although one would hold them
    problem = problem_of([(1, 1)], [3], most=[1])
    answer = pack(problem)
    assert faults_of(problem, answer) == []
    assert cost_of(problem, answer) == 3


@pytest.mark.parametrize("pack", PEERS)
@pytest.mark.parametrize("rule", [(0, 1, 0), (1, 0, 0)])
def test_services_that_never_meet(pack, rule):
    # room for all on one host, but the rule parts 0 and 1, whichever of them states it
    problem = problem_of([(2, 2), (2, 2), (1, 1)], rules=[rule])
    answer = pack(problem)
    assert faults_of(problem, answer) == []
    assert cost_of(problem, answer) == 2


@pytest.mark.parametrize("pack", PEERS)
def test_at_most_one_of_four_beside_another(pack):
    # a host with service 0 takes one instance of service 1: the other three share a second host
    problem = problem_of([(2, 2), (1, 1)], [1, 4], rules=[(0, 1, 1)])
    answer = pack(problem)
    assert faults_of(problem, answer) == []
    assert cost_of(problem, answer) == 2


@pytest.mark.parametrize("pack", PEERS)
def test_hosts_in_stock(pack):
    # one host of 10 for 5, two of 4 for 3: 8 + 4 of demand need the first and one of the others
    problem = problem_of([(8, 8), (4, 4)], limit=((10, 10), (4, 4)), price=(5, 3), stock=(1, 2))
    answer = pack(problem)
    assert faults_of(problem, answer) == []
    assert cost_of(problem, answer) == 8


def test_the_plain_model_proves_its_optimum():
    problem = problem_of([(6, 1), (6, 1), (6, 1)])  # no two fit together
    answer = assignment_model.solve(problem, 20.0)
    assert answer.note == "proved optimal"
    assert answer.bound_micros == 3


def test_every_fault_is_found():
    problem = problem_of([(6, 6), (5, 5), (1, 1)], [1, 1, 2], most=[1, 1, 1], stock=(3,), rules=[(0, 2, 0)])
    valid = Answer(np.array([0, 0, 0]), np.array([0, 1, 1, 2]), 0.0)
    assert faults_of(problem, valid) == []

    def put(*host_of: int) -> list[str]:
        return faults_of(problem, dataclasses.replace(valid, host_of=np.array(host_of)))

    assert put(0, 1, 1) == ["3 instances instead of 4"]
    assert put(0, 1, 1, -1) == ["an instance stands on no host"]
    assert put(0, 1, 1, 3) == ["an instance stands on no host"]
    assert put(0, 0, 1, 2) == ["1 hosts are over a limit"]  # 6 + 5 > 10
    assert put(0, 1, 1, 1) == ["1 times more instances of a service on a host than allowed"]
    assert put(0, 1, 0, 2) == ["1 rules are broken"]
    short = dataclasses.replace(problem, stock=np.array([2]))
    assert faults_of(short, valid) == ["more hosts of a class than there are"]


def test_empty_hosts_cost_nothing():
    problem = problem_of([(1, 1)], price=(7,))
    assert cost_of(problem, Answer(np.array([0, 0]), np.array([1]), 0.0)) == 7


def test_files_keep_problem_and_answer(tmp_path):
    problem = problem_of([(2, 3)], [4], rules=[])
    problem.write(tmp_path / "problem.npz")
    read = Problem.read(tmp_path / "problem.npz")
    for field in dataclasses.fields(Problem):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(problem, field.name))
    answer = greedy.first_fit(problem)
    answer.write(tmp_path / "answer.npz")
    assert Answer.read(tmp_path / "answer.npz").host_of.tolist() == answer.host_of.tolist()
