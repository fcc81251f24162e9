"""The command line as users run it: exit codes, streams, files, interruption."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = ROOT / "fixtures" / "tiny-mix"


def run(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "placement", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        **options,
    )


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_help_lists_the_commands_and_loads_no_solver():
    result = run("--help")
    assert result.returncode == 0
    for command in ("plan", "check", "generate", "model", "schema"):
        assert command in result.stdout
    code = "import sys; from placement.cli import app; print(sorted({'ortools', 'polars', 'numba'} & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert loaded.stdout.strip() == "[]"


def test_plan_then_check(tmp_path):
    made = run("plan", TINY, "-o", tmp_path / "plan")
    assert made.returncode == 0, made.stderr
    assert "cost" in made.stdout
    assert "bound" in made.stderr
    assert all(len(line) <= 80 for line in made.stdout.splitlines())
    checked = run("check", tmp_path / "plan", "--fleet", TINY)
    assert checked.returncode == 0
    assert "clean" in checked.stdout


def test_json_is_all_of_stdout_and_agrees_with_the_file(tmp_path):
    made = run("plan", TINY, "-o", tmp_path / "plan", "--json")
    assert json.loads(made.stdout) == json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert made.stderr == ""


def test_same_input_and_seed_same_bytes(tmp_path):
    for name in ("one", "two"):
        assert run("plan", TINY, "-o", tmp_path / name, "--seed", 3, "--quiet").returncode == 0
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")


def test_parquet_tables(tmp_path):
    assert run("plan", TINY, "-o", tmp_path / "plan", "--format", "parquet", "-q").returncode == 0
    assert (tmp_path / "plan" / "assignments.parquet").exists()
    assert run("check", tmp_path / "plan", "--fleet", TINY).returncode == 0


def test_a_broken_plan_exits_1_and_names_the_rule(tmp_path):
    run("plan", TINY, "-o", tmp_path / "plan", "-q")
    file = tmp_path / "plan" / "assignments.csv"
    rows = file.read_text().splitlines()
    file.write_text("\n".join(rows[:-1]) + "\n")
    result = run("check", tmp_path / "plan", "--fleet", TINY, "--json")
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert not report["clean"]
    assert any(finding["kind"] == "instance-missing" for finding in report["findings"]), report


def test_no_plan_exits_1_with_reasons(tmp_path):
    result = run("plan", ROOT / "fixtures" / "tiny-infeasible-large", "-o", tmp_path / "plan", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["reasons"][0]["kind"] == "too-large"
    assert not (tmp_path / "plan").exists()
    words = run("plan", ROOT / "fixtures" / "tiny-infeasible-large", "-o", tmp_path / "plan")
    assert "no plan exists" in words.stderr
    assert "Traceback" not in words.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan"],
        ["plan", "nowhere", "-o", "x"],
        ["plan", str(TINY), "-o", "x", "--format", "xlsx"],
        ["plan", str(TINY), "-o", "x", "--time-limit", "-3"],
        ["plan", str(TINY), "-o", "x", "--mode", "quick"],
        ["plan", str(TINY), "-o", "x", "--workers", "0"],
        ["plan", str(TINY), "-o", "x", "--executor", "slurm"],
        ["plan", str(TINY), "-o", "x", "--executor", "local:4"],
        ["check", "nowhere"],
        ["schema", "fleat"],
        ["model", "show", "no-such-model"],
        ["generate", "--services", "0", "-o", "x"],
        ["plam"],
    ],
)
def test_wrong_usage_exits_2_without_a_traceback(arguments, tmp_path):
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stderr
    assert not list(tmp_path.iterdir())


def test_schema_suggests_the_nearest_name():
    assert "did you mean 'fleet'" in run("schema", "fleat").stderr
    assert json.loads(run("schema", "fleet").stdout)["title"]
