"""The gate at plan and at send: each rule refuses whom it must, says so in a row, and nobody else."""

from datetime import timedelta

import pytest

from flows.send import drain
from marketing.chain import CLICKED, COMMERCIAL, RELATIONSHIP, TRANSACTIONAL, Chain, Delay, Exit, Send, WaitFor, weeks
from marketing.chance import GLOBAL_HOLDOUT, in_share
from tests.passing.shop import START, one_send


GROUNDS = [
    # channel, purpose, consent said, customer, may be written to
    ("email", COMMERCIAL, None, False, False),
    ("email", COMMERCIAL, None, True, True),
    ("email", COMMERCIAL, "granted", False, True),
    ("email", COMMERCIAL, "refused", True, False),
    ("email", COMMERCIAL, "withdrawn", True, False),
    ("email", RELATIONSHIP, None, False, True),
    ("email", RELATIONSHIP, "withdrawn", True, False),
    ("email", TRANSACTIONAL, "withdrawn", False, True),
    ("sms", COMMERCIAL, None, False, False),
    ("sms", COMMERCIAL, "granted", False, True),
    ("post", COMMERCIAL, None, False, True),
    ("post", COMMERCIAL, "refused", False, False),
    ("phone", COMMERCIAL, None, True, False),
    ("phone", COMMERCIAL, "granted", False, True),
]


@pytest.mark.parametrize(("channel", "purpose", "said", "customer", "allowed"), GROUNDS)
def test_consent(shop, channel, purpose, said, customer, allowed):
    """A message needs a ground: consent, being a customer, or no objection, by purpose and channel."""
    here = shop(one_send(channel, purpose))
    here.contacts({"contact_id": 1})
    if customer:
        here.order(1, START - timedelta(days=30))
    if said:
        here.consent(1, channel, purpose if purpose != TRANSACTIONAL else COMMERCIAL, said, START - timedelta(days=9))

    here.passes("hello")

    assert [t[:2] for t in here.touches()] == ([(1, "hi")] if allowed else [])
    assert [r[2] for r in here.refusals()] == (
        [] if allowed else ["consent_withdrawn" if said in ("refused", "withdrawn") else "no_consent"])


def test_the_last_word_on_consent_counts(shop):
    """Consent that was withdrawn and given again is given; the other way round it is withdrawn."""
    here = shop(one_send(purpose=COMMERCIAL))
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    for number, (first, second) in enumerate([("withdrawn", "granted"), ("granted", "withdrawn")], start=1):
        here.consent(number, "email", "commercial", first, START - timedelta(days=9))
        here.consent(number, "email", "commercial", second, START - timedelta(days=1))

    here.passes("hello")

    assert [t[0] for t in here.touches()] == [1]
    assert here.refusals() == [(2, "hi", "consent_withdrawn", None)]


def test_consent_listed_after_a_first_pass_is_seen(shop):
    """What the gate knows of a contact follows every word said since it was last written."""
    here = shop(one_send(purpose=COMMERCIAL, name="first"), one_send(purpose=COMMERCIAL, name="second"))
    here.contacts(*({"contact_id": n} for n in range(1, 60)))
    for number in range(1, 60):
        here.consent(number, "email", "commercial", "granted", START - timedelta(days=9))
    here.passes("first")
    here.consent(7, "email", "commercial", "withdrawn", START)

    here.passes("second", START + timedelta(days=30))

    assert here.refusals() == [(7, "hi", "consent_withdrawn", None)]


def test_no_address(shop):
    """Who has no address for the channel is refused, and moves on unreached."""
    here = shop(one_send("sms"))
    here.contacts({"contact_id": 1}, {"contact_id": 2, "phone": None})

    here.passes("hello")

    assert [t[0] for t in here.touches()] == [1]
    assert here.refusals() == [(2, "hi", "no_address", None)]
    assert here.rows("SELECT contact_id, reason FROM moves WHERE from_step = 'hi' ORDER BY ALL") == [(1, "next"), (2, "unreached")]


