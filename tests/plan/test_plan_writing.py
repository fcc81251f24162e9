"""Plans written and read back: nothing is lost, the bytes are always the same, and only plans are replaced."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_plan import same, small_plan

from placement.errors import InputError, InternalError
from placement.plan import plan_digest, read_plan, write_plan
from placement.units import RESOURCES

PLAN = small_plan()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_what_is_written_is_read_back(tmp_path: Path, table_format: str) -> None:
    write_plan(PLAN, tmp_path / "plan", table_format=table_format)  # type: ignore[arg-type]
    ending = "csv" if table_format == "csv" else "parquet"
    assert set(contents(tmp_path / "plan")) == {
        "plan.json", "bounds.json", f"hosts.{ending}", f"assignments.{ending}"
    }  # fmt: skip
    assert same(read_plan(tmp_path / "plan"), PLAN)
    assert plan_digest(read_plan(tmp_path / "plan")) == plan_digest(PLAN)
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_the_bytes_do_not_depend_on_order_or_occasion(tmp_path: Path, table_format: str) -> None:
    shuffled = replace(
        PLAN,
        hosts=PLAN.hosts.reverse().select(sorted(PLAN.hosts.columns)),
        assignments=PLAN.assignments.sample(fraction=1.0, shuffle=True, seed=1),
        summary=PLAN.summary.model_copy(update={"versions": dict(reversed(PLAN.summary.versions.items()))}),
    )
    write_plan(PLAN, tmp_path / "one", table_format=table_format)  # type: ignore[arg-type]
    write_plan(shuffled, tmp_path / "two", table_format=table_format)  # type: ignore[arg-type]
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert plan_digest(PLAN) == plan_digest(shuffled)


def test_the_files_are_pleasant_to_compare(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "plan")
    files = contents(tmp_path / "plan")
    lines = files["hosts.csv"].decode().split("\n")
    assert lines[1].startswith("h-0000,small,services,main,za,,10gbe,false,0.1,2,0.001,0.001,1,1,")
    assert lines[2].startswith("h-0001,small,services,main,,,10gbe,false,0.100001,2,0.008,0.008,8,8,")
    assert files["assignments.csv"].startswith(b"service,instance,host\ns-0000,1,h-0000\ns-0000,2,h-0000\n")
    assert all(content.endswith(b"\n") and b"\r" not in content for content in files.values())
    assert list(json.loads(files["plan.json"])) == list(type(PLAN.summary).model_fields)
    assert '"a": {\n      "b": [' in files["plan.json"].decode()  # free-form keys are sorted
    assert b"[1, 2, 3, 4, 5, 6]," in files["bounds.json"]  # a shape a line
    assert "små" in files["plan.json"].decode()


def test_a_digest_tells_plans_apart() -> None:
    assert plan_digest(PLAN).startswith("sha256:")
    assert len(plan_digest(PLAN)) == 71
    no_proof = replace(PLAN, bounds=PLAN.bounds.model_copy(update={"certificates": ()}))
    others = [small_plan(4), small_plan(name="other"), no_proof]
    assert len({plan_digest(plan) for plan in [PLAN, *others]}) == 4


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=30), st.sampled_from(RESOURCES))
def test_quantities_come_back_as_the_same_integers(numbers: list[int], resource: object) -> None:
    factor = resource.factor  # type: ignore[attr-defined]
    frame = pl.DataFrame({"x": [number / factor for number in numbers]})
    text = pl.read_csv(frame.write_csv().encode(), schema={"x": pl.Float64})["x"].to_numpy()
    assert np.rint(text * factor).astype(np.int64).tolist() == numbers


def test_a_plan_that_cannot_be_written_is_our_fault(tmp_path: Path) -> None:
    nan = PLAN.hosts.with_columns(price_per_hour=pl.lit(float("nan")))
    broken = [
        replace(PLAN, hosts=nan),
        replace(PLAN, hosts=PLAN.hosts.drop("zone")),
        replace(PLAN, hosts=PLAN.hosts.with_columns(size=None)),
        replace(PLAN, assignments=PLAN.assignments.with_columns(instance=pl.lit("one"))),
        replace(PLAN, summary=PLAN.summary.model_copy(update={"settings": {"limit": float("inf")}})),
    ]
    for plan in broken:
        with pytest.raises(InternalError):
            write_plan(plan, tmp_path / "plan")
    assert list(tmp_path.iterdir()) == []


# --- where to -----------------------------------------------------------------------------------------------


def test_missing_parents_are_made_and_plans_replaced(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "plan"
    write_plan(PLAN, target)
    write_plan(small_plan(5), target, table_format="parquet")
    assert same(read_plan(target), small_plan(5))
    assert "hosts.csv" not in contents(target)  # nothing of the old plan is left
    assert [path.name for path in target.parent.iterdir()] == ["plan"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    write_plan(PLAN, tmp_path / "plan")
    assert same(read_plan(tmp_path / "plan"), PLAN)


def test_names_that_look_like_patterns_are_names(tmp_path: Path) -> None:
    target = tmp_path / "plan[*]?"
    (tmp_path / ".planx.tmp-1").mkdir()
    write_plan(PLAN, target)
    write_plan(PLAN, target)
    assert same(read_plan(target), PLAN)
    assert (tmp_path / ".planx.tmp-1").exists()


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_plan(PLAN, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert same(read_plan(tmp_path / "real"), PLAN)


def test_what_is_no_plan_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "thesis.tex").write_text("precious")
    other = tmp_path / "other"
    other.mkdir()
    (other / "plan.json").write_text('{"format": "holiday/plan/1"}')
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "plan.json").write_bytes(b"\xff{")
    plan = tmp_path / "plan"
    write_plan(PLAN, plan)
    (plan / "notes.md").write_text("precious")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for target, words in (
        (file, "is a file"), (stranger, "holds no plan"), (other, "holds no plan"), (broken, "holds no plan"),
        (plan, "notes.md"), (file / "below", "cannot be written"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            write_plan(PLAN, target)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_plan_of_a_later_version_is_a_plan(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.json").write_text('{"format": "placement/plan/2"}')
    write_plan(PLAN, tmp_path / "plan")
    assert same(read_plan(tmp_path / "plan"), PLAN)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    # a file in the way stops root, too, which a missing permission does not
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        write_plan(PLAN, tmp_path / "file" / "plan")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_unusable_names_and_formats(tmp_path: Path) -> None:
    for target in (tmp_path / ("x" * 300), Path("nul\0byte")):
        with pytest.raises(InputError, match="cannot be written"):
            write_plan(PLAN, target)
    with pytest.raises(InputError, match="unknown table format"):
        write_plan(PLAN, tmp_path / "plan", table_format="xlsx")  # type: ignore[arg-type]
