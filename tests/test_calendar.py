"""Lengths of time in house time: clock changes, leap days, month ends, and never backwards."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.calendar import (
    MICROSECOND, Span, add, days, hours, latest_start, local, minutes, months, read_moment, utc, weeks,
)

PARIS = "Europe/Paris"
ZONES = st.sampled_from([PARIS, "UTC", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York"])
SPANS = st.builds(Span, months=st.integers(0, 14), days=st.integers(0, 40), seconds=st.integers(0, 200_000))


def near(*moments: datetime) -> st.SearchStrategy[datetime]:
    """Instants within two hours of one of the moments, by the microsecond."""
    return st.builds(lambda m, us: m + timedelta(microseconds=us), st.sampled_from(moments),
                     st.integers(-2 * 3600 * 10**6, 2 * 3600 * 10**6))


INSTANTS = st.one_of(
    st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)),
    near(datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1), datetime(2024, 2, 29), datetime(2026, 1, 31, 23),
         datetime(2011, 12, 30, 10), datetime(2018, 2, 18, 2)),
)


def paris(text: str) -> datetime:
    return utc(datetime.fromisoformat(text), PARIS)


@pytest.mark.parametrize(("start", "span", "end"), [
    ("2026-03-28 09:00", days(1), "2026-03-29 09:00"),          # 23 hours of elapsed time
    ("2026-10-24 09:00", days(1), "2026-10-25 09:00"),          # 25 hours
    ("2026-03-28 09:00", hours(24), "2026-03-29 10:00"),
    ("2026-03-28 02:30", days(1), "2026-03-29 03:00"),          # 02:30 does not exist that day
    ("2026-10-24 02:30", days(1), "2026-10-25 02:30"),
    ("2024-02-29 12:00", months(12), "2025-02-28 23:59:59.999999"),
    ("2023-02-28 12:00", months(12), "2024-02-28 12:00"),
    ("2026-01-31 09:00", months(1), "2026-02-28 23:59:59.999999"),
    ("2026-01-28 09:00", months(1), "2026-02-28 09:00"),
    ("2026-11-15 09:00", months(2), "2027-01-15 09:00"),
    ("2026-01-15 09:00", months(1) + days(1) + minutes(30), "2026-02-16 09:30"),
    ("2026-05-04 09:00", weeks(3), "2026-05-25 09:00"),
])
def test_days_and_months_keep_the_local_hour_and_hours_are_elapsed(start, span, end):
    """Days and months keep the local hour across clock changes; a day the month lacks is the month's end."""
    assert local(add(paris(start), span, PARIS), PARIS) == datetime.fromisoformat(end)


def test_an_ambiguous_local_time_is_the_first_of_the_two():
    """02:30 on the night the clocks go back means the one in summer time."""
    assert utc(datetime(2026, 10, 25, 2, 30), PARIS) == datetime(2026, 10, 25, 0, 30)


@given(INSTANTS, INSTANTS, SPANS, ZONES)
def test_add_never_runs_backwards(one, other, span, zone):
    """Who starts later is never due earlier."""
    first, second = sorted((one, other))

    assert add(first, span, zone) <= add(second, span, zone)
    assert add(first, span, zone) <= add(first + MICROSECOND, span, zone)


@given(INSTANTS, SPANS, ZONES)
def test_add_moves_forward_by_less_than_a_day_more_or_less_than_written(instant, span, zone):
    """A length of one day or more never ends before it starts, and no length alone is nothing."""
    assert add(instant, Span(), zone) == instant
    if span.months or span.days:
        assert add(instant, span, zone) > instant


@given(INSTANTS, SPANS, ZONES)
def test_latest_start_is_the_last_instant_that_is_due(as_of, span, zone):
    """latest_start() is due, and one microsecond later is not."""
    start = latest_start(as_of, span, zone)

    assert add(start, span, zone) <= as_of < add(start + MICROSECOND, span, zone)


@given(INSTANTS, INSTANTS, SPANS, ZONES)
def test_latest_start_decides_who_is_due(started_at, as_of, span, zone):
    """Comparing a start with latest_start() says the same as adding the span to it."""
    assert (started_at <= latest_start(as_of, span, zone)) == (add(started_at, span, zone) <= as_of)


@given(INSTANTS, ZONES)
def test_wall_time_and_back_is_the_same_wall_time(instant, zone):
    """utc() of a wall time that exists shows that wall time."""
    wall = local(instant, zone)

    assert local(utc(wall, zone), zone) == wall


@pytest.mark.parametrize(("span", "text"), [
    (days(7), "7 days"), (weeks(3), "3 weeks"), (months(2), "2 months"), (days(1), "1 day"), (hours(36), "36 hours"),
    (minutes(15), "15 minutes"), (Span(seconds=90), "90 seconds"), (Span(), "no time"),
    (months(1) + days(3), "1 month and 3 days"),
])
def test_a_span_reads_as_it_is_said(span, text):
    """Spans read as a marketer says them."""
    assert str(span) == text


@pytest.mark.parametrize("wrong", [{"days": -1}, {"months": 1.5}, {"seconds": "3"}, {"days": True}])
def test_a_span_that_is_no_length_is_refused(wrong):
    """A negative or broken length is refused when it is written."""
    with pytest.raises(ValueError, match="expected a whole number"):
        Span(**wrong)


def test_an_instant_with_a_zone_is_refused():
    """Instants are naive UTC everywhere, so a zone is a mistake."""
    with pytest.raises(ValueError, match="carries a zone"):
        add(datetime.fromisoformat("2026-01-01T00:00+01:00"), days(1), PARIS)


@pytest.mark.parametrize(("text", "instant"), [
    ("2026-11-24", datetime(2026, 11, 24, 8)),
    ("2026-07-01", datetime(2026, 7, 1, 7)),
    (" 2026-11-24T15:30 ", datetime(2026, 11, 24, 14, 30)),
    ("2026-11-24T15:30+00:00", datetime(2026, 11, 24, 15, 30)),
    ("20261124", datetime(2026, 11, 24, 8)),
    ("next week", None), ("", None), (None, None),
])
def test_a_typed_date_is_nine_in_the_morning_house_time(text, instant):
    """A date alone means 09:00 house time; what cannot be read is None."""
    assert read_moment(text, PARIS) == instant
