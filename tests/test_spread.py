"""The intervals of a rehearsal: against chance itself, drawn many times over, and against the textbook's formula."""

from collections import Counter
from math import sqrt

import numpy as np
import pytest

from marketing.forecast import answered, sight
from marketing.rates import Expected
from marketing.spread import Predicted, predicted, variances

N = 4_000


def way(*answers: int | None, known: str = "") -> tuple[str, int]:
    """A way as its number: for each place from 1 the answer to its touch, None for no touch."""
    return known, sum((1 + 2 * answer) << 4 * place for place, answer in enumerate(answers, start=1) if answer is not None)


def drawn(chance: np.random.Generator) -> tuple[Counter, int]:
    """N contacts through e-mail, then a call for the one in twenty who clicks, else a text for the four in ten who have a
    phone; and how many texts that made."""
    clicked = chance.random(N) < 0.05
    phone = np.arange(N) % 5 < 2
    ways = Counter({way(1, 0): int(clicked.sum()), way(0, None, 0): int((~clicked & phone).sum()),
                    way(0): int((~clicked & ~phone).sum())})
    return ways, int((~clicked & phone).sum())


def test_against_chance_itself():
    """The variance told of each quantity is that of the difference of two worlds, drawn four hundred times."""
    chance, worth = np.random.default_rng(7), np.array([[0, 0], [0, 0], [1, 0], [0, 1]], float)
    worlds = [drawn(chance) for _ in range(800)]
    told = variances(worlds[0][0], worth, {})
    texts = np.array([many for _, many in worlds], float)
    calls = np.array([ways[way(1, 0)] for ways, _ in worlds], float)

    assert told[1] == pytest.approx(np.var(texts[::2] - texts[1::2]), rel=0.25)
    assert told[0] == pytest.approx(np.var(calls[::2] - calls[1::2]), rel=0.25)


def test_where_nothing_is_left_to_chance():
    """Who gets the same whatever is answered adds nothing; a first touch hangs on no answer at all."""
    ways, worth = {way(1, 0): 40, way(0, 0): 960}, np.array([[0, 0], [1, 0], [0, 1]], float)

    assert variances(ways, worth, {}).tolist() == [0, 0]


def test_what_is_known_before():
    """Who has no phone gets neither call nor text, whatever is answered: known before, it is no chance, and else it would be."""
    worth = np.array([[0.0], [0.0], [1.0], [1.0]])
    ways = {way(1, 0, known="phone"): 20, way(0, None, 0, known="phone"): 380, way(1, known="none"): 30, way(0, known="none"): 570}

    assert variances(ways, worth, {})[0] == 0
    assert variances({(" ", number): many for (_, number), many in ways.items()}, worth, {})[0] > 20


def test_a_doubtful_share():
    """A share counted over m touches makes the interval of n more that of Nelson: n p q (1 + n / m), and the draw besides."""
    p, n, m = 0.05, 1_000, 500
    ways, worth = {way(1, 0): 50, way(0): 950}, np.array([[0], [0], [1]], float)
    told = variances(ways, worth, {(1, 1): p * (1 - p) / m})

    assert told[0] == pytest.approx(n * p * (1 - p) * (1 + n / m) + n * p * (1 - p))


def test_answers():
    """The interval of answers holds the draw and the doubt; a share that is given brings no doubt."""
    given = Expected("hello", "email", "clicked", 0.05, None, "given", ())
    counted = Expected("hello", "email", "clicked", 0.05, 500, "past", ())
    sure = Predicted(1_000, 1_000, 1_000)
    half = 1.96 * sqrt(2 * 1_000 * 0.05 * 0.95)

    told = answered(given, 50, sure).answers
    assert (told.low, told.high) == (int(50 - half), int(50 + half) + 1)
    assert answered(counted, 50, sure).answers.high > told.high


def test_an_interval_is_never_below_nought():
    """Counts are whole and not negative, rounded outwards; amounts keep their cents."""
    assert predicted(3, 100) == Predicted(3, 0, 23)
    assert predicted(3.5, 1, whole=False).high == pytest.approx(5.46, abs=0.01)


def test_what_a_holdout_sees():
    """The smallest difference is the textbook's (1.960 + 0.842) standard errors; four waves see half of it."""
    untreated = Expected("holdout", "", "purchased", 0.05, None, "assumption", ())
    seen = sight(9_000, 1_000, untreated)
    error = sqrt(0.05 * 0.95 * (1 / 9_000 + 1 / 1_000))

    assert seen.smallest == pytest.approx(2.8016 * error, rel=1e-4)
    assert seen.waves["50%"] == 1 and seen.waves["20%"] == int((seen.smallest / 0.01) ** 2) + 1
    assert sight(9_000, 0, untreated) is None
