"""Forecasting: a chain played to a horizon on a branch, with connectors that take everything and answers that are drawn."""

import math
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.memory import Memory, MemorySettings
from marketing.calendar import MICROSECOND, add, days, hours, local
from marketing.chain import Chain
from marketing.forecast import Answered, Days, Forecast, Touches, answered, sight
from marketing.rates import TREATED, Assumed, Past, assumed
from marketing.relation import HOLDOUT
from marketing.responses import PURCHASED
from marketing.spread import Predicted, marks, places, predicted, spreads
from marketing.summary import Summary, Tally
from marketing.waking import rounded
from outbox.sender import Sender
from outbox.wired import Wired
from tasks.rehearsing import on_a_branch
from warehouse import idling, rehearsed
from warehouse.expecting import Expecting
from warehouse.folding import fold_receipts
from warehouse.rating import past
from warehouse.versions import Version, newest

__all__ = ["LONGEST", "MakePass", "Tell", "forecast_of"]

#: A horizon that nobody gave: whoever is still in the chain after half a year stands there at the end.
LONGEST = days(26 * 7)
#: A rehearsal looks at most so often; answers that move somebody are heard once a day, at the hour of its first pass.
OFTEN = hours(1)

#: Makes one pass on the stage: (installation, run, whether the audience is asked).
MakePass = Callable[[Wired, str, bool], Summary]
#: Told how far a rehearsal is: days done, days in all, words.
Tell = Callable[[int, int, str], Any]


@dataclass
class _Played:
    """A rehearsal as it goes on: what its passes counted, and what was assumed."""

    stage: Wired
    began: datetime
    first: int
    inside: int
    counts: Tally
    passes: int = 1
    waits_for: str = ""


def forecast_of(wired: Wired, chain: Chain, one_pass: MakePass, *, until: datetime, given: dict[str, float] | None = None,
                run: str, note: str = "", known: Past | None = None, seed: int = 0,
                tell: Tell = lambda done, total, words: None) -> Forecast:
    """Rehearse a chain until a moment, or until nobody is due; with `until` as of now it is one pass, and nobody answers.

    `given` as marketing.rates.read_rates() reads it, `known` what past waves say (None: those of this house), `seed` of what
    is drawn. Nothing of it stays: the branch is dropped, whatever happens.
    """
    ahead = until > wired.warehouse.clock.now()
    known = past(wired.warehouse, wired.warehouse.clock.now()) if ahead and known is None else known
    with on_a_branch(wired, run) as branch:
        stage = replace(branch, connectors={name: _taking(name, one) for name, one in wired.connectors.items()})
        ledger = stage.warehouse.ledger
        rehearsed.as_if_sound(ledger, stage.connectors)
        began, first, inside = stage.warehouse.clock.now(), stage.warehouse.number(), _inside(ledger, chain.name)
        summary = one_pass(stage, f"{run}-0", True)
        played = _Played(stage, began, first, inside, summary, waits_for=summary.waits_for)
        version = newest(ledger, chain.name)
        rates = Assumed((), {})
        if not ahead or played.waits_for:
            return _told(played, version, rates, Counter(), {}, until, run, note)
        rates = assumed(version.graph, known, given, _window(version, began, stage.warehouse.house.zone))
        with closing(Expecting(stage.warehouse, version, rates, wired.latencies, after=first, run=run,
                               seed=seed)) as expecting:
            _play(played, chain, expecting, one_pass, until, run, tell)
            ways: Counter = Counter()
            for way, many in expecting.ways(places(version.graph), marks(version.graph)):
                ways[way] += many
            return _told(played, version, rates, expecting.answered(until), ways, until, run, note)


def _play(played: _Played, chain: Chain, expecting: Expecting, one_pass: MakePass, until: datetime, run: str, tell: Tell) -> None:
    """Hand over, draw, go to the next moment, hear, pass; until the horizon, or until nobody is due."""
    warehouse, total = played.stage.warehouse, max(1, (until - played.began).days)
    while True:
        now = warehouse.clock.now()
        _hand_over(played.stage, run)
        expecting.draw()
        moment = _next(played, chain, expecting, now)
        if moment is None or moment > until:
            return
        warehouse.clock.advance(moment)
        rehearsed.hold_ages(warehouse.ledger, moment, moment - now)
        expecting.tell(moment)
        tell((moment - played.began).days, total, f"rehearsing {chain.name}: {local(moment, warehouse.house.zone):%Y-%m-%d}")
        played.counts.add(one_pass(played.stage, f"{run}-{played.passes}", False))
        played.passes += 1


