"""Sweeping: it deletes nothing that anybody can read; maintenance that dies loses nothing."""

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from tests.warehouse.made import MOVES, NOW, fold, live, move, rows
from warehouse import HeadMoved, schema
from warehouse.clock import wall
from warehouse.maintenance import Swept, fold_small, sweep

ROOT = Path(__file__).parents[2]


def later(hours: float = 48) -> datetime:
    return wall() + timedelta(hours=hours)


def test_the_sweeper_spares_what_can_be_read(wh):
    """A retired file goes when no snapshot lies before its retirement and the grace has passed, not earlier."""
    engine = wh.engine()
    for number in range(4):
        move(wh, number * 3_000, count=3_000)
    held = wh.open_snapshot(engine=engine)
    before = engine.value("SELECT 1") and held.sql("SELECT count(*) AS n FROM raw_moves")["n"].to_pylist()
    fold_small(wh, run="fold", as_of=NOW, more_than=3)
    with wh.ledger.begin() as tx:
        tx.execute(sa.update(schema.snapshot).values(expires_at=later(1_000)))

    assert sweep(wh, now=later()) == Swept()
    assert held.sql("SELECT count(*) AS n FROM raw_moves")["n"].to_pylist() == before == [12_000]
    held.release()
    assert sweep(wh, now=wall()) == Swept()
    assert sweep(wh, now=later()) == Swept(files=4, rows=4)
    assert sweep(wh, now=later()) == Swept()
    assert rows(wh, "SELECT count(*) FROM raw_moves") == [(12_000,)]
    engine.close()


def test_orphans_go_after_the_grace(wh):
    """A file that no manifest lists is deleted once it is old; a listed one never."""
    move(wh, 0, count=3_000)
    path = wh.store.reserve("moves")
    wh.store.begin(path).write_bytes(b"left behind")
    wh.store.seal(path)
    wh.store.begin("moves/half.parquet").write_bytes(b"half")

    assert sweep(wh, now=wall()) == Swept()
    assert sweep(wh, now=later()) == Swept(orphans=2)
    assert [file for file, _ in wh.store.files()] == [live(wh)[0].path]


def test_who_slept_through_a_sweep_cannot_commit(wh):
    """A commit whose parts were swept while it slept finds out, and nothing of it is visible."""
    commit = wh.commit(run="sleeper", as_of=NOW)
    many = pa.table({"enrolment_id": pa.array(range(3_000), pa.int64())})
    commit.add("moves", many, slice=0, chain=1)
    sweep(wh, now=later())
    commit._begun -= timedelta(hours=49)

    with pytest.raises(HeadMoved, match="swept while it slept"):
        commit.apply()
    assert live(wh) == []


def test_an_expired_reader_cannot_commit(wh):
    """Who held a snapshot that was forgotten finds every head moved: its marks count no more."""
    commit = wh.commit(run="sleeper", as_of=NOW)
    commit.read_head("chain:1", 0)
    engine = wh.engine()
    held = wh.open_snapshot(engine=engine)

    assert sweep(wh, now=later()).snapshots == 1
    with pytest.raises(HeadMoved):
        commit.apply()
    held.release()
    engine.close()


SWEEP = """
import sys
from datetime import timedelta
from pathlib import Path
from marketing.house import House
from marketing.policy import Policy
from warehouse import Warehouse
from warehouse.clock import wall
from warehouse.maintenance import fold_small, sweep
home = Path(sys.argv[1])
wh = Warehouse.open(home, House.read(home / "house.toml"), Policy.read(home / "policy.toml"), slice_bits=10)
fold_small(wh, run="fold", as_of=wh.clock.now(), more_than=3)
sweep(wh, now=wall() + timedelta(hours=48))
"""


@pytest.mark.parametrize("place", ["fold.before_commit", "commit.in_transaction", "fold.done", "sweep.before_drop",
                                   "sweep.dropped:2"])
def test_killed_maintenance_loses_nothing(local, place):
    """kill -9 in a fold or a sweep: the same rows are visible, and the next sweep leaves only listed files."""
    for number in range(4):
        move(local, number * 3_000, count=3_000)
    before = rows(local, MOVES)
    died = subprocess.run([sys.executable, "-c", SWEEP, str(local.home)], check=False, env={
        **os.environ, "RELANCE_FAILPOINT": place, "PYTHONPATH": str(ROOT)})

    assert died.returncode == -signal.SIGKILL
    assert rows(local, MOVES) == before
    fold(local)
    sweep(local, now=later(100))
    assert rows(local, MOVES) == before
    assert [file for file, _ in local.store.files()] == [live(local)[0].path]
