"""State: the ledger that says what is true, the parts that hold the facts, the engine that reads them."""

import os
import secrets
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from marketing.house import House
from marketing.policy import Policy
from warehouse import acts as acts  # its tables belong to every ledger
from warehouse import schema
from warehouse.clock import Clock, ClockError
from warehouse.commit import Commit, HeadMoved
from warehouse.engine import Engine
from warehouse.environment import WrongEnvironment, hold
from warehouse.ledger import Ledger, LedgerError
from warehouse.manifest import current_number
from warehouse.snapshot import Snapshot
from warehouse.store import StoreError, open_store

__all__ = ["ClockError", "Commit", "Engine", "HeadMoved", "LedgerError", "Snapshot", "StoreError", "Warehouse",
           "WrongEnvironment"]


#: Contacts in one slice from which on a second thread is worth what it costs (measured: `make bench`).
MANY = 250_000


class Warehouse:
    """One company's state: house and policy, ledger, parts, clock.

    A slice is `1 << slice_bits` contact ids, the same for every table: the unit of
    commit and of parallel work. `threads` of a database; without it, as many as its slices are worth.
    `going_live` opens a ledger that is not live yet where the house says live: for who looks at what is missing.
    """

    def __init__(self, home: Path, house: House, policy: Policy, ledger: Ledger, store, *, slice_bits: int = 20,
                 memory_limit: str = "320MB", threads: int | None = None, key: bytes | None = None,
                 going_live: bool = False):
        self.home, self.house, self.policy = Path(home), house, policy
        self.ledger, self.store, self.clock = ledger, store, Clock(ledger)
        self.slice_bits, self.memory_limit, self.threads = slice_bits, memory_limit, threads
        self.key = key or _secret(self.home)
        hold(ledger, house.environment, going_live=going_live)

    @classmethod
    def open(cls, home: Path, house: House, policy: Policy, ledger_url: str | None = None,
             warehouse_url: str | None = None, **settings) -> "Warehouse":
        """Open the warehouse of a home folder. Raises LedgerError, StoreError, WrongEnvironment."""
        home = Path(home)
        store = open_store(warehouse_url or str(home / "parts"), home / "cache")
        ledger = Ledger(ledger_url or f"sqlite:///{home / 'ledger.sqlite'}")
        return cls(home, house, policy, ledger, store, **settings)

    def engine(self, *, own: bool = False) -> Engine:
        """A connection to the process's database; `own`: to one of its own, whose settings may be changed."""
        return Engine(self.memory_limit, self.threads or self._worth(), self.home / "spill", own=own)

    def _worth(self) -> int:
        """Threads that pay: below so many contacts in a slice two cost more CPU than one, and are not done sooner."""
        of_slices = sa.select(sa.func.sum(schema.part.c.rows)).where(
            schema.part.c.tbl == "contacts", schema.part.c.retired_n.is_(None)).group_by(schema.part.c.slice)
        with self.ledger.read() as tx:
            return 2 if max(tx.execute(of_slices).scalars(), default=0) >= MANY else 1

    def commit(self, *, run: str, as_of: datetime, engine: Engine | None = None) -> Commit:
        return Commit(self.ledger, self.store, run=run, as_of=as_of, engine=engine)

    @contextmanager
    def snapshot(self, slice: int | None = None, engine: Engine | None = None, n: int | None = None):
        """One moment of the warehouse; its files stay until the `with` ends."""
        held = self.open_snapshot(slice=slice, engine=engine or self.engine(), n=n)
        try:
            yield held
        finally:
            held.release()
            if engine is None:
                held.engine.close()

    def open_snapshot(self, *, slice: int | None = None, engine: Engine, n: int | None = None) -> Snapshot:
        """A snapshot on an engine of the caller's, who releases it."""
        return Snapshot(self, slice=slice, engine=engine, n=n)

    def number(self) -> int:
        """The number of the newest part."""
        with self.ledger.read() as tx:
            return current_number(tx)

    @property
    def slice_size(self) -> int:
        return 1 << self.slice_bits

    def slice_of(self, contact_id: int) -> int:
        return contact_id >> self.slice_bits

    def slices(self) -> list[int]:
        """The slices that hold contacts."""
        query = sa.select(schema.part.c.slice).where(schema.part.c.tbl == "contacts").distinct()
        with self.ledger.read() as tx:
            return sorted(tx.execute(query).scalars())

    def close(self) -> None:
        self.ledger.close()


def _secret(home: Path) -> bytes:
    """The key of tokens and address hashes, where none was given: in a file only its owner can read."""
    path = home / "secret.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secrets.token_hex(32).encode())
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # the first of several processes wins
    except FileExistsError:
        pass
    temporary.unlink()
    return path.read_bytes()