SUPPRESSED = [
    # row of the list, purpose of the message, refused
    ({}, RELATIONSHIP, True),
    ({}, TRANSACTIONAL, False),
    ({"purpose": "all"}, TRANSACTIONAL, True),
    ({"purpose": "commercial"}, RELATIONSHIP, False),
    ({"channel": "sms"}, RELATIONSHIP, False),
    ({"channel": "email"}, RELATIONSHIP, True),
    ({"from_at": START + timedelta(days=1)}, RELATIONSHIP, False),
    ({"until_at": START}, RELATIONSHIP, False),
    ({"until_at": START + timedelta(hours=1)}, RELATIONSHIP, True),
]


@pytest.mark.parametrize(("row", "purpose", "refused"), SUPPRESSED)
def test_suppression(shop, row, purpose, refused):
    """The list stops by channel, purpose and time; without a purpose it stops all but transactional messages."""
    here = shop(one_send(purpose=purpose))
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.put("suppressions", {"contact_id": 1, "reason": "opposed", "from_at": START - timedelta(days=1), **row})

    here.passes("hello")

    assert here.refusals() == ([(1, "hi", "suppressed", None)] if refused else [])
    assert [t[0] for t in here.touches()] == ([2] if refused else [1, 2])


def test_a_suppressed_address_follows_the_address(shop):
    """A row with an address stops whoever has it now, and not the contact that had it."""
    here = shop(one_send())
    here.contacts({"contact_id": 1, "email": "new@example.org"}, {"contact_id": 2, "email": "old@example.org"})
    key = here.rows("SELECT email_key FROM contacts WHERE contact_id = 2")[0][0]
    here.put("suppressions", {"contact_id": 1, "address_key": key, "channel": "email", "purpose": "all",
                               "reason": "bounced_hard", "from_at": START - timedelta(days=1)})

    here.passes("hello")

    assert [t[0] for t in here.touches()] == [1]
    assert here.refusals() == [(2, "hi", "suppressed", None)]


def test_the_global_holdout_gets_nothing_commercial(shop):
    """Whom the house holds out is written to by no commercial message, and by every other."""
    here = shop(one_send("post", COMMERCIAL, "offer"), one_send("post", RELATIONSHIP, "thanks"),
                policy='country = "FR"\nglobal_holdout = 0.3')
    here.contacts(*({"contact_id": n} for n in range(1, 41)))
    held = {n for n in range(1, 41) if in_share(GLOBAL_HOLDOUT, n, 0.3)}

    here.passes("offer")
    here.passes("thanks")

    assert held and {r[0] for r in here.refusals()} == held
    assert len(here.touches()) == 2 * 40 - len(held)


def test_one_message_an_address(shop):
    """Of several contacts with one address the first gets a step's message in a wave, whatever the slice."""
    here = shop(one_send(), slice_bits=4)
    here.contacts({"contact_id": 3, "email": "both@example.org"}, {"contact_id": 5, "email": "both@example.org"},
                  {"contact_id": 40, "email": "both@example.org"}, {"contact_id": 41})

    here.passes("hello")

    assert [t[0] for t in here.touches()] == [3, 41]
    assert here.refusals() == [(5, "hi", "same_address", None), (40, "hi", "same_address", None)]


def test_the_next_channel_is_tried(shop):
    """A Send by several channels falls back on the next one where the first has no address or no ground."""
    here = shop(one_send(("sms", "email", "post"), COMMERCIAL))
    here.contacts({"contact_id": 1}, {"contact_id": 2}, {"contact_id": 3, "phone": None}, {"contact_id": 4, "address_1": None})
    here.consent(1, "sms", "commercial", "granted")
    here.consent(3, "email", "commercial", "granted")

    here.passes("hello")

    assert here.touches() == [(1, "hi", "sms", 1, 1), (2, "hi", "post", 1, 3), (3, "hi", "email", 1, 2)]
    assert here.rows("SELECT contact_id, leg, reason FROM refusals ORDER BY ALL") == [
        (2, 1, "no_consent"), (2, 2, "no_consent"), (3, 1, "no_address"),
        (4, 1, "no_consent"), (4, 2, "no_consent"), (4, 3, "no_address")]


