"""How figures are written: every rate with what it is a share of, every amount with its currency, a dash for nothing."""

from math import isfinite

from marketing.roi import Lift, Rate, Roi

__all__ = ["count", "money", "percent", "rate", "return_of", "span"]

NOTHING = "–"


def count(number: int | None) -> str:
    """1,234."""
    return NOTHING if number is None else f"{number:,}"


def percent(share: float | None, digits: int = 1) -> str:
    """12.3 %."""
    return NOTHING if share is None else f"{100 * share:.{digits}f} %"


def rate(value: Rate) -> str:
    """2.50 % of 4,120."""
    return f"{percent(value.value, 2)} of {value.of:,}" if value.of else NOTHING


def money(amount: float | None, currency: str) -> str:
    """1,234 USD; 12.34 USD below a hundred."""
    if amount is None or not isfinite(amount):
        return NOTHING
    text = f"{abs(amount):,.{2 if 0 < abs(amount) < 100 else 0}f}"
    return f"{'−' if amount < 0 and text.strip('0.,') else ''}{text} {currency}"


def return_of(value: Roi) -> str:
    """+120 % (−10 % to +250 %)."""
    if value.value is None:
        return NOTHING
    sides = "" if value.low is None else f" ({_signed(value.low)} to {_signed(value.high)})"
    return f"{_signed(value.value)}{sides}"


def span(lift: Lift, currency: str) -> str:
    """The interval of the incremental sum: −120 to 3,400 USD."""
    if not isfinite(lift.low):
        return "no interval"
    low, high = (money(amount, currency) for amount in (lift.incremental_low, lift.incremental_high))
    return f"{low.removesuffix(' ' + currency)} to {high}"


def _signed(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:+,.0f} %".replace("-", "−")
