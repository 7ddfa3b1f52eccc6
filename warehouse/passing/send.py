"""A Send in a pass: who is due goes through the gate; touches, refusals and batches are what comes of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from marketing.graph import Step
from warehouse import schema
from warehouse.passing.gate import Asked
from warehouse.passing.literals import literal
from warehouse.passing.moving import SENT, STATE, UNREACHED
from warehouse.versions import Version

__all__ = ["NEXT_LEG", "Leg", "ask_legs", "pass_send"]

#: A batch is at most so many touches, and at most a minute at the connector's rate.
BATCH = 1_000
#: The columns of who is asked.
ASKED = f"{STATE}, arrived_at, fresh, contact_id"
#: Refusals after which the next channel of the Send (its next leg) is tried.
NEXT_LEG = ("no_address", "no_consent", "consent_withdrawn", "suppressed")


def pass_send(passing, version: Version, step: Step, here: str) -> int:
    """Plan the touches of who is due at a Send; returns how many were due."""
    engine, moving = passing.engine, passing.moving
    due = moving.name("due")
    engine.execute(f"""
        CREATE OR REPLACE TEMP VIEW {due} AS SELECT *, enrolment_id & 68719476735 AS contact_id
        FROM {here} WHERE due_at <= {literal(passing.as_of)}""")
    edges = list(version.graph.out(step.name))
    before = sum(passing.tally.planned.values()) + sum(passing.tally.refused.values())
    for leg in ask_legs(passing, version, step, {1: due}):
        moving.take_first_open(version, edges, leg.planned, SENT)
        if leg.refused:
            moving.stay(version, step, leg.deferred)
            moving.take_first_open(version, edges, leg.ended, UNREACHED, reason="unreached")
    return sum(passing.tally.planned.values()) + sum(passing.tally.refused.values()) - before


@dataclass(frozen=True)
class Leg:
    """What came of asking one channel, as views of the state: whose touch is planned, who is deferred, for whom it is over."""

    planned: str
    refused: bool = False
    deferred: str = ""
    ended: str = ""


def ask_legs(passing, version: Version, step: Step, starting: dict[int, str]) -> Iterator[Leg]:
    """Ask the gate for a Send's channels in turn; who has no way on one is asked for the next.

    `starting` are those who begin with a leg: the state's columns (visit and until_at being the Send's) and contact_id.
    """
    passed_on = None
    for leg, channel in enumerate(step.channels, start=1):
        asking = _together(passing, passed_on, starting.get(leg))
        passed_on = None
        if asking is None:
            continue
        everybody, allowed, verdicts = passing.gate.ask(Asked(step, channel, leg), asking)
        _plan(passing, version, step, channel, leg, allowed)
        if verdicts is None:
            yield Leg(allowed)
            continue
        _refuse(passing, version, step, leg, verdicts)
        deferred = _where(passing, verdicts, "until_at IS NOT NULL")
        last = leg == len(step.channels)
        ended = _where(passing, verdicts, "until_at IS NULL" + ("" if last else f" AND reason NOT IN {NEXT_LEG}"))
        yield Leg(allowed, True, _later(passing, everybody, deferred), _state(passing, everybody, ended))
        if not last:
            passed_on = _state(passing, everybody, _where(passing, verdicts, f"until_at IS NULL AND reason IN {NEXT_LEG}"))
            passed_on = passed_on if passing.engine.count(passed_on) else None


def _together(passing, passed_on: str | None, starting: str | None) -> str | None:
    """Who is asked for a leg, None for nobody: those passed on from the one before, and those who begin with it."""
    if not passed_on or not starting:
        return passed_on or starting
    view = passing.moving.name("asking")
    passing.engine.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM {passed_on} UNION ALL SELECT * FROM {starting}")
    return view


def _plan(passing, version: Version, step: Step, channel: str, leg: int, allowed: str) -> None:
    """The touches of one leg: a part and its batches."""
    engine, moving = passing.engine, passing.moving
    planned = allowed
    alike = _alike(engine, planned)
    rows = sum(many for *_, many in alike)
    if not rows:
        return
    _assert_new(passing, step, leg, planned, rows)
    touches = moving.name("touches")
    # Those deferred earlier have earlier latest moments: each batch holds touches of one, so that none ages with another;
    # and of one wave, so that a wave can be stopped. An enrolment's number begins with its wave.
    order = " ORDER BY until_at, enrolment_id" if len(alike) > 1 else ""
    engine.execute(f"""
        CREATE OR REPLACE TEMP VIEW {touches} AS
        SELECT enrolment_id, visit, {leg}::SMALLINT AS leg, (seq + 1)::SMALLINT AS seq FROM {planned}{order}""")
    connector = passing.house.channels[channel]
    position = passing.commit.add(
        "touches", touches, slice=passing.slice, rows=rows, chain=passing.chain, version=version.id, to_step=step.name,
        channel=channel, purpose=step.purpose, connector=connector, cost=passing.house.costs[channel])
    size = batch_size(passing.rates.get(connector))
    passing.commit.within(lambda tx, numbers: tx.execute(sa.insert(schema.batch), [
        {"part": numbers[position], "first_row": first, "rows": many, "slice": passing.slice,
         "chain": passing.chain, "step": step.name, "connector": connector, "run": passing.run, "wave": wave,
         "state": "planned", "at_latest": at_latest, "not_before": None, "attempt": 0}
        for first, many, at_latest, wave in _ranges(alike, size)]))
    passing.expect_account()
    passing.gate.planned_now.append((planned, step.name, channel, step.purpose))
    passing.tally.count(passing.tally.planned, step.name, rows)


def _assert_new(passing, step: Step, leg: int, planned: str, rows: int) -> None:
    """No touch is planned twice: not in this plan, and not beside an earlier one. The last line of defence."""
    part = schema.part
    before = passing.parts("touches", part.c.chain == passing.chain, part.c.to_step == step.name)
    distinct = passing.engine.distinct(planned, "enrolment_id", rows)
    again = before and passing.engine.value(f"""
        SELECT count(*) FROM ({passing.query_of("touches", "touched_before", before)}) AS t JOIN {planned} AS p
          ON p.enrolment_id = t.enrolment_id AND p.visit = t.visit AND t.leg = {leg}""")
    if distinct != rows or again:
        raise TouchTwice(f"{passing.current.name}, {step.name}: {rows - distinct} touches stand twice in this plan and "
                         f"{again} were planned before. Nothing was committed; this is a defect, please report it.")


class TouchTwice(AssertionError):
    """A plan holds a touch a second time; it is never committed."""


def _alike(engine, planned: str) -> list[tuple]:
    """(Latest moment, wave, touches) of those planned. Mostly there is one of each, which the least and the greatest tell."""
    found = engine.execute(f"""
        SELECT until_at, min(enrolment_id) >> 36, count(*), max(enrolment_id) >> 36 FROM {planned}
        GROUP BY until_at ORDER BY until_at""")
    if all(first == last for _, first, _, last in found):
        return [row[:3] for row in found]
    return engine.execute(f"""
        SELECT until_at, enrolment_id >> 36 AS wave, count(*) FROM {planned} GROUP BY ALL ORDER BY until_at, wave""")


def _ranges(alike: list[tuple], size: int) -> Iterator[tuple]:
    """Batches as (first row, rows, latest moment, wave) of touches in the order of their latest moments and waves."""
    start = 0
    for at_latest, wave, rows in alike:
        for first in range(start, start + rows, size):
            yield first, min(size, start + rows - first), at_latest, wave
        start += rows


def batch_size(rate: float | None) -> int:
    """Touches in one batch of a connector that takes so many a second."""
    return max(1, min(BATCH, int(rate * 60))) if rate else BATCH


def _refuse(passing, version: Version, step: Step, leg: int, verdicts: str) -> None:
    rows = passing.moving.name("refused_rows")
    passing.engine.execute(f"""
        CREATE OR REPLACE TEMP VIEW {rows} AS
        SELECT enrolment_id, visit, {leg}::SMALLINT AS leg, reason, rule, value, limit_value, until_at FROM {verdicts}""")
    passing.commit.add("refusals", rows, slice=passing.slice, chain=passing.chain, version=version.id,
                       to_step=step.name, reason="plan")
    for reason, many in passing.engine.execute(f"SELECT reason, count(*) FROM {verdicts} GROUP BY reason"):
        passing.tally.count(passing.tally.refused, (step.name, reason), many)


def _where(passing, verdicts: str, condition: str) -> str:
    view = passing.moving.name("some")
    passing.engine.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM {verdicts} WHERE {condition}")
    return view


def _state(passing, everybody: str, chosen: str) -> str:
    """The state rows of those chosen of everybody who was asked."""
    view = passing.moving.name("state")
    passing.engine.execute(f"""
        CREATE OR REPLACE TEMP VIEW {view} AS
        SELECT {ASKED} FROM {everybody} AS a SEMI JOIN {chosen} AS c ON c.enrolment_id = a.enrolment_id""")
    return view


def _later(passing, everybody: str, deferred: str) -> str:
    """The state rows of those deferred, due when the rule lets them."""
    view = passing.moving.name("later")
    passing.engine.execute(f"""
        CREATE OR REPLACE TEMP VIEW {view} AS
        SELECT a.* REPLACE (d.until_at AS due_at)
        FROM {everybody} AS a JOIN {deferred} AS d ON d.enrolment_id = a.enrolment_id""")
    return view
