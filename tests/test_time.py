"""Time in the engine: a year with no sleep, clock changes, leap days, month ends, zones, hours, latest moments.

All instants are written in UTC; the house is in Paris (UTC+1, UTC+2 from 2026-03-29 01:00 to 2026-10-25 01:00).
"""

from datetime import timedelta

import pytest

from marketing.chain import (
    CALL_BACK, RELATIONSHIP, Chain, Delay, Exit, Goal, NOT_SENT, PURCHASED, Send, Span, WaitFor, days, hours, months, weeks,
)
from tests.clockwork import Clockwork, utc
from tests.houses import SMS_HOURS


def send(name: str, by: str = "email", **more) -> Send:
    return Send(name, by=by, message=name, purpose=RELATIONSHIP, **more)


@pytest.fixture
def clockwork(home, monkeypatch):
    """Makes a chain of these steps, over one contact of the house's zone unless others are given."""
    made = []

    def make(start: str, *steps, contacts=None, policy: str = "", **more) -> Clockwork:
        chain = Chain(name="year", title="Year", kind="loyalty", audience="everybody", enrol_every=days(1000), steps=list(steps), **more)
        made.append(Clockwork(home, monkeypatch, chain, contacts or {1: None}, utc(start), policy))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_year(clockwork):
    """A year of Mondays at 08:00 UTC, with no sleep: months keep the local hour, a pass acts at the first Monday after.

    09:00 in Paris on 5 January and three months is 09:00 on 5 April, 07:00 UTC, a Sunday: Monday the 6th acts.
    Silence of six months from then (10:00 in Paris) ends on 6 October 10:00, 08:00 UTC, a Tuesday: Monday the 12th.
    Two months later it is 10:00 of winter, 09:00 UTC on Saturday 12 December: Monday the 14th.
    """
    chain = clockwork("2026-01-05 08:00", send("new_year"), Delay(months(3)), send("spring"),
                      WaitFor("answer", within=months(6), on={NOT_SENT: [Exit("unheard")]},
                              otherwise=[Delay(months(2)), send("winter")]))

    chain.at(*((utc("2026-01-05 08:00") + timedelta(weeks=week)).isoformat(" ", "minutes") for week in range(53)))

    assert chain.moves() == [
        ("new_year", "entered", "2026-01-05 08:00", "2026-01-05 08:00"),
        ("spring", "next", "2026-04-05 07:00", "2026-01-05 08:00"),
        ("answer", "next", "2026-10-06 08:00", "2026-04-06 08:00"),
        ("winter", "otherwise", "2026-12-12 09:00", "2026-10-12 08:00"),
        ("exit:completed", "next", None, "2026-12-14 08:00"),
    ]


@pytest.mark.parametrize(("start", "span", "due"), [
    ("2026-03-28 08:00", days(1), "2026-03-29 07:00"),                 # spring forward: 23 hours
    ("2026-03-28 08:00", hours(24), "2026-03-29 08:00"),               # elapsed time
    ("2026-03-28 01:30", days(1), "2026-03-29 01:00"),                 # 02:30 does not exist: 03:00 in summer
    ("2026-10-24 07:00", days(1), "2026-10-25 08:00"),                 # autumn: 25 hours
    ("2028-02-28 08:00", days(1), "2028-02-29 08:00"),                 # a leap day
    ("2028-02-29 08:00", months(12), "2029-02-28 22:59:59.999999"),    # no 29th: the end of the month
    ("2026-01-31 08:00", months(1), "2026-02-28 22:59:59.999999"),     # no 31st: the end of the month
    ("2026-01-28 08:00", months(1), "2026-02-28 08:00"),
    ("2026-12-31 08:00", months(2) + days(1), "2027-03-01 22:59:59.999999"),
])
def test_a_delay_is_over_at_its_instant_and_not_before(clockwork, start, span, due):
    """A microsecond before the due instant nobody moves; at it, everybody does."""
    chain = clockwork(start, send("first"), Delay(span), send("second"))

    chain.at(start, str(utc(due) - timedelta(microseconds=1)))
    before = chain.moves()
    chain.at(due)

    assert [move[:3] for move in before] == [("first", "entered", start), ("second", "next", due)]
    assert chain.moves()[2:] == [("exit:completed", "next", None, due)]


