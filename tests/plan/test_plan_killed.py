"""A writer killed at any moment leaves the old plan or the new one, and no rubbish after the next write."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_plan import same, small_plan

from placement.plan import folders, plan_digest, read_plan, write_plan

OLD, NEW = small_plan(2), small_plan(400)
ROUNDS = 30

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
    # a process serves several kills' worth of moments: it is forked again from a warm parent where that can be
    for _ in range(ROUNDS // 10):
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("way", ["exchange", "fallback"])
def test_kill_9_at_every_step(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die right before each call that changes the disk, one after another, until a write gets through."""
    if way == "fallback":
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    target = tmp_path / "plan"
    whole = {plan_digest(OLD), plan_digest(NEW)}
    seen = set()
    for step in range(100):
        write_plan(OLD, target)
        if fork_and_die(lambda: write_plan(NEW, target), step):
            digest = plan_digest(read_plan(target))
            assert digest in whole
            seen.add(digest)
        else:
            break
    assert step > 8
    assert seen == whole  # both outcomes have been met
    write_plan(OLD, target)
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def fork_and_die(action, step: int) -> bool:
    """Run an action in a child that kills itself before its `step`-th change of the disk; return whether it did."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event: str, _arguments: object) -> None:
            nonlocal left
            if event in {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "ctypes.dlsym", "fcntl.flock"}:
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1

        sys.addaudithook(hook)
        with contextlib.suppress(BaseException):
            action()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


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
