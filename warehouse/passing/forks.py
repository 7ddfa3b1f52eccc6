"""Split, Experiment, Assign and the rests: the steps of a pass that only choose a way."""

import pyarrow as pa

from marketing.chance import cuts, experiment_salt, salt32
from marketing.graph import Step
from warehouse import schema
from warehouse.engine import parameters
from warehouse.passing.literals import literal
from warehouse.passing.moving import ON
from warehouse.versions import Version

__all__ = ["pass_assign", "pass_experiment", "pass_rest", "pass_split"]

#: The rep of those for whom the query knows none: they are reported, never lost.
NOBODY = "default"


def due_at(passing, here: str) -> str:
    """A table of those due at a step now, with contact_id."""
    due = passing.moving.name("due")
    passing.engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE {due} AS SELECT *, enrolment_id & 68719476735 AS contact_id
        FROM {here} WHERE due_at <= {literal(passing.as_of)}""")
    return due


def pass_rest(passing, version: Version, step: Step, here: str) -> int:
    """A delay or the holdout's window is over: go on."""
    return _all_go(passing, version, step, due_at(passing, here))


def pass_split(passing, version: Version, step: Step, here: str) -> int:
    """Take the branch of the first audience, in written order, that the contact is in."""
    engine, moving = passing.engine, passing.moving
    left, moved = due_at(passing, here), 0
    for audience in step.audiences:
        if not engine.count(left):
            return moved
        members = _members(passing, version, audience, left)
        chosen, rest = moving.name("chosen"), moving.name("rest")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {chosen} AS SELECT l.* FROM {left} AS l "
                       f"SEMI JOIN {members} AS m ON m.wave = l.enrolment_id >> 36 AND m.contact_id = l.contact_id")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {rest} AS SELECT l.* FROM {left} AS l "
                       f"ANTI JOIN {chosen} AS c ON c.enrolment_id = l.enrolment_id")
        moved += passing.moving.take_first_open(version, _edges(version, step, audience), chosen, ON)
        left = rest
    return moved + passing.moving.take_first_open(version, _edges(version, step, "otherwise"), left, ON)


def _members(passing, version: Version, audience: str, left: str) -> str:
    """A table (wave, contact_id) of who is in an audience, asked once per set of wave parameters."""
    engine, members = passing.engine, passing.moving.name("members")
    query = version.queries[audience]
    passing.snapshot.prepare(query)
    waves = [row[0] for row in engine.execute(f"SELECT DISTINCT enrolment_id >> 36 FROM {left}")]
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {members} (wave BIGINT, contact_id BIGINT)")
    asked: dict[str, list[int]] = {}
    for wave, params in passing.wave_params(waves).items():
        asked.setdefault(params if parameters(query) - {"as_of"} else "{}", []).append(wave)
    for params, of_waves in asked.items():
        values = passing.query_values(params)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {members}_asked AS {query}", **values)
        engine.register(f"{members}_waves", pa.table({"wave": pa.array(of_waves, pa.int64())}))
        engine.execute(f"INSERT INTO {members} SELECT w.wave, a.contact_id FROM {members}_asked AS a, {members}_waves AS w")
    return members


def pass_experiment(passing, version: Version, step: Step, here: str) -> int:
    """Draw a variant by chance: the same contact draws the same at every visit."""
    engine, moving = passing.engine, passing.moving
    due, moved, lower = due_at(passing, here), 0, 0.0
    salt = salt32(experiment_salt(version.name, step.name))
    for variant, upper in cuts(step.shares):
        drawn = moving.name("drawn")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {drawn} AS SELECT * FROM {due} "
                       f"WHERE draw({salt}, contact_id) >= $lower::DOUBLE AND draw({salt}, contact_id) < $upper::DOUBLE",
                       lower=lower, upper=upper)
        moved += passing.moving.take_first_open(version, _edges(version, step, variant), drawn, ON)
        lower = upper
    return moved


def pass_assign(passing, version: Version, step: Step, here: str) -> int:
    """Give each contact a rep the query offers, one that this enrolment has not had; the same on every retry."""
    engine, moving, part = passing.engine, passing.moving, schema.part
    due = due_at(passing, here)
    if not engine.count(due):
        return 0
    query = version.queries[step.to]
    passing.snapshot.prepare(query)
    offers, chosen = moving.name("offers"), moving.name("assigned")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {offers} AS {query}", **passing.query_values("{}"))
    passing.scan("assignments", "had", part.c.chain == passing.chain, part.c.to_step == step.name)
    engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE {chosen} AS
        SELECT d.enrolment_id, d.visit,
               coalesce(arg_min(o.rep, (h.rep IS NOT NULL, md5(d.contact_id || o.rep), o.rep)),
                        '{NOBODY}') AS rep
        FROM {due} AS d
        LEFT JOIN {offers} AS o ON o.contact_id = d.contact_id
        LEFT JOIN had AS h ON h.enrolment_id = d.enrolment_id AND h.rep = o.rep
        GROUP BY d.enrolment_id, d.visit""")
    passing.commit.add("assignments", chosen, slice=passing.slice, chain=passing.chain, to_step=step.name)
    return _all_go(passing, version, step, due)


def _all_go(passing, version: Version, step: Step, due: str) -> int:
    return passing.moving.take_first_open(version, list(version.graph.out(step.name)), due, ON)


def _edges(version: Version, step: Step, on: str) -> list:
    return [edge for edge in version.graph.out(step.name) if edge.on == on]
