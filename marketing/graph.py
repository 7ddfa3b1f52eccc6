"""A chain compiled to one relation (from, on, after, to, max): what is stored, joined on, drawn and tested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marketing.calendar import Span
from marketing.relation import ANYWHERE, ENTRY, HOLDOUT, After, Edge, GoalOf, Graph, Step
from marketing.responses import NOT_SENT
from marketing.steps import (
    Assign, ChainError, Delay, End, Enrol, Exit, Experiment, GoTo, Send, Split, Suppress, WaitFor, Written,
    branches, walk,
)

if TYPE_CHECKING:
    from marketing.chain import Chain

__all__ = ["ANYWHERE", "ENTRY", "HOLDOUT", "After", "Edge", "GoalOf", "Graph", "Step", "compile", "end_name"]

#: Ends that any contact can come to, whatever is written.
ALWAYS = {name: Exit(name) for name in ("suppressed", "erased", "no_consent_left", "withdrawn")}
SILENT = Exit("not_reached")
COMPLETED = Exit("completed")


def compile(chain: Chain) -> Graph:
    """The graph of a chain that check() finds no mistake in; GoTo aside, its steps come in topological order.

    Raises ChainError where two delays meet that cannot be added up.
    """
    writing = _Writing(waits={step.name for step in walk(chain.steps) if isinstance(step, WaitFor)})
    loose = writing.walk(chain.steps, [_Loose(ENTRY, "entered", (0, 0))])
    writing.connect(loose, COMPLETED)
    if chain.holdout:
        writing.steps[HOLDOUT] = Step(HOLDOUT, "holdout", 0)
        writing.link(_Loose(ENTRY, "held_out", (1, 0)), HOLDOUT)
        writing.connect([_Loose(HOLDOUT, "window_closed", (0, 0))], Exit("held_out"))
    writing.from_anywhere(chain)
    steps = [*writing.steps.values(), *writing.ends.values()]
    goal = chain.goal and GoalOf(chain.goal.kind, chain.goal.within, chain.goal.ends)
    return Graph(
        chain=chain.name, goal=goal, holdout=chain.holdout, arm_by=chain.arm_by,
        steps=tuple(replace(step, order=order) for order, step in enumerate(steps)),
        edges=tuple(_ranked(writing.edges, [ENTRY, *(s.name for s in steps), ANYWHERE])),
    )


def end_name(end: End) -> str:
    """The name of the step that an end compiles to."""
    return f"{_action(end)}:{_argument(end)}"


@dataclass(frozen=True)
class _Loose:
    """An edge whose target is not yet known; rank is (position in its step, follow-up of a GoTo)."""

    from_: str
    on: str
    rank: tuple[int, int]
    after: After = After()


class _Writing:
    """The steps and edges written so far."""

    def __init__(self, waits: set[str]) -> None:
        self.waits = waits
        self.steps: dict[str, Step] = {}
        self.ends: dict[str, Step] = {}
        self.edges: list[tuple[tuple[int, int], Edge]] = []

    def walk(self, steps: Sequence[Written], loose: list[_Loose]) -> list[_Loose]:
        """Write the steps after the loose edges; return the edges that are loose at their end."""
        for step in steps:
            if isinstance(step, Delay):
                loose = [replace(edge, after=_longer(edge.after, step)) for edge in loose]
            elif isinstance(step, GoTo):
                loose = self.walk(step.then, self.go_back(loose, step))
            else:
                self.connect(loose, step)
                loose = self.out_of(step)
        return loose

    def out_of(self, step: Written) -> list[_Loose]:
        """Write the branches of a step just connected; return what leaves it loose."""
        if isinstance(step, End):
            return []
        if isinstance(step, (Send, Assign)):
            return [_Loose(step.name, "next", (0, 0))]
        ways = branches(step)
        if isinstance(step, WaitFor) and NOT_SENT not in step.on:
            ways.insert(-1, (NOT_SENT, (SILENT,)))
        loose = []
        for position, (on, branch) in enumerate(ways):
            loose += self.walk(branch, [_Loose(step.name, on, (position, 0))])
        return loose

    def connect(self, loose: list[_Loose], step: Written) -> None:
        """Write a step and lead the loose edges to it, by a rest where a delay ends at a wait or an end."""
        if not loose and isinstance(step, End):
            return
        name = self.place_end(step) if isinstance(step, End) else step.name
        rests = isinstance(step, (WaitFor, End)) and any(edge.after for edge in loose)
        rest = self.place_rest(name) if rests else name
        for edge in loose:
            self.link(edge, rest if edge.after else name)
        if rests:
            self.link(_Loose(rest, "next", (0, 0)), name)
        if not isinstance(step, End):
            self.steps[name] = _step(step)

    def go_back(self, loose: list[_Loose], goto: GoTo) -> list[_Loose]:
        """Write a GoTo's bounded edges; return the edges taken once it is used up."""
        if goto.step in self.waits and any(edge.after for edge in loose):
            rest = self.place_rest(goto.step)
            for edge in (e for e in loose if e.after):
                self.link(edge, rest)
            loose = [*(e for e in loose if not e.after), _Loose(rest, "next", (0, 0))]
        for edge in loose:
            self.link(edge, goto.step, most=goto.at_most)
        return [_Loose(e.from_, e.on, (e.rank[0], e.rank[1] + 1)) for e in loose]

    def link(self, edge: _Loose, to: str, most: int | None = None) -> None:
        self.edges.append((edge.rank, Edge(edge.from_, edge.on, edge.after, to, most, 0, most is not None)))

    def place_end(self, end: End) -> str:
        name = end_name(end)
        self.ends.setdefault(name, Step(name, "end", 0, action=_action(end), argument=_argument(end)))
        return name

    def place_rest(self, target: str) -> str:
        name = f"rest:{target}"
        number = sum(step == name or step.startswith(f"{name}#") for step in self.steps) + 1
        name = name if number == 1 else f"{name}#{number}"
        self.steps[name] = Step(name, "rest", 0)
        return name

    def from_anywhere(self, chain: Chain) -> None:
        """Write the edges that leave from wherever a contact stands, the goal first."""
        ways: list[tuple[str, str]] = []
        if chain.goal and chain.goal.ends:
            if chain.goal.then:
                ways.append(("goal", self.place_end(chain.goal.then[0])))
            else:
                self.ends["goal"] = Step("goal", "end", 0, action="goal")
                ways.append(("goal", "goal"))
        ways += [(kind, self.place_end(Exit(reason))) for kind, reason in chain.exits.items()]
        ways += [(on, self.place_end(end)) for on, end in ALWAYS.items()]
        for position, (on, to) in enumerate(ways):
            self.link(_Loose(ANYWHERE, on, (position, 0)), to)


