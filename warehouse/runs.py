"""Flow runs in the ledger: who started what with which parameters, kept past the workflow engine's clean-up."""

import json
from datetime import datetime

import sqlalchemy as sa

from warehouse.schema import run

__all__ = ["count", "finish", "last", "start"]


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


def count(ledger, kind: str) -> int:
    """How many runs of a kind there were."""
    with ledger.read() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(run).where(run.c.kind == kind)).scalar_one()


def last(ledger, kind: str, chain: int | None = None) -> dict | None:
    """The latest run of a kind, of a chain if one is given: its columns by name."""
    query = sa.select(run).where(run.c.kind == kind).order_by(run.c.started_at.desc(), run.c.id).limit(1)
    with ledger.read() as tx:
        row = tx.execute(query if chain is None else query.where(run.c.chain == chain)).mappings().first()
    return dict(row) if row else None
