"""Markup: everything is escaped that is not an element; numbers are written one way."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.report.markup import Html, amount, h, money, percent, table


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.attributes: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_text_becomes_markup(text: str) -> None:
    reader = Reader()
    reader.feed(h("p", text, title=text))
    reader.close()
    assert reader.tags == ["p"]
    shown = "".join(char if char.isprintable() or char in "\n\t" else "□" for char in text).replace("□", "◻")
    assert reader.text == shown.replace("◻", "\N{WHITE SQUARE}")
    assert reader.attributes["title"] == reader.text


def test_elements_stay_what_they_are() -> None:
    assert h("p.a.b", "x & ", h("b", "<y>"), None, for_="z", hidden=True, lang=None) == (
        '<p class="a b" for="z" hidden>x &amp; <b>&lt;y&gt;</b></p>'
    )
    assert h("rect", x=1.5, y=0, width=2.0, height=1) == '<rect x="1.5" y="0" width="2" height="1"/>'
    assert isinstance(h("p"), Html)


def test_a_table_names_its_rows_and_columns() -> None:
    made = table("T", ["Name", "Number"], [["a", "1"]], numbers=[1])
    assert '<th scope="col">Name</th>' in made
    assert '<th scope="row">a</th>' in made
    assert '<td class="number">1</td>' in made


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (900, "MB", "900 MB"),
        (1_000, "MB", "1 GB"),
        (87_500_000, "MB", "87.5 TB"),  # 87,500 GB
        (9_999, "GB", "9,999 GB"),
        (450_219, "Mbps", "450 Gbps"),
        (773_738_539, "files", "773.7 M"),
        (3_976, "cores", "3,976 cores"),
    ],
)
def test_amounts(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_what_is_little_does_not_look_like_nothing() -> None:
    assert percent(0.0) == "0.0 %"
    assert percent(0.0000012, 3) == "< 0.001 %"
    assert percent(0.5, 0) == "50 %"
    assert money(1261.632) == "1,261.632"
