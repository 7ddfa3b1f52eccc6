"""The outbox: batches of planned touches, handed over under a lease, settled by receipts."""

import io
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from warehouse.pausing import paused_chains
from warehouse.runs import cancelled_runs
from warehouse.schema import batch, part
from warehouse.stops import standing

__all__ = ["LEASE", "RESULT", "Batch", "Held", "claim", "claim_lapsed", "give_back", "hold", "open_batches", "renew", "settle",
           "stuck"]

#: How long a sender may be silent before its batches are somebody else's to resolve.
LEASE = timedelta(minutes=5)

#: One row per touch of a batch that is settled: its row in the touches part and what became of it.
RESULT = pa.schema([
    ("position", pa.int32()), ("outcome", pa.string()), ("error", pa.string()), ("units", pa.int32()),
    ("cost", pa.decimal128(18, 6)), ("settled_at", pa.timestamp("us")), ("provider_id", pa.string()),
    ("reason", pa.string()), ("rule", pa.string()), ("value", pa.string()), ("limit_value", pa.string()),
])


@dataclass(frozen=True, slots=True)
class Batch:
    """A row range (or, after a partial failure, some rows) of one touches part.

    `sending_at` is set once some of it may be with the provider: nobody may say of those rows that they never left.
    """

    id: int
    part: int
    first_row: int
    rows: int
    positions: bytes | None
    slice: int
    chain: int
    step: str
    connector: str
    run: str
    at_latest: datetime | None
    attempt: int
    sending_at: datetime | None
    owner: str | None
    wave: int | None = None  #: of all its touches; None in batches made before this was kept

    def row_numbers(self) -> np.ndarray:
        """The rows of the touches part, ascending."""
        if self.positions is None:
            return np.arange(self.first_row, self.first_row + self.rows, dtype=np.int32)
        return np.frombuffer(zlib.decompress(self.positions), dtype=np.int32)


class Held(Exception):
    """A stop that somebody ordered keeps a batch where it is."""


_COLUMNS = [batch.c[name] for name in Batch.__dataclass_fields__]


def claim(ledger, connector: str, *, owner: str, now: datetime, wall: datetime, most: int, lease: timedelta = LEASE,
          run: str | None = None, calling: bool = False) -> list[Batch]:
    """Lease up to `most` batches that may leave now, of one touches part, oldest `at_latest` first.

    `now` is the warehouse's time, `wall` the real one, by which leases are kept. `run`: only that run's. What a paused
    chain has planned stays where it is, and so does what somebody stopped; what a cancelled run has planned never leaves,
    nor does a withdrawn wave.
    No batch may be handed over before `renew` has said so, unless `calling` says that it is about to be.
    """
    ready = [batch.c.state == "planned", batch.c.connector == connector, batch.c.chain.not_in(paused_chains()),
             batch.c.run.not_in(cancelled_runs()), sa.or_(batch.c.not_before.is_(None), batch.c.not_before <= now)]
    if run:
        ready.append(batch.c.run == run)
    order = (batch.c.at_latest, batch.c.part, batch.c.id)
    with ledger.begin() as tx:
        if now_standing := standing(tx):
            ready.append(~now_standing.holds())
        first = tx.execute(sa.select(batch.c.part).where(*ready).order_by(*order).limit(1)).scalar()
        if first is None:
            return []
        chosen = sa.select(batch.c.id).where(*ready, batch.c.part == first).order_by(*order).limit(most)
        if not ledger.sqlite:
            chosen = chosen.with_for_update(skip_locked=True)
        ids = tx.execute(chosen).scalars().all()
        tx.execute(sa.update(batch).where(batch.c.id.in_(ids)).values(
            state="sending", owner=owner, lease_until=wall + lease,
            sending_at=sa.func.coalesce(batch.c.sending_at, now) if calling else batch.c.sending_at,
            attempt=batch.c.attempt + 1))
        return [Batch(*row) for row in tx.execute(sa.select(*_COLUMNS).where(batch.c.id.in_(ids)).order_by(batch.c.id))]


