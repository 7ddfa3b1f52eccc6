"""Maintain: receipts filed, small parts folded into larger ones, files that nobody lists deleted."""

from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import names, wiring
from flows.recipe import do
from tasks import maintain as tidy
from tasks import recording
from tasks.collect import fold
from tasks.opening import Wired

__all__ = ["maintain", "tidy_up"]


def tidy_up(wired: Wired, *, run: str, run_name: str | None = None, starter: str | None = None) -> dict[str, int]:
    """Fold and sweep; safe at any time, beside anything. Returns what was filed, folded and deleted."""
    with recording.recorded(wired, "maintain", run, name=run_name, by=starter) as summary:
        summary.update(receipts=do(fold, wired, run), folded=do(tidy.fold_parts, wired, run))
        summary.update(vars(do(tidy.sweep, wired)))
    return summary


@flow(name="maintain", flow_run_name=names.at_start, persist_result=False)
def maintain() -> Any:
    """Fold small parts, sweep files that nobody lists."""
    done = tidy_up(wiring.wired(), run=str(flow_run.id), run_name=flow_run.name, starter=recording.starter())
    deleted = done["files"] + done["orphans"]
    return Completed(message=f"{done['folded']:,} small parts folded, {deleted:,} files deleted.", data=done)
