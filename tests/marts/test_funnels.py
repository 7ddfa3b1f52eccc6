"""The funnels: each row what it says, and every identity that a reader would check."""

from decimal import Decimal
from pathlib import Path

import pytest

from warehouse.marts import MARTS, grain


def test_every_file_opens_with_its_grain(shop):
    """Each mart is a view whose comment is the first line of its file: one row per what."""
    comments = dict(shop.rows("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))

    assert set(comments) == set(MARTS)
    assert all(comment.startswith("One row per ") for comment in comments.values())
    with pytest.raises(KeyError, match="no mart 'sales'; there are touch_facts"):
        grain("sales")


def test_every_mart_is_explained():
    """The page on figures names each mart that it can be read from."""
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")

    assert [name for name in MARTS if f"`{name}`" not in page] == []


@pytest.fixture
def busy(shop):
    """Ten contacts: one held out, nine treated, one touch in each state there is."""
    shop.contact(*range(1, 13))
    shop.wave(1)
    shop.enrol(1, arm="holdout")
    ids = {contact: shop.enrol(contact) for contact in range(2, 11)}
    for contact, outcome in zip(range(2, 10), ("accepted", "duplicate", "accepted", "accepted", "accepted", "unknown",
                                               "rejected", None), strict=True):
        shop.touch(ids[contact], outcome)
    shop.refuse(ids[10], "no_consent", "consent")
    shop.refuse(ids[9], "hours", "hours", until=2)
    shop.refuse(ids[8], "suppressed", "suppression", stage="send")
    shop.hear(ids[2], "delivered")
    shop.hear(ids[2], "clicked")
    shop.hear(ids[2], "opened", machine=True)
    shop.hear(ids[3], "bounced_hard")
    shop.hear(ids[4], "bounced_soft")
    shop.hear(ids[4], "delivered")
    shop.hear(ids[5], "clicked", machine=True)
    shop.hear(ids[5], "unsubscribed")
    shop.move(ids[2], "hello", "goal", "goal", 2, 3)
    shop.move(ids[10], "hello", "exit:not_reached", "not_sent", 2, 3)
    shop.order(2, 3, "30")
    shop.order(1, 3, "30")
    return shop


def test_step_funnel(busy):
    """Touches from plan to response; machines and bounces respond nothing."""
    assert busy.rows("SELECT * FROM step_funnel") == [
        ("run1", "win_back", 1, 1, "hello", "email", 8, 1, 1, 1, 5, 1, 3, 1, 1, 1, 1, 0, Decimal("0.3000"))]


def test_chain_funnel(busy):
    """Contacts from entry to goal; the holdout's goal is not the chain's."""
    found = busy.sql("SELECT * EXCLUDE closes_at FROM chain_funnel").to_pylist()

    assert found == [{
        "run": "run1", "chain": "win_back", "version": 1, "wave": 1, "enrolled": 10, "treated": 9, "held_out": 1,
        "active": 8, "ended": 2, "left_by_goal": 1, "reached": 5, "responded": 1, "goal": 1, "planned": 8, "sent": 5,
        "dropped": 2, "deferred": 1, "cost": Decimal("0.3000")}]


def test_identities(busy):
    """What a reader would add up adds up, row by row and between the marts."""
    assert busy.rows("""
        SELECT bool_and(planned = pending + not_made + unknown + sent), bool_and(sent = bounced + delivered + unconfirmed),
               bool_and(responded <= sent), bool_and(clicked <= responded) FROM step_funnel""") == [(True,) * 4]
    assert busy.rows("""
        SELECT bool_and(enrolled = treated + held_out), bool_and(enrolled = active + ended), bool_and(reached <= treated),
               bool_and(goal <= treated), bool_and(responded <= reached) FROM chain_funnel""") == [(True,) * 5]
    assert busy.rows("""
        SELECT (SELECT sum(planned) FROM step_funnel) = (SELECT sum(planned) FROM chain_funnel),
               (SELECT sum(sent) FROM step_funnel) = (SELECT sum(sent) FROM run_funnel),
               (SELECT sum(cost) FROM step_funnel) = (SELECT sum(cost) FROM channel_costs),
               (SELECT sum(refusals) FROM refusals_by_reason) = (SELECT sum(dropped + deferred) FROM chain_funnel),
               (SELECT sum(contacts) FROM enrolments_by_step) = (SELECT sum(enrolled) FROM chain_funnel)
        """) == [(True,) * 5]


def test_run_funnel(busy):
    """What one run did, in one row."""
    assert busy.sql("SELECT * FROM run_funnel").to_pylist() == [{
        "run": "run1", "chain": "win_back", "enrolled": 10, "held_out": 1, "moved": 12, "planned": 8, "sent": 5,
        "dropped": 2, "deferred": 1, "cost": Decimal("0.3000")}]


def test_refusals_by_reason(busy):
    """Refusals at plan and at send, dropped or deferred, each with its rule."""
    assert busy.rows("SELECT stage, reason, rule, refusals, dropped, deferred, contacts FROM refusals_by_reason "
                     "ORDER BY ALL") == [("plan", "hours", "hours", 1, 0, 1, 1),
                                         ("plan", "no_consent", "consent", 1, 1, 0, 1),
                                         ("send", "suppressed", "suppression", 1, 1, 0, 1)]


def test_responses_by_step(busy):
    """Every kind with its count, machines apart."""
    assert busy.rows("SELECT kind, machine, responses, contacts FROM responses_by_step ORDER BY ALL") == [
        ("bounced_hard", False, 1, 1), ("bounced_soft", False, 1, 1), ("clicked", False, 1, 1), ("clicked", True, 1, 1),
        ("delivered", False, 2, 2), ("opened", True, 1, 1), ("unsubscribed", False, 1, 1)]


def test_where_contacts_stand(busy):
    """Each enrolment stands at one step or came to one end."""
    assert busy.rows("SELECT arm, step, reason, ended, contacts FROM enrolments_by_step ORDER BY ALL") == [
        ("holdout", "holdout", "held_out", False, 1), ("treated", "exit:not_reached", "not_sent", True, 1),
        ("treated", "goal", "goal", True, 1), ("treated", "hello", "entered", False, 7)]
    assert busy.rows("SELECT from_step, reason, to_step, moves, contacts FROM moves_by_edge ORDER BY ALL") == [
        ("", "entered", "hello", 9, 9), ("", "held_out", "holdout", 1, 1), ("hello", "goal", "goal", 1, 1),
        ("hello", "not_sent", "exit:not_reached", 1, 1)]


def test_a_later_receipt_settles_the_touch(shop):
    """An unknown touch that a later receipt calls accepted was made, and is paid for once."""
    enrolment = shop.enrol(1)
    shop.touch(enrolment, "unknown")
    shop.add("receipts", chain="win_back", wave=1, enrolment_id=enrolment, contact_id=1, step="hello", visit=1, leg=1,
             outcome="accepted", cost=Decimal("0.07"), units=1, settled_at=shop.rows("SELECT TIMESTAMP '1998-01-05'")[0][0])

    assert shop.rows("SELECT state, cost FROM touch_facts") == [("made", Decimal("0.0700"))]


def test_costs_by_channel(shop):
    """What was made or may have been made is paid for; nothing paid gives no cost each, not zero."""
    first, second = shop.enrol(1), shop.enrol(2)
    shop.touch(first, "accepted", cost="0.05")
    shop.touch(second, "unknown", cost="0.05")
    shop.touch(first, "accepted", step="letter", channel="post", cost="0.75")
    shop.touch(second, "rejected", step="call", channel="phone", cost="3.50")

    assert shop.rows("SELECT channel, touches, units, cost, cost_each FROM channel_costs ORDER BY channel") == [
        ("email", 2, 2, Decimal("0.1000"), 0.05), ("phone", 0, 0, Decimal("0.0000"), None),
        ("post", 1, 1, Decimal("0.7500"), 0.75)]


def test_marts_of_nothing(shop):
    """Over empty tables every mart is empty, save the windows that ask for contacts, and none fails."""
    counts = {name: shop.rows(f"SELECT count(*) FROM {name}")[0][0] for name in MARTS}

    assert set(counts.values()) == {0}
