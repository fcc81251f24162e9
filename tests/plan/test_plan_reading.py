"""Damaged plans: every problem is told with file, row, column and value, and nothing ends in a traceback."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_plan import small_plan

from placement.errors import InputError
from placement.plan import read_plan, write_plan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_plan(small_plan(8), tmp_path / "plan")
    return tmp_path / "plan"


def problems(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_plan(folder)
    assert caught.value.problems
    return [str(problem) for problem in caught.value.problems]


def problems_if_any(folder: Path) -> list[str]:
    """Read a plan whose damage may have hit what says nothing."""
    try:
        read_plan(folder)
    except InputError as error:
        return [str(problem) for problem in error.problems] or ["an error without a problem"]
    return []


def edit_json(folder: Path, name: str, edit: Callable[[dict[str, Any]], None]) -> None:
    data = json.loads((folder / name).read_text(encoding="utf-8"))
    edit(data)
    (folder / name).write_text(json.dumps(data), encoding="utf-8")


def edit_cells(folder: Path, name: str, column: str, cells: dict[int, str]) -> None:
    """Put texts into a column of a CSV table, by 1-based data row."""
    frame = pl.read_csv(folder / name, infer_schema=False)
    values = frame[column].to_list()
    for row, text in cells.items():
        values[row - 1] = text
    frame.with_columns(pl.Series(column, values)).write_csv(folder / name)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    assert problems(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'}: there is no such folder"]
    (tmp_path / "file").write_text("x")
    assert problems(tmp_path / "file") == [f"{tmp_path / 'file'}: is a file; a plan is a folder"]
    assert "cannot be read" in problems(Path("nul\0byte"))[0]


def test_all_missing_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    assert problems(tmp_path / "plan") == [
        "plan.json: the file is missing",
        "bounds.json: the file is missing",
        "hosts.csv: the file is missing",
        "assignments.csv: the file is missing",
    ]


def test_problems_of_all_files_are_told_at_once(folder: Path) -> None:
    edit_json(folder, "plan.json", lambda d: d.update(status="splendid"))
    edit_json(folder, "bounds.json", lambda d: d["certificates"][0].update(pool=7))
    edit_cells(folder, "hosts.csv", "price_per_hour", {2: "cheap", 5: "-1", 7: "NaN"})
    edit_cells(folder, "hosts.csv", "spare", {3: "perhaps"})
    edit_cells(folder, "assignments.csv", "instance", {4: "0"})
    assert problems(folder) == [
        "plan.json, status: Input should be 'optimal', 'feasible' or 'infeasible': 'splendid'",
        "bounds.json, certificates.0.pool: Input should be a valid string: '7'",
        "hosts.csv, row 3, spare: is blank or not of its type: 'perhaps'; allowed: true or false",
        "hosts.csv, rows 2, 5, 7, price_per_hour: is blank or not of its type: 'cheap'; "
        "allowed: a number from 0 to 1000000",
        "assignments.csv, row 4, instance: is blank or not of its type: '0'; "
        "allowed: a whole number from 1 to 1000000000000000000",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no valid JSON"),
        (b"\xff\xfe\x00", "is no valid JSON"),
        (b"{", "is no valid JSON"),
        (b"[1, 2]", "must hold one JSON object"),
        (b"null", "must hold one JSON object"),
        (b"{}", "unknown or missing format"),
        (b'{"format": "placement/plan/99"}', "unknown or missing format"),
        (b'{"format": ["placement/plan/1"]}', "unknown or missing format"),
        (b'{"format": "placement/plan/1", "x": NaN}', "NaN is no number"),
        (b'{"format": "placement/plan/1", "x": -Infinity}', "-Infinity is no number"),
        (b'{"format": "placement/plan/1", "x": 1e999}', "1e999 is too large"),
        (b'{"format": "placement/plan/1"}', "key is missing"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format": "placement/plan/1", "settings": ' + b"[" * 500 + b"]" * 500 + b"}", "recursion limit"),
    ],
)
def test_a_plan_json_that_is_none(folder: Path, content: bytes, words: str) -> None:
    (folder / "plan.json").write_bytes(content)
    assert any(words in problem for problem in problems(folder))


def test_keys_are_known_and_of_their_type(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["cost"]["per_hours"] = 1.0
        data["cost"]["gap"] = "0.1"
        data["hosts"]["total"] = 3.5
        data["hosts"]["spare"] = True
        del data["fleet"]["digest"]

    edit_json(folder, "plan.json", edit)
    found = problems(folder)
    assert "plan.json, cost.per_hours: unknown key: '1.0'; did you mean 'per_hour'?" in found
    assert "plan.json, fleet.digest: key is missing" in found
    assert {problem.split(":")[0] for problem in found} == {
        "plan.json, cost.per_hours", "plan.json, cost.gap", "plan.json, hosts.total", "plan.json, hosts.spare",
        "plan.json, fleet.digest",
    }  # fmt: skip


def test_hundreds_of_problems_are_cut_short(folder: Path) -> None:
    edit_json(folder, "plan.json", lambda d: d["hosts"].update(by_size={f"s{i}": "x" for i in range(500)}))
    found = problems(folder)
    assert len(found) == 21
    assert found[-1] == "plan.json: has 480 further problems"


def test_a_certificate_nested_too_deeply(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        leaf = data["certificates"][0]["tree"]["low"]
        node = leaf
        for _ in range(400):
            node = {"kind": "branch", "coefficients": [1], "at": 0, "low": node, "high": leaf}
        data["certificates"][0]["tree"] = node

    edit_json(folder, "bounds.json", edit)
    assert "bounds.json" in problems(folder)[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no valid CSV"),
        (b"\x00\xff\xfe\x00", "column is missing"),
        (b"service,instance,host\ns,1,h,4\n", "is no valid CSV"),
        (b"service,instance,host\n\xff\xff,1,h\n", "is no valid CSV"),
        (b'service,instance,host\n"s,1,h\n', "is no valid CSV"),
        (b"service,instance\ns,1\n", "host: column is missing"),
        (b"service,instance,hosts\ns,1,h\n", "hosts: unknown column; did you mean 'host'?"),
        (b"service,service,instance,host\ns,s,1,h\n", "service: column is there twice"),
        (b"service,instance,host\ns,1\n", "row 1, host: is blank"),
        (b"service,instance,host\n\ns,1,h\n", "row 1, service: is blank"),
        (b"service,instance,host\ns,1.5,h\n", "row 1, instance: is blank or not of its type: '1.5'"),
        (b"service,instance,host\ns,99999999999999999999,h\n", "row 1, instance"),
    ],
)
def test_an_assignments_table_that_is_none(folder: Path, content: bytes, words: str) -> None:
    (folder / "assignments.csv").write_bytes(content)
    assert any(words in problem for problem in problems(folder))


@pytest.mark.parametrize("text", ["NaN", "inf", "-1", "1e19", "", "4 cores", "0x10"])
def test_quantities_that_are_none(folder: Path, text: str) -> None:
    edit_cells(folder, "hosts.csv", "cpu_cores_used", {1: text})
    (problem,) = problems(folder)
    assert problem.startswith("hosts.csv, row 1, cpu_cores_used: is blank or not of its type")


def test_hosts_are_listed_once(folder: Path) -> None:
    edit_cells(folder, "hosts.csv", "host", {3: "h-0000"})
    assert problems(folder) == ["hosts.csv, rows 1, 3, host: is listed more than once: 'h-0000'"]


def test_many_bad_rows_are_one_problem(folder: Path) -> None:
    edit_cells(folder, "assignments.csv", "host", dict.fromkeys(range(1, 13), ""))
    assert problems(folder) == ["assignments.csv, rows 1, 2, 3, 4, 5 and 7 more, host: is blank"]


def test_a_table_stands_there_once(folder: Path) -> None:
    (folder / "hosts.parquet").write_bytes(b"")
    assert problems(folder) == ["hosts.csv and hosts.parquet: only one of them may be there"]


@pytest.mark.parametrize("table", ["hosts", "assignments"])
def test_damaged_parquet(tmp_path: Path, table: str) -> None:
    folder = tmp_path / "plan"
    write_plan(small_plan(8), folder, table_format="parquet")
    path = folder / f"{table}.parquet"
    content = path.read_bytes()
    rng = random.Random(1)
    damaged = [b"", b"PAR1", content[:100], content[: len(content) // 2], b"PAR1" + b"\xff" * 50 + b"PAR1"]
    for _ in range(20):
        noise = bytearray(content)
        for _ in range(8):
            noise[rng.randrange(len(noise))] = rng.randrange(256)
        damaged.append(bytes(noise))
    for version in damaged:
        path.write_bytes(version)
        assert all(f"{table}.parquet" in problem for problem in problems_if_any(folder))
    assert any("is no valid Parquet table" in problem for problem in problems_of(path, damaged[0], folder))


def problems_of(path: Path, content: bytes, folder: Path) -> list[str]:
    path.write_bytes(content)
    return problems(folder)


def test_parquet_of_other_types(tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    write_plan(small_plan(3), folder, table_format="parquet")
    frame = pl.read_parquet(folder / "hosts.parquet")
    frame.with_columns(
        pl.lit(1).alias("host"), pl.lit("x").alias("spare"), pl.lit(1.5).alias("instances"), pl.lit([1]).alias("zone")
    ).write_parquet(folder / "hosts.parquet")
    columns = {problem.split(":")[0].split(", ")[-1] for problem in problems(folder)}
    assert columns == {"host", "spare", "instances", "zone"}


def test_windows_line_ends_and_a_byte_order_mark_are_read(folder: Path) -> None:
    expected = read_plan(folder).assignments
    content = (folder / "assignments.csv").read_bytes()
    (folder / "assignments.csv").write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert read_plan(folder).assignments.equals(expected)


def test_random_damage_never_ends_in_a_traceback(folder: Path) -> None:
    rng = random.Random(2)
    for name in ("plan.json", "bounds.json", "hosts.csv", "assignments.csv"):
        content = (folder / name).read_bytes()
        for _ in range(40):
            noise = bytearray(content)
            for _ in range(rng.randrange(1, 6)):
                noise[rng.randrange(len(noise))] = rng.choice(b'\x00\xff,"\n{}[]0a-.')
            (folder / name).write_bytes(noise[: rng.randrange(len(noise))] if rng.random() < 0.3 else bytes(noise))
            assert "an error without a problem" not in problems_if_any(folder)
        (folder / name).write_bytes(content)
    assert read_plan(folder).hosts.height == 8
