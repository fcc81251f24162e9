"""Registry, records, tables and pictures: on figures made up here, nothing is timed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import cases, measure, pictures, report, results
from benchmarks.peers import compare
from benchmarks.registry import BY_NAME, CASES, Case, Target
from benchmarks.results import Recorder


def figures(**changes: object) -> dict[str, object]:
    usual = {
        "status": "ok", "services": 10, "instances": 20, "hosts": 5, "cost": 101.0, "bound": 100.0, "gap": 0.01,
        "wall_s": 5.0, "user_s": 7.0, "peak_mb": 400, "check_s": 1.0, "check_peak_mb": 200, "repeat": 1,
    }  # fmt: skip
    return usual | changes


def a_run(folder: Path, name: str, *records: tuple[str, str, dict[str, object]], note: str = "") -> results.Run:
    recorder = Recorder(folder / f"{name}.jsonl", note)
    for kind, case, record in records:
        recorder.add(kind, case, **record)
    return results.read(recorder.path)


# --- registry ---------------------------------------------------------------------------------------------------


def test_names_are_unique_and_purposes_stated():
    assert len(BY_NAME) == len(CASES)
    assert all(case.purpose for case in CASES)
    assert any(case.is_short for case in CASES)
    assert not any(case.is_short and case.needs_data for case in CASES)


def test_aims_are_beyond_what_is_asked():
    for case in CASES:
        for asked, aim in (
            (case.asked.gap, case.aim.gap),
            (case.asked.seconds, case.aim.seconds),
            (case.asked.gigabytes, case.aim.gigabytes),
        ):
            assert asked is None or aim is None or aim < asked, case.name


def test_ladders_grow_and_named_cases_exist():
    rungs = [case.ladder[1] for case in CASES if case.ladder is not None]
    assert sorted(rungs) == [10_000, 30_000, 100_000, 300_000, 1_000_000]
    assert {case.dial[0] for case in CASES if case.dial is not None} == {"sigma", "mean_instances", "rules_density"}
    from benchmarks import trace

    assert {*compare.FLEETS, *trace.CASES, *report.HISTORY} <= set(BY_NAME)


def test_short_fleets_are_written_and_planned(tmp_path):
    case = BY_NAME["fifty"]
    fleet = cases.prepare(case, tmp_path, None)
    found = cases.plan_and_check(case, fleet)
    assert found["status"] == "ok"
    assert (found["services"], found["gap"]) == (50, 0.0)
    assert found["cost"] == found["bound"]
    assert not (tmp_path / "fifty.plan").exists()


# --- measuring --------------------------------------------------------------------------------------------------


def test_a_command_is_measured(tmp_path):
    log = tmp_path / "log"
    usage = measure.run([sys.executable, "-c", "print('a'); print('see /root/here/x.py'); exit(3)"], log=log)
    assert (usage.exit_code, usage.timed_out) == (3, False)
    assert usage.peak_mb > 1
    assert measure.last_line(log) == "see …"


def test_a_command_that_takes_too_long_is_killed():
    usage = measure.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.5)
    assert usage.timed_out
    assert usage.exit_code == -9
    assert usage.wall_s < 30


@pytest.mark.parametrize(
    ("asked", "found", "missed"),
    [
        (Target(0.01, 5, 0.4), {}, []),
        (Target(0.009), {}, ["gap 1.0000% > 0.90%"]),
        (Target(seconds=4), {}, ["5 s > 4 s"]),
        (Target(gigabytes=0.3), {}, ["400 MB > 0.3 GB"]),
        (Target(over_bound=1), {}, []),
        (Target(over_bound=1), {"cost": 102.0}, ["2 hosts over the bound > 1"]),
        (Target(cost_below=101), {}, ["cost 101 ≥ 101"]),
        (Target(moves=1.1), {"moved": 110, "forced": 100}, []),
        (Target(moves=1.1), {"moved": 111, "forced": 100}, ["111 moves > 1.1 x 100"]),
        (Target(waves_seconds=60), {"waves_s": 61.0}, ["61 s for the steps > 60 s"]),
        (Target(), {"status": "plan: exit code 2"}, ["plan: exit code 2"]),
    ],
)
def test_what_was_missed(asked, found, missed):
    assert cases.missed(Case("x", "x", lambda *_: None, asked), figures(**found)) == missed


# --- records ----------------------------------------------------------------------------------------------------


def test_a_run_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "one.jsonl"
    Recorder(path, "first").add("case", "fifty", **figures())
    later = Recorder(path)
    assert later.has("case", "fifty")
    assert not later.has("case", "tclab")
    assert not Recorder(path, again=True).has("case", "fifty")
    later.add("case", "fifty", **figures(wall_s=4.0))
    run = results.read(path)
    assert (run.name, run.head["note"], len(run.records)) == ("one", "first", 2)
    assert [record["wall_s"] for record in run.of_kind("case")] == [4.0]  # the later one counts


def test_a_record_names_no_machine_and_no_folder(tmp_path):
    import getpass
    import platform

    head = (tmp_path / "one.jsonl", Recorder(tmp_path / "one.jsonl"))[0].read_text()
    assert platform.node() not in head
    assert str(Path.home()) not in head
    assert f'"{getpass.getuser()}"' not in head
    assert '"python"' in head


def test_a_file_without_its_machine_is_refused(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"kind": "case", "case": "fifty"}\n')
    with pytest.raises(ValueError, match="first line"):
        results.read(tmp_path / "x.jsonl")


# --- tables and pictures ----------------------------------------------------------------------------------------


def all_kinds(folder: Path) -> list[results.Run]:
    peer = {"status": "ok", "seconds": 2.0, "peak_mb": 100, "hosts": 5, "wall_s": 3.0}
    sample = {"solved": [0, 2], "hosts_each": [3, None, 4], "hosts": 7}
    a_run(folder, "2026-01-01", ("case", "fifty", figures(wall_s=9.0)), note="the beginning")
    vector = {
        "instances": 4, "failed": 0, "worse": 0, "better": 1, "with_optimum": 2, "reached": 2, "proved": 3,
        "proved_with_optimum": 2, "hosts": 10, "best_published_hosts": 11, "seconds_mean": 1.0, "seconds_most": 2.5,
        "late": 0, "contradictions": [],
    }  # fmt: skip
    a_run(
        folder,
        "2026-01-02",
        ("case", "fifty", figures(cost=100.0, gap=0.0, wall_s=2.0)),
        ("case", "measured-10k", figures(services=10_000, user_s=10.0)),
        ("case", "measured-30k", figures(services=30_000, user_s=20.0, peak_mb=800)),
        ("case", "tclab", {"status": "stopped after 1800 s"}),
        *(("vectorpack", name, vector) for name in ("new", "panigrahy", "triplet")),
        ("peer", "tclab", peer | {"peer": "placement", "cost": 102.0, "bound": 100.0}),
        ("peer", "tclab", peer | {"peer": "first-fit", "cost": 110.0, "seconds": 1.0}),
        ("peer", "tclab", {"peer": "cp-sat", "status": "out of memory (8 GB)", "peak_mb": 8000}),
        ("peer", compare.SAMPLE, peer | {"peer": "placement", "cost": 12.0, "bound_each": [3.0, 4.0, 4.0]}),
        ("peer", compare.SAMPLE, peer | sample | {"peer": "vpsolver", "cost": 7.7, "status": "1 of 3: no answer"}),
        ("trace", "tclab", {"points": [[1.0, 1200, 1000], [2.0, 1000, 1000]]}),
        note="faster",
    )
    return results.read_all(folder)


def test_tables(tmp_path):
    runs = all_kinds(tmp_path)
    text = "\n".join(report.of_run(run) for run in runs[1:])
    assert "| fifty | ✓ | 10 | 100.000 | 100.000 | 0.0000% (0.00%) | 2.0 (5) |" in text
    assert "| tclab | ✗ |  |  |  | stopped after 1800 s |" in text
    # 30,000 against 10,000: three times the fleet, twice the CPU, twice the memory
    assert "| 30,000 | 1.0000% | 5.0 | 20 | 800 | ×3.0 | ×2.0 | ×2.0 |" in text
    assert "| all | 12 | 0 | 0 | 3 | 6 of 6 (100.0%) | 9 (100.0%) | 30 / 33 | 1.0 / 2.5 | 0 |" in text
    # first fit: 110 against our bound of 100, half of our seconds
    assert "| first-fit | 110.000 | 10.000% | 1.00 | ×0.50 | 100 |  |" in text
    assert "| cp-sat |  |  |  |  | 8,000 | out of memory (8 GB) |" in text
    # solved the first and the third, whose bounds are 3 and 4: 7.7 against 7
    assert "| vpsolver | 7.700 | 10.000% | 2.00 | ×1.00 | 100 | 1 of 3: no answer |" in text


def test_the_report_is_written_with_its_pictures_and_history(tmp_path):
    runs = all_kinds(tmp_path / "runs")
    (tmp_path / "benchmarks").mkdir()
    report.write(runs, tmp_path)
    text = (tmp_path / "benchmarks" / "RESULTS.md").read_text()
    names = [path.name for path in sorted((tmp_path / "docs" / "img").iterdir())]
    assert names == ["bench-gap-over-time.svg", "bench-quality-against-peers.svg", "bench-time-over-size.svg"]
    assert all(f"../docs/img/{name}" in text for name in names)
    assert "| 2026-01-01 | the beginning |" in text
    assert "| 2026-01-02 | faster |" in text


def test_the_same_figures_draw_the_same_bytes(tmp_path):
    runs = all_kinds(tmp_path / "runs")
    for folder in ("once", "again"):
        pictures.draw(runs, tmp_path / folder)
    for path in (tmp_path / "once").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_the_kept_runs_can_be_read():
    runs = results.read_all()
    assert runs
    assert runs[0].name == "2026-11-23"
