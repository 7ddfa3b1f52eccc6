"""How a Send asks for its channels in turn, said slowly: at the Send itself, and again at the wait that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from marketing.calendar import add
from marketing.chain import Send
from tests.model.book import Book
from tests.model.facts import NOT_MADE, Enrolment, Planned, Refusal

__all__ = ["Asking"]

#: Refusals that say there is no way to the contact on one channel: the Send's next one is tried.
NO_WAY = ("no_address", "suppressed", "no_consent", "consent_withdrawn")


class Asking(Book):
    """A book that asks the gate for touches."""

    def _try(self, e: Enrolment, step: Send, visit: int, first: int, as_of: datetime) -> tuple[str, datetime | None]:
        """Try one channel after the other, from leg `first` on, as long as there is no way on the one before."""
        for leg, channel in list(enumerate(step.channels, start=1))[first - 1:]:
            verdict = self._asked(e, replace(step, by=channel), visit, as_of)
            if verdict[0] == "pass":
                self._plan(e, step, visit, leg, as_of)
                return "pass", None
            until = verdict[2] if verdict[0] == "defer" else None
            self.refusals.append(Refusal(
                e.chain, e.contact, e.wave, step.name, visit, leg, verdict[1], until, "plan", as_of))
            if until is not None:
                return "defer", until
            if verdict[1] not in NO_WAY:
                break
        return "drop", None

    def _asked(self, e: Enrolment, step: Send, visit: int, as_of: datetime) -> tuple:
        """What the gate says of a Send on one channel; what could leave only after its latest moment is stale."""
        at_latest = e.at_latest[step.name, visit]
        if as_of > at_latest:
            return ("drop", "stale")
        verdict = self.gate(self.contacts[e.contact], step, as_of, self.history(e.contact, e.wave))
        return ("drop", "stale") if verdict[0] == "defer" and verdict[2] > at_latest else verdict

    def _plan(self, e: Enrolment, step: Send, visit: int, leg: int, as_of: datetime) -> None:
        touch = Planned(e, e.chain, e.contact, e.wave, step.name, visit, leg, step.channels[leg - 1],
                        str(step.purpose), as_of, e.at_latest[step.name, visit])
        self.planned.append(touch)
        e.touches.append(touch)

    def _in_vain(self, e: Enrolment, silent: bool) -> list[Planned]:
        """The last touches of Sends that came to nothing (were not made, or were while the wait heard nothing) and have a
        channel left that was not refused for good."""
        last = {}
        for touch in e.touches:
            last[touch.step, touch.visit] = touch
        found = []
        for touch in last.values():
            legs = len(self.readings[e.chain].steps[touch.step].channels)
            over = any(r.until_at is None and (r.leg == legs or r.reason not in NO_WAY) for r in self._refused_after(e, touch))
            nothing = touch.outcome in NOT_MADE or silent and touch.outcome != "unknown"
            if nothing and touch.leg < legs and not over:
                found.append(touch)
        order = [send.name for send in self.graphs[e.chain].sends]
        return sorted(found, key=lambda touch: order.index(touch.step))

    def _refused_after(self, e: Enrolment, touch: Planned) -> list[Refusal]:
        """What was refused on the channels after a touch's own."""
        its = (e.chain, e.contact, e.wave, touch.step, touch.visit, "plan")
        return [r for r in self.refusals
                if (r.chain, r.contact, r.wave, r.step, r.visit, r.stage) == its and r.leg > touch.leg]

    def _fall_back(self, e: Enrolment, in_vain: list[Planned], as_of: datetime) -> bool:
        """Try the next channel of each Send whose last touch came to nothing; whether the contact stays for one.

        After a silence its latest moment counts from when it is first asked: the Send's own may have gone by while it waited.
        """
        for t in in_vain:
            if t.outcome not in NOT_MADE:
                first = min([r.refused_at for r in self._refused_after(e, t)], default=as_of)
                e.at_latest[t.step, t.visit] = add(first, self.readings[e.chain].steps[t.step].at_latest, self.zone)
        came = [self._try(e, self.readings[e.chain].steps[t.step], t.visit, t.leg + 1, as_of) for t in in_vain]
        put_off = [until for verdict, until in came if verdict == "defer"]
        planned = any(verdict == "pass" for verdict, _ in came)
        if not put_off and not planned:
            return False
        e.put_off = min(put_off, default=None)
        self._record(e, e.place, e.place, "fallback" if planned else "deferred", e.visits[e.place], as_of, as_of)
        return True
