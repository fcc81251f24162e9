"""The report in a real browser: it draws, it finds, it loads nothing, and names stay text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from browser import Browser
from planned import SMALL_FLEET, Planned

from placement.compare import Asked, compare_mixes
from placement.fleet import read_fleet
from placement.forecast import forecast_fleet
from placement.report import write_report

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
READY = "document.documentElement.dataset.ready"
HOSTILE = "<img src=x onerror=document.title=1>"


@pytest.fixture(scope="module")
def browser(tool: Callable[[str], Path]) -> Iterator[Browser]:
    with Browser(tool("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def page(planned: Planned, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a report of everything; a service and a mix have names that look like markup."""
    rename = {"catalog-price": HOSTILE}
    plan = planned.plan
    hostile = dataclasses.replace(
        plan,
        assignments=plan.assignments.with_columns(pl.col("service").replace(rename)),
        databases=plan.databases.with_columns(pl.col("service").replace(rename)),
        caches=plan.caches.with_columns(pl.col("service").replace(rename)),
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    found = compare_mixes(read_fleet(ROOT / "fixtures" / "tiny-mix"), Asked(mixes=["all", "singles"]))
    compared = found.to_dict()
    compared["mixes"][0]["name"] = HOSTILE
    grown = forecast_fleet(read_fleet(ROOT / "fixtures" / "tiny-replicas"), 1 / 4, samples=5).to_dict()
    write_report(hostile, path, read_fleet(SMALL_FLEET), comparison=compared, forecast=grown)
    return path.as_uri()


@pytest.fixture
def opened(browser: Browser, page: str) -> Browser:
    browser.view(1280)
    browser.open(page, READY)
    return browser


def rows(browser: Browser) -> list[str]:
    found = browser.evaluate("[...document.querySelectorAll('#results tbody th')].map((cell) => cell.textContent)")
    return [str(name) for name in found]


def search(browser: Browser, text: str) -> None:
    browser.evaluate("(() => { const input = document.getElementById('search'); input.value = ''; input.focus(); })()")
    browser.type(text)
    browser.press("Enter")


def test_it_opens_without_errors_and_asks_for_nothing(opened: Browser, page: str) -> None:
    assert opened.logged == []
    assert opened.requests == [page]


def test_the_charts_are_drawn(opened: Browser, planned: Planned) -> None:
    pools = planned.plan.hosts.filter(~pl.col("spare"))["pool"].unique()
    colours = opened.evaluate(
        """[...document.querySelectorAll('canvas[data-pool]')].map((canvas) => {
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            const seen = new Set();
            for (let n = 0; n < pixels.length; n += 4) seen.add(pixels.slice(n, n + 4).join());
            return [canvas.dataset.pool, seen.size];
        })"""
    )
    assert {pool for pool, _ in colours} == set(pools)
    assert all(number > 2 for _, number in colours)  # more than gaps and one colour
    shapes = opened.evaluate("[...document.querySelectorAll('svg rect')].filter((r) => r.getBBox().width > 0).length")
    assert shapes > 20
    for part, drawn in (
        ("network", "svg.topology line"),
        ("comparison", "svg.scatter circle"),
        ("forecast", "path.band"),
    ):
        assert opened.evaluate(f"document.querySelectorAll('#{part} {drawn}').length") > 0, part


def test_search_finds_services_hosts_and_domains(opened: Browser, planned: Planned) -> None:
    search(opened, "ledger-core")
    opened.wait("document.getElementById('found').textContent.startsWith('1 service of')")
    assert rows(opened) == ["ledger-core"]
    search(opened, "orders")  # a domain
    opened.wait("document.getElementById('found').textContent.startsWith('3 services of')")
    assert rows(opened) == ["cart-session", "orders-api", "orders-mail"]
    host = planned.plan.hosts["host"][0]
    search(opened, host)
    opened.wait("document.querySelector('.tabs [aria-pressed=true]').dataset.kind === 'host'")
    assert rows(opened) == [host]
    search(opened, "nothing-of-this-name")
    opened.wait("document.getElementById('found').textContent.startsWith('0 ')")
    assert rows(opened) == []


def test_the_filter_of_domains(opened: Browser) -> None:
    opened.evaluate(
        """(() => {
            const labels = [...document.querySelectorAll('#filters label')];
            const select = labels.find((label) => label.textContent.startsWith('Domain')).querySelector('select');
            select.value = 'catalog';
            select.dispatchEvent(new Event('change'));
        })()"""
    )
    assert rows(opened) == ["catalog-search"]
    opened.evaluate("document.querySelector('.tabs [data-kind=cluster]').click()")
    domains = opened.evaluate(
        "[...document.querySelectorAll('#results tbody tr')].map((row) => row.cells[3].textContent)"
    )
    assert domains
    assert all("catalog" in text.split(", ") for text in domains)


def test_a_service_leads_to_its_host_and_back(opened: Browser, planned: Planned) -> None:
    opened.evaluate(
        "[...document.querySelectorAll('#results th button')].find((b) => b.textContent === 'orders-api').click()"
    )
    assert opened.evaluate("document.querySelector('#detail h3').textContent") == "Service orders-api"
    host = planned.plan.assignments.filter(service="orders-api", instance=1)["host"][0]
    opened.evaluate(f"[...document.querySelectorAll('#detail button')].find((b) => b.textContent === '{host}').click()")
    assert opened.evaluate("document.querySelector('#detail h3').textContent") == f"Host {host}"
    assert opened.evaluate("location.hash") == f"#host={host}"
    held = opened.evaluate("[...document.querySelectorAll('#detail li')].map((item) => item.textContent)")
    on_it = planned.plan.assignments.filter(host=host)["service"].unique()
    assert {text.split(" × ")[0] for text in held} == {HOSTILE if name == "catalog-price" else name for name in on_it}


def test_names_that_look_like_markup_stay_text(opened: Browser) -> None:
    assert HOSTILE in rows(opened)
    opened.evaluate(
        f"[...document.querySelectorAll('#results th button')].find((b) => b.textContent === `{HOSTILE}`).click()"
    )
    assert opened.evaluate("document.querySelector('#detail h3').textContent") == f"Service {HOSTILE}"
    assert opened.evaluate("document.querySelectorAll('img').length") == 0
    assert opened.evaluate("document.title") == "small-fleet: placement plan"


def test_a_request_that_a_script_tries_is_refused(opened: Browser) -> None:
    tried = "fetch('https://example.org/').then(() => 'sent', (error) => error.name)"
    assert opened.evaluate(tried) == "TypeError"
    assert any("Content Security Policy" in text for text in opened.logged)


def test_it_works_by_keyboard(opened: Browser) -> None:
    opened.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    opened.press("/")
    assert opened.evaluate("document.activeElement.id") == "search"
    opened.type("orders-api")
    opened.press("Enter")
    assert opened.evaluate("document.activeElement.textContent") == "orders-api"
    opened.press("Enter")
    assert opened.evaluate("document.querySelector('#detail h3').textContent") == "Service orders-api"
    opened.evaluate("document.querySelector('canvas[data-pool]').focus()")
    opened.press("ArrowRight")
    assert "CPU" in opened.evaluate("document.getElementById('heat-readout').textContent")
    opened.press("Enter")
    assert opened.evaluate("document.querySelector('#detail h3').textContent").startswith("Host ")


def test_dark_follows_the_system_until_the_button_says_otherwise(opened: Browser) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = opened.evaluate(background)
    opened.view(1280, dark=True)
    dark = opened.evaluate(background)
    assert light != dark
    opened.evaluate("document.getElementById('theme').click()")
    assert opened.evaluate(background) == light


def test_narrow_it_does_not_scroll_sideways(opened: Browser) -> None:
    opened.view(400)
    opened.wait("innerWidth === 400")
    assert opened.evaluate("document.documentElement.scrollWidth") <= 400


def test_it_prints(opened: Browser, tmp_path: Path) -> None:
    opened.print(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert opened.logged == []
