"""One process of the proofs: it does some of a world's work, and may be ended at any place in it."""

import json
import os
import random
import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import chains
from connectors.sink import read
from flows import recipe, wiring
from flows.maintain import tidy_up
from flows.send import drain
from marketing.responses import BOUNCED_HARD, CLICKED, PURCHASED, REPLIED, Response, UNSUBSCRIBED
from warehouse import commit, failpoints, maintenance
from warehouse.inbox import Inbox, to_json
from warehouse.passing import send as planning
from warehouse.records import KEPT

#: The chains of the proofs; only a process that works in their world sees them.
CHAINS = str(Path(__file__).parent / "chains")

#: A touch's answer, by a hash of whom and what: the shares of the kinds, the rest is silence.
SHARES = {CLICKED: 0.30, REPLIED: 0.10, PURCHASED: 0.06, UNSUBSCRIBED: 0.05, BOUNCED_HARD: 0.03}
#: Small parts and batches, so that a small world has many of both, in files and inside the manifest.
INLINE_ROWS, BATCH = 150, 120


@dataclass(frozen=True)
class Work:
    """What a process is to do in the world at `home`, and how it is to end."""

    home: str
    tasks: tuple[tuple[str, ...], ...]
    environ: dict[str, str]
    failpoint: str = ""
    #: how far this process's real clock runs ahead: leases of the dead have lapsed, without waiting for them
    ahead: timedelta = timedelta()
    #: the order in which a pass takes the slices: "up", "down", or the seed of a shuffle
    order: str = "up"


def work(asked: Work, tell) -> None:
    """Do the tasks in order; `tell` is given the number of each that is done."""
    if CHAINS not in chains.__path__:
        chains.__path__.append(CHAINS)
    commit.INLINE_ROWS, planning.BATCH, maintenance.SMALL = INLINE_ROWS, BATCH, 100_000
    wired = _wired(asked)
    failpoints.arm(asked.failpoint)
    for number, (verb, *words) in enumerate(asked.tasks):
        VERBS[verb](wired, *words)
        tell(number)


def _wired(asked: Work):
    made = wiring.wired({"RELANCE_HOME": asked.home, **asked.environ})
    wall, slices = made.wall, made.warehouse.slices
    made.warehouse.slices = lambda: _ordered(slices(), asked.order)
    _count_calls(made.connectors["memory"], Path(asked.home) / "calls.tsv")
    return replace(made, wall=lambda: wall() + asked.ahead)


def _ordered(slices: list[int], order: str) -> list[int]:
    if order == "up":
        return slices
    return slices[::-1] if order == "down" else random.Random(order).sample(slices, len(slices))


def _count_calls(memory, path: Path) -> None:
    """Note each touch that is handed over, made or not, so that the calls can be counted beside the sink."""
    send = memory.send

    def noted(batch, now):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "w") as file:
            file.write("".join(f"{touch.key}\n" for touch in batch))
        return send(batch, now)

    memory.send = noted


# What a process can be asked to do ----------------------------------------------------------------------


def set_clock(wired, instant: str) -> None:
    wired.warehouse.clock.advance(datetime.fromisoformat(instant))


def answer(wired, since: str, until: str) -> None:
    """Put into the inbox what the people who have their message say between two instants."""
    since, until, seen, box = datetime.fromisoformat(since), datetime.fromisoformat(until), Counter(), Inbox(wired.warehouse)
    waiting = []
    for key, contact, _, step, sent_at in sorted(read(wired.warehouse.home / "sink.tsv"), key=lambda row: (row[4], row[1:4])):
        seen[contact, step] += 1
        name = f"{step}/{contact}/{seen[contact, step]}"
        number = int.from_bytes(sha256(name.encode()).digest()[:8], "big")
        happened_at = datetime.fromisoformat(sent_at) + timedelta(minutes=20 + number % (60 * 50))
        kind = _kind((number >> 16) % 10_000 / 10_000)
        if kind and since < happened_at <= until:
            said = Response(name, kind, happened_at, happened_at, key=key, machine=number % 11 == 0 and kind == CLICKED)
            waiting.append(box.submit("door", name, to_json(said), happened_at))
    for one in waiting:
        one.result()
    box.close()


def _kind(drawn: float) -> str | None:
    for kind, share in SHARES.items():
        if drawn < share:
            return kind
        drawn -= share
    return None


def make_pass(wired, chain: str, run: str, send_for: str = "0") -> None:
    recipe.run_pass(replace(wired, send_for=float(send_for)), chain, run=run)


def send(wired, run: str) -> None:
    drain(wired, run=run)


def maintain(wired, run: str) -> None:
    """Fold and sweep as if what was replaced were read by no record of a pass any more, nor by anybody who has died."""
    maintenance.fold_small(wired.warehouse, run=run, as_of=wired.warehouse.clock.now(), more_than=2)
    maintenance.sweep(wired.warehouse, now=wired.wall() + KEPT + timedelta(days=1), grace=timedelta(0))


def tidy(wired, run: str) -> None:
    tidy_up(wired, run=run)


VERBS = {"clock": set_clock, "answer": answer, "pass": make_pass, "send": send, "maintain": maintain, "tidy": tidy}

if __name__ == "__main__":
    home, text = sys.argv[1:]
    given = json.loads(text)
    work(Work(home, tuple(map(tuple, given["tasks"])), given["environ"], failpoint=os.environ.get("RELANCE_FAILPOINT", "")),
         tell=lambda number: print(number, flush=True))
