"""Flow runs in the ledger: who started what with which parameters, kept past the workflow engine's clean-up."""

import json
from datetime import datetime

import sqlalchemy as sa

from warehouse.schema import run

__all__ = ["finish", "start"]


def start(ledger, run_id: str, *, name: str, kind: str, chain: int | None, params: dict, as_of: datetime, wall: datetime,
          starter: str | None = None) -> None:
    """A run begins, or begins again."""
    with ledger.begin() as tx:
        ledger.put(tx, run, {"id": run_id, "name": name, "kind": kind, "chain": chain, "starter": starter,
                             "params": json.dumps(params, sort_keys=True, default=str), "as_of": as_of,
                             "started_at": wall, "ended_at": None, "state": "running", "summary": None})


def finish(ledger, run_id: str, *, state: str, summary: dict, wall: datetime) -> None:
    """A run has ended, in the state `completed` or `failed`."""
    with ledger.begin() as tx:
        tx.execute(sa.update(run).where(run.c.id == run_id).values(
            ended_at=wall, state=state, summary=json.dumps(summary, sort_keys=True, default=str)))
