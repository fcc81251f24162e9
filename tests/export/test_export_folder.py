"""Folders and refusals: whole or not at all, never what is no export, never a plan that must not be used."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess

import jsonschema
import polars as pl
import pytest

from placement import InputError, RefusedError, export_plan, write_plan
from placement.cli.app import run
from placement.export import NEEDS_FLEET, SCHEMAS, TARGETS
from placement.plan.digest import plan_digest


def bytes_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("target", TARGETS)
def test_a_second_export_changes_nothing_and_says_what_it_is(plan, fleet, target, tmp_path):
    out = tmp_path / "deep" / "out"
    result = export_plan(plan, target, out, fleet=fleet)
    first = bytes_of(out)
    assert export_plan(plan, target, out, fleet=fleet) == result
    assert bytes_of(out) == first
    assert list(out.parent.iterdir()) == [out]
    manifest = json.loads(first["export.json"])
    jsonschema.validate(manifest, SCHEMAS["export"]())
    assert manifest["plan_digest"] == result.plan_digest == plan_digest(plan)
    assert manifest["files"] == result.num_files == len(first) - 2
    sums = dict(reversed(line.split("  ", 1)) for line in first["SHA256SUMS"].decode().splitlines())
    assert sums == {
        path: hashlib.sha256(content).hexdigest() for path, content in first.items() if path != "SHA256SUMS"
    }
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=out, check=True)


@pytest.mark.parametrize("target", sorted(NEEDS_FLEET))
def test_the_fleet_is_asked_for(plan, target, tmp_path):
    with pytest.raises(InputError, match="--fleet"):
        export_plan(plan, target, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_target_suggests_the_nearest(plan, fleet, tmp_path):
    with pytest.raises(InputError, match="did you mean 'systemd'"):
        export_plan(plan, "system", tmp_path / "out", fleet=fleet)


def test_a_stale_plan_is_refused_with_both_digests(plan, fleet, tmp_path):
    digest = plan_digest(plan)
    with pytest.raises(RefusedError) as refused:
        export_plan(plan, "env", tmp_path / "out", fleet=fleet, expect="sha256:00")
    assert digest in str(refused.value)
    assert "sha256:00" in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    export_plan(plan, "env", tmp_path / "out", fleet=fleet, expect=digest)


def test_a_plan_for_another_fleet_is_refused(plan, fleet, tmp_path):
    with pytest.raises(RefusedError, match="plan anew"):
        export_plan(plan, "env", tmp_path / "out", fleet=dataclasses.replace(fleet, digest="sha256:00"))


def test_a_plan_that_the_checker_refuses_is_refused(plan, fleet, tmp_path):
    broken = dataclasses.replace(plan, assignments=plan.assignments[1:])
    with pytest.raises(RefusedError, match="instance-missing"):
        export_plan(broken, "env", tmp_path / "out", fleet=fleet)
    # without the fleet its files still disagree with each other
    host = plan.hosts.filter(pl.col("spare"))["host"][0]
    moved = dataclasses.replace(plan, assignments=plan.assignments.with_columns(host=pl.lit(host)))
    with pytest.raises(RefusedError):
        export_plan(moved, "registry", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_export_to_this_target_stays(plan, fleet, tmp_path):
    out = tmp_path / "out"
    write_plan(plan, out)
    before = bytes_of(out)
    with pytest.raises(InputError, match="holds no export to env"):
        export_plan(plan, "env", out, fleet=fleet)
    assert bytes_of(out) == before
    other = tmp_path / "other"
    export_plan(plan, "registry", other, fleet=fleet)
    with pytest.raises(InputError, match="holds no export to env"):
        export_plan(plan, "env", other, fleet=fleet)
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        export_plan(plan, "env", file, fleet=fleet)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("link", [False, True])
def test_files_of_others_in_the_folder_stay(plan, fleet, tmp_path, link):
    out = tmp_path / "out"
    export_plan(plan, "env", out, fleet=fleet)
    stranger = out / "services" / "notes"
    if link:
        stranger.symlink_to(tmp_path)
    else:
        stranger.write_text("mine")
    with pytest.raises(InputError, match="services/notes"):
        export_plan(plan, "env", out, fleet=fleet)
    assert stranger.exists()


def test_an_export_that_fails_midway_leaves_the_old_one(plan, fleet, tmp_path, monkeypatch):
    out = tmp_path / "out"
    export_plan(plan, "env", out, fleet=fleet)
    before = bytes_of(out)

    def fails(source):
        yield "one", b"1"
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(TARGETS, "env", fails)
    with pytest.raises(InputError, match="No space left"):
        export_plan(plan, "env", out, fleet=fleet)
    assert bytes_of(out) == before
    assert list(tmp_path.iterdir()) == [out]


def test_many_files_are_written_in_subfolders(plan, tmp_path, monkeypatch):
    # more than a hundred: forced to disk as a file system, not one by one
    many = {f"hosts/h{n:03}/a.conf": str(n).encode() for n in range(150)}
    monkeypatch.setitem(TARGETS, "registry", lambda source: iter(many.items()))
    export_plan(plan, "registry", tmp_path / "out")
    written = bytes_of(tmp_path / "out")
    assert {path: content for path, content in written.items() if path.startswith("hosts/")} == many


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored") / "plan"
    write_plan(plan, folder)
    return folder


def command(capsys, *arguments):
    """Run the command; return its exit code and what it prints."""
    with pytest.raises(SystemExit) as ended:
        run(["export", *map(str, arguments)])
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_command_exports_and_says_so_as_json(stored, plan, tmp_path, capsys):
    # this plan's model is no bundled one, and its fleet has no folder: only a plan of services alone needs neither
    bare = tmp_path / "bare"
    alone = dataclasses.replace(
        plan,
        summary=plan.summary.model_copy(
            update={"settings": {**plan.summary.settings, "model_digest": _bundled_digest()}}
        ),
    )
    write_plan(alone, bare)
    code, out, _ = command(capsys, bare, "--to", "registry", "-o", tmp_path / "out", "--json")
    assert code == 0
    assert json.loads(out) == {
        "target": "registry",
        "folder": str(tmp_path / "out"),
        "plan_digest": plan_digest(alone),
        "files": 1,
        "bytes": (tmp_path / "out" / "registry.jsonl").stat().st_size,
    }
    code, out, _ = command(capsys, bare, "--to", "registry", "-o", tmp_path / "out")
    assert code == 0
    assert plan_digest(alone) in out


def test_command_refuses_a_stale_plan_with_exit_code_1(stored, plan, tmp_path, capsys):
    code, _, err = command(capsys, stored, "--to", "registry", "-o", tmp_path / "out", "--expect", "sha256:00")
    assert code == 1
    assert "the plan is refused" in err
    assert plan_digest(plan)[:30] in err
    code, out, _ = command(capsys, stored, "--to", "registry", "-o", tmp_path / "out", "--expect", "x", "--json")
    assert code == 1
    assert json.loads(out)["status"] == "refused"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--to", "ansible"], "--fleet"),
        (["--to", "puppet"], "--to"),
        (["--to", "registry"], "its fleet is needed"),
        (["--to", "env", "--fleet", "nowhere"], "nowhere"),
    ],
)
def test_command_says_what_is_wrong_with_exit_code_2(stored, tmp_path, capsys, arguments, named):
    code, out, err = command(capsys, stored, *arguments, "-o", tmp_path / "out")
    assert code == 2
    assert out == ""
    assert named in err
    assert not (tmp_path / "out").exists()


def _bundled_digest() -> str:
    from placement.capacity import load_model

    return load_model("rithmxo-1.0").digest
