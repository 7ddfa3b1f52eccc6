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


def spreads(graph: Graph, rates: Assumed, ways: Mapping[int, int], pairs: Sequence[tuple[str, str]], channels: Sequence[str],
            costs: Mapping[str, Decimal]) -> dict[Any, float]:
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


def variances(ways: Mapping[int, int], worth: np.ndarray, doubts: Mapping[tuple[int, int], float]) -> np.ndarray:
    """The variance of (what happens - what was rehearsed) for each column of `worth` (places by quantities).

    `ways` as expecting/ways.sql numbers them: four bits a place, one for a touch, three for its answer; `doubts` the
    variance of the share of an answer (place, answer). A quantity is the sum of `worth` over the places of a way.

    Chance is in the answers alone, and contacts answer for themselves. So at each place, with n touches of which the
    shares p[a] were answered by a, and Q[a] what comes later for those who so answered,

        n * sum over pairs a < b of p[a] p[b] * (var Q[a] + var Q[b] + (mean Q[a] - mean Q[b])²)

    which takes what comes later after a and after b to be independent. It counts twice: the rehearsal has drawn, and life
    will. Shares that were counted over m touches are in doubt themselves: + (n (mean Q[a] - mean Q[0]))² var p[a], which
    makes of one binomial the prediction interval of Nelson (Applied Life Data Analysis, 1982): n p q (1 + n / m).
    """
    numbers, many = list(ways), np.array(list(ways.values()), float)
    places = len(worth)
    bits = np.array([[number >> 4 * place & 15 for place in range(places)] for number in numbers]).reshape(-1, places)
    found = np.zeros(worth.shape[1])
    for place in range(places):
        here = bits[:, place] & 1 > 0 if place else np.ones(len(numbers), bool)
        later = (bits[here, place + 1:] & 1) @ worth[place + 1:]
        found += _at(bits[here, place] >> 1, later, many[here], {a: v for (at, a), v in doubts.items() if at == place})
    return found


def _at(answers: np.ndarray, later: np.ndarray, many: np.ndarray, doubts: Mapping[int, float]) -> np.ndarray:
    """The variance that the answers of one place bring."""
    n, groups = many.sum(), {}
    for answer in np.unique(answers):
        weights = many[answers == answer]
        mean = np.average(later[answers == answer], axis=0, weights=weights)
        squares = np.average(later[answers == answer] ** 2, axis=0, weights=weights)
        groups[int(answer)] = (weights.sum() / n, mean, np.maximum(0.0, squares - mean**2))
    found: np.ndarray = np.zeros(later.shape[1])
    for (p, mean, spread), (q, other, others) in combinations(groups.values(), 2):
        found += 2 * n * p * q * (spread + others + (mean - other) ** 2)
    if 0 in groups:
        for answer, (_, mean, _) in groups.items():
            found += (n * (mean - groups[0][1])) ** 2 * doubts.get(answer, 0.0)
    return found
