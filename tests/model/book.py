"""What has happened so far, as the slow model notes it: what the world did, what became of touches, the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from marketing import graph
from marketing.chain import Chain, Send
from tests.model.facts import Answer, Contact, Enrolment, History, Move, Planned, Refusal, Suppressed, Touch
from tests.model.reading import Reading, read

__all__ = ["Book", "Gate", "SendGate"]

#: What the gate says of one touch: ("pass",), ("drop", reason) or ("defer", reason, until).
Gate = Callable[[Contact, Send, datetime, History], tuple]
#: The gate at send: the reason for which a planned touch may no longer leave, or None.
SendGate = Callable[[Contact, Planned, datetime, History], str | None]


def let_all_pass(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple:
    """A gate that is always open."""
    return ("pass",)


def let_all_leave(contact: Contact, touch: Planned, now: datetime, history: History) -> str | None:
    """A gate at send that is always open."""
    return None


class Book:
    """Chains, contacts and what happened to them; events are given in the order of time, instants in naive UTC.

    `zone` is the house's; `latency` is the time from acceptance to arrival by channel.
    """

    def __init__(
        self, chains: Collection[Chain], contacts: Collection[Contact], zone: str = "Europe/Paris",
        gate: Gate = let_all_pass, gate_at_send: SendGate = let_all_leave,
        latency: Mapping[str, timedelta] | None = None,
    ) -> None:
        self.chains = {chain.name: chain for chain in chains}
        self.readings: dict[str, Reading] = {chain.name: read(chain) for chain in chains}
        self.graphs = {chain.name: graph.compile(chain) for chain in chains}
        self.contacts = {contact.contact_id: contact for contact in contacts}
        self.zone, self.gate, self.gate_at_send, self.latency = zone, gate, gate_at_send, latency or {}
        self.waves = 0
        self.moves: list[Move] = []
        self.refusals: list[Refusal] = []
        self.enrolments: list[Enrolment] = []
        self.planned: list[Planned] = []
        self.answers: list[Answer] = []
        self.suppressions: list[Suppressed] = []
        #: How many of the suppressions the last pass of each chain knew.
        self.read: dict[str, int] = {}
        self.handed_over: list[tuple[str, int]] = []

    def answered(self, kind: str, happened_at: datetime, contact: int, touch: Planned | None = None,
                 machine: bool = False, meta: Mapping[str, str] | None = None) -> None:
        """A response becomes known; with a touch it is keyed to it, without one it is the contact's."""
        self.answers.append(Answer(kind, happened_at, contact, touch, machine, meta or {}))

    def suppressed(self, contact: int, from_at: datetime, until_at: datetime | None = None) -> None:
        """A suppression of the whole contact becomes known."""
        self.suppressions.append(Suppressed(contact, from_at, until_at))

    def drain(self, now: datetime, outcome_of: Callable[[Planned], str | None]) -> None:
        """Hand every planned touch to its connector; an outcome of None leaves it planned."""
        for touch in self.planned:
            if touch.outcome is None:
                reason = self._stopped(touch, now)
                touch.settle(outcome_of(touch) if reason is None else "dropped", now)
                if reason is not None:
                    self.refusals.append(Refusal(touch.chain, touch.contact, touch.wave, touch.step, touch.visit,
                                                 reason, None, "send", now))

    def _stopped(self, touch: Planned, now: datetime) -> str | None:
        """Why a planned touch may no longer leave."""
        if touch.enrolment.cancelled:
            return "left_chain"
        if now > touch.at_latest:
            return "stale"
        return self.gate_at_send(self.contacts[touch.contact], touch, now, self.history(touch.contact))

    def latest_touch(self, contact: int, chain: str, step: str) -> Planned | None:
        """The last touch planned for a contact at a step, in whatever enrolment and visit."""
        found = [t for t in self.planned if (t.contact, t.chain, t.step) == (contact, chain, step)]
        return found[-1] if found else None

    def history(self, contact: int) -> History:
        """What the gate may know of a contact's past."""
        return History(
            [t for t in self.planned if t.contact == contact], [s for s in self.suppressions if s.contact == contact],
        )

    def touches(self) -> list[Touch]:
        """The planned touches as rows."""
        return [touch.row() for touch in self.planned]

    def active(self) -> list[tuple]:
        """Who stands where: (chain, contact, wave, step, due_at)."""
        return [(e.chain, e.contact, e.wave, e.place, e.due_at) for e in self.enrolments if not e.over]
