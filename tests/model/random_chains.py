"""Random chains of the grammar that check() finds no mistake in."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st

from marketing.chain import (
    CALL_BACK, CLICKED, COMMERCIAL, COUPON_REDEEMED, INBOUND_CALL, NOT_SENT, PURCHASED, RELATIONSHIP, TRANSACTIONAL, Chain, ChainError, Delay, Enrol, Exit, Experiment, Goal, GoTo, Send, Split, Suppress,
    WaitFor, days, hours, minutes, months, weeks,
)
from marketing.steps import Written

__all__ = ["AUDIENCES", "CHANNELS", "KEYED", "UNKEYED", "chains"]

CHANNELS = ("email", "sms", "post")
#: By what a Send may go: one channel, or several to fall back on in turn.
WAYS = (*CHANNELS * 2, ("email", "sms"), ("sms", "email"), ("sms", "post", "email"))
#: Audiences that a Split may ask for.
AUDIENCES = ("gold", "silver")
#: Few kinds, so that chains and contacts often mean the same: with the key of a touch, and without.
KEYED = (CLICKED, CLICKED, CLICKED, CALL_BACK, CALL_BACK, COUPON_REDEEMED)
UNKEYED = (PURCHASED, INBOUND_CALL, COUPON_REDEEMED)
LENGTHS = (hours(1), hours(36), days(1), days(2), days(7), weeks(2), months(1))


@st.composite
def chains(draw: st.DrawFn, name: str, enrols: str | None = None) -> Chain:
    """A chain of at most some twelve steps; with `enrols` it may hand over to that chain."""
    goal_kind = draw(st.sampled_from((None, None, None, PURCHASED, COUPON_REDEEMED, CLICKED)))
    exits = draw(st.sampled_from(({}, {}, {}, {INBOUND_CALL: "called"}, {COUPON_REDEEMED: "third", PURCHASED: "bought"})))
    ends = draw(st.booleans())
    unheard = set(exits) | ({goal_kind} if goal_kind and ends else set())
    writer = _Writer(draw, name, enrols, [kind for kind in (*KEYED, *UNKEYED, NOT_SENT) if kind not in unheard])
    goal = None
    if goal_kind and goal_kind not in exits:
        then = [writer.end()] if ends and draw(st.booleans()) else []
        goal = Goal(goal_kind, draw(st.sampled_from(LENGTHS[2:])), then, ends)
    try:
        return Chain(
            name=name, title=name, kind="loyalty", audience="everybody", goal=goal, exits=exits,
            holdout=draw(st.sampled_from((0.0, 0.0, 0.3))) if goal else 0.0,
            # The numbers of waves, by which this draws, are the same in both where no hand-over makes waves of its own.
            arm_by=draw(st.sampled_from(("contact", "wave"))) if name == "winter" else "contact",
            reenter_after=draw(st.sampled_from((None, hours(1), days(3), months(1)))),
            enrol_every=minutes(1), wake_every=minutes(1),
            steps=writer.steps(depth=0, open_end=False),
        )
    except ChainError:
        # Two delays that cannot be added up, met over the end of a branch: rare, and an error rightly.
        assume(False)


class _Writer:
    """Writes steps as hypothesis decides; remembers the names given, for GoTo."""

    def __init__(self, draw: st.DrawFn, chain: str, enrols: str | None, answers: list[str]) -> None:
        self.draw, self.chain, self.enrols, self.answers = draw, chain, enrols, answers
        self.names: list[str] = []
        #: One chain in three falls back wherever it can.
        self.ways = draw(st.sampled_from((WAYS, WAYS, WAYS[-3:])))

    def named(self, word: str) -> str:
        self.names.append(f"{word}_{len(self.names) + 1}")
        return self.names[-1]

    def steps(self, depth: int, open_end: bool, heard: bool = False) -> list[Written]:
        """A list of steps; with `open_end` it lets the contact go on to what follows the fork."""
        written: list[Written] = []
        if heard and self.draw(st.booleans()):
            span = self.draw(st.sampled_from((None, days(2))))
            written.append(Delay(span, until="on"))
        least = 2 if depth == 0 else 0
        room = max(least, min(4 if depth == 0 else 2, 12 - len(self.names)))
        kinds = ["send", "send", "wait", "wait", "wait", "delay", "split", "experiment"]
        count = self.draw(st.integers(least, room))
        likely = self.draw(st.sampled_from((True, True, True, False)))
        for position in range(count):
            kind = self.draw(st.sampled_from(kinds if depth < 2 and len(self.names) < 10 else ["send", "delay"]))
            if depth == 0 and position < 2 and likely:
                kind = ("send", "wait")[position]
            if kind == "delay" and written and isinstance(written[-1], Delay) and not written[-1].span:
                kind = "send"
            last = position == count - 1
            written.append(self.step(kind, depth, open_end or not last))
        if not open_end and self.draw(st.booleans()):
            written.append(self.end_or_return())
        return written

    def step(self, kind: str, depth: int, goes_on: bool) -> Written:
        """One step; a fork that goes on has an open branch."""
        if kind == "send":
            return Send(self.named("send"), by=self.draw(st.sampled_from(self.ways)), message="word",
                        purpose=self.draw(st.sampled_from((COMMERCIAL, COMMERCIAL, RELATIONSHIP, TRANSACTIONAL))),
                        at_latest=self.draw(st.sampled_from((days(7), days(7), days(7), days(2), hours(1)))))
        if kind == "delay":
            since = self.draw(st.sampled_from(("now", "now", "now", "enrolled")))
            return Delay(self.draw(st.sampled_from(LENGTHS)), since=since)
        if kind == "wait":
            name, heard = self.named("wait"), self.some(self.answers, 4)
            on = {k: self.steps(depth + 1, False, heard=k == "call_back") for k in heard}
            return WaitFor(name, self.draw(st.sampled_from(LENGTHS)), on, self.steps(depth + 1, goes_on))
        if kind == "split":
            name, asked = self.named("split"), self.some(AUDIENCES, 2)
            on = {audience: self.steps(depth + 1, False) for audience in asked}
            return Split(name, on, self.steps(depth + 1, goes_on))
        name = self.named("test")
        shares = self.draw(st.sampled_from((None, {"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.8})))
        return Experiment(name, {"a": self.steps(depth + 1, goes_on), "b": self.steps(depth + 1, False)}, shares)

    def some(self, words, most: int) -> list[str]:
        """Some of the words, the frequent ones more often, in the order in which a chain then writes them."""
        return list(dict.fromkeys(self.draw(st.lists(st.sampled_from(words), min_size=1, max_size=most))))

    def end(self) -> Written:
        """An end of the chain."""
        ends = [Exit("done"), Exit("other"), Exit("third")] * 3 + [Suppress("dormant")]
        return self.draw(st.sampled_from(ends + ([Enrol(self.enrols)] * 4 if self.enrols else [])))

    def end_or_return(self) -> Written:
        """An end, or a bounded way back to a step written before (which may be the fork one is in)."""
        if not self.names or self.draw(st.booleans()):
            return self.end()
        target, at_most = self.draw(st.sampled_from(self.names)), self.draw(st.integers(1, 3))
        if self.draw(st.booleans()):
            return GoTo(target, at_most)
        then = self.draw(st.sampled_from(("send", "delay", "end")))
        return GoTo(target, at_most, then=[
            {"send": lambda: self.step("send", 9, True), "delay": lambda: Delay(days(1)), "end": self.end}[then](),
        ])
