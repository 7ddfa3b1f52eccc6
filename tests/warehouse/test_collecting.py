"""Collecting: each response finds its contact, closes what it closes, or is set aside with its reason."""

from datetime import timedelta

import sqlalchemy as sa

from marketing.addresses import address_key
from marketing.responses import BOUNCED_HARD, CLICKED, COMPLAINED, DELIVERED, PURCHASED, REPLIED, UNSUBSCRIBED
from marketing.touch import enrolment, seal
from tests.warehouse.made import (
    CONSENTS,
    NOW,
    RECEIVED,
    SUPPRESSIONS,
    held,
    list_contacts,
    plan,
    post,
    response,
    rows,
    run,
)
from warehouse import schema
from warehouse.collecting import Counts
from warehouse.inbox import Inbox


def test_a_keyed_response_finds_its_touch(wh):
    """The key alone says contact, enrolment, step, visit and leg."""
    first, second = plan(wh, 7, "hello", "email", "commercial"), plan(wh, 2_000, "offer", "sms", "commercial", visit=2)
    post(wh, response("a", key=first), response("b", DELIVERED, key=second))

    assert run(wh) == Counts(received=2, listed=2)
    assert rows(wh, RECEIVED) == [
        (7, enrolment(3, 7), "hello", 1, 1, "clicked", "door:a"),
        (2_000, enrolment(3, 2_000), "offer", 2, 1, "delivered", "door:b"),
    ]
    with wh.ledger.read() as tx:
        parts = tx.execute(sa.select(schema.part.c.slice, schema.part.c.lo_at, schema.part.c.hi_at)
                           .where(schema.part.c.tbl == "responses").order_by(schema.part.c.slice)).all()
    then = NOW - timedelta(hours=1)
    assert parts == [(0, then, then), (1, then, then)]


def test_a_response_without_key_is_placed_by_number_or_address(wh):
    """A known number counts; an address is recognised in any spelling; the first of its holders gets the response."""
    list_contacts(wh, (5, "ann@example.org", "+33612345678"), (9, "ann@example.org", None), (1_500, None, "+33698765432"))
    post(wh,
         response("a", PURCHASED, contact_id=1_500), response("b", REPLIED, address=" Ann@Example.org "),
         response("c", REPLIED, address="06 98 76 54 32"), response("d", REPLIED, contact_id=77, address="0612345678"))

    assert run(wh) == Counts(received=4, listed=4)
    assert [(row[0], row[-1]) for row in rows(wh, RECEIVED)] == [
        (1_500, "door:a"), (5, "door:b"), (1_500, "door:c"), (5, "door:d")]


def test_what_cannot_be_placed_is_held_with_its_reason(wh):
    """A forged key, an unknown contact, kind or payload is a line of home/held, and the rest goes on."""
    good = plan(wh, 7, "hello", "email", "commercial")
    post(wh,
         response("forged", key=seal(b"another house", enrolment(3, 7), 1, 1, 1)), response("good", key=good),
         response("kind", kind="teleported", contact_id=1), response("keyless", CLICKED, contact_id=1),
         response("nobody", REPLIED), response("number", REPLIED, contact_id=4_000),
         response("address", REPLIED, address="who@example.org"), response("odd", REPLIED, address="???"))
    box = Inbox(wh)
    box.put("door", "garbage", b"\xff{", NOW)
    box.close()

    assert run(wh) == Counts(received=9, listed=1, held=8)
    reasons = dict(held(wh))
    assert {dedup.removeprefix("door:"): reason.split(";")[0] for dedup, reason in reasons.items()} == {
        "forged": "forged key", "kind": "unknown kind", "keyless": "clicked comes without the key of a touch",
        "nobody": "neither key, contact_id nor address",
        "number": "no contact has this number, and no readable address is given",
        "address": "no contact has this address",
        "odd": "no contact has this number, and no readable address is given",
        "garbage": "the payload is not JSON in UTF-8",
    }
    assert Inbox(wh).size() == 0


