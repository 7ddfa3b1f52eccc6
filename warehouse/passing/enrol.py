"""Enrolment: a wave of the audience, and one of those whom other chains handed over."""

import json

import sqlalchemy as sa

from marketing import calendar
from marketing.chance import holdout_salt, salt32
from marketing.graph import ENTRY
from warehouse import schema
from warehouse.failpoints import reach
from warehouse.passing.literals import literal
from warehouse.stops import withdrawn

__all__ = ["enrol_audience", "enrol_handovers", "who_may_enter"]


def enrol_audience(passing, query: str, params: dict, reenter_after, room: int | None = None,
                   wave: int | None = None) -> int:
    """Ask the audience and enrol who may enter, in a wave with these parameters; returns how many entered.

    `room` is how many this run may take in over all slices, drawn by chance within each; None: everybody.
    `wave` is the number of one that was given; None: this run's own.
    """
    _ask(passing, query, params)
    return _enrol(passing, "audience", params, reenter_after, room, wave)


def who_may_enter(passing, query: str, params: dict, reenter_after) -> int:
    """How many of the audience may enter at this moment; nothing is written, and the pass is not to be committed."""
    _ask(passing, query, params)
    entering, _ = _entering(passing, reenter_after)
    return passing.engine.count(entering)


def _ask(passing, query: str, params: dict) -> None:
    """The table `asked`: this slice's contacts of the audience."""
    engine = passing.engine
    passing.snapshot.prepare(query)
    mine = f"contact_id >> {passing.warehouse.slice_bits} = {passing.slice}"
    engine.execute(f"CREATE OR REPLACE TEMP TABLE asked AS SELECT contact_id FROM ({query}) AS a WHERE {mine}",
                   **passing.query_values(json.dumps(params)))
    rows = engine.count("asked")
    if engine.distinct("asked", "contact_id", rows) < rows:
        engine.execute("CREATE OR REPLACE TEMP TABLE asked AS SELECT DISTINCT contact_id FROM asked")
    passing.tally.audience += engine.count("asked")


def enrol_handovers(passing, params: dict, reenter_after) -> int:
    """Take in whom other chains have handed over since the last pass; the refused are refusals."""
    engine, part = passing.engine, schema.part
    handed = passing.parts("moves", part.c.place > passing.mark, part.c.to_step == f"enrol:{passing.current.name}")
    if not handed:
        return 0
    passing.scan("moves", "handed", parts=handed, constants=False)
    engine.execute("CREATE OR REPLACE TEMP TABLE asked AS "
                   "SELECT contact_id, min(enrolment_id) AS enrolment_id FROM "
                   "(SELECT enrolment_id & 68719476735 AS contact_id, enrolment_id FROM handed) AS h GROUP BY contact_id")
    many = engine.count("asked")
    if not many:
        return 0
    reach("pass.handover_taken")
    passing.tally.handed_over += many
    return _enrol(passing, "handover", params, reenter_after)


def _enrol(passing, kind: str, params: dict, reenter_after, room: int | None = None, wave: int | None = None) -> int:
    """Those of `asked` who may enter, in a wave of their own; the others are counted, hand-overs refused by row."""
    engine = passing.engine
    asked = engine.count("asked")
    if not asked:
        return 0
    entering, earlier = _entering(passing, reenter_after)
    if earlier:
        kept_out = asked - engine.count(entering)
        if kept_out:
            inside = kept_out - engine.run("passing/gone")[0][0] if reenter_after is None else engine.run("passing/inside")[0][0]
            passing.tally.inside += inside
            passing.tally.entered_recently += kept_out - inside
    if kind == "handover":
        _refuse(passing, entering, earlier)
    if not engine.count(entering):
        return 0
    wave = passing.wave(kind, params) if wave is None else wave
    reach("pass.wave_reserved")
    # Read after the head: who withdraws a wave moves the head of every slice once it is written down.
    if wave in withdrawn(passing.warehouse.ledger):
        return _keep_out(passing, kind, entering)
    if room is not None:
        entering = _drawn(passing, entering, wave, room)
    return _enter(passing, entering, wave, asked)


def _entering(passing, reenter_after) -> tuple[str, bool]:
    """The table of those of `asked` who are not inside and did not enter too recently; and whether anybody ever entered."""
    if not _earlier(passing):
        return "asked", False
    cutoff = calendar.latest_start(passing.as_of, reenter_after, passing.house.zone) if reenter_after else passing.as_of
    return passing.engine.keep(passing.moving.name("may_enter"), "passing/may_enter",
                               never_again=reenter_after is None, entered_before=cutoff), True


