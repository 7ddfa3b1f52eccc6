"""Flow runs in the ledger: who started what with which parameters, kept past the workflow engine's clean-up."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from warehouse import processes
from warehouse.journal import Who, write
from warehouse.schema import chain as chains
from warehouse.schema import run, wave

__all__ = ["cancelled_runs", "count", "finish", "last", "mark_cancelled", "mark_crashed", "start", "states", "waves"]

#: A run of another machine that did not end in this time is taken for dead; if it is not, its own end has the last word.
UNHEARD = timedelta(hours=24)


def start(ledger, run_id: str, *, name: str, kind: str, chain: int | None, params: dict, as_of: datetime, wall: datetime,
          starter: str | None = None, who: Who | None = None) -> None:
    """A run begins, or begins again; those whose process has died are marked. What `who` started is in the journal with it."""
    mark_crashed(ledger, wall)
    with ledger.begin() as tx:
        if who is not None and tx.execute(sa.select(run.c.id).where(run.c.id == run_id)).first() is None:
            of = tx.execute(sa.select(chains.c.name).where(chains.c.id == chain)).scalar() if chain else None
            told = of or next((params[name] for name in ("chain", "connector", "kind") if params.get(name)), None)
            write(ledger, tx, who, "run", {"kind": kind, "of": told, "run": run_id}, now=as_of)
        ledger.put(tx, run, {"id": run_id, "name": name, "kind": kind, "chain": chain, "starter": starter,
                             "params": json.dumps(params, sort_keys=True, default=str), "as_of": as_of,
                             "started_at": wall, "ended_at": None, "state": "running", "summary": None,
                             "process": processes.ours()})


def finish(ledger, run_id: str, *, state: str, summary: dict, wall: datetime) -> None:
    """A run has ended, in the state `completed` or `failed`, under the name that its summary says it has got (`run_name`);
    one that was cancelled stays so."""
    named = {"name": summary["run_name"]} if summary.get("run_name") else {}
    with ledger.begin() as tx:
        tx.execute(sa.update(run).where(run.c.id == run_id, run.c.state != "cancelled").values(
            ended_at=wall, state=state, summary=json.dumps(summary, sort_keys=True, default=str), **named))


def mark_crashed(ledger, wall: datetime) -> None:
    """Runs that cannot be running any more are `crashed`: nobody was left to say how they ended."""
    query = sa.select(run.c.id, run.c.process, run.c.started_at).where(run.c.state == "running")
    with ledger.read() as tx:
        running = tx.execute(query).all()
    found = {row.id: said for row in running if (said := _crash(row.process, row.started_at, wall))}
    if found:
        with ledger.begin() as tx:
            for run_id, said in found.items():
                tx.execute(sa.update(run).where(run.c.id == run_id, run.c.state == "running").values(
                    state="crashed", summary=json.dumps({"error": said})))


def mark_cancelled(ledger, run_id: str, wall: datetime) -> bool:
    """A run was stopped by somebody who wants no more of it; returns whether the ledger knows the run."""
    with ledger.begin() as tx:
        return tx.execute(sa.update(run).where(run.c.id == run_id).values(
            state="cancelled", ended_at=sa.func.coalesce(run.c.ended_at, wall))).rowcount == 1


def cancelled_runs() -> sa.Select:
    """The query of the runs that were cancelled: whose batches nobody may claim."""
    return sa.select(run.c.id).where(run.c.state == "cancelled")


def _crash(process: str | None, started_at: datetime, wall: datetime) -> str | None:
    """Why a run that says it is running is not; None where it may well be."""
    lives = processes.alive(process)
    if lives is False:
        return "its process has died"
    if lives is None and wall - started_at > UNHEARD:
        return f"not heard of for {UNHEARD.total_seconds() / 3600:.0f} hours; {_whereabouts(process)}"
    return None


def _whereabouts(process: str | None) -> str:
    if not process:
        return "nobody knows where it ran"
    host, number, *_ = process.rsplit(" ", 3)
    return f"it ran on {host} as process {number}"


def count(ledger, kind: str) -> int:
    """How many runs of a kind there were."""
    with ledger.read() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(run).where(run.c.kind == kind)).scalar_one()


def states(ledger, run_ids: Sequence[str]) -> dict[str, dict]:
    """Of the runs that the ledger knows: state, process, when it started and ended, by id."""
    query = sa.select(run.c.id, run.c.state, run.c.process, run.c.started_at, run.c.ended_at).where(run.c.id.in_(run_ids))
    with ledger.read() as tx:
        return {row["id"]: dict(row) for row in tx.execute(query).mappings()}


def waves(ledger, run_id: str, chain: int) -> list[int]:
    """The waves that a run took into a chain, those that nobody entered apart."""
    query = sa.select(wave.c.id).where(wave.c.chain == chain, wave.c.run == run_id, wave.c.entered > 0).order_by(wave.c.id)
    with ledger.read() as tx:
        return list(tx.execute(query).scalars())


def last(ledger, kind: str, chain: int | None = None) -> dict | None:
    """The latest run of a kind, of a chain if one is given: its columns by name."""
    query = sa.select(run).where(run.c.kind == kind).order_by(run.c.started_at.desc(), run.c.id).limit(1)
    with ledger.read() as tx:
        row = tx.execute(query if chain is None else query.where(run.c.chain == chain)).mappings().first()
    return dict(row) if row else None
