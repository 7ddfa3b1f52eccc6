"""Folding: receipts kept with their batches become parts, so that the next pass reads them as sets."""

from collections import defaultdict
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from warehouse.failpoints import reach
from warehouse.manifest import Part, parts_of
from warehouse.outbox import RESULT, Batch, is_uniform, uniform, unpack
from warehouse.passing.gate import MADE
from warehouse.scan import decode
from warehouse.schema import batch, part

__all__ = ["fold_receipts", "unfolded"]

#: Batches folded in one commit: about a hundred thousand touches, so that memory stays flat.
AT_ONCE = 200
#: A receipt that holds for every row of its batch is kept in fewer bytes than this, any other in more.
UNIFORM_BYTES = 300


def fold_receipts(warehouse, *, run: str, as_of: datetime, chain: int | None = None) -> int:
    """Write the receipts of settled batches as parts; returns how many touches. Any process may be doing the same."""
    folded = 0
    while True:
        settled = _settled(warehouse.ledger, chain)
        if not settled:
            return folded
        folded += _fold(warehouse, settled, run, as_of)


def unfolded(ledger) -> bool:
    """Whether any batch is settled and not yet folded."""
    with ledger.read() as tx:
        return tx.execute(sa.select(batch.c.id).where(batch.c.state == "settled").limit(1)).first() is not None


def _settled(ledger, chain: int | None) -> list[tuple[Batch, bytes, str]]:
    """Settled batches of one touches part, with their receipts and the run that sent them.

    Either up to AT_ONCE of any kind, or all those whose one receipt holds for every row.
    """
    open_ = [batch.c.state == "settled", *([batch.c.chain == chain] if chain is not None else [])]
    columns = [batch.c[name] for name in Batch.__dataclass_fields__]
    alike = sa.func.length(batch.c.receipts) <= UNIFORM_BYTES
    with ledger.read() as tx:
        first = tx.execute(sa.select(batch.c.part, alike).where(*open_).order_by(batch.c.part, batch.c.id).limit(1)).first()
        if first is None:
            return []
        query = sa.select(*columns, batch.c.receipts, batch.c.sent_by).where(
            batch.c.part == first[0], batch.c.state == "settled", alike if first[1] else ~alike).order_by(batch.c.id)
        rows = tx.execute(query if first[1] else query.limit(AT_ONCE)).all()
    return [(Batch(*row[:-2]), row[-2], row[-1]) for row in rows]


def _fold(warehouse, settled: list[tuple[Batch, bytes, str]], run: str, as_of: datetime) -> int:
    engine = warehouse.engine()
    try:
        with warehouse.ledger.read() as tx:
            touches = parts_of(tx, 1 << 62, "touches", part.c.n == settled[0][0].part)[0]
        _touch_rows(engine, warehouse.store, touches)
        if is_uniform(settled[0][1]):
            folded = _alike(engine, settled)
        else:
            folded = _each(engine, settled)
        commit = warehouse.commit(run=run, as_of=as_of, engine=engine)
        _add(commit, engine, touches, settled)
        ids = [held.id for held, _, _ in settled]
        commit.within(lambda tx, _numbers: _mark(tx, ids))
        reach("fold.before_commit")
        try:
            commit.apply()
        except FoldedElsewhere:
            return 0
        reach("fold.done")
        return folded
    finally:
        engine.close()


class FoldedElsewhere(Exception):
    """Another process has folded one of these batches first."""


def _mark(tx: sa.Connection, ids: list[int]) -> None:
    marked = tx.execute(sa.update(batch).where(batch.c.id.in_(ids), batch.c.state == "settled")
                        .values(state="folded", receipts=None))
    if marked.rowcount != len(ids):
        raise FoldedElsewhere


def _touch_rows(engine, store, touches: Part) -> None:
    """The view `touch_rows`: the touches of the part with their row numbers."""
    if touches.inline is not None:
        rows = decode(touches.inline)
        engine.register("touch_rows", rows.append_column("file_row_number", pa.array(range(rows.num_rows), pa.int64())))
    else:
        engine.drop("touch_rows")
        engine.con.read_parquet(store.local([touches.path]), file_row_number=True).create_view("touch_rows")


