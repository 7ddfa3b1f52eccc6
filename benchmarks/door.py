"""Responses taken and drained, and how soon a killed installation takes them again."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from benchmarks import base
from benchmarks.passes import settle_home, wired
from benchmarks.ready import opened
from marketing.responses import CLICKED, INBOUND_CALL, Response
from marketing.touch import seal, unseal
from warehouse import schema
from warehouse.collecting import collect
from warehouse.inbox import Inbox, to_json

__all__ = ["accepted", "beside", "carried_on", "drained", "killed", "ready"]

ROOT = Path(__file__).parent.parent
CALLERS = 32
#: Of those who come at the pace of a busy day and not as fast as they can: how many, seconds between two of one, seconds alone.
PACED, PAUSE, ALONE = 8, 0.01, 5.0
#: A pass in a process of its own; it says when it begins, its modules loaded.
PASS = """
import chains, uuid
from benchmarks import passes
from flows import recipe, wiring
installation = wiring.wired()
print("begins", flush=True)
recipe.run_pass(installation, "three_steps", run=str(uuid.uuid4()))
"""


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


def beside(_meter, home: str) -> dict:
    """Seconds until a response is durable, the 99th percentile: with nothing else to do, and beside a pass over `home`."""
    copy = f"{home}_beside"
    shutil.copytree(home, copy)
    settle_home(copy)
    box = Inbox(opened(copy))
    with _Paced(box, "alone") as alone:
        time.sleep(ALONE)
    running = subprocess.Popen([sys.executable, "-c", PASS], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    running.stdout.readline()
    with _Paced(box, "beside") as during:
        failed = running.wait()
    box.close()
    shutil.rmtree(copy)
    if failed:
        raise RuntimeError(f"the pass ended with {failed}")
    return {"alone": alone.p99(), "beside": during.p99(), "rows": len(during.waited)}


class _Paced:
    """Callers who put a response each, pause, and put the next, for as long as the `with` lasts."""

    def __init__(self, box: Inbox, name: str):
        self.box, self.name, self.waited, self.over = box, name, [], threading.Event()
        self.threads = [threading.Thread(target=self._call, args=(number,)) for number in range(PACED)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _call(self, caller: int) -> None:
        count = 0
        while not self.over.wait(PAUSE):
            count += 1
            said = Response(f"{self.name}-{caller}-{count}", INBOUND_CALL, base.START, base.START, None, caller, None)
            begun = time.perf_counter()
            self.box.put("bench", said.dedup, to_json(said), base.START)
            self.waited.append(time.perf_counter() - begun)

    def p99(self) -> float:
        return sorted(self.waited)[int(len(self.waited) * 0.99)]


def killed(_meter, home: str) -> dict:
    """A pass over `home`, killed with SIGKILL inside its ledger transaction."""
    settle_home(home)
    done = subprocess.run([sys.executable, "-c", PASS], cwd=ROOT, check=False, stdout=subprocess.DEVNULL,
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
