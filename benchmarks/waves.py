"""Fifty waves through ten steps: whether the last pass costs what the first full one did."""

import uuid

import chains
from benchmarks import base
from benchmarks.passes import wired
from marketing import calendar

__all__ = ["STEPS", "WAVES", "waves"]

WAVES, STEPS = 50, 10


def waves(meter, folder: str, each: int) -> dict:
    """A pass a week, each with a new wave of `each` contacts; the meter has a section per pass."""
    installation = wired(f"{folder}/waves")
    from flows.recipe import run_pass

    warehouse = installation.warehouse
    base.into_warehouse(warehouse, WAVES * each, past=False)
    params, planned = chains.load("ten_steps").params, 0
    for week in range(WAVES):
        if week:
            # at the same time of the house's day, on both sides of a change of the clocks
            warehouse.clock.advance(calendar.add(base.START, calendar.weeks(week), warehouse.house.zone))
        with meter:
            summary = run_pass(installation, "ten_steps", params(joined=(week + 1) * each), run=str(uuid.uuid4()))
        planned += sum(summary.planned.values())
    return {"planned": planned}
