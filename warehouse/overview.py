"""The state of the house at a glance, asked of the ledger alone: chains, outbox, sources, runs."""

import json
from datetime import datetime, timedelta

import sqlalchemy as sa

from warehouse.pausing import pauses
from warehouse.runs import last
from warehouse.schema import batch, chain, rest, source, wave
from warehouse.schema import run as runs
from warehouse.stops import waits
from warehouse.versions import chain_numbers

__all__ = ["chains_now", "outbox_now", "runs_now", "sources_now", "wave_params"]


def chains_now(ledger, as_of: datetime, zone: str) -> list[dict]:
    """One row per chain that a pass has run: who is in it, where somebody is due, its last pass, whether it is paused or
    stopped."""
    found, stopped = [], pauses(ledger)
    for name, number in chain_numbers(ledger).items():
        stop = waits(ledger, name)
        with ledger.read() as tx:
            steps = tx.execute(sa.select(rest.c.step, sa.func.sum(rest.c.residents), sa.func.min(rest.c.next_due)).where(
                rest.c.chain == number, rest.c.residents > 0).group_by(rest.c.step).order_by(rest.c.step)).all()
        run = last(ledger, "pass", number)
        summary = json.loads(run["summary"]) if run and run["summary"] else {}
        found.append({
            "chain": name, "paused": stopped[name].told(name, zone) if name in stopped else stop and stop.told(zone),
            "active": sum(int(many) for _, many, _ in steps),
            "standing": {step: int(many) for step, many, _ in steps},
            "due_at_steps": [step for step, _, due in steps if due is not None and due <= as_of],
            "next_due": min((due for _, _, due in steps if due is not None), default=None),
            "last_pass": run and {"run": run["id"], "name": run["name"], "as_of": run["as_of"], "state": run["state"],
                                  "starter": run["starter"], "said": summary.get("sentence") or summary.get("error", ""),
                                  "waits_for": summary.get("waits_for", "")},
        })
    return found


def outbox_now(ledger) -> dict[str, dict[str, int]]:
    """Touches in the outbox by connector and state: planned, sending, settled (receipts not filed yet)."""
    query = sa.select(batch.c.connector, batch.c.state, sa.func.sum(batch.c.rows)).where(
        batch.c.state != "folded").group_by(batch.c.connector, batch.c.state).order_by(batch.c.connector, batch.c.state)
    found: dict[str, dict[str, int]] = {}
    with ledger.read() as tx:
        for connector, state, rows in tx.execute(query):
            found.setdefault(connector, {})[state] = int(rows)
    return found


def sources_now(ledger) -> list[dict]:
    """One row per source: its latest load."""
    newest = sa.select(sa.func.max(source.c.id)).group_by(source.c.source)
    query = sa.select(source.c.source, source.c.loaded_at, source.c.newest_at, source.c.rows, source.c.rejected,
                      source.c.confirmed).where(source.c.id.in_(newest)).order_by(source.c.source)
    with ledger.read() as tx:
        return [dict(row) for row in tx.execute(query).mappings()]


def runs_now(ledger, wall: datetime) -> list[dict]:
    """One row per chain, or kind of run without one: its runs of the last day by how they ended, the latest, and how
    many of the last week failed or crashed after the last that ended well."""
    since = wall - timedelta(days=1)
    of = (runs.c.kind, runs.c.chain)
    good = sa.select(*of, sa.func.max(runs.c.started_at).label("at")).where(runs.c.state == "completed").group_by(*of).subquery()
    after = sa.and_(runs.c.started_at >= wall - timedelta(days=7),
                    sa.or_(good.c.at.is_(None), runs.c.started_at > good.c.at))
    ended = {state: sa.func.count(sa.case((sa.and_(runs.c.state == state, runs.c.started_at >= since), 1)))
             for state in ("completed", "failed", "crashed", "cancelled")}
    query = sa.select(
        runs.c.kind, chain.c.name.label("chain"), *(many.label(state) for state, many in ended.items()),
        sa.func.max(runs.c.started_at).label("latest"),
        *(sa.func.count(sa.case((sa.and_(runs.c.state == state, after), 1))).label(f"{state}_since")
          for state in ("failed", "crashed"))).join(chain, chain.c.id == runs.c.chain, isouter=True).join(
        good, sa.and_(good.c.kind == runs.c.kind, sa.func.coalesce(good.c.chain, -1) == sa.func.coalesce(runs.c.chain, -1)),
        isouter=True).group_by(runs.c.kind, chain.c.name).order_by(runs.c.kind, chain.c.name)
    with ledger.read() as tx:
        return [dict(row) for row in tx.execute(query).mappings()]


def wave_params(ledger) -> dict[str, str]:
    """The parameters, as JSON, of the latest wave that each chain took from its audience, by the chain's name."""
    newest = sa.select(sa.func.max(wave.c.id)).where(wave.c.kind == "audience").group_by(wave.c.chain)
    query = sa.select(chain.c.name, wave.c.params).join(chain, chain.c.id == wave.c.chain).where(wave.c.id.in_(newest))
    with ledger.read() as tx:
        return dict(tx.execute(query).all())
