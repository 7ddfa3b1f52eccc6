"""Attribution, the holdout and pressure: who is counted, in which window, once."""

from decimal import Decimal

import pytest

from warehouse.passing.literals import BOUGHT


def attributed(shop):
    return shop.rows("SELECT chain, step, channel, orders, attributed_revenue FROM attributed_revenue ORDER BY ALL")


def test_the_last_touch_takes_the_order(shop):
    """The whole order goes to the latest touch before it, of whatever chain."""
    first, other = shop.enrol(1), shop.enrol(1, wave=2, chain="loyalty")
    shop.touch(first, day=1)
    shop.touch(other, day=5, step="gift", channel="post", chain="loyalty")
    shop.order(1, 3, "10")
    shop.order(1, 6, "20", number="A", line="1")
    shop.order(1, 6, "20", number="A", line="2")

    assert attributed(shop) == [("loyalty", "gift", "post", 1, Decimal("40.0000")),
                                ("win_back", "hello", "email", 1, Decimal("10.0000"))]


@pytest.mark.parametrize(("day", "credited"), [(4.999, False), (5, True), (34.999, True), (35, False)])
def test_the_window_is_half_open(shop, day, credited):
    """A touch counts from its own instant until, but not with, thirty days later."""
    shop.touch(shop.enrol(1), day=5)
    shop.order(1, day, "10")

    assert bool(attributed(shop)) is credited


@pytest.mark.parametrize("outcome", ["rejected", "unknown", None])
def test_what_was_not_made_earns_nothing(shop, outcome):
    """Only touches that were made are credited; one that bounced is not."""
    shop.touch(shop.enrol(1), outcome)
    bounced = shop.enrol(2)
    shop.touch(bounced)
    shop.hear(bounced, "bounced_hard")
    for contact in (1, 2):
        shop.order(contact, 3, "10")

    assert attributed(shop) == []


def test_cancelled_orders_earn_nothing(shop):
    """An order cancelled by now is none; one cancelled later still counts."""
    shop.touch(shop.enrol(1))
    shop.order(1, 3, "10", cancelled=9)
    shop.order(1, 4, "20", cancelled=9999)

    assert attributed(shop) == [("win_back", "hello", "email", 1, Decimal("20.0000"))]


def test_touches_of_one_instant_share_nothing(shop):
    """Two touches at the same instant: one of them takes the order, whole, always the same."""
    shop.touch(shop.enrol(1), day=1)
    shop.touch(shop.enrol(1, wave=2, chain="loyalty"), day=1, step="gift", chain="loyalty")
    shop.order(1, 3, "10")

    assert attributed(shop) == [("loyalty", "gift", "email", 1, Decimal("10.0000"))]


def test_credit_adds_up_to_what_was_bought(new_shop):
    """Attributed revenue never exceeds revenue, however many touches overlap."""
    shop = new_shop()
    for contact in range(30):
        enrolment = shop.enrol(contact)
        for n in range(contact % 5):
            shop.touch(enrolment, day=7 * n, step=f"step{n}")
        shop.order(contact, 20, str(contact + 1))

    # contacts with one touch on day 0 or more are within thirty days of day 20
    assert shop.rows("SELECT sum(attributed_revenue) FROM attributed_revenue") == [
        (sum(Decimal(c + 1) for c in range(30) if c % 5),)]


def test_a_return_is_no_order(shop):
    """A line with a negative amount lessens the revenue, in the order's own window and arm; alone it is no order."""
    shop.wave(1)
    kept, returned = shop.enrol(1), shop.enrol(2)
    for enrolment in (kept, returned):
        shop.touch(enrolment)
    shop.order(1, 3, "20", number="A", line="1")
    shop.order(1, 3, "-5", number="A", line="2")
    shop.order(2, 4, "-8", number="B")

    assert shop.rows("SELECT contact_id, orders, revenue, goal FROM enrolment_outcomes ORDER BY ALL") == [
        (1, 1, Decimal("15.0000"), True), (2, 0, Decimal("-8.0000"), False)]
    assert attributed(shop) == [("win_back", "hello", "email", 1, Decimal("7.0000"))]
    assert arms(shop) == arms(shop, "holdout_totals") == [("treated", 2, 1, 1, Decimal("7.0000"), 289.0, 2.8)]


def test_figures_and_goals_agree_on_what_is_bought(shop):
    """The lines that count as bought are those that reach a goal or answer a wait."""
    for day, amount in enumerate(("5", "0", "-5")):
        shop.order(1, day, amount)
        shop.order(2, day, amount, cancelled=day)
    shop.add("orders", contact_id=3, order_id="unpriced")

    assert shop.rows("SELECT contact_id, order_id FROM order_lines WHERE bought ORDER BY ALL") == shop.rows(
        f"SELECT contact_id, order_id FROM orders WHERE {BOUGHT} ORDER BY ALL") == [
        (1, "1/0"), (1, "1/1"), (3, "unpriced")]


