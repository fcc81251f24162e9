"""Tasks in this process and in others: results, reports, the wish to stop, deaths."""

from __future__ import annotations

import importlib.util
import os
import time

import engine_tasks
import pytest

from placement.errors import InputError, InternalError
from placement.executor import Task, check_executor, num_cores, run_tasks


def tasks(function, payloads):
    return [Task(f"task {n}", function, lambda _slots, p=p: p) for n, p in enumerate(payloads)]


def run(function, payloads, *, workers, report=lambda *_: None, stop=lambda: False):
    return run_tasks(tasks(function, payloads), executor="local", workers=workers, report=report, stop=stop)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks_and_reports_with_their_number(workers):
    told = []
    results = run(engine_tasks.double, [3, 1, 2], workers=workers, report=lambda *what: told.append(what))
    assert results == [6, 2, 4]
    assert sorted(told) == [(0, "doubling 3"), (1, "doubling 1"), (2, "doubling 2")]


def test_one_worker_is_this_process_and_two_are_others():
    assert {pid for pid, _ in run(engine_tasks.where, [0, 0], workers=1)} == {os.getpid()}
    others = run(engine_tasks.where, [0, 0], workers=2)
    assert os.getpid() not in {pid for pid, _ in others}
    assert len({pid for pid, _ in others}) == 2
    assert {cores for _, cores in others} == {max(1, num_cores() // 2)}  # they share the cores


def test_no_task_no_process():
    assert run(engine_tasks.double, [], workers=2) == []


def test_a_task_learns_how_many_run_at_a_time():
    given = []
    made = [Task("t", engine_tasks.double, lambda slots: given.append(slots) or slots) for _ in range(3)]
    run_tasks(made, executor="local", workers=2, report=lambda *_: None, stop=lambda: False)
    assert given == [2, 2, 2]


@pytest.mark.parametrize("workers", [1, 2])
def test_stop_reaches_running_tasks_and_those_that_begin_later(workers):
    told = []
    results = run(
        engine_tasks.until_stopped,
        [0, 0, 0],
        workers=workers,
        report=lambda *what: told.append(what),
        stop=lambda: bool(told),
    )
    assert results == ["stopped"] * 3


def test_a_killed_process_is_named_and_the_others_do_not_go_on():
    start = time.monotonic()
    with pytest.raises(InternalError, match=r"^task 1: the process that planned it died"):
        run(engine_tasks.killed_where_odd, [0, 1], workers=2)
    assert time.monotonic() - start < 40  # task 0 alone would go on for 60 seconds


def test_a_fault_in_a_task_is_named():
    with pytest.raises(InternalError, match=r"^task [01]: ZeroDivisionError: by zero"):
        run(engine_tasks.faulty, [0, 0], workers=2)


def test_an_exception_in_this_process_ends_the_others_at_once():
    def interrupted():
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(engine_tasks.until_stopped, [0, 0], workers=2, stop=interrupted)
    assert time.monotonic() - start < 40


@pytest.mark.parametrize(
    ("executor", "suggestion"), [("dusk", "dask"), ("local:8", ""), ("", ""), ("tcp://host:8786", "")]
)
def test_unknown_executors_are_refused(executor, suggestion):
    with pytest.raises(InputError) as caught:
        run_tasks(tasks(engine_tasks.double, [1]), executor=executor, workers=1, report=print, stop=bool)
    (problem,) = caught.value.problems
    assert (problem.column, problem.suggestion) == ("--executor", suggestion)


@pytest.mark.parametrize("executor", ["dask", "ray", "dask:tcp://127.0.0.1:1"])
def test_a_missing_extra_is_named(executor, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    name = executor.partition(":")[0]
    with pytest.raises(InputError, match=rf"pip install 'placement\[{name}\]'"):
        check_executor(executor)
