"""Settle: goals and exits, now, out of any step."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from warehouse.passing import SlicePass
from warehouse.passing.settle import settle as settle_slice


@task(cache_policy=NO_CACHE)
def settle(passing: SlicePass) -> int:
    """Move out who reached the goal or must leave; returns how many."""
    return settle_slice(passing)
