"""A WaitFor in a pass: who has an answer, who was not reached, whose time is over."""

import pyarrow as pa
import sqlalchemy as sa

from marketing import calendar
from marketing.graph import Edge, Step
from marketing.relation import MIGRATED
from marketing.responses import NOT_SENT, PURCHASED, UNKEYED_KINDS
from warehouse import schema
from warehouse.passing.fallback import fall_back
from warehouse.passing.gate import MADE
from warehouse.passing.literals import BOUGHT, literal
from warehouse.passing.moving import ANSWERED
from warehouse.versions import Version

__all__ = ["pass_wait", "sends_before"]

CONTACT = "enrolment_id & 68719476735"


def pass_wait(passing, version: Version, step: Step, here: str) -> int:
    """Move on everybody at a wait who has an answer, in the snapshot, or whose deadline has passed."""
    room = _Wait(passing, version, step)
    if not room.gather(here):
        return 0
    answers = room.decide()
    fall_back(passing, version, step, room.sends, answers)
    return room.leave(answers)


def sends_before(version: Version, wait: str) -> frozenset[str]:
    """The Sends whose touches a wait may belong to: those on a way to it that meets no other wait."""
    into: dict[str, set[str]] = {}
    for edge in version.graph.edges:
        into.setdefault(edge.to, set()).add(edge.from_)
    found, seen, ahead = set(), set(), [wait]
    while ahead:
        for before in into.get(ahead.pop(), ()):
            if before in seen or before in ("", "*"):
                continue
            seen.add(before)
            kind = version.graph.step(before).kind
            if kind == "send":
                found.add(before)
            if kind != "wait":
                ahead.append(before)
    return frozenset(found)


