"""The live line: cost, bound, gap, seconds, on one line of 80 columns whatever the numbers."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.spinner import Spinner

from placement.cli.output import _Line
from placement.engine import FleetProgress


def line(progress: FleetProgress, width: int = 80) -> list[str]:
    """The rows it takes beside the spinner, without the two columns that the spinner takes."""
    shown = _Line()
    shown.show(progress, "USD")
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(Spinner("dots", shown))
    return [row[2:] for row in out.getvalue().splitlines()]


def test_it_shows_cost_bound_gap_and_seconds():
    # (136.320 - 135.000) / 135.000 = 0.00978
    (text,) = line(FleetProgress("improve", 136_320_000, 135_000_000, 12.3, 1, 1))
    assert text.rstrip() == "improve  best 136.320 USD/h, bound 135.000, gap 0.978%, 12.3 s"


def test_it_says_how_many_regions_have_a_packing_until_all_have():
    (text,) = line(FleetProgress("fill", None, 135_000_000, 3.0, 12, 7))
    assert text.rstrip() == "fill     7 of 12 pools placed, bound 135.000, 3.0 s"
    (text,) = line(FleetProgress("fill", 136_320_000, 135_000_000, 3.0, 12, 12))
    assert "regions" not in text


def test_before_anything_is_known_it_says_so():
    (text,) = line(FleetProgress("bound", None, 0, 0.0))
    assert text.rstrip() == "bound    no plan yet, no bound yet, 0.0 s"


@pytest.mark.parametrize("width", [20, 40, 80])
def test_it_never_wraps(width):
    large = FleetProgress("improve", 98_765_432_109_876, 12_345_678_901_234, 86_400.0, 1, 1)
    (text,) = line(large, width)
    assert len(text) <= width - 2


def test_a_million_an_hour_still_fits_80_columns():
    (text,) = line(FleetProgress("improve", 1_234_567_890_000, 1_134_567_890_000, 1234.5, 1, 1))
    assert text.rstrip().endswith("1234.5 s")
