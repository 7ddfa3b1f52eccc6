"""Collecting: responses from the inbox and from connectors that are polled become parts, each of them once."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from marketing.responses import BOUNCED_HARD, COMPLAINED, UNSUBSCRIBED
from warehouse import schema
from warehouse.commit import HeadMoved
from warehouse.engine import statement
from warehouse.failpoints import reach
from warehouse.inbox import Inbox
from warehouse.incoming import Entry, read
from warehouse.manifest import parts_of
from warehouse.scan import scan

__all__ = ["Counts", "collect"]

#: Rows of one drain, one commit each: 100 MB at most.
DRAIN = 50_000
#: A provider delivers an event again within days; after this long the same id is taken for a new response.
REMEMBERED = timedelta(days=90)
#: Somebody else has committed each time; more than this many in a row is no contention but a fault.
ATTEMPTS = 50
CLOSING = frozenset({UNSUBSCRIBED, COMPLAINED, BOUNCED_HARD})


@dataclass
class Counts:
    """What a collection did: received = listed + duplicates + held + apart; the rest are rows written beside."""

    received: int = 0
    listed: int = 0
    duplicates: int = 0
    held: int = 0
    #: Answers to proofs and to the copies of seeds: nobody's, so nothing of them is kept.
    apart: int = 0
    withdrawn: int = 0
    suppressed: int = 0
    #: Listed responses by kind, those of machines apart: they move nobody.
    kinds: Counter = field(default_factory=Counter, compare=False)
    #: Connectors that could not be polled, with what they said.
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Counts") -> None:
        for name in (one.name for one in fields(self)[:-1]):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def collect(wh, connectors: Iterable, *, run: str, as_of: datetime, unseal: Callable, box: Inbox | None = None) -> Counts:
    """Drain the inbox and poll `connectors`; returns what was found.

    `unseal(key, token)` gives the touch of a token or raises `ForgedToken`. A response that cannot be
    placed is a line of home/held/ with its reason. A connector that fails stops no other. Each drain is
    one commit under the head "collect", which also moves the connector's cursor; the inbox is cleared
    after it, so that a death in between leaves rows that the next drain finds listed.
    """
    collector = _Collector(wh, run, as_of, unseal)
    own = box or Inbox(wh)
    try:
        collector.drain(own)
        for connector in connectors:
            collector.poll(connector)
    finally:
        if box is None:
            own.close()
        collector.close()
    return collector.counts


class _Collector:
    def __init__(self, wh, run: str, as_of: datetime, unseal: Callable):
        self.wh, self.run, self.as_of, self.unseal = wh, run, as_of, unseal
        self.counts, self._engine = Counts(), None

    def drain(self, box: Inbox) -> None:
        """Take what the inbox holds now; what arrives meanwhile is the next collection's, so that this one ends."""
        upto = box.newest()
        while upto and self._again(lambda: self._drain_one(box, upto)):
            pass

    def _drain_one(self, box: Inbox, upto: int) -> bool:
        commit = self._commit()
        rows = box.batch(DRAIN, upto)
        if not rows:
            return False
        # Until it is cleared the next drain begins at the same row: the same name, so that nothing is held twice.
        found = self._take(commit, [Entry.drained(row) for row in rows], f"inbox-{rows[0].id}")
        reach("collect.before_clearing")
        box.clear([row.id for row in rows])
        self.counts.add(found)
        return True

    def poll(self, connector) -> None:
        """Ask page after page until there is nothing new."""
        while self._again(lambda: self._poll_one(connector)):
            pass

    def _poll_one(self, connector) -> bool:
        commit = self._commit()
        cursor = self._cursor(connector.name)
        try:
            responses, moved = connector.poll(cursor, self.as_of)
        except Exception as error:  # one provider's failure must not keep the others' responses waiting
            self.counts.failed[connector.name] = f"{type(error).__name__}: {error}"
            return False
        if moved != cursor:
            commit.within(lambda tx, _: _keep_cursor(tx, connector.name, moved))
        elif not responses:
            return False
        mark = sha256((cursor or "").encode()).hexdigest()[:12]
        self.counts.add(self._take(commit, [Entry.polled(connector.name, one) for one in responses],
                                   f"{connector.name}-{mark}"))
        return bool(responses) and moved != cursor

    def _again(self, attempt: Callable[[], bool]) -> bool:
        for _ in range(ATTEMPTS - 1):
            try:
                return attempt()
            except HeadMoved:
                continue
        return attempt()

    def _commit(self):
        # The head comes first: what is read after it (cursor, inbox, listed responses) is fenced by it.
        commit = self.wh.commit(run=self.run, as_of=self.as_of)
        commit.read_head("collect", 0)
        return commit

    def _cursor(self, connector: str) -> str | None:
        query = sa.select(schema.meta.c.value).where(schema.meta.c.key == f"cursor:{connector}")
        with self.wh.ledger.read() as tx:
            return tx.execute(query).scalar()

    def _take(self, commit, entries: Sequence[Entry], name: str) -> Counts:
        """Commit the entries: responses, what they close, and aside what nobody can place."""
        counts = Counts(received=len(entries))
        if entries:
            incoming = read(entries, self.unseal, self.wh.key, self.wh.house.country)
            counts.apart = incoming.apart
            held = incoming.held + self._place(commit, incoming.table, counts)
            counts.held = len(held)
            if held:
                lines = [entries[position].line(reason, self.as_of) for position, reason in sorted(held)]
                _hold(commit, self.wh.home / "held", name, lines)
        reach("collect.before_commit")
        commit.apply()
        return counts

    def _place(self, commit, table: pa.Table, counts: Counts) -> list[tuple[int, str]]:
        if not table.num_rows:
            return []
        engine = self._open()
        with self.wh.snapshot(engine=engine) as snapshot:
            engine.register("incoming", table)
            self._past(snapshot)
            engine.run("collecting/arrived")
            self._people(snapshot, table)
            engine.run("collecting/holders")
            engine.run("collecting/placed")
            listed = engine.sql(statement("collecting/listed"))
            people = pc.invert(pc.fill_null(listed["machine"], False))
            counts.kinds.update(listed.filter(people)["kind"].to_pylist())
            counts.listed = self._add(commit, "responses", listed, span="happened_at")
            counts.duplicates = table.num_rows - engine.count("arrived")
            if CLOSING & set(pc.unique(table["kind"]).to_pylist()):
                self._close_channels(commit, snapshot, counts)
            return [(position, _NOBODY[bool(by_address)]) for position, by_address in engine.execute(
                "SELECT position, address_key IS NOT NULL FROM placed WHERE contact_id IS NULL")]

    def _past(self, snapshot) -> None:
        recent = schema.part.c.happened_at >= self.as_of - REMEMBERED
        with self.wh.ledger.read() as tx:
            parts = parts_of(tx, snapshot.n, "responses", recent)
        scan(snapshot.engine, self.wh.store, parts, "responses", "past", constants=False)

    def _people(self, snapshot, table: pa.Table) -> None:
        """The contacts' numbers and address keys, only when some response asks for them."""
        asked = table["enrolment_id"].null_count or BOUNCED_HARD in pc.unique(table["kind"]).to_pylist()
        snapshot.prepare("raw_contacts")
        snapshot.engine.execute("CREATE OR REPLACE TEMP VIEW people AS SELECT contact_id, email_key, phone_key "
                                "FROM raw_contacts" + ("" if asked else " LIMIT 0"))

    def _close_channels(self, commit, snapshot, counts: Counts) -> None:
        """Consents withdrawn and addresses suppressed, in the commit that lists the responses which say so."""
        self._touched(snapshot)
        engine = snapshot.engine
        engine.run("collecting/closings")
        counts.withdrawn = self._add(commit, "consents", engine.sql(statement("collecting/withdrawn")))
        counts.suppressed = self._add(commit, "suppressions", engine.sql(statement("collecting/suppressed")))

    def _touched(self, snapshot) -> None:
        """The touches, with channel and purpose, of the steps that the closing responses name."""
        engine = snapshot.engine
        asked = engine.sql(statement("collecting/closing_steps"))
        steps = {}
        with self.wh.ledger.read() as tx:
            for step in tx.execute(sa.select(schema.step).where(schema.step.c.id.in_(asked["step_no"].to_pylist()))):
                steps[step.id] = (step.chain, step.name)
            named = sa.tuple_(schema.part.c.chain, schema.part.c.to_step).in_(list(steps.values()))
            slices = schema.part.c.slice.in_(sorted({self.wh.slice_of(c) for c in asked["contact_id"].to_pylist()}))
            parts = parts_of(tx, snapshot.n, "touches", named, slices) if steps else []
        engine.register("asked_steps", pa.table({
            "step_no": pa.array(list(steps), pa.int32()), "chain": pa.array([c for c, _ in steps.values()], pa.int64()),
            "step": pa.array([name for _, name in steps.values()], pa.string())}))
        scan(engine, self.wh.store, parts, "touches", "asked_touches")
        engine.run("collecting/touched")

    def _add(self, commit, tbl: str, rows: pa.Table, span: str | None = None) -> int:
        """One part per slice; rows come in the order of contacts, those of nobody first or last."""
        numbers = pc.fill_null(rows["contact_id"], 0).to_numpy() >> self.wh.slice_bits
        for slice in np.unique(numbers).tolist():
            some = rows.filter(pa.array(numbers == slice))
            extent = {}
            if span:
                ends = pc.min_max(some[span]).as_py()
                extent = {"lo_at": ends["min"], "hi_at": ends["max"]}
            commit.add(tbl, some, slice=slice, **extent)
        return rows.num_rows

    def _open(self):
        if self._engine is None:
            self._engine = self.wh.engine()
        return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


_NOBODY = {False: "no contact has this number, and no readable address is given", True: "no contact has this address"}


def _hold(commit, folder: Path, name: str, lines: list[str]) -> None:
    """Write the lines durably; they take their name inside the transaction, after the heads were checked."""
    folder.mkdir(parents=True, exist_ok=True)
    target, written = folder / f"{name}.jsonl", folder / f"{name}.{os.getpid()}.tmp"
    with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())

    def name_it(_tx, _numbers) -> None:
        os.replace(written, target)
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    commit.within(name_it)


def _keep_cursor(tx: sa.Connection, connector: str, cursor: str | None) -> None:
    meta, key = schema.meta, f"cursor:{connector}"
    tx.execute(sa.delete(meta).where(meta.c.key == key))
    if cursor is not None:
        tx.execute(sa.insert(meta), {"key": key, "value": cursor})
