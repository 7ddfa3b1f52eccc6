"""Release: a stop that a person ordered ends; what is not stale may leave."""

from outbox.wired import Wired
from tasks.telling import tell
from warehouse import stopping
from warehouse.journal import Who

__all__ = ["release"]


def release(wired: Wired, scope: str, name: str, who: Who, why: str, run: str) -> stopping.Released:
    """End the stop of a scope, or the one of a number; raises NoSuchStop."""
    stop = stopping.chosen(wired.warehouse.ledger, scope, name)
    released = stopping.let_go(wired.warehouse, stop, who, why=why)
    counts = {"stop": stop.id, "may_leave": released.may_leave, "stale": released.stale}
    tell("release", run=run, state="completed", summary=counts)
    return released
