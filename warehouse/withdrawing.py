"""Withdrawing: what a cancelled run has planned and nobody has sent yet is settled as not sent."""

from datetime import datetime

import sqlalchemy as sa

from warehouse import runs
from warehouse.outbox import pack
from warehouse.schema import batch

__all__ = ["cancel_run", "withdraw"]


def cancel_run(ledger, run: str, *, now: datetime, wall: datetime) -> int:
    """From now on nothing of this run leaves but what is being sent; returns how many touches were withdrawn.

    Their contacts go on as not sent, and `explain` says why. Safe at any time, and any number of times.
    """
    runs.mark_cancelled(ledger, run, wall)
    return withdraw(ledger, now)


def withdraw(ledger, now: datetime) -> int:
    """Settle what cancelled runs have in the outbox, also what came back to it since; returns how many touches.

    Of a batch that may have been with the provider before it came back, nobody knows: its touches are unknown.
    """
    never = {"outcome": "cancelled", "units": 0, "settled_at": now.isoformat(), "reason": "run_cancelled", "rule": "run"}
    perhaps = {"outcome": "unknown", "units": 0, "settled_at": now.isoformat()}
    theirs = [batch.c.state == "planned", batch.c.run.in_(runs.cancelled_runs())]
    with ledger.read() as tx:
        if tx.execute(sa.select(batch.c.id).where(*theirs).limit(1)).first() is None:
            return 0
    rows = 0
    with ledger.begin() as tx:
        for began, result in ((batch.c.sending_at.is_(None), never), (batch.c.sending_at.is_not(None), perhaps)):
            settled = tx.execute(sa.update(batch).where(*theirs, began).values(
                state="settled", settled_at=now, sent_by=batch.c.run, receipts=pack(result), owner=None, lease_until=None,
            ).returning(batch.c.rows))
            rows += sum(settled.scalars())
    return rows
