"""What compare, forecast and the network really write, on the page and as pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from placement.errors import InputError
from placement.fleet import Fleet
from placement.plan.types import Plan
from placement.report import draw_report, render_report
from placement.report.charts import Point, scatter
from placement.report.comparison import comparison_section
from placement.report.forecast import forecast_section
from placement.report.markup import count, money

HOSTILE = "</title><img src=x>"


@pytest.fixture(scope="module")
def page(plan: Plan, fleet: Fleet, comparison: dict[str, Any], forecast: dict[str, Any]) -> str:
    return render_report(plan, fleet, comparison=comparison, forecast=forecast)


def cells(section: str, row: str) -> list[str]:
    """Return the texts of a table's row by its head, of the first table that has it."""
    found = re.search(rf'<th scope="row">{row}</th>(.*?)</tr>', section)
    assert found is not None, row
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", found[1])]


def test_a_report_of_everything_has_every_part(page: str, plan: Plan, forecast: dict[str, Any]) -> None:
    for part in ("network", "comparison", "forecast"):
        assert f'<section id="{part}">' in page
        assert f'href="#{part}"' in page
    # every segment of the plan is drawn, and the busiest link is told
    assert plan.summary.network is not None
    assert page.count('class="node leaf') == plan.summary.network.segments
    one, other = plan.summary.network.busiest[0].link.split(">")
    assert f'<th scope="row">{one}</th><td>{other}</td>' in page
    assert f'<th scope="row">{forecast["orders"][0]["order_by"]}</th><td>{forecast["orders"][0]["item"]}</td>' in page
    assert forecast["timeline"][-1]["date"] in page


def test_mixes_their_fronts_and_regret(comparison: dict[str, Any]) -> None:
    drawn = comparison_section(comparison)
    assert drawn is not None
    # 0.70 × 8,760 = 6,132; 0.20 × 8,760 = 1,752 more; of the 12 instances one host takes 8, the other 4: a half
    assert cells(drawn, "all")[:5] == ["0.700", "6,132", "0", "0.000 %", "2"]
    assert cells(drawn, "compute")[:5] == ["0.900", "7,884", "1,752", "0.000 %", "3"]
    assert cells(drawn, "all")[6:] == ["50.0 %", "0", "CPU"]
    fronts = re.findall(r'<svg class="scatter".*?</svg>', drawn)
    assert len(fronts) == 2
    # memory costs more than compute and has as many sizes: on no front of cost and sizes
    marked = re.findall(r'<circle class="marked"[^>]*><title>([^<]*)</title>', fronts[1])
    assert marked == ["all: 0.700 USD/h, 2", "compute: 0.900 USD/h, 1"]
    assert re.findall(r'<circle class="other"[^>]*><title>([^:]*):', fronts[1]) == ["memory"]
    # whatever the samples: the model's estimates do not touch sizes and services that state all their figures
    regrets = drawn[drawn.index("Which mix regrets least") :]
    assert cells(regrets, "memory")[:2] == ["0.500", "0.500"]
    assert cells(regrets, "all")[3:] == ["100 %", "0"]
    # at 1/60 per core and 1/96,000 per MB demand is worth 12/60 + 48/96: cores are 2/7 of it
    assert cells(drawn, "CPU")[2:] == ["0.0167 a core", "28.6 %"]
    assert "What rules cost" not in drawn


def test_rules_estimates_and_mixes_without_a_plan(comparison: dict[str, Any]) -> None:
    swing = {
        "path": "services.backend.low.cpu_cores", "low": 0.1, "high": 0.4, "cost_low_per_hour": 0.6,
        "cost_high_per_hour": 1.0,
    }  # fmt: skip
    drawn = comparison_section(
        {
            **comparison,
            "mixes": [
                *comparison["mixes"],
                {"name": HOSTILE, "cost": None, "reasons": [{"message": f"too large {n}"} for n in range(5)]},
            ],
            "rules": [{"rule": "spread", "text": HOSTILE, "costs_per_hour": 0.25, "how": "planned"}],
            "sensitivity": {"of": "all", "tornado": [swing]},
        }
    )
    assert drawn is not None
    assert cells(drawn, "spread")[1:] == ["0.250", "2,190"]  # × 8,760
    assert "too large 2; and 2 more" in drawn
    # from 0.6 to 1.0 all of the width is the swing; the plan's 0.7 is marked at a quarter of it
    tornado = drawn[drawn.index("Which estimates matter most") :]
    assert 'class="p1" x="0" y="0" width="1000"' in tornado
    assert '<rect class="mark" x="250"' in tornado
    assert "<img" not in drawn


def test_what_a_month_late_or_early_costs(forecast: dict[str, Any]) -> None:
    drawn = forecast_section(forecast)
    assert drawn is not None
    order = forecast["orders"][0]
    row = cells(drawn, order["order_by"])
    assert row[-2:] == [count(order["a_month_late"]["costs"]), count(order["a_month_early"]["costs"])]


def test_points_at_one_place_share_a_mark_and_names_stay_text() -> None:
    points = [
        Point(1.0, 2.0, HOSTILE, "one", is_marked=True),
        Point(1.0, 2.0, "b", "two", is_marked=False),
        Point(3.0, 1.0, "c", "three", is_marked=True),
    ]
    drawn = scatter(points, "Title", ("x", "y"), (money, count))
    assert drawn.count("<circle") == 2
    assert "<title>one\ntwo</title>" in drawn
    assert "(+1)" in drawn
    assert "<img" not in drawn
    # y from 0: half of the larger one is half as high above the base at 254, which leaves 210 of height
    heights = [float(y) for y in re.findall(r'cy="([^"]*)"', drawn)]
    assert heights == [44.0, 149.0]


def test_pictures_of_a_report(plan: Plan, comparison: dict[str, Any], forecast: dict[str, Any], tmp_path: Path) -> None:
    written = draw_report(plan, tmp_path, comparison=comparison, forecast=forecast)
    assert sorted(written) == sorted(tmp_path.iterdir())
    names = {path.stem for path in written if path.suffix == ".png"}
    assert names == {path.stem for path in written if path.suffix == ".svg"}
    own = {f"report-{part}" for part in ("cost", "hosts", "utilisation", "stranded", "fill", "network-service")}
    assert own <= names
    assert {"compare-cost", "compare-fronts", "compare-use", "compare-regret", "forecast-cost"} <= names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written if path.suffix == ".png")


def test_pictures_need_a_whole_comparison(plan: Plan, comparison: dict[str, Any], tmp_path: Path) -> None:
    broken = {**comparison, "mixes": [{**comparison["mixes"][0], "status": "perhaps"}]}
    with pytest.raises(InputError) as caught:
        draw_report(plan, tmp_path / "plots", comparison=broken, forecast={})
    assert {(problem.file, problem.column) for problem in caught.value.problems} >= {
        ("comparison.json", "mixes.0.status"), ("forecast.json", "fleet"),
    }  # fmt: skip
    assert not (tmp_path / "plots").exists()
