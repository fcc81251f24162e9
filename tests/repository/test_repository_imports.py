"""Imports go one way, and the checker shares no code with the planner: .importlinter's contracts hold."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def lint(config: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", code, "--config", str(config), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_import_contracts_are_kept() -> None:
    result = lint(ROOT / ".importlinter")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_a_broken_contract_is_found(tmp_path: Path) -> None:
    upside_down = tmp_path / "importlinter"
    upside_down.write_text(
        "[importlinter]\nroot_package = placement\n\n[importlinter:contract:flow]\nname = upside down\n"
        "type = layers\nlayers =\n    placement.units\n    placement.engine\n",
        encoding="utf-8",
    )
    result = lint(upside_down)
    assert result.returncode == 1, result.stdout + result.stderr


def test_every_module_stands_in_the_contract() -> None:
    listed = (ROOT / ".importlinter").read_text(encoding="utf-8")
    modules = {
        path.stem for path in (ROOT / "placement").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    outside = {name for name in modules - {"__init__", "__main__"} if f"placement.{name}" not in listed}
    assert not outside, f"not in a layer of .importlinter: {sorted(outside)}"


def test_every_package_is_in_the_wheel() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {path.parent for path in (ROOT / "placement").rglob("__init__.py")}
    there = {".".join(folder.relative_to(ROOT).parts) for folder in folders} | {"placement.models"}
    assert sorted(listed) == sorted(there)
