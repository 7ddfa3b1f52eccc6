"""What the slow model knows and says: contacts, touches, answers, and the rows it is compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

__all__ = [
    "MADE", "NOT_MADE", "Answer", "Consent", "Contact", "Enrolment", "History", "Move", "Planned", "Refusal",
    "Suppressed", "Touch",
]

#: Outcomes after which a touch counts as made: it left, or it may have.
MADE = frozenset({"accepted", "duplicate", "unknown"})
#: Outcomes after which it certainly did not leave. No outcome yet: planned or being sent, unsettled.
NOT_MADE = frozenset({"rejected", "blocked", "dropped"})


class Move(NamedTuple):
    """One move of an enrolment from step to step."""

    chain: str
    contact: int
    wave: int
    seq: int
    from_step: str
    to_step: str
    reason: str
    visit: int
    due_at: datetime
    moved_at: datetime


class Touch(NamedTuple):
    """One planned touch."""

    chain: str
    contact: int
    wave: int
    step: str
    visit: int
    leg: int
    channel: str
    planned_at: datetime


class Refusal(NamedTuple):
    """One touch, or one hand-over (step "", wave None), that was not let through."""

    chain: str
    contact: int
    wave: int | None
    step: str
    visit: int
    leg: int
    reason: str
    until_at: datetime | None
    stage: str
    refused_at: datetime


@dataclass(frozen=True)
class Contact:
    """One person: the channels on which there is an address, the consents, the zone if known."""

    contact_id: int
    channels: frozenset[str] = frozenset({"email", "sms", "post", "phone"})
    #: (channel, purpose) to "granted" or "refused" before all events; what is not there was never asked.
    consents: Mapping[tuple[str, str], str] = field(default_factory=dict)
    zone: str | None = None
    #: Contacts of one household have the same e-mail address and the same phone; None: one's own.
    household: str | None = None


@dataclass
class Enrolment:
    """One contact in one chain, and where they stand: `step` is the written step, None at a rest or an end."""

    chain: str
    contact: int
    wave: int
    enrolled_at: datetime
    place: str = ""
    step: object = None
    #: What is written after a rest.
    path: tuple = ()
    #: The number of the next move.
    seq: int = 1
    visits: dict[str, int] = field(default_factory=dict)
    arrived_at: datetime | None = None
    first_due: datetime | None = None
    due_at: datetime | None = None
    #: Until when a touch of a Send may leave, by the Send's name and the visit.
    at_latest: dict[tuple[str, int], datetime] = field(default_factory=dict)
    #: At a wait: when a further channel of a Send is to be asked again.
    put_off: datetime | None = None
    #: Planned since the contact left its previous wait, and how many Sends it passed since, planned or dropped.
    touches: list[Planned] = field(default_factory=list)
    sends_passed: int = 0
    #: Sent back by a GoTo in this pass: the step is for the next one.
    came_back: bool = False
    over: bool = False
    #: Left by a goal or an exit: what was planned and has not left will not leave.
    cancelled: bool = False


@dataclass(eq=False)
class Planned:
    """A touch and what became of it."""

    enrolment: Enrolment
    chain: str
    contact: int
    wave: int
    step: str
    visit: int
    leg: int
    channel: str
    purpose: str
    planned_at: datetime
    at_latest: datetime
    outcome: str | None = None
    made_at: datetime | None = None
    #: Outside its hours when it was to leave: not looked at again before.
    not_before: datetime | None = None

    def settle(self, outcome: str | None, now: datetime) -> None:
        """Note what the connector said; None: nothing yet."""
        self.outcome = outcome
        if outcome in MADE:
            self.made_at = now

    def row(self) -> Touch:
        return Touch(self.chain, self.contact, self.wave, self.step, self.visit, self.leg, self.channel,
                     self.planned_at)


@dataclass(frozen=True, eq=False)
class Answer:
    """A response that is known; keyed if it has a touch."""

    kind: str
    happened_at: datetime
    contact: int
    touch: Planned | None
    machine: bool
    meta: Mapping[str, str]


@dataclass(frozen=True)
class Consent:
    """What a contact said of a purpose on a channel: "granted", "refused" or "withdrawn"."""

    contact: int
    channel: str
    purpose: str
    status: str
    happened_at: datetime


@dataclass(frozen=True)
class Suppressed:
    """A suppression of a contact: on one channel or (None) on all, for one purpose, "all", or (None) all but transactional."""

    contact: int
    from_at: datetime
    until_at: datetime | None
    channel: str | None = None
    purpose: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it concerns all that a chain may say."""
        return self.channel is None and self.purpose in (None, "all")

    def holds(self, now: datetime) -> bool:
        return self.from_at <= now and (self.until_at is None or now < self.until_at)

    def stops(self, channel: str, purpose: str) -> bool:
        if self.channel not in (None, channel):
            return False
        return self.purpose in ("all", purpose) or (self.purpose is None and purpose != "transactional")


@dataclass(frozen=True)
class History:
    """What the gate may know of one contact's past, over all chains; `housemates` are touches of its household's others."""

    touches: list[Planned]
    suppressions: list[Suppressed]
    consents: list[Consent] = field(default_factory=list)
    bought: bool = False
    housemates: list[Planned] = field(default_factory=list)

    def suppressed_at(self, now: datetime, channel: str, purpose: str) -> bool:
        return any(s.holds(now) and s.stops(channel, purpose) for s in self.suppressions)

    def said(self, contact: Contact, channel: str, purpose: str) -> str | None:
        """The last word on a purpose on a channel; of two at one instant the one that is not "granted"."""
        words = [c for c in self.consents if (c.channel, c.purpose) == (channel, purpose)]
        if not words:
            return contact.consents.get((channel, purpose))
        return max(words, key=lambda c: (c.happened_at, c.status != "granted")).status