def claim_lapsed(ledger, connector: str, *, owner: str, wall: datetime, lease: timedelta = LEASE,
                 stopped: bool = False) -> list[Batch]:
    """Take over the batches whose sender fell silent: nobody knows which of their touches left.

    Those of which it had not begun to hand over any are simply planned again. What somebody stopped is taken over only with
    `stopped`, by who would not hand it over again.
    """
    lapsed = [batch.c.state == "sending", batch.c.connector == connector, batch.c.chain.not_in(paused_chains()),
              batch.c.lease_until < wall]
    begun = batch.c.sending_at.is_not(None)
    with ledger.begin() as tx:
        if tx.execute(sa.select(batch.c.id).where(*lapsed).limit(1)).first() is None:
            return []
        tx.execute(sa.update(batch).where(*lapsed, ~begun).values(state="planned", owner=None, lease_until=None))
        if not stopped and (now_standing := standing(tx)).stops:
            lapsed.append(~now_standing.stopped())
        ids = tx.execute(sa.select(batch.c.id).where(*lapsed, begun)).scalars().all()
        mine = [i for i in ids if tx.execute(
            sa.update(batch).where(batch.c.id == i, *lapsed).values(owner=owner, lease_until=wall + lease)).rowcount]
        return [Batch(*row) for row in tx.execute(sa.select(*_COLUMNS).where(batch.c.id.in_(mine)).order_by(batch.c.id))]


def renew(ledger, held: Batch, *, now: datetime, wall: datetime, lease: timedelta = LEASE) -> bool:
    """Say that the call comes now, and extend the lease; False when the batch is no longer this sender's. Raises Held."""
    with ledger.begin() as tx:
        _hold(tx, held)
        return tx.execute(sa.update(batch).where(
            batch.c.id == held.id, batch.c.state == "sending", batch.c.owner == held.owner,
        ).values(lease_until=wall + lease, sending_at=sa.func.coalesce(batch.c.sending_at, now))).rowcount == 1


def hold(ledger, one: Batch) -> None:
    """Raises Held where a stop, or a withdrawal, keeps a batch from being handed over."""
    with ledger.read() as tx:
        _hold(tx, one, lock=False)


def _hold(tx: sa.Connection, one: Batch, lock: bool = True) -> None:
    if now_standing := standing(tx, lock=lock):
        if tx.execute(sa.select(batch.c.id).where(batch.c.id == one.id, now_standing.holds())).first():
            raise Held(f"batch {one.id} is stopped")


def give_back(ledger, held: Sequence[Batch], *, not_before: datetime | None) -> int:
    """Nothing of these batches was sent: planned again, not before an instant; returns of how many touches."""
    rows = 0
    with ledger.begin() as tx:
        for one in held:
            given = tx.execute(sa.update(batch).where(
                batch.c.id == one.id, batch.c.state == "sending", batch.c.owner == one.owner,
            ).values(state="planned", owner=None, lease_until=None, not_before=not_before, sending_at=one.sending_at))
            rows += one.rows * given.rowcount
    return rows


def settle(ledger, held: Batch, results: pa.Table | dict, *, now: datetime, sent_by: str,
           again: Iterable[tuple[datetime, np.ndarray, datetime | None]] = ()) -> bool:
    """Keep the receipts of a batch; rows in `again` become batches of their own: not before an instant, the rows,
    and since when they may have been with the provider already.

    `results` is a table of RESULT, or one dict for all rows alike. Returns False when the
    batch was no longer this sender's: then nothing was kept.
    """
    with ledger.begin() as tx:
        kept = tx.execute(sa.update(batch).where(
            batch.c.id == held.id, batch.c.state == "sending", batch.c.owner == held.owner,
        ).values(state="settled", settled_at=now, sent_by=sent_by, receipts=pack(results), owner=None, lease_until=None))
        if kept.rowcount != 1:
            return False
        for not_before, rows, sending_at in again:
            tx.execute(sa.insert(batch), {
                "part": held.part, "first_row": int(rows.min()), "rows": len(rows), "slice": held.slice,
                "positions": zlib.compress(np.sort(rows).astype(np.int32).tobytes(), 1), "chain": held.chain,
                "step": held.step, "connector": held.connector, "run": held.run, "wave": held.wave, "state": "planned",
                "at_latest": held.at_latest, "not_before": not_before, "attempt": held.attempt, "sending_at": sending_at})
    return True


