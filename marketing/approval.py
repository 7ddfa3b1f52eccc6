"""Approval: from which size on a wave waits for a person, and what its approval binds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from marketing.calendar import Span, hours, local
from marketing.settings import Price, Settings

__all__ = ["APPROVED", "AWAITING", "ENTERED", "LAPSED", "REJECTED", "VOID", "Approval", "Thresholds", "exceeded"]

#: Where a wave above a threshold stands: it waits, somebody has decided, nobody has in time, or what it was bound to has
#: changed; `entered` is an approved one that a pass has taken in.
AWAITING, APPROVED, REJECTED, LAPSED, VOID, ENTERED = "awaiting", "approved", "rejected", "lapsed", "void", "entered"


class Thresholds(Settings):
    """The table [approval] of policy.toml; a threshold left out asks for nobody's approval."""

    contacts: int | None = Field(None, ge=1, strict=True, description="a whole number of contacts, 1 or more")
    cost: Price | None = Field(None, description="an amount in the house's currency, 0 or more")
    hours: int = Field(48, ge=1, le=24 * 60, strict=True, description="whole hours that a wave waits, 1 to 1440")

    def __bool__(self) -> bool:
        return self.contacts is not None or self.cost is not None

    def room(self, each: Decimal) -> int | None:
        """How many may enter without approval, where one costs at most `each`; None: as many as there are."""
        rooms = [] if self.contacts is None else [self.contacts]
        if self.cost is not None and each:
            rooms.append(int(self.cost / each))
        return min(rooms, default=None)

    @property
    def waits(self) -> Span:
        """How long a wave waits before it lapses."""
        return hours(self.hours)


def exceeded(thresholds: Thresholds, contacts: int, cost: Decimal) -> bool:
    """Whether so many contacts, at a cost of at most `cost`, are more than may enter without approval."""
    return (thresholds.contacts is not None and contacts > thresholds.contacts
            or thresholds.cost is not None and cost > thresholds.cost)


@dataclass(frozen=True)
class Approval:
    """A wave that waits, or has waited, for a person. `contacts` and `cost` are what was asked for, `messages` what was read
    (digest by step, channel and language), `most_contacts` and `most_cost` what was approved."""

    wave: int
    chain: str
    run: str
    params: Mapping[str, Any]
    state: str
    asked_at: datetime
    lapses_at: datetime
    contacts: int
    cost: Decimal
    messages: Mapping[str, str]
    summary: Mapping[str, Any]
    decided_at: datetime | None = None
    decided_by: str | None = None
    known: str | None = None
    why: str | None = None
    most_contacts: int | None = None
    most_cost: Decimal | None = None

    def room(self, each: Decimal) -> int:
        """How many may enter, where one costs at most `each`: never more than was approved, whatever moves meanwhile."""
        if self.most_contacts is None or self.most_cost is None:
            return 0
        return min(self.most_contacts, int(self.most_cost / each)) if each else self.most_contacts

    def told(self, zone: str, currency: str) -> str:
        """Where the wave stands, in a sentence without its full stop, with the next step."""
        size = f"wave {self.wave} ({self.contacts:,} contacts, at most {self.cost:,.2f} {currency})"
        match self.state:
            case "awaiting":
                until = f"{local(self.lapses_at, zone):%Y-%m-%d %H:%M} ({zone})"
                return f"{size} awaits approval until {until}: relance approve {self.wave}, or relance reject {self.wave}"
            case "lapsed":
                return f"{size} lapsed on {local(self.lapses_at, zone):%Y-%m-%d %H:%M}, for nobody had decided"
            case "void":
                return f"{size} is void: a message has changed since it was approved"
        by = f" by {self.decided_by}{' (name typed)' if self.known == 'typed' else ''}" if self.decided_by else ""
        why = f", {self.why}" if self.why else ""
        return f"{size} was {'approved' if self.state == ENTERED else self.state}{by}{why}"
