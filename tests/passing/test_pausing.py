"""A paused chain: nobody moves, nothing leaves, nothing stale leaves afterwards; other chains go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from flows.send import drain
from marketing.chain import RELATIONSHIP, Chain, Delay, Send, days, weeks
from tests.passing.shop import START, one_send
from warehouse.pausing import pause, paused, pauses, resume

SPRING = Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", steps=[
    Send("first", by="email", message="m", purpose=RELATIONSHIP, at_latest=days(3)), Delay(weeks(1)),
    Send("second", by="email", message="m", purpose=RELATIONSHIP)])


@pytest.fixture
def planned(shop):
    """A shop with two contacts whose first message is planned and has not left, and whose chain is then paused."""
    here = shop(SPRING, one_send(name="other"))
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.wired = replace(here.wired, send_for=0)
    here.passes("spring")
    pause(here.warehouse.ledger, "spring", now=START, by="anna", why="the offer is wrong")
    return here


def test_nothing_moves_and_nothing_leaves(planned):
    """While a chain is paused its passes say so and do nothing, its planned touches stay, and other chains send."""
    summary = planned.passes("spring", START + timedelta(days=8))
    planned.passes("other")
    sent = drain(planned.wired, "mail", run="later")

    assert str(summary) == ("Nothing was moved or sent: paused since 2026-03-02 10:00 by anna, the offer is wrong "
                            "(relance chains resume spring).")
    assert planned.places("spring") == [(1, "second"), (2, "second")]
    assert planned.rows("SELECT DISTINCT chain, outcome FROM receipts") == [("other", "accepted")]
    assert sent == {"mail": {"accepted": 2}}


@pytest.mark.parametrize(("after", "second"), [(1, []), (10, ["accepted"]), (30, [])], ids=["at once", "later", "too late"])
def test_nothing_stale_leaves_when_it_goes_on(planned, after, second):
    """Resumed, a chain sends what may still leave, drops what became stale with a refusal, and loses nobody."""
    planned.passes("spring", START + timedelta(days=after))
    resume(planned.warehouse.ledger, "spring")
    drain(planned.wired, "mail", run="at last")
    planned.passes("spring")
    drain(planned.wired, "mail", run="at last, again")

    outcomes = planned.rows("SELECT step, outcome FROM receipts WHERE chain = 'spring' GROUP BY ALL ORDER BY ALL")
    assert outcomes == [("first", "accepted" if after == 1 else "stale"), *(("second", word) for word in second)]
    assert planned.places("spring") == [(n, "second" if after == 1 else "exit:completed") for n in (1, 2)]
    assert {(step, reason) for _, step, reason, _ in planned.refusals()} == {
        1: set(), 10: {("first", "stale")}, 30: {("first", "stale"), ("second", "stale")}}[after]


def test_what_a_dead_sender_left_stays_too(planned):
    """A batch whose sender died in the middle is resolved only when the chain goes on."""
    from warehouse import outbox

    ledger, wall = planned.warehouse.ledger, planned.wired.wall()
    resume(ledger, "spring")
    claimed = outbox.claim(ledger, "mail", owner="gone", now=START, wall=wall - timedelta(hours=1), most=9)
    pause(ledger, "spring", now=START, by="anna")

    assert len(claimed) == 1
    assert outbox.claim_lapsed(ledger, "mail", owner="next", wall=wall) == []
    assert drain(planned.wired, "mail", run="later") == {"mail": {}}
    resume(ledger, "spring")
    assert drain(planned.wired, "mail", run="last") == {"mail": {"accepted": 2}}


def test_a_pause_is_kept(planned):
    """Pausing twice keeps the first pause; resuming twice is no mistake; a chain that never ran can be paused."""
    ledger = planned.warehouse.ledger
    again = pause(ledger, "spring", now=START + timedelta(days=1), by="paul")
    pause(ledger, "other", now=START, by="paul")

    assert (again.since, again.by) == (START, "anna")
    assert sorted(pauses(ledger)) == ["other", "spring"]
    assert (resume(ledger, "spring").by, resume(ledger, "spring"), paused(ledger, "spring")) == ("anna", None, None)
