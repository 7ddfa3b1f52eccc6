"""What a chain may not say: every mistake in one list, each with its fix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from marketing import graph
from marketing.calendar import Span
from marketing.channels import CHANNELS
from marketing.files import check_files
from marketing.options import RunOptions
from marketing.relation import ENTRY
from marketing.responses import KNOWN, MACHINE_BRANCH_FORBIDDEN, NOT_SENT
from marketing.steps import (
    NAMED, Assign, ChainError, Delay, End, Enrol, Experiment, Goal, GoTo, Send, Split, WaitFor, Written, branches, walk,
)

if TYPE_CHECKING:
    from marketing.chain import Chain

__all__ = ["check", "check_all", "check_files", "named"]

KINDS = ("prospecting", "loyalty", "transactional")
SOURCES = ("contacts", "orders", "consents", "suppressions", "responses")
RESERVED = ("holdout", "goal")
NAME = re.compile(r"[a-z][a-z0-9_]*")


def check(chain: Chain) -> list[str]:
    """Every mistake in a chain, as sentences that name the step and the fix; none if it compiles to a graph that ends."""
    rules = (_of_names, _of_the_head, _of_the_goal, _of_lengths, _of_sends, _of_waits, _of_forks, _of_gotos, _of_lists)
    problems = [problem for rule in rules for problem in rule(chain)]
    return problems or list(_of_paths(chain))


def check_all(chains: Iterable[Chain]) -> list[str]:
    """Mistakes between chains: an Enrol into no chain, a circle of Enrols that a contact could go round only once."""
    chains = {chain.name: chain for chain in chains}
    into = {name: {s.chain for s in _everything(chain) if isinstance(s, Enrol)} for name, chain in chains.items()}
    problems = [
        f'{name}: Enrol("{other}") names no chain: {_accepted(other, chains)}'
        for name, others in into.items() for other in sorted(others - chains.keys())
    ]
    for name, chain in chains.items():
        if name in _beyond(into, name) and chain.reenter_after is None:
            problems.append(f"{name} lies on a circle of Enrols and lets nobody in twice: give it reenter_after=, "
                            "or end the circle with Exit")
    return problems


def named(name: object) -> bool:
    """Whether a name can stand in files, queries and figures: lower-case letters, digits and _, a letter first."""
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def _of_names(chain: Chain) -> Iterator[str]:
    steps = [step for step in walk(chain.steps) if isinstance(step, NAMED)]
    if not steps:
        yield "steps= says nothing: write at least one Send"
    for name, times in Counter(step.name for step in steps).items():
        if times > 1:
            yield f'{times} steps are named "{name}": give each its own name'
    for step in steps:
        if step.name in RESERVED:
            yield f'{_said(step)} has a name that the engine uses itself: choose another than {", ".join(RESERVED)}'
    texts = [(_said(step), step.name) for step in steps]
    texts += [("name=", chain.name), ("audience=", chain.audience)]
    texts += [(_said(s), a) for s in steps if isinstance(s, (Split, Experiment)) for a in s.on]
    texts += [(_said(s), s.to) for s in steps if isinstance(s, Assign)]
    texts += [(_said(s), s.message) for s in steps if isinstance(s, Send)]
    texts += [(_said(s), graph.end_name(s).partition(":")[2]) for s in _everything(chain) if isinstance(s, End)]
    texts += [("exits=", reason) for reason in chain.exits.values()]
    for where, text in texts:
        if not named(text):
            yield f'{where} is given the name {text!r}: use lower-case letters, digits and _, a letter first'


def _of_the_head(chain: Chain) -> Iterator[str]:
    if chain.kind not in KINDS:
        yield f"kind={chain.kind!r}: {_accepted(chain.kind, KINDS)}"
    if chain.arm_by not in ("contact", "wave"):
        yield f'arm_by={chain.arm_by!r}: write "contact" or "wave"'
    if not isinstance(chain.holdout, (int, float)) or not 0 <= chain.holdout < 1:
        yield f"holdout={chain.holdout!r}: write a share from 0 to below 1, such as 0.1"
    elif chain.holdout and chain.kind == "transactional":
        yield "holdout= in a transactional chain: these messages are owed to everybody, take holdout= out"
    elif chain.holdout and chain.goal is None:
        yield "holdout= without a goal has nothing to compare: give goal=Goal(…), or take holdout= out"
    for source in chain.sources:
        if source not in SOURCES:
            yield f'sources= names "{source}": {_accepted(source, SOURCES)}'
    for kind, reason in chain.exits.items():
        yield from _unheard(kind, f'exits= {{"{kind}": "{reason}"}}', KNOWN)
    for name, parameter in getattr(chain.params, "model_fields", {}).items():
        if parameter.is_required():
            yield f"parameter {name} has no default, which a wave from another chain's Enrol needs: write Field(<default>, …)"
        if name in RunOptions.model_fields:
            yield f"parameter {name} is asked by every chain's form already: give it another name"


def _of_the_goal(chain: Chain) -> Iterator[str]:
    goal = chain.goal
    if goal is None:
        return
    if not isinstance(goal, Goal):
        yield f"goal={goal!r}: write Goal(PURCHASED, within=weeks(6))"
        return
    yield from _unheard(goal.kind, f'Goal("{goal.kind}")', KNOWN)
    if len(goal.then) > 1 or not all(isinstance(step, End) for step in goal.then):
        said = ", ".join(_said(step) for step in goal.then)
        yield f"Goal then=[{said}]: it ends the enrolment, so write one Enrol, Suppress or Exit"
    if goal.then and not goal.ends:
        yield "Goal with ends=False is only measured and has no then=: take then= out, or ends=False"
    if goal.ends and goal.kind in chain.exits:
        yield f'exits= names "{goal.kind}", which already is the goal and ends the enrolment: take it out of exits='


def _of_lengths(chain: Chain) -> Iterator[str]:
    lengths: list[tuple[str, object]] = [("wake_every=", chain.wake_every), ("enrol_every=", chain.enrol_every)]
    lengths += [(f'sources= for "{source}"', age) for source, age in chain.sources.items()]
    if chain.reenter_after is not None:
        lengths.append(("reenter_after=", chain.reenter_after))
    if isinstance(chain.goal, Goal):
        lengths.append(("Goal within=", chain.goal.within))
    for step in walk(chain.steps):
        if isinstance(step, WaitFor):
            lengths.append((f"{_said(step)} within=", step.within))
        elif isinstance(step, Send):
            lengths.append((f"{_said(step)} at_latest=", step.at_latest))
        elif isinstance(step, Delay) and (step.span is not None or step.until is None):
            lengths.append(("Delay", step.span))
    for where, length in lengths:
        if not isinstance(length, Span) or not length:
            yield f"{where} is {length!r}: write a length such as hours(36), days(7), weeks(3) or months(2)"


def _of_sends(chain: Chain) -> Iterator[str]:
    for step in walk(chain.steps):
        if isinstance(step, Send):
            channels = step.channels
            for channel in set(channels) - CHANNELS:
                yield f'{_said(step)} goes by "{channel}", which is no channel: {_accepted(channel, CHANNELS)}'
            if not channels:
                yield f'{_said(step)} has no channel: write by="email", or several to fall back on in a tuple'
            elif len(set(channels)) < len(channels):
                yield f"{_said(step)} has by={step.by!r}, one channel twice: name each once"


def _of_waits(chain: Chain) -> Iterator[str]:
    goal = chain.goal if isinstance(chain.goal, Goal) else None
    for wait in walk(chain.steps):
        if not isinstance(wait, WaitFor):
            continue
        for kind in wait.on:
            where = f'{_said(wait)} on "{kind}"'
            yield from _unheard(kind, where, KNOWN | {NOT_SENT})
            if goal and goal.ends and kind == goal.kind:
                yield f"{where} is never taken, the goal ends the enrolment first: use Goal then=, or ends=False"
            elif kind in chain.exits:
                yield f"{where} is never taken, exits= leaves first: take it out of one of the two"


def _unheard(kind: object, where: str, accepted: Collection[str]) -> Iterator[str]:
    """A problem if a response says nothing on which a chain may turn."""
    if kind in MACHINE_BRANCH_FORBIDDEN:
        yield f"{where}: machines do that too, so it proves nothing; use CLICKED, REPLIED or another act of the contact"
    elif kind not in accepted:
        yield f"{where} is no known response: {_accepted(kind, accepted - MACHINE_BRANCH_FORBIDDEN)}"


def _of_forks(chain: Chain) -> Iterator[str]:
    for step in walk(chain.steps):
        if isinstance(step, Experiment):
            if len(step.on) < 2:
                yield f"{_said(step)} has {len(step.on)} variants: an experiment compares two or more"
            shares = step.shares
            if shares is None:
                continue
            if set(shares) != set(step.on):
                yield f"{_said(step)} has shares of {', '.join(shares)} for the variants {', '.join(step.on)}: name the same"
            elif abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) <= 0:
                yield f"{_said(step)} has shares that add up to {sum(shares.values()):g}: make them positive and add up to 1"
        elif isinstance(step, (Split, WaitFor)) and "otherwise" in step.on:
            yield f'{_said(step)} has "otherwise" among its branches: write it as otherwise=[…]'
        elif isinstance(step, Split) and not step.on:
            yield f"{_said(step)} has no branch: name an audience in on={{…}}"


def _of_gotos(chain: Chain) -> Iterator[str]:
    names = [step.name for step in walk(chain.steps) if isinstance(step, NAMED)]
    for step in walk(chain.steps):
        if isinstance(step, GoTo):
            if step.step not in names:
                yield f'GoTo("{step.step}") names no step: {_accepted(step.step, names)}'
            if isinstance(step.at_most, bool) or not isinstance(step.at_most, int) or step.at_most < 1:
                yield f'GoTo("{step.step}") has at_most={step.at_most!r}: say how many visits, such as at_most=3'
    first = next((s for s in chain.steps if not isinstance(s, Delay)), None)
    if isinstance(first, GoTo):
        yield f'the chain begins with GoTo("{first.step}"): begin with a step'


def _of_lists(chain: Chain) -> Iterator[str]:
    """What only the neighbours of a step decide."""
    for steps, heard in _lists(chain.steps, heard=False):
        for before, after in zip(steps, steps[1:], strict=False):
            if isinstance(before, End):
                yield f"{_said(after)} is never reached, it follows {_said(before)}: move it or take it out"
        for position, step in enumerate(steps):
            if not isinstance(step, Delay):
                continue
            if step.since not in ("now", "enrolled"):
                yield f'Delay has since={step.since!r}: write "now" or "enrolled"'
            if step.until and step.since != "now":
                yield f'Delay(until="{step.until}") has since={step.since!r} as well: keep one of the two'
            if step.until and not (heard and position == 0):
                yield f'Delay(until="{step.until}") has no response to read a date from: put it first in a branch of a WaitFor'


def _lists(steps: Sequence[Written], heard: bool) -> Iterator[tuple[Sequence[Written], bool]]:
    """Every list of steps, and whether a response leads into it."""
    yield steps, heard
    for step in steps:
        for on, branch in branches(step):
            yield from _lists(branch, isinstance(step, WaitFor) and on not in (NOT_SENT, "otherwise"))
        if isinstance(step, GoTo):
            yield from _lists(step.then, heard=False)


def _of_paths(chain: Chain) -> Iterator[str]:
    """What only the graph shows; the chain has no other mistake."""
    try:
        compiled = graph.compile(chain)
    except ChainError as error:
        yield str(error)
        return
    out = {step.name: {edge.to for edge in compiled.out(step.name)} for step in compiled.steps}
    out[ENTRY] = {edge.to for edge in compiled.out(ENTRY)}
    reached = _beyond(out, ENTRY)
    for step in compiled.steps:
        if step.kind not in ("end", "rest") and step.name not in reached:
            yield f'no path leads to "{step.name}": let a branch before it go on, or take it out'
        ends = step.kind == "end" or any(compiled.step(name).kind == "end" for name in _beyond(out, step.name))
        if not ends:
            yield f'no path out of "{step.name}" ends: let a branch go on, or write Exit("…")'


def _beyond(out: Mapping[str, set[str]], start: str) -> set[str]:
    """Everything that can be come to from `start`."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        new = out.get(ahead.pop(), set()) - seen
        seen |= new
        ahead.extend(new)
    return seen


def _everything(chain: Chain) -> list[Written]:
    then = chain.goal.then if isinstance(chain.goal, Goal) else ()
    return [*walk(chain.steps), *then]


def _accepted(given: object, names: Iterable[str]) -> str:
    """The fix for a name that is not there: the one probably meant, or all there are."""
    names = sorted(set(names))
    meant = get_close_matches(str(given), names, n=1)
    return f'did you mean "{meant[0]}"?' if meant else f"use one of {', '.join(names)}"


def _said(step: Written) -> str:
    """A step as the file writes it, as far as one needs to find it."""
    if isinstance(step, End):
        return f'{type(step).__name__}("{graph.end_name(step).partition(":")[2]}")'
    if isinstance(step, Delay):
        return f"Delay({step.span or step.until})"
    return f'{type(step).__name__}("{step.step if isinstance(step, GoTo) else step.name}")'
