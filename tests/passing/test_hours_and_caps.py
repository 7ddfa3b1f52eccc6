"""Hours and caps: what may not leave now comes back when it may, and too late is said to be stale."""

from datetime import datetime, timedelta

from marketing.calendar import days
from marketing.chain import RELATIONSHIP, Chain, Send
from tests.passing.shop import START, one_send

HOURS = """
country = "FR"
[[hours]]
channel = "sms"
weekdays = ["mon", "tue", "wed", "thu", "fri"]
from = "10:00"
to = "18:00"
"""


def test_hours_are_the_contacts_own(shop):
    """Outside the hours of the contact's zone a touch is deferred to the next opening, and comes back by itself."""
    here = shop(one_send("sms"), policy=HOURS)
    here.contacts({"contact_id": 1, "zone": "Europe/Paris"}, {"contact_id": 2, "zone": "America/New_York"},
                  {"contact_id": 3, "zone": "Asia/Tokyo"}, {"contact_id": 4, "zone": "Mars/Olympus"})
    opens = {2: datetime(2026, 3, 2, 15), 3: datetime(2026, 3, 3, 1)}

    summary = here.passes("hello")
    first = [t[0] for t in here.touches()]
    here.passes("hello", opens[2])
    here.passes("hello", opens[3])

    assert first == [1, 4]
    assert here.refusals() == [(2, "hi", "hours", opens[2]), (3, "hi", "hours", opens[3])]
    assert summary.next_due == opens[2]
    assert [t[0] for t in here.touches()] == [1, 2, 3, 4]


def test_a_deferral_past_the_latest_moment_is_stale(shop):
    """What could only leave too late is dropped as stale; nobody moves on as if reached."""
    here = shop(one_send("sms", at_latest=days(1)), policy=HOURS)
    here.warehouse.clock.advance(datetime(2026, 3, 6, 20))  # Friday evening: the next opening is on Monday
    here.contacts({"contact_id": 1, "zone": "Europe/Paris"})

    here.passes("hello")

    assert here.refusals() == [(1, "hi", "stale", None)]
    assert here.rows("SELECT reason FROM moves WHERE from_step = 'hi'") == [("unreached",)]


CAP = """
country = "FR"
[[cap]]
name = "two_a_week"
at_most = 2
within_days = 7
"""


def test_the_cap_counts_over_all_chains(shop):
    """A third message within seven days waits until the first is seven days old, whatever chain sent the others."""
    names = ("one", "two", "three")
    here = shop(*(one_send(name=name) for name in names), policy=CAP)
    here.contacts({"contact_id": 1})
    for day, name in enumerate(names):
        here.passes(name, START + timedelta(days=day))

    room = START + timedelta(days=7)
    here.passes("three", room)

    assert here.refusals() == [(1, "hi", "cap", room)]
    assert here.rows("SELECT chain, planned_at FROM touches ORDER BY planned_at") == [
        ("one", START), ("two", START + timedelta(days=1)), ("three", room)]


def test_the_cap_counts_within_one_pass(shop):
    """Messages planned in the same pass count towards the cap of the next."""
    chain = Chain(name="three", title="Three", kind="loyalty", audience="everybody", steps=[
        Send(name, by="email", message="hi", purpose=RELATIONSHIP) for name in ("first", "second", "third")])
    here = shop(chain, policy=CAP)
    here.contacts({"contact_id": 1})

    here.passes("three")

    assert [t[1] for t in here.touches()] == ["first", "second"]
    assert here.refusals() == [(1, "third", "cap", START + timedelta(days=7))]


def test_what_was_not_made_gives_its_room_back(shop):
    """A touch the provider rejected does not count towards the cap."""
    here = shop(*(one_send(name=name) for name in ("one", "two", "three")), policy=CAP,
                mail={"script": lambda _touch, now: "rejected" if now == START else None})
    here.contacts({"contact_id": 1})
    here.passes("one")
    here.passes("two", START + timedelta(days=1))

    here.passes("three", START + timedelta(days=2))

    assert here.refusals() == []
    assert len(here.touches()) == 3
