"""Goals and exits, now: whoever has reached the goal or must leave does so out of any step."""

import pyarrow as pa
import sqlalchemy as sa

from marketing import calendar
from marketing.gate import GROUNDS, consent_bit
from marketing.responses import PURCHASED
from warehouse import schema
from warehouse.passing.literals import BOUGHT, literal
from warehouse.versions import Version

__all__ = ["settle"]


def settle(passing) -> int:
    """Move out those with a goal, an exit response or a suppression listed since the last pass; returns how many."""
    engine, part = passing.engine, schema.part
    if not any(resting.residents for resting in passing.resting.values()):
        return 0
    since = part.c.place > passing.mark
    kinds = {v.graph.goal.kind if edge.on == "goal" else edge.on for v in passing.versions for edge in v.graph.out("*")}
    listed = passing.parts(("responses", "suppressions", "consents") + (("orders",) if PURCHASED in kinds else ()), since)
    if not listed:
        return 0
    heard = {tbl: passing.query_of(tbl, f"settle_{tbl}", [p for p in listed if p.tbl == tbl])
             for tbl in ("responses", "orders", "suppressions", "consents")}
    engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE signals AS
        SELECT contact_id, kind, happened_at FROM ({heard["responses"]}) AS r WHERE NOT machine
        UNION ALL
        SELECT contact_id, '{PURCHASED}', ordered_at FROM ({heard["orders"]}) AS o WHERE {BOUGHT}
        UNION ALL
        SELECT contact_id, 'suppressed', NULL::TIMESTAMP FROM ({heard["suppressions"]}) AS s
        WHERE contact_id IS NOT NULL AND channel IS NULL AND (purpose IS NULL OR purpose = 'all')
          AND from_at <= {literal(passing.as_of)} AND (until_at IS NULL OR until_at > {literal(passing.as_of)})""")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE settle_consents AS SELECT contact_id FROM ({heard['consents']}) AS c")
    withdrawn = engine.count("settle_consents")
    if not engine.count("signals") and not withdrawn:
        return 0
    engine.execute("CREATE OR REPLACE TEMP TABLE leaving (version BIGINT, step VARCHAR, rank INTEGER, enrolment_id BIGINT,"
                   " seq SMALLINT, visit SMALLINT, since SMALLINT, passed SMALLINT, planned SMALLINT, fresh SMALLINT)")
    for version in passing.versions:
        _gather(passing, version)
        if withdrawn:
            _gather_unreachable(passing, version)
    left = engine.count("leaving")
    if left:
        passing.leave_now("leaving")
        for version in passing.versions:
            _leave(passing, version)
    return left


def _gather(passing, version: Version) -> None:
    """Who of a version has a reason to leave, and the first of them in order: the goal, then the exits as written."""
    engine, graph = passing.engine, version.graph
    edges = graph.out("*")
    engine.register("reasons", pa.table({
        "kind": pa.array([graph.goal.kind if e.on == "goal" else e.on for e in edges], pa.string()),
        "rank": pa.array([e.rank for e in edges], pa.int32()),
        "windowed": pa.array([e.on == "goal" for e in edges], pa.bool_()),
    }))
    for (version_id, step), resting in list(passing.resting.items()):
        if version_id != version.id or not resting.residents:
            continue
        residents = passing.residents(version.id, step)
        engine.execute("CREATE OR REPLACE TEMP TABLE near AS "
                       f"SELECT r.* FROM {residents} AS r WHERE r.enrolment_id & 68719476735 IN (SELECT contact_id FROM signals)")
        if not engine.count("near"):
            continue
        _windows(passing, version)
        engine.execute(f"""
            INSERT INTO leaving
            SELECT {version.id}, '{step}', min(e.rank), n.enrolment_id, any_value(n.seq), any_value(n.visit),
                   any_value(n.since), any_value(n.passed), any_value(n.planned), 0
            FROM near AS n
            JOIN signals AS s ON s.contact_id = n.enrolment_id & 68719476735
            JOIN reasons AS e ON e.kind = s.kind
            JOIN windows AS w ON w.wave = n.enrolment_id >> 36
            WHERE (s.happened_at > w.enrolled_at OR s.happened_at IS NULL) AND (NOT e.windowed OR s.happened_at <= w.closes_at)
            GROUP BY n.enrolment_id""")


def _gather_unreachable(passing, version: Version) -> None:
    """Who has said something of consent since the last pass and can be reached by no Send that is still ahead."""
    engine, graph = passing.engine, version.graph
    rank = next(edge.rank for edge in graph.out("*") if edge.on == "no_consent_left")
    for (version_id, step), resting in list(passing.resting.items()):
        ahead = graph.reaches.get(step, ()) if version_id == version.id and resting.residents else ()
        if not ahead:
            continue
        sends = [graph.step(name) for name in ahead]
        permitted = " OR ".join(sorted({_permitted(channel, send.purpose) for send in sends for channel in send.channels}))
        engine.execute(f"""
            INSERT INTO leaving
            SELECT {version.id}, '{step}', {rank}, r.enrolment_id, r.seq, r.visit, r.since, r.passed, r.planned, 0
            FROM {passing.residents(version.id, step)} AS r
            JOIN {passing.standing()} AS s ON s.contact_id = r.enrolment_id & 68719476735
            WHERE s.contact_id IN (SELECT contact_id FROM settle_consents) AND NOT ({permitted})
              AND r.enrolment_id NOT IN (SELECT enrolment_id FROM leaving)""")


def _permitted(channel: str, purpose: str) -> str:
    """SQL over `standing`: whether there is a ground for a purpose on a channel (the rule `consent` of the gate)."""
    grounds, bit = GROUNDS[channel, purpose], consent_bit(channel, purpose)
    if "always" in grounds:
        return "true"
    given = [f"s.granted & {bit}::UINTEGER <> 0"]
    given += ["s.customer"] if "customer" in grounds else []
    given += ["true"] if "no_objection" in grounds else []
    return f"(s.refused & {bit}::UINTEGER = 0 AND ({' OR '.join(given)}))"


def _windows(passing, version: Version) -> None:
    """The table `windows`: when each wave near was enrolled, and when its goal's window closes."""
    waves = [row[0] for row in passing.engine.execute("SELECT DISTINCT enrolment_id >> 36 FROM near")]
    with passing.warehouse.ledger.read() as tx:
        rows = tx.execute(sa.select(schema.wave.c.id, schema.wave.c.enrolled_at).where(schema.wave.c.id.in_(waves))).all()
    goal, zone = version.graph.goal, passing.house.zone
    closes = [calendar.add(at, goal.within, zone) if goal else None for _, at in rows]
    instant = pa.timestamp("us")
    passing.engine.register("windows", pa.table({
        "wave": pa.array([n for n, _ in rows], pa.int64()), "enrolled_at": pa.array([at for _, at in rows], instant),
        "closes_at": pa.array(closes, instant)}))


def _leave(passing, version: Version) -> None:
    edges = {edge.rank: edge for edge in version.graph.out("*")}
    groups = passing.engine.execute(f"SELECT DISTINCT step, rank FROM leaving WHERE version = {version.id} ORDER BY ALL")
    for step, rank in groups:
        source = passing.moving.name("settled")
        passing.engine.execute(f"CREATE OR REPLACE TEMP TABLE {source} AS SELECT * FROM leaving "
                               f"WHERE version = {version.id} AND step = $step AND rank = $rank", step=step, rank=rank)
        passing.moving.take(version, edges[rank], source, of=step)
