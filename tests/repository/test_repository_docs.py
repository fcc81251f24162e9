"""Every code block of the README and the docs runs, every relative link leads somewhere.

A document's blocks run one after another in a folder of their own that has the repository's `fixtures`, so
that a later block finds what an earlier one wrote. `sh` blocks run under ``bash -euo pipefail``; a ``make``
line is only checked to name a target, since it would install packages. In a comment before a block,
`exits 1` says with which code its last command ends, `not run` with a reason that it cannot run here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("fixtures/*.md"),
        *ROOT.glob("benchmarks/*.md"),
    ]
)
FENCE = re.compile(r"(?:<!--(?P<note>[^>]*)-->\s*)?^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?:\]\(|(?:src|href)=\")(?!https?:|#|mailto:)([^)\"#\s]+)")
NOT_HERE = ("git clone", "cd placement")


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    exit_code: int
    line: int


def blocks_of(document: str) -> list[Block]:
    text = (ROOT / document).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        note = (match["note"] or "").strip()
        if match["language"] not in ("sh", "bash", "python") or note.startswith("not run"):
            continue
        exit_code = int(note.removeprefix("exits")) if note.startswith("exits") else 0
        line = text.count("\n", 0, match.start("code"))
        found.append(Block(match["language"], match["code"], exit_code, line))
    return found


def runnable(code: str) -> str:
    """Return a shell block without the lines that install something."""
    kept = []
    for line in code.splitlines():
        if line.startswith("make"):
            targets = (ROOT / "Makefile").read_text(encoding="utf-8")
            for target in re.findall(r"^make ([\w-]+)", line):
                assert re.search(rf"^{target}:", targets, re.MULTILINE), f"the Makefile has no target {target}"
        elif not line.startswith(NOT_HERE):
            kept.append(line)
    return "\n".join(kept) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the fixtures and a `placement` command, installed or not."""
    shutil.copytree(ROOT / "fixtures", tmp_path / "fixtures")
    (tmp_path / "build").mkdir()
    commands = tmp_path / ".commands"
    commands.mkdir()
    for name, arguments in (("placement", "-m placement"), ("python", ""), ("python3", "")):
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
    return tmp_path


def run(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PATH": f"{folder / '.commands'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
    }
    if block.language == "python":
        command = [sys.executable, "-W", "error", "-c", block.code]
    else:
        command = ["bash", "-euo", "pipefail", "-c", runnable(block.code)]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if blocks_of(document)])
def test_code_blocks_run(document: str, folder: Path) -> None:
    for block in blocks_of(document):
        result = run(block, folder)
        assert result.returncode == block.exit_code, (
            f"{document}, line {block.line}: exit {result.returncode} instead of {block.exit_code}\n"
            f"{block.code}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
        )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    dead = [link for link in LINK.findall(text) if not (path.parent / link).exists()]
    assert not dead, f"{document}: {dead}"


def test_a_block_that_fails_is_noticed(folder: Path) -> None:
    assert run(Block("sh", "false\ntrue\n", 0, 1), folder).returncode == 1
    assert run(Block("python", "raise SystemExit(3)\n", 0, 1), folder).returncode == 3


def test_a_make_target_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no target plann"):
        runnable("make plann\n")


def test_readme_states_the_figures_of_the_bundled_fleet() -> None:
    figures = json.loads((ROOT / "fixtures" / "goldens.json").read_text(encoding="utf-8"))["fleet-5000"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    cost = f"{figures['cost_per_hour']:,.3f}"
    gap, bound = f"{figures['gap']:.3%}", f"{figures['bound_per_hour']:,.3f}"
    assert f"{cost} USD/h, at most {gap} above the cheapest (bound {bound})" in readme
    assert f"{figures['services']:,} services, {figures['instances']:,} instances" in readme
    assert f"(`fixtures/fleet-5000`) | {cost} USD/h" in readme


def test_every_target_and_document_is_there() -> None:
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/mathematics.md"} <= set(DOCUMENTS)
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("plan", "test", "lint", "test-system", "bench", "bench-full", "bench-peers", "clean"):
        assert f"make {target}" in help_text
