"""A withdrawn wave: who is inside leaves, nothing more of it is ever sent, its record stays."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from flows.send import drain
from marketing.chain import (
    CLICKED, PURCHASED, RELATIONSHIP, Chain, Delay, Enrol, Exit, Goal, Send, WaitFor, WaveParams, days, weeks,
)
from tests.passing.shop import START
from warehouse import journal, outbox, reconciling, schema, stopping
from warehouse.versions import chain_numbers
from warehouse.withdrawing import close_wave, empty_wave, withdraw

ANNA = journal.Who("anna")
SPRING = Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", holdout=0.5,
               goal=Goal(PURCHASED, within=weeks(6)), steps=[
    Send("first", by="email", message="m", purpose=RELATIONSHIP),
    WaitFor("answer", within=days(7), on={CLICKED: [Exit("clicked")]}, otherwise=[Delay(weeks(1))]),
    Send("second", by="email", message="m", purpose=RELATIONSHIP)])


@pytest.fixture
def planned(shop):
    """A shop with forty contacts in one wave, half of them held out; the messages of the others are planned."""
    here = shop(SPRING, slice_bits=5)
    here.contacts(*({"contact_id": number} for number in range(40)))
    here.wired = replace(here.wired, send_for=0)
    here.passes("spring")
    return here


def withdrawal(here, wave: int = 1) -> tuple[stopping.Account, int]:
    account, left = stopping.withdraw_now(here.warehouse, wave, ANNA, why="a wrong price", run="withdrawal", wall=here.wired.wall)
    with here.warehouse.snapshot() as snapshot:
        assert reconciling.contradictions(snapshot, "spring") == []
    for name, number in chain_numbers(here.warehouse.ledger).items():
        reconciling.hold(here.warehouse.ledger, number, name)
    return account, left


def goes_on(here) -> None:
    """Weeks of passes and sends."""
    for day in range(8, 40, 8):
        here.passes("spring", START + timedelta(days=day))
        drain(here.wired, run=f"day {day}")


def test_everybody_leaves_and_nothing_is_sent(planned):
    """Everybody inside leaves by the exit, the holdout too; what was planned is refused with the reason; nothing leaves later."""
    account, left = withdrawal(planned)
    goes_on(planned)

    assert left == 40 and {place for _, place in planned.places("spring")} == {"exit:withdrawn"}
    assert planned.rows("SELECT DISTINCT outcome FROM receipts") == [("cancelled",)]
    refused = planned.rows("SELECT reason, rule, count(*) FROM refusals GROUP BY ALL")
    assert refused == [("withdrawn", "wave", account.outcomes["cancelled"])] and account.left == account.not_left == 0


def test_what_has_left_stays_on_record(planned):
    """What was sent before is not undone: its receipts stay, and whom it reached can be asked."""
    drain(planned.wired, run="sent")
    treated = planned.rows("SELECT contact_id FROM touches ORDER BY ALL")
    account, left = withdrawal(planned)
    goes_on(planned)

    assert (account.left, left) == (len(treated), 40)
    assert planned.rows("SELECT contact_id FROM received(1, 'first') ORDER BY ALL") == treated
    assert planned.rows("SELECT contact_id FROM received(1, 'second')") == planned.rows("SELECT contact_id FROM received(2, 'first')") == []


def test_a_correction_reaches_exactly_those_who_got_it(planned):
    """The audience received(wave, step) is those whose message was made or may have been, and nobody else."""
    class Of(WaveParams):
        wave: int = 1

    with planned.warehouse.ledger.begin() as tx:
        kept = tx.execute(sa.select(schema.batch.c.id).order_by(schema.batch.c.rows)).scalars().first()
        tx.execute(sa.update(schema.batch).where(schema.batch.c.id == kept).values(not_before=START + timedelta(days=9)))
    drain(planned.wired, run="in part")
    withdrawal(planned)
    reached = planned.rows("SELECT contact_id FROM receipts WHERE outcome = 'accepted' ORDER BY ALL")
    planned.add(Chain(name="sorry", title="Sorry", kind="loyalty", audience="mistaken", params=Of, steps=[
        Send("sorry", by="email", message="m", purpose=RELATIONSHIP)]), mistaken="SELECT contact_id FROM received($wave, 'first')")
    planned.passes("sorry")

    assert 0 < len(reached) < len(planned.rows("SELECT contact_id FROM touches WHERE step = 'first'"))
    assert planned.rows("SELECT contact_id FROM touches WHERE step = 'sorry' ORDER BY ALL") == reached


def test_again(planned):
    """Withdrawn twice a wave is withdrawn once; one that was broken off after its first word is finished."""
    assert close_wave(planned.warehouse.ledger, 1, ANNA, now=START)
    assert drain(planned.wired, run="meanwhile")["mail"] == {}
    first, second = withdrawal(planned), withdrawal(planned)

    assert [(account.new, left) for account, left in (first, second)] == [(False, 40), (False, 0)]
    assert [e.act for e in journal.entries(planned.warehouse.ledger)] == ["withdraw"]


def test_after_a_stop(planned):
    """A stopped wave may be withdrawn: its stop ends for ever, and there is nothing left to release."""
    stopping.stop_now(planned.warehouse, "wave", "1", ANNA, wall=planned.wired.wall)
    withdrawal(planned)

    with pytest.raises(stopping.NoSuchStop):
        stopping.chosen(planned.warehouse.ledger, "wave", "1")
    goes_on(planned)
    assert planned.rows("SELECT DISTINCT outcome FROM receipts") == [("cancelled",)]


def test_beside_a_pass(planned, monkeypatch):
    """A pass that has read who is inside before they leave cannot move them: it looks again and finds nobody."""
    from warehouse.passing.slice_pass import SlicePass

    drain(planned.wired, run="sent")
    finish, done = SlicePass.finish, []

    def late(passing):
        if not done:
            done.append(withdrawal(planned))
        return finish(passing)

    monkeypatch.setattr(SlicePass, "finish", late)
    planned.passes("spring", START + timedelta(days=8))
    goes_on(planned)

    assert done[0][1] == 40 and {place for _, place in planned.places("spring")} == {"exit:withdrawn"}
    assert planned.rows("SELECT count(*) FROM touches WHERE step = 'second'") == [(0,)]


def test_while_its_run_takes_people_in(shop, monkeypatch):
    """A wave that is withdrawn while it still takes people in, slice after slice, takes in nobody more."""
    from warehouse.passing.slice_pass import SlicePass

    here = shop(SPRING, slice_bits=4)
    here.contacts(*({"contact_id": number} for number in range(40)))
    here.wired = replace(here.wired, send_for=0)
    finish, done = SlicePass.finish, []

    def then_withdrawn(passing):
        numbers = finish(passing)
        if not done:
            done.append(stopping.withdraw_now(here.warehouse, 1, ANNA, run="w", wall=here.wired.wall))
        return numbers

    monkeypatch.setattr(SlicePass, "finish", then_withdrawn)
    summary = here.passes("spring")

    assert (summary.entered, summary.left_out, done[0][1]) == (16, 24, 16)
    assert {place for _, place in here.places("spring")} == {"exit:withdrawn"}
    monkeypatch.setattr(SlicePass, "finish", finish)
    drain(here.wired, run="later")
    assert here.rows("SELECT DISTINCT outcome FROM receipts") == [("cancelled",)]


def test_handed_over_to_it(shop):
    """Who is handed over to a wave that is withdrawn meanwhile is refused by row, not lost."""
    lead = Chain(name="lead", title="Lead", kind="loyalty", audience="everybody", steps=[
        Send("hello", by="sms", message="m", purpose=RELATIONSHIP), Enrol("spring")])
    here = shop(lead, replace(SPRING, audience="nobody", holdout=0))
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.passes("lead")
    with here.warehouse.ledger.begin() as tx:
        number = 1 + tx.execute(sa.select(sa.func.max(schema.wave.c.id))).scalar_one()
        tx.execute(sa.insert(schema.wave), {"id": number, "chain": 2, "version": 2, "run": "run-2", "kind": "handover",
                                            "enrolled_at": START, "params": "{}", "audience": 0, "entered": 0, "held_out": 0})
    close_wave(here.warehouse.ledger, number, ANNA, now=START)
    here.passes("spring")  # the run whose wave it is

    assert here.places("spring") == []
    assert here.refusals() == [(1, "", "withdrawn", None), (2, "", "withdrawn", None)]


@pytest.mark.parametrize(("can", "outcome"), [
    ({"idempotent": True}, "unknown"), ({"idempotent": False, "lookup": True}, "cancelled"), ({"idempotent": False}, "unknown")],
    ids=["idempotent", "looked up", "neither"])
def test_a_dead_sender(shop, can, outcome):
    """What a dead sender had begun is never handed over again: looked up where that can be, else nobody knows."""
    here = shop(replace(SPRING, holdout=0), mail=can)
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.wired = replace(here.wired, send_for=0)
    here.passes("spring")
    ledger, wall, mail = here.warehouse.ledger, here.wired.wall(), here.connectors["mail"]
    (held,) = outbox.claim(ledger, "mail", owner="gone", now=START, wall=wall - timedelta(hours=1), most=9)
    outbox.renew(ledger, held, now=START, wall=wall - timedelta(hours=1))
    account, left = withdrawal(here)
    goes_on(here)

    assert (account.silent, left, mail.made) == (2, 2, 0)
    assert here.rows("SELECT outcome, count(*) FROM receipts GROUP BY ALL") == [(outcome, 2)]
    assert outbox.open_batches(ledger) == {}


def test_what_came_back_is_settled(planned):
    """What a sender has claimed and not begun is settled at once: it is told so before it begins, and gives nothing back."""
    ledger, wall = planned.warehouse.ledger, planned.wired.wall()
    held = outbox.claim(ledger, "mail", owner="me", now=START, wall=wall, most=9)
    close_wave(ledger, 1, ANNA, now=START)
    for one in held:
        with pytest.raises(outbox.Held):
            outbox.renew(ledger, one, now=START, wall=wall)

    assert [(withdraw(ledger, START),)] == planned.rows("SELECT count(*) FROM touches")
    assert (outbox.give_back(ledger, held, not_before=None), empty_wave(planned.warehouse, 1, run="w", as_of=START)) == (0, 40)


def test_an_old_batch_is_looked_through(planned):
    """Of a batch of before waves were kept only the touches of the withdrawn wave stay."""
    with planned.warehouse.ledger.begin() as tx:
        tx.execute(sa.update(schema.batch).values(wave=None))
    close_wave(planned.warehouse.ledger, 1, ANNA, now=START)
    sent = drain(planned.wired, "mail", run="later")["mail"]

    assert list(sent) == ["cancelled"] and {row[2] for row in planned.refusals()} <= {"withdrawn"}
