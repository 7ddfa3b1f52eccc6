"""When a chain is passed again, and who wakes it sooner: rules alone, no clock and no workflow engine."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta

from marketing.calendar import MICROSECOND, Span, local, utc
from marketing.chain import Chain
from marketing.responses import CALL_OUTCOMES, FORM_SUBMITTED, INBOUND_CALL, NOT_SENT, OPTED_IN, REPLIED
from marketing.steps import WaitFor, walk

__all__ = ["AT_ONCE", "LEAD", "SURELY", "handed_over", "heard", "listens", "next_wake", "rounded"]

#: Contacts were loaded: to a prospecting chain, leads.
LEAD = "lead"
#: What somebody said to the house and waits for an answer to: it wakes its chain at once. Clicks, orders and bounces
#: come by the thousand, and are heard at the next moment of `wake_every`.
AT_ONCE = CALL_OUTCOMES | {LEAD, REPLIED, INBOUND_CALL, FORM_SUBMITTED, OPTED_IN}
#: A run this late has perhaps been lost with its worker: another is planned beside it.
SURELY = timedelta(minutes=10)
_DAY = timedelta(days=1)


def next_wake(now: datetime, next_due: datetime | None, wake_every: Span, zone: str, *, news: bool = False,
              after: datetime | None = None, planned: Iterable[datetime] = ()) -> datetime | None:
    """When the pass that ends `now` has its chain passed again; None when nobody is due, or a run comes by then anyway.

    next_due: when anybody of the chain is next due; rounded up to a moment of `wake_every`, never into the past.
    news: something was handed over while the pass ran, so at once. after: the moment this pass was scheduled for; the
    next is a later one, whatever the clocks of two machines say. planned: the moments for which runs of the chain are
    scheduled already, by a schedule or by an earlier pass: each plans the next one in its turn.
    """
    if not news and next_due is None:
        return None
    earliest = now if after is None else max(now, after + MICROSECOND)
    when = earliest if news else rounded(max(next_due, earliest), wake_every, zone)
    return None if any(now - SURELY <= moment <= when for moment in planned) else when


def rounded(instant: datetime, every: Span, zone: str) -> datetime:
    """The first moment of `every` at or after `instant` (naive UTC): counted from midnight in the house's zone, midnight
    always among them; a length of days or months means midnight."""
    day = local(instant, zone).date()
    midnight, tomorrow = (utc(datetime.combine(date, time()), zone) for date in (day, day + _DAY))
    if instant == midnight or every.months or every.days:
        return midnight if instant == midnight else tomorrow
    step = timedelta(seconds=every.seconds)
    return min(midnight - (midnight - instant) // step * step, tomorrow)


def listens(chain: Chain) -> frozenset[str]:
    """The responses that move somebody in the chain: those of its waits, its goal and its exits; leads in prospecting."""
    kinds = {kind for step in walk(chain.steps) if isinstance(step, WaitFor) for kind in step.on}
    kinds |= set(chain.exits) | ({chain.goal.kind} if chain.goal and chain.goal.ends else set())
    kinds |= {LEAD, FORM_SUBMITTED} if chain.kind == "prospecting" else set()
    return frozenset(kinds - {NOT_SENT})


def heard(chain: Chain, listed: Mapping[str, int]) -> dict[str, int]:
    """Of what was newly listed, by kind, what the chain listens to."""
    kinds = listens(chain)
    return {kind: many for kind, many in sorted(listed.items()) if kind in kinds and many}


def handed_over(moves: Mapping[tuple[str, str, str], int]) -> dict[str, int]:
    """How many contacts a pass handed over, by chain, from its moves (from, on, to)."""
    found: dict[str, int] = {}
    for (_, _, to), many in moves.items():
        action, _, chain = to.partition(":")
        if action == "enrol" and many:
            found[chain] = found.get(chain, 0) + many
    return found
