"""Enrolment: a wave of the audience, and one of those whom other chains handed over."""

import json

import sqlalchemy as sa

from marketing import calendar
from marketing.chance import holdout_salt, salt32
from marketing.graph import ENTRY
from warehouse import schema
from warehouse.failpoints import reach
from warehouse.passing.literals import literal

__all__ = ["enrol_audience", "enrol_handovers"]


def enrol_audience(passing, query: str, params: dict, reenter_after) -> int:
    """Ask the audience and enrol who may enter, in a wave with these parameters; returns how many entered."""
    engine = passing.engine
    passing.snapshot.prepare(query)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE asked AS SELECT DISTINCT contact_id FROM ({query}) AS a "
                   "WHERE contact_id IS NOT NULL", **passing.query_values(json.dumps(params)))
    passing.tally.audience += engine.count("asked")
    return _enrol(passing, "audience", params, reenter_after)


def enrol_handovers(passing, params: dict, reenter_after) -> int:
    """Take in whom other chains have handed over since the last pass; the refused are refusals."""
    engine, part = passing.engine, schema.part
    passing.scan("moves", "handed", part.c.place > passing.mark, part.c.to_step == f"enrol:{passing.current.name}",
                 part.c.chain != passing.chain, constants=False)
    engine.execute("CREATE OR REPLACE TEMP TABLE asked AS "
                   "SELECT contact_id, min(enrolment_id) AS enrolment_id FROM "
                   "(SELECT enrolment_id & 68719476735 AS contact_id, enrolment_id FROM handed) AS h GROUP BY contact_id")
    many = engine.count("asked")
    if not many:
        return 0
    reach("pass.handover_taken")
    passing.tally.handed_over += many
    return _enrol(passing, "handover", params, reenter_after)


def _enrol(passing, kind: str, params: dict, reenter_after) -> int:
    engine = passing.engine
    if not engine.count("asked"):
        return 0
    verdicts = _verdicts(passing, reenter_after)
    for reason, many in engine.execute(f"SELECT kept_out, count(*) FROM {verdicts} WHERE kept_out IS NOT NULL GROUP BY ALL"):
        setattr(passing.tally, reason, getattr(passing.tally, reason) + many)
    if kind == "handover":
        _refuse(passing, verdicts)
    entering = engine.value(f"SELECT count(*) FROM {verdicts} WHERE kept_out IS NULL")
    if not entering:
        return 0
    wave = passing.wave(kind, params)
    reach("pass.wave_reserved")
    return _enter(passing, verdicts, wave)


def _verdicts(passing, reenter_after) -> str:
    """A table (contact_id, kept_out) of those in `asked`."""
    name = passing.moving.name("verdicts")
    if not _earlier(passing):
        passing.engine.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS "
                               "SELECT contact_id, NULL::VARCHAR AS kept_out FROM asked")
        return name
    if reenter_after is None:
        return passing.engine.keep(name, "passing/enrolling_once")
    cutoff = calendar.latest_start(passing.as_of, reenter_after, passing.house.zone)
    return passing.engine.keep(name, "passing/enrolling", entered_before=cutoff)


def _enter(passing, verdicts: str, wave: int) -> int:
    """Draw the arms, before any other filter, and make the first moves."""
    engine, moving, version = passing.engine, passing.moving, passing.current
    graph = version.graph
    salt = salt32(holdout_salt(graph.chain, wave if graph.arm_by == "wave" else None))
    counts = {}
    for edge in graph.out(ENTRY):
        held_out = edge.on == "held_out"
        arm = "true"
        if graph.holdout:
            arm = f"draw({salt}, contact_id) {'<' if held_out else '>='} {graph.holdout!r}::DOUBLE"
        source = moving.name("entering")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {source} AS SELECT {wave}::BIGINT << 36 | contact_id AS enrolment_id "
                       f"FROM {verdicts} WHERE kept_out IS NULL AND {arm} ORDER BY contact_id")
        counts[edge.on] = moving.enter(version, edge, source)
    entered, held = sum(counts.values()), counts.get("held_out", 0)
    passing.tally.entered += entered
    passing.tally.held_out += held
    wave_row = schema.wave
    passing.commit.within(lambda tx, _numbers: tx.execute(
        sa.update(wave_row).where(wave_row.c.id == wave)
        .values(entered=wave_row.c.entered + entered, held_out=wave_row.c.held_out + held)))
    return entered


def _earlier(passing) -> bool:
    """The views `entries` and `ended`: earlier enrolments in this chain, and those of them that are over.

    False when nobody has ever entered, and then there are no views.
    """
    part = schema.part
    chain = part.c.chain == passing.chain
    entered = passing.parts("moves", chain, part.c.from_step == ENTRY)
    if not entered and not passing.moving.entered_now():
        return False
    passing.scan("moves", "entry_moves", parts=entered)
    ends = {step.name for v in passing.versions for step in v.graph.steps if step.kind == "end"}
    passing.scan("moves", "end_moves", chain, part.c.to_step.in_(ends), constants=False)
    now = "".join(f" UNION ALL SELECT enrolment_id, {literal(passing.as_of)} FROM {moved}"
                  for moved in passing.moving.entered_now())
    passing.engine.execute("CREATE OR REPLACE TEMP VIEW entries AS SELECT enrolment_id & 68719476735 AS contact_id, "
                           f"enrolment_id, enrolled_at FROM (SELECT enrolment_id, moved_at AS enrolled_at FROM entry_moves{now}) AS m")
    left = " UNION ALL SELECT enrolment_id FROM left_now" if passing.has_left else ""
    passing.engine.execute(f"CREATE OR REPLACE TEMP VIEW ended AS SELECT enrolment_id FROM end_moves{left}")
    return True


def _refuse(passing, verdicts: str) -> None:
    """A hand-over that is refused is a row, never a silence; it carries the enrolment that handed it over."""
    rows = passing.moving.name("refused_handovers")
    passing.engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE {rows} AS
        SELECT a.enrolment_id, 0::SMALLINT AS visit, 0::SMALLINT AS leg, v.kept_out AS reason, 'reenter_after' AS rule,
               NULL::VARCHAR AS value, NULL::VARCHAR AS limit_value, NULL::TIMESTAMP AS until_at
        FROM asked AS a JOIN {verdicts} AS v ON v.contact_id = a.contact_id WHERE v.kept_out IS NOT NULL""")
    passing.commit.add("refusals", rows, slice=passing.slice, chain=passing.chain, version=passing.current.id,
                       to_step="", reason="plan")
