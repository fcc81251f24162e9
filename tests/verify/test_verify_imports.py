"""The checker is independent: it imports nothing of the planner, and no solver."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import placement.verify

FOLDER = Path(placement.verify.__file__).parent
ALLOWED = {
    "placement.capacity", "placement.errors", "placement.fleet", "placement.plan", "placement.units",
    "placement.verify",
}  # fmt: skip


def imported_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names.add(node.module or "")
    return names


def test_the_checker_imports_only_what_it_checks_against() -> None:
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 10
    for path in files:
        for name in imported_names(path):
            root = name.split(".")[0]
            own = ".".join(name.split(".")[:2])
            assert root != "placement" or own in ALLOWED, f"{path.name} imports {name}"
            assert root not in {"ortools", "scipy"}, f"{path.name} imports {name}"


def test_running_the_checker_loads_neither_planner_nor_solver_nor_compiler() -> None:
    code = (
        "import sys, placement.verify.check\n"
        "bad = [n for n in sys.modules if n.split('.')[0] in ('ortools', 'numba')"
        " or n.startswith(('placement.instance', 'placement.bounds', 'placement.packing', 'placement.engine'))]\n"
        "sys.exit(repr(bad) if bad else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_public_names_resolve_and_are_sorted() -> None:
    assert list(placement.verify.__all__) == ["FINDING_KINDS", "CheckResult", "Finding", "check_plan"]
    assert all(getattr(placement.verify, name) is not None for name in placement.verify.__all__)
