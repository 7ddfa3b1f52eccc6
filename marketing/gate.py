"""The gate's rules: who may be written to, on which ground, and when."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from marketing.calendar import local, utc
from marketing.channels import CHANNELS, EMAIL, FEED, PHONE, POST, SMS, VOICE, WEBHOOK
from marketing.policy import Hours
from marketing.steps import COMMERCIAL, RELATIONSHIP, TRANSACTIONAL

__all__ = ["CHANNEL_BITS", "GROUNDS", "REASONS", "RULES", "consent_bit", "next_open"]

#: The rules in the order they are asked: what concerns one contact first, what shares out something scarce last.
RULES = ("stale", "no_address", "suppressed", "global_holdout", "consent", "hours", "cap", "same_address")

#: Why a touch was refused, in the words of the report.
REASONS = {
    "stale": "its latest moment had passed",
    "no_address": "no address for this channel",
    "suppressed": "on the suppression list",
    "global_holdout": "belongs to the house's holdout",
    "no_consent": "no consent for this purpose on this channel",
    "consent_withdrawn": "consent was refused or withdrawn",
    "same_address": "another contact with the same address gets this message",
    "hours": "outside the hours of this channel",
    "cap": "had as many messages as the policy allows",
    "left_chain": "left the chain before it was sent",
    "run_cancelled": "its run was cancelled before it was sent",
    "withdrawn": "its wave was withdrawn",
    "missing_value": "a value that the message needs is missing",
    "not_allowed_here": "its address is not on the list that may be reached before the house is live",
    "inside": "handed over, but inside the chain already",
    "entered_recently": "handed over, but entered the chain too recently",
}

#: Grounds that permit a message where nothing was refused or withdrawn: consent given, being
#: a customer (a sale, similar products), or no objection. France: CPCE L34-5 for e-mail, SMS and
#: automatons; loi 2025-594 for calls (prior consent since 11 August 2026); legitimate interest for post.
GROUNDS: dict[tuple[str, str], frozenset[str]] = {
    (EMAIL, COMMERCIAL): frozenset({"granted", "customer"}),
    (SMS, COMMERCIAL): frozenset({"granted", "customer"}),
    (PHONE, COMMERCIAL): frozenset({"granted"}),
    (VOICE, COMMERCIAL): frozenset({"granted"}),
    (POST, COMMERCIAL): frozenset({"no_objection"}),
    (FEED, COMMERCIAL): frozenset({"granted", "no_objection"}),
    (WEBHOOK, COMMERCIAL): frozenset({"granted", "no_objection"}),
    **{(channel, RELATIONSHIP): frozenset({"no_objection"}) for channel in CHANNELS - {PHONE, VOICE}},
    (PHONE, RELATIONSHIP): frozenset({"granted", "customer"}),
    (VOICE, RELATIONSHIP): frozenset({"granted"}),
    **{(channel, TRANSACTIONAL): frozenset({"always"}) for channel in CHANNELS},
}

#: The bit of a channel in `reach`.
CHANNEL_BITS = {channel: 1 << position for position, channel in enumerate(sorted(CHANNELS))}
_PURPOSES = (COMMERCIAL, RELATIONSHIP)


def consent_bit(channel: str, purpose: str) -> int:
    """The bit of a channel and purpose in `granted` and `refused`; 0 for transactional, which needs none."""
    if purpose not in _PURPOSES:
        return 0
    return 1 << (sorted(CHANNELS).index(channel) * len(_PURPOSES) + _PURPOSES.index(purpose))


def next_open(as_of: datetime, windows: Sequence[Hours], zone: str, country: str) -> datetime:
    """`as_of` when a window is open in `zone`, else the instant the next one opens (naive UTC, within 31 days).

    The start of a window belongs to it, its end does not; a local time that does not
    exist opens when the clock has moved on. No windows: always open.
    """
    if not windows:
        return as_of
    here = local(as_of, zone)
    best = None
    for ahead in range(32):
        day = here.date() + timedelta(days=ahead)
        for window in windows:
            if day.weekday() not in window.weekdays or (not window.holidays and day in _closed(country, day.year)):
                continue
            opens = utc(datetime.combine(day, window.start), zone)
            closes = utc(datetime.combine(day, window.end), zone)
            if opens <= as_of < closes:
                return as_of
            if as_of < opens and (best is None or opens < best):
                best = opens
        if best is not None:
            return best
    return as_of + timedelta(days=31)


@lru_cache(maxsize=64)
def _closed(country: str, year: int):
    return frozenset(holidays.country_holidays(country, years=year))


@lru_cache(maxsize=1024)
def known_zone(zone: str | None, default: str) -> str:
    """The contact's zone, or the house's where it has none or one that does not exist."""
    try:
        return str(ZoneInfo(zone)) if zone else default
    except (KeyError, ValueError, OSError):
        return default
