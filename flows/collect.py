"""Collect: responses from the inbox and from the connectors that are polled, as a flow of its own."""

from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import names, waking, wiring
from flows.recipe import do
from tasks import recording
from tasks.collect import collect as drain_inbox
from tasks.collect import fold
from tasks.opening import Wired

__all__ = ["collect", "take_in"]


def take_in(wired: Wired, *, run: str, run_name: str | None = None, starter: str | None = None) -> dict[str, Any]:
    """Take in what came back; returns counts by what became of it, `receipts` filed, `failed` connectors with what
    they said."""
    with recording.recorded(wired, "collect", run, name=run_name, by=starter) as summary:
        counts = do(drain_inbox, wired, run)
        summary.update(vars(counts), receipts=do(fold, wired, run))
    waking.after_listing(wired, counts.kinds)
    return summary


@flow(name="collect", flow_run_name=names.at_start, persist_result=False)
def collect() -> Any:
    """Take in what came back: the inbox, and the connectors that are polled."""
    found = take_in(wiring.wired(), run=str(flow_run.id), run_name=flow_run.name, starter=recording.starter())
    failed = "".join(f" {name} could not be asked: {why}." for name, why in found["failed"].items())
    return Completed(message=f"{found['received']:,} received, {found['listed']:,} new.{failed}", data=found)
