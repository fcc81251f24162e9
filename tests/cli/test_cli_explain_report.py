"""``placement explain`` and ``placement report`` as users run them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from placement.cli.app import run as run_here

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the folder of a fleet and that of its plan."""
    from placement.engine import place
    from placement.fleet import read_fleet
    from placement.plan.writer import write_plan

    folder = tmp_path_factory.mktemp("asked")
    shutil.copytree(ROOT / "fixtures" / "tiny-interference", folder / "fleet")
    write_plan(place(read_fleet(folder / "fleet")), folder / "plan")
    return folder / "fleet", folder / "plan"


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    code = 0
    try:
        run_here([str(argument) for argument in arguments])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_every_view_fits_80_columns(folders, capsys, monkeypatch) -> None:
    fleet, plan = folders
    host = (plan / "hosts.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    for arguments in (["plan"], [host], ["a", "--why-not", host], ["service:e"]):
        code, out, err = run(capsys, monkeypatch, "explain", plan, *arguments, "--fleet", fleet)
        assert (code, err) == (0, "")
        assert out
        assert all(len(line) <= 80 for line in out.splitlines())
        assert "\x1b" not in out


def test_why_not_says_the_kind_and_the_numbers(folders, capsys, monkeypatch) -> None:
    fleet, plan = folders
    rows = [line.split(",") for line in (plan / "assignments.csv").read_text(encoding="utf-8").splitlines()[1:]]
    host = next(host for service, _, host in rows if service == "a")
    code, out, _ = run(capsys, monkeypatch, "explain", plan, "b", "--why-not", host, "--fleet", fleet)
    assert code == 0
    told = " ".join(out.split())
    assert "[resource-short]: memory: 4,500 MB asked, 700 left" in told
    assert "[interference]: a stands there" in told


def test_what_a_terminal_would_obey_is_shown_as_a_box(folders, capsys, monkeypatch, tmp_path) -> None:
    _, plan = folders
    shutil.copytree(plan, tmp_path / "plan")
    rows = (plan / "assignments.csv").read_text(encoding="utf-8")
    (tmp_path / "plan" / "assignments.csv").write_text(rows.replace("\na,", "\n\x1b[2J[bold]a,"), encoding="utf-8")
    code, out, _ = run(capsys, monkeypatch, "explain", tmp_path / "plan", "\x1b[2J[bold]a")
    assert code == 0
    assert out.startswith("service \N{WHITE SQUARE}[2J[bold]a\n")


def test_json_is_the_explanation(folders, capsys, monkeypatch) -> None:
    fleet, plan = folders
    code, out, _ = run(capsys, monkeypatch, "explain", plan, "a", "--fleet", fleet, "--json")
    data = json.loads(out)
    assert (code, data["format"], data["subject"]["kind"]) == (0, "placement/explanation/1", "service")


def test_unknown_names_exit_with_2_and_the_nearest(folders, capsys, monkeypatch) -> None:
    _, plan = folders
    host = (plan / "hosts.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    code, out, err = run(capsys, monkeypatch, "explain", plan, host.replace("small", "smal"))
    assert (code, out) == (2, "")
    assert f"did you mean {host!r}?" in " ".join(err.split())


def test_every_problem_of_every_file_is_named_at_once(folders, capsys, monkeypatch, tmp_path) -> None:
    _, plan = folders
    (tmp_path / "c.json").write_text('{"format": "placement/plan/1"}', encoding="utf-8")
    (tmp_path / "f.json").write_text("{", encoding="utf-8")
    code, _, err = run(
        capsys, monkeypatch, "report", plan, "-o", tmp_path / "r.html", "--fleet", tmp_path / "none",
        "--comparison", tmp_path / "c.json", "--forecast", tmp_path / "f.json",
    )  # fmt: skip
    assert code == 2
    told = "".join(err.split())
    for part in ("thereisnosuchfileorfolder", "c.json,format", "f.json:cannotbereadasJSON"):
        assert part in told
    assert not (tmp_path / "r.html").exists()


def test_a_report_is_written_and_its_size_told(folders, capsys, monkeypatch, tmp_path) -> None:
    fleet, plan = folders
    code, out, err = run(capsys, monkeypatch, "report", plan, "--fleet", fleet, "-o", tmp_path / "r.html", "--json")
    assert (code, err) == (0, "")
    size = (tmp_path / "r.html").stat().st_size
    assert json.loads(out) == {"file": str(tmp_path / "r.html"), "bytes": size, "pictures": []}


def test_the_reports_pictures(folders, capsys, monkeypatch, tmp_path) -> None:
    _, plan = folders
    (tmp_path / "c.json").write_text('{"format": "placement/comparison/1", "mixes": 3}', encoding="utf-8")
    (tmp_path / "file").touch()
    arguments = ["report", plan, "-o", tmp_path / "r.html", "--plots", tmp_path / "plots"]
    code, _, err = run(capsys, monkeypatch, *arguments, "--comparison", tmp_path / "c.json")
    assert (code, (tmp_path / "plots").exists()) == (2, False)
    assert "c.json,mixes" in "".join(err.split())
    assert run(capsys, monkeypatch, *arguments[:-1], tmp_path / "file")[0] == 2
    code, out, _ = run(capsys, monkeypatch, *arguments, "--json")
    assert code == 0
    assert sorted(json.loads(out)["pictures"]) == sorted(str(path) for path in (tmp_path / "plots").iterdir())
