"""Load: a file of contacts, orders, consents or suppressions, as a flow run."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import names, waking, wiring
from flows.recipe import do
from marketing.form import titled
from marketing.responses import PURCHASED
from marketing.waking import LEAD
from tasks import recording
from tasks.load import load as load_one
from tasks.opening import Wired

__all__ = ["load", "load_file"]

Kind = Literal["contacts", "orders", "consents", "suppressions"]
#: What new rows say to a chain, as if they were responses.
SAYS = {"contacts": LEAD, "orders": PURCHASED}


def load_file(wired: Wired, kind: str, path: Path | str, *, run: str, confirm: bool = False, run_name: str | None = None,
              starter: str | None = None, progress: Callable[[int, int, str], None] | None = None) -> Any:
    """Load one file; returns the loader's report. Raises LoadError with nothing loaded."""
    params = {"kind": kind, "path": str(path), "confirm": confirm}
    with recording.recorded(wired, "load", run, name=run_name, params=params, by=starter) as summary:
        report = do(load_one, wired, kind, str(path), run, confirm, progress)
        summary.update(read=report.read, new=report.new, changed=report.changed, rejected=report.rejected, held=report.held)
    if not report.held and kind == "suppressions":
        recording.noted(wired, starter, "suppressions loaded", {"run": run, "new": report.new, "rejected": report.rejected})
    if not report.held:
        waking.after_listing(wired, {SAYS[kind]: report.new} if kind in SAYS else {})
    return report


@flow(name="load", flow_run_name=names.at_start, persist_result=False)
def load(kind: Annotated[Kind, titled("What the rows are")], path: Annotated[str, titled("File")],
         confirm: Annotated[bool, titled("Load it although it looks unusual")] = False) -> Any:
    """Load a file of contacts, orders, consents or suppressions.

    Args:
        kind: A file holds rows of one kind; each row is a contact, a line of an order, a consent or a suppression.
        path: A CSV or Parquet file: its whole path, on the machine that runs this.
        confirm: Only once you have read why the load was held: its size is far from the usual, or many rows are rejected.
    """
    report = load_file(wiring.wired(), kind, path, confirm=confirm, run=str(flow_run.id), run_name=flow_run.name,
                       starter=recording.starter())
    return Completed(name="Held" if report.held else None, message=str(report), data=report)
