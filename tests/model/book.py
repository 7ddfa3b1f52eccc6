"""What has happened so far, as the slow model notes it: what the world did, what became of touches, the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from marketing import graph
from marketing.chain import PURCHASED, Chain, Send
from tests.model.facts import Answer, Consent, Contact, Enrolment, History, Move, Planned, Refusal, Suppressed, Touch
from tests.model.reading import Reading, read

__all__ = ["Book", "Gate", "SendGate"]

#: What the gate says of one touch: ("pass",), ("drop", reason) or ("defer", reason, until).
Gate = Callable[[Contact, Send, datetime, History], tuple]
#: The gate at send says the same of a planned touch.
SendGate = Callable[[Contact, Planned, datetime, History], tuple]


def let_all_pass(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple:
    """A gate that is always open."""
    return ("pass",)


def let_all_leave(contact: Contact, touch: Planned, now: datetime, history: History) -> tuple:
    """A gate at send that is always open."""
    return ("pass",)


class Book:
    """Chains, contacts and what happened to them; events are given in the order of time, instants in naive UTC.

    `zone` is the house's; `latency` is the time from acceptance to arrival by channel; `permitted` says whether there is
    a ground for a Send on one channel, whatever else the gate may say.
    """

    def __init__(
        self, chains: Collection[Chain], contacts: Collection[Contact], zone: str = "Europe/Paris",
        gate: Gate = let_all_pass, gate_at_send: SendGate = let_all_leave,
        latency: Mapping[str, timedelta] | None = None, permitted: Gate = let_all_pass,
    ) -> None:
        self.chains = {chain.name: chain for chain in chains}
        self.readings: dict[str, Reading] = {chain.name: read(chain) for chain in chains}
        self.graphs = {chain.name: graph.compile(chain) for chain in chains}
        self.contacts = {contact.contact_id: contact for contact in contacts}
        self.zone, self.gate, self.gate_at_send, self.latency = zone, gate, gate_at_send, latency or {}
        self.permitted = permitted
        self.waves = 0
        self.moves: list[Move] = []
        self.refusals: list[Refusal] = []
        self.enrolments: list[Enrolment] = []
        self.planned: list[Planned] = []
        self.answers: list[Answer] = []
        self.suppressions: list[Suppressed] = []
        self.consents: list[Consent] = []
        #: How many of the suppressions and consents the last pass of each chain knew.
        self.read: dict[str, tuple[int, int]] = {}
        self.handed_over: list[tuple[str, int]] = []

    def answered(self, kind: str, happened_at: datetime, contact: int, touch: Planned | None = None,
                 machine: bool = False, meta: Mapping[str, str] | None = None) -> None:
        """A response becomes known; with a touch it is keyed to it, without one it is the contact's."""
        self.answers.append(Answer(kind, happened_at, contact, touch, machine, meta or {}))

    def suppressed(self, contact: int, from_at: datetime, until_at: datetime | None = None, channel: str | None = None,
                   purpose: str | None = None) -> None:
        """A suppression becomes known: of the whole contact, or on a channel, or for a purpose."""
        self.suppressions.append(Suppressed(contact, from_at, until_at, channel, purpose))

    def consented(self, contact: int, channel: str, purpose: str, status: str, happened_at: datetime) -> None:
        """A word on consent becomes known."""
        self.consents.append(Consent(contact, channel, purpose, status, happened_at))

    def news_of(self, chain: str) -> tuple[list[Suppressed], set[int]]:
        """The suppressions, and who has said something of consent, since the chain's last pass."""
        suppressions, consents = self.read.get(chain, (0, 0))
        self.read[chain] = len(self.suppressions), len(self.consents)
        return self.suppressions[suppressions:], {c.contact for c in self.consents[consents:]}

    def drain(self, now: datetime, outcome_of: Callable[[Planned], str | None]) -> None:
        """Hand every planned touch to its connector; an outcome of None leaves it planned."""
        for touch in self.planned:
            if touch.outcome is None and (touch.not_before is None or touch.not_before <= now):
                match self._at_send(touch, now):
                    case ("pass",):
                        touch.settle(outcome_of(touch), now)
                    case ("drop", reason):
                        touch.settle("dropped", now)
                        self.refusals.append(Refusal(touch.chain, touch.contact, touch.wave, touch.step, touch.visit,
                                                     touch.leg, reason, None, "send", now))
                    case ("defer", _, until):
                        touch.not_before = until

    def _at_send(self, touch: Planned, now: datetime) -> tuple:
        """Whether a planned touch may leave now; one whose hours come after its latest moment is stale at once."""
        if touch.enrolment.cancelled:
            return ("drop", "left_chain")
        if now > touch.at_latest:
            return ("drop", "stale")
        verdict = self.gate_at_send(self.contacts[touch.contact], touch, now, self.history(touch.contact))
        late = verdict[0] == "defer" and verdict[2] > touch.at_latest
        return ("drop", "stale") if late else verdict

    def latest_touch(self, contact: int, chain: str, step: str) -> Planned | None:
        """The last touch planned for a contact at a step, in whatever enrolment and visit."""
        found = [t for t in self.planned if (t.contact, t.chain, t.step) == (contact, chain, step)]
        return found[-1] if found else None

    def history(self, contact: int, wave: int | None = None) -> History:
        """What the gate may know of a contact's past, and of those of its household in the same wave."""
        household = self.contacts[contact].household
        return History(
            [t for t in self.planned if t.contact == contact], [s for s in self.suppressions if s.contact == contact],
            [c for c in self.consents if c.contact == contact],
            any(a.kind == PURCHASED for a in self.answers if a.contact == contact),
            [t for t in self.planned if t.wave == wave and t.contact != contact
             and self.contacts[t.contact].household == household],
        )

    def touches(self) -> list[Touch]:
        """The planned touches as rows."""
        return [touch.row() for touch in self.planned]

    def active(self) -> list[tuple]:
        """Who stands where: (chain, contact, wave, step, due_at)."""
        return [(e.chain, e.contact, e.wave, e.place, e.due_at) for e in self.enrolments if not e.over]
