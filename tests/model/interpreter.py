"""What the grammar of chains means, said slowly: one contact at a time, over the chain as it is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from marketing.calendar import Span, add, read_moment
from marketing.chain import NOT_SENT, Assign, Delay, Enrol, Exit, Experiment, GoTo, Send, Split, Suppress, WaitFor
from marketing.chance import experiment_salt, holdout_salt, in_share, pick
from marketing.graph import end_name
from tests.model.asking import Asking
from tests.model.facts import MADE, Answer, Enrolment, Move, Planned, Refusal, Suppressed
from tests.model.reading import Path, sends_ahead

__all__ = ["Model"]



class Model(Asking):
    """A book that also knows how a pass goes: `run_pass()` writes moves, touches and refusals into it."""

    def run_pass(self, chain: str, as_of: datetime, audience: Collection[int] = (),
                 audiences: Mapping[str, Collection[int]] | None = None) -> None:
        """One pass of a chain: settle, enrol, then step by step as written: each contact that stands there goes on.

        `audience` holds who the chain's own query returns, `audiences` who each query of a Split returns.
        """
        suppressions, spoken = self.news_of(chain)
        inside = [e for e in self.enrolments if e.chain == chain and not e.over]
        for enrolment in inside:
            enrolment.came_back = False
            self._settle(enrolment, as_of, suppressions, spoken)
        self._take_in(chain, as_of, sorted(self._take_hand_overs(chain)), handed_over=True)
        self._take_in(chain, as_of, sorted(audience), handed_over=False)
        for step in self.graphs[chain].steps:
            for enrolment in [e for e in self.enrolments if e.chain == chain and not e.over and e.place == step.name]:
                self._go_on(enrolment, as_of, audiences or {})

    # -- settle: goals and exits, before everything else

    def _settle(self, e: Enrolment, as_of: datetime, suppressions: list[Suppressed], spoken: set[int]) -> None:
        chain = self.chains[e.chain]
        own = [a for a in self.answers if a.contact == e.contact and not a.machine and a.happened_at > e.enrolled_at]
        goal = chain.goal
        if goal and goal.ends:
            closes = add(e.enrolled_at, goal.within, self.zone)
            if any(a.kind == goal.kind and a.happened_at <= closes for a in own):
                self._leave_at_once(e, "goal", end_name(goal.then[0]) if goal.then else "goal", as_of,
                                    goal.then[0] if goal.then else None)
                return
        for kind, reason in chain.exits.items():
            if any(a.kind == kind for a in own):
                self._leave_at_once(e, kind, f"exit:{reason}", as_of, Exit(reason))
                return
        # Older suppressions are the gate's business.
        if any(s.contact == e.contact and s.whole and s.holds(as_of) for s in suppressions):
            self._leave_at_once(e, "suppressed", "exit:suppressed", as_of, Exit("suppressed"))
        elif e.contact in spoken and self._unreachable(e, as_of):
            self._leave_at_once(e, "no_consent_left", "exit:no_consent_left", as_of, Exit("no_consent_left"))

    def _unreachable(self, e: Enrolment, as_of: datetime) -> bool:
        """Whether there are Sends ahead, and a ground for none of them on any of its channels."""
        legs = [replace(send, by=channel) for send in sends_ahead(self.readings[e.chain], e.step, e.path)
                for channel in send.channels]
        contact, history = self.contacts[e.contact], self.history(e.contact)
        return bool(legs) and all(self.permitted(contact, leg, as_of, history) != ("pass",) for leg in legs)

    def _leave_at_once(self, e: Enrolment, reason: str, to: str, as_of: datetime, end) -> None:
        """Out of wherever the contact stands; what is planned and not yet sent will not leave."""
        e.cancelled = True
        self._end(e, reason, to, as_of, end)

    # -- enrol: hand-overs and the audience

    def _take_hand_overs(self, chain: str) -> list[int]:
        waiting = [contact for to, contact in self.handed_over if to == chain]
        self.handed_over = [row for row in self.handed_over if row[0] != chain]
        return waiting

    def _take_in(self, name: str, as_of: datetime, candidates: list[int], handed_over: bool) -> None:
        wave = None
        for contact in candidates:
            reason = self._not_again(name, contact, as_of)
            if reason is None:
                if wave is None:
                    self.waves += 1
                    wave = self.waves
                self._enter(name, contact, wave, as_of)
            elif handed_over:
                self.refusals.append(Refusal(name, contact, None, "", 0, 0, reason, None, "plan", as_of))

    def _not_again(self, name: str, contact: int, as_of: datetime) -> str | None:
        before = [e for e in self.enrolments if e.chain == name and e.contact == contact]
        if any(not e.over for e in before):
            return "inside"
        pause = self.chains[name].reenter_after
        if before and (pause is None or add(before[-1].enrolled_at, pause, self.zone) > as_of):
            return "entered_recently"
        return None

    def _enter(self, name: str, contact: int, wave: int, as_of: datetime) -> None:
        chain = self.chains[name]
        salt = holdout_salt(name, wave if chain.arm_by == "wave" else None)
        e = Enrolment(name, contact, wave, enrolled_at=as_of)
        self.enrolments.append(e)
        if chain.holdout and in_share(salt, contact, chain.holdout):
            self._arrive(e, "held_out", "holdout", None, add(as_of, chain.goal.within, self.zone), as_of)
        else:
            self._follow(e, "entered", self.readings[name].whole, as_of)

    # -- advance: one contact, one step at a time

    def _go_on(self, e: Enrolment, as_of: datetime, audiences: Mapping[str, Collection[int]]) -> None:
        """Do what the contact's step does now."""
        if e.came_back or e.due_at > as_of:
            return
        match e.step:
            case Send():
                self._send(e, e.step, as_of)
            case WaitFor():
                self._wait(e, e.step, as_of)
            case Split():
                found = [name for name in e.step.on if e.contact in audiences.get(name, ())]
                self._branch(e, found[0] if found else "otherwise", as_of)
            case Experiment():
                self._branch(e, pick(experiment_salt(e.chain, e.place), e.contact, _shares(e.step)), as_of)
            case Assign():
                self._branch(e, "next", as_of)
            case None if e.place == "holdout":
                self._end(e, "window_closed", "exit:held_out", as_of, Exit("held_out"))
            case None:
                self._follow(e, "next", e.path, as_of)

    def _send(self, e: Enrolment, step: Send, as_of: datetime) -> None:
        visit = e.visits[step.name]
        e.at_latest[step.name, visit] = add(e.first_due, step.at_latest, self.zone)
        came, until = self._try(e, step, visit, 1, as_of)
        if came == "defer":
            e.due_at = until
            self._record(e, step.name, step.name, "deferred", visit, until, as_of)
            return
        e.sends_passed += 1
        self._branch(e, "next" if came == "pass" else "unreached", as_of)

    def _wait(self, e: Enrolment, step: WaitFor, as_of: datetime) -> None:
        made = [t for t in e.touches if t.outcome in MADE]
        unsettled = [t for t in e.touches if t.outcome is None]
        silent = not unsettled and (made or e.sends_passed == 0) and self._clock(e, step, made) <= as_of
        in_vain = self._in_vain(e, silent)
        if in_vain and not any(self._heard(e, kind, made) for kind in step.on):
            if e.put_off and e.put_off > as_of or self._fall_back(e, in_vain, as_of):
                return
            in_vain = []
        not_sent = e.sends_passed > 0 and not unsettled and not made and not in_vain
        for kind in step.on:
            heard = self._heard(e, kind, made)
            if (kind == NOT_SENT and not_sent) or heard:
                self._leave_wait(e, kind, as_of, heard[0] if heard else None)
                return
        if not_sent:
            self._end(e, NOT_SENT, "exit:not_reached", as_of, Exit("not_reached"))
        elif silent:
            self._leave_wait(e, "otherwise", as_of, None)

    def _clock(self, e: Enrolment, step: WaitFor, made: list[Planned]) -> datetime:
        """When the wait has lasted long enough, from the arrival of the last message."""
        arrivals = [t.made_at + self.latency.get(t.channel, timedelta()) for t in made]
        return add(max([e.arrived_at, *arrivals]), step.within, self.zone)

    def _heard(self, e: Enrolment, kind: str, made: list[Planned]) -> list[Answer]:
        """The responses of a kind that the wait hears, the first to happen first."""
        if made:
            since = min(t.made_at for t in made)
        else:
            since = e.arrived_at if e.sends_passed == 0 else datetime.max
        heard = [
            a for a in self.answers
            if a.kind == kind and not a.machine and a.contact == e.contact
            and (a.touch in e.touches if a.touch else a.happened_at > since)
        ]
        return sorted(heard, key=lambda a: a.happened_at)

    def _leave_wait(self, e: Enrolment, on: str, as_of: datetime, answer: Answer | None) -> None:
        e.touches, e.sends_passed = [], 0
        self._branch(e, on, as_of, answer)

    def _branch(self, e: Enrolment, on: str, as_of: datetime, answer: Answer | None = None) -> None:
        """Leave a step by a branch, or by what follows it if it has none of that name."""
        reading = self.readings[e.chain]
        way = "next" if on == "unreached" else on
        self._follow(e, on, reading.ways[e.place, way], as_of, answer, edge=way)

    # -- following what is written

    def _follow(self, e: Enrolment, on: str, path: Path, as_of: datetime, answer: Answer | None = None,
                edge: str | None = None) -> None:
        """Go along a path until there is somewhere to stand: a step, an end, or a rest before one of them."""
        delays = []
        while isinstance(path[0], Delay):
            delays.append(path[0])
            path = path[1:]
        step, onward = path[0], path[1:]
        due = self._due(e, delays, as_of, answer)
        target = step.step if isinstance(step, GoTo) else None
        waits = isinstance(self.readings[e.chain].steps.get(target, step), (WaitFor, Enrol, Suppress, Exit))
        if delays and waits:
            rest = self._rest_name(e, edge or on, target or getattr(step, "name", None) or end_name(step))
            self._arrive(e, on, rest, None, due, as_of, path)
        elif target is None and isinstance(step, (Enrol, Suppress, Exit)):
            self._end(e, on, end_name(step), as_of, step)
        elif target is None:
            self._arrive(e, on, step.name, step, due, as_of)
        elif e.visits.get(target, 0) < step.at_most:
            self._arrive(e, on, target, self.readings[e.chain].steps[target], due, as_of)
            e.came_back = True
        else:
            # Used up: what the GoTo says instead, at once. The delay was the way to its target.
            self._follow(e, on, step.then + onward, as_of, answer, edge)

    def _due(self, e: Enrolment, delays: list[Delay], as_of: datetime, answer: Answer | None) -> datetime:
        if not delays:
            return as_of
        first = delays[0]
        if first.until:
            date = read_moment(answer.meta.get(first.until), self.zone) if answer else None
            return max(as_of, date or add(as_of, first.span or Span(), self.zone))
        if first.since == "enrolled":
            return max(as_of, add(e.enrolled_at, first.span, self.zone))
        return add(as_of, sum((d.span for d in delays), Span()), self.zone)

    def _rest_name(self, e: Enrolment, on: str, target: str) -> str:
        """The name that the compiled chain gives to the rest before a target; no other use of it is made here."""
        names = [edge.to for edge in self.graphs[e.chain].out(e.place)
                 if edge.on == on and edge.to.partition("#")[0] == f"rest:{target}"]
        return names[0]

    # -- moving

    def _arrive(self, e: Enrolment, on: str, name: str, step, due: datetime, as_of: datetime, path: Path = ()) -> None:
        visit = e.visits[name] = e.visits.get(name, 0) + 1
        came_from = e.place
        e.place, e.step, e.path = name, step, path
        e.arrived_at, e.first_due, e.due_at, e.put_off = as_of, due, due, None
        self._record(e, came_from, name, on, visit, due, as_of)

    def _end(self, e: Enrolment, on: str, name: str, as_of: datetime, end) -> None:
        self._arrive(e, on, name, None, as_of, as_of)
        e.over = True
        if isinstance(end, Enrol):
            self.handed_over.append((end.chain, e.contact))
        elif isinstance(end, Suppress):
            self.suppressions.append(Suppressed(e.contact, as_of, None))

    def _record(self, e: Enrolment, from_: str, to: str, on: str, visit: int, due: datetime, as_of: datetime) -> None:
        self.moves.append(Move(e.chain, e.contact, e.wave, e.seq, from_, to, on, visit, due, as_of))
        e.seq += 1


def _shares(experiment: Experiment) -> dict[str, float]:
    given = experiment.shares or {variant: 1 / len(experiment.on) for variant in experiment.on}
    return {variant: given[variant] for variant in experiment.on}
