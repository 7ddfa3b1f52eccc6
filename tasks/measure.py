"""Measure: the figures of the run, published where a marketer looks."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from marketing.summary import Summary
from tasks.wired import Wired


@task(cache_policy=NO_CACHE)
def measure(wired: Wired, summary: Summary) -> None:
    """Publish the pass's artifact; outside a flow run there is nowhere to publish it."""
    if FlowRunContext.get() is None:
        return
