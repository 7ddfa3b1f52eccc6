"""A Send's next channel, when the touch on the one before was planned and never made: asked at the wait it belongs to."""

import pyarrow as pa

from marketing import calendar
from marketing.graph import Step
from marketing.relation import DEFERRED, FELL_BACK
from warehouse import schema
from warehouse.passing.literals import literal
from warehouse.passing.send import ask_legs
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
    """The table `in_vain`: the Sends of a contact of which nothing was made, and which channel was tried last."""
    engine, part = passing.engine, schema.part
    engine.register("ways", pa.table({"step": pa.array([step.name for step in written], pa.string()),
                                      "legs": pa.array([len(step.channels) for step in written], pa.int16())}))
    passing.scan("refusals", "refusals_here", part.c.chain == passing.chain, part.c.reason == "plan",
                 part.c.to_step.in_([step.name for step in written]))
    engine.execute(f"CREATE OR REPLACE TEMP VIEW heard_by AS SELECT enrolment_id, heard_rank FROM {answers}")
    engine.keep("in_vain", "passing/in_vain", as_of=passing.as_of)
    return engine.count("in_vain")


def _ask(passing, version: Version, step: Step, outcome: str) -> None:
    """Ask for the further channels of one Send, and note who stays for them."""
    engine, part, asking = passing.engine, schema.part, passing.moving.name("falling_back")
    passing.scan("moves", "moves_into", part.c.chain == passing.chain, part.c.to_step == step.name, constants=False)
    # As at the Send: its visit, and the latest moment it had from the start.
    engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE {asking} AS
        SELECT h.* REPLACE (v.visit AS visit, m.until_at AS until_at), v.leg
        FROM hearing AS h JOIN in_vain AS v ON v.enrolment_id = h.enrolment_id
        JOIN (SELECT enrolment_id, visit, max(until_at) AS until_at FROM moves_into GROUP BY enrolment_id, visit) AS m
          ON m.enrolment_id = v.enrolment_id AND m.visit = v.visit
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


def _stay(passing, version: Version, wait: Step, outcome: str) -> None:
    """The moves of the wait onto itself: with one more planned, or due when the gate opens."""
    engine, moving = passing.engine, passing.moving
    ends = literal(calendar.add(passing.as_of, wait.within, passing.house.zone))
    for reason, some in ((FELL_BACK, "o.planned > 0"), (DEFERRED, "o.planned = 0")):
        staying = moving.name("staying")
        engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE {staying} AS
            SELECT h.* REPLACE (h.planned + o.planned AS planned, coalesce(o.due_at, {ends}) AS due_at, o.until_at AS until_at)
            FROM hearing AS h JOIN (
                SELECT enrolment_id, count(*) FILTER (due_at IS NULL) AS planned, min(due_at) AS due_at,
                       max(until_at) AS until_at
                FROM {outcome} GROUP BY enrolment_id) AS o ON o.enrolment_id = h.enrolment_id
            WHERE {some}""")
        moving.stay(version, wait, staying, reason)
