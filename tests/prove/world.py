"""A small world of the proofs: its house, contacts and calendar, the processes that live in it, and its laws."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import wait
from pathlib import Path

import sqlalchemy as sa

from connectors.sink import read
from marketing.house import House
from marketing.policy import Policy
from tests.houses import FEW, HOUSE, SMS_HOURS
from tests.prove import people
from tests.prove.worker import Work, work
from warehouse import Warehouse, schema
from warehouse.acts import former

__all__ = ["AT_MOST", "MOMENTS", "START", "WITHIN_DAYS", "Counts", "Setup", "World", "calendar_of", "random_times"]

START = datetime(2026, 3, 2, 8)  # a Monday, 09:00 in Paris
#: When something happens: mornings, and a late evening (no SMS before the morning).
MOMENTS = [START + timedelta(days=d, hours=h) for d, h in (
    (0, 0), (1, 12.5), (2, 0), (4, 0), (5, 0))]

CHANNELS = """
[channels]
email = "memory"
sms = "memory"
post = "memory"
[connectors.memory]
kind = "memory"
path = "sink.tsv"
record = false
idempotent = {idempotent}
lookup = {lookup}
max_batch = 50
slow = {slow}
"""
POLICY = 'country = "FR"\nglobal_holdout = 0.05\n' + FEW + SMS_HOURS
AT_MOST, WITHIN_DAYS = 3, 4


@dataclass(frozen=True)
class Setup:
    """How a world is set up; the columns that are compared must not depend on any of it but `contacts` and `across`."""

    connector: str = "idempotent"  # idempotent, lookup, or neither
    contacts: int = 1500
    slice_bits: int = 10
    threads: int = 1
    order: str = "up"
    #: whether addresses are shared between contacts of different slices (of 1,024)
    across: bool = True
    slow: float = 0.0
    lease: float | None = None
    ledger_url: str | None = None

    @property
    def environ(self) -> dict[str, str]:
        more = {} if self.lease is None else {"RELANCE_LEASE": str(self.lease)}
        more |= {"RELANCE_LEDGER_URL": self.ledger_url} if self.ledger_url else {}
        return {"RELANCE_SLICE_BITS": str(self.slice_bits), "RELANCE_THREADS": str(self.threads),
                "RELANCE_MEMORY": "200MB", "RELANCE_SECRET_KEY": "proof", **more}


@dataclass
class Counts:
    """What a person reads at the end of a proof."""

    kills: int = 0
    starts: int = 0
    #: files that the killed left behind, that nobody ever listed
    orphans: set[str] = field(default_factory=set)


@dataclass
class _Lane:
    """Tasks that one process does after the other; a process that dies is followed by one that goes on."""

    tasks: tuple
    done: int = 0
    error: str = ""
    process: multiprocessing.Process | None = None
    told: object = None
    dies_at: float | None = None


class World:
    """A warehouse in a folder, worked on by other processes; this one only looks."""

    def __init__(self, home: Path, setup: Setup, copy_of: "World | None" = None):
        self.home, self.setup, self.counts = home, setup, Counts()
        self.ahead = timedelta()
        if copy_of:
            shutil.copytree(copy_of.home, home)
        home.mkdir(parents=True, exist_ok=True)
        kind = setup.connector
        (home / "house.toml").write_text(HOUSE + CHANNELS.format(
            idempotent=str(kind == "idempotent").lower(), lookup=str(kind == "lookup").lower(), slow=setup.slow))
        (home / "policy.toml").write_text(POLICY.format(at_most=AT_MOST, within_days=WITHIN_DAYS))
        if copy_of:
            return
        warehouse = self.open()
        warehouse.clock.simulate(START)
        people.load(warehouse, setup.contacts, setup.across, START)
        warehouse.close()

    def open(self) -> Warehouse:
        house, policy = House.read(self.home / "house.toml"), Policy.read(self.home / "policy.toml")
        return Warehouse.open(self.home, house, policy, self.setup.ledger_url, slice_bits=self.setup.slice_bits, threads=1,
                              key=b"proof")

    def unlisted(self) -> set[str]:
        """The files of parts that no manifest lists, be it of parts that were replaced: what the dead have left behind."""
        warehouse = self.open()
        with warehouse.ledger.read() as tx:
            listed = {path for table in (schema.part, former) for path in tx.execute(sa.select(table.c.path)).scalars()}
        files = {name for name, _ in warehouse.store.files()}
        warehouse.close()
        return files - listed

    # Work ------------------------------------------------------------------------------------------------

    def run(self, *lanes: Sequence[tuple], failpoints: Iterable[str] = (), timers: Iterable[float] = ()) -> None:
        """Have the lanes done at the same time, each by one process after the other, until all is done.

        Each process in turn is given the next failpoint, or is killed after the next of `timers` (seconds).
        """
        points, clocks = iter(failpoints), iter(timers)
        going = [_Lane(tuple(tasks)) for tasks in lanes if tasks]
        for lane in going:
            self._start(lane, next(points, ""), next(clocks, None))
        while going:
            self._listen(going)
            for lane in [lane for lane in going if not lane.process.is_alive()]:
                if self._ended(lane):
                    going.remove(lane)
                else:
                    self._start(lane, next(points, ""), next(clocks, None))

    def start(self, tasks: Sequence[tuple], failpoint: str = "") -> _Lane:
        """One process, left to itself; `finish` waits for it."""
        lane = _Lane(tuple(tasks))
        self._start(lane, failpoint, None)
        return lane

    def finish(self, lane: _Lane) -> None:
        """Wait until a process has ended by itself. Raises what it raised."""
        while lane.process.is_alive():
            self._listen([lane])
        assert self._ended(lane), f"the process ended by signal {-lane.process.exitcode}"

    def _start(self, lane: _Lane, failpoint: str, seconds: float | None) -> None:
        asked = Work(str(self.home), lane.tasks[lane.done:], self.setup.environ, failpoint, self.ahead, self.setup.order)
        hear, tell = _FORKS.Pipe(duplex=False)
        lane.process = _FORKS.Process(target=_inside, args=(asked, tell, lane.done), daemon=True)
        lane.process.start()
        tell.close()
        lane.told, lane.dies_at = hear, None if seconds is None else time.monotonic() + seconds
        self.counts.starts += 1

    def _listen(self, lanes: Sequence[_Lane]) -> None:
        """Hear how far they are; kill whose time has come."""
        alarms = [lane.dies_at for lane in lanes if lane.dies_at is not None]
        timeout = max(0.0, min(alarms) - time.monotonic()) if alarms else 60
        wait([lane.process.sentinel for lane in lanes] + [lane.told for lane in lanes if not lane.told.closed], timeout)
        for lane in lanes:
            if lane.dies_at is not None and time.monotonic() >= lane.dies_at and lane.process.is_alive():
                os.kill(lane.process.pid, signal.SIGKILL)
                lane.process.join()
            _hear(lane)

    def _ended(self, lane: _Lane) -> bool:
        """Whether a process that is no more has done all; its own errors are raised here."""
        lane.process.join()
        _hear(lane)
        lane.told.close()
        if lane.process.exitcode == -signal.SIGKILL:
            self.counts.kills += 1
            self.counts.orphans |= self.unlisted()
            # Whoever comes next finds the leases of the dead lapsed; a clock ahead spares waiting for it.
            self.ahead += timedelta(hours=1)
            return lane.done == len(lane.tasks)
        assert lane.process.exitcode == 0, f"a process of the world failed:\n{lane.error}"
        return True

    # Laws ------------------------------------------------------------------------------------------------

    def sink(self) -> list[tuple[str, ...]]:
        """One row per message that was really made: (key, contact, address, step, instant)."""
        return read(self.home / "sink.tsv")

    def calls(self) -> int:
        """How many touches were handed over, made or not."""
        path = self.home / "calls.tsv"
        return path.read_text().count("\n") if path.exists() else 0


def _inside(asked: Work, tell, before: int) -> None:
    import traceback

    try:
        work(asked, lambda number: tell.send(before + number + 1))
    except BaseException:
        tell.send(traceback.format_exc())
        raise SystemExit(1) from None


def _hear(lane: _Lane) -> None:
    try:
        while not lane.told.closed and lane.told.poll():
            said = lane.told.recv()
            if isinstance(said, int):
                lane.done = said
            else:
                lane.error = said
    except (EOFError, OSError):
        lane.told.close()


# Processes are forked from one that has only imported: each is a process of its own, ready in milliseconds.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.prove.worker"])


def calendar_of(*chains: str, maintain: bool = True) -> list[list[tuple]]:
    """The tasks of each moment in turn: the clock, the answers, a pass of each chain, the sending, maintenance."""
    tasks, since = [], START
    for number, moment in enumerate(MOMENTS):
        tasks.append([
            ("clock", moment.isoformat()), ("answer", since.isoformat(), moment.isoformat()),
            *(("pass", chain, f"{chain}-{number}", "60" if chain == chains[-1] else "0") for chain in chains),
            ("send", f"send-{number}"), *([("maintain", f"maintain-{number}")] if maintain else [])])
        since = moment
    return tasks


def random_times(seed: str, many: int, longest: float) -> list[float]:
    """When to kill: seconds after a process began, drawn from a seed."""
    drawn = random.Random(seed)
    return [drawn.uniform(0.01, longest) for _ in range(many)]
