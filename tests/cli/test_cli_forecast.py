"""``placement forecast`` as users run it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from placement.cli.app import run as run_here
from placement.forecast.types import ORDERS_SCHEMA, Forecast, forecast_schema

ROOT = Path(__file__).parents[2]
TINY = ROOT / "fixtures" / "tiny-replicas"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run the command in this process: starting Python takes longer than planning two services."""
    with pytest.raises(SystemExit) as ended:
        run_here(["forecast", *map(str, arguments)])
    shown = capsys.readouterr()
    code = ended.value.code
    return (0 if code is None else int(code)), shown.out, shown.err


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def test_the_view_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, TINY, "--years", "1", "--growth", "50:100:200", "--start", "2026-01-01")
    assert code == 0
    assert all(len(line) <= 80 for line in out.splitlines())
    # two services, 100 % a year: four; 3 small and a spare now, 0.768 × 730 = 560.64
    assert "4 small" in out
    first = next(line.split() for line in out.splitlines() if line.startswith("2026-01 "))
    assert first[:4] == ["2026-01", "2", "4", "561"]
    assert "growth, % a year, low/typical/high: all 50/100/200" in out
    assert "planning" in err


def test_json_orders_and_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = (
        TINY, "--years", "0.5", "--samples", "20", "--start", "2026-01-31", "--json", "-o", tmp_path / "forecast.json",
        "--orders", tmp_path / "orders.csv", "--plots", tmp_path / "plots",
    )  # fmt: skip
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert Forecast.model_validate(data).to_dict() == data
    assert set(data) <= set(forecast_schema()["properties"])
    assert json.loads((tmp_path / "forecast.json").read_text(encoding="utf-8")) == data
    orders = pl.read_csv(tmp_path / "orders.csv")
    assert orders.columns == list(ORDERS_SCHEMA)
    assert orders.height == len(data["orders"])
    names = {file.name for file in (tmp_path / "plots").iterdir()}
    assert {"forecast-services.png", "forecast-hosts.svg", "forecast-cost.png", "forecast-orders.svg"} <= names


def test_everything_wrong_is_said_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(
        capsys, TINY, "--years", "0", "--growth", "-5", "--growth", "nodomain=1", "--samples", "x", "--start",
        "2026-13-01", "--orders-for", "most", "--executor", "cloud", "--orders", tmp_path,
    )  # fmt: skip
    assert code == 2
    for text in (
        "--years: too small", "negative growth", "no such domain", "--samples: not a whole number",
        "--start: not a date", "--orders-for", "--executor", "a folder, not a file",
    ):  # fmt: skip
        assert text in err, text
    code, _, err = run(capsys, TINY, "--services", "5")
    assert code == 2
    assert "one of them" in err
    code, _, err = run(capsys, "--services", "-5", "--growth", "30:20:10")
    assert code == 2
    assert "too small" in err
    assert "contradictory range" in err


def test_no_plan_at_some_size_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, ROOT / "fixtures" / "tiny-infeasible-large", "--years", "0.1")
    assert code == 1
    assert "no plan exists" in err
    assert " services: " in err
