"""A chain rehearsed over the whole base up to a horizon, by the recipe of its passes."""

from collections.abc import Iterable, Mapping
from contextvars import Context
from datetime import datetime
from typing import Any

import chains
from flows import recipe
from marketing.calendar import add
from marketing.forecast import Forecast
from marketing.graph import compile
from marketing.options import RunOptions
from marketing.rates import read_rates
from marketing.summary import Summary
from tasks.forecasting import LONGEST, Tell, forecast_of

__all__ = ["forecast"]


def forecast(wired, name: str, params=None, options: RunOptions = recipe.NO_OPTIONS, *, until: datetime | None = None,
             rates: Mapping[str, object] | Iterable[tuple[str, object]] | None = None, run: str,
             progress: Tell = lambda done, total, words: None) -> Forecast:
    """What the chain `name` would do until a moment (naive UTC; None: until nobody is due, half a year at most).

    `until` as of now is one pass: who would enter, what would be planned and refused. `rates` as `relance rehearse --rates`
    takes them. Nothing of the live state is touched. Raises RatesError, NoSuchChain.
    """
    chain, now = chains.load(name), wired.warehouse.clock.now()
    params, options = params or chain.params(), options.model_copy(update={"rehearse": True})
    given = read_rates(rates.items() if isinstance(rates, Mapping) else rates or (), compile(chain))
    until = add(now, LONGEST, wired.warehouse.house.zone) if until is None else max(until, now)

    def one_pass(stage: Any, number: str, enrolling: bool) -> Summary:
        # In a context of its own: the passes of a rehearsal are no flow runs, have no name to give, publish nothing.
        return Context().run(recipe.run_pass, stage, name, params, options, run=number, enrolling=enrolling)

    return forecast_of(wired, chain, one_pass, until=until, given=given, run=run, note=options.note, tell=progress)
