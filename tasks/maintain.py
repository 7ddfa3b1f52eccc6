"""Maintain: receipts become parts, small parts become larger ones, files that nobody lists are deleted."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from outbox.wired import Wired
from warehouse.maintenance import Swept, fold_small
from warehouse.maintenance import sweep as sweep_files


@task(cache_policy=NO_CACHE)
def fold_parts(wired: Wired, run: str) -> int:
    """Replace many small parts by few; returns how many were replaced."""
    return fold_small(wired.warehouse, run=run, as_of=wired.warehouse.clock.now())


@task(cache_policy=NO_CACHE)
def sweep(wired: Wired) -> Swept:
    """Delete what no manifest, snapshot or branch lists, a day after it went out of use."""
    return sweep_files(wired.warehouse)
