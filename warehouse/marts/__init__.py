"""The figures as views: one SQL file each, over the public views of a snapshot, opening with its grain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

__all__ = ["MARTS", "MartSettings", "create", "grain", "set_variables"]

FOLDER = Path(__file__).parent

#: in the order in which they rest on each other; each is the file of that name
MARTS = (
    "touch_facts", "touch_heard", "order_lines", "enrolment_ends", "enrolment_outcomes", "enrolments_by_step",
    "moves_by_edge", "step_funnel", "chain_funnel", "run_funnel", "refusals_by_reason", "responses_by_step",
    "channel_costs", "attributed_revenue", "holdout_outcomes", "holdout_totals", "pressure_distribution", "touch_counts",
    "step_schedule",
)


@dataclass(frozen=True, slots=True)
class MartSettings:
    """What the figures hang on beside the rows."""

    #: the moment of the figures, naive UTC
    as_of: datetime
    #: margin as a share of the amount, where an order line states none; None: unknown
    margin_rate: Decimal | None = None
    #: an order is attributed to a touch of at most this many days before
    attribution_days: int = 30
    #: what one touch weighs in the account of pressure, by channel
    weights: Mapping[str, float] = field(
        default_factory=lambda: {"email": 1.0, "post": 2.0, "sms": 3.0, "voice": 5.0, "phone": 8.0})
    #: the windows, in days before `as_of`, of pressure and of touch counts
    windows: tuple[int, ...] = (7, 30, 365)


def create(con: duckdb.DuckDBPyConnection, settings: MartSettings) -> None:
    """Add every mart to a connection as a documented view; the public views and `goals` must be there.

    The settings travel as session variables: they are read when a view is asked, and may be set again by a later call.
    """
    set_variables(con, settings)
    for name in MARTS:
        con.execute(f"CREATE OR REPLACE VIEW {name} AS {_text(name)}")
        con.execute(f"COMMENT ON VIEW {name} IS '{grain(name).replace(chr(39), chr(39) * 2)}'")


def set_variables(con: duckdb.DuckDBPyConnection, settings: MartSettings) -> None:
    """The settings as session variables of a connection, where the marts read them."""
    rate = settings.margin_rate
    weights = [{"channel": channel, "weight": float(weight)} for channel, weight in settings.weights.items()]
    values = {"as_of": settings.as_of, "attribution_days": settings.attribution_days, "weights": weights,
              "windows": list(settings.windows), "margin_rate": None if rate is None else float(rate)}
    for name, value in values.items():
        con.execute(f"SET VARIABLE {name} = $value", {"value": value}).fetchall()


def grain(name: str) -> str:
    """The sentence that says what one row of a mart is. Raises KeyError for a mart that there is not."""
    if name not in MARTS:
        raise KeyError(f"no mart {name!r}; there are {', '.join(MARTS)}")
    return _text(name).splitlines()[0].removeprefix("-- ")


def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
