"""The rules of the figures that money hangs on: difference, interval, return, power, balance."""

from math import isnan

import numpy as np
import pytest
from scipy import stats

from marketing.roi import (
    GAIN,
    LOSS,
    MIN_BUYERS,
    NOT_ENOUGH,
    Moments,
    Rate,
    Roi,
    balance,
    effect_seen,
    lift,
    power,
    roi,
    wilson,
)


def spend(seed: int, n: int, buyers: float, mean: float) -> np.ndarray:
    """Mostly zeros and a long tail, as revenue is."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < buyers, rng.lognormal(np.log(mean), 0.8, n), 0.0)


@pytest.mark.parametrize(("n_treated", "n_holdout"), [(900, 100), (5000, 50), (3, 2), (400, 4000)])
def test_the_interval_is_welchs(n_treated, n_holdout):
    """Difference, degrees of freedom and interval are those of scipy's Welch test."""
    treated, holdout = spend(1, n_treated, 0.5, 30), spend(2, n_holdout, 0.4, 30)
    expected = stats.ttest_ind(treated, holdout, equal_var=False)
    interval = expected.confidence_interval(0.95)

    found = lift(Moments.of(treated), Moments.of(holdout))

    assert (found.delta, found.freedom, found.low, found.high) == pytest.approx(
        (treated.mean() - holdout.mean(), expected.df, interval.low, interval.high), rel=1e-9)


def test_a_difference_by_hand():
    """[1, 3] against [0, 2]: difference 1, error sqrt(1 + 1), two degrees of freedom, t = 4.302653."""
    found = lift(Moments.of([1, 3]), Moments.of([0, 2]))

    assert (found.delta, found.error, found.freedom) == pytest.approx((1, 2**0.5, 2))
    assert (found.low, found.high) == pytest.approx((1 - 4.30265273 * 2**0.5, 1 + 4.30265273 * 2**0.5))


def test_incremental_is_the_difference_times_the_treated():
    """What is claimed in money is n_T * delta, its interval scaled alike."""
    found = lift(Moments.of(spend(1, 900, 0.5, 30)), Moments.of(spend(2, 100, 0.4, 30)))

    assert (found.incremental, found.incremental_low, found.incremental_high) == pytest.approx(
        (900 * found.delta, 900 * found.low, 900 * found.high))


def test_moments_add_up():
    """The moments of two waves together are the sums of theirs."""
    first, second = spend(1, 70, 0.5, 30), spend(2, 30, 0.5, 30)

    both = Moments.of(first) + Moments.of(second)

    whole = np.concatenate([first, second])
    assert (both.n, both.mean, both.variance, both.buyers) == pytest.approx(
        (100, whole.mean(), whole.var(ddof=1), (whole > 0).sum()))


@pytest.mark.parametrize(("treated", "holdout", "verdict", "reason"), [
    (Moments(1000, 5000, 90_000, 100), Moments(1000, 1000, 9_000, 100), GAIN, "the whole interval lies above zero"),
    (Moments(1000, 1000, 9_000, 100), Moments(1000, 5000, 90_000, 100), LOSS, "the whole interval lies below zero"),
    (Moments(1000, 1000, 9_000, 100), Moments(1000, 1010, 9_000, 100), NOT_ENOUGH,
     "the interval holds zero: this could be chance"),
    (Moments(1000, 9000, 90_000, 500), Moments(100, 100, 900, MIN_BUYERS - 1), NOT_ENOUGH,
     "49 buyers among 100 contacts in the holdout; 50 are needed"),
    (Moments(1000, 9000, 90_000, 7), Moments(1000, 100, 900, 90), NOT_ENOUGH,
     "7 buyers among 1,000 contacts in the treated arm; 50 are needed"),
])
def test_verdicts(treated, holdout, verdict, reason):
    """A gain or a loss is claimed only where each arm has enough buyers and the interval leaves zero out."""
    found = lift(treated, holdout)

    assert (found.verdict, found.reason, found.enough) == (verdict, reason, verdict != NOT_ENOUGH)


