"""HTML and SVG elements from Python values, everything escaped that is not an element itself."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

Child = str | int | float | None
"""A child of an element: `Html` stays as it is, other text is escaped, None is left out."""

_VOID = frozenset({"br", "col", "input", "link", "meta", "rect", "line", "circle", "path"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def escaped(text: object) -> Html:
    """Return text as markup that shows it; what would change the direction or place of text is shown as a box."""
    visible = "".join(char if char.isprintable() or char in "\n\t" else "\N{WHITE SQUARE}" for char in str(text))
    return Html(html.escape(visible, quote=True))


def h(name: str, /, *children: Child | Iterable[Child], **attributes: str | float | bool | None) -> Html:
    """Return an element.

    Parameters
    ----------
    name
        Name of the element, and its classes after dots: ``td.number``.
    children
        Texts and elements, or sequences of them.
    attributes
        Underscores stand for hyphens (a trailing one is dropped: ``for_``). None and False leave the
        attribute out, True states its name alone.
    """
    tag, *classes = name.split(".")
    parts = [tag]
    if classes:
        parts.append(f'class="{" ".join(classes)}"')
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        shown = number(value) if isinstance(value, float) else value
        parts.append(attribute if value is True else f'{attribute}="{escaped(shown)}"')
    if tag in _VOID and not children:
        return Html(
            f"<{' '.join(parts)}>" if tag in {"br", "col", "input", "link", "meta"} else f"<{' '.join(parts)}/>"
        )
    return Html(f"<{' '.join(parts)}>{join(children)}</{tag}>")


def join(children: Iterable[Child | Iterable[Child]]) -> Html:
    """Return children one after another as markup."""
    shown = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            shown.append(child)
        elif isinstance(child, (str, int, float)):
            shown.append(escaped(child))
        else:
            shown.append(join(child))
    return Html("".join(shown))


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[Child]], *, numbers: Iterable[int] = (), css: str = ""
) -> Html:
    """Return a table; the first cell of a row is its head.

    Parameters
    ----------
    numbers
        Columns that are set flush right.
    css
        Further class of the table.
    """
    right = frozenset(numbers)

    def name(kind: str, column: int) -> str:
        return f"{kind}.number" if column in right else kind

    head = h("tr", [h(name("th", n), text, scope="col") for n, text in enumerate(heads)])
    body = [
        h("tr", [h(name("td" if n else "th", n), cell, scope=None if n else "row") for n, cell in enumerate(row)])
        for row in rows
    ]
    element = "table." + css if css else "table"
    return h(
        "div.scroll",
        h(element, h("caption", caption), h("thead", head), h("tbody", body)),
        tabindex=0,
        role="region",
        aria_label=caption,
    )


# --- numbers ----------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Return a coordinate or width in few digits, the same on every machine."""
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def count(value: float) -> str:
    """Return a whole number with separators: 12,345."""
    return f"{value:,.0f}"


def money(value: float) -> str:
    """Return an amount per hour: three digits after the point, as prices have them."""
    return f"{value:,.3f}"


def percent(share: float, digits: int = 1) -> str:
    """Return a share as a percentage; what is more than nothing does not look like nothing."""
    least = 10.0**-digits
    if 0 < share * 100 < least:
        return f"< {least:.{digits}f} %"
    return f"{share * 100:,.{digits}f} %"


def amount(value: float, unit: str) -> str:
    """Return an amount of a resource with its unit, in thousands or millions of it where it is large.

    As in the model, 1 TB is 1,000 GB and 1 GB is 1,000 MB.
    """
    for small, large, least in (("MB", "GB", 1_000), ("GB", "TB", 10_000), ("Mbps", "Gbps", 10_000)):
        if unit == small and abs(value) >= least:
            value, unit = value / 1000, large
    if unit in ("files", "threads"):
        unit = ""
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.1f} M {unit}".rstrip()
    digits = 0 if abs(value) >= 100 or value == int(value) else 1
    return f"{value:,.{digits}f} {unit}".rstrip()