def test_silence_is_counted_from_the_sending(clockwork):
    """A wait of seven days over the change of clocks: from Friday 27 March 09:00 to Friday 3 April 09:00 in Paris."""
    chain = clockwork("2026-03-27 08:00", send("ask"), WaitFor("answer", within=weeks(1), on={}, otherwise=[Exit("silent")]))

    chain.at("2026-03-27 08:00", "2026-04-03 06:59", "2026-04-03 07:00")

    assert chain.moves()[1:] == [
        ("answer", "next", "2026-04-03 07:00", "2026-03-27 08:00"),
        ("exit:silent", "otherwise", None, "2026-04-03 07:00"),
    ]


def test_hours_are_those_of_the_contact(clockwork):
    """An SMS planned on Wednesday 13 May 2026, 21:00 in Paris, the eve of a holiday (Ascension).

    In Guadeloupe it is 15:00: it leaves. In Paris the next opening is Friday the 15th at 08:00, 06:00 UTC. A contact
    without a zone, or with one that does not exist, has the house's.
    """
    zones = {1: "America/Guadeloupe", 2: "Europe/Paris", 3: None, 4: "Nowhere/At_All", 5: ""}
    chain = clockwork("2026-05-13 19:00", send("text", by="sms"), contacts=zones, policy=SMS_HOURS)

    chain.at("2026-05-13 19:00", "2026-05-14 10:00", "2026-05-15 05:59", "2026-05-15 06:00")

    entered = ("text", "entered", "2026-05-13 19:00", "2026-05-13 19:00")
    assert chain.moves(1) == [entered, ("exit:completed", "next", None, "2026-05-13 19:00")]
    for contact in (2, 3, 4, 5):
        assert chain.moves(contact) == [
            entered, ("text", "deferred", "2026-05-15 06:00", "2026-05-13 19:00"),
            ("exit:completed", "next", None, "2026-05-15 06:00")]
        assert chain.refusals(contact) == [("text", "hours", "2026-05-15 06:00")]


def test_saturday_night_waits_for_monday(clockwork):
    """An SMS planned on Saturday 16 May 2026 at 20:00 in Paris, when the window has just closed, leaves on Monday at 08:00."""
    chain = clockwork("2026-05-16 18:00", send("text", by="sms"), policy=SMS_HOURS)

    chain.at("2026-05-16 18:00", "2026-05-17 12:00", "2026-05-18 06:00")

    assert chain.moves()[1:] == [
        ("text", "deferred", "2026-05-18 06:00", "2026-05-16 18:00"),
        ("exit:completed", "next", None, "2026-05-18 06:00")]


def test_a_deferral_past_the_latest_moment_is_stale(clockwork):
    """From Saturday 18:00 UTC a day is too short to see Monday 06:00: dropped as stale, and nobody moves on as if reached."""
    chain = clockwork("2026-05-16 18:00", send("text", by="sms", at_latest=days(1)), policy=SMS_HOURS)

    chain.at("2026-05-16 18:00", "2026-05-18 06:00")

    assert chain.refusals() == [("text", "stale", None)]
    assert chain.moves()[1:] == [("exit:completed", "unreached", None, "2026-05-16 18:00")]


@pytest.mark.parametrize(("when", "reason", "refusals"), [
    ("2026-02-12 08:00", "next", []),
    ("2026-02-12 08:01", "unreached", [("second", "stale", None)]),
])
def test_a_pass_that_comes_too_late_sends_nothing(clockwork, when, reason, refusals):
    """Due on 5 February 08:00, at the latest seven days later: at that instant it may leave, a minute later no more."""
    chain = clockwork("2026-01-05 08:00", send("first"), Delay(months(1)), send("second"))

    chain.at("2026-01-05 08:00", when)

    assert chain.moves()[2:] == [("exit:completed", reason, None, when)]
    assert chain.refusals() == refusals


