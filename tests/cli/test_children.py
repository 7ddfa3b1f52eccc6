"""What `relance up` stands on: children that end when they are told to, a free port, one at a time, paths that hold anywhere."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from flows.cli import up
from flows.cli.answering import Refused
from flows.cli.children import Child, sweep
from flows.cli.prefect_server import ServerFailed, free_port

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
PARENT = ("import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], "
          "start_new_session=True); print('on', flush=True)")
TELLS = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)"


def child(tmp_path: Path, program: str) -> Child:
    """A child of Python, once it has said something."""
    made = Child("child", [sys.executable, "-c", program], os.environ, tmp_path / "log")
    until = time.monotonic() + 20
    while not made.log.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    return made


def test_it_ends(tmp_path):
    """A child ends when it is asked; asked again nothing happens."""
    made = child(tmp_path, "import time; print('on', flush=True); time.sleep(60)")
    running = made.ended
    made.stop()
    made.stop()

    assert (running, made.ended) == (None, -signal.SIGTERM)


def test_it_ends_by_force(tmp_path):
    """A child that does not end when it is asked is ended all the same."""
    made = child(tmp_path, STUBBORN)
    made.stop(patience=0.5)

    assert made.ended == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_it_leaves_nothing(tmp_path):
    """What a child has started, and left behind in a session of its own, is ended with it."""
    if any(tasks.read_text() for tasks in Path("/proc/self/task").glob("*/children")):
        pytest.skip("a Prefect server of this process, which other tests ask, would be ended too")
    made = child(tmp_path, PARENT)
    until = time.monotonic() + 20
    while made.ended is None and time.monotonic() < until:
        time.sleep(0.05)

    assert sweep() == 1
    assert sweep() == 0


def test_it_hears_ctrl_c(tmp_path):
    """A child hears SIGINT even where its parent was started with it ignored, as in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        made = child(tmp_path, TELLS)
    finally:
        signal.signal(signal.SIGINT, before)
    made.stop()

    assert made.log.read_text() == "True\n"


def test_free_port():
    """A port that somebody listens at is passed over; where all are, that is an error."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        taken = door.getsockname()[1]

        assert taken < free_port(taken) < taken + 100
    assert free_port() > 1023


def test_no_port(monkeypatch):
    """Where a hundred ports are taken nothing is started."""
    monkeypatch.setattr(socket.socket, "bind", lambda *given: (_ for _ in ()).throw(OSError("taken")))

    with pytest.raises(ServerFailed, match="no port from 4200 to 4299 is free"):
        free_port(4200)


def test_one_at_a_time(tmp_path):
    """A home that is up is not started again, and says where it is; once it has ended it can be."""
    with up._only_one(tmp_path / "prefect") as remember:
        remember("http://127.0.0.1:4205/api")
        with pytest.raises(Refused, match="up already: http://127.0.0.1:4205/api"), up._only_one(tmp_path / "prefect"):
            pass

    assert (tmp_path / "prefect" / "up.lock").read_text() == ""
    with up._only_one(tmp_path / "prefect"):
        pass


def test_paths_hold_anywhere(tmp_path, monkeypatch):
    """Runs start in folders of their own: relative paths become whole, addresses stay; the shell's server is not ours."""
    monkeypatch.chdir(tmp_path)
    given = {"RELANCE_HOME": "var", "RELANCE_WAREHOUSE_URL": "parts", "RELANCE_LEDGER_URL": "sqlite:///var/l.sqlite",
             "PREFECT_API_URL": "https://elsewhere/api", "PREFECT_API_KEY": "x"}
    monkeypatch.setattr(os, "environ", dict(given))
    up._settle({"PREFECT_API_URL": "http://here/api"})

    assert os.environ == {"RELANCE_HOME": f"{tmp_path}/var", "RELANCE_WAREHOUSE_URL": f"{tmp_path}/parts",
                          "RELANCE_LEDGER_URL": f"sqlite:///{tmp_path}/var/l.sqlite", "PREFECT_API_URL": "http://here/api"}
    os.environ |= {"RELANCE_WAREHOUSE_URL": "s3://bucket/x", "RELANCE_LEDGER_URL": "postgresql+psycopg://db/x"}
    up._settle({})
    assert os.environ["RELANCE_WAREHOUSE_URL"] == "s3://bucket/x" and os.environ["RELANCE_LEDGER_URL"].endswith("db/x")
