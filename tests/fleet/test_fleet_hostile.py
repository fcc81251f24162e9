"""Every hostile input gets the answer that its expected.txt says, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from placement.errors import InputError
from placement.fleet import read_fleet

HOSTILE = Path(__file__).resolve().parents[2] / "fixtures" / "hostile"
FOLDERS = sorted(path for path in HOSTILE.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_hostile_input_gets_its_answer(folder: Path) -> None:
    expected = (folder / "expected.txt").read_text(encoding="utf-8").split("\n")
    assert expected[-1] == "", "expected.txt ends with a line end"
    code, *lines = expected[:-1]
    if code == "exit 1":
        assert read_fleet(folder).services.height
        return
    assert code == "exit 2"
    with pytest.raises(InputError) as caught:
        read_fleet(folder)
    assert str(caught.value).split("\n") == lines
    assert caught.value.exit_code == 2


def test_what_is_asked_for_is_there() -> None:
    names = {folder.name for folder in FOLDERS}
    assert len(names) >= 80
    assert {
        "number-nan",
        "number-infinite",
        "number-negative",
        "name-duplicate",
        "parquet-wrong-types",
        "name-injection",
        "column-unknown",
        "key-unknown",
        "table-empty",
        "table-binary",
        "yaml-python-object",
        "yaml-alias-bomb",
        "yaml-duplicate-key",
        "table-missing",
        "service-larger-than-any-host",
    } <= names


def test_nothing_was_executed() -> None:
    with pytest.raises(InputError):
        read_fleet(HOSTILE / "yaml-python-object")
    assert not (HOSTILE / "pwned").exists()
    assert not Path("pwned").exists()


def test_problems_are_data_too() -> None:
    with pytest.raises(InputError) as caught:
        read_fleet(HOSTILE / "many-rows-one-fault")
    (problem,) = caught.value.problems
    # rows 101 to 228 are wrong: 128 rows, one problem
    assert problem.to_dict() == {
        "file": "services.csv",
        "message": "not a number",
        "rows": [101, 102, 103, 104, 105],
        "num_rows": 128,
        "column": "memory_mb",
        "value": "lots",
        "allowed": "a number from 0 to 1,000,000,000,000 MB; or blank",
    }