def test_delays_since_enrolment(clockwork):
    """Ten days since the enrolment on 5 January is the 15th, whatever was waited for; a day since then is long over: now."""
    chain = clockwork("2026-01-05 08:00", send("first"), Delay(days(3)), send("second"),
                      Delay(days(10), since="enrolled"), send("third"), Delay(days(1), since="enrolled"), send("fourth"))

    chain.at("2026-01-05 08:00", "2026-01-08 08:00", "2026-01-15 08:00")

    assert chain.moves()[1:] == [
        ("second", "next", "2026-01-08 08:00", "2026-01-05 08:00"),
        ("third", "next", "2026-01-15 08:00", "2026-01-08 08:00"),
        ("fourth", "next", "2026-01-15 08:00", "2026-01-15 08:00"),
        ("exit:completed", "next", None, "2026-01-15 08:00"),
    ]


@pytest.mark.parametrize(("said", "due"), [
    ({"call_at": "2026-07-20"}, "2026-07-20 07:00"),           # a date: 09:00 in Paris, in summer
    ({"call_at": "2026-07-20T15:30"}, "2026-07-20 13:30"),     # a time of the house
    ({"call_at": "soon"}, "2026-06-05 08:00"),                 # unreadable: two days from now, 10:00 in Paris
    ({}, "2026-06-05 08:00"),
    ({"call_at": "2026-05-01"}, "2026-06-03 08:00"),           # long past: now
])
def test_delays_until_the_date_of_an_answer(clockwork, said, due):
    """A Delay with until takes the date from the answer that led there, else its span, and never lies in the past."""
    chain = clockwork("2026-06-01 08:00", send("ask"), WaitFor("answer", within=weeks(1), on={
        CALL_BACK: [Delay(days(2), until="call_at"), send("call")]}, otherwise=[Exit("silent")]))

    chain.at("2026-06-01 08:00")
    chain.hear(1, "ask", CALL_BACK, "2026-06-02 08:00", **said)
    chain.at("2026-06-03 08:00")

    assert chain.moves()[2][:3] == ("call", "call_back", due)


def test_the_holdout_leaves_when_the_window_closes(clockwork):
    """One month for the goal from 31 January 09:00 in Paris ends with February: the held out leave at 23:00 UTC on the 28th."""
    chain = clockwork("2026-01-31 08:00", send("first"), goal=Goal(PURCHASED, within=months(1)), holdout=0.5,
                      contacts=dict.fromkeys(range(1, 21)))

    chain.at("2026-01-31 08:00", "2026-02-28 22:59", "2026-02-28 23:00")

    held_out = [contact for contact, in chain.rows("SELECT contact_id FROM enrolments WHERE arm = 'holdout'")]
    assert 0 < len(held_out) < 20
    for contact in held_out:
        assert chain.moves(contact) == [
            ("holdout", "held_out", "2026-02-28 22:59:59.999999", "2026-01-31 08:00"),
            ("exit:held_out", "window_closed", None, "2026-02-28 23:00")]


def test_a_wait_of_ten_weeks_costs_no_pass_anything(clockwork):
    """While nobody is due a pass commits nothing: ten weeks of them leave no row, once the receipts have been read."""
    chain = clockwork("2026-01-05 08:00", send("first"), Delay(Span(days=70)), send("second"))
    chain.at("2026-01-05 08:00", "2026-01-05 09:00")
    before = chain.warehouse.number()

    chain.at(*((utc("2026-01-05 08:00") + timedelta(days=day)).isoformat(" ", "minutes") for day in range(1, 70)))

    assert chain.warehouse.number() == before