def _drawn(passing, entering: str, wave: int, room: int) -> str:
    """Those for whom the wave still has room, by a draw of its own; the others are counted as left out."""
    # Another process of this run may fill the wave in another slice: its commit and this one cannot both stand.
    passing.commit.read_head(f"wave:{wave}", 0)
    with passing.warehouse.ledger.read() as tx:
        entered = tx.execute(sa.select(schema.wave.c.entered).where(schema.wave.c.id == wave)).scalar_one()
    drawn = passing.moving.name("drawn")
    passing.engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE {drawn} AS SELECT contact_id FROM {entering}
        ORDER BY draw({salt32(f"room:{passing.run}")}, contact_id), contact_id LIMIT {max(0, room - entered)}""")
    passing.tally.left_out += passing.engine.count(entering) - passing.engine.count(drawn)
    return drawn


def _keep_out(passing, kind: str, entering: str) -> int:
    """Nobody enters a wave that was withdrawn while its run was still taking people in; hand-overs are refused by row."""
    passing.tally.left_out += passing.engine.count(entering)
    if kind == "handover":
        rows = passing.moving.name("withdrawn_handovers")
        passing.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE {rows} AS
            SELECT h.enrolment_id, 0::SMALLINT AS visit, 0::SMALLINT AS leg, 'withdrawn' AS reason, 'wave' AS rule,
                   NULL::VARCHAR AS value, NULL::VARCHAR AS limit_value, NULL::TIMESTAMP AS until_at
            FROM asked AS h SEMI JOIN {entering} AS e ON e.contact_id = h.contact_id""")
        passing.commit.add("refusals", rows, slice=passing.slice, chain=passing.chain, version=passing.current.id,
                           to_step="", reason="plan")
    return 0


def _enter(passing, may_enter: str, wave: int, asked: int) -> int:
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
                       f"FROM {may_enter} WHERE {arm} ORDER BY contact_id")
        counts[edge.on] = moving.enter(version, edge, source)
    entered, held = sum(counts.values()), counts.get("held_out", 0)
    passing.tally.entered += entered
    passing.tally.held_out += held
    wave_row = schema.wave
    passing.commit.within(lambda tx, _numbers: tx.execute(
        sa.update(wave_row).where(wave_row.c.id == wave)
        .values(
            audience=wave_row.c.audience + asked, entered=wave_row.c.entered + entered, held_out=wave_row.c.held_out + held)))
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
    passing.engine.execute(f"""
        CREATE OR REPLACE TEMP VIEW entries AS
        SELECT enrolment_id & 68719476735 AS contact_id, enrolment_id, enrolled_at
        FROM (SELECT enrolment_id, moved_at AS enrolled_at FROM entry_moves{now}) AS m""")
    left = " UNION ALL SELECT enrolment_id FROM left_now" if passing.has_left else ""
    passing.engine.execute(f"CREATE OR REPLACE TEMP VIEW ended AS SELECT enrolment_id FROM end_moves{left}")
    return True


def _refuse(passing, entering: str, earlier: bool) -> None:
    """A hand-over that is refused is a row, never a silence; it carries the enrolment that handed it over.

    Of two for one contact the first may enter, and the second finds it inside; where the first may not, neither may.
    """
    inside = f"SELECT contact_id FROM {entering}"
    if earlier:
        inside += " UNION SELECT e.contact_id FROM entries AS e ANTI JOIN ended AS x ON x.enrolment_id = e.enrolment_id"
    rows = passing.moving.name("refused_handovers")
    passing.engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE {rows} AS
        SELECT h.enrolment_id, 0::SMALLINT AS visit, 0::SMALLINT AS leg,
               CASE WHEN i.contact_id IS NOT NULL THEN 'inside' ELSE 'entered_recently' END AS reason,
               'reenter_after' AS rule, NULL::VARCHAR AS value, NULL::VARCHAR AS limit_value, NULL::TIMESTAMP AS until_at
        FROM handed AS h
        ANTI JOIN (SELECT a.enrolment_id FROM asked AS a SEMI JOIN {entering} AS m ON m.contact_id = a.contact_id) AS t
            ON t.enrolment_id = h.enrolment_id
        LEFT JOIN ({inside}) AS i ON i.contact_id = h.enrolment_id & 68719476735""")
    passing.commit.add("refusals", rows, slice=passing.slice, chain=passing.chain, version=passing.current.id,
                       to_step="", reason="plan")
