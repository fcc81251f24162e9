"""Regions on real local clusters of Dask and of Ray: the same bytes as at home, stops, deaths, wrong addresses."""

from __future__ import annotations

from pathlib import Path

import engine_tasks
import pytest

from placement.engine import Options, place
from placement.errors import InputError, InternalError
from placement.executor import Task, run_tasks
from placement.executor.task import WrongVersions, run_elsewhere, versions
from placement.plan import write_plan

pytestmark = [
    pytest.mark.cluster,
    # Dask and Ray leave sockets and files of theirs to the garbage collector
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
ENGINES = ["dask", "ray"]


@pytest.fixture(autouse=True)
def tasks_on_the_workers_path(monkeypatch):
    """A Ray cluster started here has the environment of this process, but not its sys.path."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def bytes_of(plan, folder):
    write_plan(plan, folder)
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def bytes_here(three_regions, tmp_path_factory):
    """The plan of three regions as one process makes it."""
    return bytes_of(place(three_regions, Options(workers=1)), tmp_path_factory.mktemp("here") / "plan")


@pytest.mark.parametrize("executor", ENGINES)
def test_the_same_bytes_as_in_one_process(three_regions, bytes_here, executor, tmp_path):
    told = []
    there = place(three_regions, Options(executor=executor, workers=2), report=told.append)
    assert bytes_of(there, tmp_path / "there") == bytes_here
    assert told[-1].cost == round(there.summary.cost.per_hour * 1_000_000)
    assert any(progress.num_placed < 3 and progress.bound for progress in told)  # reports come on the way


@pytest.mark.parametrize("executor", ENGINES)
def test_stop_reaches_the_workers(executor):
    told = []
    results = run_tasks(
        [Task(f"task {n}", engine_tasks.until_stopped, lambda _slots: 0) for n in range(3)],
        executor=executor,
        workers=2,
        report=lambda *what: told.append(what),
        stop=lambda: bool(told),
    )
    assert results == ["stopped"] * 3


@pytest.mark.parametrize("executor", ENGINES)
def test_a_task_that_kills_its_workers_is_named(executor):
    with pytest.raises(InternalError, match=r"^task 0: the workers that planned it died"):
        run_tasks(
            [Task("task 0", engine_tasks.killed_where_odd, lambda _slots: 1)],
            executor=executor,
            workers=1,
            report=lambda *_: None,
            stop=lambda: False,
        )


def test_a_running_dask_cluster_is_joined_by_its_address(three_regions, bytes_here, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        there = place(three_regions, Options(executor=f"dask:{cluster.scheduler_address}", workers=None))
    assert bytes_of(there, tmp_path / "there") == bytes_here


@pytest.mark.parametrize("executor", ["dask:tcp://127.0.0.1:1", "ray:127.0.0.1:1"])
def test_a_cluster_that_does_not_answer_is_bad_input(executor):
    with pytest.raises(InputError, match="answers there"):
        run_tasks(
            [Task("task", engine_tasks.double, lambda _slots: 1)],
            executor=executor,
            workers=1,
            report=lambda *_: None,
            stop=lambda: False,
        )


def test_a_worker_with_other_packages_refuses():
    wanted = {**versions(), "ortools": "0.1"}
    answer = run_elsewhere(engine_tasks.double, 1, wanted, 1, lambda _: None, lambda: False)
    assert isinstance(answer, WrongVersions)
    assert str(answer) == f"ortools {versions()['ortools']} instead of 0.1"
    assert run_elsewhere(engine_tasks.double, 1, versions(), 1, lambda _: None, lambda: False) == 2
