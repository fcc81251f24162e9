"""The part of the page where services, hosts and clusters are searched; the browser fills it from the payload."""

from __future__ import annotations

from placement.report.markup import Html, h

_KINDS = (("service", "Services"), ("host", "Hosts"), ("cluster", "Clusters"))


def explorer_section() -> Html:
    """Return the frame of the search: choices, table, pages."""
    tabs = h(
        "div.tabs",
        [
            h(
                "button",
                title,
                " ",
                h("span.badge"),
                type="button",
                data_kind=kind,
                aria_pressed="true" if not n else "false",
            )
            for n, (kind, title) in enumerate(_KINDS)
        ],
        role="group",
        aria_label="What to list",
    )
    filters = h("div.filters", id="filters", role="group", aria_label="Filters")
    pages = h(
        "div.pages",
        h("button", "Previous", id="previous", type="button"),
        h("span", id="page-text"),
        h("button", "Next", id="next", type="button"),
    )
    return h(
        "section",
        h("h2", "Services, hosts and clusters"),
        tabs,
        filters,
        h("p.note", id="found", role="status", aria_live="polite"),
        h(
            "div.scroll",
            h("table", h("caption", "What was found"), h("thead"), h("tbody"), id="results"),
            tabindex=0,
            role="region",
            aria_label="What was found",
        ),
        pages,
        h("div", id="detail", tabindex=-1, aria_live="polite"),
        h("noscript", h("p", "Searching needs scripts.")),
        id="explore",
    )
