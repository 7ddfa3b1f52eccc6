"""The commit: parts first, then one ledger transaction whose compare-and-swap makes them true."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from warehouse import schema
from warehouse.clock import wall
from warehouse.failpoints import reach
from warehouse.ledger import LedgerError
from warehouse.scan import encode
from warehouse.store import StoreError
from warehouse.tables import TABLES

__all__ = ["INLINE_ROWS", "Commit", "HeadMoved"]

#: Up to this many rows travel inside the manifest row, so that a single lead costs no file.
INLINE_ROWS = 2_000

#: Shorter than any grace of the sweeper.
SLEPT = timedelta(minutes=10)

#: Version 2 packs runs and differences: ids and constants take a sixtieth of the room, and half the CPU.
COPY = ("COPY (SELECT {columns} FROM {relation}) TO '{path}' "
        "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION V2)")


class HeadMoved(Exception):
    """Somebody else committed what this commit had read: read again and compute again."""


@dataclass
class _New:
    tbl: str
    slice: int
    rows: int
    path: str | None
    inline: bytes | None
    bytes: int
    constants: dict


class Commit:
    """Collects parts and ledger changes, and makes them true together or not at all.

    `read_head` remembers what was seen; `apply` raises `HeadMoved` when one of the
    heads has moved since, and then nothing of the commit is visible.
    """

    def __init__(self, ledger, store, *, run: str, as_of: datetime, engine=None):
        self.ledger, self.store, self.run, self.as_of, self.engine = ledger, store, run, as_of, engine
        self._heads: dict[tuple[str, int], int] = {}
        self._new: list[_New] = []
        self._retired: list[int] = []
        self._within: list[Callable[[sa.Connection, list[int]], None]] = []
        self._begun = wall()
        reach("commit.before_parts")

    def read_head(self, scope: str, slice: int) -> int:
        """The sequence number of a head, made if it is new; checked again by `apply`."""
        seq = self.see_head(scope, slice)
        self.expect(scope, slice, seq)
        return seq

    def expect(self, scope: str, slice: int, seq: int) -> None:
        """Have `apply` check that a head still stands at `seq`, and move it on."""
        self._heads[scope, slice] = seq

    def see_head(self, scope: str, slice: int) -> int:
        """The sequence number of a head, made if it is new; `expect` makes it part of the commit."""
        head = schema.head
        where = (head.c.scope == scope) & (head.c.slice == slice)
        with self.ledger.read() as tx:
            seq = tx.execute(sa.select(head.c.seq).where(where)).scalar()
        if seq is None:
            with self.ledger.begin() as tx:
                self.ledger.put(tx, head, {"scope": scope, "slice": slice, "seq": 0}, replace=False)
                seq = tx.execute(sa.select(head.c.seq).where(where)).scalar_one()
        return seq

    def add(self, tbl: str, relation, *, slice: int, rows: int | None = None, **constants) -> int | None:
        """Write rows as a part: an Arrow table, or the name of a relation of this commit's engine.

        `constants` are manifest columns; `rows` is their count where the caller knows it. Returns the position of
        the part among this commit's (its number is known inside `within`), or None when there were no rows.
        Raises `StoreError` when a file cannot be written.
        """
        if isinstance(relation, pa.Table):
            rows = relation.num_rows
        elif rows is None:
            rows = self.engine.count(relation)
        if not rows:
            return None
        constants.setdefault("happened_at", self.as_of)
        constants.setdefault("run", self.run)
        if rows <= INLINE_ROWS:
            inline = encode(relation if isinstance(relation, pa.Table) else self._arrow(tbl, relation))
            self._new.append(_New(tbl, slice, rows, None, inline, len(inline), constants))
        else:
            path, size = self._write(tbl, relation)
            self._new.append(_New(tbl, slice, rows, path, None, size, constants))
        return len(self._new) - 1

    def retire(self, numbers: list[int]) -> None:
        """Parts that this commit replaces: invisible from its number on."""
        self._retired += numbers

    def within(self, change: Callable[[sa.Connection, list[int]], None]) -> None:
        """A further change in the same transaction; it is given the numbers of the new parts, in order of `add`."""
        self._within.append(change)

    def apply(self) -> list[int]:
        """Make everything true; returns the numbers of the new parts. Raises `HeadMoved`, `LedgerError`."""
        files, asked = [new.path for new in self._new if new.path], False
        try:
            self.store.settle(files)
            reach("commit.parts_sealed")
            with self.ledger.begin() as tx:
                numbers = self._write_ledger(tx)
                self._hold_files()
                reach("commit.in_transaction")
                asked = True
        except BaseException as error:
            if asked and not self.ledger.sqlite:
                # The line may have broken after the server had committed: its files may be listed, the sweeper knows.
                raise LedgerError(f"The ledger did not answer to a commit ({error}): it is whole or not at all. "
                                  "See that the database can be reached, and run again.") from error
            for path in files:
                self.store.drop(path)
            if isinstance(error, sa.exc.OperationalError):
                raise LedgerError(f"The ledger cannot be written ({error.orig}). Nothing of this commit is true; make "
                                  "room, or see that the database can be reached, and run again.") from error
            raise
        reach("commit.done")
        return numbers

    def _write_ledger(self, tx: sa.Connection) -> list[int]:
        head = schema.head
        for (scope, slice), seq in sorted(self._heads.items()):
            moved = tx.execute(
                sa.update(head).where(head.c.scope == scope, head.c.slice == slice, head.c.seq == seq)
                .values(seq=seq + 1)
            )
            if moved.rowcount != 1:
                raise HeadMoved(f"{scope}, slice {slice}: somebody committed after number {seq} was read.")
        first = self.ledger.next_numbers(tx, "part", max(1, len(self._new)))
        numbers = list(range(first, first + len(self._new)))
        if self._new:
            tx.execute(sa.insert(schema.part), [self._row(n, new) for n, new in zip(numbers, self._new, strict=True)])
        for start in range(0, len(self._retired), 500):
            some = self._retired[start:start + 500]
            gone = tx.execute(sa.update(schema.part).where(schema.part.c.n.in_(some), schema.part.c.retired_n.is_(None))
                              .values(retired_n=first, retired_at=wall()))
            if gone.rowcount != len(some):
                raise HeadMoved("a part that this commit replaces was replaced by somebody else.")
        for change in self._within:
            change(tx, numbers)
        return numbers

    def _hold_files(self) -> None:
        """Who slept long may find that the sweeper took its unlisted files: it must not list what is gone."""
        if wall() - self._begun > SLEPT:
            gone = [new.path for new in self._new if new.path and not self.store.holds(new.path)]
            if gone:
                raise HeadMoved(f"{len(gone)} parts of this commit were swept while it slept.")

    def _row(self, n: int, new: _New) -> dict:
        row = dict.fromkeys(column.name for column in schema.part.columns)
        row.update({"place": n, "schema": 1}, **new.constants)
        row.update(n=n, tbl=new.tbl, slice=new.slice, rows=new.rows, bytes=new.bytes, path=new.path, inline=new.inline,
                   listed_at=self.as_of)
        return row

    def _columns(self, tbl: str) -> str:
        return "*" if TABLES[tbl].open else ", ".join(TABLES[tbl].columns.names)

    def _arrow(self, tbl: str, relation: str) -> pa.Table:
        return self.engine.sql(f"SELECT {self._columns(tbl)} FROM {relation}")

    def _write(self, tbl: str, rows) -> tuple[str, int]:
        path = self.store.reserve(tbl)
        try:
            return path, self._write_file(tbl, rows, path)
        except (OSError, duckdb.IOException) as error:
            self.store.drop(path)
            raise StoreError(f"A part of {tbl} cannot be written ({error}). Nothing of this commit is true; make room, "
                             "or give a folder that can be written in RELANCE_WAREHOUSE_URL, and run again.") from error

    def _write_file(self, tbl: str, rows, path: str) -> int:
        target = self.store.begin(path)
        if isinstance(rows, pa.Table):
            import pyarrow.parquet as pq  # only large Arrow tables need it

            pq.write_table(rows, target, compression="zstd")
        else:
            self.engine.execute(COPY.format(columns=self._columns(tbl), relation=rows,
                                                path=str(target).replace("'", "''")))
        reach("commit.part_written")
        return self.store.seal(path)

