"""Reading model folders: what is wrong is told with file, key, value and what is allowed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from placement.capacity import CapacityModel, bundled_models, check_model, load_model, read_overlay
from placement.capacity import loader as loader_module
from placement.errors import InputError, Problem

SOURCE = Path(__file__).resolve().parents[2] / "models" / "rithmxo-1.0"

Edit = Callable[[str, str, str], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "own"
    shutil.copytree(SOURCE, target)
    return target


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def problems(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        load_model(folder)
    found = caught.value.problems
    assert check_model(folder) == found
    return found


def test_a_copy_of_the_folder_is_the_same_model(folder: Path) -> None:
    copied, bundled = load_model(folder), load_model("rithmxo-1.0")
    assert copied == bundled
    assert copied.digest == bundled.digest
    assert load_model(str(folder)) == bundled


def test_bundled_models_are_found_without_an_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> Path:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(loader_module.resources, "files", not_installed)
    assert "rithmxo-1.0" in bundled_models()


def test_bundled_models_are_read_from_the_installed_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "elsewhere-2")
    asked: list[str] = []

    def installed(name: str) -> Path:
        asked.append(name)
        return tmp_path

    monkeypatch.setattr(loader_module.resources, "files", installed)
    assert bundled_models() == ("elsewhere-2",)
    assert load_model("elsewhere-2").name == "rithmxo-1.0"
    assert set(asked) == {"placement.models"}


@pytest.mark.parametrize("name", ["rithmxo-1", "no/such/folder", "", "nul\0l"])
def test_no_such_model(name: str) -> None:
    with pytest.raises(InputError) as caught:
        load_model(name)
    (problem,) = caught.value.problems
    assert "rithmxo-1.0" in problem.allowed
    assert name != "rithmxo-1" or problem.suggestion == "rithmxo-1.0"


def test_folder_without_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the folder has no model\.yaml"):
        load_model(tmp_path)


def test_unknown_key(folder: Path) -> None:
    edit(folder, "hosts.yaml", "    cpu_cores: 8\n", "    cpu_coers: 8\n")
    missing, unknown = problems(folder)
    assert (missing.file, missing.column) == ("hosts.yaml", "hosts.sizes.medium")
    assert missing.message == "missing key cpu_cores"
    assert (unknown.file, unknown.column) == ("hosts.yaml", "hosts.sizes.medium.cpu_coers")
    assert unknown.suggestion == "cpu_cores"


@pytest.mark.parametrize(
    "value",
    [
        "-1",
        ".nan",
        ".inf",
        "-.inf",
        "1.0e+300",
        "2000000000",
        "'600'",
        "yes",
        "many",
        "null",
        "[1, 2]",
        "2026-01-01",
    ],
)
def test_bad_number(folder: Path, value: str) -> None:
    edit(folder, "services.yaml", "    memory_mb: 600\n", f"    memory_mb: {value}\n")
    if value == "null":  # optional in a profile: the back end's figure is taken
        assert load_model(folder).profile_demand("typical", "typical")["memory_mb"] == 300
        return
    (problem,) = problems(folder)
    assert (problem.file, problem.column) == ("services.yaml", "services.profiles.typical.memory_mb")
    assert problem.allowed == "a number from 0 to 1000000000"
    assert problem.value


@pytest.mark.parametrize(
    ("figure", "word"),
    [
        ("{low: 400, high: 200}", "low 400, typical 300, high 200"),
        ("{low: 200, typical: 500, high: 400}", "typical 500"),
        ("{value: .nan}", "value is 'nan'"),
        ("{low: 200}", "neither a value nor a range"),
        ("{value: 1, high: 2}", "both a value and a range"),
        ("{value: 300, unit: GB}", "unit is 'GB'"),
        ("{value: 300, unti: MB}", "did you mean 'unit'?"),
        ("{value: 300, status: guessed}", "'estimate' or 'measured'"),
        ("{}", "neither a value nor a range"),
    ],
)
def test_bad_figure(folder: Path, figure: str, word: str) -> None:
    edit(folder, "services.yaml", "    memory_mb: {low: 200, high: 400}\n", f"    memory_mb: {figure}\n")
    (problem,) = problems(folder)
    assert problem.file == "services.yaml"
    assert problem.column.startswith("services.backend.normal.memory_mb")
    assert word in str(problem)


def test_all_problems_of_all_files_are_told(folder: Path) -> None:
    edit(folder, "hosts.yaml", "cpu_cores: 4\n", "cpu_cores: four\n")
    edit(folder, "alerts.yaml", "comparison: above\n", "comparison: over\n")
    edit(folder, "prices/aws-us-east-1-m7i.yaml", "currency: USD\n", "currency: dollars\n")
    edit(folder, "model.yaml", "placement/model/1", "placement/model/9")
    found = {(problem.file, problem.column) for problem in problems(folder)}
    assert found == {
        ("hosts.yaml", "hosts.sizes.small.cpu_cores"),
        ("alerts.yaml", "alerts.thresholds.host-cpu.comparison"),
        ("prices/aws-us-east-1-m7i.yaml", "prices.aws-us-east-1-m7i.currency"),
        ("model.yaml", "format"),
    }


def test_figure_without_provenance(folder: Path) -> None:
    edit(folder, "growth.yaml", "  owner: Business / Strategy\n", "")
    found = problems(folder)
    assert all(problem.message == "no owner" and problem.file == "growth.yaml" for problem in found)
    assert "growth.overhead_factor" in {problem.column for problem in found}


def test_row_name_that_would_part_a_path(folder: Path) -> None:
    edit(folder, "hosts.yaml", "  small:\n", "  small.ish:\n")
    assert any(p.message == "not a name" and p.value == "small.ish" for p in problems(folder))


def test_missing_and_unknown_files(folder: Path) -> None:
    (folder / "growth.yaml").rename(folder / "grwoth.yaml")
    missing, unknown = problems(folder)
    assert (missing.file, missing.message) == ("growth.yaml", "missing file of the model")
    assert (unknown.file, unknown.suggestion) == ("grwoth.yaml", "growth.yaml")


def test_section_in_the_index(folder: Path) -> None:
    edit(folder, "model.yaml", "version:", "hosts: {}\nversion:")
    assert [(p.file, p.column) for p in problems(folder)] == [("model.yaml", "hosts")]


def test_no_prices_at_all(folder: Path) -> None:
    shutil.rmtree(folder / "prices")
    (problem,) = problems(folder)
    assert problem.column == "defaults.price_list"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"# only a comment\n", "empty"),
        (b"- a\n- b\n", "not a mapping"),
        (b"just text", "not a mapping"),
        (b"\x00\x01\x02", "not YAML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a: [1, 2\n", "not YAML"),
        (b"a: 1\na: 2\n", "duplicate key in line 2"),
        (b"a: {b: 1, c: 2, b: 3}\n", "a.b: duplicate key"),
        (b"a: [{b: 1, b: 2}]\n", "a[1].b: duplicate key"),
        (b"a: &x 1\nb: *x\n", "an alias"),
        (b"a: &x {y: *x}\n", "an alias"),
        (b"1: 2\n", "a key that is not text"),
        (b"? [a]\n: 1\n", "a key that is not text"),
        (b"a: 2026-99-99\n", "not YAML that can be read"),
        (b"a: !!python/object/apply:os.getcwd []\n", "not YAML"),
        (b"a: 1\n---\nb: 2\n", "not YAML"),
        (b"a: " + b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
        (b"- " * 200_000, "nested too deeply"),
        (b"a: " + b"9" * 5000, "not YAML that can be read"),
        (b"#" * 4_000_001, "too large"),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    file = tmp_path / "overlay.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_overlay(file)
    assert caught.value.problems[0].file == "overlay.yaml"
    assert word in str(caught.value)


def test_overlay_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_overlay(tmp_path / "none.yaml")


def test_broken_yaml_in_a_model_names_the_file(folder: Path) -> None:
    (folder / "sia.yaml").write_text("tiers: [\n")
    (folder / "prices" / "aws-us-east-1-m6i.yaml").write_text("a: 1\na: 1\n")
    assert {problem.file for problem in problems(folder)} == {"sia.yaml", "prices/aws-us-east-1-m6i.yaml"}


def test_importing_and_loading_pulls_in_nothing_heavy() -> None:
    code = (
        "import sys; from placement.capacity import load_model; load_model('rithmxo-1.0');"
        "print(sorted({'polars', 'ortools', 'pandas', 'networkx', 'numba', 'typer'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"


def test_model_is_frozen() -> None:
    model: CapacityModel = load_model("rithmxo-1.0")
    with pytest.raises(ValueError, match="frozen"):
        model.hosts.formula = None  # type: ignore[assignment, misc]
