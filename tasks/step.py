"""Step: everybody who is due at one step of a chain, at once."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from marketing.graph import Step
from warehouse.passing import SlicePass
from warehouse.versions import Version


@task(cache_policy=NO_CACHE)
def step(passing: SlicePass, version: Version, at: Step) -> int:
    """Plan, answer, split, draw or assign; returns how many moved on."""
    return passing.step(version, at)
