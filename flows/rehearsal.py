"""A pass as a run asks for it: made in earnest, or rehearsed on a branch that is dropped afterwards."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flows import recipe
from flows.forecasting import forecast
from marketing.calendar import add, weeks
from marketing.forecast import Forecast
from marketing.options import RunOptions
from marketing.summary import Summary
from tasks import recording
from tasks.foretell import foretell, progress_of_run
from tasks.forecasting import Tell
from tasks.rehearsing import on_a_branch

__all__ = ["asked_for", "kept_forecast"]


def asked_for(wired, name: str, params, options: RunOptions, *, run: str, run_name: str | None = None,
              starter: str | None = None, **told: Any) -> Summary | Forecast:
    """Make the pass, or only tell what it would do: who would enter and move, what would be planned and refused."""
    by = {"run": run, "run_name": run_name, "starter": starter}
    if not options.rehearse:
        return recipe.run_pass(wired, name, params, options, **by, **told)
    if options.rehearse_weeks:
        until = add(wired.warehouse.clock.now(), weeks(options.rehearse_weeks), wired.warehouse.house.zone)
        return kept_forecast(wired, name, params, options, until=until, progress=progress_of_run(name), **by)
    with _kept(wired, params, options, **by) as kept:
        with on_a_branch(wired, run) as stage:
            summary = recipe.run_pass(stage, name, params, options, **by, **told)
        kept.update(summary.to_json())
    return summary


def kept_forecast(wired, name: str, params, options: RunOptions, *, until: datetime | None, run: str, run_name: str | None = None,
                  starter: str | None = None, rates: Mapping[str, object] | Iterable[tuple[str, object]] | None = None,
                  progress: Tell = lambda done, total, words: None) -> Forecast:
    """Rehearse up to a moment; the run is kept, and its page published."""
    with _kept(wired, params, options, run=run, run_name=run_name, starter=starter) as kept:
        told = forecast(wired, name, params, options, until=until, rates=rates, run=run, progress=progress)
        kept.update(told.to_json())
    recipe.do(foretell, told)
    return told


def _kept(wired, params, options: RunOptions, *, run: str, run_name: str | None, starter: str | None):
    asked = params.model_dump(mode="json") | options.model_dump(mode="json", exclude_defaults=True)
    return recording.recorded(wired, "rehearsal", run, name=run_name, params=asked, by=starter)
