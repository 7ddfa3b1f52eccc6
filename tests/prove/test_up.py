"""`relance up`: one command starts everything, Ctrl-C ends everything, and a second start finds everything as it was."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import CONTACTS, ORDERS
from tests.patient import answered

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]
RELANCE = [sys.executable, "-c", "from flows.cli.main import app; app()"]


#: As a script that puts a program into the background starts it: Ctrl-C is ignored, and so is the end of the terminal.
IN_THE_BACKGROUND = ("sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh")


class Up:
    """`relance up` of one home, in a folder that is not the project's."""

    def __init__(self, home: Path, *words: str, by: tuple[str, ...] = ()):
        self.home, self.said = home, home.parent / "said"
        with self.said.open("wb") as out:
            self.process = subprocess.Popen([*by, *RELANCE, "up", *words], env=environment(home), cwd=home.parent,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.address = self._address()

    def _address(self) -> str:
        until = time.monotonic() + 240
        while time.monotonic() < until and self.process.poll() is None:
            text = self.said.read_text()
            if "Ctrl-C stops everything." in text:
                return re.search(r"http://127\.0\.0\.1:\d+", text)[0]
            time.sleep(0.2)
        raise AssertionError(f"it is not up: {self.said.read_text()}")

    def ask(self, path: str, body: dict | None = None):
        code, said = answered(f"{self.address}/api{path}", "GET" if body is None else "POST", body)
        assert code < 300, f"{path}: {code} {said}"
        return said

    def start(self, name: str) -> str:
        number = self.ask(f"/deployments/name/{name}/{name}")["id"]
        return self.ask(f"/deployments/{number}/create_flow_run", {"state": {"type": "SCHEDULED"}})["id"]

    def reaches(self, run: str, kinds: set[str], patience: float = 180) -> dict:
        """The state of a run once it is of one of these kinds."""
        until = time.monotonic() + patience
        while (state := self.ask(f"/flow_runs/{run}")["state"])["type"] not in kinds and time.monotonic() < until:
            time.sleep(0.2)
        return state

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(120)


def environment(home: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RELANCE_", "PREFECT_"))}
    return clean | {"RELANCE_HOME": str(home)}


def relance(home: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([*RELANCE, *words], env=environment(home), cwd=home.parent, capture_output=True, text=True, check=False)


def alive(home: Path) -> list[str]:
    """The processes that work for this home."""
    found, mark = [], f"RELANCE_HOME={home}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.fixture
def home(tmp_path):
    """A house with contacts and orders."""
    for kind, text in (("contacts", CONTACTS), ("orders", ORDERS)):
        (tmp_path / f"{kind}.csv").write_text(text, encoding="utf-8")
        assert relance(tmp_path / "house", "load", kind, str(tmp_path / f"{kind}.csv")).returncode == 0
    return tmp_path / "house"


def test_up_and_down(home):
    """Up beside a taken port, a chain runs, Ctrl-C in the middle of a run leaves nothing, the second start has it all."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        first = Up(home, "--port", str(port))
        other = first.address.rpartition(":")[2]
        done = first.start("reactivate_lapsed")
        ended = first.reaches(done, {"COMPLETED", "FAILED", "CRASHED"})
        again = relance(home, "up")
        cut = first.start("maintain")
        first.reaches(cut, {"PENDING", "RUNNING"}, 30)
        code = first.stop(signal.SIGINT)

    assert (ended["type"], ended["message"][:16]) == ("COMPLETED", "20 of 20 entered")
    assert port < int(other) <= port + 99
    assert (again.returncode, f"{first.address}/api" in again.stderr) == (1, True)
    assert (code, alive(home)) == (0, [])

    second = Up(home, "--port", other)
    try:
        health = json.loads(relance(home, "doctor", "--json").stdout)
        states = {run: second.reaches(run, {"COMPLETED", "CRASHED", "CANCELLED", "FAILED"}, 60)["type"] for run in (done, cut)}
        late = second.ask("/flow_runs/count", {"flow_runs": {"state": {"name": {"any_": ["Late"]}}}})
        then = second.reaches(second.start("reactivate_lapsed"), {"COMPLETED", "FAILED", "CRASHED"})
    finally:
        code = second.stop(signal.SIGTERM)

    assert second.address == first.address
    assert [one for one in health["findings"] if one["state"] == "wrong"] == []
    assert {"Prefect", "work pool", "workers", "deployments"} <= {one["about"] for one in health["findings"]}
    assert states[done] == "COMPLETED" and states[cut] in ("CRASHED", "CANCELLED", "COMPLETED")
    assert (then["type"], late) == ("COMPLETED", 0)
    assert (code, alive(home)) == (0, [])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_in_the_background(how, home):
    """Started where Ctrl-C is ignored, it ends everything all the same, in the middle of a run too, and without force."""
    up = Up(home, by=IN_THE_BACKGROUND)
    cut = up.start("reactivate_lapsed")
    up.reaches(cut, {"PENDING", "RUNNING"}, 60)
    began = time.monotonic()
    code = up.stop(how)

    assert (code, alive(home)) == (0, [])
    assert time.monotonic() - began < 20, "somebody had to be ended by force"


def test_without_the_parent(home):
    """Where `relance up` itself is killed, its server and worker end by themselves."""
    up = Up(home)
    os.kill(up.process.pid, signal.SIGKILL)
    up.process.wait()
    until = time.monotonic() + 60
    while alive(home) and time.monotonic() < until:
        time.sleep(0.5)

    assert alive(home) == []
