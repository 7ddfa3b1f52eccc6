"""Withdrawing: what a cancelled run or a withdrawn wave has planned and nobody has sent yet is settled as not sent."""

import time
from datetime import datetime

import sqlalchemy as sa

from marketing.graph import ANYWHERE
from warehouse import journal, runs, schema, stops
from warehouse.commit import HeadMoved
from warehouse.idling import inhabited
from warehouse.outbox import pack
from warehouse.passing.slice_pass import SlicePass
from warehouse.schema import batch
from warehouse.versions import Version, versions_of

__all__ = ["cancel_run", "close_wave", "empty_wave", "withdraw"]

#: A commit that somebody else forestalled is computed again so often.
TRIES = 50


def cancel_run(ledger, run: str, *, now: datetime, wall: datetime) -> int:
    """From now on nothing of this run leaves but what is being sent; returns how many touches were withdrawn.

    Their contacts go on as not sent, and `explain` says why. Safe at any time, and any number of times.
    """
    runs.mark_cancelled(ledger, run, wall)
    return withdraw(ledger, now)


def withdraw(ledger, now: datetime) -> int:
    """Settle what cancelled runs and withdrawn waves have in the outbox, also what came back to it since; returns how many
    touches.

    Of a batch that may have been with the provider before it came back, nobody knows: its touches are unknown.
    """
    gone = stops.withdrawn(ledger)
    planned, never = batch.c.state == "planned", batch.c.sending_at.is_(None)
    # A sender that has claimed touches of a withdrawn wave and not begun is told so before it begins.
    of_wave = sa.and_(batch.c.wave.is_not(None), batch.c.wave.in_(sorted(gone)), planned | (batch.c.state == "sending") & never)
    of_run = planned & batch.c.run.in_(runs.cancelled_runs())
    with ledger.read() as tx:
        if tx.execute(sa.select(batch.c.id).where(of_wave | of_run).limit(1)).first() is None:
            return 0
    said = {"outcome": "cancelled", "units": 0, "settled_at": now.isoformat()}
    perhaps = {"outcome": "unknown", "units": 0, "settled_at": now.isoformat()}
    with ledger.begin() as tx:
        return (_settle(tx, now, said | {"reason": "withdrawn", "rule": "wave"}, of_wave, never)
                + _settle(tx, now, said | {"reason": "run_cancelled", "rule": "run"}, of_run, never)
                + _settle(tx, now, perhaps, of_wave | of_run, ~never))


def _settle(tx: sa.Connection, now: datetime, result: dict, *which: sa.ColumnElement[bool]) -> int:
    settled = tx.execute(sa.update(batch).where(*which).values(
        state="settled", settled_at=now, sent_by=batch.c.run, receipts=pack(result), owner=None, lease_until=None,
    ).returning(batch.c.rows))
    return sum(settled.scalars())


def close_wave(ledger, wave: int, who: journal.Who, *, now: datetime, why: str = "") -> bool:
    """From now on nothing of this wave is handed over, and nobody enters it; False where it was withdrawn before.

    What is with a provider at this moment ends; `withdraw` settles the rest, `empty_wave` lets its contacts out.
    """
    with ledger.begin() as tx:
        new = stops.withdraw_wave(tx, wave, who, now=now, why=why)
        if new:
            journal.write(ledger, tx, who, "withdraw", {"wave": wave}, now=now, why=why)
        return new


def empty_wave(warehouse, wave: int, *, run: str, as_of: datetime) -> int:
    """Everybody who is inside by a withdrawn wave leaves, wherever they stand, by the exit `withdrawn`; returns how many.

    Slice by slice, beside passes too: who commits second computes again. Killed, it is run again. Raises HeadMoved.
    """
    with warehouse.ledger.read() as tx:
        chain = tx.execute(sa.select(schema.wave.c.chain).where(schema.wave.c.id == wave)).scalar_one()
    versions = versions_of(warehouse.ledger, chain)
    here = [one for one in versions[:-1] if inhabited(warehouse.ledger, one.id)] + versions[-1:]
    return sum(_empty(warehouse, here, slice, wave, run, as_of) for slice in warehouse.slices())


def _empty(warehouse, versions: list[Version], slice: int, wave: int, run: str, as_of: datetime) -> int:
    for _ in range(TRIES):
        leaving = _Leaving(warehouse, versions, versions[-1], slice=slice, as_of=as_of, run=run)
        try:
            return leaving.leave(wave)
        except HeadMoved:
            time.sleep(0.01)
        finally:
            leaving.close()
    raise HeadMoved(f"Passes of this chain committed first {TRIES} times; run it again.")


class _Leaving(SlicePass):
    """One slice: it reads who stands where as a pass does, and moves those of a wave out."""

    def _compact(self, *_given) -> None:
        """Nobody is written again on the way."""

    def leave(self, wave: int) -> int:
        """The commit is made even where nobody leaves: a pass that had read the head before must look again."""
        left = 0
        by_id = {version.id: version for version in self.versions}
        for (version_id, step), resting in sorted(self.resting.items()):
            if resting.residents and version_id in by_id:
                left += self._leave_step(by_id[version_id], step, wave)
        self.commit.within(lambda tx, _numbers: self.write_rests(tx))
        self.commit.apply()
        return left

    def _leave_step(self, version: Version, step: str, wave: int) -> int:
        source = self.moving.name("withdrawn")
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {source} AS SELECT r.* FROM {self.residents(version.id, step)} AS r "
                            "WHERE r.enrolment_id >> 36 = $wave", wave=wave)
        edge = next(edge for edge in version.graph.out(ANYWHERE) if edge.on == "withdrawn")
        return self.moving.take(version, edge, source, of=step)
