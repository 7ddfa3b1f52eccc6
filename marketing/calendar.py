"""Lengths of time as marketers say them, and the only place where the house zone is applied."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

__all__ = [
    "MICROSECOND", "Span", "add", "days", "hours", "latest_start", "local", "minutes", "months",
    "read_moment", "utc", "weeks",
]

MICROSECOND = timedelta(microseconds=1)
#: A date typed without an hour means the start of the working day, in house time.
START_OF_DAY = time(9)


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: calendar months and days in the house zone, then elapsed seconds.

    Raises ValueError for a part that is negative or no whole number.
    """

    months: int = 0
    days: int = 0
    seconds: int = 0

    def __post_init__(self) -> None:
        for part in ("months", "days", "seconds"):
            value = getattr(self, part)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"a span of {value!r} {part}: expected a whole number, 0 or more")

    def __add__(self, other: Span) -> Span:
        """Both lengths, one after the other."""
        return Span(self.months + other.months, self.days + other.days, self.seconds + other.seconds)

    def __bool__(self) -> bool:
        return bool(self.months or self.days or self.seconds)

    def __str__(self) -> str:
        parts = []
        if self.months:
            parts.append(_counted(self.months, "month"))
        if self.days:
            # A marketer says "7 days" and "3 weeks".
            in_weeks = self.days > 7 and self.days % 7 == 0
            parts.append(_counted(self.days // 7, "week") if in_weeks else _counted(self.days, "day"))
        if self.seconds:
            unit, size = next((u, s) for u, s in (("hour", 3600), ("minute", 60), ("second", 1))
                              if self.seconds % s == 0)
            parts.append(_counted(self.seconds // size, unit))
        return " and ".join(parts) or "no time"


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def minutes(n: int) -> Span:
    """n elapsed minutes."""
    return Span(seconds=60 * n)


def hours(n: int) -> Span:
    """n elapsed hours: 24 of them are not a day when the clocks change."""
    return Span(seconds=3600 * n)


def days(n: int) -> Span:
    """n calendar days in the house zone, at the same hour."""
    return Span(days=n)


def weeks(n: int) -> Span:
    """n times seven calendar days in the house zone, at the same hour."""
    return Span(days=7 * n)


def months(n: int) -> Span:
    """n calendar months in the house zone, at the same hour of the same day of the month."""
    return Span(months=n)


def add(instant: datetime, span: Span, zone: str) -> datetime:
    """The instant (naive UTC) that lies `span` after `instant` (naive UTC), by the calendar of `zone`.

    Months first, then days, both keeping the local hour; then seconds, as elapsed time.
    It never runs backwards: a <= b gives add(a) <= add(b), which latest_start() and every set query
    on due times rest on. Three rules follow from that: a day that the month does not have means the
    end of that month (its last microsecond); a local time that does not exist means the first one
    that does; a local time that comes twice means the first, and a start in the second run of a
    repeated hour counts as the end of that hour.

    Raises ValueError for an instant that carries a zone.
    """
    _naive(instant)
    if span.months or span.days:
        instant = utc(_after_calendar(_wall(instant, zone), span), zone)
    return instant + timedelta(seconds=span.seconds)


def latest_start(as_of: datetime, span: Span, zone: str) -> datetime:
    """The greatest instant t (microsecond, naive UTC) with add(t, span, zone) <= as_of.

    So `started_at <= latest_start(as_of, span, zone)` says in one comparison who is due.
    """
    _naive(as_of)
    if not (span.months or span.days):
        return as_of - timedelta(seconds=span.seconds)
    # The widest calendar step, plus three days for zones that skip a day and for offsets.
    widest = timedelta(days=31 * span.months + span.days + 3, seconds=span.seconds)
    low, high = 0, widest // MICROSECOND
    start = as_of - widest
    while low < high:
        middle = (low + high + 1) // 2
        if add(start + middle * MICROSECOND, span, zone) <= as_of:
            low = middle
        else:
            high = middle - 1
    return start + low * MICROSECOND


def local(instant: datetime, zone: str) -> datetime:
    """The wall time (naive) that a clock in `zone` shows at `instant` (naive UTC)."""
    _naive(instant)
    return _shown(instant, zone).replace(tzinfo=None, fold=0)


def utc(wall: datetime, zone: str) -> datetime:
    """The instant (naive UTC) at which a clock in `zone` first shows `wall` (naive), or the next time it has."""
    _naive(wall)
    first = _instant(wall, zone, fold=0)
    if local(first, zone) == wall:
        return first
    # In a gap, fold 1 reads the wall time by the later offset: an instant before the change.
    return _change_between(_instant(wall, zone, fold=1), first, zone)


def read_moment(text: str | None, zone: str) -> datetime | None:
    """The instant (naive UTC) written in `text`: an ISO date means 09:00 house time; None if unreadable."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if len(text.strip()) <= len("2026-11-24"):
            moment = datetime.combine(date.fromisoformat(text.strip()), START_OF_DAY)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).replace(tzinfo=None)
        return utc(moment, zone)
    except (AttributeError, ValueError, OverflowError):
        return None


def _after_calendar(wall: datetime, span: Span) -> datetime:
    """The wall time `span.months` and then `span.days` later."""
    if span.months:
        month = wall.month - 1 + span.months
        year, month = wall.year + month // 12, month % 12 + 1
        last = calendar.monthrange(year, month)[1]
        if wall.day <= last:
            wall = wall.replace(year=year, month=month)
        else:
            wall = datetime.combine(date(year, month, last), time.max)
    return wall + timedelta(days=span.days)


def _wall(instant: datetime, zone: str) -> datetime:
    """The wall time at `instant`, the second run of a repeated hour standing still at its end."""
    shown = _shown(instant, zone)
    wall = shown.replace(tzinfo=None, fold=0)
    if not shown.fold:
        return wall
    change = _change_between(_instant(wall, zone, fold=0), instant, zone)
    return local(change - MICROSECOND, zone) + MICROSECOND


def _change_between(before: datetime, after: datetime, zone: str) -> datetime:
    """The first instant in (before, after] at which clocks in `zone` show the later offset."""
    offset = _shown(after, zone).utcoffset()
    low, high = 0, (after - before) // MICROSECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _shown(before + middle * MICROSECOND, zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return before + high * MICROSECOND


def _shown(instant: datetime, zone: str) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(_zone(zone))


def _instant(wall: datetime, zone: str, fold: int) -> datetime:
    return wall.replace(tzinfo=_zone(zone), fold=fold).astimezone(UTC).replace(tzinfo=None)


@cache
def _zone(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)


def _naive(instant: datetime) -> None:
    if instant.tzinfo is not None:
        raise ValueError(f"{instant.isoformat()} carries a zone: expected a naive datetime")
