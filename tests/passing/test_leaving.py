"""Leaving: no consent left, taking back what was handed over, versions, and residents that are written again."""

from dataclasses import replace
from datetime import timedelta

from flows import recipe
from flows.send import drain
from marketing.chain import (
    APPOINTMENT, CLICKED, COMMERCIAL, PURCHASED, RELATIONSHIP, Chain, Delay, Exit, Goal, Send, WaitFor, days, weeks,
)
from marketing.responses import CANCELLED, NOT_CANCELLED
from outbox.sender import Sender
from tests.passing.shop import START
from warehouse.passing import slice_pass

OFFERS = Chain(name="offers", title="Offers", kind="loyalty", audience="everybody", steps=[
    Send("first", by="email", message="m", purpose=COMMERCIAL), Delay(weeks(1)),
    Send("second", by="email", message="m", purpose=COMMERCIAL), Delay(weeks(1)),
    Send("third", by="post", message="m", purpose=COMMERCIAL)])


def test_no_consent_left(shop):
    """Who withdraws the last consent that a message still ahead hangs on leaves; whoever can still be reached stays."""
    mails = Chain(name="mails", title="Mails", kind="loyalty", audience="everybody", steps=OFFERS.steps[:3])
    here = shop(OFFERS, mails)
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    for number in (1, 2):
        here.consent(number, "email", "commercial", "granted", START - timedelta(days=1))
    here.passes("offers")
    here.passes("mails")
    here.warehouse.clock.advance(START + timedelta(days=2))
    here.consent(1, "email", "commercial", "withdrawn")

    here.passes("offers", START + timedelta(days=3))
    here.passes("mails", START + timedelta(days=3))

    assert here.places("offers") == [(1, "second"), (2, "second")]  # the letter can still reach contact 1
    assert here.places("mails") == [(1, "exit:no_consent_left"), (2, "second")]


CALL = Chain(name="call", title="Call", kind="prospecting", audience="everybody", goal=Goal(PURCHASED, within=weeks(8)), steps=[
    Send("ring", by="phone", message="m", purpose=COMMERCIAL),
    WaitFor("outcome", within=days(3), on={APPOINTMENT: [Exit("appointment")]})])


def test_an_open_call_is_taken_back(shop):
    """Whoever buys before the call leaves the chain, and the call leaves the agenda; what came of it is kept."""
    here = shop(CALL, agenda={"cancel": True})
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    for number in (1, 2):
        here.consent(number, "phone", "commercial", "granted", START - timedelta(days=1))
    here.passes("call")
    here.warehouse.clock.advance(START + timedelta(days=1))
    here.order(1, START + timedelta(hours=3))
    here.passes("call")
    drain(here.wired, "agenda", run="evening")
    drain(here.wired, "agenda", run="night")
    here.passes("call", START + timedelta(days=1, hours=1))

    assert here.places("call") == [(1, "goal"), (2, "outcome")]
    assert here.rows("SELECT contact_id, step, machine FROM responses WHERE kind IN ($yes, $no) ORDER BY ALL",
                     yes=CANCELLED, no=NOT_CANCELLED) == [(1, "ring", True)]


def test_contacts_keep_their_version(shop, monkeypatch):
    """A chain that is changed under way: who is in it goes on by the version they entered by."""
    def chain(*last) -> Chain:
        return Chain(name="changing", title="Changing", kind="loyalty", audience="asked", steps=[
            Send("first", by="email", message="m", purpose=RELATIONSHIP), Delay(weeks(1)), *last])

    before = chain(Send("old", by="email", message="m", purpose=RELATIONSHIP))
    after = chain(Send("new", by="post", message="m", purpose=RELATIONSHIP), Exit("thanked"))
    here = shop(before, queries={"asked": "SELECT contact_id FROM contacts WHERE created_at <= $as_of"})
    here.contacts({"contact_id": 1}, {"contact_id": 2, "created_at": START + timedelta(days=1)})
    here.passes("changing")
    monkeypatch.setattr(recipe.chains, "load", {"changing": after}.__getitem__)

    for day in (2, 7, 9):
        here.passes("changing", START + timedelta(days=day))

    assert here.places("changing") == [(1, "exit:completed"), (2, "exit:thanked")]
    assert [t[:2] for t in here.touches()] == [(1, "first"), (1, "old"), (2, "first"), (2, "new")]


def test_residents_that_are_written_again_are_the_same(shop, monkeypatch):
    """Many waves that come to one step, and leave it by answer or deadline: with and without being written as one part."""
    waiting = Chain(name="waiting", title="Waiting", kind="loyalty", audience="asked", steps=[
        Send("hi", by="email", message="m", purpose=RELATIONSHIP),
        WaitFor("answer", within=days(9), on={CLICKED: [Exit("clicked")]}, otherwise=[Exit("silent")])])
    query = "SELECT contact_id FROM contacts WHERE created_at <= $as_of"
    found, here = [], None
    for feeds in (1, 1_000):
        monkeypatch.setattr(slice_pass, "FEEDS", feeds)
        here = shop(waiting, queries={"asked": query}) if here is None else again(here, shop, waiting, query)
        here.contacts(*({"contact_id": n, "created_at": START + timedelta(days=n // 2)} for n in range(1, 25)))
        for day in range(14):
            here.passes("waiting", START + timedelta(days=day))
            if day in (3, 8):
                here.answer(CLICKED, day, "hi")
        found.append(here.rows("SELECT contact_id, seq, from_step, to_step, reason, moved_at FROM moves ORDER BY ALL"))

    assert found[0] == found[1]
    assert {row[4] for row in found[0]} == {"entered", "next", "clicked", "otherwise"}


def again(here, shop, chain, query):
    """A second shop beside the first."""
    here.warehouse.close()
    home = here.warehouse.home
    for path in sorted(home.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return shop(chain, queries={"asked": query})


def test_an_order_read_before_the_receipt_it_follows(shop, monkeypatch):
    """A message is sent, the customer buys, and a pass reads the order before anybody has filed the receipt: the next hears it."""
    buying = Chain(name="buying", title="Buying", kind="loyalty", audience="everybody", steps=[
        Send("hi", by="email", message="m", purpose=RELATIONSHIP),
        WaitFor("answer", within=weeks(3), on={PURCHASED: [Exit("bought")]}, otherwise=[Exit("silent")])])
    here = shop(buying)
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.wired = replace(here.wired, send_for=0)
    here.passes("buying")
    here.warehouse.clock.advance(START + timedelta(hours=1))
    Sender(here.wired, "mail", run="evening", as_of=START + timedelta(hours=1)).drain()
    here.order(1, START + timedelta(hours=2))
    monkeypatch.setattr(recipe, "anything_settled", lambda _wired: False)
    here.passes("buying", START + timedelta(hours=3))
    monkeypatch.undo()
    monkeypatch.setattr(recipe.chains, "load", {"buying": buying}.__getitem__)
    monkeypatch.setattr(recipe, "queries", lambda _chain: {"everybody": "SELECT contact_id FROM contacts"})

    here.passes("buying", START + timedelta(hours=4))

    assert here.places("buying") == [(1, "exit:bought"), (2, "answer")]
