"""The rates that a rehearsal assumes: given before past, own past before others', and an assumption is called so."""

import pytest

from marketing.chain import CLICKED, COMMERCIAL, PURCHASED, REPLIED, Chain, Goal, Send, WaitFor, days, weeks
from marketing.graph import compile
from marketing.rates import ENOUGH, POINTS, SHARES, TREATED, Past, RatesError, assumed, moving, read_rates
from marketing.responses import CALL_OUTCOMES

GRAPH = compile(Chain(
    name="win_back", title="Win back", kind="loyalty", audience="lapsed_buyers", goal=Goal(PURCHASED, within=weeks(6)), holdout=0.1,
    exits={"complained": "complained"},
    steps=[Send("hello", by="email", message="hello", purpose=COMMERCIAL),
           WaitFor("answer", within=days(7), on={
               CLICKED: [Send("call", by="phone", message="call", purpose=COMMERCIAL)], REPLIED: []})]))
NOTHING = Past()
DELAYS = tuple(float(n) for n in range(POINTS + 1))


def share(kind: str, past: Past = NOTHING, given=None, step: str = "hello", channel: str = "email"):
    found = {one.kind: one for one in assumed(GRAPH, past, given).of(step, channel)}[kind]
    return found.share, found.of, found.source


def test_what_moves():
    """Branches of waits, exits and a goal that ends move somebody; silence and what was not sent are no answers."""
    assert moving(GRAPH) == {CLICKED, REPLIED, "complained", PURCHASED}


def test_an_assumption_is_called_so():
    """Where nothing was counted or given the channel's assumption holds; of what no channel has, nobody answers."""
    assert share(CLICKED) == (SHARES["email"][CLICKED], None, "assumption")
    assert share(REPLIED) == (0.0, None, "assumption")


def test_own_past_comes_first():
    """A step's own past counts, of kinds never seen too; with too few touches that of the channel's other steps does."""
    others = {("news", "edition", "email"): 900}
    clicked = {("win_back", "hello", "email", CLICKED): (30, DELAYS), ("news", "edition", "email", CLICKED): (9, DELAYS)}
    own = Past({("win_back", "hello", "email"): 600, **others}, clicked)
    few = Past({("win_back", "hello", "email"): ENOUGH - 1, **others}, clicked)

    assert share(CLICKED, own) == (0.05, 600, "past waves of this step")
    assert share("unsubscribed", own) == (0.0, 600, "past waves of this step")
    assert share(CLICKED, few) == (39 / 999, 999, "past touches of this channel")


def test_what_is_given_counts_most():
    """Of several that fit, the step's rate, then the channel's, then the kind's own on channels where it is usual."""
    given = read_rates([("click", "0.1"), ("phone.appointment", 0.2), ("hello.replied", 0.3)], GRAPH)

    assert share(CLICKED, given=given) == (0.1, None, "given")
    assert share(REPLIED, given=given) == (0.3, None, "given")
    assert share("appointment", given=given, step="call", channel="phone") == (0.2, None, "given")
    assert share(REPLIED, given=given, step="call", channel="phone") == (0.0, None, "assumption")


def test_buyers():
    """Purchases are those of past waves by arm, else one assumption for both, which claims no effect; or what was given."""
    counted = Past(bought={("win_back", TREATED): (60, 1000, DELAYS), ("win_back", "holdout"): (4, 99, DELAYS)})
    found = assumed(GRAPH, counted).bought
    given = assumed(GRAPH, counted, read_rates([("holdout.purchased", 0.02)], GRAPH)).bought

    assert (found[TREATED].share, found[TREATED].of, found[TREATED].delays) == (0.06, 1000, DELAYS)
    assert (found["holdout"].share, found["holdout"].source) == (0.05, "assumption")
    assert (given["holdout"].share, given["holdout"].source) == (0.02, "given")


def test_delays_run_forward():
    """Every answer has delays from the first to the last, none before arrival, none before the one before it."""
    for one in assumed(GRAPH, Past()).answers:
        assert len(one.delays) == POINTS + 1 and one.delays[0] >= 0
        assert list(one.delays) == sorted(one.delays)


@pytest.mark.parametrize(("name", "value", "told"), [
    ("clocked", 0.1, "accepted: KIND, STEP.KIND or CHANNEL.KIND"), ("goodbye.clicked", 0.1, "steps of win_back: hello, call"),
    ("clicked", 1.5, "accepted: a share from 0 to 1"), ("clicked", "many", "accepted: a share from 0 to 1"),
])
def test_rates_nobody_can_mean(name, value, told):
    """A kind, step or share that there is not is an error that says what is accepted."""
    with pytest.raises(RatesError, match=told.split(":")[0]) as error:
        read_rates([(name, value)], GRAPH)

    assert told in str(error.value)


def test_a_call_has_one_outcome():
    """Outcomes of a call add up to one at most: those not given make room for those that are, which cannot be more."""
    found = assumed(GRAPH, Past(), read_rates([("appointment", 0.9)], GRAPH)).of("call", "phone")

    assert sum(one.share for one in found if one.kind in CALL_OUTCOMES) == pytest.approx(1)
    assert {one.kind: one.share for one in found}["appointment"] == 0.9
    with pytest.raises(RatesError, match="add up to 1.8"):
        assumed(GRAPH, Past(), read_rates([("appointment", 0.9), ("busy", 0.9)], GRAPH))