def arms(shop, name="holdout_outcomes"):
    return shop.rows(f"SELECT arm, contacts, buyers, orders, revenue, revenue_squares, margin FROM {name} ORDER BY arm")


def test_the_holdout_is_measured_like_the_treated(shop):
    """Both arms count from enrolment to the end of the window, also who bought nothing, whatever was sent."""
    shop.wave(1, within=10)
    shop.enrol(1, arm="holdout")
    for contact in (2, 3, 4):
        shop.enrol(contact)
    shop.order(1, 10, "5")
    shop.order(2, 0, "100")
    shop.order(2, 0.001, "10")
    shop.order(2, 9, "20")
    shop.order(3, 10.001, "100")
    shop.order(4, 3, "7", margin="1")

    assert arms(shop) == [("holdout", 1, 1, 1, Decimal("5.0000"), 25.0, 2.0),
                          ("treated", 3, 2, 3, Decimal("37.0000"), 949.0, 13.0)]


def test_without_a_margin_there_is_none(shop):
    """Neither a margin of the line nor a rate of the house: the margin is unknown, not zero."""
    shop.set(margin_rate=None)
    shop.wave(1)
    for contact in (1, 2):
        shop.enrol(contact, arm="treated" if contact == 1 else "holdout")
    shop.order(1, 3, "7")

    assert [(arm, margin) for arm, *_, margin in arms(shop)] == [("holdout", 0.0), ("treated", None)]


def test_a_wave_matures_with_its_window(shop):
    """A wave is mature once its window is over."""
    shop.wave(1, within=10)
    shop.wave(2, within=10, day=175)
    shop.enrol(1)
    shop.enrol(2, wave=2, day=175)

    assert shop.rows("SELECT wave, mature FROM holdout_outcomes ORDER BY wave") == [(1, True), (2, False)]


def test_chains_without_a_holdout_claim_nothing(shop):
    """No holdout, no row: there is nothing to compare with."""
    shop.wave(1, holdout=0)
    shop.enrol(1)

    assert arms(shop) == arms(shop, "holdout_totals") == []


def test_a_contact_counts_once_over_waves(shop):
    """Two enrolments of one contact with overlapping windows: one contact, each order once."""
    shop.wave(1, within=20)
    shop.wave(2, within=20, day=10)
    shop.enrol(1)
    shop.enrol(1, wave=2, day=10)
    shop.enrol(2, arm="holdout")
    shop.order(1, 15, "10")
    shop.order(1, 25, "20")

    assert arms(shop, "holdout_totals") == [("holdout", 1, 0, 0, Decimal("0.0000"), 0.0, 0.0),
                                            ("treated", 1, 1, 2, Decimal("30.0000"), 900.0, 12.0)]
    assert [row[4] for row in arms(shop)] == [Decimal(0), Decimal("10.0000"), Decimal("30.0000")]


def test_goals_that_are_no_purchase(shop):
    """A goal by response is reached by a response of its kind inside the window, by a person."""
    shop.wave(1, kind="clicked", within=10)
    ids = [shop.enrol(contact) for contact in (1, 2, 3)]
    for enrolment in ids:
        shop.touch(enrolment)
    shop.hear(ids[0], "clicked", day=2)
    shop.hear(ids[1], "clicked", day=2, machine=True)
    shop.hear(ids[2], "clicked", day=11)

    assert shop.rows("SELECT goals FROM holdout_outcomes") == [(1,)]


def test_pressure_is_of_all_contacts(shop):
    """The account holds everybody, weighs channels, and looks back from as_of alone."""
    shop.contact(*range(1, 11))
    ids = [shop.enrol(contact) for contact in (1, 2)]
    shop.touch(ids[0], day=175)
    shop.touch(ids[0], day=176, step="text", channel="sms")
    shop.touch(ids[1], day=160, step="call", channel="phone")
    shop.touch(ids[1], "rejected", day=176, step="letter", channel="post")

    assert shop.rows("SELECT * FROM pressure_distribution ORDER BY window_days") == [
        (7, 10, 1, 0, 0, 4, 4), (30, 10, 2, 0, 4, 8, 8), (365, 10, 2, 0, 4, 8, 8)]
    assert shop.rows("SELECT * FROM touch_counts WHERE window_days <= 30 ORDER BY ALL") == [
        (7, 0, 9), (7, 2, 1), (30, 0, 8), (30, 1, 1), (30, 2, 1)]
    assert shop.rows("SELECT DISTINCT sum(contacts) FROM touch_counts GROUP BY window_days") == [(10,)]


def test_the_schedule_of_a_chain(shop):
    """How many of the treated each step reached, and when."""
    ids = [shop.enrol(contact) for contact in (1, 2, 3, 4)]
    for enrolment in ids:
        shop.touch(enrolment, day=0)
    shop.touch(ids[0], day=7, step="text")
    shop.enrol(5, arm="holdout")

    assert shop.rows("SELECT * FROM step_schedule ORDER BY step") == [
        ("win_back", "hello", 0, 1.0), ("win_back", "text", 7 * 86400, 0.25)]
