"""Filters that write amounts and days in the language of a message."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context

__all__ = ["FILTERS", "READS"]

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
}


def _language(context: Context) -> str:
    # What the file is written in; a file for all languages follows the contact.
    return str(context.environment.language or context.get("language") or "")[:2]


@pass_context
def money(context: Context, amount: Any, currency: str | None = None) -> str:
    """An amount with two decimals and its currency, the house's unless given: `{{ price|money }}`."""
    code = currency or context.environment.getitem(context["house"], "currency")
    cents = Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    figures = f"{cents:,.2f}"
    symbol = _SYMBOLS.get(code, code)
    if _language(context) == "en":
        return f"{symbol}{figures}" if code in _SYMBOLS else f"{code}\u00a0{figures}"
    return figures.replace(",", "\u202f").replace(".", ",") + f"\u00a0{symbol}"


@pass_context
def day(context: Context, value: Any) -> str:
    """A day in words, `24 November 2026`; an instant (UTC) is shown as the house's day."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
    if isinstance(value, datetime):
        zone = ZoneInfo(context.environment.getitem(context["house"], "zone"))
        value = value.replace(tzinfo=value.tzinfo or UTC).astimezone(zone).date()
    months = _MONTHS.get(_language(context))
    if months is None:
        return value.isoformat()
    number = "1er" if value.day == 1 and months is _MONTHS["fr"] else str(value.day)
    return f"{number} {months[value.month - 1]} {value.year}"


FILTERS = {"money": money, "day": day}
#: What the filters read of the row, beside their argument.
READS = frozenset({"house", "language"})
