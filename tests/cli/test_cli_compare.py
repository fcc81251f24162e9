"""``placement compare`` as users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from placement.cli.app import run as run_here
from placement.compare.types import Comparison, comparison_schema

ROOT = Path(__file__).parents[2]
TINY = ROOT / "fixtures" / "tiny-mix"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run the command in this process: starting Python takes longer than planning two services."""
    with pytest.raises(SystemExit) as ended:
        run_here(["compare", *map(str, arguments)])
    shown = capsys.readouterr()
    code = ended.value.code
    return (0 if code is None else int(code)), shown.out, shown.err


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def test_the_table_ranks_mixes_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, TINY, "--mix", "singles", "--mix", "all", "--sensitivity", "--samples", "2")
    assert code == 0
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    rows = [line.split()[:2] for line in lines if line.startswith(("all ", "compute ", "memory "))][:3]
    assert rows == [["all", "0.700"], ["compute", "0.900"], ["memory", "1.200"]]
    for text in ("undominated", "a point more saves", "least mean regret: all"):
        assert text in out
    assert "planning all" in err


def test_json_and_file_and_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = tmp_path / "new" / "comparison.json"
    arguments = (TINY, "--mix", "all", "--no-rules", "--json", "-o", made, "--plots", tmp_path / "plots")
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert Comparison.model_validate(data).to_dict() == data
    assert set(data) <= set(comparison_schema()["properties"])
    assert json.loads(made.read_text(encoding="utf-8")) == data
    names = {file.name for file in (tmp_path / "plots").iterdir()}
    assert names == {f"compare-{name}.{ending}" for name in ("cost", "use", "fronts") for ending in ("png", "svg")}


def test_no_mix_that_holds_the_fleet_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, ROOT / "fixtures" / "tiny-infeasible-large", "--mix", "small", "--mix", "all")
    assert code == 1
    assert "all: cannot hold the fleet" in out
    assert "one instance needs" in out


def test_everything_wrong_is_said_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(
        capsys, TINY, "--mix", "comput", "--headroom", "2", "--samples", "-1", "--spread", "x", "--databases",
        "cluster", "--prices", "nix", "--pool", "service", "--executor", "cloud", "--time-limit", "0", "-o", tmp_path,
        "--model", "rithmxo",
    )  # fmt: skip
    assert code == 2
    for text in (
        "did you mean 'compute'", "--headroom: too large", "--samples: too small", "--spread: not a number",
        "did you mean 'clusters'", "'nix'", "did you mean 'services'", "--executor", "--time-limit",
        "a folder, not a file", "'rithmxo'",
    ):  # fmt: skip
        assert text in err, text
    assert "Traceback" not in err


def test_a_table_of_prices_that_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = tmp_path / "prices.csv"
    table.write_text("size,price_per_hour\ncompute,-1\nmemry,2\n")
    code, _, err = run(capsys, TINY, "--prices", table)
    assert code == 2
    assert "price_per_hour" in err
    code, _, err = run(capsys, TINY, "--prices", tmp_path / "none.csv")
    assert code == 2
    assert "none.csv" in err
