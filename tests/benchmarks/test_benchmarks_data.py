"""Readers of public data, on instances small enough to work out by hand."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from benchmarks import cloud, vectorpack
from benchmarks.peers.export import from_pool
from placement import place
from placement.fleet import read_fleet
from placement.instance import build_problems

# two resources, capacity 10 and 20; item (6, 5) twice, (4, 10) once, and (6, 5) once more in a line of its own
TEXT = "2\n10 20\n3\n6 5 2\n4 10 1\n6 5 1\n"


def test_vectorpack_is_read_as_it_stands():
    instance = vectorpack.parse("new", "tiny", TEXT)
    assert instance.capacity.tolist() == [10, 20]
    assert instance.size.tolist() == [[6, 5], [4, 10], [6, 5]]
    assert instance.count.tolist() == [2, 1, 1]


def test_equal_items_are_the_instances_of_one_service():
    problem = vectorpack.problem_of(vectorpack.parse("new", "tiny", TEXT))
    assert problem.demand.tolist() == [[4, 10], [6, 5]]
    assert problem.instances.tolist() == [1, 3]
    assert problem.max_per_host.tolist() == [1, 3]
    exported = from_pool(problem)
    assert exported.limit.tolist() == [[10, 20]]
    assert exported.price.tolist() == [1_000_000]


def test_vectorpack_packings_are_checked():
    instance = vectorpack.parse("new", "tiny", TEXT)
    # in the order of sizes: (4, 10), then (6, 5) three times; no two of the latter fit 10 together
    assert vectorpack.is_valid(instance, np.array([0, 0, 1, 2]))
    assert not vectorpack.is_valid(instance, np.array([0, 0, 0, 1]))  # 4 + 6 + 6 > 10
    assert not vectorpack.is_valid(instance, np.array([0, 0, 1]))
    assert not vectorpack.is_valid(instance, np.array([0, -1, 1, 2]))


def test_vectorpack_is_solved_to_the_optimum_of_a_tiny_instance():
    row = vectorpack.measure(vectorpack.parse("new", "tiny", TEXT))
    assert (row["status"], row["hosts"], row["bound"]) == ("ok", 3, 3)  # each 6 needs a host of its own


def test_vectorpack_archives_and_what_is_known(tmp_path):
    for name in vectorpack.SETS:
        with tarfile.open(tmp_path / f"{name}.tar.gz", "w:gz") as archive:
            member = tarfile.TarInfo(f"{name}/class1_4_2_0.vbp")
            member.size = len(TEXT)
            archive.addfile(member, io.BytesIO(TEXT.encode()))
    rows = ["set,instance,lower_bound,optimum,best_published,best_first_fit_family", "new,class1_4_2_0,3,,4,4"]
    (tmp_path / "known.csv").write_text("\n".join([*rows, "triplet,class1_4_2_0,3,3,3,4"]) + "\n")
    instances = list(vectorpack.read_instances(tmp_path))
    assert [(x.set_name, x.name) for x in instances] == [(name, "class1_4_2_0") for name in vectorpack.SETS]
    known = vectorpack.read_known(tmp_path)
    assert known["new", "class1_4_2_0"] == vectorpack.Known(3, None, 4)
    assert known["triplet", "class1_4_2_0"] == vectorpack.Known(3, 3, 3)


def test_vectorpack_figures_of_a_set():
    def row(name: str, hosts: int, bound: int, seconds: float = 1.0) -> dict[str, object]:
        return {"set": "new", "instance": name, "status": "ok", "hosts": hosts, "bound": bound, "seconds": seconds}

    known = {
        ("new", "a"): vectorpack.Known(3, 3, 4),  # reached and proved, better than published
        ("new", "b"): vectorpack.Known(3, 4, 5),  # worse than published, too late
        ("new", "c"): vectorpack.Known(3, None, 5),  # as published
        ("new", "d"): vectorpack.Known(3, 3, 3),  # failed
        ("new", "e"): vectorpack.Known(3, 3, 3),  # claims a bound above the optimum
        ("triplet", "a"): vectorpack.Known(9, 9, 9),
    }
    failed = {"set": "new", "instance": "d", "status": "failed: why"}
    found = [row("a", 3, 3), row("b", 6, 3, 21.5), row("c", 5, 4), failed, row("e", 4, 4, 0.5)]
    figures = vectorpack.summarise(known, found, "new")
    assert figures == {
        "instances": 5, "failed": 1, "worse": 2, "better": 1, "with_optimum": 4, "reached": 1, "proved": 2,
        "proved_with_optimum": 1, "hosts": 18, "best_published_hosts": 17, "seconds_mean": 6.0, "seconds_most": 21.5,
        "late": 1, "contradictions": ["e"],
    }  # fmt: skip
    assert vectorpack.shortcomings(known, found) == [
        "new/b: 6 hosts, best known 4, bound 3, worse than published",
        "new/d: failed: why",
        "new/e: 4 hosts, best known 3, bound 4, worse than published",
    ]


def test_cloud_balancing_as_a_fleet(tmp_path):
    def computer(number: int, cpu: int, cost: int) -> dict[str, int]:
        return {"id": number, "cpuPower": cpu, "memory": 8, "networkBandwidth": 6, "cost": cost}

    def process(number: int, cpu: int) -> dict[str, int]:
        return {"id": number, "requiredCpuPower": cpu, "requiredMemory": 4, "requiredNetworkBandwidth": 3}

    instance = {
        "computerList": [computer(0, 10, 900), computer(1, 10, 500), computer(2, 4, 100)],
        "processList": [process(0, 6), process(1, 4), process(2, 4)],
    }
    cloud.write_instance(instance, "tiny", tmp_path)
    fleet = read_fleet(tmp_path)
    (problem,) = build_problems(fleet)
    # capacities are used to the full: cores in millicores, MB, Mbps in kbit/s
    assert sorted(problem.classes.limit[:, [0, 1, 5]].tolist()) == [[4000, 8, 6000], [10000, 8, 6000], [10000, 8, 6000]]
    assert sorted(problem.classes.stock.tolist()) == [1, 1, 1]
    # 6 + 4 fill the computer for 500 (8 MB, 6 Mbps), the other 4 the one for 100
    plan = place(fleet)
    assert plan.summary.cost.per_hour == 600


def test_cloud_balancing_names_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="--data"):
        cloud.write_fleet(200, 600, tmp_path, None)
