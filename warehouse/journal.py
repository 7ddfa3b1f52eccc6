"""The journal: what people did, append-only, each entry sealed together with the one before it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from warehouse.acts import journal

__all__ = ["LOGIN", "MACHINE", "TYPED", "Entry", "Who", "broken", "entries", "note", "write"]

#: How a person is known: by the login of a command, by a name that somebody typed into a form, or not a person at all.
LOGIN, TYPED, MACHINE = "login", "typed", "machine"


@dataclass(frozen=True)
class Who:
    """Who does something, and how that is known: a workflow engine with one password knows no persons."""

    name: str
    known: str = LOGIN

    def __str__(self) -> str:
        return f"{self.name} (name typed)" if self.known == TYPED else self.name


@dataclass(frozen=True)
class Entry:
    """One act. `what` holds ids and counts, never a name or an address of a contact."""

    n: int
    at: datetime
    who: str
    known: str
    act: str
    what: dict[str, Any]
    why: str
    seal: str


def note(ledger, who: Who, act: str, what: Mapping[str, Any], *, now: datetime, why: str = "") -> Entry:
    """Write an act down in a transaction of its own."""
    with ledger.begin() as tx:
        return write(ledger, tx, who, act, what, now=now, why=why)


def write(ledger, tx: sa.Connection, who: Who, act: str, what: Mapping[str, Any], *, now: datetime, why: str = "") -> Entry:
    """Write an act down in the transaction that does it: neither is there without the other."""
    n = ledger.next_numbers(tx, "journal", 1)  # under the counter's lock: the entry before this one is committed
    before = tx.execute(sa.select(journal.c.seal).where(journal.c.n == n - 1)).scalar() or ""
    entry = Entry(n, now, who.name, who.known, act, json.loads(json.dumps(what, default=str)), why[:500], "")
    entry = Entry(**{**asdict(entry), "seal": _seal(entry, before)})
    tx.execute(sa.insert(journal), {**asdict(entry), "what": json.dumps(entry.what, sort_keys=True)})
    return entry


def entries(ledger, *, since: datetime | None = None, act: str | None = None, last: int | None = None) -> list[Entry]:
    """The acts in order, all of them or those since an instant, of one kind, the last so many."""
    query = sa.select(journal).order_by(journal.c.n.desc())
    if since is not None:
        query = query.where(journal.c.at >= since)
    if act is not None:
        query = query.where(journal.c.act == act)
    with ledger.read() as tx:
        rows = tx.execute(query.limit(last)).mappings().all()
    return [_read(row) for row in reversed(rows)]


def broken(ledger) -> str:
    """Where the journal has been changed by another hand, in a sentence; empty where every seal holds and none is missing."""
    before, expected = "", 1
    for entry in entries(ledger):
        if entry.n != expected:
            return f"entry {expected} is missing"
        if entry.seal != _seal(entry, before):
            return f"entry {entry.n} ({entry.act} at {entry.at.isoformat()}) is not as it was written"
        before, expected = entry.seal, expected + 1
    with ledger.read() as tx:
        given = tx.execute(sa.text("SELECT value FROM counter WHERE name = 'journal'")).scalar() or 0
    return "" if given == expected - 1 else f"the last {given - expected + 1} entries are missing"


def _read(row: Mapping[str, Any]) -> Entry:
    return Entry(**{**row, "what": json.loads(row["what"])})


def _seal(entry: Entry, before: str) -> str:
    """SHA-256 over the entry and the seal of the one before it."""
    told = [before, entry.n, entry.at.isoformat(), entry.who, entry.known, entry.act, entry.what, entry.why]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
