"""Expecting: the answers that a rehearsal assumes, drawn by sets from what was handed over, and listed when their time comes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketing.chance import salt32
from marketing.gate import CHANNEL_BITS, GROUNDS, consent_bit
from marketing.graph import Graph
from marketing.rates import POINTS, TREATED, Assumed, Expected, moving
from marketing.relation import ENTRY, HOLDOUT
from marketing.responses import CALL_OUTCOMES, PURCHASED
from marketing.spread import LAST
from warehouse import schema
from warehouse.engine import statement
from warehouse.manifest import Part, current_number, parts_of
from warehouse.scan import query_of

__all__ = ["Expecting"]

#: Touches made this long before the rehearsal may still be answered in it.
STILL = timedelta(days=60)


class Expecting:
    """The answers to one chain's touches on a branch: `draw` after each hand-over, `tell` once the clock has moved.

    What was listed up to the number `after` is of before the rehearsal. All is kept in temporary tables of a connection of
    its own, and listed by the normal commit.
    """

    def __init__(self, warehouse, version, assumed: Assumed, latencies: Mapping[str, timedelta], *, after: int, run: str,
                 seed: int = 0):
        self.warehouse, self.version, self.assumed, self.latencies = warehouse, version, assumed, latencies
        self.first = self._seen = after
        self.run, self.seed = run, seed
        self.began = self.told = warehouse.clock.now()
        self.kinds = moving(version.graph)
        self._until = _until_keys(version.graph)
        self.engine = warehouse.engine()
        self.engine.run("expecting/coming")
        self._older()
        with warehouse.ledger.read() as tx:
            self._standing = parts_of(tx, current_number(tx), "standing")

    def draw(self) -> None:
        """Draw the answers to what was planned since the last call, and the purchases of those who entered."""
        with self.warehouse.ledger.read() as tx:
            now, of_chain = current_number(tx), schema.part.c.chain == self.version.chain
            new = parts_of(tx, now, ("touches", "moves"), of_chain, schema.part.c.place > self._seen)
        for part in new:
            if part.tbl == "touches":
                self._answers(part, fresh=True)
            elif part.from_step == ENTRY:
                self._buyers(part)
        self._seen = now

    def next_heard(self) -> datetime | None:
        """When the next answer comes that moves somebody; None for none."""
        return self.engine.value("SELECT min(happened_at) FROM coming WHERE happened_at > $told AND list_contains($kinds, kind)",
                                 told=self.told, kinds=sorted(self.kinds))

    def tell(self, now: datetime) -> int:
        """List what has come by `now`, as a collection would: responses, orders, and what they close; returns how many."""
        if now <= self.told:
            return 0
        commit = self.warehouse.commit(run=self.run, as_of=now, engine=self.engine)
        commit.read_head("collect", 0)
        told = sum(self._list(commit, slice, now) for slice in self.warehouse.slices())
        if told:
            self._close(commit, now)
            commit.apply()
        self.told = now
        return told

    def answered(self, until: datetime) -> Counter:
        """How many answers to touches of the rehearsal come by then, by (step, channel, kind); purchases by (arm, "", kind)."""
        names = {number: name for name, number in self.version.step_numbers.items()}
        rows = self.engine.execute("SELECT step_no, channel, kind, count(*) FROM coming WHERE fresh AND happened_at <= $until "
                                   "GROUP BY ALL", until=until)
        return Counter({(names[step], channel, kind) if step is not None else (channel, "", kind): many
                        for step, channel, kind, many in rows})

    def ways(self, places: Mapping[tuple[str, str], int], marks: Mapping[str, int]) -> Iterator[tuple[tuple[str, int], int]]:
        """Each way through the chain as a number, with what was known of its contacts before, and how many took it; see
        expecting/ways.sql for its bits."""
        self.engine.register("marks", pa.table({"kind": pa.array(list(marks), pa.string()),
                                                "mark": pa.array(list(marks.values()), pa.int32())}))
        for slice in self.warehouse.slices():
            with self.warehouse.ledger.read() as tx:
                planned = parts_of(tx, current_number(tx), "touches", schema.part.c.chain == self.version.chain,
                                   schema.part.c.place > self.first, slice=slice)
            if not planned:
                continue
            pieces = [f"SELECT enrolment_id, {places.get((one.to_step, one.channel), LAST)} AS place, "
                      f"{self._number(one)} AS step_no, visit, leg "
                      f"FROM ({self._rows(one, f'planned_{at}')}) AS t" for at, one in enumerate(planned)]
            self.engine.execute("CREATE OR REPLACE TEMP VIEW touches_planned AS " + " UNION ALL ".join(pieces))
            then = [one for one in self._standing if one.slice == slice]
            known_then = query_of(self.engine, self.warehouse.store, then, "standing", "then", constants=False)
            self._view("standing_then", "*", known_then)
            for known, way, contacts in self.engine.execute(
                    statement("expecting/ways"), bought=PURCHASED in self.kinds, slice=slice,
                    slice_bits=self.warehouse.slice_bits, **_bits(self.version.graph)):
                yield (known, int(way)), contacts

    def close(self) -> None:
        """Let go of the connection and all that was drawn."""
        self.engine.close()

    # Drawing ----------------------------------------------------------------------------------------------

    def _older(self) -> None:
        """Touches of before that may still be answered: what they draw for the time to come."""
        part = schema.part
        with self.warehouse.ledger.read() as tx:
            touches = parts_of(tx, self.first, "touches", part.c.chain == self.version.chain,
                               part.c.happened_at >= self.began - STILL)
        for one in touches:
            self._answers(one, fresh=False)

    def _view(self, name: str, columns: str, rows: str) -> None:
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM ({rows}) AS r")

    def _rows(self, part: Part, name: str) -> str:
        return query_of(self.engine, self.warehouse.store, [part], part.tbl, name, constants=False)

    def _number(self, part: Part) -> int:
        return self.version.step_numbers[part.to_step]

    def _answers(self, part: Part, fresh: bool) -> None:
        expected = self.assumed.of(part.to_step, part.channel)
        if not any(one.share for one in expected):
            return
        self.engine.register("expected_here", self._shares(expected))
        self._view("touches_made", "enrolment_id, visit, leg", self._rows(part, "made"))
        self.engine.run("expecting/answers", points=POINTS, step_no=self._number(part), channel=part.channel,
                        purpose=part.purpose, fresh=fresh, after=self.began,
                        arrived=part.happened_at + self.latencies.get(part.connector, timedelta(0)))

    def _shares(self, expected: list[Expected]) -> pa.Table:
        """Where the draw of a touch must lie for each answer; outcomes of a call are laid end to end under one salt."""
        rows, upper = [], 0.0
        for one in expected:
            call = one.kind in CALL_OUTCOMES
            lo = upper if call else 0.0
            upper = lo + one.share if call else upper
            rows.append({"kind": one.kind, "lo": lo, "hi": lo + one.share, "salt": self._salt(one, "call" if call else one.kind),
                         "later": self._salt(one, f"{one.kind}/later"), "delays": list(one.delays),
                         "until_key": self._until.get(one.kind)})
        return pa.Table.from_pylist(rows, pa.schema([
            ("kind", pa.string()), ("lo", pa.float64()), ("hi", pa.float64()), ("salt", pa.uint64()), ("later", pa.uint64()),
            ("delays", pa.list_(pa.float64())), ("until_key", pa.string())]))

    def _salt(self, one: Expected, what: str) -> int:
        return salt32(f"rehearsal/{self.seed}/{self.version.name}/{one.step}/{one.channel}/{what}")

    def _buyers(self, part: Part) -> None:
        expected = self.assumed.bought.get(HOLDOUT if part.to_step == HOLDOUT else TREATED)
        goal = self.version.graph.goal
        if PURCHASED not in self.kinds and (goal is None or goal.kind != PURCHASED):
            return
        self._view("entered_now", "enrolment_id", self._rows(part, "entered"))
        self.engine.run("expecting/buyers", points=POINTS, arm=expected.step, share=expected.share, delays=list(expected.delays),
                        arrived=part.happened_at, salt=self._salt(expected, "buys"), later=self._salt(expected, "buys/later"))

    # Listing ----------------------------------------------------------------------------------------------

    def _list(self, commit, slice: int, now: datetime) -> int:
        """The orders and responses of a slice that have come, as parts of the commit."""
        mine = (f"happened_at > TIMESTAMP '{self.told}' AND happened_at <= TIMESTAMP '{now}' "
                f"AND contact_id >> {self.warehouse.slice_bits} = {slice}")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE orders_come AS
            SELECT contact_id, 'rehearsed-' || enrolment_id AS order_id, '1' AS line_id, happened_at AS ordered_at,
                   {self.assumed.order_mean:.4f}::DECIMAL(18, 4) AS amount, NULL::DECIMAL(18, 4) AS margin,
                   NULL::VARCHAR AS product, 1::DECIMAL(18, 4) AS quantity, NULL::TIMESTAMP AS cancelled_at
            FROM coming WHERE step_no IS NULL AND {mine} ORDER BY contact_id""")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE responses_come AS
            SELECT contact_id, enrolment_id, step_no, visit, leg, kind, happened_at, TIMESTAMP '{now}' AS received_at,
                   false AS machine, meta, concat_ws('-', 'rehearsed', enrolment_id, step_no, visit, leg, kind) AS dedup
            FROM coming WHERE step_no IS NOT NULL AND {mine} ORDER BY contact_id""")
        orders, responses = self.engine.count("orders_come"), self.engine.count("responses_come")
        if orders:
            commit.add("orders", "orders_come", slice=slice, rows=orders)
        if responses:
            first, last = self.engine.execute("SELECT min(happened_at), max(happened_at) FROM responses_come")[0]
            commit.add("responses", "responses_come", slice=slice, rows=responses, lo_at=first, hi_at=last)
        # A commit writes its rows when they are added: the tables may be made anew for the next slice.
        return orders + responses

    def _close(self, commit, now: datetime) -> None:
        """Consents withdrawn and addresses suppressed by what has come, by the statements that a collection uses."""
        self.engine.run("expecting/placed", after=self.told, now=now)
        if not self.engine.count("placed"):
            return
        with self.warehouse.ledger.read() as tx:
            contacts = parts_of(tx, current_number(tx), "contacts")
        people = query_of(self.engine, self.warehouse.store, contacts, "contacts", "people_rows", constants=False)
        nobody = "SELECT * FROM placed WHERE false"  # each has its channel and purpose already, and comes by key
        self._view("people", "contact_id, email_key, phone_key", people)
        self._view("touched", "enrolment_id, step_no, visit, leg, channel, purpose", nobody)
        self._view("holder", "address_kind, address_key, contact_id", nobody)
        self.engine.run("collecting/closings")
        for tbl, name in (("consents", "withdrawn"), ("suppressions", "suppressed")):
            rows = self.engine.sql(statement(f"collecting/{name}"))
            numbers = pc.fill_null(rows["contact_id"], 0).to_numpy() >> self.warehouse.slice_bits
            for slice in np.unique(numbers).tolist():
                commit.add(tbl, rows.filter(pa.array(numbers == slice)), slice=slice)


def _bits(graph: Graph) -> dict[str, int]:
    """What of a contact's addresses and consents the Sends of a chain ask for."""
    asked = {(channel, step.purpose) for step in graph.sends for channel in step.channels}
    consents = [consent_bit(channel, purpose) for channel, purpose in asked if "always" not in GROUNDS[channel, purpose]]
    return {"reach_bits": reduce(or_, {CHANNEL_BITS[channel] for channel, _ in asked}, 0),
            "consent_bits": reduce(or_, consents, 0)}


def _until_keys(graph: Graph) -> dict[str, str]:
    """The kinds of response whose date an edge reads, and the name it has there."""
    return {edge.on: edge.after.until for edge in graph.edges if edge.after.until}
