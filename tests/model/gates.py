"""Gates for the slow model, a rule a function: what one contact, one step and one moment say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from marketing.calendar import add, days, local, utc
from marketing.chain import Send
from tests.model.facts import NOT_MADE, Contact, History, Planned

__all__ = ["at_send", "cap", "consent", "gate_of", "hours", "no_address", "suppressed"]

#: One rule: what it objects to, as ("drop", reason) or ("defer", reason, until), or None.
Rule = Callable[[Contact, Send, datetime, History], tuple | None]


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
    if str(step.purpose) != "transactional" and history.suppressed_at(as_of):
        return ("drop", "suppressed")
    return None


def consent(grounds: Mapping[tuple[str, str], frozenset[str]]) -> Rule:
    """A ground is needed for a purpose on a channel: "granted", or "no_objection" where nobody has refused."""

    def rule(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
        asked = (step.channels[0], str(step.purpose))
        said = contact.consents.get(asked)
        accepted = grounds[asked]
        if "always" in accepted:
            return None
        if said == "refused":
            return ("drop", "consent_withdrawn")
        return None if said in accepted or "no_objection" in accepted else ("drop", "no_consent")

    return rule


def cap(at_most: int, within_days: int, zone: str, purposes: frozenset[str] | None = None) -> Rule:
    """At most n touches in d days over all chains; then not before the n-th most recent one is d days old.

    All count that were planned and may have left; what certainly did not leave gives its place back.
    """

    def rule(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
        if purposes and str(step.purpose) not in purposes:
            return None
        frees = sorted(
            add(touch.planned_at, days(within_days), zone) for touch in history.touches
            if touch.outcome not in NOT_MADE and (purposes is None or touch.purpose in purposes)
        )
        if len([free for free in frees if free > as_of]) < at_most:
            return None
        return ("defer", "cap", frees[-at_most])

    return rule


def hours(channel: str, weekdays: Sequence[int], opens: int, closes: int, zone: str) -> Rule:
    """A channel is open from one hour to another on certain weekdays (Monday 0), by the contact's own clock."""

    def rule(contact: Contact, step: Send, as_of: datetime, history: History) -> tuple | None:
        if step.channels[0] != channel:
            return None
        here = contact.zone or zone
        until = _next_open(as_of, weekdays, opens, closes, here)
        return None if until == as_of else ("defer", "hours", until)

    return rule


def _next_open(as_of: datetime, weekdays: Sequence[int], opens: int, closes: int, zone: str) -> datetime:
    midnight = local(as_of, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for ahead in range(-1, 15):
        day = midnight + timedelta(days=ahead)
        start, end = utc(day + timedelta(hours=opens), zone), utc(day + timedelta(hours=closes), zone)
        if day.weekday() in weekdays and as_of < end:
            return max(as_of, start)
    raise ValueError(f"no weekday of {list(weekdays)} comes within two weeks")


def at_send(contact: Contact, touch: Planned, now: datetime, history: History) -> str | None:
    """What can have changed since a touch was planned: a suppression."""
    return "suppressed" if touch.purpose != "transactional" and history.suppressed_at(now) else None