@pytest.mark.parametrize("arms", [([], [1.0]), ([1.0, 2.0], []), ([1.0], [2.0])])
def test_an_arm_without_contacts_gives_no_interval(arms):
    """Below two contacts in an arm the interval is not a number and the verdict is not enough data."""
    found = lift(Moments.of(arms[0]), Moments.of(arms[1]))

    assert isnan(found.low) and isnan(found.high) and found.verdict == NOT_ENOUGH


def test_equal_outcomes_have_an_interval_of_no_width():
    """Where nobody differs there is no spread, and no division by it."""
    found = lift(Moments.of([2.0] * 5), Moments.of([1.0] * 5))

    assert (found.delta, found.low, found.high) == (1.0, 1.0, 1.0)


def test_return_by_hand():
    """1,000 treated, 3.00 of margin more each, 2,000 spent: (3,000 - 2,000) / 2,000 = 0.5."""
    found = lift(Moments.of([2.0, 4.0] * 500), Moments.of([0.0, 0.0] * 500))

    value = roi(found, 2000)

    assert value.value == pytest.approx(0.5)
    assert (value.low, value.high) == pytest.approx(
        ((found.incremental_low - 2000) / 2000, (found.incremental_high - 2000) / 2000))


@pytest.mark.parametrize(("cost", "known"), [(0, True), (2000, False)])
def test_no_return_without_cost_or_margin(cost, known):
    """Nothing spent, or no margin known: there is no return on investment, not one of zero."""
    found = lift(Moments.of([2.0, 4.0] * 500), Moments.of([0.0, 0.0] * 500))

    assert roi(found, cost, known) == Roi(None, None, None)


def test_the_smallest_effect_is_seen_as_often_as_stated():
    """At the effect for 90 % power the interval leaves zero out 90 % of the time."""
    assert power(effect_seen(2.0, 0.9), 2.0) == pytest.approx(0.9, abs=1e-5)
    assert effect_seen(1.0, 0.9) == pytest.approx(1.959964 + 1.281552, abs=1e-5)
    assert power(0.0, 2.0) == pytest.approx(0.05)


@pytest.mark.prove
def test_power_is_what_simulation_finds():
    """Drawn 400 times, Welch's interval sees the effect for 90 % power between 86 and 94 % of the time."""
    rng = np.random.default_rng(3)
    error = (1 / 900 + 1 / 100) ** 0.5
    effect = effect_seen(error, 0.9)
    seen = 0
    for _ in range(400):
        treated, holdout = rng.normal(10 + effect, 1, 900), rng.normal(10, 1, 100)
        seen += lift(Moments.of(treated), Moments.of(holdout)).low > 0

    assert 344 <= seen <= 376


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_power_out_of_range_is_refused(share):
    """A power below one half or of certainty is an error that says what is accepted."""
    with pytest.raises(ValueError, match="accepted: from 0.5 to below 1"):
        effect_seen(1.0, share)


def test_balance_is_pearsons():
    """The statistic and p of the arms' sizes are those of scipy's chi-square."""
    expected = stats.chisquare([8900, 1100], [9000, 1000])

    found = balance(8900, 1100, 0.1)

    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert found.alarm and not balance(8950, 1050, 0.1).alarm


def test_balance_of_nobody():
    """No contacts are in balance."""
    assert not balance(0, 0, 0.1).alarm


@pytest.mark.parametrize(("count", "of", "expected"), [
    (10, 1000, (0.0054408, 0.0183095)), (0, 100, (0, 0.036993)), (100, 100, (0.963007, 1))])
def test_wilsons_interval(count, of, expected):
    """Published values, also at none and at all."""
    assert wilson(count, of) == pytest.approx(expected, abs=1e-6)


def test_a_rate_of_nothing_is_none():
    """A zero denominator gives no rate and no interval."""
    assert (Rate(0, 0).value, Rate(0, 0).interval, Rate(1, 4).value) == (None, None, 0.25)
