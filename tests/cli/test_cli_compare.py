"""``placement compare`` as users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from placement.cli.app import run as run_here
from placement.cli.compare_view import print_comparison
from placement.compare.types import BlastRadius, Comparison, Fronts, MixPlan, Use, comparison_schema
from placement.plan.types import Cost, HostCounts

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


def test_long_names_and_every_resource_stay_within_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    use = {
        name: Use(unit="x", used=50_000, usable=100_000, share=0.5, fullest=1.0)
        for name in ("cpu", "memory", "open_files", "threads", "disk", "network")
    }
    cost = Cost(
        currency="USD", per_hour=98765.432, bound_per_hour=98765.0, gap=0.0123, spare_per_hour=1234.5,
        total_per_hour=99999.999,
    )  # fmt: skip
    mix = MixPlan(
        name="medium+large own-prices.csv headroom=0.75 databases=clusters", sizes=("medium", "large"), prices="",
        headroom=0.75, databases="clusters", model="m", status="feasible", cost=cost, total_per_year=875_999_991.0,
        above_best_per_year=12_345_678.0, hosts=HostCounts(total=123_456, spare=5_000, by_size={"medium": 123_456}),
        num_sizes=1, use=use, binds="open_files",
        blast_radius=BlastRadius(
            services_per_host=123.4, most_services=200, domain_share_mean=0.123, domain_share_worst=1.0
        ),
    )  # fmt: skip
    comparison = Comparison(
        fleet="f", services=1_000_000, instances=2_000_000, currency="USD", best=mix.name, mixes=(mix,),
        fronts=Fronts(cost_and_blast_radius=(mix.name,), cost_and_sizes=(mix.name,)),
    )  # fmt: skip
    print_comparison(comparison)
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    for text in ("99,999.999", "875,999,991", "12,345,678", "1.23%", "123,456", "123.4", "12.3%-100%", "files"):
        assert text in out, text
