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

REHEARSED = "Nothing of this was done: nobody was moved, nothing was sent. The figures are those that the run would leave."


@task(cache_policy=NO_CACHE)
def measure(wired: Wired, summary: Summary) -> None:
    """Publish the pass's artifact; outside a flow run there is nowhere to publish it."""
    context = FlowRunContext.get()
    if context is None:
        return
    from reports import passes, places  # a second of drawing libraries that an idle pass does not need

    deployment = context.flow_run.deployment_id and str(context.flow_run.deployment_id)
    markdown = passes.told(wired.warehouse, summary.chain, summary.run, summary.run_name, deployment)
    if summary.rehearsed:
        markdown = f"> **Rehearsed.** {REHEARSED}\n\n{markdown}"
    create_markdown_artifact(markdown, key=places.artifact_key(summary.chain, rehearsed=summary.rehearsed),
                             description=str(summary))


def next_due(wired: Wired, version: Version) -> datetime | None:
    """When anybody of the chain is next due."""
    return idling.next_due(wired.warehouse.ledger, version.chain)
