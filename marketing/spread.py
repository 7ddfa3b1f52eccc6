"""How far a forecast may lie from what happens: the chance that is in answers, followed through the ways that contacts took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from math import ceil, floor, sqrt
from typing import Any

import numpy as np
from scipy import stats

from marketing.rates import CLOSING, TREATED, Assumed, moving
from marketing.relation import Graph
from marketing.responses import PURCHASED

__all__ = ["LAST", "LEVEL", "Predicted", "marks", "places", "predicted", "spreads", "variances"]

#: Steps and channels that a way tells apart, and the answers to each: four bits a place in the 127 of a huge integer.
LAST, CLASSES = 30, 7

#: Of a hundred intervals so many hold what happens, where the rates are true.
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Predicted:
    """A number that a rehearsal came to, and the interval in which the real one is to be expected."""

    value: float
    low: float
    high: float

    def holds(self, happened: float) -> bool:
        """Whether the interval holds what happened."""
        return self.low <= happened <= self.high


def predicted(value: float, variance: float, *, whole: bool = True) -> Predicted:
    """The interval by the normal distribution, never below nought; of a count by whole numbers, outwards."""
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * sqrt(max(0.0, variance))
    low, high = max(0.0, value - half), value + half
    return Predicted(value, float(floor(low)), float(ceil(high))) if whole else Predicted(value, low, high)


def places(graph: Graph) -> dict[tuple[str, str], int]:
    """A number for each step and channel, in written order from 1; those beyond the last share it."""
    pairs = [(step.name, channel) for step in graph.sends for channel in step.channels]
    return {pair: min(number, LAST) for number, pair in enumerate(pairs, start=1)}


def marks(graph: Graph) -> dict[str, int]:
    """A number for each answer that changes what comes later: those that move somebody, then those that close a channel."""
    moves = moving(graph) - {PURCHASED}
    return {kind: min(number, CLASSES) for number, kind in enumerate([*sorted(moves), *sorted(CLOSING - moves)], start=1)}


def spreads(graph: Graph, rates: Assumed, ways: Mapping[tuple[str, int], int], pairs: Sequence[tuple[str, str]],
            channels: Sequence[str], costs: Mapping[str, Decimal]) -> dict[Any, float]:
    """The variances of "touches" and "cost" in all, of the touches of each channel, and of each of `pairs` (step, channel)."""
    names = ["touches", "cost", *channels, *pairs]
    if not ways:
        return dict.fromkeys(names, 0.0)
    numbers, worth, doubts = marks(graph), np.zeros((LAST + 1, len(names))), {(0, 1): rates.bought[TREATED].doubt}
    for (step, channel), place in places(graph).items():
        worth[place] = [1.0, float(costs[channel]), *(float(channel == one) for one in channels),
                        *(float((step, channel) == pair) for pair in pairs)]
        for one in rates.of(step, channel):
            if (number := numbers.get(one.kind)) is not None:
                doubts[place, number] = doubts.get((place, number), 0.0) + one.doubt
    return dict(zip(names, variances(ways, worth, doubts).tolist()))


def variances(ways: Mapping[tuple[str, int], int], worth: np.ndarray, doubts: Mapping[tuple[int, int], float]) -> np.ndarray:
    """The variance of (what happens - what was rehearsed) for each column of `worth` (places by quantities).

    `ways` by (what is known of the contact before, way), ways as expecting/ways.sql numbers them: four bits a place, one for
    a touch, three for its answer; `doubts` the variance of the share of an answer (place, answer). A quantity is the sum of
    `worth` over the places of a way.

    Chance is in the answers alone, and contacts answer for themselves. So at each place, with n touches to contacts of a
    kind of which the shares p[a] are answered by a, and Q[a] what comes later for those who so answered,

        n * sum over pairs a < b of p[a] p[b] * (var Q[a] + var Q[b] + (mean Q[a] - mean Q[b])²)

    which takes what comes later after a and after b to be independent, but for what is known of the contact: who can be
    reached how. It counts twice: the rehearsal has drawn, and life will. Shares that were counted over m touches are in
    doubt themselves: + (n (mean Q[a] - mean Q[0]))² var p[a], which makes of one binomial the prediction interval of Nelson
    (Applied Life Data Analysis, 1982): n p q (1 + n / m).
    """
    many, kinds = np.array(list(ways.values()), float), np.unique([kind for kind, _ in ways], return_inverse=True)[1]
    bits = np.array([[way >> 4 * place & 15 for place in range(len(worth))] for _, way in ways]).reshape(-1, len(worth))
    found = np.zeros(worth.shape[1])
    for place in range(len(worth)):
        here = bits[:, place] & 1 > 0 if place else np.ones(len(bits), bool)
        if here.any():
            later = (bits[here, place + 1:] & 1) @ worth[place + 1:]
            found += _at(bits[here, place] >> 1, kinds[here], later, many[here],
                         {answer: doubt for (at, answer), doubt in doubts.items() if at == place})
    return found


def _at(answers: np.ndarray, kinds: np.ndarray, later: np.ndarray, many: np.ndarray, doubts: Mapping[int, float]) -> np.ndarray:
    """The variance that the answers of one place bring."""
    n, found = many.sum(), np.zeros(later.shape[1])
    whole = {int(answer): _moments(later, many, answers == answer) for answer in np.unique(answers)}
    for kind in np.unique(kinds):
        mine = kinds == kind
        own = {answer: _moments(later, many, mine & (answers == answer)) or told for answer, told in whole.items()}
        for a, b in combinations(whole, 2):
            (_, mean, spread), (_, other, others) = own[a], own[b]
            found += 2 * many[mine].sum() * whole[a][0] * whole[b][0] / n**2 * (spread + others + (mean - other) ** 2)
    for answer, (_, mean, _) in whole.items():
        found += (n * (mean - whole[0][1])) ** 2 * doubts.get(answer, 0.0) if 0 in whole else 0.0
    return found


def _moments(later: np.ndarray, many: np.ndarray, chosen: np.ndarray) -> tuple[float, np.ndarray, np.ndarray] | None:
    """Contacts, mean and variance of what comes later for those chosen; None where there are none."""
    if not chosen.any():
        return None
    mean = np.average(later[chosen], axis=0, weights=many[chosen])
    squares = np.average(later[chosen] ** 2, axis=0, weights=many[chosen])
    return float(many[chosen].sum()), mean, np.maximum(0.0, squares - mean**2)
