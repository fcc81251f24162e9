"""``placement size`` as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from placement.cli.app import run as run_here

ROOT = Path(__file__).parents[2]


def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "80", **more}
    return subprocess.run(
        [sys.executable, "-m", "placement", "size", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("services", [1, 49, 4_999, 100_000, 10_000_000])
def test_the_view_has_80_columns_and_no_colour(services: int) -> None:
    result = run("--services", services)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert "\x1b" not in result.stdout


def test_the_view_of_the_guides_example() -> None:
    shown = words(run("--services", 100_000).stdout)
    for text in (
        "the guide prints 8,403 + 500 = 8,903; its formula gives 8,404 + 421 = 8,825; "
        "a plan's rule 4,546 + 228 = 4,774",
        "guide medium 15-20 8,573 7,501-10,001 3,292.03 28,838,200",
        "plan medium 22 4,774 1,833.22 16,058,972",
        "7.2/21.6/36 TB/day",
        "333,333 datapoints/s",
        "next: none in the guide",
        "Where the guide is off",
        "none ever measured",
    ):
        assert text in shown


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" in run("--services", 49, NO_COLOR="", FORCE_COLOR="1").stdout
    assert "\x1b[3" not in run("--services", 49, NO_COLOR="1", FORCE_COLOR="1").stdout


def test_quiet_leaves_out_the_notes() -> None:
    shown = run("--services", 49, "--quiet").stdout
    assert "plan   medium" in shown
    assert "Where the guide is off" not in shown
    assert "estimates" not in shown


def test_json() -> None:
    result = run(
        "--services", 5_000, "--json", "--size", "large", "--size", "small", "--size", "large",
        "--instances-per-service", "1.5", "--override", "hosts.formula.spare_share=0.1",
    )  # fmt: skip
    data = json.loads(result.stdout)
    assert data["format"] == "placement/size/1"
    assert (data["services"], data["instances"]) == (5_000, 7_500)
    assert [row["size"] for row in data["hosts"]["sizes"]] == ["large", "small"]
    # 7,500 / 44 = 170.5 → 171, 10 % of it 17.1 → 18
    assert data["hosts"]["sizes"][0]["by_plan"]["total_hosts"]["typical"] == 189
    figures = {figure["path"]: figure for figure in data["figures"]}
    assert figures["hosts.formula.spare_share"]["source"] == "override"
    assert data["num_estimates"] == len(figures)


def test_overlay_and_overrides_on_top(tmp_path: Path) -> None:
    overlay = tmp_path / "ours.yaml"
    overlay.write_text("hosts.formula: {spare_share: 0.2, headroom: 0.5}\ndefaults.price_list: aws-us-east-1-m7i\n")
    made = run(
        "--services", 1_000, "--json", "--overlay", overlay, "--override", "hosts.formula.spare_share=0",
        "--override", "services.profiles.typical.cpu_cores={low: 0.4, high: 0.5}",
    )  # fmt: skip
    data = json.loads(made.stdout)
    medium = data["hosts"]["sizes"][1]["by_plan"]
    assert medium["spare_hosts"]["typical"] == 0
    assert medium["services_per_host"]["low"] == 16  # 8 × 2 × 0.5 / 0.5
    assert medium["services_per_host"]["high"] == 20
    assert data["hosts"]["price_list"] == "aws-us-east-1-m7i"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--services", "0"], ["--services: too small: '0'"]),
        (["--services", "-5"], ["--services: too small: '-5'"]),
        (["--services", "10000001"], ["--services: too large"]),
        (["--services", "9" * 5_000], ["--services: too large"]),
        (["--services", "1e5"], ["--services: not a whole number: '1e5'"]),
        (["--services", "nan"], ["not a whole number"]),
        (["--services", "٣"], ["not a whole number"]),
        (["--services", "10", "--instances-per-service", "0.5"], ["--instances-per-service: too small"]),
        (["--services", "10", "--instances-per-service", "inf"], ["--instances-per-service: not a number"]),
        (["--services", "10", "--profile", "typcal"], ["--profile", "did you mean 'typical'"]),
        (["--services", "10", "--size", "medum"], ["--size", "did you mean 'medium'"]),
        (["--services", "10", "--model", "rithmxo"], ["no such capacity model", "did you mean 'rithmxo-1.0'"]),
        (["--services", "10", "--override", "foo"], ["--override: not a change of a number: 'foo'"]),
        (["--services", "10", "--override", "a=["], ["--override a: not YAML"]),
        (["--services", "10", "--override", "hosts.formula.headrom=0.7"], ["headrom", "did you mean 'headroom'"]),
        (["--services", "10", "--override", "hosts.formula.headroom=2"], ["hosts.formula.headroom"]),
        (["--services", "10", "--overlay", "nowhere.yaml"], ["cannot be read"]),
        (["--services", "ten", "--profile", "x", "--size", "y", "--size", "z", "--override", "q"],
         ["--services", "--profile", "'y'", "'z'", "--override"]),
        ([], ["--services"]),
    ],
)  # fmt: skip
def test_bad_input_exits_2_and_names_every_problem(
    arguments: list[str], named: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        run_here(["size", *arguments])
    assert raised.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    for text in named:
        assert text in err


def test_bad_input_as_json() -> None:
    result = run("--services", 0, "--size", "huge", "--json")
    assert result.returncode == 2
    assert [problem["column"] for problem in json.loads(result.stdout)["problems"]] == ["--services", "--size"]


def test_schema() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "placement", "schema", "size"],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    schema = json.loads(shown.stdout)
    made = json.loads(run("--services", 10, "--json").stdout)
    assert set(schema["required"]) == set(made)
