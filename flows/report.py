"""Report: the figures of every chain, written as one page."""

from typing import Any

from prefect import flow
from prefect.states import Completed

import chains
from flows import wiring
from flows.recipe import do
from tasks.report import write_report

__all__ = ["report"]


@flow(name="report", persist_result=False)
def report(path: str = "report.html", chain: str | None = None) -> Any:
    """Write the report of this moment as one HTML page.

    Args:
        path: The file to write, on the machine that runs this.
        chain: One chain; none: all of them.
    """
    written = do(write_report, wiring.wired(), [chains.load(name) for name in chains.names()], chain, path)
    return Completed(message=f"Written: {written}", data=written)
