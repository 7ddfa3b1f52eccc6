"""Report: the figures of every chain, written as one page."""

from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed

import chains
from flows import names, wiring
from flows.recipe import do
from marketing.form import titled
from tasks.report import write_report

__all__ = ["report"]


@flow(name="report", flow_run_name=names.at_start, persist_result=False)
def report(path: Annotated[str, titled("File")] = "report.html", chain: Annotated[str | None, titled("Chain")] = None) -> Any:
    """Write the report of this moment as one HTML page.

    Args:
        path: The page to write, below the home folder of the installation unless the path is whole.
        chain: The figures of this chain alone, by the name that it has in the list of deployments; empty: all of them.
    """
    wired = wiring.wired()
    target = str(wired.warehouse.home / path)  # a worker runs this in a folder of its own, which goes with the run
    written = do(write_report, wired, [chains.load(name) for name in chains.names()], chain, target)
    return Completed(message=f"Written: {written}", data=written)
