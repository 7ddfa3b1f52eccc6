"""The inbox: every raw response is one durable insert, answered after the commit, drained in bulk."""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from marketing.responses import Response
from warehouse.ledger import make_durable
from warehouse.schema import inbox, inbox_metadata

__all__ = ["BadPayload", "Inbox", "InboxError", "Received", "from_json", "short", "to_json"]

#: Serialises the making of the table on PostgreSQL, where two CREATE TABLE IF NOT EXISTS can collide.
_MAKING = 7_236_114_001
#: Rows of one commit; far above what gathers during a commit, so that one slow disk cannot starve a caller.
GROUP = 5_000


class InboxError(Exception):
    """A response could not be made durable: the caller must not be told that it was taken."""


class BadPayload(ValueError):
    """What came in is not a response; the message names the field and what would be accepted."""


class Received(NamedTuple):
    """One row of the inbox."""

    id: int
    source: str
    dedup: str
    received_at: datetime
    payload: bytes


class Inbox:
    """The inbox of a warehouse: a SQLite file of its own, or a table of the PostgreSQL ledger.

    `put` may be called from any number of threads: one writer thread commits whatever has
    gathered while the last commit was on its way, so that a fsync is shared.
    """

    def __init__(self, warehouse):
        ledger = warehouse.ledger
        self._shared = not ledger.sqlite
        self.engine = ledger.engine if self._shared else _own_file(warehouse.home / "inbox.sqlite")
        try:
            self._make_table()
        except (sa.exc.OperationalError, OSError) as error:
            raise InboxError(f"The inbox of {warehouse.home} cannot be opened ({_reason(error)}).") from error
        self._insert = _insert_or_ignore(ledger.sqlite)
        self._waiting: list[tuple[dict, Future]] = []
        self._gathered = threading.Condition()
        self._writer: threading.Thread | None = None
        self._closed = False

    def _make_table(self) -> None:
        with self.engine.begin() as tx:
            if self._shared:
                tx.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
            inbox_metadata.create_all(tx)

    def put(self, source: str, dedup: str, payload: bytes, received_at: datetime) -> None:
        """Keep one payload durably; returns after the commit. Raises `InboxError`, and then nothing was kept.

        The same (`source`, `dedup`) again is no error and no second row.
        """
        self.submit(source, dedup, payload, received_at).result()

    def submit(self, source: str, dedup: str, payload: bytes, received_at: datetime) -> Future:
        """As `put`, without waiting: the future is done after the commit."""
        row = {"source": str(source), "dedup": short(dedup), "received_at": received_at, "payload": bytes(payload)}
        done: Future = Future()
        with self._gathered:
            if self._closed:
                raise InboxError("The inbox is closed; open the warehouse again.")
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_for_ever, name="inbox", daemon=True)
                self._writer.start()
            self._waiting.append((row, done))
            self._gathered.notify()
        return done

    def _write_for_ever(self) -> None:
        while True:
            with self._gathered:
                while not self._waiting and not self._closed:
                    self._gathered.wait()
                group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            if not group:
                return
            self._commit(group)

    def _commit(self, group: list[tuple[dict, Future]]) -> None:
        """One transaction for the group; a row that the database refuses spoils no other."""
        try:
            # In one order everywhere: two doors that insert the same rows cannot deadlock on PostgreSQL.
            rows = sorted((row for row, _ in group), key=lambda row: (row["source"], row["dedup"]))
            with self.engine.begin() as tx:
                tx.execute(self._insert, rows)
        except Exception as error:  # whatever it was, each caller of the group must hear of it
            if len(group) > 1 and not isinstance(error, sa.exc.OperationalError):
                for one in group:
                    self._commit([one])
                return
            failure = InboxError(f"Nothing was kept: the inbox cannot be written ({_reason(error)}).")
            failure.__cause__ = error
            for _, done in group:
                done.set_exception(failure)
            return
        for _, done in group:
            done.set_result(None)

    def batch(self, limit: int, upto: int | None = None) -> list[Received]:
        """The oldest rows, by id; with `upto` none with a greater id."""
        query = sa.select(inbox.c.id, inbox.c.source, inbox.c.dedup, inbox.c.received_at, inbox.c.payload)
        if upto is not None:
            query = query.where(inbox.c.id <= upto)
        with self._reading() as tx:
            return [Received(*row) for row in tx.execute(query.order_by(inbox.c.id).limit(limit)).all()]

    def newest(self) -> int:
        """The greatest id, 0 when there is nothing."""
        with self._reading() as tx:
            return tx.execute(sa.select(sa.func.max(inbox.c.id))).scalar() or 0

    def size(self) -> int:
        """How many rows wait to be drained."""
        with self._reading() as tx:
            return tx.execute(sa.select(sa.func.count()).select_from(inbox)).scalar_one()

    def clear(self, ids: Sequence[int]) -> None:
        """Delete these rows; those already gone are no error."""
        # Runs of consecutive numbers only: a number missing from `ids` may be a row that was committed late.
        numbers = np.unique(np.asarray(ids, np.int64))
        runs = [{"low": int(run[0]), "high": int(run[-1])}
                for run in np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1) if len(run)]
        if runs:
            with self.engine.begin() as tx:
                tx.execute(sa.delete(inbox).where(inbox.c.id.between(sa.bindparam("low"), sa.bindparam("high"))), runs)

    def _reading(self):
        return self.engine.connect().execution_options(relance_read=True)

    def close(self) -> None:
        """Commit what waits and stop."""
        with self._gathered:
            self._closed = True
            self._gathered.notify()
        if self._writer is not None:
            self._writer.join()
        if not self._shared:
            self.engine.dispose()


