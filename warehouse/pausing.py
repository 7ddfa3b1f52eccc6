"""Pauses: a chain that moves and sends nothing until somebody resumes it."""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from marketing.calendar import local
from warehouse.journal import Who, write
from warehouse.schema import chain, meta

__all__ = ["Pause", "pause", "paused", "paused_chains", "pauses", "resume"]

_KEY = "paused:"


@dataclass(frozen=True)
class Pause:
    """Since when a chain is paused, by whom, and why where they said so."""

    since: datetime
    by: str
    why: str = ""

    def told(self, name: str, zone: str) -> str:
        """The pause of the chain `name` in words, and how it ends."""
        why = f", {self.why}" if self.why else ""
        return f"paused since {local(self.since, zone):%Y-%m-%d %H:%M} by {self.by}{why} (relance chains resume {name})"


def pause(ledger, name: str, *, now: datetime, by: str, why: str = "") -> Pause:
    """From now on no pass of the chain moves anybody and no batch of it is claimed; a pause that stands is kept."""
    with ledger.begin() as tx:
        if tx.execute(sa.select(meta.c.key).where(meta.c.key == _KEY + name)).first() is None:
            write(ledger, tx, Who(by), "pause", {"chain": name}, now=now, why=why)
        value = json.dumps({"since": now.isoformat(), "by": by, "why": why[:500]})
        ledger.put(tx, meta, {"key": _KEY + name, "value": value}, replace=False)
    return paused(ledger, name)


def resume(ledger, name: str, *, now: datetime | None = None, by: str = "") -> Pause | None:
    """Let the chain go on; returns the pause that ends, None where there was none. With `by` it is in the journal."""
    found = paused(ledger, name)
    with ledger.begin() as tx:
        ended = tx.execute(sa.delete(meta).where(meta.c.key == _KEY + name)).rowcount
        if ended and by:
            write(ledger, tx, Who(by), "resume", {"chain": name}, now=now)
    return found


def paused(ledger, name: str) -> Pause | None:
    """The pause of a chain, None while it goes on."""
    with ledger.read() as tx:
        text = tx.execute(sa.select(meta.c.value).where(meta.c.key == _KEY + name)).scalar()
    return _read(text) if text else None


def pauses(ledger) -> dict[str, Pause]:
    """The chains that are paused."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(meta.c.key, meta.c.value).where(meta.c.key.like(f"{_KEY}%"))).all()
    return {key.removeprefix(_KEY): _read(text) for key, text in rows}


def paused_chains() -> sa.Select:
    """The query of the numbers of the chains that are paused: whose batches nobody may claim."""
    return sa.select(chain.c.id).join(meta, meta.c.key == _KEY + chain.c.name)


def _read(text: str) -> Pause:
    value = json.loads(text)
    return Pause(datetime.fromisoformat(value["since"]), value["by"], value["why"])
