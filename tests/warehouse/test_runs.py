"""Runs in the ledger: how each ended, also where nobody was left to say so."""

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from warehouse import acts, journal, processes, runs, schema
from warehouse.ledger import Ledger

ROOT = Path(__file__).parents[2]
WALL = datetime(2026, 1, 5, 9)
#: A process that says who it is, and waits to be killed.
WAITING = "import time; from warehouse import processes; print(processes.ours(), flush=True); time.sleep(600)"

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="without /proc, age alone tells")


@pytest.fixture
def ledger(ledger_url: str):
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def other():
    """Another process of this machine, and how it calls itself."""
    process = subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def running(ledger, name: str, process: str | None, since: datetime = WALL) -> None:
    with ledger.begin() as tx:
        ledger.put(tx, schema.run, {"id": name, "name": name, "kind": "pass", "chain": 1, "started_at": since,
                                    "state": "running", "process": process})


def states(ledger) -> dict[str, tuple[str, str | None]]:
    with ledger.read() as tx:
        return {row.id: (row.state, row.summary) for row in tx.execute(sa.select(schema.run))}


def begin(ledger, name: str, wall: datetime) -> None:
    runs.start(ledger, name, name=name, kind="pass", chain=1, params={}, as_of=wall, wall=wall)


@pytest.mark.parametrize("buried", [True, False])
def test_a_killed_run_is_crashed(ledger, other, buried):
    """The next run to start marks a run whose process is dead, be it still listed by the system or not."""
    process, named = other
    running(ledger, "killed", named)
    begin(ledger, "second", WALL)
    before = states(ledger)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | (0 if buried else os.WNOWAIT))
    begin(ledger, "third", WALL)

    assert before == {"killed": ("running", None), "second": ("running", None)}
    assert states(ledger) == {"killed": ("crashed", '{"error": "its process has died"}'),
                              "second": ("running", None), "third": ("running", None)}


def test_a_number_that_was_given_again_is_another_process(ledger):
    """A process is its number and its start: who has the number now is not who had it."""
    host, number, start, place = processes.ours().split(" ")
    running(ledger, "earlier", f"{host} {number} {int(start) - 1} {place}")
    running(ledger, "now", processes.ours())
    runs.mark_crashed(ledger, WALL)

    assert {name: state for name, (state, _) in states(ledger).items()} == {"earlier": "crashed", "now": "running"}


@pytest.mark.parametrize(("process", "where"), [
    ("far 1 7 elsewhere/pid:[1]", "it ran on far as process 1"), ("far 1 - -", "it ran on far as process 1"),
    (None, "nobody knows where it ran")])
def test_another_machine_is_given_a_day(ledger, process, where):
    """Of a process that cannot be seen from here nothing is said for a day."""
    running(ledger, "far", process)
    runs.mark_crashed(ledger, WALL + timedelta(hours=24))
    after_a_day = states(ledger)["far"]
    runs.mark_crashed(ledger, WALL + timedelta(hours=24, seconds=1))

    assert after_a_day == ("running", None)
    assert states(ledger)["far"] == ("crashed", f'{{"error": "not heard of for 24 hours; {where}"}}')


def test_the_run_itself_has_the_last_word(ledger):
    """A run that was taken for dead and ends after all is completed."""
    running(ledger, "slow", "far 1 7 elsewhere/pid:[1]")
    runs.mark_crashed(ledger, WALL + timedelta(days=2))
    runs.finish(ledger, "slow", state="completed", summary={"sentence": "done"}, wall=WALL + timedelta(days=3))

    assert states(ledger)["slow"] == ("completed", '{"sentence": "done"}')


def test_a_ledger_of_before_is_brought_up(ledger):
    """Runs that a ledger kept before it knew processes stay, and are given a day; what people do can be kept from then on."""
    with ledger.begin() as tx:
        for name in acts.__all__:
            tx.execute(sa.text(f"DROP TABLE {name}"))
        tx.execute(sa.text("ALTER TABLE batch DROP COLUMN wave"))
        tx.execute(sa.text("DELETE FROM counter WHERE name = 'journal'"))
        tx.execute(sa.text("DROP INDEX run_in_state"))
        tx.execute(sa.text("ALTER TABLE run DROP COLUMN process"))
        tx.execute(sa.text("INSERT INTO run (id, name, kind, started_at, state) "
                           "VALUES ('old', 'old', 'pass', '2026-01-05 09:00:00.000000', 'running')"))
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    again = Ledger(ledger.url.render_as_string(hide_password=False))
    runs.mark_crashed(again, WALL + timedelta(hours=1))
    after_an_hour = states(again)
    runs.mark_crashed(again, WALL + timedelta(hours=25))
    said = states(again)

    journal.note(again, journal.Who("anne"), "stop", {}, now=WALL)
    sealed = journal.broken(again)
    again.close()

    assert (after_an_hour["old"][0], said["old"][0], sealed) == ("running", "crashed", "")
