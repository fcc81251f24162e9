"""Take the README's picture of a report: ``python tests/system/report_picture.py PLAN FLEET docs/img/report.png``.

It shows the page from its head to the end of the heat map, in light colours.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from browser import Browser
from system_tools import TOOLS

from placement.fleet import read_fleet
from placement.plan import read_plan
from placement.report import write_report

WIDTH = 1180


def take(plan: Path, fleet: Path, picture: Path) -> None:
    """Write the picture of a plan's report."""
    program = TOOLS["chromium"].find()
    assert program is not None, "Chromium is missing"
    with tempfile.TemporaryDirectory() as folder, Browser(program) as browser:
        page = Path(folder) / "report.html"
        write_report(read_plan(plan), page, read_fleet(fleet))
        browser.view(WIDTH)
        browser.open(page.as_uri(), "document.documentElement.dataset.ready")
        end = browser.evaluate(
            "[...document.querySelectorAll('.heat')].at(-1).getBoundingClientRect().bottom + scrollY"
        )
        browser.view(WIDTH, int(end) + 24)
        browser.wait("document.querySelector('canvas[data-pool]').width > 0")
        browser.screenshot(picture, whole=False)


if __name__ == "__main__":
    take(*map(Path, sys.argv[1:4]))
