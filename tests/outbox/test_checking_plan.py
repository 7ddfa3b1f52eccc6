"""A chain keeps its word: its offer still holds, its incentives are paid for, its answers can come in."""

from datetime import UTC, date, datetime

import pytest

from marketing.chain import (
    APPOINTMENT, CLICKED, COMMERCIAL, LETTER_RETURNED, REPLIED, Assign, Chain, Delay, Exit, GoTo, Send, WaitFor, days, months,
    weeks,
)
from marketing.graph import compile
from outbox.checking_plan import before, of_offers, sendings
from tests.outbox.conftest import HEAD, STOP, Words, one

HOURS = '[[hours]]\nchannel = "phone"\nweekdays = ["mon"]\nfrom = "10:00"\nto = "13:00"\n'


@pytest.mark.parametrize(("until", "rules"), [
    (date(2026, 3, 1), [("expired_offer", True)]), (date(2026, 3, 2), [("expired_offer", True)]), (date(2026, 3, 15), [("expired_offer", True)]),
    (date(2026, 3, 16), [("expired_offer", False)]), (date(2026, 3, 22), [("expired_offer", False)]), (date(2026, 3, 23), [])])
def test_an_offer_that_is_over(says, until, rules):
    """Against the days on which its message may leave: too late for all blocks, too late for some is a remark."""
    chain = Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", params=Words, steps=[
        Send("first", by="email", message="first", purpose=COMMERCIAL), WaitFor("heard", within=weeks(1), on={REPLIED: []}),
        Delay(weeks(2)), Send("hi", by="email", message="hi", purpose=COMMERCIAL)])
    shop = says(chain, {"first.email.j2": HEAD + STOP, "hi.email.j2": HEAD + STOP + "until {{ params.valid_until }}"})

    assert shop.rules({"valid_until": until}) == rules
    assert {f.step for f in shop.said({"valid_until": until}) if f.rule == "expired_offer"} <= {"hi"}


def test_a_past_date_that_nobody_reads_is_a_remark(says):
    """It may stand in a query: worth knowing, no reason to stop."""
    shop = says(one(), {"hi.email.j2": HEAD + STOP})

    assert shop.rules({"valid_until": date(2026, 3, 1)}) == [("expired_offer", False)] and shop.rules() == []


@pytest.mark.parametrize(("name", "value", "over"), [
    ("offer_ends", datetime(2026, 3, 2, 9, 59), True), ("offer_ends", datetime(2026, 3, 2, 10, 1), False),
    ("offer_ends", datetime(2026, 3, 2, 9, 1, tzinfo=UTC), False), ("offer_ends", "2026-03-01", True), ("offer_ends", "2026-03-02T09:30", True),
    ("code_expires", date(2026, 3, 1), True), ("deadline", date(2026, 3, 2), False), ("valid_until", "soon", False), ("valid_until", 3, False),
    ("since", date(2026, 3, 1), False), ("weekend", date(2026, 3, 1), False)])
def test_what_says_until_when_an_offer_holds(name, value, over):
    """By its name, and its value: a day holds until its end, a moment without a zone is the house's."""
    found = list(of_offers({name: value}, [], {}, datetime(2026, 3, 2, 9), "Europe/Paris"))

    assert [rule for _, rule, _, _ in found] == ["expired_offer"] * over


def test_first_and_last_sendings():
    """Delays add up, an answer may come at once or at the end of its wait, and going round again is left out."""
    graph = compile(Chain(name="c", title="c", kind="loyalty", audience="a", steps=[
        Send("one", by="email", message="m", purpose=COMMERCIAL), Delay(months(1)), Send("two", by="email", message="m", purpose=COMMERCIAL),
        WaitFor("w", within=days(10), on={CLICKED: [Send("fast", by="email", message="m", purpose=COMMERCIAL), GoTo("one", at_most=3)]},
                otherwise=[Delay(days(1)), Send("slow", by="email", message="m", purpose=COMMERCIAL)])]))

    assert sendings(graph, datetime(2026, 1, 5, 9), "Europe/Paris") == {
        "one": (datetime(2026, 1, 5, 9), datetime(2026, 1, 5, 9)), "two": (datetime(2026, 2, 5, 9), datetime(2026, 2, 5, 9)),
        "fast": (datetime(2026, 2, 5, 9), datetime(2026, 2, 15, 9)), "slow": (datetime(2026, 2, 16, 9), datetime(2026, 2, 16, 9))}


