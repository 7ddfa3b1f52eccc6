"""The grammar of chains: everything that a chain file imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from marketing.calendar import Span, days, hours, minutes, months, weeks
from marketing.check import check
from marketing.form import Line
from marketing.responses import (
    APPOINTMENT, BOUNCED_HARD, BOUNCED_SOFT, BUSY, CALL_BACK, CLICKED, COMPLAINED, COUPON_REDEEMED, FORM_SUBMITTED,
    INBOUND_CALL, LETTER_RETURNED, NO_ANSWER, NOT_NOW, NOT_SENT, OPTED_IN, PURCHASED, REFUSED, REPLIED,
    SEND_DOCUMENTS, UNSUBSCRIBED, VOICEMAIL, WRONG_NUMBER,
)
from marketing.steps import (
    COMMERCIAL, RELATIONSHIP, TRANSACTIONAL, Assign, ChainError, Delay, Enrol, Exit, Experiment, Goal, GoTo, Purpose,
    Send, Split, Suppress, WaitFor, Written, listed,
)

__all__ = [
    "APPOINTMENT", "BOUNCED_HARD", "BOUNCED_SOFT", "BUSY", "CALL_BACK", "CLICKED", "COMMERCIAL", "COMPLAINED",
    "COUPON_REDEEMED", "FORM_SUBMITTED", "INBOUND_CALL", "LETTER_RETURNED", "NOT_NOW", "NOT_SENT", "NO_ANSWER",
    "OPTED_IN", "PURCHASED", "REFUSED", "RELATIONSHIP", "REPLIED", "SEND_DOCUMENTS", "TRANSACTIONAL",
    "UNSUBSCRIBED", "VOICEMAIL", "WRONG_NUMBER",
    "Assign", "Chain", "ChainError", "Delay", "Enrol", "Exit", "Experiment", "Field", "GoTo", "Goal", "Line", "Purpose",
    "Send", "Span", "Split", "Suppress", "WaitFor", "WaveParams",
    "days", "hours", "minutes", "months", "weeks",
]


class WaveParams(BaseModel):
    """The parameters of a wave, frozen when it is enrolled; a chain adds its own, each with a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What is said to whom and when, written as a marketer's brief.

    kind: "prospecting", "loyalty" or "transactional". holdout: the share (0 to 1) that gets nothing and
    is compared with. reenter_after: counted from the last enrolment; None means never again. exits:
    a response to the reason for which it ends the enrolment. wake_every: what timed wake-ups are rounded
    to. enrol_every: the audience is asked again after this long, or when a source changed. sources: the
    oldest age accepted of each source. arm_by: "contact" draws the arm once, "wave" again in each wave.

    Raises ChainError, which lists every mistake and its fix.
    """

    name: str
    title: str
    kind: str
    audience: str
    steps: Sequence[Written]
    params: type[WaveParams] = WaveParams
    goal: Goal | None = None
    holdout: float = 0.0
    reenter_after: Span | None = None
    exits: Mapping[str, str] = field(default_factory=dict)
    wake_every: Span = minutes(15)
    enrol_every: Span = days(1)
    sources: Mapping[str, Span] = field(default_factory=dict)
    arm_by: str = "contact"

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", listed(self.steps, f"{self.name} steps"))
        object.__setattr__(self, "exits", dict(self.exits))
        object.__setattr__(self, "sources", dict(self.sources))
        problems = check(self)
        if problems:
            raise ChainError("\n".join([f"{self.name} has {len(problems)} to mend:", *(f"  {p}" for p in problems)]))
