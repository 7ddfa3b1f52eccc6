"""The checks of `relance doctor` on what moves: chains, their sources, their runs, their messages."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flows.cli.findings import Finding, good, remark, wrong

__all__ = ["MOVING"]

#: Batches that could have left so long ago are waiting for a sender that does not come.
IDLE = timedelta(hours=1)


def chain_files(wired: Any) -> Iterator[Finding]:
    """Every chain is sound."""
    from flows.cli.checking import problems

    for name, faults in problems(wired).items():
        if faults:
            yield wrong(f"chain {name}", "; ".join(faults), f"relance chains check {name}")
        else:
            yield good(f"chain {name}", "sound")


def changes(wired: Any) -> Iterator[Finding]:
    """Nobody stands in a part of a chain that its file has no more; chains that are paused are a remark."""
    from flows.cli.chain_changes import lost
    from warehouse.pausing import pauses

    for said in lost(wired):
        yield wrong("changed chains", said, "relance chains diff")
    for name, pause in pauses(wired.warehouse.ledger).items():
        said, _, command = pause.told(name, wired.warehouse.house.zone).rstrip(")").rpartition(" (")
        yield remark(f"chain {name}", said, command)


def sources(wired: Any) -> Iterator[Finding]:
    """No chain waits for its sources."""
    from flows.deployments import sound
    from warehouse.idling import stale_source
    from warehouse.overview import sources_now

    warehouse = wired.warehouse
    waits = {}
    for chain in sound()[0]:
        if said := stale_source(warehouse.ledger, chain.sources, warehouse.clock.now(), warehouse.house.zone):
            waits.setdefault(said, []).append(chain.name)
    for said, chains in waits.items():
        text, _, command = said.rstrip(")").rpartition(" (")
        yield wrong("sources", f"{text}: {' and '.join(chains)} wait{'s' if len(chains) == 1 else ''}", command)
    if not waits:
        yield good("sources", f"{len(sources_now(warehouse.ledger))} loaded, none too old for its chains")


def runs(wired: Any) -> Iterator[Finding]:
    """The last run of each kind ended well."""
    import sqlalchemy as sa
    from warehouse.runs import mark_crashed
    from warehouse.schema import chain, run

    mark_crashed(wired.warehouse.ledger, wired.wall())
    newest = sa.func.row_number().over(partition_by=(run.c.kind, run.c.chain), order_by=run.c.started_at.desc())
    last = sa.select(run.c.kind, run.c.state, run.c.name, run.c.summary, run.c.params, chain.c.name.label("of"),
                     newest.label("place")).join(chain, chain.c.id == run.c.chain, isouter=True).subquery()
    with wired.warehouse.ledger.read() as tx:
        ended = tx.execute(sa.select(last).where(last.c.place == 1).order_by(last.c.kind, last.c.of)).mappings().all()
    bad = [row for row in ended if row["state"] in ("crashed", "failed")]
    for row in bad:
        command = {"pass": f"pass {row['of']}", "load": "load {kind} {path}".format(
            **{"kind": "KIND", "path": "FILE", **json.loads(row["params"] or "{}")})}.get(row["kind"], row["kind"])
        why = json.loads(row["summary"] or "{}").get("error", "nobody knows why")
        yield wrong("runs", f"the last {row['kind']}{f' of {row.of}' if row['of'] else ''} {row['state']}: {why}",
                    f"relance {command}")
    if not bad:
        yield good("runs", f"the last of each kind ended well ({len(ended)} kinds)" if ended else "none yet")


def outbox(wired: Any) -> Iterator[Finding]:
    """No message waits for a sender that does not come."""
    import sqlalchemy as sa
    from warehouse.pausing import paused_chains
    from warehouse.schema import batch, run

    ready = sa.func.coalesce(batch.c.not_before, run.c.as_of)
    waiting = sa.and_(batch.c.state == "planned", ready < wired.warehouse.clock.now() - IDLE)
    lapsed = sa.and_(batch.c.state == "sending", batch.c.lease_until < wired.wall())
    query = sa.select(batch.c.connector, batch.c.state, sa.func.sum(batch.c.rows)).join(
        run, run.c.id == batch.c.run, isouter=True).where(
        sa.or_(waiting, lapsed), batch.c.chain.not_in(paused_chains())).group_by(batch.c.connector, batch.c.state)
    with wired.warehouse.ledger.read() as tx:
        stuck = tx.execute(query).all()
    for name, state, many in stuck:
        why = "were being sent by a process that died" if state == "sending" else "could have left more than an hour ago"
        yield wrong("outbox", f"{int(many):,} touches by {name} {why}", f"relance send {name}")
    if not stuck:
        yield good("outbox", "nothing is stuck")


#: In the order in which they are told.
MOVING = (chain_files, changes, sources, runs, outbox)