def test_what_answers_no_touch_is_counted_and_nobody_s(wh):
    """Whoever clicks, unsubscribes or bounces in a preview, a proof or a seed's copy changes nothing of anybody, even
    where the address is a contact's."""
    list_contacts(wh, (5, "ann@example.org", None))
    post(wh, response("a", CLICKED, key="proof-1"), response("b", UNSUBSCRIBED, key="seed-3-1-2", address="ann@example.org"),
         response("c", BOUNCED_HARD, key="seed-3-1-2", address="ann@example.org"), response("d", UNSUBSCRIBED, key="preview-only"))

    assert run(wh) == Counts(received=4, apart=4)
    assert (rows(wh, RECEIVED), rows(wh, CONSENTS), rows(wh, SUPPRESSIONS), held(wh)) == ([], [], [], [])
    assert Inbox(wh).size() == 0


def test_an_unsubscription_withdraws_the_consent_of_its_touch(wh):
    """With a key, the purpose and channel of the touch, even where a step has two legs on two channels."""
    mail = plan(wh, 7, "hello", "email", "relationship")
    plan(wh, 8, "hello", "email", "relationship")
    text = plan(wh, 8, "hello", "sms", "relationship", leg=2)
    post(wh, response("a", UNSUBSCRIBED, key=mail), response("b", COMPLAINED, key=text))

    assert run(wh) == Counts(received=2, listed=2, withdrawn=2)
    assert rows(wh, CONSENTS) == [(7, "email", "relationship", "withdrawn"), (8, "sms", "relationship", "withdrawn")]


def test_an_unsubscription_by_address_holds_for_all_who_have_it(wh):
    """Without a key it closes commercial and relationship on the address's channels, for each of its holders."""
    list_contacts(wh, (5, "ann@example.org", None), (1_500, "ann@example.org", None), (6, "bob@example.org", None))
    post(wh, response("a", UNSUBSCRIBED, address="ann@example.org"),
         response("b", UNSUBSCRIBED, contact_id=6, meta={"channel": "sms", "purpose": "commercial"}))

    assert run(wh) == Counts(received=2, listed=2, withdrawn=5)
    assert rows(wh, CONSENTS) == [
        (5, "email", "commercial", "withdrawn"), (5, "email", "relationship", "withdrawn"),
        (6, "sms", "commercial", "withdrawn"),
        (1_500, "email", "commercial", "withdrawn"), (1_500, "email", "relationship", "withdrawn"),
    ]


def test_an_unsubscription_from_an_unknown_address_closes_the_address(wh):
    """Nobody has it today, somebody may be loaded with it tomorrow: the address itself is suppressed, the line held."""
    list_contacts(wh, (5, "ann@example.org", None))
    post(wh, response("a", UNSUBSCRIBED, address="who@example.org"))

    assert run(wh) == Counts(received=1, held=1, suppressed=1)
    assert rows(wh, SUPPRESSIONS) == [(None, address_key(wh.key, "who@example.org"), "email", None, "unsubscribed")]


def test_a_hard_bounce_suppresses_the_address(wh):
    """The address that bounced is closed on that channel for everything, for all who hold it."""
    list_contacts(wh, (7, "ann@example.org", "+33612345678"), (1_500, "ann@example.org", None), (9, "old@example.org", None))
    mail, text = plan(wh, 7, "hello", "email", "commercial"), plan(wh, 7, "text", "sms", "commercial")
    moved, letter = plan(wh, 9, "hello", "email", "commercial"), plan(wh, 9, "letter", "post", "commercial")
    post(wh, response("a", BOUNCED_HARD, key=mail), response("b", BOUNCED_HARD, key=text),
         response("c", BOUNCED_HARD, key=moved, address="older@example.org"), response("d", BOUNCED_HARD, key=letter))

    assert run(wh) == Counts(received=4, listed=4, suppressed=5)
    key = lambda text: address_key(wh.key, text)  # noqa: E731
    assert sorted(rows(wh, SUPPRESSIONS), key=str) == sorted([
        (7, key("ann@example.org"), "email", "all", "bounced_hard"),
        (1_500, key("ann@example.org"), "email", "all", "bounced_hard"),
        (7, key("+33612345678"), "sms", "all", "bounced_hard"),
        (9, key("older@example.org"), "email", "all", "bounced_hard"),
        (9, None, "post", "all", "bounced_hard"),
    ], key=str)
