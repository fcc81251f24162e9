"""What tests are told of the programs they need: where they are, or what to install."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from servers import Servers, wait_until
from system_tools import TOOLS, Tool, how_to_install, missing

pytestmark = pytest.mark.system


def put(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_a_program_is_found_on_the_path_then_in_its_folders_then_its_substitute(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    one = Tool(("valkeyd", "redisd"), ("valkey", "redis"), (f"{tmp_path}/lib/*/bin",))
    assert one.find() is None
    substitute = put(tmp_path / "bin", "redisd")
    assert one.find() == substitute
    put(tmp_path / "lib" / "9" / "bin", "valkeyd")
    newest = put(tmp_path / "lib" / "15" / "bin", "valkeyd")
    assert one.find() == newest
    on_path = put(tmp_path / "bin", "valkeyd")
    assert one.find() == on_path


def test_what_is_missing_is_named_with_its_packages(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(TOOLS, "there", Tool(("there",), ("package-of-there",)))
    put(tmp_path, "there")
    gone = missing(["there", "valkey", "setpriv"])
    assert list(gone) == ["valkey", "setpriv"]
    assert how_to_install(gone.values()) == (
        "missing: valkey-server or redis-server, setpriv (Debian packages: valkey-server or redis-server, util-linux)"
    )


@pytest.mark.parametrize(("ci", "outcome"), [("true", "1 error"), ("", "1 skipped")])
def test_a_missing_program_skips_and_fails_in_continuous_integration(ci, outcome, tmp_path):
    # pytest on a copy of this folder's own plugin, whose tests ask for a program that no machine has
    here = Path(__file__).parent
    for name in ("conftest.py", "planned.py", "servers.py"):
        (tmp_path / name).write_text((here / name).read_text())
    table = (here / "system_tools.py").read_text()
    (tmp_path / "system_tools.py").write_text(table + 'TOOLS["nosuch"] = Tool(("nosuch",), ("nosuch-package",))\n')
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n\n@pytest.fixture\ndef program(tool):\n    return tool('nosuch')\n\n\n"
        "def test_it(program):\n    pass\n\n\ndef test_the_rest():\n    pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        env=os.environ | {"CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if ci else 0), done.stdout + done.stderr
    assert f"1 passed, {outcome}" in done.stdout
    assert "missing: nosuch (Debian packages: nosuch-package)" in done.stdout


START = """
import os, signal
from pathlib import Path
from servers import Servers, wait_until

servers = Servers(Path(os.environ["SETPRIV"]))
command = ["/bin/sh", "-c", "touch ready; exec sleep 60"]
server = servers.start("sleep", command, (servers.folder / "ready").exists)
print(server.process.pid, servers.folder, flush=True)
"""


def test_servers_end_with_their_test(tool):
    with Servers(tool("setpriv")) as servers:
        server = servers.start("sleep", ["/bin/sleep", "60"], lambda: True)
    assert server.process.returncode == -signal.SIGKILL
    assert not servers.folder.exists()


def test_servers_end_with_a_process_that_is_killed(tool):
    done = subprocess.run(
        [sys.executable, "-c", START + "os.kill(os.getpid(), signal.SIGKILL)\n"],
        cwd=Path(__file__).parent,
        env=os.environ | {"SETPRIV": str(tool("setpriv"))},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    pid, folder = done.stdout.split()
    shutil.rmtree(folder)
    assert done.returncode == -signal.SIGKILL
    wait_until(lambda: not runs(int(pid)), "the server of a killed process is gone")


def runs(pid: int) -> bool:
    """Whether a process runs: it may be gone, or dead and not yet reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
