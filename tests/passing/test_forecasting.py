"""A rehearsal up to a horizon: the live rules on a branch, answers drawn at the rates assumed, and no trace of it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from connectors.memory import recorded
from flows.forecasting import forecast
from flows.rehearsal import asked_for
from marketing.chain import CLICKED, COMMERCIAL, PURCHASED, Chain, Exit, Goal, Send, WaitFor, days, weeks
from marketing.options import RunOptions
from tests.houses import FEW
from tests.passing.shop import START, one_send
from warehouse import schema

PEOPLE = 400
CHAIN = Chain(
    name="win_back", title="Win back", kind="loyalty", audience="everybody", goal=Goal(PURCHASED, within=weeks(6), ends=False),
    holdout=0.1, exits={"complained": "complained"}, steps=[
        Send("hello", by="email", message="hello", purpose=COMMERCIAL),
        WaitFor("answer", within=days(7), on={CLICKED: [Send("call", by="phone", message="call", purpose=COMMERCIAL)]},
                otherwise=[Send("text", by="sms", message="text", purpose=COMMERCIAL)])])
#: Nobody complains, bounces or leaves, so that what is told can be counted by hand.
QUIET = {"unsubscribed": 0, "complained": 0, "bounced_hard": 0}


@pytest.fixture
def here(shop):
    return peopled(shop(CHAIN, one_send()))


def peopled(here, first: int = 1, last: int = PEOPLE, phone=lambda n: f"+3361{n:07d}"):
    """Contacts who have agreed to everything."""
    here.contacts(*({"contact_id": n, "phone": phone(n)} for n in range(first, last + 1)))
    here.put("consents", *({"contact_id": n, "channel": channel, "purpose": "commercial", "status": "granted", "happened_at": START}
                           for n in range(first, last + 1) for channel in ("email", "sms", "phone")))
    return here


def told(here, **more):
    return forecast(here.wired, "win_back", run="r", **{"rates": {**QUIET, "clicked": 0.25}, "until": START + timedelta(days=8), **more})


def by_step(found) -> dict[str, int]:
    return {one.step: round(one.touches.value) for one in found.touches}


def ledger_of(here) -> dict[str, list]:
    """All that the ledger of the house holds; who reads is no part of it."""
    with here.warehouse.ledger.read() as tx:
        return {table.name: sorted(map(str, tx.execute(sa.select(table)).all()))
                for table in schema.metadata.sorted_tables if table.name != "snapshot"}


def test_nothing_of_it_is_true(here):
    """The ledger, its numbers, the parts, the connectors and the clock are as before; of a kept run one row stays."""
    asked_for(here.wired, "win_back", CHAIN.params(), RunOptions(rehearse=True), run="first")  # the house's files are noticed
    before, files = ledger_of(here), sorted((here.warehouse.home / "parts").rglob("*"))
    found = told(here)

    assert found.whole.value > PEOPLE
    assert ledger_of(here) == before
    assert sorted((here.warehouse.home / "parts").rglob("*")) == files
    assert not list((here.warehouse.home / "branches").iterdir())
    assert [recorded(name) for name in here.connectors] == [[], [], [], []]
    asked_for(here.wired, "win_back", CHAIN.params(), RunOptions(rehearse=True, rehearse_weeks=3), run="kept")
    after = ledger_of(here)
    assert {name for name in after if after[name] != before[name]} == {"run"} and len(after["run"]) == len(before["run"]) + 1


def test_answers_move_people(shop):
    """Who clicks is called the day after, the others get a text when their week is over; nobody is lost, held out ones apart,
    in whatever slices the base lies."""
    here = peopled(shop(CHAIN, slice_bits=8))
    found = told(here)
    steps, treated = by_step(found), found.enrolled - found.held_out

    assert (found.audience, found.enrolled) == (PEOPLE, PEOPLE) and 20 <= found.held_out <= 60
    assert steps["hello"] == treated == steps["call"] + steps["text"]
    assert 0.15 * treated < steps["call"] < 0.33 * treated
    assert {one.day for one in found.days if one.channel == "phone"} <= {(START + timedelta(days=n)).date() for n in range(1, 9)}
    assert {one.day for one in found.days if one.channel == "sms"} == {(START + timedelta(days=7)).date()}
    assert sum(many for from_, on, _, many in found.edges if (from_, on) == ("answer", CLICKED)) == steps["call"]
    assert found.cost.value == pytest.approx(0.01 * steps["hello"] + 3 * steps["call"] + 0.05 * steps["text"])
    assert [one.touches for one in found.touches if one.step == "hello"][0].low == treated


def test_nobody_and_everybody_answers(here):
    """At a share of nought all take the other way; at one nobody does, but for those who answer after a week."""
    assert "call" not in by_step(told(here, rates={**QUIET, "clicked": 0}))
    assert by_step(told(here, rates={**QUIET, "hello.clicked": 1}))["text"] < 0.2 * PEOPLE


def test_the_same_again(here):
    """The same house foretells the same: answers are drawn by a stable hash."""
    first, second = (told(here, until=START + timedelta(days=3)) for _ in range(2))

    assert first.to_json() == second.to_json()


def test_beside_a_live_pass(here):
    """A live pass that is made while a rehearsal goes on is not disturbed by it, nor seen by it."""
    alone, horizon, live = told(here, until=START + timedelta(days=3)), START + timedelta(days=3), []

    def meanwhile(*_told) -> None:
        if not live:
            live.append(here.passes("hello"))

    beside = told(here, until=horizon, progress=meanwhile)
    assert (live[0].entered, sum(live[0].sent.values())) == (PEOPLE, PEOPLE)
    assert beside.to_json() == alone.to_json()


def test_a_horizon(here):
    """What lies beyond it is not told: who still waits stands where it waits."""
    found = told(here, until=START + timedelta(days=3))

    assert set(by_step(found)) == {"hello", "call"}
    assert found.standing["answer"] == found.enrolled - found.held_out - by_step(found)["call"]
    assert found.standing["holdout"] == found.held_out
    assert found.reached <= START + timedelta(days=3)


def test_one_pass(here):
    """A horizon of this moment is one pass: who would enter, what would be planned, and nobody's answer."""
    found = told(here, until=START)

    assert (found.passes, list(by_step(found)), found.answers) == (1, ["hello"], [])
    assert found.enrolled == PEOPLE and found.cost.value == pytest.approx(0.01 * (PEOPLE - found.held_out))


