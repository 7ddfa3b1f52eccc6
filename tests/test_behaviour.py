"""A behaviour is read as a marketer says it, and walks a contact through a chain with dates."""

from datetime import datetime, timedelta

import pytest

from marketing.behaviour import Answered, BadBehaviour, behaviour
from marketing.chain import CLICKED, COMMERCIAL, PURCHASED, Chain, Delay, Goal, Send, Split, WaitFor, days, hours, weeks
from marketing.graph import compile
from marketing.path import walk

START = datetime(2026, 3, 27, 15)  # a Friday, 16:00 in Paris; the clocks change on Sunday
ZONE = "Europe/Paris"
CHAIN = Chain(
    name="spring", title="spring", kind="loyalty", audience="everybody", goal=Goal(PURCHASED, within=weeks(4)),
    steps=[
        Send("mail", by=("email", "sms"), message="m", purpose=COMMERCIAL),
        WaitFor("wait", within=days(7), on={CLICKED: [Send("offer", by="post", message="o", purpose=COMMERCIAL)]}),
        Delay(days(2)),
        Split("fork", on={"gold": [Send("call", by="phone", message="c", purpose=COMMERCIAL)]}),
    ])


def way(text: str, **more) -> list[tuple]:
    stages = walk(compile(CHAIN), START, behaviour(text, START, ZONE), zone=ZONE, **more)
    return [(one.at, one.step, one.reason, one.channel or one.refused) for one in stages]


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, 1, hour) + timedelta(days=day - 1)


def test_words():
    """Responses by their word, with spaces or as people say them; days after entry at the same local hour, day 0 an hour later."""
    assert behaviour(" Clicked on day 3, call back on day 1,buys on  day 0 ", START, ZONE) == [
        Answered(PURCHASED, START + timedelta(hours=1)), Answered("call_back", at(28, 15)), Answered(CLICKED, at(30, 14))]
    assert behaviour("", START, ZONE) == []


@pytest.mark.parametrize(("text", "said"), [
    ("sneezed on day 3", "'sneezed' is no response that moves anybody; accepted: appointment, bounced_hard"),
    ("opened on day 3", "'opened' is no response that moves anybody"),
    ("delivered on day 3", "'delivered' is no response that moves anybody"),
    ("clicked", "'clicked' is no behaviour; accepted: RESPONSE on day N"),
    ("clicked on day three", "'clicked on day three' is no behaviour"),
])
def test_words_that_are_none(text, said):
    """What is no response, or moves nobody, is refused with what is accepted."""
    with pytest.raises(BadBehaviour) as refused:
        behaviour(text, START, ZONE)

    assert said in str(refused.value)


def test_silence_asks_the_next_channel():
    """Who never answers gets the SMS when the wait is over, and has as long again; days keep the local hour over the change."""
    assert way("") == [
        (START, "mail", "entered", "email"), (START, "wait", "next", None), (at(34, 14), "mail", "fallback", "sms"),
        (at(41, 14), "fork", "otherwise", None), (at(43, 14), "exit:completed", "otherwise", None)]


def test_hours_and_latency():
    """A message waits for its channel's hours, and a wait begins when it has arrived."""
    def opens(channel: str, moment: datetime) -> datetime:
        return max(moment, at(30, 7))

    assert [one[:3] for one in way("clicked on day 5", opens=opens, latency={"email": timedelta(days=1)})][:3] == [
        (START, "mail", "entered"), (at(30, 7), "wait", "next"), (at(32, 14), "offer", "clicked")]
    stages = walk(compile(CHAIN), START, [], zone=ZONE, opens=opens, latency={"email": timedelta(days=1)})
    assert (stages[0].until, stages[1].until) == (at(30, 7), at(38, 7))


def test_an_answer_before_the_message_moves_nobody():
    """A click is heard after its message, never before; the goal ends everything, wherever the contact stands."""
    late = {"opens": lambda channel, moment: max(moment, at(29, 12))}
    assert [one[1:3] for one in way("clicked on day 1", **late)][2] == ("mail", "fallback")
    assert way("purchased on day 2")[-1] == (at(29, 14), "goal", "goal", None)
    assert way("purchased on day 40")[-1][1] == "exit:completed"


def test_what_an_unsubscription_closes():
    """It closes the channel of its message for its purpose: the next channel is asked at once; with none left, the contact leaves."""
    assert way("unsubscribed on day 1")[2] == (at(34, 14), "mail", "fallback", "sms")
    only = Chain(name="only", title="only", kind="loyalty", audience="everybody", steps=[
        Send("one", by="email", message="m", purpose=COMMERCIAL), Delay(days(5)), Send("two", by="email", message="m", purpose=COMMERCIAL)])
    said = walk(compile(only), START, [Answered("unsubscribed", START + timedelta(hours=2))], zone=ZONE)
    assert [(one.at, one.step) for one in said][-1] == (START + timedelta(hours=2), "exit:no_consent_left")


def test_a_split_asks_the_contact_s_audiences():
    """Who is in an audience takes its branch."""
    assert [one[1] for one in way("clicked on day 1", audiences={"gold"})] == [
        "mail", "wait", "offer", "fork", "call", "exit:completed"]
    assert hours(48) != days(2)
