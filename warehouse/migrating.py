"""Migration: those who stand in older versions of a chain are moved along into the current one, each by one move."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import pyarrow as pa
import sqlalchemy as sa

from marketing import calendar
from marketing.graph import HOLDOUT, Graph, Step
from marketing.mapping import check_mapping, had_before, places
from marketing.relation import MIGRATED
from warehouse import schema
from warehouse.commit import HeadMoved
from warehouse.engine import parameters
from warehouse.idling import inhabited
from warehouse.passing.literals import literal
from warehouse.passing.slice_pass import SlicePass
from warehouse.versions import Version, versions_of

__all__ = ["HELD_OUT", "NO_PLACE", "OLDER_PARAMS", "WRITTEN_BEFORE", "Moved", "migrate"]

#: A commit that somebody else forestalled is computed again so often.
TRIES = 50

#: The step is gone, and no mapping says where to.
NO_PLACE = "no_place"
#: The new version holds nobody out: they get nothing in the old one either, until their window closes.
HELD_OUT = "held_out"
#: The new order would lead them to a Send that they have had.
WRITTEN_BEFORE = "written_before"
#: The new version asks for a parameter that their wave does not have.
OLDER_PARAMS = "older_params"


@dataclass(frozen=True)
class Moved:
    """Of those at one step of one version: how many went where, or why they stay in their version."""

    version: int
    step: str
    to: str | None
    contacts: int
    stays: str = ""


@dataclass(frozen=True)
class _Group:
    """Those of one slice who go from one step to another: a table of their new state."""

    version: Version
    step: str
    to: Step
    table: str
    rows: int
    next_due: datetime | None


def migrate(warehouse, current: Version, mapping: Mapping[str, str], *, run: str, as_of: datetime,
            rehearse: bool = False) -> list[Moved]:
    """Move along, slice by slice, whoever stands in an older version and has a place in `current`; with `rehearse` only
    say what that would be. Killed, it is run again: who has been moved is in the current version.

    Raises BadMapping, HeadMoved.
    """
    older = [version for version in versions_of(warehouse.ledger, current.chain) if version.id != current.id]
    check_mapping([version.graph for version in older], current.graph, mapping)
    older = [version for version in older if inhabited(warehouse.ledger, version.id)]
    totals: dict[tuple, int] = {}
    for slice in warehouse.slices() if older else []:
        for one in _again(partial(_slice, warehouse, older, current, mapping, slice, run, as_of, rehearse)):
            key = (one.version, one.step, one.to, one.stays)
            totals[key] = totals.get(key, 0) + one.contacts
    return [Moved(version, step, to, many, stays) for (version, step, to, stays), many in totals.items()]


def _again(attempt: Callable[[], list[Moved]]) -> list[Moved]:
    """Compute again whenever somebody else has committed first."""
    for _ in range(TRIES):
        try:
            return attempt()
        except HeadMoved:
            time.sleep(0.01)
    raise HeadMoved(f"Other passes of this chain committed first {TRIES} times; run it again.")


def _slice(warehouse, older, current, mapping, slice, run, as_of, rehearse) -> list[Moved]:
    along = _Along(warehouse, [*older, current], current, slice=slice, as_of=as_of, run=run)
    try:
        moved = along.decide(mapping)
        if along.groups and not rehearse:
            along.write()
        return moved
    finally:
        along.close()


class _Along(SlicePass):
    """One slice: it reads who stands where as a pass does, and moves them by no edge but the mapping."""

    def _compact(self, *_given) -> None:
        """Nobody is written again on the way: `write` does so for the steps that take somebody in."""

    def decide(self, mapping: Mapping[str, str]) -> list[Moved]:
        """Work out who goes where; `groups` are the moves to be made."""
        self.groups: list[_Group] = []
        found = []
        older = {version.id: version for version in self.versions if version.id != self.current.id}
        for (version_id, name), resting in sorted(self.resting.items()):
            if version_id in older and resting.residents:
                version = older[version_id]
                to = places(version.graph, self.current.graph, mapping)[name]
                found += self._decide(version, name, to, mapping)
        return found

    def _decide(self, version: Version, name: str, to: str | None, mapping: Mapping[str, str]) -> list[Moved]:
        here = self.residents(version.id, name)
        if to is None:
            return [Moved(version.number, name, None, self.engine.count(here), HELD_OUT if name == HOLDOUT else NO_PLACE)]
        staying = self._staying(version, name, to, mapping, here)
        going = self.moving.name("going")
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {going} AS SELECT h.* FROM {here} AS h "
                            f"ANTI JOIN {staying} AS s ON s.enrolment_id = h.enrolment_id")
        rows = self.engine.count(going)
        why = self.engine.execute(f"SELECT why, count(*) FROM {staying} GROUP BY why ORDER BY why")
        found = [Moved(version.number, name, to, many, reason) for reason, many in why]
        if rows:
            found.insert(0, Moved(version.number, name, to, rows))
            step = self.current.graph.step(to)
            table = self._arrive(version, name, step, going)
            due = self.engine.value(f"SELECT min(due_at) FROM {table}")
            self.groups.append(_Group(version, name, step, table, rows, due))
        return found

    # Who stays --------------------------------------------------------------------------------------------

    def _staying(self, version: Version, name: str, to: str, mapping: Mapping[str, str], here: str) -> str:
        """A table (enrolment_id, why) of those at a step whom the current version cannot take."""
        part, staying = schema.part, self.moving.name("staying")
        again = had_before(version.graph, self.current.graph, name, to, mapping, version.step_numbers)
        self.scan("touches", f"{staying}_had", part.c.chain == self.chain, part.c.to_step.in_(again), constants=False)
        waves = [row[0] for row in self.engine.execute(f"SELECT DISTINCT enrolment_id >> 36 FROM {here}")]
        lacking = [wave for wave, params in self.wave_params(waves).items() if self._lacks(params)]
        self.engine.register(f"{staying}_waves", pa.table({"wave": pa.array(lacking, pa.int64())}))
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE {staying} AS
            SELECT h.enrolment_id, CASE WHEN h.enrolment_id IN (SELECT enrolment_id FROM {staying}_had)
                                        THEN '{WRITTEN_BEFORE}' ELSE '{OLDER_PARAMS}' END AS why
            FROM {here} AS h
            WHERE h.enrolment_id IN (SELECT enrolment_id FROM {staying}_had)
               OR h.enrolment_id >> 36 IN (SELECT wave FROM {staying}_waves)""")
        return staying

    def _lacks(self, params: str) -> bool:
        """Whether a Split of the current version asks for a parameter that a wave was not frozen with."""
        asked = {name for step in self.current.graph.steps for audience in step.audiences
                 for name in parameters(self.current.queries[audience])}
        return bool(asked - self.query_values(params).keys())

    # Who goes ---------------------------------------------------------------------------------------------

    def _arrive(self, version: Version, name: str, step: Step, going: str) -> str:
        """The table of the state with which they stand at the new step.

        At a step of the same kind they stand since they stood at the old one; who waits there waits by the new
        length. At one of another kind they arrive now, or when the delay they are in is over.
        """
        before, now, table = version.graph.step(name), literal(self.as_of), self.moving.name("along")
        timed = step.kind in ("wait", "holdout")
        if same := step.kind == before.kind:
            since, key = "g.arrived_at", "g.arrived_at" if timed else "NULL::TIMESTAMP"
        else:
            since, key = now, now if timed or before.kind == "wait" else f"greatest(g.due_at, {now})"
        self._dates(f"{table}_dates", step, going, key)
        kept = same and not timed
        due, until = ("g.due_at", "g.until_at") if kept else ("d.due_at", "d.until_at")
        if same and step.kind == "wait" and _hears(version.graph, name) != _hears(self.current.graph, step.name):
            due = now  # what they have said already may be an answer here
        visit = "g.visit" if step.name == name else "greatest(g.visit, coalesce(v.visits, 0) + 1)::SMALLINT"
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE {table} AS
            SELECT g.enrolment_id, (g.seq + 1)::SMALLINT AS seq, {visit} AS visit, g.since, g.passed, g.planned,
                   {due} AS due_at, {until} AS until_at, {since} AS arrived_at
            FROM {going} AS g LEFT JOIN {table}_dates AS d ON d.key = {key}
            LEFT JOIN {self._visits(step.name)} AS v ON v.enrolment_id = g.enrolment_id""")
        return table

    def _dates(self, name: str, step: Step, going: str, key: str) -> None:
        """The table of when those who arrive at an instant are due, and until when their touch may leave."""
        keys = [row[0] for row in self.engine.execute(f"SELECT DISTINCT {key} FROM {going} AS g") if row[0] is not None]
        dates = [self._due(step, arrival) for arrival in keys]
        instant = pa.timestamp("us")
        self.engine.register(name, pa.table({
            "key": pa.array(keys, instant), "due_at": pa.array([due for due, _ in dates], instant),
            "until_at": pa.array([until for _, until in dates], instant)}))

    def _due(self, step: Step, arrival: datetime) -> tuple[datetime | None, datetime | None]:
        zone = self.house.zone
        match step.kind:
            case "end":
                return None, None
            case "wait":
                return calendar.add(arrival, step.within, zone), None
            case "holdout":
                return calendar.add(arrival, self.current.graph.goal.within, zone), None
            case "send":
                return arrival, calendar.add(arrival, step.at_latest, zone)
        return arrival, None

    def _visits(self, step: str) -> str:
        """The query of how often each enrolment has come to a step."""
        part = schema.part
        past = self.scan("moves", self.moving.name("past"), part.c.chain == self.chain, part.c.to_step == step, constants=False)
        return f"(SELECT enrolment_id, max(visit) AS visits FROM {past} GROUP BY enrolment_id)"

    # The commit -------------------------------------------------------------------------------------------

    def write(self) -> None:
        """The moves, and who rests now at the steps that took them in. Raises HeadMoved."""
        entered: dict[str, list[_Group]] = {}
        for group in self.groups:
            self.commit.add("moves", group.table, slice=self.slice, rows=group.rows, chain=self.chain, version=self.current.id,
                            from_step=group.step, to_step=group.to.name, reason=MIGRATED)
            left = self.rest_of(group.version.id, group.step)
            left.residents, left.feeds, left.changed = left.residents - group.rows, left.feeds + 1, True
            if group.to.kind != "end":
                entered.setdefault(group.to.name, []).append(group)
        rests = [self._rest(step, groups) for step, groups in entered.items()]
        self.commit.within(lambda tx, numbers: tx.execute(
            sa.update(schema.part).where(schema.part.c.n.in_([numbers[rest] for rest in rests])).values(upto=max(numbers))))
        self.commit.within(self._write_who_rests)
        self.commit.apply()

    def _rest(self, step: str, groups: list[_Group]) -> int:
        """Everybody at a step of the current version as one part, the moves of this commit included: as a part of moves
        they would have arrived now, and their waiting would begin anew."""
        part, name = schema.part, self.moving.name("resting")
        before = self.parts("rest", part.c.chain == self.chain, part.c.version == self.current.id, part.c.to_step == step)
        columns = "enrolment_id, seq, visit, since, passed, planned, due_at, until_at, arrived_at"
        sources = [self.residents(self.current.id, step), *(group.table for group in groups)]
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS "
                            + " UNION ALL ".join(f"SELECT {columns} FROM {source}" for source in sources))
        self.commit.retire([one.n for one in before])
        resting = self.rest_of(self.current.id, step)
        resting.residents, resting.feeds = resting.residents + sum(group.rows for group in groups), 1
        for group in groups:
            self.note_due(self.current, group.to, group.next_due)
        return self.commit.add("rest", name, slice=self.slice, chain=self.chain, version=self.current.id, to_step=step, run=None)

    def _write_who_rests(self, tx: sa.Connection, _numbers: list[int]) -> None:
        """As a pass does; but nothing was heard, so that the watermark stays."""
        for (version, step), resting in self.resting.items():
            if resting.changed:
                self.warehouse.ledger.put(tx, schema.rest, {
                    "chain": self.chain, "version": version, "slice": self.slice, "step": step,
                    "residents": resting.residents, "next_due": resting.next_due, "feeds": resting.feeds})


def _hears(graph: Graph, step: str) -> set[str]:
    return {edge.on for edge in graph.out(step)}
