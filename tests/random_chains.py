"""Chains at random, all of them valid: what property tests of the grammar and of the engine draw from."""

from hypothesis import strategies as st

from marketing.calendar import Span, days, hours, months, weeks
from marketing.chain import (
    BOUNCED_HARD, CLICKED, COMMERCIAL, COUPON_REDEEMED, NOT_SENT, PURCHASED, RELATIONSHIP, REPLIED, Assign, Chain, Delay,
    Enrol, Exit, Experiment, Goal, GoTo, Send, Split, Suppress, WaitFor,
)
from marketing.steps import NAMED, Written, walk

LENGTHS = st.sampled_from([hours(36), days(1), days(7), weeks(2), months(1), Span(days=2, seconds=5400)])
ENDS = st.sampled_from([Exit("done"), Exit("not_interested"), Enrol("other_chain"), Suppress("dormant")])
ANSWERS = (CLICKED, REPLIED, COUPON_REDEEMED, BOUNCED_HARD, NOT_SENT)


@st.composite
def chains(draw, goal: bool = True) -> Chain:
    """A chain of at most some twenty steps, with every word of the grammar in it now and then."""
    steps = _steps(draw, [0], depth=2, heard=False, first=True)
    if not any(isinstance(step, NAMED) for step in walk(steps)):
        steps = [Send("only", by="email", message="only", purpose=COMMERCIAL), *steps]
    goals = st.builds(Goal, st.just(PURCHASED), within=LENGTHS, ends=st.booleans())
    aim = draw(st.none() | goals) if goal else None
    return Chain(
        name="at_random", title="At random", kind="loyalty", audience="everybody", goal=aim, steps=steps,
        holdout=draw(st.sampled_from([0.0, 0.3])) if aim else 0.0, exits=draw(st.sampled_from([{}, {"refused": "refused"}])),
        reenter_after=draw(st.none() | LENGTHS), arm_by=draw(st.sampled_from(["contact", "wave"])),
    )


def _steps(draw, number: list[int], depth: int, heard: bool, first: bool = False) -> list[Written]:
    """One list of steps; `number` counts the names given so far, over all lists."""
    steps: list[Written] = []
    if heard and draw(st.integers(0, 4)) == 0:
        steps.append(Delay(days(3), until="call_back_on"))
    for _ in range(draw(st.integers(1 if first else 0, 3))):
        if steps and not isinstance(steps[-1], Delay) and draw(st.integers(0, 3)) == 0:
            steps.append(Delay(draw(LENGTHS), since=draw(st.sampled_from(["now", "now", "enrolled"]))))
        steps.append(_step(draw, number, depth))
    # A chain of which every delay is followed by a step: two delays that meet may have no meaning.
    if isinstance(steps[-1:] and steps[-1], Delay):
        steps.append(_step(draw, number, depth=0))
    last = draw(st.integers(0, 5))
    if last == 0 and not first:
        steps.append(draw(ENDS))
    elif last == 1 and number[0] and (steps or not first):
        target = f"step_{draw(st.integers(1, number[0]))}"
        steps.append(GoTo(target, at_most=draw(st.integers(1, 3)), then=draw(st.none() | ENDS)))
    return steps


def _step(draw, number: list[int], depth: int) -> Written:
    number[0] += 1
    name = f"step_{number[0]}"
    kind = draw(st.sampled_from(["send", "send", "send", "assign", *(["wait", "wait", "split", "experiment"] if depth else [])]))
    if kind == "send":
        by = draw(st.sampled_from(["email", "sms", ("email", "post")]))
        return Send(name, by=by, message=name, purpose=draw(st.sampled_from([COMMERCIAL, RELATIONSHIP])), at_latest=draw(LENGTHS))
    if kind == "assign":
        return Assign(name, to="rep_of_territory")
    answers = {"wait": ANSWERS, "split": ("buyers", "visitors"), "experiment": ("short", "long", "plain")}[kind]
    keys = draw(st.lists(st.sampled_from(answers), min_size=2 if kind == "experiment" else 1, max_size=3, unique=True))
    on = {key: _steps(draw, number, depth - 1, heard=kind == "wait" and key != NOT_SENT) for key in keys}
    otherwise = [] if kind == "experiment" else _steps(draw, number, depth - 1, heard=False)
    branches = [*on.values()] if kind == "experiment" else [*on.values(), otherwise]
    if not any(_goes_on(branch) for branch in branches):
        _open(branches[-1])
    if kind == "experiment":
        return Experiment(name, on=on)
    if kind == "split":
        return Split(name, on=on, otherwise=otherwise)
    return WaitFor(name, within=draw(LENGTHS), on=on, otherwise=otherwise)


def _goes_on(branch: list[Written]) -> bool:
    """Whether a branch leads to what is written after its step; every step that forks goes on in one branch at least."""
    return not branch or not isinstance(branch[-1], (Exit, Enrol, Suppress, GoTo))


def _open(branch: list[Written]) -> None:
    """Take the end off a branch, and the delay before it, which might meet another."""
    branch.pop()
    if branch and isinstance(branch[-1], Delay):
        branch.pop()
