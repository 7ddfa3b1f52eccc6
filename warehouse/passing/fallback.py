"""A Send's next channel, when the touch on the one before was not made or ended in silence: asked at the wait it belongs to."""

import pyarrow as pa

from marketing import calendar
from marketing.graph import Step
from marketing.relation import DEFERRED, FELL_BACK
from warehouse import schema
from warehouse.passing.literals import literal
from warehouse.passing.send import NEXT_LEG, ask_legs
from warehouse.versions import Version

__all__ = ["fall_back"]


def fall_back(passing, version: Version, wait: Step, sends: frozenset[str], answers: str) -> None:
    """Ask the next channel for those in `hearing` who have no answer; who stays for it is taken out of `answers`.

    Who has nothing more to be asked is left in: that no way is left is an answer of its own.
    """
    engine, written = passing.engine, [step for step in version.graph.sends if step.name in sends]
    if all(len(step.channels) == 1 for step in written) or not _in_vain(passing, written, answers):
        return
    # While a channel is left nobody counts as not sent: who was heard all the same leaves by what was heard.
    engine.execute(f"UPDATE {answers} SET rank = heard_rank WHERE enrolment_id IN (SELECT enrolment_id FROM in_vain WHERE heard)")
    engine.execute("DELETE FROM in_vain WHERE heard")
    outcome = passing.moving.name("outcome")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {outcome} (enrolment_id BIGINT, due_at TIMESTAMP, until_at TIMESTAMP)")
    for step in written:
        _ask(passing, version, step, outcome)
    _stay(passing, version, wait, outcome)
    engine.execute(f"""
        DELETE FROM {answers} WHERE enrolment_id IN (
            SELECT enrolment_id FROM {outcome} UNION SELECT enrolment_id FROM in_vain WHERE deferred)""")


def _in_vain(passing, written: list[Step], answers: str) -> int:
    """The table `in_vain`: the Sends of a contact that came to nothing so far, and which channel was tried last."""
    engine, part = passing.engine, schema.part
    engine.register("ways", pa.table({"step": pa.array([step.name for step in written], pa.string()),
                                      "legs": pa.array([len(step.channels) for step in written], pa.int16())}))
    passing.scan("refusals", "refusals_here", part.c.chain == passing.chain, part.c.reason == "plan",
                 part.c.to_step.in_([step.name for step in written]))
    engine.execute(f"CREATE OR REPLACE TEMP VIEW heard_by AS SELECT enrolment_id, heard_rank, silent FROM {answers}")
    engine.keep("in_vain", "passing/in_vain", as_of=passing.as_of, next_leg=list(NEXT_LEG))
    return engine.count("in_vain")


def _ask(passing, version: Version, step: Step, outcome: str) -> None:
    """Ask for the further channels of one Send, and note who stays for them."""
    engine, part, asking = passing.engine, schema.part, passing.moving.name("falling_back")
    passing.scan("moves", "moves_into", part.c.chain == passing.chain, part.c.to_step == step.name, constants=False)
    # Its visit as at the Send. What was not made keeps the latest moment it had from the start; after a silence, which may
    # be longer than that, the next channel has as much time as the first had.
    engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE {asking} AS
        SELECT h.* REPLACE (v.visit AS visit, coalesce(l.until_at, m.until_at) AS until_at), v.leg
        FROM hearing AS h JOIN in_vain AS v ON v.enrolment_id = h.enrolment_id
        JOIN (SELECT enrolment_id, visit, max(until_at) AS until_at FROM moves_into GROUP BY enrolment_id, visit) AS m
          ON m.enrolment_id = v.enrolment_id AND m.visit = v.visit
        LEFT JOIN {_latest(passing, step)} AS l ON l.asked_at = v.asked_at
        WHERE v.step = '{step.name}' AND NOT v.deferred""")
    starting = {}
    for last, in engine.execute(f"SELECT DISTINCT leg FROM {asking}"):
        starting[last + 1] = f"{asking}_{last + 1}"
        engine.execute(f"CREATE OR REPLACE TEMP VIEW {asking}_{last + 1} AS "
                       f"SELECT * EXCLUDE (leg) FROM {asking} WHERE leg = {last}")
    for leg in ask_legs(passing, version, step, starting):
        engine.execute(f"INSERT INTO {outcome} SELECT enrolment_id, NULL, NULL FROM {leg.planned}")
        if leg.refused:
            engine.execute(f"INSERT INTO {outcome} SELECT enrolment_id, due_at, until_at FROM {leg.deferred}")


def _latest(passing, step: Step) -> str:
    """A table of the latest moment of what is first asked at a moment after a silence: asked_at, until_at."""
    asked = [moment for moment, in passing.engine.execute(f"SELECT DISTINCT asked_at FROM in_vain "
                                                 f"WHERE step = '{step.name}' AND asked_at IS NOT NULL")]
    until = [calendar.add(moment, step.at_latest, passing.house.zone) for moment in asked]
    instant, name = pa.timestamp("us"), passing.moving.name("latest")
    passing.engine.register(name, pa.table({"asked_at": pa.array(asked, instant), "until_at": pa.array(until, instant)}))
    return name


def _stay(passing, version: Version, wait: Step, outcome: str) -> None:
    """The moves of the wait onto itself: with one more planned, or due when the gate opens.

    The clock of a wait that is not over goes on, for should the next not be made either; after a silence it begins again.
    """
    engine, moving = passing.engine, passing.moving
    ends = calendar.add(passing.as_of, wait.within, passing.house.zone)
    for reason, some in ((FELL_BACK, "o.planned > 0"), (DEFERRED, "o.planned = 0")):
        staying = moving.name("staying")
        engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE {staying} AS
            SELECT h.* REPLACE (h.planned + o.planned AS planned,
                                coalesce(o.due_at, CASE WHEN a.silent THEN {literal(ends)} ELSE h.due_at END) AS due_at,
                                o.until_at AS until_at)
            FROM hearing AS h JOIN (
                SELECT enrolment_id, count(*) FILTER (due_at IS NULL) AS planned, min(due_at) AS due_at,
                       max(until_at) AS until_at
                FROM {outcome} GROUP BY enrolment_id) AS o ON o.enrolment_id = h.enrolment_id
            JOIN heard_by AS a ON a.enrolment_id = h.enrolment_id
            WHERE {some}""")
        if moving.stay(version, wait, staying, reason) and reason == FELL_BACK:
            passing.note_due(version, wait, ends)
