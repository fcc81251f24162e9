"""The page: whole, the same bytes each time, without anything that could load or run what a name says."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from placement.errors import InputError
from placement.fleet import Fleet, read_fleet
from placement.plan.types import LINKS_SCHEMA, Alert, Plan
from placement.report import render_report, write_report
from placement.report.facts import pool_uses
from placement.report.topology import topology
from placement.units import RESOURCES

ROOT = Path(__file__).parents[2]
HOSTILE = "</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Elements of a page: names, ids, addresses, and what stands in script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open = tag
        for key, value in attrs:
            assert not key.startswith("on"), key
            assert key != "style", "inline styles are blocked by the page's own policy"
            if key == "id":
                self.ids.append(value or "")
            if key in ("href", "src", "action", "data"):
                self.addresses.append(value or "")

    def handle_data(self, data: str) -> None:
        if self._open in self.raw:
            self.raw[self._open].append(data)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@pytest.fixture(scope="module")
def page(plan: Plan, fleet: Fleet) -> str:
    return render_report(plan, fleet)


def test_the_same_plan_gives_the_same_bytes(page: str, plan: Plan, fleet: Fleet) -> None:
    assert render_report(plan, fleet) == page


def test_every_part_is_there_once_and_nothing_is_loaded(page: str) -> None:
    read = Page(page)
    parts = ("cost", "hosts", "utilisation", "stranded", "fill", "clusters", "network", "alerts", "explore", "basis")
    assert [part for part in parts if part in read.ids] == list(parts)
    assert len(read.ids) == len(set(read.ids))
    assert not {"comparison", "forecast"} & set(read.ids)
    assert all(address.startswith(("#", "data:,")) for address in read.addresses)
    assert {address[1:] for address in read.addresses if address.startswith("#")} <= set(read.ids)
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/2000/svg", "", page)


def test_the_policy_allows_this_script_and_this_style_alone(page: str) -> None:
    read = Page(page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for kind, text in (("script", read.raw["script"][-1]), ("style", read.raw["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src &#x27;sha256-{digest}&#x27;" in policy[1]
    assert "default-src &#x27;none&#x27;" in policy[1]


def test_names_that_look_like_markup_stay_text(plan: Plan, fleet: Fleet) -> None:
    rename = {"ledger-core": HOSTILE}
    summary = plan.summary.model_copy(
        update={
            "fleet": plan.summary.fleet.model_copy(update={"name": HOSTILE}),
            "alerts": (Alert(level="warning", metric=HOSTILE, where=HOSTILE, value=0.8, limit=0.7, advice=HOSTILE),),
            "violations": ({"kind": HOSTILE, "message": HOSTILE},),
        }
    )
    hostile = dataclasses.replace(
        plan,
        summary=summary,
        assignments=plan.assignments.with_columns(pl.col("service").replace(rename)),
        databases=plan.databases.with_columns(pl.col("service").replace(rename)),
        postgres_clusters=plan.postgres_clusters.with_columns(domains=pl.lit(HOSTILE)),
    )
    plain = Page(render_report(plan))
    read = Page(render_report(hostile))
    assert "img" not in read.tags
    assert read.tags.count("script") == plain.tags.count("script") == 2


def test_figures_of_a_plan_by_hand(page: str, plan: Plan) -> None:
    cost = plan.summary.cost
    assert f"{cost.per_hour:,.3f}" in page
    assert f"{cost.total_per_hour * 8760:,.0f} a year" in page


def test_used_stranded_and_free_add_up_to_the_limit() -> None:
    # two full hosts: the first has 1 of 10 cores left, the second 80 of 100 MB; a third is half empty: not stranded
    used = {"cpu_cores": [9.0, 10.0, 5.0], "memory_mb": [98, 20, 50]}
    limit = {"cpu_cores": [10.0] * 3, "memory_mb": [100] * 3}
    columns: dict[str, list[object]] = {
        "host": ["a", "b", "c"], "pool": ["services"] * 3, "spare": [False] * 3,
    }  # fmt: skip
    for resource in RESOURCES:
        columns[f"{resource.column}_used"] = list(used.get(resource.column, [0] * 3))
        columns[f"{resource.column}_limit"] = list(limit.get(resource.column, [0] * 3))
    plan = type("Stub", (), {"hosts": pl.DataFrame(columns)})()
    (use,) = pool_uses(plan)
    cpu, memory = use.resources[0], use.resources[1]
    assert (cpu.used, cpu.stranded, cpu.limit) == (24.0, 1.0, 30.0)
    assert (memory.used, memory.stranded, memory.limit) == (168.0, 80.0, 300.0)
    assert np.allclose(use.fill, [0.98, 1.0, 0.5])
    assert use.binding.name == "cpu"  # 24 of 30 against 168 of 300


def test_another_fleet_is_refused(plan: Plan) -> None:
    with pytest.raises(InputError, match="not the fleet that the plan was made for"):
        render_report(plan, read_fleet(ROOT / "fixtures" / "tiny-mix"))


def test_the_file_is_written_whole_or_not_at_all(plan: Plan, fleet: Fleet, page: str, tmp_path: Path) -> None:
    assert write_report(plan, tmp_path / "r.html", fleet) == len(page.encode())
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == page
    with pytest.raises(InputError, match="cannot be written"):
        write_report(plan, tmp_path / "missing" / "r.html", fleet)
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def links_of_a_town() -> pl.DataFrame:
    """Two segments under two spines under one core; the uplink of s2 to spine-2 is at 90 %."""
    rows = []
    for one, other, kind, share in (
        ("r/s1", "r/spine-1", "uplink", 0.2),
        ("r/s1", "r/spine-2", "uplink", 0.3),
        ("r/s2", "r/spine-1", "uplink", 0.4),
        ("r/s2", "r/spine-2", "uplink", 0.9),
        ("r/spine-1", "r/core-1", "trunk", 0.1),
        ("r/spine-2", "r/core-1", "trunk", 0.7),
        ("host-1", "r/s1", "nic", 0.5),
    ):
        for end, way, part in ((one, other, share), (other, one, share / 2)):
            level = "critical" if part > 0.8 else "warning" if part > 0.6 else "ok"
            rows.append((f"{end}>{way}", kind, "service", end, way, 1, 1000.0, 1000.0 * part, part, level))
    return pl.DataFrame(rows, schema=LINKS_SCHEMA, orient="row")


def test_the_network_is_drawn_with_segments_below_and_switches_above(plan: Plan) -> None:
    drawn = render_report(dataclasses.replace(plan, links=links_of_a_town()))
    assert "network" in Page(drawn).ids
    height = {
        name: float(y)
        for y, name in re.findall(r'<rect class="node [^"]*" x="[^"]*" y="([^"]*)"[^>]*><title>([^:]*):', drawn)
    }
    assert height["r/s1"] == height["r/s2"] > height["r/spine-1"] == height["r/spine-2"] > height["r/core-1"]
    critical = re.findall(r'<line class="link critical"[^>]*><title>([^<]*)</title>', drawn)
    assert critical == ["r/s2 → r/spine-2: 0.9 Gbps of 1 Gbps, 90.0 %\nr/spine-2 → r/s2: 0.5 Gbps of 1 Gbps, 45.0 %"]


def test_of_many_segments_the_bundles_of_a_place_to_a_switch_are_one_line() -> None:
    rows = []
    for number in range(100):  # of each zone's 50 segments one is at 70 %
        zone = "ab"[number % 2]
        share = 0.7 if number < 2 else 0.1
        for one, other in ((f"r/{zone}/s{number}", f"r/{zone}/spine"), (f"r/{zone}/spine", f"r/{zone}/s{number}")):
            level = "warning" if share > 0.6 else "ok"
            rows.append((f"{one}>{other}", "uplink", "service", one, other, 1, 10.0, 10 * share, share, level))
    drawn = topology("service", pl.DataFrame(rows, schema=LINKS_SCHEMA, orient="row"))
    lines = re.findall(r'<line class="link warning"[^>]*><title>([^;<]*);', drawn)
    assert lines == [f"r/{zone}/* and r/{zone}/spine: 50 bundles, 1 above a threshold" for zone in "ab"]
    assert drawn.count("<line") == 2
    assert drawn.count('class="node leaf fill-warning"') == 2
    assert drawn.count('class="node leaf fill-ok"') == 98
    assert ">r/a: 50<" in drawn


def test_comparison_and_forecast_are_drawn_where_given(plan: Plan) -> None:
    cost = {"total_per_hour": 4.0, "per_hour": 3.0, "spare_per_hour": 1.0, "gap": 0.0}
    comparison = {
        "currency": "USD",
        "mixes": [
            {"name": "all", "cost": cost, "above_best_per_hour": 0.0, "hosts": {"total": 3}, "binds": "cpu"},
            {"name": "tiny", "status": "infeasible", "reasons": [{"message": "too large"}]},
        ],
    }
    course = [{"low": 1.0, "typical": 2.0, "high": 3.0}, {"low": 2.0, "typical": 4.0, "high": 8.0}]
    forecast = {
        "timeline": [{"date": f"2027-0{n + 1}-01", "quantities": {"hosts": item}} for n, item in enumerate(course)],
        "orders": [{"order_by": "2027-02-01", "item": "hosts.xlarge", "quantity": 12, "is_late": True}],
        "crossings": [{"date": "2027-02-01", "services": 500, "title": "Tier", "change": HOSTILE}],
    }
    drawn = render_report(plan, comparison=comparison, forecast=forecast)
    # 3 and 1 of a width of 1,000 for the dearest mix, 4: 750 and 250
    assert '<rect class="p0" x="0" y="0" width="750" height="10">' in drawn
    assert '<rect class="spare" x="750" y="0" width="250" height="10">' in drawn
    assert "too large" in drawn
    # 300 high for 8: 2 stands at 300 × 6/8 = 225, 4 at 150
    assert 'd="M0.0,225.0L1000.0,150.0"' in drawn
    for text in ("hosts.xlarge", "late already", "2027-02-01"):
        assert text in drawn
    assert "img" not in Page(drawn).tags
