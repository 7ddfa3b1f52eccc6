"""Responses taken and drained, and how soon a killed installation takes them again."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from benchmarks import base
from benchmarks.passes import settle_home, wired
from benchmarks.ready import opened
from marketing.responses import CLICKED, Response
from marketing.touch import seal, unseal
from warehouse import schema
from warehouse.collecting import collect
from warehouse.inbox import Inbox, to_json

__all__ = ["accepted", "carried_on", "drained", "killed", "ready"]

ROOT = Path(__file__).parent.parent
CALLERS = 32


def clicks(warehouse, count: int) -> list[Response]:
    """`count` clicks on the openings that the first pass has planned."""
    with warehouse.ledger.read() as tx:
        step = tx.execute(sa.select(schema.step.c.id).where(schema.step.c.name == "opening")).scalar_one()
        wave = tx.execute(sa.select(sa.func.max(schema.wave.c.id))).scalar_one()
    with warehouse.snapshot() as snap:
        touches = snap.sql("""SELECT enrolment_id, visit, leg FROM touches WHERE wave = $wave AND step = 'opening'
                              ORDER BY enrolment_id LIMIT $most""", wave=wave, most=count).to_pylist()
    now = warehouse.clock.now()
    return [Response(f"d{number}", CLICKED, now, now, seal(warehouse.key, t["enrolment_id"], step, t["visit"], t["leg"]),
                     None, None) for number, t in enumerate(touches)]


def accepted(meter, home: str, count: int) -> dict:
    """`count` responses put by 32 callers, each of whom waits until its own is durable."""
    warehouse = opened(home)
    rows = [(f"a{number}", to_json(Response(f"a{number}", CLICKED, base.START, base.START, "k", None, None)))
            for number in range(count)]
    box = Inbox(warehouse)
    box.put("bench", "first", b"{}", base.START)
    with ThreadPoolExecutor(CALLERS) as callers, meter:
        list(callers.map(lambda row: box.put("bench", row[0], row[1], base.START), rows, chunksize=50))
    size = box.size()
    box.clear(list(range(size + 1)))
    box.close()
    return {"rows": size - 1}


def drained(meter, home: str, count: int) -> dict:
    """`count` responses that wait in the inbox become parts."""
    copy = f"{home}_drained"
    shutil.copytree(home, copy)
    warehouse = opened(copy)
    box, now = Inbox(warehouse), warehouse.clock.now()
    waiting = [box.submit("bench", one.dedup, to_json(one), now) for one in clicks(warehouse, count)]
    for done in waiting:
        done.result()
    with meter:
        counts = collect(warehouse, (), run=str(uuid.uuid4()), as_of=now, unseal=unseal, box=box)
    shutil.rmtree(copy)
    return {"asked": len(waiting), "listed": counts.listed}


def killed(_meter, home: str) -> dict:
    """A pass over `home`, killed with SIGKILL inside its ledger transaction."""
    settle_home(home)
    program = ("import chains, uuid; from benchmarks import passes; from flows import recipe, wiring; "
               "recipe.run_pass(wiring.wired(), 'three_steps', run=str(uuid.uuid4()))")
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False,
                          env={**os.environ, "RELANCE_FAILPOINT": "commit.in_transaction"})
    return {"killed": done.returncode == -signal.SIGKILL}


def ready(meter, home: str) -> dict:
    """Seconds from the start of a new process until ledger and inbox have each taken a write."""
    command = [sys.executable, "-m", "benchmarks.ready", home]
    begun = time.time()
    with meter:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {"seconds": float(done.stdout.split()[-1]) - begun}


def carried_on(_meter, home: str) -> dict:
    """After the kill: the same pass again, and how many it took in."""
    from flows.recipe import run_pass

    return {"entered": run_pass(wired(home), "three_steps", run=str(uuid.uuid4())).entered}
