"""A writer killed at any moment leaves the old plan or the new one, and no rubbish after the next write."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_plan import same, small_plan

from placement.plan import folders, plan_digest, read_plan, write_plan
from placement.plan.digest import plan_files

OLD, NEW = small_plan(2), small_plan(400)
ROUNDS = 2

# writes the two plans in turn, for ever; says "ready" when the imports are done
WRITER = """
import sys, itertools
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from small_plan import small_plan
from placement.plan import folders, write_plan
import placement.plan.types
if sys.argv[3] == "fallback":
    folders._exchange = lambda one, other: False
plans = [small_plan(400), small_plan(2)]
print("ready", flush=True)
for plan in itertools.cycle(plans):
    write_plan(plan, Path(sys.argv[1]))
"""


@pytest.mark.parametrize("way", ["exchange", "fallback"])
def test_kill_9_leaves_one_plan_or_the_other(tmp_path: Path, way: str) -> None:
    target = tmp_path / "plan"
    write_plan(OLD, target)
    whole = {plan_digest(OLD), plan_digest(NEW)}
    rng = random.Random(7)
    arguments = [sys.executable, "-c", WRITER, str(target), str(Path(__file__).parent), way]
    for _ in range(ROUNDS):
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.0, 0.08))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert plan_digest(read_plan(target)) in whole
    write_plan(OLD, target)
    assert same(read_plan(target), OLD)
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


# writes two plans in turn, for ever, with nothing but the standard library loaded: it is up in no time
TIRELESS = """
import itertools, pickle, sys
from pathlib import Path
from placement.plan import folders
if sys.argv[3] == "fallback":
    folders._exchange = lambda one, other: False
versions = pickle.loads(Path(sys.argv[2]).read_bytes())
print("ready", flush=True)
for files in itertools.cycle(versions):
    folders.replace_folder(Path(sys.argv[1]), files)
"""


@pytest.mark.parametrize("way", ["exchange", "fallback"])
def test_kill_9_at_many_random_moments(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    target = folder / "plan"
    whole = {plan_digest(OLD), plan_digest(NEW)}
    versions = tmp_path / "versions"
    versions.write_bytes(pickle.dumps([plan_files(OLD), plan_files(NEW)]))
    write_plan(OLD, target)
    rng = random.Random(3)
    for _ in range(25):
        command = [sys.executable, "-c", TIRELESS, str(target), str(versions), way]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.0, 0.02))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL  # it was at work until then
        assert plan_digest(read_plan(target)) in whole
    write_plan(OLD, target)
    assert [path.name for path in folder.iterdir()] == ["plan"]


# dies right before its n-th change of the disk; a process of its own, since a fork of a threaded one may hang
DOOMED = """
import os, pickle, signal, sys
from pathlib import Path
from placement.plan import folders
target, files, left, way = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if way == "fallback":
    folders._exchange = lambda one, other: False
new_files = pickle.loads(files.read_bytes())

def hook(event, _arguments):
    global left
    if event in {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "ctypes.dlsym", "fcntl.flock"}:
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

sys.addaudithook(hook)
folders.replace_folder(target, new_files)
os._exit(0)
"""


@pytest.mark.parametrize("way", ["exchange", "fallback"])
def test_kill_9_at_every_step(tmp_path: Path, way: str) -> None:
    """Die right before each call that changes the disk, one after another, until a write gets through."""
    folder = tmp_path / "folder"
    folder.mkdir()
    target = folder / "plan"
    whole = {plan_digest(OLD), plan_digest(NEW)}
    files = tmp_path / "files"
    files.write_bytes(pickle.dumps(plan_files(NEW)))
    seen = set()
    for step in range(100):
        write_plan(OLD, target)
        command = [sys.executable, "-c", DOOMED, str(target), str(files), str(step), way]
        code = subprocess.run(command, check=False).returncode
        if code == 0:
            break
        assert code == -signal.SIGKILL
        digest = plan_digest(read_plan(target))
        assert digest in whole
        seen.add(digest)
    assert step > 8
    assert seen == whole  # both outcomes have been met
    write_plan(OLD, target)
    assert [path.name for path in folder.iterdir()] == ["plan"]


def test_an_interrupted_exchange_is_finished_by_the_reader(tmp_path: Path) -> None:
    target = tmp_path / "plan"
    write_plan(OLD, target)
    target.rename(tmp_path / ".plan.old-1234")  # where a fallback writer was killed between its two moves
    assert same(read_plan(target), OLD)
    assert target.exists()


def test_work_in_progress_is_not_taken_for_a_leftover(tmp_path: Path) -> None:
    target = tmp_path / "plan"
    (tmp_path / ".plan.tmp-dead").mkdir()
    with folders._temporary_folder(target) as alive:
        write_plan(OLD, target)
        assert alive.exists()
        assert not (tmp_path / ".plan.tmp-dead").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_a_failed_write_leaves_the_old_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "plan"
    write_plan(OLD, target)

    def full_disk(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(Exception, match="No space left on device"):
        write_plan(NEW, target)
    monkeypatch.undo()
    assert same(read_plan(target), OLD)
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]
