"""The warehouse's clock: real, or simulated and then only forward."""

from datetime import UTC, datetime

import sqlalchemy as sa

from warehouse import schema

__all__ = ["Clock", "ClockError", "wall"]


def wall() -> datetime:
    """The real time, naive UTC, for what concerns processes and files: a simulated clock may jump a month."""
    return datetime.now(UTC).replace(tzinfo=None)


class ClockError(ValueError):
    """A time was given that this warehouse's clock cannot take."""


class Clock:
    """Instants are naive UTC. A simulated clock stands in the ledger, so that every process agrees."""

    def __init__(self, ledger):
        self.ledger = ledger

    def now(self) -> datetime:
        simulated = self.simulated()
        return simulated if simulated else wall()

    def simulated(self) -> datetime | None:
        with self.ledger.read() as tx:
            value = tx.execute(sa.select(schema.meta.c.value).where(schema.meta.c.key == "clock")).scalar()
        return datetime.fromisoformat(value) if value else None

    def simulate(self, start: datetime) -> None:
        """Give this warehouse a simulated clock. Raises `ClockError` once it holds anything at real times."""
        with self.ledger.begin() as tx:
            if tx.execute(sa.select(schema.meta.c.value).where(schema.meta.c.key == "clock")).scalar():
                raise ClockError("This warehouse has a simulated clock already; advance() moves it.")
            if tx.execute(sa.select(schema.run.c.id).limit(1)).first():
                raise ClockError("This warehouse has run by the real clock; a simulated one needs an empty warehouse.")
            tx.execute(sa.insert(schema.meta), {"key": "clock", "value": start.isoformat()})

    def advance(self, to: datetime) -> datetime:
        """Move a simulated clock forward. Raises `ClockError` on a real clock, or backwards."""
        with self.ledger.begin() as tx:
            value = tx.execute(sa.select(schema.meta.c.value).where(schema.meta.c.key == "clock")).scalar()
            if value is None:
                raise ClockError(f"as of {to.isoformat()} was given, but this warehouse goes by the real clock.")
            if to < datetime.fromisoformat(value):
                raise ClockError(f"as of {to.isoformat()} lies before {value}; a simulated clock never goes back.")
            tx.execute(sa.update(schema.meta).where(schema.meta.c.key == "clock").values(value=to.isoformat()))
        return to
