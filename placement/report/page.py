"""The page put together: sections, packed data, style sheet and scripts in one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from placement.errors import InputError, Problem
from placement.fleet.types import Fleet
from placement.plan.types import Plan
from placement.report.background import alerts_section, basis_section
from placement.report.comparison import comparison_section
from placement.report.explorer import explorer_section
from placement.report.facts import pool_uses
from placement.report.forecast import forecast_section
from placement.report.markup import Html, h, join
from placement.report.network import network_section
from placement.report.overview import cost_section, figures, header, hosts_section, remarks
from placement.report.payload import plan_payload
from placement.report.tier import tier_section
from placement.report.use import fill_section, heat_section, stranded_section

_SCRIPTS = ("data.js", "theme.js", "heat.js", "explore.js", "start.js")
_TITLES = {
    "cost": "Cost",
    "hosts": "Hosts",
    "utilisation": "Utilisation",
    "stranded": "Stranded",
    "fill": "Fill",
    "clusters": "Clusters",
    "network": "Network",
    "comparison": "Comparison",
    "forecast": "Forecast",
    "alerts": "Alerts",
    "explore": "Search",
    "basis": "Basis",
}


def render_report(
    plan: Plan,
    fleet: Fleet | None = None,
    *,
    comparison: Mapping[str, Any] | None = None,
    forecast: Mapping[str, Any] | None = None,
) -> str:
    """Return a plan as one HTML page.

    Parameters
    ----------
    plan
        The plan.
    fleet
        The fleet it was made for: adds domain and sensitivity of every service.
    comparison, forecast
        Contents of a `comparison.json` and a `forecast.json`, to be drawn beside.

    Returns
    -------
    str
        The page: the same text for the same arguments.

    Raises
    ------
    InputError
        The fleet is not the one that the plan was made for.
    """
    if fleet is not None and fleet.digest != plan.summary.fleet.digest:
        raise InputError(
            Problem(
                file=str(fleet.path or fleet.name),
                message="is not the fleet that the plan was made for",
                value=fleet.digest,
                allowed=plan.summary.fleet.digest,
            )
        )
    uses = pool_uses(plan)
    sections: dict[str, Html | None] = {
        "cost": cost_section(plan),
        "hosts": hosts_section(plan),
        "utilisation": heat_section(uses),
        "stranded": stranded_section(uses),
        "fill": fill_section(uses),
        "clusters": tier_section(plan),
        "network": network_section(plan.links),
        "comparison": comparison_section(comparison) if comparison else None,
        "forecast": forecast_section(forecast) if forecast else None,
        "alerts": alerts_section(plan),
        "explore": explorer_section(),
        "basis": basis_section(plan),
    }
    there = {name: section for name, section in sections.items() if section is not None}
    style = _asset("page.css")
    script = "\n".join(_asset(name) for name in _SCRIPTS)
    packed = plan_payload(plan, fleet)
    body = join(
        [
            h("a.skip", "Skip to the content", href="#content"),
            _top(there),
            h(
                "main",
                header(plan),
                figures(plan, uses),
                remarks(plan, uses),
                h("div.pair", there["cost"], there["hosts"]),
                [section for name, section in there.items() if name not in ("cost", "hosts")],
                id="content",
                tabindex=-1,
            ),
            h(
                "footer",
                h("p", f"placement {plan.summary.versions.get('placement', '')} · {plan.summary.fleet.digest}"),
            ),
            h("script", Html(packed), type="text/plain", id="packed"),
            h("script", Html(script)),
        ]
    )
    head = join(
        [
            h("meta", charset="utf-8"),
            h("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
            h("meta", name="viewport", content="width=device-width, initial-scale=1"),
            h("meta", name="color-scheme", content="light dark"),
            h("link", rel="icon", href="data:,"),
            h("title", f"{plan.summary.fleet.name}: placement plan"),
            h("style", Html(style)),
        ]
    )
    return f"<!DOCTYPE html>\n{h('html', h('head', head), h('body', body), lang='en')}\n"


def write_report(
    plan: Plan,
    path: Path | str,
    fleet: Fleet | None = None,
    *,
    comparison: Mapping[str, Any] | None = None,
    forecast: Mapping[str, Any] | None = None,
) -> int:
    """Write a plan as one HTML page, whole or not at all; parameters as for `render_report`.

    Returns
    -------
    int
        Size of the file in bytes.

    Raises
    ------
    InputError
        The file cannot be written, or the fleet is not the plan's.
    """
    path = Path(path)
    content = render_report(plan, fleet, comparison=comparison, forecast=forecast).encode()
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        raise InputError(Problem(str(path), f"cannot be written: {error}")) from error
    return len(content)


def _top(sections: Mapping[str, Html]) -> Html:
    links = [h("a", _TITLES[name], href=f"#{name}") for name in sections if name != "explore"]
    search = h(
        "form.search",
        h("label.hidden", "Search services, hosts and clusters", for_="search"),
        h(
            "input",
            id="search",
            type="search",
            placeholder="Service, host, domain … ( / )",
            autocomplete="off",
            spellcheck="false",
        ),
        role="search",
        id="search-form",
    )
    theme = h("button.theme", "Dark", id="theme", type="button", aria_pressed="false")
    return h("div.top", h("nav", links, aria_label="Sections"), search, theme)


def _asset(name: str) -> str:
    return files("placement.report").joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n").strip()


def _policy(style: str, script: str) -> str:
    """Return what the browser may load: this style sheet and this script, and nothing from anywhere."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'sha256-{_hash(script)}'",
            f"style-src 'sha256-{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
