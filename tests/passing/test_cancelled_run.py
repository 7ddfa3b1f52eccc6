"""A run that was cancelled: nothing more of it leaves, and everybody in it goes on as not sent."""

from dataclasses import replace
from datetime import timedelta

from marketing.calendar import days
from marketing.chain import CLICKED, NOT_SENT, RELATIONSHIP, Chain, Exit, Send, WaitFor
from tests.passing.shop import START
from warehouse import outbox, runs
from warehouse.withdrawing import cancel_run, withdraw

HEARD = Chain(
    name="heard", title="Heard", kind="loyalty", audience="everybody",
    steps=[Send("hi", by="email", message="hi", purpose=RELATIONSHIP),
           WaitFor("answer", within=days(7), on={CLICKED: [Exit("clicked")], NOT_SENT: [Exit("not_reached")]},
                   otherwise=[Exit("silent")])])


def planning(shop, **more):
    """A shop whose passes send nothing by themselves, with three contacts in the chain."""
    made = shop(HEARD, queries={"everybody": "SELECT contact_id FROM contacts"}, **more)
    (made.warehouse.home / "heard" / "messages").mkdir(parents=True, exist_ok=True)
    (made.warehouse.home / "heard" / "messages" / "hi.fr.txt.j2").write_text("---\nsubject: hi\n---\nhi\n")
    made.wired = replace(made.wired, send_for=0.0)
    made.contacts(*({"contact_id": number} for number in (1, 2, 3)))
    return made


def cancel(shop, run: str) -> int:
    return cancel_run(shop.warehouse.ledger, run, now=shop.warehouse.clock.now(), wall=shop.wired.wall())


def send(shop):
    from tasks.send import send as send_by

    return send_by.fn(shop.wired, "mail", "sending")


def test_nothing_leaves(shop):
    """What the run planned is withdrawn, each touch with its reason; its contacts end as not reached."""
    shop = planning(shop)
    shop.passes("heard")
    withdrawn = cancel(shop, "run-1")

    assert (withdrawn, cancel(shop, "run-1"), send(shop)) == (3, 0, {})
    shop.passes("heard", START + timedelta(hours=1))
    assert shop.places("heard") == [(1, "exit:not_reached"), (2, "exit:not_reached"), (3, "exit:not_reached")]
    assert shop.rows("SELECT outcome, count(*) FROM receipts GROUP BY ALL") == [("cancelled", 3)]
    assert shop.refusals() == [(number, "hi", "run_cancelled", None) for number in (1, 2, 3)]
    assert shop.rows("SELECT run, state FROM runs WHERE run = 'run-1'") == [("run-1", "cancelled")]


def test_other_runs_send(shop):
    """Only the cancelled run's touches stay; another run's leave."""
    shop = planning(shop)
    shop.passes("heard")
    shop.contacts({"contact_id": 4})
    shop.passes("heard", START + timedelta(hours=1))
    cancel(shop, "run-1")

    assert send(shop) == {"accepted": 1}
    shop.passes("heard", START + timedelta(hours=2))
    assert shop.places("heard") == [(1, "exit:not_reached"), (2, "exit:not_reached"), (3, "exit:not_reached"), (4, "answer")]


def test_what_is_being_sent_ends(shop):
    """A batch that a sender holds is finished by it; one that comes back to the outbox is withdrawn then."""
    shop = planning(shop, slice_bits=1)  # contact 1 is alone in its slice, so there are two batches
    shop.passes("heard")
    ledger, now, wall = shop.warehouse.ledger, shop.warehouse.clock.now(), shop.wired.wall()
    held = outbox.claim(ledger, "mail", owner="me", now=now, wall=wall, most=1)
    cancel(shop, "run-1")
    assert outbox.renew(ledger, held[0], now=now, wall=wall)
    outbox.give_back(ledger, held, not_before=None)

    assert outbox.claim(ledger, "mail", owner="you", now=now, wall=wall, most=9) == []
    assert withdraw(ledger, now) == held[0].rows
    assert outbox.open_batches(ledger) == {}


def test_what_may_have_left_is_unknown(shop):
    """A batch that was with a provider once, and came back, is not said to have stayed."""
    shop = planning(shop)
    shop.passes("heard")
    ledger, now, wall = shop.warehouse.ledger, shop.warehouse.clock.now(), shop.wired.wall()
    silent = outbox.claim(ledger, "mail", owner="me", now=now, wall=wall, most=9, calling=True)
    taken = outbox.claim_lapsed(ledger, "mail", owner="you", wall=wall + timedelta(hours=1))
    outbox.give_back(ledger, taken, not_before=None)
    cancel(shop, "run-1")

    assert [one.id for one in silent] == [one.id for one in taken]
    shop.passes("heard", START + timedelta(hours=1))
    assert shop.rows("SELECT outcome, count(*) FROM receipts GROUP BY ALL") == [("unknown", 3)]


def test_its_late_end_changes_nothing(shop):
    """A process that was asked to stop and goes on neither sends nor says that all went well."""
    shop = planning(shop)
    shop.passes("heard")
    cancel(shop, "run-1")
    runs.finish(shop.warehouse.ledger, "run-1", state="completed", summary={}, wall=shop.wired.wall())

    assert shop.rows("SELECT state FROM runs WHERE run = 'run-1'") == [("cancelled",)]
