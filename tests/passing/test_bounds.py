"""Bounds of a connector: outside of live it reaches its allow-list alone; nowhere is it handed more a day than its ceiling."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from connectors.base import ErrorKind, Outcome
from connectors.memory import recorded
from marketing.alarms import alarms
from outbox.environment import OnlyListed
from outbox.sender import Sender
from tests.passing.shop import START
from tests.passing.test_cancelled_run import planning as planned
from warehouse import ceilings, watching

#: Midnight of the house's next day, in UTC: Paris in winter.
TOMORROW = datetime(START.year, START.month, START.day, 23)


def planning(shop, **more):
    """A shop whose passes send nothing by themselves, with three contacts in a chain of one e-mail."""
    here = planned(shop, **more)
    (here.warehouse.home / "heard" / "messages" / "hi.fr.email.j2").write_text("subject: hi\n---\n<p>hi</p>\n")
    return here


def bounded(shop, **bounds):
    """The house's settings of the connector mail, changed while nothing runs."""
    shop.warehouse.house.connectors["mail"].update(bounds)
    return shop


def listed(shop, *addresses: str) -> OnlyListed:
    """The connector mail as if it reached real people, outside of live."""
    made = OnlyListed(shop.connectors["mail"], "test", addresses, shop.warehouse.ledger)
    shop.connectors["mail"] = made
    return made


def drain(shop) -> dict:
    return dict(Sender(shop.wired, "mail", run="sending", as_of=shop.warehouse.clock.now()).drain())


def reached() -> list[str]:
    return sorted(touch.address for touch in recorded("mail"))


def test_only_the_list_is_reached(shop):
    """An address that is not on the list is dropped with a reason of its own; one on it, whole or by domain, gets its message."""
    here = planning(shop, mail={"record": True})
    here.contacts({"contact_id": 4, "email": "Anne@Our-Company.example"})
    listed(here, "@our-company.example", "c2@example.org")
    here.passes("heard")

    assert drain(here) == {"accepted": 2, "dropped": 2}
    assert reached() == ["Anne@Our-Company.example", "c2@example.org"]
    here.passes("heard", START + timedelta(hours=1))
    assert here.refusals() == [(number, "hi", "not_allowed_here", None) for number in (1, 3)]
    assert here.rows("SELECT DISTINCT rule, value FROM refusals") == [("mail/allow", "test")]


def test_a_similar_domain_is_not_on_the_list(shop):
    """A domain that only ends alike, a part of an address and an empty one are not on the list."""
    here = listed(planning(shop), "@our-company.example", "+33612345678")

    addresses = ["a@not-our-company.example", "a@our-company.example.org", "our-company.example", "", None, "+336123456789"]
    assert here.reachable(addresses) == [False] * 6
    assert here.reachable(["a@our-company.example", "+33612345678"]) == [True, True]


def test_the_last_barrier(shop):
    """Whoever hands it over, what is not on the list is blocked; receipts stay in the order of the touches."""
    here = planning(shop, mail={"record": True})
    connector = listed(here, "c2@example.org")
    here.passes("heard")
    sender = Sender(here.wired, "mail", run="sending", as_of=START)
    sender.bounds.refused = lambda rows: {}

    assert dict(sender.drain()) == {"accepted": 1, "blocked": 2} and reached() == ["c2@example.org"]
    assert connector.send([], START) == []


def test_a_ceiling_leaves_the_rest_for_tomorrow(shop):
    """Beyond the day's ceiling touches wait until the house's midnight, then leave; each once, none lost."""
    here = bounded(planning(shop, mail={"record": True}), daily_ceiling=2)
    here.passes("heard")

    assert drain(here) == {"accepted": 2} and drain(here) == {}
    here.warehouse.clock.advance(TOMORROW - timedelta(minutes=1))
    assert drain(here) == {}
    here.warehouse.clock.advance(TOMORROW)
    assert drain(here) == {"accepted": 1}
    assert reached() == ["c1@example.org", "c2@example.org", "c3@example.org"]
    here.passes("heard", TOMORROW + timedelta(hours=1))
    assert here.rows("SELECT outcome, count(*) FROM receipts GROUP BY ALL") == [("accepted", 3)]


def test_all_are_counted_where_a_set_could_be_settled_alike(shop):
    """A connector that settles a whole set with one receipt is held to its ceiling all the same."""
    here = bounded(planning(shop, mail={"script": None}), daily_ceiling=1)
    here.passes("heard")

    assert here.connectors["mail"].capabilities().uniform and drain(here) == {"accepted": 1}


def test_what_was_planned_later_waits_too(shop):
    """With the ceiling reached, a batch planned afterwards is put off to tomorrow, and is not called stuck."""
    here = bounded(planning(shop, mail={"record": True}), daily_ceiling=3)
    here.passes("heard")
    drain(here)
    here.contacts({"contact_id": 4})
    here.passes("heard", START + timedelta(hours=1))

    assert drain(here) == {}
    here.warehouse.clock.advance(START + timedelta(hours=8))
    seen = watching.look(here.warehouse, here.connectors, {}, here.wired.wall())
    mail = next(row for row in seen.connectors if row["connector"] == "mail")
    assert (mail["handed_today"], mail["daily_ceiling"], mail["planned"], mail["stuck"]) == (3, 3, 1, 0)
    told = [(one.kind, one.what, one.value, one.limit) for one in alarms(watching.facts(seen), here.warehouse.policy.alarms)]
    assert ("ceiling_reached", "mail", "3 today", "3 a day") in told


@pytest.mark.parametrize(("settings", "counted"), [
    ({"down": ErrorKind.NETWORK}, 0), ({"script": {"c1@example.org": Outcome.RETRY}}, 2),
    ({"script": {"c1@example.org": Outcome.UNKNOWN}}, 3), ({"script": {"c1@example.org": Outcome.REJECTED}}, 3),
])
def test_what_was_not_made_is_not_counted(shop, settings, counted):
    """A touch of which surely nothing was made gives its place back; one that may have left keeps it."""
    here = bounded(planning(shop, mail={"record": True, **settings}), daily_ceiling=10)
    here.passes("heard")
    drain(here)

    assert ceilings.handed_over(here.warehouse.ledger, "mail", date(START.year, START.month, START.day)) == counted


def test_many_processes_never_pass_it_together(shop):
    """Places are taken one after the other: eight at once that want 40 each get 100 of 100, and the days before are forgotten."""
    ledger, day = planning(shop).warehouse.ledger, date(2026, 3, 2)
    ceilings.reserve(ledger, "mail", 7, 100, day - timedelta(days=1))
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda _: ceilings.reserve(ledger, "mail", 40, 100, day), range(8)))

    assert sorted(got, reverse=True)[:4] == [40, 40, 20, 0] and sum(got) == 100
    assert ceilings.reached(ledger, {"mail": 100, "text": 1}, day) == {"mail": (100, 100)}
    assert ceilings.handed_over(ledger, "mail", day - timedelta(days=1)) == 0


def test_seeds_are_the_houses_own_people(shop):
    """A seed's address is reached outside of live without standing in the list."""
    import json

    import sqlalchemy as sa
    from warehouse.acts import seed

    here = planning(shop)
    connector = listed(here)
    with here.warehouse.ledger.begin() as tx:
        tx.execute(sa.insert(seed), {"name": "Anne", "language": "fr", "added_at": START,
                                     "addresses": json.dumps({"email": "Anne@shop.example", "phone": "+33612345678"})})

    assert connector.reachable(["anne@shop.example", "+33612345678", "c1@example.org"]) == [True, True, False]
