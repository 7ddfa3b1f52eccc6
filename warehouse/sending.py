"""What a sender reads: the rows of a batch with their contacts, and what may have changed since they were planned."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import pyarrow as pa

from marketing.gate import consent_bit, known_zone, next_open
from marketing.graph import ANYWHERE
from warehouse.manifest import Part, parts_of
from warehouse.outbox import Batch
from warehouse.scan import decode, scan
from warehouse.schema import part
from warehouse.stops import withdrawn
from warehouse.versions import versions_of

__all__ = ["Reader", "objection", "selected"]

ADDRESS = {"email": "email", "sms": "phone", "phone": "phone", "voice": "phone"}
_KEEP = ("contact_id", "language", "zone", "email", "phone", "email_key", "phone_key")


def selected(channel: str, columns: frozenset[str]) -> str:
    """What is read of a contact (`c`) for a message by a channel, as SQL: its address there, and `columns` among others."""
    address = ADDRESS.get(channel)
    post = "concat_ws(chr(10), concat_ws(' ', c.first_name, c.last_name), c.address_1, c.address_2, " \
           "concat_ws(' ', c.postcode, c.city), c.country)"
    own = [f"c.{name}" for name in sorted(columns | set(_KEEP))]
    return f"""{f"c.{address}" if address else post if channel == "post" else "''"} AS address, {", ".join(own)}"""


class Reader:
    """Reads batches of one touches part as rows to render, and asks the gate again at send."""

    def __init__(self, warehouse, touches: int):
        self.warehouse, self.engine = warehouse, warehouse.engine()
        # A snapshot of its own: no sweeper takes the files away while they are read.
        self.snapshot = warehouse.open_snapshot(engine=self.engine)
        self.n = self.snapshot.n
        with warehouse.ledger.read() as tx:
            self.touches: Part = parts_of(tx, 1 << 62, "touches", part.c.n == touches)[0]
        self._touch_rows()

    def rows(self, batches: Iterable[Batch], variables: frozenset[str]) -> pa.Table:
        """One row per touch of the batches, by position: its identity, and of its contact what `variables` name.

        Columns: position, enrolment_id, visit, leg, contact_id, address and the contact's columns.
        """
        positions = np.concatenate([batch.row_numbers() for batch in batches])
        self.engine.register("wanted", pa.table({"position": pa.array(positions, pa.int64())}))
        self._contacts()
        known = set(self.engine.sql("SELECT * FROM contacts LIMIT 0").column_names)
        rep = self._rep() if "rep" in variables else "NULL::VARCHAR"
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE outgoing AS
            SELECT w.position::INTEGER AS position, t.enrolment_id, t.visit, t.leg,
                   {selected(self.touches.channel, variables & known)}, {rep} AS rep
            FROM wanted AS w
            JOIN touch_rows AS t ON t.file_row_number = w.position
            LEFT JOIN contacts AS c ON c.contact_id = t.enrolment_id & 68719476735
            ORDER BY w.position""")
        return self.engine.sql("SELECT * FROM outgoing")

    def refused(self, as_of: datetime) -> tuple[dict[int, dict], dict[int, datetime]]:
        """The gate at send, over the rows last read: what is dropped (by position, why), and until when what waits."""
        dropped: dict[int, dict] = {}
        for outcome, reason, query in self._changes():
            for position, rule, value in self.engine.execute(query, as_of=as_of, channel=self.touches.channel,
                                                             purpose=self.touches.purpose):
                dropped.setdefault(position, _drop(outcome, reason, rule, value))
        return dropped, self._later(as_of)

    def close(self) -> None:
        self.snapshot.release()
        self.engine.close()

    # What can have changed ------------------------------------------------------------------------------

    def _changes(self) -> Iterable[tuple[str, str, str]]:
        """(outcome, reason, query of position, rule, value) of each rule that has anything to look at."""
        chain, since = part.c.chain == self.touches.chain, part.c.place > self.touches.n
        if gone := withdrawn(self.warehouse.ledger):
            yield ("cancelled", "withdrawn", "SELECT position, 'wave', (enrolment_id >> 36)::VARCHAR FROM outgoing "
                   f"WHERE enrolment_id >> 36 IN ({', '.join(map(str, sorted(gone)))})")
        reasons = {edge.on for v in versions_of(self.warehouse.ledger, self.touches.chain) for edge in v.graph.out(ANYWHERE)}
        ends = {edge.to for v in versions_of(self.warehouse.ledger, self.touches.chain) for edge in v.graph.out(ANYWHERE)}
        if self._scan("moves", "left_since", chain, since, part.c.reason.in_(reasons), part.c.to_step.in_(ends)):
            yield ("cancelled", "left_chain", "SELECT o.position, l.reason, l.to_step FROM outgoing AS o "
                   "JOIN left_since AS l ON l.enrolment_id = o.enrolment_id")
        if self._scan("suppressions", "suppressions_now", slice=None):
            key = ADDRESS.get(self.touches.channel)
            # A row with an address stops whoever has it now; one without, its contact. Two joins: over an OR there is
            # no hash join, and every touch would be held against every suppression.
            by_address = f"""
                UNION ALL SELECT o.position, s.reason FROM outgoing AS o
                JOIN stops AS s ON s.address_key = o.{key}_key""" if key else ""
            yield ("dropped", "suppressed", f"""
                WITH stops AS (
                    SELECT contact_id, address_key, reason FROM suppressions_now
                    WHERE from_at <= $as_of::TIMESTAMP AND (until_at IS NULL OR until_at > $as_of::TIMESTAMP)
                      AND (channel IS NULL OR channel = $channel)
                      AND (purpose = 'all' OR purpose = $purpose OR (purpose IS NULL AND $purpose <> 'transactional'))
                ), stopped AS (
                    SELECT o.position, s.reason FROM outgoing AS o JOIN stops AS s ON s.contact_id = o.contact_id
                    WHERE s.address_key IS NULL {by_address})
                SELECT position, 'suppression', min(reason) FROM stopped GROUP BY position""")
        if consent_bit(self.touches.channel, self.touches.purpose) and self._scan("consents", "consents_since", since):
            # Of who has said something, all that was ever said: a word may become known long after a later one.
            self._scan("consents", "consents_now")
            yield ("dropped", "consent_withdrawn", """
                SELECT o.position, $channel || '/' || $purpose, NULL FROM outgoing AS o JOIN (
                    SELECT contact_id,
                           arg_max(status, epoch_us(happened_at) * 2 + (status <> 'granted')::BIGINT) AS status
                    FROM consents_now SEMI JOIN consents_since USING (contact_id)
                    WHERE channel = $channel AND purpose = $purpose GROUP BY contact_id) AS s USING (contact_id)
                WHERE s.status <> 'granted'""")

    def _later(self, as_of: datetime) -> dict[int, datetime]:
        windows = self.warehouse.policy.hours.get(self.touches.channel)
        if not windows:
            return {}
        house, country = self.warehouse.house.zone, self.warehouse.policy.country
        zones = self.engine.sql("SELECT zone, list(position) AS positions FROM outgoing GROUP BY zone").to_pylist()
        opens = [(next_open(as_of, windows, known_zone(row["zone"], house), country), row["positions"]) for row in zones]
        return {position: instant for instant, positions in opens if instant > as_of for position in positions}

    # Where it is read from ------------------------------------------------------------------------------

    def _scan(self, tbl: str, view: str, *conditions, slice: int | None = -1) -> bool:
        """Make a view over parts of this slice (None: of all); False when there are none."""
        with self.warehouse.ledger.read() as tx:
            parts = parts_of(tx, self.n, tbl, *conditions, slice=self.touches.slice if slice == -1 else slice)
        if parts:
            scan(self.engine, self.warehouse.store, parts, tbl, view)
        return bool(parts)

    def _contacts(self) -> None:
        with self.warehouse.ledger.read() as tx:
            parts = parts_of(tx, self.n, "contacts", slice=self.touches.slice)
        scan(self.engine, self.warehouse.store, parts, "contacts", "contacts", constants=False)

    def _touch_rows(self) -> None:
        if self.touches.inline is not None:
            rows = decode(self.touches.inline)
            numbers = pa.array(range(rows.num_rows), pa.int64())
            self.engine.register("touch_rows", rows.append_column("file_row_number", numbers))
        else:
            paths = self.warehouse.store.local([self.touches.path])
            self.engine.con.read_parquet(paths, file_row_number=True).create_view("touch_rows")

    def _rep(self) -> str:
        if not self._scan("assignments", "assigned", part.c.chain == self.touches.chain):
            return "NULL::VARCHAR"
        return ("(SELECT arg_max(a.rep, (a.assigned_at, a.visit)) FROM assigned AS a "
                "WHERE a.enrolment_id = t.enrolment_id)")


def objection(why: dict | None, leaves: datetime | None, as_of: datetime, at_latest: datetime | None) -> dict | None:
    """Of what speaks against a touch the first in order: withdrawn or left the chain, stale, another reason, stale by when it
    could leave.

    `why` is what `Reader.refused` dropped it for, `leaves` until when it would wait.
    """
    if at_latest is None or (why and why["reason"] in ("left_chain", "withdrawn")):
        return why
    if as_of > at_latest:
        return _stale(as_of, at_latest)
    return why or (_stale(leaves, at_latest) if leaves and leaves > at_latest else None)


def _stale(leaves: datetime, at_latest: datetime) -> dict:
    return _drop("stale", "stale", "at_latest", leaves.isoformat(), at_latest.isoformat())


def _drop(outcome: str, reason: str, rule: str, value, limit=None) -> dict:
    return {"outcome": outcome, "reason": reason, "rule": rule, "value": None if value is None else str(value),
            "limit_value": None if limit is None else str(limit)}