def settle_uniform(ledger, held: Sequence[Batch], result: dict, *, now: datetime, sent_by: str) -> None:
    """Settle many batches with the same receipt for every row, in one transaction."""
    with ledger.begin() as tx:
        tx.execute(sa.update(batch).where(
            batch.c.id.in_([one.id for one in held]), batch.c.state == "sending", batch.c.owner == held[0].owner,
        ).values(state="settled", settled_at=now, sent_by=sent_by, receipts=pack(result), owner=None, lease_until=None))


def open_batches(ledger, chain: int | None = None) -> dict[str, int]:
    """Touches still in the outbox, by state (planned, sending)."""
    query = sa.select(batch.c.state, sa.func.sum(batch.c.rows)).where(batch.c.state.in_(("planned", "sending")))
    if chain is not None:
        query = query.where(batch.c.chain == chain)
    with ledger.read() as tx:
        return {state: int(rows) for state, rows in tx.execute(query.group_by(batch.c.state))}


def stuck(ledger, *, now: datetime, wall: datetime, since: timedelta) -> dict[str, int]:
    """Touches by connector that could have left so long ago, where nothing was settled for as long.

    What a paused chain or a cancelled run has planned, and what somebody stopped, waits for its own reason.
    """
    ready = sa.func.coalesce(batch.c.not_before, part.c.listed_at)
    waiting = sa.and_(batch.c.state == "planned", batch.c.chain.not_in(paused_chains()),
                      batch.c.run.not_in(cancelled_runs()), ready < now - since)
    lapsed = sa.and_(batch.c.state == "sending", batch.c.lease_until < wall - since)
    query = sa.select(batch.c.connector, sa.func.sum(batch.c.rows)).join(part, part.c.n == batch.c.part, isouter=True).where(
        sa.or_(waiting, lapsed)).group_by(batch.c.connector)
    busy = sa.select(sa.distinct(batch.c.connector)).where(batch.c.settled_at >= now - since)
    with ledger.read() as tx:
        if now_standing := standing(tx, lock=False):
            query = query.where(~now_standing.holds())
        found = {connector: int(rows) for connector, rows in tx.execute(query)}
        at_work = set(tx.execute(busy).scalars()) if found else set()
    return {connector: rows for connector, rows in found.items() if connector not in at_work}


def pack(results: pa.Table | dict) -> bytes:
    """Receipts as they are kept with their batch."""
    if isinstance(results, dict):
        return b"J" + json.dumps(results, default=str).encode()
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, results.schema) as writer:
        writer.write_table(results)
    return b"A" + zlib.compress(sink.getvalue(), 1)


def is_uniform(receipts: bytes) -> bool:
    """Whether one receipt holds for every row of the batch."""
    return receipts[:1] == b"J"


def uniform(receipts: bytes) -> dict:
    """That one receipt."""
    one = json.loads(receipts[1:])
    one["settled_at"] = datetime.fromisoformat(str(one["settled_at"]))
    return one


def unpack(held: Batch, receipts: bytes) -> pa.Table:
    """The receipts of a batch as a table of RESULT."""
    if not is_uniform(receipts):
        return pa.ipc.open_stream(zlib.decompress(receipts[1:])).read_all()
    one = uniform(receipts)
    rows = held.row_numbers()
    columns = [pa.array(rows, pa.int32())]
    columns += [pa.repeat(pa.scalar(one.get(field.name), field.type), len(rows)) for field in list(RESULT)[1:]]
    return pa.table(columns, schema=RESULT)