def _ranked(edges: list[tuple[tuple[int, int], Edge]], order: list[str]) -> Iterable[Edge]:
    """The edges by step in written order, numbered from 0 within each step."""
    for name in order:
        leaving = sorted(((rank, e) for rank, e in edges if e.from_ == name), key=lambda pair: pair[0])
        for rank, (_, edge) in enumerate(leaving):
            yield replace(edge, rank=rank)


def _longer(after: After, delay: Delay) -> After:
    """The length of an edge that already is `after` and then meets a delay."""
    new = After(delay.span or Span(), delay.since, delay.until)
    if not after:
        return new
    if not (after.plain and new.plain):
        raise ChainError(f'Delay "{after}" runs into Delay "{new}": put a step between them, or write one Delay')
    return replace(after, span=after.span + new.span)


def _step(written: Written) -> Step:
    match written:
        case Send():
            return Step(written.name, "send", 0, channels=written.channels, message=written.message,
                        purpose=str(written.purpose), at_latest=written.at_latest,
                        at_least_once=written.at_least_once)
        case WaitFor():
            return Step(written.name, "wait", 0, within=written.within)
        case Split():
            return Step(written.name, "split", 0, audiences=tuple(written.on))
        case Experiment():
            return Step(written.name, "experiment", 0, shares=_shares(written))
        case Assign():
            return Step(written.name, "assign", 0, to=written.to)


def _shares(experiment: Experiment) -> dict[str, float]:
    """The share of each variant in written order, adding up to 1."""
    given = experiment.shares or {variant: 1.0 for variant in experiment.on}
    total = sum(given.values())
    return {variant: given[variant] / total for variant in experiment.on}


def _action(end: End) -> str:
    return {Enrol: "enrol", Suppress: "suppress", Exit: "exit"}[type(end)]


def _argument(end: End) -> str:
    return end.chain if isinstance(end, Enrol) else end.reason
