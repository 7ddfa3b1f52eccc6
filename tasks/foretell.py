"""Foretell: the page of a rehearsal, published where a marketer looks."""

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from marketing.forecast import Forecast
from tasks.forecasting import Tell

__all__ = ["foretell", "progress_of_run"]

#: A bar in the browser moves by at least so many hundredths: each move is a call to the server.
STEP = 5.0


@task(cache_policy=NO_CACHE)
def foretell(told: Forecast) -> None:
    """Publish the page of a rehearsal; outside a flow run there is nowhere to publish it."""
    if FlowRunContext.get() is None:
        return
    from reports import foretold, places

    create_markdown_artifact(foretold.foretold(told), key=places.artifact_key(told.chain, rehearsed=True), description=str(told))


def progress_of_run(chain: str) -> Tell:
    """A bar on the page of the present flow run; outside of one nothing is shown."""
    if FlowRunContext.get() is None:
        return lambda done, total, words: None
    bar = create_progress_artifact(0.0, key=f"{chain.replace('_', '-')}-rehearsing", description="Rehearsing")
    shown = [0.0]

    def tell(done: int, total: int, words: str) -> None:
        progress = min(100.0, 100.0 * done / total)
        if progress >= shown[0] + STEP:
            shown[0] = progress
            update_progress_artifact(bar, progress, words)

    return tell