def _next(played: _Played, chain: Chain, expecting: Expecting, now: datetime) -> datetime | None:
    """When somebody is due, by the chain's wake_every but at most hourly, or when the day's answers are heard."""
    zone = played.stage.warehouse.house.zone
    due, heard = idling.next_due(played.stage.warehouse.ledger, expecting.version.chain), expecting.next_heard()
    moments = []
    if due is not None:
        coarse = chain.wake_every.months or chain.wake_every.days or chain.wake_every.seconds >= OFTEN.seconds
        moments.append(rounded(max(due, now + MICROSECOND), chain.wake_every if coarse else OFTEN, zone))
    if heard is not None:
        gone = math.ceil((heard - played.began) / timedelta(days=1))
        daily = (add(played.began, days(n), zone) for n in range(gone, gone + 3))
        moments.append(next(moment for moment in daily if moment >= heard and moment > now))
    return min(moments, default=None)


def _hand_over(stage: Wired, run: str) -> None:
    """All that waits leaves at once: every connector of the stage takes it, and keeps nothing."""
    now = stage.warehouse.clock.now()
    for name in sorted(stage.connectors):
        Sender(stage, name, run=run, as_of=now).drain()
    fold_receipts(stage.warehouse, run=run, as_of=now)


def _taking(name: str, real) -> Memory:
    """In the place of a connector one that accepts everything, as far from arrival as the real one."""
    can = real.capabilities()
    return Memory(name, MemorySettings(channels=can.channels, latency=can.latency, record=False))


def _inside(ledger, name: str) -> int:
    try:
        return sum(rehearsed.standing(ledger, newest(ledger, name).chain).values())
    except LookupError:  # it never ran
        return 0


def _window(version: Version, began: datetime, zone: str) -> float:
    goal = version.graph.goal
    return (add(began, goal.within, zone) - began).total_seconds() if goal else 0.0


# What came of it ------------------------------------------------------------------------------------------


def _told(played: _Played, version: Version, rates: Assumed, drawn: Counter, ways: Counter, until: datetime, run: str,
          note: str) -> Forecast:
    """The forecast from the branch's ledger, the passes' counts, the answers and the ways."""
    warehouse, counts = played.stage.warehouse, played.counts
    house, plan = warehouse.house, rehearsed.planned(warehouse.ledger, version.chain, played.first)
    pairs = sorted(plan.touches, key=lambda pair: (_order(version, pair[0]), pair))
    channels = sorted({channel for _, channel in pairs})
    spread = spreads(version.graph, rates, ways, pairs, channels, house.costs)
    touches = [Touches(step, channel, predicted(plan.touches[step, channel], spread[step, channel]),
                       predicted(float(plan.cost[step, channel]), float(house.costs[channel]) ** 2 * spread[step, channel],
                                 whole=False))
               for step, channel in pairs]
    treated = counts.entered - counts.held_out
    goal = version.graph.goal
    return Forecast(
        version.name, run, played.began, until, warehouse.clock.now(), played.passes, house.currency,
        audience=counts.audience + counts.handed_over, enrolled=counts.entered, held_out=counts.held_out,
        left_out=counts.left_out, inside=played.inside, touches=touches,
        channels={c: predicted(sum(n for (_, by), n in plan.touches.items() if by == c), spread[c]) for c in channels},
        whole=predicted(sum(plan.touches.values()), spread["touches"]),
        cost=predicted(float(sum(plan.cost.values())), spread["cost"], whole=False),
        refused=[(step, reason, many) for (step, reason), many in sorted(counts.refused.items())],
        days=_days(plan, house.zone), standing=dict(rehearsed.standing(warehouse.ledger, version.chain)),
        edges=[(*edge, many) for edge, many in sorted(counts.moves.items())],
        answers=_answers(version, rates, drawn, {(one.step, one.channel): one.touches for one in touches}, treated,
                         counts.held_out),
        sight=sight(treated, counts.held_out, rates.bought.get(HOLDOUT)) if goal and goal.kind == PURCHASED else None,
        waits_for=played.waits_for, note=note)


def _order(version: Version, step: str) -> int:
    return next((one.order for one in version.graph.steps if one.name == step), len(version.graph.steps))


def _days(plan: rehearsed.Planned, zone: str) -> list[Days]:
    by_day: Counter = Counter()
    for (moment, channel), many in plan.at.items():
        by_day[local(moment, zone).date(), channel] += many
    return [Days(day, channel, many) for (day, channel), many in sorted(by_day.items())]


def _answers(version: Version, rates: Assumed, drawn: Counter, touches: dict[tuple[str, str], Predicted], treated: int,
             held_out: int) -> list[Answered]:
    """What is assumed of every step that is reached, with what it drew; purchases of both arms where they are the goal."""
    told = [answered(one, drawn[one.step, one.channel, one.kind], touches[one.step, one.channel])
            for one in rates.answers if (one.step, one.channel) in touches]
    goal = version.graph.goal
    for arm, many in ((TREATED, treated), (HOLDOUT, held_out)):
        if many and arm in rates.bought and goal and goal.kind == PURCHASED:
            told.append(answered(rates.bought[arm], drawn[arm, "", PURCHASED], Predicted(many, many, many)))
    return told
