"""Finish: the commit that makes a pass over one slice true."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from warehouse.passing import SlicePass


@task(cache_policy=NO_CACHE)
def finish(passing: SlicePass) -> int:
    """Commit moves, touches, refusals, batches and marks together; returns the number of parts. Raises HeadMoved."""
    return len(passing.finish())
