-- One row per planned touch: enrolment, step, visit and leg.
SELECT c.name AS chain, v.number AS version, t.enrolment_id >> 36 AS wave, t.enrolment_id,
       t.enrolment_id & 68719476735 AS contact_id, t.step, t.visit, t.leg, t.channel, t.purpose, t.connector,
       t.planned_at, t.cost, t.run
FROM raw_touches AS t
JOIN ledger_chains AS c ON c.id = t.chain
JOIN ledger_versions AS v ON v.id = t.version
