"""Cancel: what a cancelled run has planned stays; where its process was killed first, the flow watch does the same."""

from outbox.wired import Wired
from tasks.telling import tell
from warehouse.withdrawing import cancel_run

__all__ = ["cancel"]


def cancel(wired: Wired, run: str, chain: str) -> int:
    """Withdraw what the run has not sent yet; returns how many touches. Its contacts go on as not sent."""
    withdrawn = cancel_run(wired.warehouse.ledger, run, now=wired.warehouse.clock.now(), wall=wired.wall())
    tell("pass", run=run, state="cancelled", chain=chain, summary={"withdrawn": withdrawn})
    return withdrawn