def short(dedup: str) -> str:
    """The provider's id as it can be indexed: a digest in its place when it is over-long or holds unprintables."""
    if len(dedup) <= 200 and dedup.isprintable():
        return dedup
    return "sha256:" + sha256(dedup.encode("utf-8", "surrogatepass")).hexdigest()


def _own_file(path) -> sa.Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 60}, pool_size=4)
    make_durable(engine)
    return engine


def _insert_or_ignore(sqlite: bool):
    if sqlite:
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert
    return insert(inbox).on_conflict_do_nothing()


def _reason(error: Exception) -> str:
    return type(getattr(error, "orig", None) or error).__name__ + ": " + str(getattr(error, "orig", error))


def to_json(response: Response) -> bytes:
    """The payload of a response, as the inbox keeps it."""
    fields = {
        "dedup": response.dedup, "kind": response.kind, "happened_at": response.happened_at.isoformat(),
        "received_at": response.received_at.isoformat(), "key": response.key, "contact_id": response.contact_id,
        "address": response.address, "machine": response.machine or None, "meta": dict(response.meta) or None,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None},
                      ensure_ascii=False, separators=(",", ":")).encode()


class Read(NamedTuple):
    """The fields of a `Response`, in their order and at a fifth of its price: a drain reads many."""

    dedup: str
    kind: str
    happened_at: datetime
    received_at: datetime
    key: str | None
    contact_id: int | None
    address: str | None
    machine: bool
    meta: dict[str, str]


def from_json(payload: bytes) -> Read:
    """The response of a payload that `to_json` made. Raises `BadPayload`, which repeats no value of it."""
    try:
        read = json.loads(payload.decode("utf-8"))  # given bytes, json guesses their encoding first
    except ValueError:
        raise BadPayload("the payload is not JSON in UTF-8") from None
    if not isinstance(read, dict):
        raise BadPayload("the payload is not a JSON object")
    return Read(
        _text(read, "dedup"), _text(read, "kind"), _instant(read, "happened_at"), _instant(read, "received_at"),
        _text(read, "key", None), _number(read, "contact_id"), _text(read, "address", None),
        read.get("machine") is True, _texts(read, "meta"),
    )


def _text(read: dict, name: str, *default):
    value = read.get(name, *default)
    if isinstance(value, str) and value or (default and value is None):
        return value
    raise BadPayload(f"{name} is not a text")


def _instant(read: dict, name: str) -> datetime:
    try:
        value = datetime.fromisoformat(read[name])
    except (KeyError, TypeError, ValueError):
        raise BadPayload(f"{name} is not an instant such as 2026-11-24T09:30:00") from None
    if value.tzinfo is not None:
        raise BadPayload(f"{name} carries a zone; accepted: UTC without one")
    return value


def _number(read: dict, name: str) -> int | None:
    value = read.get(name)
    # Contact ids have 36 bits, and a JSON true is an int to Python.
    if value is None or (type(value) is int and 0 <= value < 1 << 36):
        return value
    raise BadPayload(f"{name} is not a contact's number")


def _texts(read: dict, name: str) -> dict[str, str]:
    value = read.get(name)
    if not value:
        return {}
    if isinstance(value, dict) and all(isinstance(word, str) for word in value.values()):
        return value
    raise BadPayload(f"{name} is not an object of texts")
