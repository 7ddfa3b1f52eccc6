"""A stop that somebody ordered: nothing of its scope is handed over, all else goes on, nothing is lost when it ends."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from connectors.memory import recorded
from flows.send import drain
from marketing.chain import RELATIONSHIP, Chain, Delay, Enrol, Send, days, weeks
from tests.passing.shop import START, one_send
from warehouse import journal, outbox, schema, stopping, stops
from warehouse.passing import send as planning

ANNA = journal.Who("anna")
SPRING = Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", reenter_after=days(1), steps=[
    Send("first", by="email", message="m", purpose=RELATIONSHIP, at_latest=days(3)), Delay(weeks(1)),
    Send("second", by="email", message="m", purpose=RELATIONSHIP)])
EVERY = {"all": "", "chain": "spring", "wave": "1", "step": "spring/first", "connector": "mail"}


@pytest.fixture
def planned(shop):
    """A shop with two contacts whose first message is planned and has not left; another chain writes by SMS."""
    here = shop(SPRING, one_send(by="sms", name="other"))
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.wired = replace(here.wired, send_for=0)
    here.passes("spring")
    return here


def stop(here, scope: str, name: str | None = None, **more) -> stopping.Account:
    name = EVERY[scope] if name is None else name
    return stopping.stop_now(here.warehouse, scope, name, ANNA, wall=here.wired.wall, **{"why": "a wrong price", **more})


def release(here, *words: str) -> stopping.Released:
    return stopping.let_go(here.warehouse, stopping.chosen(here.warehouse.ledger, *words), ANNA)


def made(here) -> Counter:
    """What the connectors have really made, by chain and step: they record nothing but receipts here."""
    return Counter({(chain, step): many for chain, step, many in here.rows(
        "SELECT chain, step, count(*) FROM receipts WHERE outcome = 'accepted' GROUP BY ALL")})


@pytest.mark.parametrize("scope", EVERY)
def test_nothing_of_its_scope_leaves(planned, scope):
    """Of the scope nothing is handed over until the release, then all of it once; what is of no stopped scope leaves."""
    found = stop(planned, scope)
    planned.passes("other")
    drain(planned.wired, run="later")

    assert (found.left, found.not_left, found.in_flight, found.new) == (0, 2, 0, True)
    assert made(planned) == ({} if scope == "all" else {("other", "hi"): 2})
    assert release(planned, scope, EVERY[scope]).may_leave == 2
    drain(planned.wired, run="at last")
    assert made(planned)[("spring", "first")] == 2
    assert release_again(planned)


def release_again(here) -> bool:
    """Whether nothing is stopped any more."""
    with pytest.raises(stopping.NoSuchStop, match="nothing is stopped"):
        release(here)
    return stops.ordered(here.warehouse.ledger) == []


@pytest.mark.parametrize(("scope", "name"), [("chain", "other"), ("wave", "7"), ("step", "spring/second"), ("connector", "text")])
def test_another_scope_goes_on(planned, scope, name):
    """A stop of another chain, even of one that never ran, of another wave, step or connector keeps nothing back."""
    stop(planned, scope, name)

    assert drain(planned.wired, "mail", run="later") == {"mail": {"accepted": 2}}


@pytest.mark.parametrize("scope", EVERY)
def test_who_waits(planned, scope):
    """Passes wait for a stop of everything or of their chain, and say so; for any other they go on and plan."""
    stop(planned, scope)
    summary = planned.passes("spring", START + timedelta(days=8))

    waits = scope in ("all", "chain")
    what = "everything" if scope == "all" else "chain spring"
    assert summary.waits_for == (
        f"{what} was stopped at 2026-03-02 10:00 by anna, a wrong price (relance release 1)" if waits else "")
    assert planned.rows("SELECT count(*) FROM touches WHERE step = 'second'") == [(0 if waits else 2,)]


def test_nothing_stale_leaves_afterwards(planned):
    """What became stale while it was stopped is counted at the release, and dropped with its reason by the send."""
    stop(planned, "wave")
    planned.warehouse.clock.advance(START + timedelta(days=5))
    released = release(planned, "1")
    drain(planned.wired, "mail", run="later")
    planned.passes("spring")

    assert (released.may_leave, released.stale) == (0, 2)
    assert made(planned) == {} and {row[2] for row in planned.refusals()} == {"stale"}


def test_stops_add_up(planned):
    """Of two stops the end of one lets nothing go that the other holds; the same scope stopped twice stands once."""
    first, again, other = stop(planned, "wave"), stop(planned, "wave", why="again"), stop(planned, "connector")

    assert (again.stop, again.new, other.new) == (first.stop, False, True)
    assert release(planned, "wave", "1").may_leave == 0
    assert drain(planned.wired, "mail", run="later") == {"mail": {}}
    assert release(planned).may_leave == 2
    assert drain(planned.wired, "mail", run="at last") == {"mail": {"accepted": 2}}


def test_it_is_journalled(planned):
    """Each stop and each release is an entry with who and why; a stop that stood already is none."""
    stop(planned, "wave"), stop(planned, "wave"), release(planned)

    assert [(e.who, e.act, e.what, e.why) for e in journal.entries(planned.warehouse.ledger)] == [
        ("anna", "stop", {"stop": 1, "scope": "wave", "name": "1"}, "a wrong price"),
        ("anna", "release", {"stop": 1, "scope": "wave", "name": "1"}, "")]


@pytest.mark.parametrize(("scope", "name", "said"), [
    ("chain", "summer", "no chain 'summer'; accepted: spring, winter"), ("wave", "9", "no wave '9'; accepted: 1"),
    ("step", "spring/third", "accepted: spring/first, spring/second"), ("connector", "fax", "accepted: agenda, mail, print, text"),
    ("all", "spring", "takes no name"), ("house", "", "accepted: all, chain, wave, step, connector")])
def test_what_is_not_there_cannot_be_stopped(planned, scope, name, said):
    """A name that nothing has is answered with those there are: nobody believes that something is stopped which is not."""
    with pytest.raises(stopping.NoSuchScope, match=said):
        stopping.known(planned.warehouse, scope, name, chains=["winter"])


class TestInTheMiddle:
    """A stop that comes while a batch is on its way to the provider."""

    @pytest.fixture
    def sending(self, shop, monkeypatch):
        """Ten contacts in batches of four, handed over two at a time; before the third call a stop comes."""
        monkeypatch.setattr(planning, "BATCH", 4)
        here = shop(SPRING, mail={"max_batch": 2, "record": True})
        folder = here.warehouse.home / "spring" / "messages"
        folder.mkdir(parents=True)
        (folder / "m.fr.email.j2").write_text("subject: hi\n---\n<p>hi</p>\n")
        here.contacts(*({"contact_id": number} for number in range(10)))
        here.wired = replace(here.wired, send_for=0)
        here.passes("spring")
        return here

    def test_the_rest_of_the_batch_stays(self, sending, monkeypatch):
        """What was handed over is booked, the rest of its batch and all others go back; released, each leaves once."""
        mail, accounts = sending.connectors["mail"], []
        hand_over = mail.send

        def third(batch, now):
            receipts = hand_over(batch, now)
            if mail.made == 6:
                accounts.append(stop(sending, "wave", patience=0))
            return receipts

        monkeypatch.setattr(mail, "send", third)
        sent = drain(sending.wired, "mail", run="stopped")["mail"]
        account = stop(sending, "wave")
        keys = [touch.key for touch in recorded("mail")]

        assert len(keys) == 6 and sent["accepted"] == 6
        assert (accounts[0].left, accounts[0].in_flight, accounts[0].still_with_provider, accounts[0].not_left) == (4, 4, 4, 2)
        assert (account.left, account.in_flight, account.not_left, account.outcomes) == (6, 0, 4, {"accepted": 6})
        assert drain(sending.wired, "mail", run="stopped still") == {"mail": {}}
        release(sending)
        drain(sending.wired, "mail", run="at last")
        assert len({touch.contact_id for touch in recorded("mail")}) == len(recorded("mail")) == 10

    def test_a_dead_sender_is_not_sent_again_for(self, sending):
        """What may be with a provider whose sender died is not handed over again while it is stopped, and said to be so."""
        ledger, wall = sending.warehouse.ledger, sending.wired.wall()
        (held, *others) = outbox.claim(ledger, "mail", owner="gone", now=START, wall=wall - timedelta(hours=1), most=9)
        assert outbox.renew(ledger, held, now=START, wall=wall - timedelta(hours=1))
        account = stop(sending, "chain")
        drain(sending.wired, "mail", run="later")

        assert (account.silent, account.not_left, account.in_flight) == (4, 6, 0) and recorded("mail") == []
        assert outbox.open_batches(ledger) == {"planned": 6, "sending": 4}
        release(sending)
        drain(sending.wired, "mail", run="at last")
        assert len(recorded("mail")) == 10


@pytest.mark.parametrize(("can", "outcomes"), [({"lookup": True}, {}), ({}, {"unknown": 2})], ids=["looked up", "unknown"])
def test_what_is_not_sent_again_is_resolved(shop, can, outcomes):
    """While it is stopped a provider may be asked what it has made, and one that cannot be asked leaves it unknown."""
    here = shop(SPRING, mail={"idempotent": False, **can})
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.wired = replace(here.wired, send_for=0)
    here.passes("spring")
    ledger, wall = here.warehouse.ledger, here.wired.wall()
    held = outbox.claim(ledger, "mail", owner="gone", now=START, wall=wall - timedelta(hours=1), most=9)
    outbox.renew(ledger, held[0], now=START, wall=wall - timedelta(hours=1))
    stop(here, "all")
    drain(here.wired, "mail", run="later")

    assert stop(here, "wave").outcomes == outcomes
    assert outbox.open_batches(ledger) == ({} if outcomes else {"planned": 2})


def test_batches_hold_one_wave(shop):
    """Who enters by two waves and is due at the same moment stands in two batches, so that one can be stopped alone."""
    lead = Chain(name="lead", title="Lead", kind="loyalty", audience="one", steps=[
        Send("hello", by="sms", message="m", purpose=RELATIONSHIP), Enrol("spring")])
    here = shop(lead, replace(SPRING, audience="two"), queries={
        "one": "SELECT contact_id FROM contacts WHERE contact_id = 1", "two": "SELECT contact_id FROM contacts WHERE contact_id > 1"})
    here.wired = replace(here.wired, send_for=0)
    here.contacts(*({"contact_id": number} for number in (1, 2, 3)))
    here.passes("lead")
    here.passes("spring")
    with here.warehouse.ledger.read() as tx:
        batches = tx.execute(sa.select(schema.batch.c.wave, schema.batch.c.first_row, schema.batch.c.rows).where(
            schema.batch.c.connector == "mail").order_by(schema.batch.c.first_row)).all()
    waves = dict(here.rows("SELECT kind, wave FROM waves WHERE chain = 'spring'"))
    stop(here, "wave", str(waves["audience"]))
    drain(here.wired, "mail", run="the other")

    assert sorted((wave, rows) for wave, _, rows in batches) == sorted([(waves["handover"], 1), (waves["audience"], 2)])
    assert here.rows("SELECT contact_id FROM receipts WHERE chain = 'spring'") == [(1,)]


def test_an_old_batch_is_held(planned):
    """A batch of before waves were kept may be of the stopped wave: it stays; of a wave of another chain it does not."""
    with planned.warehouse.ledger.begin() as tx:
        tx.execute(sa.update(schema.batch).values(wave=None))
    planned.passes("other")
    stop(planned, "wave", "2")
    sent = drain(planned.wired, "mail", run="later")
    with planned.warehouse.ledger.begin() as tx:
        tx.execute(sa.update(schema.batch).values(state="planned", receipts=None))

    assert sent == {"mail": {"accepted": 2}}
    stop(planned, "wave", "1")
    assert drain(planned.wired, "mail", run="stopped") == {"mail": {}}