def test_incentives_stay_within_their_budget(says):
    """Cost times contacts above the budget blocks, and says how many could enter."""
    shop = says(one(), {"hi.email.j2": HEAD + STOP}, *({"contact_id": number} for number in range(1, 11)))

    assert shop.rules({"incentive_cost": 2.5, "incentive_budget": 25}) == []
    assert shop.rules({"incentive_cost": 2.5, "incentive_budget": 24}) == [("incentive_budget", True)]
    assert shop.said({"incentive_cost": 2.5, "incentive_budget": 24})[0].sentence == (
        "The incentives would cost 25.00 EUR (10 contacts × 2.50 EUR), above the incentive_budget of 24.00: raise it, or let at most 9 contacts enter.")


@pytest.mark.parametrize(("by", "on", "text", "rules"), [
    ("email", CLICKED, HEAD + STOP + '<a href="https://a.example">x</a>', []), ("email", CLICKED, HEAD + STOP, [("no_way_back", True)]),
    ("sms", CLICKED, "See https://a.example STOP", []), ("email", APPOINTMENT, HEAD + STOP, [("no_way_back", True)]),
    ("email", LETTER_RETURNED, HEAD + STOP, [("no_way_back", True)]), ("post", LETTER_RETURNED, "<p>x</p>", []),
    ("email", REPLIED, HEAD + STOP, []), ("email", REPLIED, HEAD.replace("hello@", "noreply@") + STOP, [("no_reply", True)]),
    ("post", REPLIED, "<p>x</p>", [("no_way_back", True)])])
def test_an_answer_that_is_waited_for_can_come_in(says, by, on, text, rules):
    """A click needs a link, an outcome a call, a reply a mailbox that is read."""
    chain = one(by, then=[WaitFor("heard", within=days(7), on={on: [Exit("heard")]})])

    assert says(chain, {f"hi.{by}.j2": text}).rules() == rules


def test_calls_have_hours_a_script_and_somebody_to_make_them(says):
    """A chain that calls without hours or a script blocks; without a rep or an outcome it is a remark."""
    bare = one("phone")
    whole = Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", steps=[
        Assign("give", to="rep_of"), Send("hi", by="phone", message="hi", purpose=COMMERCIAL),
        WaitFor("outcome", within=days(3), on={APPOINTMENT: [Exit("met")]})])

    assert says(bare, {"hi.phone.j2": "Say hello"}).rules() == [("no_hours", True), ("no_rep", False), ("no_outcome", False)]
    assert says(whole, {"hi.phone.j2": "Say hello, {{ rep }}"}, policy=f'country = "FR"\n{HOURS}').rules() == []
    assert says(whole, {"hi.phone.j2": " \n"}, policy=f'country = "FR"\n{HOURS}').rules() == [("empty_body", True)]


def test_a_wait_hears_the_sends_since_the_wait_before():
    """The Sends of all branches that lead to it, none from before another wait."""
    graph = compile(Chain(name="c", title="c", kind="loyalty", audience="a", steps=[
        Send("a", by="email", message="m", purpose=COMMERCIAL),
        WaitFor("w1", within=days(1), on={CLICKED: [Send("b", by="email", message="m", purpose=COMMERCIAL)]},
                otherwise=[Delay(days(1)), Send("c", by="sms", message="m", purpose=COMMERCIAL)]),
        Delay(days(1)), WaitFor("w2", within=days(1), on={CLICKED: [Exit("x")]})]))

    assert (before(graph, "w1"), before(graph, "w2")) == ({"a"}, {"b", "c"})
