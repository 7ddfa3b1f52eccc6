"""Ceilings: how many touches a connector was handed on a day of the house, counted over all processes."""

from collections.abc import Mapping
from datetime import date, datetime

import sqlalchemy as sa

from warehouse.schema import batch, counter

__all__ = ["give_back", "handed_over", "postpone", "reached", "reserve"]


def handed_over(ledger, connector: str, day: date) -> int:
    """Touches handed to a connector on a day, or about to be."""
    with ledger.read() as tx:
        return tx.execute(sa.select(counter.c.value).where(counter.c.name == _name(connector, day))).scalar() or 0


def reserve(ledger, connector: str, touches: int, ceiling: int, day: date) -> int:
    """Take places below the ceiling for so many touches; returns how many there were. What dies with its sender stays taken."""
    name = _name(connector, day)
    with ledger.begin() as tx:
        ledger.put(tx, counter, {"name": name, "value": 0}, replace=False)
        # The update takes the row's lock before it is read: two processes never get the same place.
        tx.execute(sa.update(counter).where(counter.c.name == name).values(value=counter.c.value))
        taken = tx.execute(sa.select(counter.c.value).where(counter.c.name == name)).scalar_one()
        if not taken:  # the first of the day: the days before it are counted no more
            tx.execute(sa.delete(counter).where(
                counter.c.name.startswith(_name(connector), autoescape=True), counter.c.name < name))
        got = max(0, min(touches, ceiling - taken))
        tx.execute(sa.update(counter).where(counter.c.name == name).values(value=taken + got))
    return got


def give_back(ledger, connector: str, touches: int, day: date) -> None:
    """Of the places taken so many were not used: nothing was made of those touches."""
    with ledger.begin() as tx:
        tx.execute(sa.update(counter).where(counter.c.name == _name(connector, day)).values(
            value=counter.c.value - touches))


def postpone(ledger, connector: str, until: datetime) -> int:
    """Leave what is planned by a connector where it is until an instant; returns how many touches that concerns."""
    waits = [batch.c.state == "planned", batch.c.connector == connector,
             sa.or_(batch.c.not_before.is_(None), batch.c.not_before < until)]
    with ledger.begin() as tx:
        touches = tx.execute(sa.select(sa.func.sum(batch.c.rows)).where(*waits)).scalar() or 0
        if touches:
            tx.execute(sa.update(batch).where(*waits).values(not_before=until))
    return int(touches)


def reached(ledger, ceilings: Mapping[str, int], day: date) -> dict[str, tuple[int, int]]:
    """Of the connectors that have had their ceiling today: touches handed over, and the ceiling."""
    counted = {name: handed_over(ledger, name, day) for name in ceilings}
    return {name: (many, ceilings[name]) for name, many in counted.items() if many >= ceilings[name]}


def _name(connector: str, day: date | None = None) -> str:
    return f"handed:{connector}:{day.isoformat() if day else ''}"
