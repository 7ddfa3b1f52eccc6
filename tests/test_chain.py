"""The grammar reads as a brief, and what it holds cannot change under way."""

from dataclasses import FrozenInstanceError

import pytest

from marketing.calendar import days, minutes, months, weeks
from marketing.chain import CLICKED, COMMERCIAL, PURCHASED, Chain, Enrol, Exit, Experiment, Goal, GoTo, Purpose, Send, WaitFor, WaveParams
from marketing.drawing import brief
from marketing.steps import walk

CHAIN = Chain(
    name="win_back", title="Win back", kind="loyalty", audience="lapsed", holdout=0.1, reenter_after=months(12),
    goal=Goal(PURCHASED, within=weeks(6), then=[Enrol("newsletter")]),
    steps=[
        Send("hello", by="email", message="hello", purpose=COMMERCIAL),
        WaitFor("answer", within=days(7), on={
            CLICKED: [Send("offer", by=("sms", "post"), message="offer", purpose="commercial")],
        }, otherwise=[GoTo("hello", at_most=2, then=Exit("silent"))]),
    ],
)


def test_a_chain_has_the_defaults_of_the_house():
    """What a brief leaves out: woken every 15 minutes, asked daily, drawn by contact, no parameters."""
    assert (CHAIN.wake_every, CHAIN.enrol_every, CHAIN.arm_by) == (minutes(15), days(1), "contact")
    assert (CHAIN.params, CHAIN.exits, CHAIN.sources) == (WaveParams, {}, {})


def test_a_send_states_its_channels_and_purpose():
    """One channel or several, tried in order; the purpose is one of three words."""
    offer = CHAIN.steps[1].on[CLICKED][0]

    assert (CHAIN.steps[0].channels, offer.channels) == (("email",), ("sms", "post"))
    assert offer.purpose is Purpose.COMMERCIAL


def test_walk_meets_every_step_in_written_order():
    """Branches and `then` are met where they are written."""
    assert [getattr(step, "name", type(step).__name__) for step in walk(CHAIN.steps)] == ["hello", "answer", "offer", "GoTo", "Exit"]


def test_a_chain_cannot_be_changed():
    """A chain and its steps are frozen: a version is what was written."""
    with pytest.raises(FrozenInstanceError):
        CHAIN.holdout = 0.5
    with pytest.raises(FrozenInstanceError):
        CHAIN.steps[0].message = "other"


def test_an_experiment_shares_equally_unless_told():
    """Variants without shares are left for the graph to share equally."""
    assert Experiment("test", on={"a": [], "b": []}).shares is None


def test_brief_tells_a_chain_in_a_paragraph():
    """The paragraph names audience, messages, goal, holdout and re-entry."""
    assert brief(CHAIN) == (
        "Win back: a loyalty chain for the audience `lapsed`, with 2 messages by email, sms and post. "
        "Its goal is `purchased` within 6 weeks of enrolment, which ends it. "
        "10% are held out and get nothing, to measure what the rest would have done anyway. "
        "Contacts may enter again 12 months after they last did."
    )
