"""Who is due next: at which step of a chain, when by the house's clock, and how many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from marketing.calendar import local
from reports.worlds import Sql

__all__ = ["DueFigures", "due_at_steps", "read_due"]

_DUE = Path(__file__).parent / "sql" / "figures_due.sql"
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DueFigures:
    """Who stands at a step of a chain: how many, due already, and by days of the house's zone from then on."""

    step: str
    contacts: int
    now: int  #: due at the moment of the figures: the next pass looks at them
    next_at: datetime | None  #: by the house's clock, of those due later
    that_day: int  #: due later, on the day of the first
    within_week: int  #: due later, within seven days


def read_due(sql: Sql, chain: str, as_of: datetime, zone: str) -> list[DueFigures]:
    """Who stands at the steps of one chain, as `sql` (a snapshot's) sees them."""
    rows = sql(_DUE.read_text(encoding="utf-8"), chain=chain).to_pylist()
    return due_at_steps(((row["step"], row["due_at"], row["contacts"]) for row in rows), as_of, zone)


def due_at_steps(rows: Iterable[tuple[str, datetime | None, int]], as_of: datetime, zone: str) -> list[DueFigures]:
    """The same from (step, due at, contacts), in the order of the steps; who has no due time waits for an answer alone."""
    return [_at(step, list(group), as_of, zone) for step, group in groupby(rows, key=lambda row: row[0])]


def _at(step: str, rows: Sequence[tuple[str, datetime | None, int]], as_of: datetime, zone: str) -> DueFigures:
    later = sorted((due, many) for _, due, many in rows if due is not None and due > as_of)
    first = local(later[0][0], zone) if later else None
    return DueFigures(
        step, sum(many for *_, many in rows), sum(many for _, due, many in rows if due is not None and due <= as_of), first,
        sum(many for due, many in later if first and local(due, zone).date() == first.date()),
        sum(many for due, many in later if due <= as_of + WEEK))