def test_the_gate_is_asked_again_at_send(shop):
    """Suppressed, withdrawn or gone between plan and send: the touch is not made, and the refusal says at which stage."""
    chain = Chain(name="hello", title="Hello", kind="loyalty", audience="everybody", exits={"complained": "complained"}, steps=[
        Send("hi", by="email", message="hi", purpose=RELATIONSHIP),
        WaitFor("answer", within=weeks(2), on={CLICKED: [Exit("clicked")]})])
    here = shop(chain, mail={"down": "network", "down_calls": 1})
    here.contacts(*({"contact_id": n} for n in range(1, 5)))
    here.passes("hello")
    here.put("suppressions", {"contact_id": 1, "channel": "email", "reason": "opposed", "from_at": START})
    here.consent(2, "email", "relationship", "withdrawn")

    here.warehouse.clock.advance(START + timedelta(hours=2))
    drain(here.wired, "mail", run="later")

    assert here.rows("SELECT contact_id, reason, stage FROM refusals ORDER BY ALL") == [
        (1, "suppressed", "send"), (2, "consent_withdrawn", "send")]
    assert here.rows("SELECT contact_id, outcome FROM receipts ORDER BY ALL") == [
        (1, "dropped"), (2, "dropped"), (3, "accepted"), (4, "accepted")]


def test_at_send_too_a_suppressed_address_follows_the_address(shop):
    """Between plan and send a row with an address stops whoever has it, and not the contact that it names."""
    here = shop(one_send(), mail={"down": "network", "down_calls": 1})
    here.contacts(*({"contact_id": n} for n in range(1, 4)))
    here.passes("hello")
    key = here.rows("SELECT email_key FROM contacts WHERE contact_id = 2")[0][0]
    stops = {"contact_id": 1, "address_key": key, "reason": "bounced_hard"}
    here.put("suppressions", {**stops, "channel": "email", "purpose": "all", "from_at": START})
    here.put("suppressions", {**stops, "contact_id": 3, "address_key": None, "channel": "sms", "from_at": START})

    here.warehouse.clock.advance(START + timedelta(hours=2))
    drain(here.wired, "mail", run="later")

    assert here.rows("SELECT contact_id, reason, value FROM refusals ORDER BY ALL") == [(2, "suppressed", "bounced_hard")]
    assert here.rows("SELECT contact_id, outcome FROM receipts ORDER BY ALL") == [
        (1, "accepted"), (2, "dropped"), (3, "accepted")]


def test_a_planned_touch_of_who_left_is_cancelled(shop):
    """An exit between plan and send cancels what is planned; whoever ends by the chain's own steps still gets it."""
    leaves = Chain(name="leaves", title="Leaves", kind="loyalty", audience="everybody", exits={"replied": "replied"}, steps=[
        Send("hi", by="email", message="hi", purpose=RELATIONSHIP), Delay(weeks(1)), Exit("done")])
    here = shop(leaves, mail={"down": "network", "down_calls": 1})
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.passes("leaves")
    here.warehouse.clock.advance(START + timedelta(hours=1))
    here.answer("replied", 1, "hi")

    here.passes("leaves", START + timedelta(hours=2))
    here.passes("leaves", START + timedelta(hours=4))
    drain(here.wired, "mail", run="later")

    assert here.places("leaves") == [(1, "exit:replied"), (2, "rest:exit:done")]
    assert here.rows("SELECT contact_id, outcome FROM receipts ORDER BY ALL") == [(1, "cancelled"), (2, "accepted")]
