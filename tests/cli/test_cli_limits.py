"""The plan command's limits and modes with real processes and real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "engine"))

from hard_fleets import write_hard_fleet  # noqa: E402

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "80"}

ON_ONE_CORE = (
    sys.executable,
    "-c",
    "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); os.execv(sys.argv[1], sys.argv[1:])",
)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "placement", *map(str, arguments)]


def run(*arguments: object, prefix: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, *command(*arguments)], capture_output=True, text=True, env={**ENVIRONMENT, **more}, check=False
    )


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def settings_of(folder: Path) -> dict[str, object]:
    return json.loads((folder / "plan.json").read_text())["settings"]


def interrupted_at(start: str, *arguments: object) -> tuple[int, str]:
    """Run a command, send Ctrl-C to it and its processes as a terminal does when a line starts so."""
    process = subprocess.Popen(
        command(*arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if line.startswith(start):
            break
    else:
        pytest.fail(f"no line starts with {start!r}:\n{seen}")
    os.killpg(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=180)
    assert not processes_of_group(process.pid)
    return process.returncode, seen + rest


def processes_of_group(group: int) -> list[str]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
        left = [
            line
            for line in listed.splitlines()
            if line.split()[0] == str(group) and not line.split()[1].startswith("Z")
        ]
        if not left:
            return []
        time.sleep(0.2)
    return left


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_after_a_first_packing_leaves_a_checked_plan(tmp_path, workers):
    fleet = write_hard_fleet(tmp_path / "fleet", 12_000, 2)
    code, words = interrupted_at("valid", "plan", fleet, "-o", tmp_path / "plan", "--workers", workers)
    assert code == 0, words
    assert "interrupted: finishing with the best plan so far" in words
    assert "interrupted: the best plan found so far was verified and written" in words
    assert "Traceback" not in words
    assert settings_of(tmp_path / "plan")["interrupted"] is True
    assert settings_of(tmp_path / "plan")["mode"] == "timed"
    assert run("check", tmp_path / "plan", "--fleet", fleet).returncode == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_before_a_first_packing_writes_nothing_and_says_so(tmp_path, workers):
    fleet = write_hard_fleet(tmp_path / "fleet", 12_000, 2)
    code, words = interrupted_at("bound", "plan", fleet, "-o", tmp_path / "plan", "--workers", workers)
    assert code == 1, words
    assert "interrupted: there was no plan yet, nothing was written" in words
    assert "Traceback" not in words
    assert not (tmp_path / "plan").exists()


def test_a_time_limit_holds_for_the_whole_command_and_leaves_a_checked_plan(tmp_path):
    assert run("generate", "--services", 30_000, "-o", tmp_path / "fleet", "-q").returncode == 0
    start = time.monotonic()
    made = run("plan", tmp_path / "fleet", "-o", tmp_path / "plan", "--time-limit", 3)
    seconds = time.monotonic() - start
    assert made.returncode == 0, made.stderr
    assert run("check", tmp_path / "plan", "--fleet", tmp_path / "fleet").returncode == 0
    # reading, compiling and the first packing are not optional; the rest is, and a busy machine takes its share
    assert seconds < 60


def test_a_gap_given_on_the_command_line_is_kept(tmp_path):
    fleet = write_hard_fleet(tmp_path / "fleet", 1_000)
    assert run("plan", fleet, "-o", tmp_path / "plan", "--gap", 0.5, "-q").returncode == 0
    plan = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert plan["settings"]["target_gap"] == 0.5
    assert plan["cost"]["gap"] <= 0.5


def test_cores_and_threads_do_not_change_the_plan(tmp_path):
    # more than 10,000 different demands: from there on BLAS adds up in threads
    made = run(
        "generate", "--services", 24_000, "--demands", "measured", "--regions", 2, "-o", tmp_path / "fleet", "-q"
    )
    assert made.returncode == 0
    description = tmp_path / "fleet" / "fleet.yaml"
    description.write_text(f"{description.read_text()}policy: {{pools: [services]}}\n")
    plans = []
    for name, prefix, threads, workers in (
        ("one", ON_ONE_CORE, "1", "1"),
        ("two", (), "2", "1"),
        ("three", (), "8", "2"),
    ):
        variables = {f"{library}_NUM_THREADS": threads for library in ("OMP", "OPENBLAS", "NUMBA")}
        done = run(
            "plan", tmp_path / "fleet", "-o", tmp_path / name, "-q", "--workers", workers, prefix=prefix, **variables
        )
        assert done.returncode == 0, done.stderr
        plans.append(bytes_of(tmp_path / name))
    assert plans[0] == plans[1] == plans[2]


def test_fast_is_marked_in_the_plan(tmp_path):
    fleet = ROOT / "fixtures" / "tiny-mix"
    assert run("plan", fleet, "-o", tmp_path / "plan", "--mode", "fast", "-q").returncode == 0
    assert settings_of(tmp_path / "plan")["mode"] == "fast"
    assert run("check", tmp_path / "plan", "--fleet", fleet).returncode == 0
