"""Maintenance: small parts are folded into larger ones, and files that nobody lists are deleted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from warehouse import records, schema
from warehouse.acts import former
from warehouse.branching import drop_branch, listed_by_branches
from warehouse.clock import wall
from warehouse.commit import HeadMoved
from warehouse.failpoints import reach
from warehouse.manifest import Part, current_number, parts_of, visible
from warehouse.scan import decode, wide
from warehouse.tables import TABLES

__all__ = ["FOLDED", "Swept", "fold_small", "sweep"]

#: Tables whose parts only pile up; `rest` and `standing` are written anew by the pass itself.
FOLDED = ("contacts", "orders", "consents", "suppressions", "moves", "touches", "receipts", "refusals", "responses",
          "assignments")
#: A part of at most this many rows is small; folding one more often costs more than reading it.
SMALL = 50_000
#: Rows and parts of one fold at most, so that memory stays flat.
_ROWS_AT_ONCE, _PARTS_AT_ONCE = 500_000, 256
#: Manifest columns that are equal in all parts of a fold: what readers choose parts by.
_SAME = ("tbl", "slice", "chain", "version", "from_step", "to_step", "reason", "channel", "purpose", "connector", "upto")
_DELETED_AT_ONCE = 200


def fold_small(wh, *, run: str, as_of: datetime, more_than: int = 16, small: int = SMALL) -> int:
    """Replace small parts that differ only in run, time and cost by one part each, where there are more than
    `more_than` of them; returns how many parts were replaced.

    Why nobody sees a row twice or misses one:

    1. At any one moment. A fold is an ordinary commit: one transaction lists the new part under
       a new number f and retires the old ones at f. A moment below f shows the old ones, a moment
       from f on the new one, and both hold the same rows. If one of the old parts was retired
       meanwhile (rewritten, erased, folded by somebody else), the commit fails as a whole.
    2. After a mark. Readers of "everything after m" go by place, not by number: an ordinary
       part's place is its number, the new part takes the greatest place p of those it replaces.
       Let the least be q. A reader at m >= p saw none of the old parts and does not see the new
       one; a reader at m < q saw all of them and sees it whole. Only a mark with q <= m < p would
       be cut in two, and `_marks` gathers every m that exists or can still come to be: watermarks,
       the `upto` of derived parts that are true, the touches parts of batches under way (a sender reads what
       was listed after them), and the number of every open snapshot, which a pass writes as its
       watermark or `upto` when it commits. A snapshot that is opened after the marks were read
       stands at or above every part that was visible with them, hence at or above p. Expired
       snapshots are marks too, until the sweeper forgets them and moves every head, so that
       whoever held one cannot commit.
    3. By position. Batches point at rows of a touches part: those under way keep their part.
    """
    with wh.ledger.read() as tx:
        parts = _small_parts(tx, small)
        busy = _touches_under_way(tx)
        marks = _marks(tx, busy)
    groups = defaultdict(list)
    for part in parts:
        if part.n not in busy:
            groups[tuple(getattr(part, name) for name in _SAME)].append(part)
    replaced = 0
    for group in groups.values():
        for run_of_parts in _between(group, marks):
            if len(run_of_parts) > more_than:
                replaced += sum(_fold(wh, numbers, run, as_of) for numbers in _portions(run_of_parts))
    return replaced


def _small_parts(tx: sa.Connection, small: int) -> list[Part]:
    """The small parts that are true now, in order of place, without their rows."""
    part = schema.part
    columns = [sa.null() if name == "inline" else part.c[name] for name in Part.__dataclass_fields__]
    query = sa.select(*columns).where(part.c.tbl.in_(FOLDED), visible(current_number(tx)), part.c.rows <= small)
    return [Part(*row) for row in tx.execute(query.order_by(part.c.place))]


def _portions(parts: Sequence[Part]) -> Iterable[list[int]]:
    """The numbers of consecutive parts, as many as one fold takes; one part alone needs no fold."""
    portion, rows = [], 0
    for part in parts:
        if len(portion) > 1 and (len(portion) == _PARTS_AT_ONCE or rows + part.rows > _ROWS_AT_ONCE):
            yield portion
            portion, rows = [], 0
        portion.append(part.n)
        rows += part.rows
    if len(portion) > 1:
        yield portion


def _touches_under_way(tx: sa.Connection) -> set[int]:
    return set(tx.execute(sa.select(schema.batch.c.part).where(schema.batch.c.state != "folded").distinct()).scalars())


def _marks(tx: sa.Connection, busy: Iterable[int]) -> list[int]:
    """Every number after which somebody may ask for what was listed, in order."""
    part = schema.part
    queries = (sa.select(schema.watermark.c.n), sa.select(schema.snapshot.c.n),
               sa.select(part.c.upto).where(part.c.upto.is_not(None), part.c.retired_n.is_(None)))
    return sorted({*busy, *(n for query in queries for n in tx.execute(query).scalars())})


def _between(parts: Sequence[Part], marks: Sequence[int]) -> list[list[Part]]:
    """The parts, in order of place, cut wherever a mark m stands between two: one place <= m < the next."""
    runs, last, waiting = [], None, iter([*marks, float("inf")])
    mark = next(waiting)
    for part in parts:
        cut = last is None
        while mark < part.place:
            cut = cut or mark >= last
            mark = next(waiting)
        if cut:
            runs.append([])
        runs[-1].append(part)
        last = part.place
    return runs


def _fold(wh, numbers: Sequence[int], run: str, as_of: datetime) -> int:
    """One commit that replaces parts by one; 0 when somebody else replaced one of them first."""
    with wh.ledger.read() as tx:
        parts = parts_of(tx, current_number(tx), FOLDED, schema.part.c.n.in_(numbers))
    if len(parts) < len(numbers):
        return 0
    table = TABLES[parts[0].tbl]
    rows = pa.concat_tables([_rows(wh.store, part) for part in parts], promote_options="permissive")
    times = [part.happened_at for part in parts if part.happened_at]
    commit = wh.commit(run=run, as_of=as_of)
    commit.add(
        table.name, rows.combine_chunks(), slice=parts[0].slice, place=parts[-1].place, schema=2 if wide(table) else 1,
        lo_at=_extent(min, parts, "lo_at"), hi_at=_extent(max, parts, "hi_at"),
        happened_at=max(times, default=None), run=None, **{name: getattr(parts[0], name) for name in _SAME[2:]})
    commit.retire([part.n for part in parts])
    reach("fold.before_commit")
    try:
        commit.apply()
    except HeadMoved:
        return 0
    reach("fold.done")
    return len(parts)


def _rows(store, part: Part) -> pa.Table:
    """The rows of a part with those of its constants that may differ between commits."""
    table = TABLES[part.tbl]
    rows = decode(part.inline) if part.inline is not None else pq.read_table(store.local([part.path])[0], partitioning=None)
    if part.schema == 2:
        return rows
    types = {"run": pa.string(), "happened_at": pa.timestamp("us"), "cost": pa.decimal128(18, 6)}
    for name, column in wide(table).items():
        value = pa.scalar(getattr(part, column), types[column])
        rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
    return rows


def _extent(of, parts: Sequence[Part], name: str) -> datetime | None:
    """The outermost of a bound that each part states; parts that state none are bounded by when they happened."""
    known = [getattr(part, name) or part.happened_at for part in parts]
    return of(known) if all(known) else None


@dataclass
class Swept:
    """What a sweep deleted: files of retired parts, files that no manifest ever listed, rows of the manifest, records."""

    files: int = 0
    orphans: int = 0
    rows: int = 0
    snapshots: int = 0
    branches: int = 0
    records: int = 0


def sweep(wh, grace: timedelta = timedelta(hours=24), *, now: datetime | None = None) -> Swept:
    """Delete what no moment that anybody can still read lists; `now` is the real time.

    A retired part goes once no open snapshot lies before its retirement and `grace` has passed
    since; one that a record of a pass reads is set apart for a replay, until the record is as old as
    records get, and goes with it. A file that was never listed goes when it is older than `grace` (its commit died, or
    finds it gone: `Commit` looks before it lists). What a branch lists stays. The file goes
    before its row, so that a death in between leaves a row that the next sweep finds.
    """
    now, swept = now or wall(), Swept()
    swept.snapshots = _forget_snapshots(wh.ledger, now)
    with wh.ledger.read() as tx:
        expired = tx.execute(sa.select(schema.branch.c.name).where(schema.branch.c.expires_at <= now)).scalars().all()
    for name in expired:
        drop_branch(wh, name)
    swept.branches = len(expired)
    swept.records = records.forget(wh.ledger, now - records.KEPT)
    _set_apart(wh.ledger, now - grace)
    part = schema.part
    _drop(wh, part, sa.and_(part.c.retired_n.is_not(None), part.c.retired_at <= now - grace), swept)
    _drop(wh, former, sa.true(), swept)
    _drop_orphans(wh, now - grace, swept)
    return swept


def _forget_snapshots(ledger, now: datetime) -> int:
    """Forget those who never came back. Their heads move, so that one who still does cannot commit on old marks."""
    snapshot, head = schema.snapshot, schema.head
    with ledger.begin() as tx:
        gone = tx.execute(sa.delete(snapshot).where(snapshot.c.expires_at <= now)).rowcount
        if gone:
            tx.execute(sa.update(head).values(seq=head.c.seq + 1))
    return gone


def _set_apart(ledger, before: datetime) -> None:
    """Take retired parts that only records read out of the manifest, which stays as short as what is true."""
    part = schema.part
    columns = [column.name for column in part.columns]
    retired = sa.and_(part.c.retired_n.is_not(None), part.c.retired_at <= before)
    with ledger.read() as tx:
        reads = records.needed(tx)
        apart = [n for n, gone in tx.execute(_unread(tx, part, retired)) if reads(n, gone)]
    for start in range(0, len(apart), _DELETED_AT_ONCE):
        some = part.c.n.in_(apart[start:start + _DELETED_AT_ONCE])
        with ledger.begin() as tx:
            tx.execute(sa.insert(former).from_select(columns, sa.select(part).where(some).with_for_update()))
            tx.execute(sa.delete(part).where(some))


def _unread(tx: sa.Connection, table: sa.Table, condition: sa.ColumnElement, *more: sa.ColumnElement) -> sa.Select:
    """The query of the rows of retired parts that no open snapshot sees: n, retired_n and whatever `more`."""
    query = sa.select(table.c.n, table.c.retired_n, *more).where(condition)
    oldest = tx.execute(sa.select(sa.func.min(schema.snapshot.c.n))).scalar()
    # Whoever reads the moment n sees what was retired after it.
    return query if oldest is None else query.where(table.c.retired_n <= oldest)


def _drop(wh, table: sa.Table, condition: sa.ColumnElement, swept: Swept) -> None:
    """Delete the files and rows of a manifest that no snapshot, branch or record reads."""
    with wh.ledger.read() as tx:
        rows, reads = tx.execute(_unread(tx, table, condition, table.c.path)).all(), records.needed(tx)
    # Asked after the snapshots: a branch holds one until it stands in the ledger.
    kept = listed_by_branches(wh) if rows else set()
    rows = [(n, path) for n, retired_n, path in rows if path not in kept and not reads(n, retired_n)]
    for start in range(0, len(rows), _DELETED_AT_ONCE):
        some = rows[start:start + _DELETED_AT_ONCE]
        for _, path in some:
            if path:
                reach("sweep.before_drop")
                wh.store.drop(path)
                reach("sweep.dropped")
                swept.files += 1
        with wh.ledger.begin() as tx:
            tx.execute(sa.delete(table).where(table.c.n.in_([n for n, _ in some]), table.c.retired_n.is_not(None)))
        swept.rows += len(some)


def _drop_orphans(wh, before: datetime, swept: Swept) -> None:
    """Files that no row lists. The counter is held meanwhile, so that no commit lists one of them in between."""
    part, edge = schema.part, (before - datetime(1970, 1, 1)).total_seconds()
    old = [path for path, modified in wh.store.files() if modified <= edge]
    for start in range(0, len(old), _DELETED_AT_ONCE):
        some = old[start:start + _DELETED_AT_ONCE]
        with wh.ledger.begin() as tx:
            current_number(tx, hold=True)
            listed = {path for table in (part, former)
                      for path in tx.execute(sa.select(table.c.path).where(table.c.path.in_(some))).scalars()}
            for path in some:
                if path not in listed:
                    reach("sweep.before_drop")
                    wh.store.drop(path)
                    reach("sweep.dropped")
                    swept.orphans += 1
