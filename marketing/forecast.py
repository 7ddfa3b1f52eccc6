"""What a rehearsal foretells: touches, money, refusals, days, places and answers, each number with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from math import ceil, sqrt
from typing import Any

from marketing.rates import Expected
from marketing.roi import effect_seen
from marketing.spread import LEVEL, Predicted, predicted

__all__ = ["UPLIFTS", "Answered", "Days", "Forecast", "Sight", "Touches", "answered", "sight"]

#: How often a true difference of the size named is found.
POWER = 0.8
#: Uplifts for which the number of waves is told, as shares of what the untreated do.
UPLIFTS = (0.05, 0.10, 0.20, 0.50)


@dataclass(frozen=True, slots=True)
class Touches:
    """The touches of one step by one channel, and their cost in the house's currency."""

    step: str
    channel: str
    touches: Predicted
    cost: Predicted


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers of one kind to the touches of a step, with the share assumed, what it was counted over, and its source;
    purchases of an arm have the arm for a step and no channel."""

    step: str
    channel: str
    kind: str
    answers: Predicted
    share: float
    of: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Days:
    """The touches of one day, in the house's zone, by one channel."""

    day: date
    channel: str
    touches: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What the holdout can see of the goal: the smallest difference of the arms' shares, at 80 % power and a two-sided 5 %,
    and how many waves of this size, pooled, see an uplift of so much of what the untreated do."""

    treated: int
    held_out: int
    share: float
    source: str
    smallest: float
    waves: Mapping[str, int]


@dataclass(frozen=True)
class Forecast:
    """A chain rehearsed over the whole base from `as_of` to `reached`; counts are contacts or touches.

    `edges` are the moves made by (from, on, to); `standing` who stands at which step at the end, `inside` who stood in the
    chain at the beginning; `waits_for` why nothing would be moved, where so.
    """

    chain: str
    run: str
    as_of: datetime
    until: datetime
    reached: datetime
    passes: int
    currency: str
    audience: int = 0
    enrolled: int = 0
    held_out: int = 0
    left_out: int = 0
    inside: int = 0
    touches: Sequence[Touches] = ()
    channels: Mapping[str, Predicted] = field(default_factory=dict)
    whole: Predicted = Predicted(0, 0, 0)
    cost: Predicted = Predicted(0, 0, 0)
    refused: Sequence[tuple[str, str, int]] = ()
    days: Sequence[Days] = ()
    standing: Mapping[str, int] = field(default_factory=dict)
    edges: Sequence[tuple[str, str, str, int]] = ()
    answers: Sequence[Answered] = ()
    sight: Sight | None = None
    waits_for: str = ""
    note: str = ""
    rehearsed: bool = True

    def __str__(self) -> str:
        if self.waits_for:
            return f"Rehearsed, nothing of it was done: nothing would be moved or sent: {self.waits_for}."
        held = f" ({self.held_out:,} of them held out)" if self.held_out else ""
        by = ", ".join(f"{channel} {told.value:,.0f}" for channel, told in self.channels.items())
        return (f"Rehearsed to {self.reached:%Y-%m-%d}, nothing of it was done: "
                f"{self.enrolled:,} of {self.audience:,} would enter{held}. "
                f"{self.whole.value:,.0f} touches ({self.whole.low:,.0f} to {self.whole.high:,.0f})"
                f"{': ' + by if by else ''}; cost {self.cost.value:,.2f} {self.currency} "
                f"({self.cost.low:,.2f} to {self.cost.high:,.2f}).")

    def to_json(self) -> dict[str, Any]:
        """The same as plain data; instants are UTC."""
        plain = asdict(self)
        plain.update(
            as_of=self.as_of.isoformat(), until=self.until.isoformat(), reached=self.reached.isoformat(), sentence=str(self),
            level=LEVEL, power=POWER, days=[{**asdict(one), "day": one.day.isoformat()} for one in self.days],
            refused=[{"step": step, "reason": reason, "touches": many} for step, reason, many in self.refused],
            edges=[{"from": from_, "on": on, "to": to, "contacts": many} for from_, on, to, many in self.edges])
        return plain


def answered(expected: Expected, many: int, of: Predicted) -> Answered:
    """The answers that `many` of so many touches have drawn, with the interval of as many again in life.

    The draw of the rehearsal and that of life are binomial, the share itself is in doubt by what it was counted over
    (Nelson's prediction interval, see marketing.spread), and so is how many touches there will be.
    """
    n, p = of.value, expected.share
    of_touches = ((of.high - of.low) / 2 / 1.96) ** 2
    variance = 2 * n * p * (1 - p) + n * n * expected.doubt + p * p * of_touches
    return Answered(expected.step, expected.channel, expected.kind, predicted(many, variance), p, expected.of, expected.source)


def sight(treated: int, held_out: int, expected: Expected | None) -> Sight | None:
    """What a holdout of this size can see, where the untreated reach the goal by the share expected; None without a holdout.

    The standard error is that of two shares alike: sqrt(p q (1 / treated + 1 / held out)). Pooled over k waves of this size
    it falls by sqrt(k), so that an uplift u is seen after (smallest / u)² of them.
    """
    if expected is None or not treated or not held_out or not 0 < expected.share < 1:
        return None
    p = expected.share
    smallest = effect_seen(sqrt(p * (1 - p) * (1 / treated + 1 / held_out)), POWER)
    waves = {f"{uplift:.0%}": ceil((smallest / (uplift * p)) ** 2) for uplift in UPLIFTS}
    return Sight(treated, held_out, p, expected.source, smallest, waves)
