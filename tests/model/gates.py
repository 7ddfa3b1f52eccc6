"""Gates for the slow model, a rule a function: what one contact, one step and one moment say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from marketing.calendar import add, days, local, utc
from marketing.chain import Send
from marketing.steps import Purpose
from tests.model.facts import NOT_MADE, Contact, History, Planned

__all__ = ["Window", "at_send", "cap", "consent", "gate_of", "hours", "no_address", "same_address", "suppressed"]

#: One rule: what it objects to, as ("drop", reason) or ("defer", reason, until), or None.
Rule = Callable[[Contact, Send, datetime, History], tuple | None]

#: Weekdays (Monday 0), the hour that opens and the hour that closes.
Window = tuple[Sequence[int], int, int]


def gate_of(*rules: Rule) -> Callable[[Contact, Send, datetime, History], tuple]:
    """A gate that asks the rules in the order given; the first objection holds."""

    def gate(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple:
        objections = (rule(contact, step, as_of, history) for rule in rules)
        return next((objection for objection in objections if objection), ("pass",))

    return gate


def no_address(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
    """Nobody is written to where there is no address."""
    return None if step.channels[0] in contact.channels else ("drop", "no_address")


def suppressed(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
    """A suppression stops commercial and relationship messages, not what belongs to an order."""
    return ("drop", "suppressed") if history.suppressed_at(as_of, step.channels[0], str(step.purpose)) else None


def same_address(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
    """One household gets one message of a step and wave on a channel, whoever's turn comes first."""
    shared = contact.household is not None and step.channels[0] in ("email", "sms")
    before = [t for t in history.housemates if (t.step, t.channel) == (step.name, step.channels[0])]
    return ("drop", "same_address") if shared and before else None


def consent(grounds: Mapping[tuple[str, str], frozenset[str]]) -> Rule:
    """A ground is needed for a purpose on a channel: "granted", "customer" or "no_objection"; a refusal outweighs all."""

    def rule(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
        asked = (step.channels[0], str(step.purpose))
        said = history.said(contact, *asked)
        accepted = grounds[asked]
        if "always" in accepted:
            return None
        if said in ("refused", "withdrawn"):
            return ("drop", "consent_withdrawn")
        allowed = said in accepted or "no_objection" in accepted or ("customer" in accepted and history.bought)
        return None if allowed else ("drop", "no_consent")

    return rule


def cap(at_most: int, within_days: int, zone: str, purposes: frozenset[str] | None = None,
        channels: frozenset[str] | None = None) -> Rule:
    """At most n touches in d days over all chains; then not before the n-th most recent one is d days old.

    All count that were planned and may have left; what certainly did not leave gives its place back.
    """

    def rule(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
        if purposes and str(step.purpose) not in purposes or channels and step.channels[0] not in channels:
            return None
        frees = sorted(
            add(touch.planned_at, days(within_days), zone) for touch in history.touches
            if touch.outcome not in NOT_MADE and (purposes is None or touch.purpose in purposes)
            and (channels is None or touch.channel in channels)
        )
        if len([free for free in frees if free > as_of]) < at_most:
            return None
        return ("defer", "cap", frees[-at_most])

    return rule


def hours(channel: str, windows: Sequence[Window], zone: str, closed: Collection[date] = ()) -> Rule:
    """A channel is open in some windows of the week, by the contact's own clock, and not on closed days."""

    def rule(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
        if step.channels[0] != channel:
            return None
        until = _next_open(as_of, windows, contact.zone or zone, closed)
        return None if until == as_of else ("defer", "hours", until)

    return rule


def _next_open(as_of: datetime, windows: Sequence[Window], zone: str, closed: Collection[date]) -> datetime:
    midnight, openings = local(as_of, zone).replace(hour=0, minute=0, second=0, microsecond=0), []
    for ahead in range(-1, 15):
        day = midnight + timedelta(days=ahead)
        for weekdays, opens, closes in windows:
            start, end = utc(day + timedelta(hours=opens), zone), utc(day + timedelta(hours=closes), zone)
            if day.weekday() in weekdays and day.date() not in closed and as_of < end:
                openings.append(max(as_of, start))
    return min(openings)


def at_send(*rules: Rule) -> Callable[[Contact, Planned, datetime, History], tuple]:
    """What can have changed since a touch was planned: a suppression, a word on consent; then the rules given, as at plan."""

    def gate(contact: Contact, touch: Planned, now: datetime, history: History) -> tuple:
        if history.suppressed_at(now, touch.channel, touch.purpose):
            return ("drop", "suppressed")
        if touch.purpose != "transactional" and history.said(contact, touch.channel, touch.purpose) in ("refused", "withdrawn"):
            return ("drop", "consent_withdrawn")
        step = Send(touch.step, by=touch.channel, message=touch.step, purpose=Purpose(touch.purpose))
        return gate_of(*rules)(contact, step, now, history)

    return gate
