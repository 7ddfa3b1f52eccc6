"""Measure: the figures of the run, published where a marketer looks."""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from marketing.summary import Summary
from tasks.wired import Wired


@task(cache_policy=NO_CACHE)
def measure(wired: Wired, summary: Summary) -> None:
    """Publish the pass's artifact; outside a flow run, and of a pass that did nothing, there is none."""
    context = FlowRunContext.get()
    if context is None or not (summary.entered or summary.settled or summary.moves or summary.sent):
        return
    from reports import passes  # a second of drawing libraries that an idle pass does not need

    markdown = passes.told(wired.warehouse, summary.chain, summary.run, context.flow_run.name)
    create_markdown_artifact(markdown, key=summary.chain.replace("_", "-"), description=str(summary))