def _each(engine, settled: list[tuple[Batch, bytes, str]]) -> int:
    """The table `folding`: each receipt beside the identity of its touch."""
    results = pa.concat_tables([unpack(held, receipts) for held, receipts, _ in settled])
    engine.register("results", results)
    engine.execute("""
        CREATE OR REPLACE TEMP TABLE folding AS
        SELECT t.enrolment_id, t.visit, t.leg, t.seq, r.* EXCLUDE (position)
        FROM results AS r JOIN touch_rows AS t ON t.file_row_number = r.position""")
    return results.num_rows


def _alike(engine, settled: list[tuple[Batch, bytes, str]]) -> int:
    """The view `folding` where one receipt holds for every row of a batch: neighbours with the same one are one range."""
    ranges: list[list] = []
    for held, receipts, _ in settled:
        last = held.first_row + held.rows - 1
        if held.positions is None and ranges and ranges[-1][2] == receipts and ranges[-1][1] == held.first_row - 1:
            ranges[-1][1] = last
        else:
            ranges.append([held.first_row, last, receipts])
    if any(held.positions is not None for held, _, _ in settled):
        return _each(engine, settled)
    pieces = []
    for first, last, receipts in ranges:
        one = uniform(receipts)
        values = ", ".join(f"{_sql(one.get(field.name), field.type)} AS {field.name}" for field in list(RESULT)[1:])
        pieces.append(f"SELECT enrolment_id, visit, leg, seq, {values} FROM touch_rows "
                      f"WHERE file_row_number BETWEEN {first} AND {last}")
    engine.execute("CREATE OR REPLACE TEMP VIEW folding AS " + " UNION ALL ".join(pieces))
    return sum(held.rows for held, _, _ in settled)


def _sql(value, kind: pa.DataType) -> str:
    """A value of a receipt as SQL text; only words of ours, numbers and instants come here."""
    name = {pa.string(): "VARCHAR", pa.int32(): "INTEGER", pa.timestamp("us"): "TIMESTAMP"}.get(kind, "DECIMAL(18,6)")
    return f"NULL::{name}" if value is None else f"'{str(value)}'::{name}"


def _add(commit, engine, touches: Part, settled: list[tuple[Batch, bytes, str]]) -> None:
    """The receipts, made and not made apart (the caps and waits look for the second), and refusals at send."""
    by_run: dict[str, int] = defaultdict(int)
    for _, _, sent_by in settled:
        by_run[sent_by] += 1
    constants = {"slice": touches.slice, "chain": touches.chain, "version": touches.version, "to_step": touches.to_step,
                 "run": max(by_run, key=by_run.get)}
    for made, rows, lo, hi, refused, refused_at in engine.execute(f"""
            SELECT outcome IN {MADE}, count(*), min(settled_at), max(settled_at), count(reason),
                   max(settled_at) FILTER (WHERE reason IS NOT NULL)
            FROM folding GROUP BY 1 ORDER BY 1 DESC"""):
        folded = "folded_made" if made else "folded_not_made"
        engine.execute(f"CREATE OR REPLACE TEMP VIEW {folded} AS "
                       f"SELECT * FROM folding WHERE outcome {'' if made else 'NOT '}IN {MADE}")
        commit.add("receipts", folded, rows=rows, reason="made" if made else "not_made", channel=touches.channel,
                   connector=touches.connector, lo_at=lo, hi_at=hi, **constants)
        if refused:
            _add_refusals(commit, engine, folded, refused, {**constants, "reason": "send", "happened_at": refused_at})


def _add_refusals(commit, engine, folded: str, rows: int, constants: dict) -> None:
    engine.execute(f"""
        CREATE OR REPLACE TEMP VIEW folded_refusals AS
        SELECT enrolment_id, visit, leg, reason, rule, value, limit_value, NULL::TIMESTAMP AS until_at
        FROM {folded} WHERE reason IS NOT NULL""")
    commit.add("refusals", "folded_refusals", rows=rows, **constants)