def test_the_rules_are_the_live_ones(shop):
    """Caps, refusals and what was sent before count in a rehearsal as in a pass; a withdrawal that is drawn ends the writing."""
    here = shop(CHAIN, policy='country = "FR"' + FEW.format(at_most=1, within_days=30))
    peopled(here, phone=lambda n: None if n % 2 else f"+3361{n:07d}")
    capped = told(here, until=START + timedelta(days=15))
    reasons = {reason for _, reason, _ in capped.refused}

    assert set(by_step(capped)) == {"hello"} and reasons == {"no_address", "stale"}


def test_a_withdrawal_that_is_drawn(here):
    """Who complains leaves by the exit that the chain has for it, and gets nothing more."""
    found = told(here, rates={**QUIET, "clicked": 0, "hello.complained": 0.5})

    assert by_step(found)["text"] < 0.75 * by_step(found)["hello"]
    assert sum(many for _, _, to, many in found.edges if to == "exit:complained") > 0.3 * by_step(found)["hello"]


def test_in_the_chain_already(here):
    """Who is in the chain goes on in the rehearsal, and may still answer; they are told apart from those who would enter."""
    here.passes("win_back", params=None)
    here.warehouse.clock.advance(START + timedelta(days=1))
    found = told(here, until=START + timedelta(days=9))

    assert (found.inside, found.enrolled) == (PEOPLE, 0)
    assert set(by_step(found)) == {"call", "text"}


def test_a_chain_that_waits(here):
    """A paused chain foretells nothing, and says why."""
    from warehouse.pausing import pause

    pause(here.warehouse.ledger, "win_back", now=START, by="anne")
    found = told(here)

    assert found.waits_for.startswith("paused since") and found.touches == []


def test_past_waves_are_the_rates(here):
    """What past waves were answered is what a rehearsal assumes, with how many it was counted over; younger touches say nothing."""
    here.passes("win_back", params=None)
    for contact in [row[0] for row in here.touches()[:60]]:
        here.answer(CLICKED, contact, "hello")
    for number, contact in enumerate([row[0] for row in here.touches()[:30]]):
        here.order(contact, START + timedelta(days=3), f"o{number}")
    here.passes("win_back", START + timedelta(days=1))
    here.warehouse.clock.advance(START + timedelta(days=60))
    peopled(here, PEOPLE + 1, PEOPLE + 40)
    ahead = forecast(here.wired, "win_back", until=START + timedelta(days=61), run="r")
    found = {(one.step, one.kind): one for one in ahead.answers}
    made = here.rows("SELECT count(*) FROM touches WHERE step = 'hello'")[0][0]

    assert (found["hello", CLICKED].share, found["hello", CLICKED].of) == (60 / made, made)
    assert found["hello", CLICKED].source == "past waves of this step"
    assert (found["treated", PURCHASED].share, found["treated", PURCHASED].of) == (30 / made, made)


def test_purchases_end_an_enrolment(shop):
    """Where the goal ends the enrolment, purchases that are drawn end it, in both arms, at the share assumed for each."""
    chain = Chain(name="win_back", title="Win back", kind="loyalty", audience="everybody", holdout=0.3,
                  goal=Goal(PURCHASED, within=weeks(6), then=[Exit("bought")]), steps=CHAIN.steps)
    found = told(peopled(shop(chain)), rates={**QUIET, "purchased": 0.5, "holdout.purchased": 0})
    bought = {(from_ == "holdout"): 0 for from_ in ("holdout", "answer")}
    for from_, _, to, many in found.edges:
        if to == "exit:bought":
            bought[from_ == "holdout"] += many

    assert bought[True] == 0 and bought[False] > 0
    assert found.sight is None  # nobody of the untreated buys: there is nothing to compare with
