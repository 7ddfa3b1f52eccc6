"""The way of one contact through a chain, with dates: who enters at an instant and answers so and so, walked without state.

It walks the compiled relation as passes do that wake at every moment: which touches leave, what each wait hears, where it
ends. Of the gate it knows the hours and what the contact's own answers close; caps, capacity and budget hang on others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from marketing.behaviour import Answered
from marketing.calendar import Span, add
from marketing.chance import experiment_salt, pick
from marketing.relation import ANYWHERE, ENTRY, FELL_BACK, HOLDOUT, After, Edge, Graph, Step
from marketing.responses import BOUNCED_HARD, COMPLAINED, NOT_SENT, UNKEYED_KINDS, UNSUBSCRIBED

__all__ = ["Stage", "walk"]

#: A walk longer than this has lost its way: the bounds of GoTo end every chain long before.
_STAGES = 10_000


@dataclass(frozen=True)
class Stage:
    """One move of the contact: at an instant (naive UTC) it comes to a step, for a reason.

    `until` is when it goes on if nothing is heard: when the message leaves, the wait is over, the delay has passed; `hears`
    are a wait's answers. A Send has its channel and message, or why it was `refused` everywhere.
    """

    at: datetime
    step: str
    kind: str
    reason: str
    visit: int = 1
    until: datetime | None = None
    hears: tuple[str, ...] = ()
    channel: str | None = None
    message: str | None = None
    refused: str | None = None


def walk(graph: Graph, enrolled_at: datetime, answers: Sequence[Answered], *, zone: str, contact_id: int = 0,
         audiences: Collection[str] = (), latency: Mapping[str, timedelta] | None = None,
         opens: Callable[[str, datetime], datetime] = lambda channel, at: at) -> list[Stage]:
    """The stages of a contact (never of the holdout) from entry to end, in order.

    `audiences` are those of Splits that it is in, `latency` from handing over to arrival by channel, `opens(channel, at)` the
    instant from `at` on at which the channel may be used.
    """
    walker = _Walker(graph, enrolled_at, sorted(answers, key=lambda answer: answer.at), zone, contact_id, audiences,
                     latency or {}, opens)
    walker.take([edge for edge in graph.out(ENTRY) if edge.to != HOLDOUT], enrolled_at)
    while walker.step.kind != "end" and len(walker.stages) < _STAGES:
        walker.go_on()
    return walker.stages


@dataclass(frozen=True)
class _Made:
    """A touch that left."""

    step: Step
    visit: int
    leg: int
    at: datetime

    @property
    def channel(self) -> str:
        return self.step.channels[self.leg - 1]


@dataclass
class _Walker:
    graph: Graph
    enrolled_at: datetime
    answers: list[Answered]
    zone: str
    contact_id: int
    audiences: Collection[str]
    latency: Mapping[str, timedelta]
    opens: Callable[[str, datetime], datetime]
    stages: list[Stage] = field(default_factory=list)
    step: Step = None
    at: datetime = None
    due: datetime = None
    visits: Counter = field(default_factory=Counter)
    #: All touches that left; those since the last wait; how many Sends were passed since, made or not.
    touches: list[_Made] = field(default_factory=list)
    recent: list[_Made] = field(default_factory=list)
    passed: int = 0
    heard: int = 0

    # -- moving

    def take(self, edges: Sequence[Edge], at: datetime, reason: str | None = None) -> None:
        """Go by the first of the edges whose target may still be visited."""
        edge = next(e for e in edges if e.max is None or self.visits[e.to] < e.max)
        self.visits[edge.to] += 1
        self.step, self.at, self.due = self.graph.step(edge.to), at, self._due(edge.after, at)
        self.stages.append(Stage(at, edge.to, self.step.kind, reason or edge.on, self.visits[edge.to], hears=self._hears()))

    def leave(self, on: str, at: datetime, reason: str | None = None) -> None:
        self.take([edge for edge in self.graph.out(self.step.name) if edge.on == on], at, reason)

    def say(self, **more) -> None:
        """Complete the last stage."""
        self.stages[-1] = replace(self.stages[-1], **more)

    def _due(self, after: After, at: datetime) -> datetime:
        if after.since == "enrolled":
            return max(at, add(self.enrolled_at, after.span, self.zone))
        return add(at, after.span, self.zone)  # of a date that a response brings, its fall-back

    def _hears(self) -> tuple[str, ...]:
        if self.step.kind != "wait":
            return ()
        answers = (edge.on for edge in self.graph.out(self.step.name) if edge.on not in ("otherwise", NOT_SENT))
        return tuple(dict.fromkeys(answers))

    # -- what the contact says wherever it stands

    def interrupted(self, until: datetime) -> bool:
        """Whether the contact leaves before or at an instant, by its goal, an exit, or because nothing may reach it."""
        while self.heard < len(self.answers) and self.answers[self.heard].at <= until:
            answer = self.answers[self.heard]
            self.heard += 1
            on = self._ends(answer)
            if on:
                if self.stages[-1].until and self.stages[-1].until > answer.at:
                    self.say(until=None)
                self.take([edge for edge in self.graph.out(ANYWHERE) if edge.on == on], max(answer.at, self.at))
                return True
        return False

    def _ends(self, answer: Answered) -> str | None:
        goal = self.graph.goal
        if goal and goal.ends and answer.kind == goal.kind and answer.at <= add(self.enrolled_at, goal.within, self.zone):
            return "goal"
        if any(edge.on == answer.kind for edge in self.graph.out(ANYWHERE)):
            return answer.kind
        ahead = [self.graph.step(name) for name in self.graph.reaches[self.step.name]]
        if answer.kind in (UNSUBSCRIBED, COMPLAINED) and ahead and all(
                self._closed(send, channel, answer.at) for send in ahead for channel in send.channels):
            return "no_consent_left"
        return None

    def _closed(self, send: Step, channel: str, at: datetime) -> str | None:
        """Why an earlier answer lets nothing more go by a channel: it holds for what the last touch before it was."""
        for answer in self.answers:
            if answer.at > at or answer.kind not in (UNSUBSCRIBED, COMPLAINED, BOUNCED_HARD):
                continue
            last = next((touch for touch in reversed(self.touches) if touch.at < answer.at), None)
            if last and last.channel != channel:
                continue
            if answer.kind == BOUNCED_HARD and last:
                return "suppressed"
            same = send.purpose != "transactional" and (not last or last.step.purpose == send.purpose)
            if answer.kind != BOUNCED_HARD and same:
                return "consent_withdrawn"
        return None

    # -- one step

    def go_on(self) -> None:
        """Do what the step does when its time has come."""
        match self.step.kind:
            case "send":
                self._send()
            case "wait":
                self._wait()
            case _:
                self.say(until=self.due if self.due > self.at else None)
                if not self.interrupted(self.due):
                    self.leave(self._way(), self.due)

    def _way(self) -> str:
        if self.step.kind == "split":
            return next((name for name in self.step.audiences if name in self.audiences), "otherwise")
        if self.step.kind == "experiment":
            return pick(experiment_salt(self.graph.chain, self.step.name), self.contact_id, self.step.shares)
        return "next"

    def _send(self) -> None:
        step, at, at_latest = self.step, self.due, add(self.due, self.step.at_latest, self.zone)
        while not self.interrupted(at):
            leg, until, why = self._try(step, 1, at, at_latest)
            if until:
                at = until
                continue
            self.passed += 1
            if leg:
                self._made(step, self.visits[step.name], leg, at)
                self.say(until=at, channel=step.channels[leg - 1], message=step.message)
            else:
                self.say(refused=why)
            self.leave("next", at, None if leg else "unreached")
            return

    def _try(self, step: Step, first: int, at: datetime, at_latest: datetime) -> tuple[int, datetime | None, str]:
        """The leg that may leave now, else until when it must wait, else why none may: channels are tried in turn."""
        why = ""
        for leg, channel in list(enumerate(step.channels, start=1))[first - 1:]:
            why = self._closed(step, channel, at)
            if not why:
                opens = self.opens(channel, at)
                if opens == at:
                    return leg, None, ""
                return (0, opens, "") if opens <= at_latest else (0, None, "stale")
        return 0, None, why

    def _made(self, step: Step, visit: int, leg: int, at: datetime) -> None:
        touch = _Made(step, visit, leg, at)
        self.touches.append(touch)
        self.recent.append(touch)

    def _wait(self) -> None:
        if self.passed and not self.recent:
            if not self.interrupted(self.at):
                self._leave_wait(NOT_SENT, self.at)
            return
        tried: dict[tuple[str, int], int] = {}
        latest: dict[tuple[str, int], datetime] = {}
        at = self._clock(self.step.within)
        self.say(until=at)
        while True:
            heard = self._first_heard()
            stop = min(at, heard[1]) if heard else at
            if self.interrupted(stop):
                return
            if heard and heard[1] <= at:
                self._leave_wait(*heard)
                return
            later = self._fall_back(tried, latest, at)
            if later is None:
                self._leave_wait("otherwise", at)
                return
            at = later

    def _fall_back(self, tried: dict, latest: dict, at: datetime) -> datetime | None:
        """After a silence try the next channel of each Send; returns when to look again, None where nothing is left to try."""
        in_order = sorted(self.recent, key=lambda touch: touch.step.order)
        last = {(touch.step.name, touch.visit): touch for touch in in_order}
        put_off, planned = [], False
        for key, touch in last.items():
            if touch.leg >= len(touch.step.channels) or tried.get(key) == touch.leg:
                continue
            at_latest = latest.setdefault((*key, touch.leg), add(at, touch.step.at_latest, self.zone))
            leg, until, _ = self._try(touch.step, touch.leg + 1, at, at_latest)
            if leg:
                planned = True
                self._made(touch.step, touch.visit, leg, at)
                self.stages.append(Stage(at, touch.step.name, "send", FELL_BACK, touch.visit, at,
                                         channel=touch.step.channels[leg - 1], message=touch.step.message))
            elif until:
                put_off.append(until)
            else:
                tried[key] = touch.leg  # refused for good
        if not put_off and not planned:
            return None
        clock = self._clock(self.step.within)
        return max(clock, min(put_off, default=clock))

    def _clock(self, within: Span) -> datetime:
        """When the wait has lasted long enough, from the arrival of its last message."""
        arrivals = [touch.at + self.latency.get(touch.channel, timedelta()) for touch in self.recent]
        return add(max([self.at, *arrivals]), within, self.zone)

    def _first_heard(self) -> tuple[str, datetime] | None:
        """The answer by which the wait is left, and when: of those known at one moment the first branch as written."""
        if self.recent:
            since = min(touch.at for touch in self.recent)
        elif self.passed:
            return None
        else:
            since = self.at
        found = []
        for rank, kind in enumerate(self._hears()):
            moments = [max(answer.at, self.at) for answer in self.answers if answer.kind == kind and answer.at > since
                       and (self.recent or kind in UNKEYED_KINDS)]
            if moments:
                found.append((min(moments), rank, kind))
        return (min(found)[2], min(found)[0]) if found else None

    def _leave_wait(self, on: str, at: datetime) -> None:
        self.recent, self.passed = [], 0
        self.leave(on, at)