class _Wait:
    def __init__(self, passing, version: Version, step: Step):
        self.passing, self.version, self.step = passing, version, step
        self.engine = passing.engine
        self.sends = sends_before(version, step.name)
        if passing.parts("moves", schema.part.c.version == version.id, schema.part.c.reason == MIGRATED):
            # Who came from another version may wait for the answer to a Send that this one does not have.
            self.sends = self.sends.union(version.step_numbers)
        self.edges: dict[str, list[Edge]] = {}
        for edge in version.graph.out(step.name):
            self.edges.setdefault(edge.on, []).append(edge)
        self.kinds = list(self.edges)

    def gather(self, here: str) -> int:
        """The table `hearing`: who may have an answer now. Returns how many."""
        passing, part, now = self.passing, schema.part, literal(self.passing.as_of)
        listed = passing.parts(("receipts", "responses", "orders"), part.c.place > passing.mark, sa.or_(
            part.c.tbl != "receipts", (part.c.chain == passing.chain) & part.c.to_step.in_(self.sends)))
        unmade, made, responses, orders = (
            [p for p in listed if p.tbl == tbl and (reason is None or p.reason == reason)]
            for tbl, reason in (("receipts", "not_made"), ("receipts", "made"), ("responses", None), ("orders", None)))
        may = [f"due_at <= {now}", "(passed > 0 AND planned = 0)", f"planned > fresh AND arrived_at = {now}"]
        if unmade:
            may.append(f"enrolment_id IN (SELECT enrolment_id FROM ({passing.query_of('receipts', 'receipts_since', unmade)}))")
        if responses:
            passing.scan("responses", "responses_since", parts=responses, constants=False)
            may += ["enrolment_id IN (SELECT enrolment_id FROM responses_since WHERE enrolment_id IS NOT NULL)",
                    f"{CONTACT} IN (SELECT contact_id FROM responses_since WHERE enrolment_id IS NULL)"]
        if orders and PURCHASED in self.kinds:
            may.append(f"{CONTACT} IN (SELECT contact_id FROM ({passing.query_of('orders', 'orders_since', orders)}))")
        if made and UNKEYED_KINDS & set(self.kinds):
            may.append(f"enrolment_id IN (SELECT enrolment_id FROM {self._made_late(made)})")
        self.engine.execute("CREATE OR REPLACE TEMP TABLE hearing AS "
                            f"SELECT *, {CONTACT} AS contact_id FROM {here} WHERE {' OR '.join(may)}")
        return self.engine.count("hearing")

    def _made_late(self, made: list) -> str:
        """A table of those whose receipt is listed only now, beside an answer without a key that came after it.

        An earlier pass has read that answer, when nobody could know that it came after a message.
        """
        passing = self.passing
        passing.scan("receipts", "made_since", parts=made, constants=False)
        passing.scan("responses", "responses_ever", constants=False)
        orders = ""
        if PURCHASED in self.kinds:
            passing.scan("orders", "orders_ever", constants=False)
            orders = f"UNION ALL SELECT contact_id, ordered_at FROM orders_ever WHERE {BOUGHT}"
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE made_late AS
            SELECT m.enrolment_id FROM made_since AS m JOIN (
                SELECT contact_id, happened_at FROM responses_ever WHERE enrolment_id IS NULL AND NOT machine {orders}
            ) AS u ON u.contact_id = m.enrolment_id & 68719476735 AND u.happened_at > m.settled_at""")
        return "made_late"

    def decide(self) -> str:
        """A table of answers for who is in `hearing`."""
        passing, part = self.passing, schema.part
        of_sends = (part.c.chain == passing.chain, part.c.to_step.in_(self.sends))
        passing.scan("receipts", "receipts_all", *of_sends)
        later = " ".join(f"WHEN connector = '{name}' THEN settled_at + INTERVAL '{late.total_seconds()} seconds'"
                         for name, late in passing.latencies.items() if late)
        arrived_at = f"CASE {later} ELSE settled_at END" if later else "settled_at"
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW receipts_here AS "
                            f"SELECT enrolment_id, step, visit, leg, seq, outcome, outcome IN {MADE} AS made, "
                            f"settled_at AS made_at, {arrived_at} AS arrived_at FROM receipts_all")
        passing.scan("touches", "touches_here", *of_sends)
        self._responses()
        self.engine.register("branches", pa.table({
            "kind": pa.array(self.kinds, pa.string()), "rank": pa.array(range(len(self.kinds)), pa.int32())}))
        answers = passing.moving.name("answers")
        return self.engine.keep(
            answers, "passing/answers", not_sent=self.kinds.index(NOT_SENT),
            clock_before=calendar.latest_start(passing.as_of, self.step.within, passing.house.zone))

    def _responses(self) -> None:
        """The view `responses_here`: keyed ones with the name of their step, unkeyed ones, and orders."""
        passing = self.passing
        passing.scan("responses", "responses_all", constants=False)
        steps = list(self.version.step_numbers.items())
        self.engine.register("steps_here", pa.table({
            "step": pa.array([name for name, _ in steps], pa.string()),
            "step_no": pa.array([number for _, number in steps], pa.int32())}))
        orders = ""
        if PURCHASED in self.kinds:
            passing.scan("orders", "orders_all", constants=False)
            orders = f"""
            UNION ALL
            SELECT contact_id, NULL::BIGINT, NULL::VARCHAR, NULL::SMALLINT, NULL::SMALLINT, '{PURCHASED}', ordered_at,
                   NULL::VARCHAR, order_id FROM orders_all WHERE {BOUGHT}"""
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW responses_here AS
            SELECT r.contact_id, r.enrolment_id, s.step, r.visit, r.leg, r.kind, r.happened_at, r.meta, r.dedup
            FROM responses_all AS r LEFT JOIN steps_here AS s ON s.step_no = r.step_no
            WHERE NOT r.machine{orders}""")

    def leave(self, answers: str) -> int:
        """Take the edges of the answers, branch by branch in written order; returns how many left.

        When the clock of somebody who stays runs out is noted; the driver has noted who is not yet due at all.
        """
        found = {(rank, silent): (many, clock) for rank, silent, many, clock in self.engine.execute(f"""
            SELECT rank, rank IS NULL AND silent, count(*), min(clock_at) FILTER (unsettled = 0)
            FROM {answers} GROUP BY rank, rank IS NULL AND silent""")}
        moved = 0
        for rank, kind in enumerate(self.kinds):
            if ((None, True) if kind == "otherwise" else (rank, False)) not in found:
                continue
            chosen = "a.rank IS NULL AND a.silent" if kind == "otherwise" else f"a.rank = {rank}"
            source = self.passing.moving.name("answered")
            self.engine.execute(f"""
                CREATE OR REPLACE TEMP TABLE {source} AS
                SELECT h.*{self._until_text(self.edges[kind])}
                FROM hearing AS h JOIN {answers} AS a ON a.enrolment_id = h.enrolment_id WHERE {chosen}""")
            moved += self.passing.moving.take_first_open(self.version, self.edges[kind], source, ANSWERED)
        _, clock = found.get((None, False), (0, None))
        if clock is not None:
            self.passing.note_due(self.version, self.step,
                                  calendar.add(clock, self.step.within, self.passing.house.zone))
        return moved

    def _until_text(self, edges: list[Edge]) -> str:
        names = {edge.after.until for edge in edges if edge.after.until}
        if not names:
            return ""
        return f", json_extract_string(a.meta, '$.{names.pop()}') AS until_text"
