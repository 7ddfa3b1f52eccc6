"""How contacts are assumed to answer: shares and delays by step and kind of response, each with where it comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import log

from marketing.channels import CHANNELS, EMAIL, PHONE, POST, SMS, VOICE
from marketing.relation import ANYWHERE, HOLDOUT, Graph
from marketing.responses import (
    APPOINTMENT, BOUNCED_HARD, BUSY, CALL_BACK, CALL_OUTCOMES, CLICKED, COMPLAINED, COUPON_REDEEMED, DELIVERED, KNOWN,
    LETTER_RETURNED, NO_ANSWER, NOT_NOW, OPENED, PURCHASED, REFUSED, SEND_DOCUMENTS, UNSUBSCRIBED, VOICEMAIL, WRONG_NUMBER,
)

__all__ = ["CLOSING", "ENOUGH", "MATURE_DAYS", "POINTS", "SHARES", "TREATED", "Assumed", "Expected", "Past", "RatesError",
           "assumed", "moving", "read_rates"]

#: Fewer touches made say too little of a step: another source is taken.
ENOUGH = 100
#: Touches younger than this may still be answered: they say nothing yet.
MATURE_DAYS = 30
#: Delays are kept at so many equal steps of the answers, from the first to the last.
POINTS = 20
#: What closes a channel or withdraws a consent, whatever the chain listens to.
CLOSING = frozenset({UNSUBSCRIBED, COMPLAINED, BOUNCED_HARD})
#: The arm that is not held out.
TREATED = "treated"
#: Neither says anything of the contact: no figure rests on them.
_NOBODY = frozenset({OPENED, DELIVERED})
#: Sources, in the words of the report.
GIVEN, OWN, OTHERS, ASSUMPTION = "given", "past waves of this step", "past touches of this channel", "assumption"

#: Shares of the touches of a channel that are answered so, where neither the house's past nor the command says better.
#: Every one is an assumption of ours, in the order of magnitude of commercial mailings, and no benchmark of any trade.
SHARES: Mapping[str, Mapping[str, float]] = {
    EMAIL: {CLICKED: 0.025, UNSUBSCRIBED: 0.002, COMPLAINED: 0.0002, BOUNCED_HARD: 0.01},
    SMS: {CLICKED: 0.03, UNSUBSCRIBED: 0.004, BOUNCED_HARD: 0.02},
    POST: {COUPON_REDEEMED: 0.02, LETTER_RETURNED: 0.02},
    VOICE: {CLICKED: 0.01, UNSUBSCRIBED: 0.005, BOUNCED_HARD: 0.04},
    PHONE: {NO_ANSWER: 0.35, VOICEMAIL: 0.15, NOT_NOW: 0.20, BUSY: 0.03, CALL_BACK: 0.08, REFUSED: 0.08, APPOINTMENT: 0.05,
            SEND_DOCUMENTS: 0.03, WRONG_NUMBER: 0.03},
}
#: The share of contacts who buy within the goal's window, in both arms alike: an assumption that claims no effect.
BUYS = 0.05
#: Days after arrival within which half of the answers have come; the rest follow as an exponential. Assumptions.
HALF_DAYS: Mapping[str, float] = {EMAIL: 2.0, SMS: 0.5, POST: 5.0, VOICE: 0.5, PHONE: 0.1}
_BOUNCE_SECONDS = 60.0


class RatesError(ValueError):
    """Rates that were given and cannot be taken; the text says what is accepted."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Of the touches of a step on a channel, the share that is answered so; of an arm, the share that buys.

    `of` is how many touches (contacts) the share was counted over, None where it was not counted; `delays` are seconds
    after arrival (enrolment) by which 0, 5, … 100 % of the answers have come. For an arm `step` is its name.
    """

    step: str
    channel: str
    kind: str
    share: float
    of: int | None
    source: str
    delays: tuple[float, ...]

    @property
    def doubt(self) -> float:
        """The variance of the share itself; zero where it was given or assumed. Half an answer more on each side, so that a
        share of nought counted over few is not taken for certain (Jeffreys' prior)."""
        if self.of is None:
            return 0.0
        share = (self.share * self.of + 0.5) / (self.of + 1)
        return share * (1 - share) / self.of


@dataclass(frozen=True)
class Past:
    """What was counted: touches made by (chain, step, channel), answers with their delays by (chain, step, channel, kind),
    buyers by (chain, arm) as (buyers, contacts, delays); the mean of an order."""

    made: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    answered: Mapping[tuple[str, str, str, str], tuple[int, tuple[float, ...]]] = field(default_factory=dict)
    bought: Mapping[tuple[str, str], tuple[int, int, tuple[float, ...]]] = field(default_factory=dict)
    order_mean: float = 0.0


@dataclass(frozen=True)
class Assumed:
    """All that a rehearsal assumes: answers by step and channel, buyers by arm, the amount of an order."""

    answers: tuple[Expected, ...]
    bought: Mapping[str, Expected]
    order_mean: float = 0.0

    def of(self, step: str, channel: str) -> list[Expected]:
        """The answers to the touches of a step on a channel."""
        return [one for one in self.answers if (one.step, one.channel) == (step, channel)]


def moving(graph: Graph) -> frozenset[str]:
    """The responses that move somebody: the branches of waits, the exits, the goal where it ends the enrolment."""
    on = {edge.on for step in graph.steps if step.kind == "wait" for edge in graph.out(step.name)}
    on |= {graph.goal.kind if edge.on == "goal" and graph.goal else edge.on for edge in graph.out(ANYWHERE)}
    return frozenset(on & KNOWN)


def assumed(graph: Graph, past: Past, given: Mapping[str, float] | None = None, window: float = 42 * 86_400.0) -> Assumed:
    """The rates of a chain: those given, else those of its own past, else of its channels' past, else assumptions.

    `given` as read_rates() returns it, `window` the length of the goal's window in seconds.
    """
    found = [_answer(graph, step.name, channel, kind, past, given or {})
             for step in graph.sends for channel in step.channels for kind in _kinds(graph, step.name, channel, past)]
    bought = {arm: _buyers(graph.chain, arm, past, given or {}, window) for arm in (TREATED, HOLDOUT)}
    return Assumed(tuple(_hold_calls(found)), bought, past.order_mean)


def read_rates(given: Iterable[tuple[str, object]], graph: Graph) -> dict[str, float]:
    """Rates as they are written, KIND, STEP.KIND or CHANNEL.KIND with a share from 0 to 1; a KIND alone is for the channels
    on which it is usual; purchases of those held out are holdout.purchased. Raises RatesError, which says what is accepted."""
    rates, places = {}, {step.name for step in graph.sends} | CHANNELS | {HOLDOUT}
    for name, value in given:
        place, _, kind = name.rpartition(".")
        kind = kind if kind in KNOWN else f"{kind}ed"
        if kind not in KNOWN or (place and place not in places):
            raise RatesError(f"rate {name!r}; accepted: KIND, STEP.KIND or CHANNEL.KIND with one of "
                             f"{', '.join(sorted(KNOWN - _NOBODY))}; steps of {graph.chain}: "
                             f"{', '.join(step.name for step in graph.sends)}")
        try:
            share = float(str(value))
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise RatesError(f"rate {name} = {value!r}; accepted: a share from 0 to 1, such as 0.05")
        rates[f"{place}.{kind}" if place else kind] = share
    return rates


def _kinds(graph: Graph, step: str, channel: str, past: Past) -> list[str]:
    """The kinds worth a rate: those of the channel, those the chain listens to, those that its past has seen here."""
    calls = CALL_OUTCOMES if channel != PHONE else frozenset()
    listened = {kind for kind in moving(graph) if kind != PURCHASED} - calls
    seen = {kind for (chain, at, by, kind) in past.answered if (chain, at, by) == (graph.chain, step, channel)}
    return sorted((set(SHARES.get(channel, {})) | listened | seen) - _NOBODY - {PURCHASED})


def _answer(graph: Graph, step: str, channel: str, kind: str, past: Past, given: Mapping[str, float]) -> Expected:
    delays = _delays(channel, kind)
    usual = kind in SHARES.get(channel, {}) or not any(kind in kinds for kinds in SHARES.values())
    for name in (f"{step}.{kind}", f"{channel}.{kind}", *([kind] if usual else [])):
        if name in given:
            return Expected(step, channel, kind, given[name], None, GIVEN, delays)
    own = {key for key in past.made if key == (graph.chain, step, channel)}
    for source, keys in ((OWN, own), (OTHERS, {key for key in past.made if key[2] == channel})):
        made = sum(past.made[key] for key in keys)
        if made >= ENOUGH:
            counted = [past.answered[(*key, kind)] for key in keys if (*key, kind) in past.answered]
            most, measured = max(counted, default=(0, delays))
            return Expected(step, channel, kind, min(1.0, sum(many for many, _ in counted) / made), made, source,
                            measured if most >= POINTS else delays)
    return Expected(step, channel, kind, SHARES.get(channel, {}).get(kind, 0.0), None, ASSUMPTION, delays)


def _buyers(chain: str, arm: str, past: Past, given: Mapping[str, float], window: float) -> Expected:
    evenly = tuple(window * n / POINTS for n in range(POINTS + 1))
    for name in (f"{arm}.{PURCHASED}", PURCHASED):
        if name in given:
            return Expected(arm, "", PURCHASED, given[name], None, GIVEN, evenly)
    buyers, contacts, delays = past.bought.get((chain, arm), (0, 0, ()))
    if contacts >= ENOUGH:
        return Expected(arm, "", PURCHASED, buyers / contacts, contacts, "past waves of this chain",
                        delays if buyers >= POINTS else evenly)
    return Expected(arm, "", PURCHASED, BUYS, None, ASSUMPTION, evenly)


def _hold_calls(found: list[Expected]) -> list[Expected]:
    """A call has one outcome: where the shares of a step's outcomes add up to more than 1, those that were not given make room.

    Raises RatesError where those given alone add up to more.
    """
    calls = [one for one in found if one.channel == PHONE and one.kind in CALL_OUTCOMES]
    for step in {one.step for one in calls}:
        given = sum(one.share for one in calls if one.step == step and one.source == GIVEN)
        others = sum(one.share for one in calls if one.step == step and one.source != GIVEN)
        if given > 1 + 1e-9:
            raise RatesError(f"the outcomes of the call {step} add up to {given:.2f}; accepted: 1 at most, for a call has one")
        if others and given + others > 1:
            room = max(0.0, 1 - given) / others
            found = [replace(one, share=one.share * room) if one in calls and one.step == step and one.source != GIVEN else one
                     for one in found]
    return found


def _delays(channel: str, kind: str) -> tuple[float, ...]:
    """Exponential delays by the channel's half-life; of a bounce, a minute."""
    if kind == BOUNCED_HARD:
        return tuple(_BOUNCE_SECONDS * n / POINTS for n in range(POINTS + 1))
    scale = HALF_DAYS.get(channel, 1.0) * 86_400 / log(2)
    return tuple(-scale * log(1 - min(n / POINTS, 0.995)) for n in range(POINTS + 1))
