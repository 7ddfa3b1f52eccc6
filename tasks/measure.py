"""Measure: the figures of the run, published where a marketer looks."""

from datetime import datetime

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from marketing.summary import Summary
from outbox.wired import Wired
from warehouse import idling
from warehouse.versions import Version


@task(cache_policy=NO_CACHE)
def measure(wired: Wired, summary: Summary) -> None:
    """Publish the pass's artifact; outside a flow run there is nowhere to publish it."""
    context = FlowRunContext.get()
    if context is None:
        return
    from reports import passes  # a second of drawing libraries that an idle pass does not need

    markdown = passes.told(wired.warehouse, summary.chain, summary.run, context.flow_run.name)
    create_markdown_artifact(markdown, key=summary.chain.replace("_", "-"), description=str(summary))


def next_due(wired: Wired, version: Version) -> datetime | None:
    """When anybody of the chain is next due."""
    return idling.next_due(wired.warehouse.ledger, version.chain)
