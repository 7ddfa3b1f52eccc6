"""The manifest: which parts are true at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from warehouse.schema import counter, part

__all__ = ["Part", "current_number", "listed", "parts_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the manifest."""

    n: int
    tbl: str
    slice: int
    rows: int
    path: str | None
    inline: bytes | None
    chain: int | None = None
    version: int | None = None
    from_step: str | None = None
    to_step: str | None = None
    reason: str | None = None
    channel: str | None = None
    purpose: str | None = None
    connector: str | None = None
    cost: Decimal | None = None
    run: str | None = None
    happened_at: datetime | None = None
    lo_at: datetime | None = None
    hi_at: datetime | None = None
    upto: int | None = None
    bytes: int = 0
    place: int = 0
    schema: int = 1


#: Made once: to name the columns anew costs as much as the question.
_PARTS = sa.select(*(part.c[name] for name in Part.__dataclass_fields__)).order_by(part.c.place)


def current_number(tx: sa.Connection, hold: bool = False) -> int:
    """The number of the newest part: everything up to it is visible, nothing beyond it.

    With `hold` no part can be listed until this (writing) transaction ends.
    """
    query = sa.select(counter.c.value).where(counter.c.name == "part")
    return tx.execute(query.with_for_update() if hold else query).scalar_one()


def visible(n: int) -> sa.ColumnElement[bool]:
    """The condition that a part is true in the moment `n`."""
    return (part.c.n <= n) & (part.c.retired_n.is_(None) | (part.c.retired_n > n))


def parts_of(tx: sa.Connection, n: int, tbl: str | Sequence[str], *conditions, slice: int | None = None) -> list[Part]:
    """The parts of a table (or several) that are true at `n`, in order of place.

    Whoever has read up to a mark asks for `part.c.place > mark`: numbers are for visibility only.
    """
    names = [tbl] if isinstance(tbl, str) else list(tbl)
    query = _PARTS.where(part.c.tbl.in_(names), visible(n), *conditions)
    if slice is not None:
        query = query.where(part.c.slice == slice)
    return [Part(*row) for row in tx.execute(query)]


def listed(tx: sa.Connection, tbl: str, slice: int, after: int, upto: int) -> bool:
    """Whether anything of a table was listed after one moment and up to another."""
    query = sa.select(sa.literal(1)).where(part.c.tbl == tbl, part.c.slice == slice,
                                           part.c.place > after, part.c.place <= upto)
    return tx.execute(query.limit(1)).first() is not None
