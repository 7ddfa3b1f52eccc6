"""What a chain can cost at most, and how many contacts a run may therefore take in."""

import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from marketing.chain import CLICKED, COMMERCIAL, Chain, Exit, Goal, GoTo, PURCHASED, Send, WaitFor, days
from marketing.costing import dearest
from marketing.graph import ENTRY, compile
from marketing.options import RunOptions
from tests.random_chains import chains

COSTS = {"email": Decimal("0.01"), "sms": Decimal("0.05"), "post": Decimal("0.7"), "phone": Decimal(3), "voice": Decimal("0.2"),
         "feed": Decimal(0)}


def send(name, by):
    return Send(name, by=by, message=name, purpose=COMMERCIAL)


def chain_of(*steps, **more):
    return compile(Chain(name="c", title="C", kind="loyalty", audience="a", steps=list(steps), **more))


def test_dearest_branch():
    """Of the branches only one is taken, of the channels of a Send only one is made."""
    graph = chain_of(send("ask", "email"), WaitFor("answer", days(7), {CLICKED: [send("more", ("sms", "email"))]},
                                                   otherwise=[send("letter", "post"), Exit("done")]))

    assert dearest(graph, COSTS) == Decimal("0.71")


def test_visits_count():
    """What a GoTo leads back to is counted as often as it may be visited."""
    graph = chain_of(send("ask", "sms"), WaitFor("answer", days(7), {CLICKED: []}, otherwise=[GoTo("ask", at_most=3)]))

    assert dearest(graph, COSTS) == Decimal("0.15")


def test_held_out_cost_nothing():
    assert dearest(chain_of(WaitFor("look", days(7), {CLICKED: []}), goal=Goal(PURCHASED, within=days(9)), holdout=0.5), COSTS) == 0


@given(chains(), st.randoms(use_true_random=False))
def test_no_way_is_dearer(chain, chance: random.Random):
    """Whatever way a contact takes through a chain, its touches cost no more."""
    graph = compile(chain)
    most, spent, visits = dearest(graph, COSTS), Decimal(0), {}
    here = chance.choice(graph.out(ENTRY)).to
    for _ in range(200):
        visits[here] = visits.get(here, 0) + 1
        channels = graph.step(here).channels
        spent += COSTS[chance.choice(channels)] if channels else 0
        open_ = [edge for edge in graph.out(here) if edge.max is None or visits.get(edge.to, 0) < edge.max]
        if not open_:
            break
        here = chance.choice(open_).to

    assert spent <= most


def test_room():
    """The lesser of what was asked and what the budget pays for."""
    graph = chain_of(send("letter", "post"))

    assert RunOptions().room(graph, COSTS) is None
    assert RunOptions(budget=7).room(graph, COSTS) == 10
    assert RunOptions(budget="6.99").room(graph, COSTS) == 9
    assert RunOptions(budget=7, at_most=4).room(graph, COSTS) == 4
    assert RunOptions(budget=0).room(chain_of(send("feed", "feed")), COSTS) is None


def test_a_long_way():
    """With many visits the way is longer than calls may stand within one another, and is counted all the same."""
    steps = [step for n in range(8) for step in (
        send(f"ask_{n}", "email"), WaitFor(f"answer_{n}", days(1), {CLICKED: [GoTo("ask_0", at_most=60)]}, otherwise=[]))]

    assert dearest(chain_of(*steps), COSTS) == Decimal("4.80")
