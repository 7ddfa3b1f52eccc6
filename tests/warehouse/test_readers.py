"""Readers of "everything after", whatever is committed, folded and swept meanwhile."""

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from marketing.house import House
from marketing.policy import Policy
from warehouse import Warehouse, schema
from warehouse.clock import wall
from warehouse.maintenance import fold_small, sweep
from warehouse.manifest import parts_of
from warehouse.scan import scan

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1)


class Readers(RuleBasedStateMachine):
    """The model: every row committed, in order; a reader has been shown all of them up to its last moment, once."""

    def __init__(self):
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="relance-readers-"))
        house, policy = House.read(ROOT / "house.toml"), Policy.read(ROOT / "policy.toml")
        self.wh = Warehouse.open(self.home, house, policy)
        self.engine = self.wh.engine()
        self.committed: list[int] = []
        self.shown: dict[str, list[int]] = {"one": [], "two": []}
        self.open: dict[str, tuple] = {}

    def teardown(self):
        self.engine.close()
        self.wh.close()
        shutil.rmtree(self.home)

    def read(self, n: int, mark: int) -> list[int]:
        with self.wh.ledger.read() as tx:
            parts = parts_of(tx, n, "responses", schema.part.c.place > mark)
        scan(self.engine, self.wh.store, parts, "responses", "seen")
        return sorted(self.engine.sql("SELECT contact_id FROM seen WHERE run IS NOT NULL")["contact_id"].to_pylist())

    def mark(self, reader: str) -> int:
        query = sa.select(schema.watermark.c.n).where(schema.watermark.c.reader == reader)
        with self.wh.ledger.read() as tx:
            return tx.execute(query).scalar() or 0

    @rule(rows=st.integers(1, 3), parts=st.integers(1, 2))
    def commit(self, rows, parts):
        commit = self.wh.commit(run=f"r{len(self.committed)}", as_of=NOW)
        for _ in range(parts):
            new = list(range(len(self.committed), len(self.committed) + rows))
            commit.add("responses", pa.table({"contact_id": pa.array(new, pa.int64())}), slice=0)
            self.committed += new
        commit.apply()

    @rule(reader=st.sampled_from(["one", "two"]))
    def begin(self, reader):
        """A pass opens its snapshot and sees what was listed since its mark."""
        if reader not in self.open:
            self.open[reader] = (self.wh.open_snapshot(engine=self.engine), len(self.committed))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def end(self, data):
        """It reads, perhaps long after, moves its watermark to its moment, and lets the snapshot go."""
        reader = data.draw(st.sampled_from(sorted(self.open)))
        held, upto = self.open.pop(reader)
        self.shown[reader] += self.read(held.n, self.mark(reader))
        with self.wh.ledger.begin() as tx:
            self.wh.ledger.put(tx, schema.watermark, {"reader": reader, "slice": 0, "n": held.n})
        held.release()

        assert sorted(self.shown[reader]) == self.committed[:upto]

    @rule(more_than=st.integers(1, 3))
    def fold(self, more_than):
        fold_small(self.wh, run="fold", as_of=NOW, more_than=more_than)

    @rule()
    def sweep(self):
        with self.wh.ledger.begin() as tx:  # these readers are alive, however late it is
            tx.execute(sa.update(schema.snapshot).values(expires_at=wall() + timedelta(days=9)))
        sweep(self.wh, now=wall() + timedelta(days=3))

    @invariant()
    def every_moment_stands(self):
        """An open moment shows what it showed when it was opened; now shows everything."""
        for held, upto in self.open.values():
            assert self.read(held.n, 0) == self.committed[:upto]
        assert self.read(self.wh.number(), 0) == self.committed


TestReaders = Readers.TestCase
TestReaders.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
