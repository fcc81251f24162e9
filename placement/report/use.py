"""Second part: how full hosts are, and what is stranded. The heat map is drawn in the browser from the payload."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placement.report.charts import Part, bar, histogram, key
from placement.report.facts import FULL, LEAST_TOLD, POOL_TITLES, RESOURCE_TITLES, PoolUse
from placement.report.markup import Html, amount, count, h, percent, table
from placement.units import RESOURCES


def heat_section(uses: Sequence[PoolUse]) -> Html:
    """Return the frame of the heat map: a canvas per pool, and the choice of order."""
    order = h(
        "label.choice",
        "Order hosts by ",
        h(
            "select",
            [
                h("option", text, value=value)
                for value, text in (("fill", "size and fill"), ("full", "fill"), ("name", "name"), ("zone", "zone"))
            ],
            id="heat-order",
        ),
    )
    pools = [_heat_pool(use) for use in uses]
    legend = h(
        "div.legend",
        h("span", "0 %"),
        h("canvas", id="heat-scale", width=180, height=10, aria_hidden="true"),
        h("span", "100 % of the limit"),
    )
    return h(
        "section",
        h("div.title", h("h2", "Utilisation: hosts × resources"), order),
        h(
            "p.note",
            "One column per host (or the mean of neighbours where there are more hosts than columns), one row per "
            "resource. A pale row beside a dark one is stranded capacity. Point at a column, or focus a map and use "
            "the arrow keys; Enter opens the host below.",
        ),
        legend,
        pools,
        h("p.readout", "No host chosen.", id="heat-readout", role="status", aria_live="polite"),
        h("noscript", h("p.note", "The heat map needs scripts; the bars below show the same sums.")),
        id="utilisation",
    )


def _heat_pool(use: PoolUse) -> Html:
    name = POOL_TITLES[use.pool]
    labels = [h("span", RESOURCE_TITLES[resource.name]) for resource in use.resources]
    means = [h("span", percent(resource.used_share, 0)) for resource in use.resources]
    drawn = h(
        "canvas",
        tabindex=0,
        role="img",
        data_pool=use.pool,
        aria_label=f"{name}: utilisation of {count(len(use.utilisation))} hosts by resource",
    )
    return h(
        "figure.heat",
        h("figcaption", h("b", name), f" {count(len(use.utilisation))} hosts in use"),
        h("div.heat-rows.left", labels),
        drawn,
        h("div.heat-rows.right", means),
    )


def stranded_section(uses: Sequence[PoolUse]) -> Html:
    """Return used, stranded and free capacity of each pool and resource."""
    legend = h(
        "div.legend",
        [
            h("span", key(css), " ", text)
            for css, text in (("used", "used"), ("stranded", "stranded on full hosts"), ("free", "free"))
        ],
    )
    names = {resource.name for use in uses for resource in use.resources if resource.used_share >= LEAST_TOLD}
    left_out = [RESOURCE_TITLES[resource.name] for resource in RESOURCES if resource.name not in names and names]
    figures = [_stranded_pool(use, names) for use in uses]
    return h(
        "section",
        h("h2", "Used, stranded and free"),
        h(
            "p.note",
            f"100 % is what policy and model allow to plan. A host is full from {percent(FULL, 0)} of its fullest "
            "resource on; what it has left of the others is stranded."
            + (
                f" Not drawn, since under a tenth is used in every pool: {' and '.join(left_out).lower()}."
                if left_out
                else ""
            ),
        ),
        legend,
        h("div.columns", figures),
        id="stranded",
    )


def _stranded_pool(use: PoolUse, names: set[str]) -> Html:
    drawn_of = [resource for resource in use.resources if resource.name in names or not names]
    rows = []
    for resource in drawn_of:
        free = max(resource.limit - resource.used - resource.stranded, 0.0)
        title = RESOURCE_TITLES[resource.name]
        parts = [
            Part(resource.used, "used", f"used: {amount(resource.used, resource.unit)}"),
            Part(resource.stranded, "stranded", f"stranded: {amount(resource.stranded, resource.unit)}"),
            Part(free, "free", f"free: {amount(free, resource.unit)}"),
        ]
        drawn = bar(parts, resource.limit, f"{title}: {percent(resource.used_share)} used")
        rows.append(h("div.row", h("span", title), drawn, h("b", percent(resource.used_share, 0))))
    full = int(use.is_full.sum())
    return h(
        "figure",
        h("figcaption", h("b", POOL_TITLES[use.pool]), f" {count(full)} of {count(len(use.utilisation))} hosts full"),
        h("div.rows", rows),
        table(
            f"{POOL_TITLES[use.pool]}: resources",
            ["Resource", "Used", "Stranded", "Limit"],
            [
                [
                    RESOURCE_TITLES[resource.name],
                    amount(resource.used, resource.unit),
                    amount(resource.stranded, resource.unit),
                    amount(resource.limit, resource.unit),
                ]
                for resource in drawn_of
            ],
            numbers=(1, 2, 3),
            css="small",
        ),
    )


def fill_section(uses: Sequence[PoolUse]) -> Html:
    """Return the distribution of fill: hosts by utilisation of their fullest resource."""
    figures = []
    for use in uses:
        fill = use.fill
        fullest = np.bincount(use.utilisation.argmax(axis=1), minlength=len(RESOURCES)) if len(fill) else np.zeros(1)
        first = RESOURCE_TITLES[RESOURCES[int(fullest.argmax())].name]
        figures.append(
            h(
                "figure",
                h(
                    "figcaption",
                    h("b", POOL_TITLES[use.pool]),
                    f" median {percent(float(np.median(fill)) if len(fill) else 0.0)}",
                ),
                histogram(fill, f"{POOL_TITLES[use.pool]}: hosts by fill", "hosts"),
                h("div.axis", h("span", "0 %"), h("span", "50 %"), h("span", "100 %"), aria_hidden="true"),
                h(
                    "p.note",
                    f"{first} is fullest on {count(int(fullest.max()))} of {count(len(fill))} hosts; "
                    f"the emptiest is {percent(float(fill.min(initial=1.0)))} full.",
                ),
            )
        )
    return h(
        "section",
        h("h2", "Distribution of fill"),
        h("p.note", "Hosts by utilisation of their fullest resource, in steps of five points."),
        h("div.columns", figures),
        id="fill",
    )
