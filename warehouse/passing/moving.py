"""Moves: from a step along an edge to the next, for all who take it at once."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from marketing import calendar
from marketing.graph import After, Edge, Step
from marketing.relation import DEFERRED, STAYS
from warehouse import schema
from warehouse.passing.literals import literal
from warehouse.versions import Version

__all__ = ["Mover"]

STATE = "enrolment_id, seq, visit, since, passed, planned, due_at, until_at"


@dataclass(frozen=True)
class Leaving:
    """How the columns of the state change on the way out of a step (SQL over the source's columns)."""

    since: str = "since"
    passed: str = "passed"
    planned: str = "planned"
    fresh: str = "fresh"


ON = Leaving()
SENT = Leaving(passed="passed + 1", planned="planned + 1", fresh="fresh + 1")
UNREACHED = Leaving(passed="passed + 1")
ANSWERED = Leaving(since="seq + 1", passed="0", planned="0", fresh="0")


class Mover:
    """Writes moves as parts, and keeps who arrives where for the steps that come later in the pass."""

    def __init__(self, passing):
        self.passing = passing
        self.engine = passing.engine
        self.arrivals: dict[tuple[int, str], list[str]] = {}
        self._made = 0
        self._moved_into: dict[str, list[str]] = {}
        self._entered: list[str] = []
        self.suppressed_now: list[str] = []  # rows of suppressions that this pass writes

    def name(self, what: str) -> str:
        self._made += 1
        return f"{what}_{self._made}"

    def take(self, version: Version, edge: Edge, source: str, how: Leaving = ON, *, reason: str | None = None,
             of: str | None = None) -> int:
        """Move everybody in `source` along `edge`; returns how many.

        `source` has the state's columns, `fresh`, and `until_text` when the edge's length is a
        response's date. `of` names the step they leave, where the edge is one from anywhere.
        A bounded edge (GoTo) must be filtered before: see `split_by_visits`.
        """
        step = version.graph.step(edge.to)
        rows = self.engine.count(source)
        if not rows:
            return 0
        due, until, dated = self._dates(version, step, edge.after, source)
        moved = self.name("moved")
        visit, joined = self._visit(version, step, dated)
        wait_is_over = step.kind == "end"
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW {moved} AS
            SELECT s.enrolment_id, (s.seq + 1)::SMALLINT AS seq, {visit} AS visit, ({how.since})::SMALLINT AS since,
                   ({how.passed})::SMALLINT AS passed, ({how.planned})::SMALLINT AS planned,
                   {"NULL::TIMESTAMP" if wait_is_over else due} AS due_at, {until} AS until_at,
                   {literal(self.passing.as_of)} AS arrived_at, ({how.fresh})::SMALLINT AS fresh
            FROM {dated} AS s {joined}""")
        self._list(version, of if of is not None else edge.from_, step, moved, rows, reason or edge.on)
        if step.action == "suppress":
            self._suppress(step, moved)
        if edge.goto and not wait_is_over:
            # They wait for the next pass, so that a pass ends.
            self.passing.returned.add((version.id, step.name))
        elif not wait_is_over:
            self.arrivals.setdefault((version.id, step.name), []).append(moved)
            self._note_arrival(version, step, moved, edge.after)
        return rows

    def take_first_open(self, version: Version, edges: list[Edge], source: str, how: Leaving, *,
                        reason: str | None = None) -> int:
        """Take the first of several edges of the same answer that still may be taken (a GoTo, then its follow-up)."""
        moved = 0
        for edge in edges:
            if edge.max is None:
                return moved + self.take(version, edge, source, how, reason=reason)
            open_, source = self.split_by_visits(version, edge, source)
            moved += self.take(version, edge, open_, how, reason=reason)
        return moved

    def enter(self, version: Version, edge: Edge, source: str) -> int:
        """First moves of an enrolment; `source` has enrolment_id."""
        entering = self.name("entering")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW {entering} AS
            SELECT enrolment_id, 0 AS seq, 0 AS visit, 0 AS since, 0 AS passed, 0 AS planned, 0 AS fresh FROM {source}""")
        self._entered.append(entering)
        return self.take(version, edge, entering)

    def stay(self, version: Version, step: Step, source: str, reason: str = DEFERRED) -> int:
        """A move of the step onto itself, same visit; `source` has the new state: when it is due, how many are planned."""
        rows = self.engine.count(source)
        if not rows:
            return 0
        moved = self.name("moved")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW {moved} AS
            SELECT enrolment_id, (seq + 1)::SMALLINT AS seq, visit, since, passed, planned, due_at, until_at FROM {source}""")
        self._list(version, step.name, step, moved, rows, reason, visits=False)
        self.passing.note_due(version, step, self.engine.value(
            f"SELECT min(due_at) FROM {moved} WHERE due_at > {literal(self.passing.as_of)}"))
        return rows

    def split_by_visits(self, version: Version, edge: Edge, source: str) -> tuple[str, str]:
        """Who may take a bounded edge, and who has used it up: two views of `source`."""
        visits = self._visits(edge.to, source)
        views = []
        for keep in ("<", ">="):
            view = self.name("bounded")
            self.engine.execute(f"""
                CREATE OR REPLACE TEMP VIEW {view} AS
                SELECT s.* FROM {source} AS s LEFT JOIN {visits} AS v ON v.enrolment_id = s.enrolment_id
                WHERE coalesce(v.visits, 0) {keep} {edge.max}""")
            views.append(view)
        return views[0], views[1]

    def here(self, version: Version, step: str, stored: bool) -> str | None:
        """A view of those at a step: who rested there (`stored`) and who arrived in this pass; None for nobody."""
        sources = list(self.arrivals.get((version.id, step), ()))
        resting = self.passing.resting.get((version.id, step))
        if stored and resting and resting.residents:
            stood = self.passing.residents(version.id, step)
            sources.append(stood)
            self.passing.note_due(version, version.graph.step(step), self.engine.value(
                f"SELECT min(due_at) FROM {stood} WHERE due_at > {literal(self.passing.as_of)}"))
        if not sources:
            return None
        view = self.name("here")
        columns = f"{STATE}, arrived_at, fresh"
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS "
                                + " UNION ALL ".join(f"SELECT {columns} FROM {source}" for source in sources))
        return view

    def _note_arrival(self, version: Version, step: Step, moved: str, after: After) -> None:
        """When those who arrive are due, where that is later than now: one moment for all of them, but for dated edges."""
        if after.until or after.since != "now":
            due = self.engine.value(f"SELECT min(due_at) FROM {moved} WHERE due_at > {literal(self.passing.as_of)}")
        else:
            due, _ = self._arrive(step, calendar.add(self.passing.as_of, after.span, self.zone))
        if due is not None and due > self.passing.as_of:
            self.passing.arriving[version.id, step.name] = min(due, self.passing.arriving.get((version.id, step.name), due))

    # Inner rooms --------------------------------------------------------------------------------------------

    def _list(self, version: Version, from_step: str, step: Step, moved: str, rows: int, reason: str,
              visits: bool = True) -> None:
        passing = self.passing
        passing.commit.add("moves", moved, slice=passing.slice, rows=rows, chain=passing.chain, version=version.id,
                           from_step=from_step, to_step=step.name, reason=reason)
        passing.tally.count(passing.tally.moves, (from_step, reason, step.name), rows)
        if visits:
            self._moved_into.setdefault(step.name, []).append(moved)
        if from_step:
            left = passing.rest_of(version.id, from_step)
            left.residents, left.feeds, left.changed = left.residents - rows, left.feeds + 1, True
        if step.kind != "end":
            entered = passing.rest_of(version.id, step.name)
            entered.residents, entered.feeds, entered.changed = entered.residents + rows, entered.feeds + 1, True

    def _suppress(self, step: Step, moved: str) -> None:
        """Who ends by Suppress gets nothing commercial or of relationship any more, from any chain."""
        rows = self.name("suppressed")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW {rows} AS
            SELECT enrolment_id & 68719476735 AS contact_id, NULL::UBIGINT AS address_key, NULL::VARCHAR AS channel,
                   NULL::VARCHAR AS purpose, '{step.argument}' AS reason, {literal(self.passing.as_of)} AS from_at,
                   NULL::TIMESTAMP AS until_at FROM {moved}""")
        self.passing.commit.add("suppressions", rows, slice=self.passing.slice)
        self.suppressed_now.append(rows)

    def _visit(self, version: Version, step: Step, source: str) -> tuple[str, str]:
        """The visit number on arrival: 1, unless a contact can come back to the step."""
        if step.name not in version.graph.in_cycle:
            return "1::SMALLINT", ""
        visits = self._visits(step.name, source)
        return "(coalesce(v.visits, 0) + 1)::SMALLINT", f"LEFT JOIN {visits} AS v ON v.enrolment_id = s.enrolment_id"

    def _visits(self, step: str, source: str) -> str:
        """A table of how often each enrolment in `source` has moved into a step; who was moved along keeps its number."""
        passing, part, name = self.passing, schema.part, self.name("visits")
        passing.scan("moves", f"{name}_past", part.c.chain == passing.chain, part.c.to_step == step,
                     part.c.reason.not_in(STAYS), constants=False)
        now = "".join(f" UNION ALL SELECT enrolment_id, visit FROM {moved}" for moved in self._moved_into.get(step, ()))
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT enrolment_id, max(visit) AS visits FROM (SELECT enrolment_id, visit FROM {name}_past{now}) AS m
            SEMI JOIN {source} AS s ON s.enrolment_id = m.enrolment_id GROUP BY enrolment_id""")
        return name

    def _dates(self, version: Version, step: Step, after: After, source: str) -> tuple[str, str, str]:
        """SQL of due_at and until_at on arrival, and the source to read them from."""
        if after.until or after.since != "now":
            dated = self._dated(step, after, source)
            return "s.new_due_at", "s.new_until_at", dated
        due, until = self._arrive(step, calendar.add(self.passing.as_of, after.span, self.zone))
        return literal(due), literal(until), source

    def _arrive(self, step: Step, arrival: datetime) -> tuple[datetime, datetime | None]:
        """When somebody who stands at a step from `arrival` on is due, and until when its touch may leave."""
        if step.kind == "wait":
            return calendar.add(arrival, step.within, self.zone), None
        if step.kind == "send":
            return arrival, calendar.add(arrival, step.at_latest, self.zone)
        if step.kind == "holdout":
            return calendar.add(arrival, self.passing.current.graph.goal.within, self.zone), None
        return arrival, None

    def _dated(self, step: Step, after: After, source: str) -> str:
        """The source with due dates that differ by wave (since enrolled) or by answer (until)."""
        key = "s.until_text" if after.until else "s.enrolment_id >> 36"
        keys = self.engine.sql(f"SELECT DISTINCT {key} AS key FROM {source} AS s")["key"].to_pylist()
        starts = {} if after.until else self._enrolled_at(keys)
        rows = []
        for value in keys:
            if after.until:
                arrival = calendar.read_moment(value, self.zone) or calendar.add(self.passing.as_of, after.span, self.zone)
            else:
                arrival = calendar.add(starts[value], after.span, self.zone)
            rows.append((value, *self._arrive(step, max(arrival, self.passing.as_of))))
        name = self.name("dates")
        kind = pa.string() if after.until else pa.int64()
        instant = pa.timestamp("us")
        self.engine.register(name, pa.table([pa.array([r[0] for r in rows], kind), pa.array([r[1] for r in rows], instant),
                                             pa.array([r[2] for r in rows], instant)],
                                            names=["key", "new_due_at", "new_until_at"]))
        dated = self.name("dated")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW {dated} AS
            SELECT s.*, d.new_due_at, d.new_until_at FROM {source} AS s JOIN {name} AS d ON d.key IS NOT DISTINCT FROM {key}""")
        return dated

    def _enrolled_at(self, waves: list[int]) -> dict[int, datetime]:
        with self.passing.warehouse.ledger.read() as tx:
            rows = tx.execute(sa.select(schema.wave.c.id, schema.wave.c.enrolled_at).where(schema.wave.c.id.in_(waves)))
            return dict(rows.all())

    @property
    def zone(self) -> str:
        return self.passing.house.zone

    def entered_now(self) -> list[str]:
        """The views of those who entered in this pass."""
        return list(self._entered)
